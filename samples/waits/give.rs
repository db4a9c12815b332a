// SPDX-License-Identifier: GPL-2.0

//! Wait for room for something that one has, and keep it if a signal comes first.
//!
//! C: `wait_event_interruptible()` for room in a `kfifo`, `kfifo_put()`, and `kfree()` on `-ERESTARTSYS`
//! Rust: `.give(item)..when(|items| items.len() < items.capacity()`
//! Not any more: an item that is in the queue and is freed, or that is in neither place; a look after the wake-up that
//! finds the queue full again; a destructor that runs under the lock
//!
//! ```c
//! spin_lock(&queue->lock);
//! while (!kfifo_put(&queue->items, item)) {
//!         spin_unlock(&queue->lock);
//!         if (wait_event_interruptible(queue->room, !kfifo_is_full(&queue->items)))
//!                 return -ERESTARTSYS;    /* the item is the caller's, still */
//!         spin_lock(&queue->lock);
//! }
//! spin_unlock(&queue->lock);
//! ```

use baton::{
    event::{
        GiveError,
        Interruptible,
        WaitError, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Mutex, //
};

type Item = KBox<u32>;

#[pin_data]
struct Queue {
    #[pin]
    items: Event<KVec<Item>>,
}

// The error has the item.
fn put(
    queue: &Mutex<Queue>,
    cx: &mut MaySleep,
    item: Item,
) -> Result<(), GiveError<Item, WaitError>> {
    queue
        .lock_in(cx)
        .on(|queue| &queue.items)
        .give(item)
        .when(
            |items| items.len() < items.capacity(),
            |items, item| items.push_within_capacity(item.take()),
        )
        .wait(Interruptible)
        .map(drop)
}

#[kunit_tests(baton_waits_give)]
mod tests {
    use super::*;
    use crate::{
        suite::until,
        Sleeper, //
    };
    use baton::new_event;
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    /// Puts the second item in; returns what comes back.
    fn second(queue: &Mutex<Queue>, cx: &mut MaySleep) -> Option<u32> {
        let item = KBox::new(2, GFP_KERNEL).ok()?;
        put(queue, cx, item).err().map(|refused| *refused.item)
    }

    #[test]
    fn it_is_in_the_queue_or_comes_back() -> Result {
        let cx = &mut MaySleep::assert();
        for (signal, back, last) in [(false, None, Some(2)), (true, Some(2), Some(1))] {
            let items = KVec::with_capacity(1, GFP_KERNEL)?;
            let room = items.capacity();
            let queue = Arc::pin_init(
                new_mutex!(pin_init!(Queue { items <- new_event!(items) })),
                GFP_KERNEL,
            )?;
            for _ in 0..room {
                put(&queue, cx, KBox::new(1, GFP_KERNEL)?)?;
            }
            let sleeper = Sleeper::start(cx, &queue, second)?;
            let asleep = until(|| queue.lock_in(cx).items.waiters() == 1);
            if signal {
                sleeper.thread().interrupt();
            } else {
                queue
                    .lock_in(cx)
                    .update(|queue| queue.project().items, |items| drop(items.pop()));
            }
            let came_back = sleeper.end(cx)?;
            let in_it = queue.lock_in(cx).items.last().map(|item| **item);
            assert!(asleep);
            assert_eq!((came_back, in_it), (back, last));
        }
        Ok(())
    }
}
