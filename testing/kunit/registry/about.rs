// SPDX-License-Identifier: GPL-2.0

//! What a wait is said to be about: any of several objects, a threshold; and who has changed it.

use super::look::{
    asleep,
    limited,
    look,
    mine,
    until, //
};
use crate::{
    waits,
    Gate,
    Line, //
};
use baton::{
    event::{
        new_threshold_event,
        Group,
        ThresholdEvent,
        Tied, //
    },
    new_event,
    registry::{
        self,
        Kind,
        Report, //
    },
    Event,
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};

/// An object with an event of its own.
#[pin_data]
struct Request {
    #[pin]
    done: Tied<bool>,
}

impl Request {
    fn new(lock: &Mutex<u32>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self { done <- Tied::new(lock, new_event!(false)) }),
            GFP_KERNEL,
        )
    }
}

/// A log, and whether there is more to come.
#[pin_data]
struct Log {
    #[pin]
    ended: Event<bool>,
    #[pin]
    written: ThresholdEvent<u64>,
}

#[kunit_tests(baton_registry_about)]
mod tests {
    use super::*;

    /// Of several objects it is one that is named.
    #[test]
    fn who_waits_for_a_group_is_known() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let lock: Arc<Mutex<u32>> = Arc::pin_init(new_mutex!(0), GFP_KERNEL)?;
        let requests = [Request::new(&lock)?, Request::new(&lock)?];
        let mut group = Group::with_capacity(2, GFP_KERNEL)?;
        for request in &requests {
            group.push(request.clone()).map_err(|_| E2BIG)?;
        }
        let theirs = lock.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let held = theirs.lock_in(cx);
            let Ok(on) = held.on_any_of(&mut group, |request| &request.done) else {
                return;
            };
            let _ = on.until(|done| *done).wait(limited());
        })?;
        let seen = asleep(cx, &thread);
        let mut held = lock.lock_in(cx);
        let ended = held
            .tied(&requests[1].done)
            .map(|done| done.update(|done| *done = true));
        drop(held);
        let _ = thread.join(cx);
        registry::switch(cx, false);

        assert_eq!(ended, Ok(()));
        let seen = seen.map(|seen| (seen.kind, seen.here));
        assert_eq!(seen, Some((Kind::Event, true)));
        Ok(())
    }

    /// Named behind another event, it is that one which is said, and all of it.
    #[test]
    fn who_waits_for_a_threshold_is_known_by_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let log: Arc<Mutex<Log>> = Arc::pin_init(
            new_mutex!(pin_init!(Log {
                ended <- new_event!(false),
                written <- new_threshold_event!(0),
            })),
            GFP_KERNEL,
        )?;
        let theirs = log.clone();
        let one = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let on = theirs.lock_in(cx).on_threshold(|log| &log.written);
            let _ = on.at_least(47).wait(limited());
        })?;
        let theirs = log.clone();
        let either = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let wait = theirs
                .lock_in(cx)
                .on(|log| &log.ended)
                .until(|ended| *ended);
            let wait = wait.or_threshold(|log| &log.written).at_least(43);
            let _ = wait.wait(limited());
        })?;
        let seen = [asleep(cx, &one), asleep(cx, &either)];
        let mut held = log.lock_in(cx);
        held.as_mut()
            .project()
            .written
            .update(|written| *written = 47);
        drop(held);
        let _ = one.join(cx);
        let _ = either.join(cx);
        registry::switch(cx, false);

        let seen = seen.map(|seen| seen.map(|seen| (seen.kind, seen.object.part)));
        assert_eq!(seen, [Some((Kind::Key, 47)), Some((Kind::Event, 0))]);
        Ok(())
    }

    #[test]
    fn who_is_about_to_sleep_has_changed_it_too() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let gate: Arc<Mutex<Gate>> = Arc::pin_init(
            new_mutex!(pin_init!(Gate { open <- new_event!(0) })),
            GFP_KERNEL,
        )?;
        let theirs = gate.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let wait = theirs.lock_in(cx).on(|gate| &gate.open);
            let _ = wait.until(|open| *open > 1).wait(limited());
        })?;
        let before = asleep(cx, &thread);
        // In vain, and then not.
        let add = |open: &mut u32| *open += 1;
        gate.lock_in(cx).as_mut().project().open.update_sync(add);
        let after = asleep(cx, &thread);
        gate.lock_in(cx).as_mut().project().open.update_sync(add);
        let _ = thread.join(cx);
        registry::switch(cx, false);

        assert_eq!(before.map(|seen| seen.changes), Some(0));
        let after = after.map(|seen| (seen.changes, seen.changer));
        assert_eq!(after, Some((1, mine())));
        Ok(())
    }

    /// The youngest is the first one in the list. This task does not sleep in the library before all have gone.
    #[test]
    fn who_goes_first_leaves_the_others_in_the_list() -> Result {
        let cx = &mut MaySleep::assert();
        let line = || -> Result<Arc<Mutex<Line>>> {
            Arc::pin_init(
                new_mutex!(pin_init!(Line { open <- new_event!(0) })),
                GFP_KERNEL,
            )
        };
        let lines = [line()?, line()?, line()?];
        registry::switch(cx, true);
        let mut threads = KVec::with_capacity(3, GFP_KERNEL)?;
        let mut seen = true;
        for line in &lines {
            let thread = waits(cx, line, 1)?;
            seen &= asleep(cx, &thread).is_some();
            threads.push(thread, GFP_KERNEL)?;
        }
        let mut left = [usize::MAX; 3];
        for at in (0..3).rev() {
            lines[at]
                .lock_in(cx)
                .update(|line| line.project().open, |open| *open = 1);
            let pid = threads[at].task().pid();
            if !until(|| look(cx, pid).is_none()) {
                break;
            }
            left[at] = Report::new(cx).map_or(usize::MAX, |report| report.sleepers().len());
        }
        for line in &lines {
            line.lock_in(cx)
                .update(|line| line.project().open, |open| *open = 1);
        }
        for thread in threads {
            let _ = thread.join(cx);
        }
        registry::switch(cx, false);

        assert!(seen);
        assert_eq!(left, [0, 1, 2]);
        Ok(())
    }
}
