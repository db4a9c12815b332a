// SPDX-License-Identifier: GPL-2.0

//! Have a function run when it comes, and no task wait.
//!
//! C: DEFINE_WAIT_FUNC, init_wait_func, init_waitqueue_func_entry, default_wake_function
//! Rust: `Callback::new(..move |raised, cx|..)`
//! Not any more: an entry that is freed while its function runs; a function that sleeps under the lock of the queue; a queue
//! that goes first; a function that runs after its module
//!
//! ```c
//! static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
//! {
//!         struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
//!
//!         schedule_work(&irqfd->inject);  /* the lock of the queue is held */
//!         return 0;
//! }
//!
//! init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
//! add_wait_queue(irqfd->wqh, &irqfd->wait);
//!
//! remove_wait_queue(irqfd->wqh, &irqfd->wait);
//! flush_work(&irqfd->inject);
//! kfree(irqfd);
//! ```

use baton::{
    event::{
        when,
        Callback, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use core::mem;
use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex,
        SpinLock, //
    },
};

#[pin_data]
struct Line {
    #[pin]
    raised: Event<u32>,
}

/// How many interrupts a guest has seen.
type Guest = Mutex<Event<u32>>;

fn wire(cx: &mut MaySleep, line: &Arc<SpinLock<Line>>, guest: Arc<Guest>) -> Result<Callback> {
    Callback::new(
        cx,
        c"irqfd",
        line.clone(),
        |line| line,
        |line| &line.raised,
        when(|raised: &u32| *raised > 0, mem::take),
        // In a worker, which may sleep, with nothing held; an error if the line is gone.
        move |raised, cx| {
            let raised = raised.unwrap_or(0);
            guest.lock_in(cx).as_mut().update(|seen| *seen += raised);
        },
    )
}

fn raise(line: &SpinLock<Line>, cx: &mut MaySleep) {
    line.lock_in(cx)
        .update(|line| line.project().raised, |raised| *raised += 1);
}

fn unwire(irqfd: Callback, cx: &mut MaySleep) -> Result {
    // It has run, or never will, when this returns.
    irqfd.withdraw(cx)?;
    Ok(())
}

#[kunit_tests(baton_waits_callback)]
mod tests {
    use super::*;
    use crate::told;
    use baton::{
        event::Killable,
        new_event, //
    };
    use kernel::sync::{
        new_mutex,
        new_spinlock, //
    };

    type Shared = (Arc<SpinLock<Line>>, Arc<Guest>);

    fn shared() -> Result<Arc<Shared>> {
        let line = new_spinlock!(pin_init!(Line { raised <- new_event!(0) }));
        let line = Arc::pin_init(line, GFP_KERNEL)?;
        let guest = Arc::pin_init(new_mutex!(new_event!(0)), GFP_KERNEL)?;
        Ok(Arc::new((line, guest), GFP_KERNEL)?)
    }

    #[test]
    fn the_guest_sees_the_interrupt() -> Result {
        let cx = &mut MaySleep::assert();
        let shared = shared()?;
        let irqfd = wire(cx, &shared.0, shared.1.clone())?;
        let seen = told(
            cx,
            &shared,
            |shared, cx| {
                let wait = shared.1.lock_in(cx).on(|seen| seen);
                wait.when(|seen| *seen > 0, mem::take).wait(Killable)
            },
            |shared, cx| shared.1.lock_in(cx).waiters(),
            |shared, cx| raise(&shared.0, cx),
        )?;
        unwire(irqfd, cx)?;
        assert_eq!(seen, Ok(1));
        Ok(())
    }

    #[test]
    fn nothing_runs_once_it_is_withdrawn() -> Result {
        let cx = &mut MaySleep::assert();
        let shared = shared()?;
        let irqfd = wire(cx, &shared.0, shared.1.clone())?;
        let waited = shared.0.lock_in(cx).raised.waiters();
        unwire(irqfd, cx)?;
        raise(&shared.0, cx);
        let held = shared.0.lock_in(cx);
        let (waits, raised) = (held.raised.waiters(), *held.raised);
        drop(held);
        let seen = **shared.1.lock_in(cx);
        assert_eq!((waited, waits, raised, seen), (1, 0, 1, 0));
        Ok(())
    }
}
