// SPDX-License-Identifier: GPL-2.0

//! Whose obligation it is that is paid, if several tasks owe.

use super::look::{
    asleep,
    limited,
    mine,
    until, //
};
use baton::{
    drain::{
        new_drain,
        Drain,
        InFlight, //
    },
    registry,
    sink::{
        Context,
        Finish,
        TimerSink, //
    },
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc, //
    },
    time::{
        Delta,
        Instant,
        Monotonic, //
    },
};

/// A thread that waits until nothing is in flight.
pub(crate) fn drains(cx: &mut MaySleep, drain: &Arc<Drain>) -> Result<Thread> {
    let drain = drain.clone();
    Thread::spawn(cx, c"registry_kunit", move |cx, _| {
        if let Ok(mut shut) = drain.shut(cx, limited()) {
            let _ = shut.wait(limited());
        }
    })
}

/// A reference that is ended by a timer.
struct Older(InFlight);

impl<C: Context> Finish<C> for Older {
    fn finish(self, _cx: &mut C) {
        self.0.end();
    }
}

/// Looks without sleeping, so that interrupts come to this task; for ten seconds at most.
fn spin(there: impl Fn() -> bool) -> bool {
    let start = Instant::<Monotonic>::now();
    while !there() {
        if start.elapsed() > Delta::from_secs(10) {
            return false;
        }
        core::hint::spin_loop();
    }
    true
}

#[kunit_tests(baton_registry_pay)]
mod tests {
    use super::*;

    #[test]
    fn who_ends_pays_what_is_its_own() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("registry_kunit"), GFP_KERNEL)?;
        let kept = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        // The older one is theirs.
        let (theirs, go) = (drain.clone(), kept.clone());
        let owner = Thread::spawn(cx, c"registry_kunit", move |_, _| {
            let reference = theirs.try_begin();
            go.store(1, Release);
            until(|| go.load(Acquire) == 2);
            drop(reference);
        })?;
        let owner_pid = owner.task().pid();
        let begun = until(|| kept.load(Acquire) == 1);
        let own = drain.try_begin();
        let closer = drains(cx, &drain)?;
        let both = asleep(cx, &closer);
        drop(own);
        let one = asleep(cx, &closer);
        kept.store(2, Release);
        let _ = owner.join(cx);
        let _ = closer.join(cx);
        registry::switch(cx, false);

        assert!(begun);
        assert_eq!(both.ok_or(ENOENT)?.owed, 2);
        let one = one.ok_or(ENOENT)?;
        assert_eq!((one.owed, one.debtor), (1, owner_pid));
        Ok(())
    }

    #[test]
    fn who_ends_what_others_began_pays_the_oldest() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("registry_kunit"), GFP_KERNEL)?;
        let older = drain.try_begin();
        let (younger, line) = (drain.try_begin(), line!());
        let closer = drains(cx, &drain)?;
        let both = asleep(cx, &closer);
        // The younger one, but which of them it is nobody else can know.
        let ender = Thread::spawn(cx, c"registry_kunit", move |_, _| drop(younger))?;
        let _ = ender.join(cx);
        let one = asleep(cx, &closer);
        drop(older);
        let _ = closer.join(cx);
        registry::switch(cx, false);

        assert_eq!(both.ok_or(ENOENT)?.owed, 2);
        let one = one.ok_or(ENOENT)?;
        assert_eq!((one.owed, one.debtor), (1, mine()));
        assert_eq!(one.line, line);
        Ok(())
    }

    /// Of two of its own, too.
    #[test]
    fn who_ends_one_of_its_own_pays_the_older() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("registry_kunit"), GFP_KERNEL)?;
        let first = drain.try_begin();
        let second = drain.try_begin();
        let (third, line) = (drain.try_begin(), line!());
        let closer = drains(cx, &drain)?;
        let all = asleep(cx, &closer);
        drop(third);
        drop(second);
        let one = asleep(cx, &closer);
        drop(first);
        let _ = closer.join(cx);
        registry::switch(cx, false);

        assert_eq!(all.ok_or(ENOENT)?.owed, 3);
        let one = one.ok_or(ENOENT)?;
        assert_eq!((one.owed, one.debtor), (1, mine()));
        assert_eq!(one.line, line);
        Ok(())
    }

    /// From one place, it is who came last that is named; how many there are is said.
    #[test]
    fn of_several_at_one_place_the_last_is_named() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("registry_kunit"), GFP_KERNEL)?;
        let begin = |drain: &Arc<Drain>| drain.try_begin();
        let slot = Arc::pin_init(new_mutex!(None), GFP_KERNEL)?;
        let first = begin(&drain);
        let (theirs, into) = (drain.clone(), slot.clone());
        let owner = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            *into.lock_in(cx) = begin(&theirs).ok();
        })?;
        let pid = owner.task().pid();
        let _ = owner.join(cx);
        let closer = drains(cx, &drain)?;
        let both = asleep(cx, &closer);
        drop(first);
        let second = slot.lock_in(cx).take();
        drop(second);
        let _ = closer.join(cx);
        registry::switch(cx, false);

        let both = both.ok_or(ENOENT)?;
        assert_eq!((both.owed, both.debtor), (2, pid));
        Ok(())
    }

    #[test]
    fn an_interrupt_pays_the_oldest() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("registry_kunit"), GFP_KERNEL)?;
        let timer = TimerSink::new(cx, Delta::from_millis(1), 1)?;
        let slot = Arc::pin_init(new_mutex!(None), GFP_KERNEL)?;
        // The older one is theirs.
        let (theirs, into) = (drain.clone(), slot.clone());
        let owner = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            *into.lock_in(cx) = theirs.try_begin().ok();
        })?;
        let _ = owner.join(cx);
        let own = drain.try_begin();
        let closer = drains(cx, &drain)?;
        let both = asleep(cx, &closer);
        // Ended in an interrupt of this task, which owes one too.
        let pushed = slot
            .lock_in(cx)
            .take()
            .map(|older| timer.push(Older(older)).is_ok());
        let ended = spin(|| drain.in_flight() == 1);
        let one = asleep(cx, &closer);
        drop(own);
        let _ = closer.join(cx);
        timer.close(cx)?;
        registry::switch(cx, false);

        assert_eq!(both.ok_or(ENOENT)?.owed, 2);
        assert_eq!(pushed, Some(true));
        assert!(ended);
        let one = one.ok_or(ENOENT)?;
        assert_eq!((one.owed, one.debtor), (1, mine()));
        Ok(())
    }
}
