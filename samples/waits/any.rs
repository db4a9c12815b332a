// SPDX-License-Identifier: GPL-2.0

//! Wait for any of several of one kind.
//!
//! C: an array of `struct wait_queue_entry`, `add_wait_queue()` and `remove_wait_queue()` for each
//! Rust: `.on_any(|s| [&s.urgent, &s.normal])..when(|len| *len > 0, |len| *len -= 1)`
//! Not any more: an entry that is left on one of the queues; a condition that is forgotten in the loop; two of them served,
//! of which one answer is dropped
//!
//! ```c
//! for (i = 0; i < N; i++) {
//!         init_waitqueue_entry(&entries[i], current);
//!         add_wait_queue(&queues[i].wait, &entries[i]);
//! }
//! for (;;) {
//!         set_current_state(TASK_UNINTERRUPTIBLE);
//!         for (i = 0; i < N && !take_one(&queues[i]); i++)
//!                 ;
//!         if (i < N)
//!                 break;
//!         schedule();
//! }
//! __set_current_state(TASK_RUNNING);
//! for (j = 0; j < N; j++)
//!         remove_wait_queue(&queues[j].wait, &entries[j]);
//! return i;
//! ```

use baton::{
    event::{
        Closed,
        Uninterruptible, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Mutex, //
};

#[pin_data]
struct Queues {
    #[pin]
    urgent: Event<u32>,
    #[pin]
    normal: Event<u32>,
}

fn take(queues: &Mutex<Queues>, cx: &mut MaySleep) -> Result<usize, Closed> {
    // Of those that have some, the first.
    let (which, ()) = queues
        .lock_in(cx)
        .on_any(|s| [&s.urgent, &s.normal])
        .when(|len| *len > 0, |len| *len -= 1)
        .wait(Uninterruptible)?;
    Ok(which)
}

#[kunit_tests(baton_waits_any)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn whichever_comes_first_is_taken_from() -> Result {
        let cx = &mut MaySleep::assert();
        let queues = Arc::pin_init(
            new_mutex!(pin_init!(Queues { urgent <- new_event!(0), normal <- new_event!(0) })),
            GFP_KERNEL,
        )?;
        let normal = told(
            cx,
            &queues,
            take,
            |queues, cx| queues.lock_in(cx).urgent.waiters(),
            |queues, cx| {
                queues
                    .lock_in(cx)
                    .update(|queues| queues.project().normal, |len| *len += 1);
            },
        )?;
        let mut held = queues.lock_in(cx);
        held.update(|queues| queues.project().normal, |len| *len += 1);
        held.update(|queues| queues.project().urgent, |len| *len += 1);
        drop(held);
        let urgent = take(&queues, cx);
        let held = queues.lock_in(cx);
        let left = (*held.urgent, *held.normal);
        drop(held);
        assert_eq!((normal, urgent, left), (Ok(1), Ok(0), (0, 1)));
        Ok(())
    }
}
