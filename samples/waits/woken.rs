// SPDX-License-Identifier: GPL-2.0

//! Look at something that takes sleeping to look at, and wait until it has changed.
//!
//! C: wait_woken, woken_wake_function
//! Rust: `.until(move |changes| *changes != seen)`
//! Not any more: a change between the look and the sleep, which the flag of one entry remembers in C, if the entry was on the
//! queue before the look, and with the right function
//!
//! ```c
//! DEFINE_WAIT_FUNC(wait, woken_wake_function);
//!
//! add_wait_queue(&sock->wait, &wait);
//! while (!look(sock))                /* may sleep */
//!         wait_woken(&wait, TASK_INTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
//! remove_wait_queue(&sock->wait, &wait);
//! ```

use baton::{
    event::Interruptible,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Mutex, //
};

#[pin_data]
struct Socket {
    /// How often what is looked at has changed.
    #[pin]
    changes: Event<u64>,
}

fn wait(
    socket: &Mutex<Socket>,
    cx: &mut MaySleep,
    mut look: impl FnMut(&mut MaySleep) -> bool,
) -> Result {
    loop {
        let seen = *socket.lock_in(cx).changes;
        if look(cx) {
            return Ok(());
        }
        socket
            .lock_in(cx)
            .on(|socket| &socket.changes)
            .until(move |changes| *changes != seen)
            .wait(Interruptible)?;
    }
}

#[kunit_tests(baton_waits_woken)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn a_change_during_the_look_is_not_lost() -> Result {
        let cx = &mut MaySleep::assert();
        let socket = Arc::pin_init(
            new_mutex!(pin_init!(Socket { changes <- new_event!(0) })),
            GFP_KERNEL,
        )?;
        let got = told(
            cx,
            &socket,
            |socket, cx| {
                let mut looks = 0;
                let result = wait(socket, cx, |cx| {
                    looks += 1;
                    if looks == 1 {
                        socket
                            .lock_in(cx)
                            .update(|socket| socket.project().changes, |changes| *changes += 1);
                    }
                    looks == 3
                });
                (result, looks)
            },
            |socket, cx| socket.lock_in(cx).changes.waiters(),
            |socket, cx| {
                socket
                    .lock_in(cx)
                    .update(|socket| socket.project().changes, |changes| *changes += 1);
            },
        )?;
        assert_eq!(got, (Ok(()), 3));
        Ok(())
    }
}
