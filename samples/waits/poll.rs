// SPDX-License-Identifier: GPL-2.0

//! Wake those who poll as well.
//!
//! C: wake_up_poll, wake_up_locked_poll, wake_up_poll_on_current_cpu, wake_up_interruptible_poll,
//! wake_up_interruptible_sync_poll, wake_up_interruptible_sync_poll_locked, wake_up_pollfree, poll_to_key, key_to_poll
//! Rust: `table.watch(cx, queue, |queue| &queue.bytes, |bytes| ..)`
//! Not any more: a change that readers are woken for and pollers are not; the wrong bits; a queue that is freed under an `epoll`
//! because `wake_up_pollfree()` was forgotten
//!
//! ```c
//! poll_wait(file, &queue->wait, table);
//! return READ_ONCE(queue->bytes) ? EPOLLIN | EPOLLRDNORM : 0;
//!
//! queue->bytes += more;
//! wake_up_interruptible_poll(&queue->wait, EPOLLIN | EPOLLRDNORM);
//! ```

use baton::{
    poll::{
        Mask,
        Source,
        Table, //
    },
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Mutex, //
};

#[pin_data]
struct Queue {
    #[pin]
    bytes: Source<usize>,
}

/// The `poll` of a file.
fn poll(queue: &Mutex<Queue>, cx: &mut MaySleep, table: &Table<'_>) -> Mask {
    table.watch(
        cx,
        queue,
        |queue| &queue.bytes,
        |bytes| Mask::when(*bytes > 0, Mask::IN),
    )
}

fn write(queue: &Mutex<Queue>, cx: &mut MaySleep, more: usize) {
    let mut held = queue.lock_in(cx);
    held.as_mut().project().bytes.update(|bytes| *bytes += more);
}

#[kunit_tests(baton_waits_poll)]
mod tests {
    use super::*;
    use baton::{
        new_source,
        testing::Poller, //
    };
    use kernel::sync::new_mutex;

    #[test]
    fn who_polls_is_woken_by_the_change() -> Result {
        let cx = &mut MaySleep::assert();
        let queue: Pin<KBox<Mutex<Queue>>> = KBox::pin_init(
            new_mutex!(pin_init!(Queue { bytes <- new_source!(0) })),
            GFP_KERNEL,
        )?;
        let mut poller = Poller::new(cx)?;
        let before = poller.ask(cx, |cx, table| poll(&queue, cx, table));
        write(&queue, cx, 7);
        let woken = poller.woken();
        let after = poller.ask(cx, |cx, table| poll(&queue, cx, table));
        assert_eq!((before, woken, after), (Mask::NONE, 1, Mask::IN));
        Ok(())
    }
}
