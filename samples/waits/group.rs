// SPDX-License-Identifier: GPL-2.0

//! Wait for any object of a list.
//!
//! C: `dma_fence_wait_any_timeout()`: a callback on each object, and its removal from each afterwards
//! Rust: `.on_any_of(&mut group, |request| &request.done)`
//! Not any more: a callback that is left on an object; an object that is freed while it is waited for; an index of a list
//! that has changed meanwhile
//!
//! ```c
//! for (i = 0; i < count; ++i) {
//!         cb[i].task = current;
//!         if (dma_fence_add_callback(fences[i], &cb[i].base, wake))
//!                 goto remove;    /* this one is done */
//! }
//! while (ret > 0) {
//!         set_current_state(TASK_INTERRUPTIBLE);
//!         if (any_is_done(fences, count, &i) || signal_pending(current))
//!                 break;
//!         ret = schedule_timeout(ret);
//! }
//! __set_current_state(TASK_RUNNING);
//! remove:
//! while (i-- > 0)
//!         dma_fence_remove_callback(fences[i], &cb[i].base);
//! ```

use baton::{
    event::{
        Group,
        Killable,
        Tied, //
    },
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};

#[pin_data]
struct Request {
    #[pin]
    done: Tied<bool>,
}

type Requests = Mutex<KVec<Arc<Request>>>;

fn first(list: &Requests, cx: &mut MaySleep) -> Result<Arc<Request>> {
    let mut group = Group::with_capacity(16, GFP_KERNEL)?;
    let held = list.lock_in(cx);
    // The group has a reference to each, whatever becomes of the list.
    for request in held.iter() {
        group.push(request.clone()).map_err(|_| E2BIG)?;
    }
    let (which, ()) = held
        .on_any_of(&mut group, |request| &request.done)?
        .until(|done| *done)
        .wait(Killable)?;
    group.remove(which).ok_or(ENOENT)
}

#[kunit_tests(baton_waits_group)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::new_mutex;

    #[test]
    fn the_one_that_is_done_is_returned() -> Result {
        let cx = &mut MaySleep::assert();
        let list = Arc::pin_init(new_mutex!(KVec::new()), GFP_KERNEL)?;
        let lock: &Requests = &list;
        for _ in 0..3 {
            let request = pin_init!(Request { done <- Tied::new(lock, new_event!(false)) });
            let request = Arc::pin_init(request, GFP_KERNEL)?;
            lock.lock_in(cx).push(request, GFP_KERNEL)?;
        }
        let second = list.lock_in(cx)[1].clone();
        let got = told(
            cx,
            &list,
            first,
            |list, cx| {
                let mut held = list.lock_in(cx);
                let request = held[2].clone();
                let waiters = held.tied(&request.done).map_or(0, |done| done.waiters());
                waiters
            },
            |list, cx| {
                let mut held = list.lock_in(cx);
                if let Ok(done) = held.tied(&second.done) {
                    done.update(|done| *done = true);
                }
            },
        )?;
        assert!(got.is_ok_and(|got| Arc::ptr_eq(&got, &second)));
        Ok(())
    }
}
