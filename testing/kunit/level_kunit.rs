// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`level`](baton::level): locks that are tried under others.
//!
//! That what is out of order does not compile is for `testing/compile-fail/level/`. What lockdep
//! has to know afterwards stands in `lockdep-edges.txt`.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    level::levels,
    MaySleep,
    Ordered, //
    Thread,
};
use kernel::{
    new_mutex, new_spinlock, new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex,
        SpinLock,
        SpinLockIrq, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

suite!("level_kunit", "KUnit suite of baton's levels");

levels! {
    mod order {
        Outer,
        Taken,
        Tried,
        TriedSpin,
        TriedIrq,
    }
}

#[pin_data]
struct Locks {
    #[pin]
    outer: Ordered<order::Outer, Mutex<u32>>,
    #[pin]
    taken: Ordered<order::Taken, Mutex<u32>>,
    #[pin]
    tried: Ordered<order::Tried, Mutex<u32>>,
    #[pin]
    tried_spin: Ordered<order::TriedSpin, SpinLock<u32>>,
    #[pin]
    tried_irq: Ordered<order::TriedIrq, SpinLockIrq<u32>>,
    #[pin]
    plain: Mutex<u32>,
    step: Atomic<u32>,
}

impl Locks {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                outer <- Ordered::new(new_mutex!(0, "level_kunit_outer")),
                taken <- Ordered::new(new_mutex!(0, "level_kunit_taken")),
                tried <- Ordered::new(new_mutex!(0, "level_kunit_tried")),
                tried_spin <- Ordered::new(new_spinlock!(0, "level_kunit_tried_spin")),
                tried_irq <- Ordered::new(new_spinlock_irq!(0, "level_kunit_tried_irq")),
                plain <- new_mutex!(0, "level_kunit_plain"),
                step: Atomic::new(0),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// Waits for a step that is sure to come, for two seconds at most.
    fn reaches(&self, step: u32) -> bool {
        for _ in 0..20_000 {
            if self.step.load(Relaxed) >= step {
                return true;
            }
            fsleep(Delta::from_micros(100));
        }
        false
    }
}

#[kunit_tests(baton_level)]
mod tests {
    use super::*;

    /// The edges from `outer` are what `lockdep-edges.txt` is about.
    #[test]
    fn what_is_free_is_had_by_trying() -> Result {
        let cx = &mut MaySleep::assert();
        let locks = Locks::new()?;
        let mut outer = locks.outer.lock_in(cx);
        let (_, cx) = outer.inner();
        drop(locks.taken.lock_in(cx));
        let tried = locks.tried.try_lock_in(cx).is_some();
        let tried_spin = locks.tried_spin.try_lock_in(cx).is_some();
        let tried_irq = locks.tried_irq.try_lock_in(cx).is_some();
        // The kernel crate's own, of which lockdep takes no notice.
        let plain = locks.plain.try_lock().is_some();
        drop(outer);
        assert!(tried);
        assert!(tried_spin);
        assert!(tried_irq);
        assert!(plain);
        Ok(())
    }

    #[test]
    fn what_is_held_is_not_had_by_trying() -> Result {
        let cx = &mut MaySleep::assert();
        let locks = Locks::new()?;
        let theirs = locks.clone();
        let thread = Thread::spawn(cx, c"level_kunit", move |cx, _| {
            let held = theirs.tried.lock_in(cx);
            theirs.step.store(1, Relaxed);
            theirs.reaches(2);
            drop(held);
        })?;
        let there = locks.reaches(1);
        let while_held = locks.tried.try_lock_in(cx).is_some();
        locks.step.store(2, Relaxed);
        let _ = thread.join(cx);
        let afterwards = locks.tried.try_lock_in(cx).is_some();
        assert!(there);
        assert!(!while_held);
        assert!(afterwards);
        Ok(())
    }
}
