// SPDX-License-Identifier: GPL-2.0

//! What is noted, and since when: the switch, and the room in the table.

use super::{
    entries::{
        locked,
        locker,
        map, //
    },
    look::{
        asleep,
        limited,
        look,
        until, //
    },
};
use crate::Gate;
use baton::{
    completion::{
        self,
        LocalCompleter, //
    },
    count::{
        new_count,
        Count, //
    },
    drain::{
        new_drain,
        Drain, //
    },
    event::{
        new_keyed_event,
        KeyedEvent, //
    },
    new_event,
    registry::{
        self,
        Report, //
    },
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::Atomic,
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};

#[kunit_tests(baton_registry_switch)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let map = map()?;
        let mut guards = KVec::new();
        for index in 0..2 * registry::ROWS {
            guards.push(locked(&map, cx, index)?, GFP_KERNEL)?;
        }
        let lost = Report::new(cx)?.lost();
        // Changes need room too, and are counted if there is none.
        let mut events = KVec::new();
        for _ in 0..64 {
            let event: Pin<KBox<Mutex<Gate>>> = KBox::pin_init(
                new_mutex!(pin_init!(Gate { open <- new_event!(0) })),
                GFP_KERNEL,
            )?;
            event
                .lock_in(cx)
                .as_mut()
                .project()
                .open
                .update(|open| *open = 1);
            events.push(event, GFP_KERNEL)?;
        }
        let changes = Report::new(cx)?.lost() - lost;
        drop((events, guards));
        // The rows are free again.
        let guard = locked(&map, cx, 0)?;
        let after = Report::new(cx)?.lost();
        drop(guard);
        registry::switch(cx, false);
        registry::switch(cx, true);
        let anew = Report::new(cx)?.lost();
        registry::switch(cx, false);

        assert!(lost >= registry::ROWS as u64);
        assert!(changes > 0);
        assert_eq!(after, lost + changes);
        assert_eq!(anew, 0);
        Ok(())
    }

    /// More than fit, one after the other: what is over is not in the table.
    #[test]
    fn what_is_over_makes_room() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let mut told = KVec::new();
        for number in 0..2 * registry::ROWS {
            let completion =
                completion::start(cx, |completer: LocalCompleter<u32>, _| match number % 2 {
                    0 => completer.complete(Ok(1)).map_err(|_| EIO),
                    _ => Err(ENODEV),
                });
            // It is kept, and with it the object.
            told.push(completion.ok(), GFP_KERNEL)?;
        }
        let completed = Report::new(cx)?.lost();
        let mut events = KVec::new();
        for _ in 0..2 * registry::ROWS {
            let event = KBox::pin_init(
                new_mutex!(pin_init!(Gate { open <- new_event!(0) })),
                GFP_KERNEL,
            )?;
            events.push(event, GFP_KERNEL)?;
        }
        // None of them is where another one was.
        for event in events {
            let add = |open: &mut u32| *open += 1;
            event.lock_in(cx).as_mut().project().open.update(add);
            drop(event);
        }
        let gone = Report::new(cx)?.lost();
        let mut counts = KVec::new();
        for _ in 0..2 * registry::ROWS {
            let count: Pin<KBox<Count>> =
                KBox::pin_init(new_count!("registry_kunit_gone"), GFP_KERNEL)?;
            counts.push(count, GFP_KERNEL)?;
        }
        // Who has counted them never pays.
        for count in counts {
            let forgotten = count.up().map(core::mem::forget);
            count.unleak(forgotten.is_ok().into());
            drop(count);
        }
        let forgotten = Report::new(cx)?.lost();
        drop(told);
        registry::switch(cx, false);

        assert_eq!(completed, 0);
        assert_eq!(gone, 0);
        assert_eq!(forgotten, 0);
        Ok(())
    }

    /// Nor does what was locked, and forgotten.
    #[test]
    fn an_entry_whose_map_is_gone_makes_room() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let mut maps = KVec::new();
        for _ in 0..=registry::ROWS / 8 {
            maps.push(map()?, GFP_KERNEL)?;
        }
        // None of them is where another one was.
        let mut forgotten = 0;
        for map in maps {
            for index in 0..8 {
                let entry = locked(&map, cx, index);
                forgotten += usize::from(entry.map(core::mem::forget).is_ok());
            }
            // Warns.
            drop(map);
        }
        let lost = Report::new(cx)?.lost();
        registry::switch(cx, false);

        assert_eq!(forgotten, 8 * (registry::ROWS / 8 + 1));
        assert_eq!(lost, 0);
        Ok(())
    }

    /// What has changed under a key, as well.
    #[test]
    fn a_keyed_event_that_is_gone_makes_room() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let mut events = KVec::new();
        for _ in 0..2 * registry::ROWS {
            let event: Pin<KBox<Mutex<KeyedEvent<[u32; 1]>>>> =
                KBox::pin_init(new_mutex!(new_keyed_event!([0; 1])), GFP_KERNEL)?;
            events.push(event, GFP_KERNEL)?;
        }
        // None of them is where another one was.
        for event in events {
            event.lock_in(cx).as_mut().update(0, |slot| *slot += 1);
            drop(event);
        }
        let gone = Report::new(cx)?.lost();
        registry::switch(cx, false);

        assert_eq!(gone, 0);
        Ok(())
    }

    /// References that are left pay nothing any more, and keep no room.
    #[test]
    fn what_is_owed_for_a_drain_that_is_gone_makes_room() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let mut left = KVec::new();
        // Eight places each: a row for each of them is more than the table has.
        for _ in 0..=registry::ROWS / 8 {
            let drain: Pin<KBox<Drain>> =
                KBox::pin_init(new_drain!("registry_kunit_gone"), GFP_KERNEL)?;
            let references = [
                drain.try_begin(),
                drain.try_begin(),
                drain.try_begin(),
                drain.try_begin(),
                drain.try_begin(),
                drain.try_begin(),
                drain.try_begin(),
                drain.try_begin(),
            ];
            // Warns, and does not wait.
            drop(drain);
            left.push(references, GFP_KERNEL)?;
        }
        let lost = Report::new(cx)?.lost();
        let begun = left.iter().flatten().filter(|one| one.is_ok()).count();
        drop(left);
        registry::switch(cx, false);

        assert_eq!(begun, 8 * (registry::ROWS / 8 + 1));
        assert_eq!(lost, 0);
        Ok(())
    }

    /// Nor does a gate whose guard was forgotten. Lockdep would report that, as a lock that is held for ever.
    #[test]
    fn a_shut_gate_of_a_drain_that_is_gone_makes_room() -> Result {
        if cfg!(CONFIG_LOCKDEP) {
            return Ok(());
        }
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let mut drains = KVec::new();
        for _ in 0..=registry::ROWS {
            let drain: Pin<KBox<Drain>> =
                KBox::pin_init(new_drain!("registry_kunit_shut"), GFP_KERNEL)?;
            drains.push(drain, GFP_KERNEL)?;
        }
        // None of them is where another one was.
        let mut forgotten = 0;
        for drain in drains {
            let shut = drain.shut(cx, limited());
            forgotten += usize::from(shut.map(core::mem::forget).is_ok());
            drop(drain);
        }
        let lost = Report::new(cx)?.lost();
        registry::switch(cx, false);

        assert_eq!(forgotten, registry::ROWS + 1);
        assert_eq!(lost, 0);
        Ok(())
    }

    #[test]
    fn nothing_is_noted_while_it_is_off() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, false);
        let (map, go) = (map()?, Arc::new(Atomic::new(1), GFP_KERNEL)?);
        let guard = locked(&map, cx, 7)?;
        let thread = locker(cx, &map, 7, &go)?;
        let pid = thread.task().pid();
        let waits = until(|| map.waiters(7) == 1);
        let off = look(cx, pid);
        // What was before is not known afterwards either, and does no harm.
        registry::switch(cx, true);
        let on = look(cx, pid);
        guard.unlock();
        let _ = thread.join(cx);
        registry::switch(cx, false);

        assert!(waits);
        assert!(off.is_none());
        assert!(on.is_none());
        Ok(())
    }

    #[test]
    fn who_sleeps_while_it_goes_off_is_forgotten_in_time() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let (map, go) = (map()?, Arc::new(Atomic::new(1), GFP_KERNEL)?);
        let guard = locked(&map, cx, 7)?;
        let thread = locker(cx, &map, 7, &go)?;
        let pid = thread.task().pid();
        let before = asleep(cx, &thread);
        registry::switch(cx, false);
        let off = look(cx, pid);
        guard.unlock();
        let _ = thread.join(cx);
        let after = look(cx, pid);

        assert_eq!(before.ok_or(ENOENT)?.owed, 1);
        // Its record is on its stack until it wakes up; what is owed is forgotten.
        assert_eq!(off.ok_or(ENOENT)?.owed, 0);
        assert!(after.is_none());
        Ok(())
    }

    #[test]
    fn a_report_says_since_when_it_notes() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, false);
        let off = Report::new(cx)?.on_for();
        let before = Instant::<Monotonic>::now();
        registry::switch(cx, true);
        let first = Report::new(cx)?.on_for();
        let limit = before.elapsed();
        let since = Instant::<Monotonic>::now();
        fsleep(Delta::from_millis(2));
        // It is on already: the time goes on.
        registry::switch(cx, true);
        let at_least = since.elapsed();
        let second = Report::new(cx)?.on_for();
        registry::switch(cx, false);

        assert!(off.is_none());
        let (first, second) = (first.ok_or(ENOENT)?, second.ok_or(ENOENT)?);
        assert!(first <= limit);
        assert!(second >= at_least);
        Ok(())
    }

    #[test]
    fn only_0_and_1_switch_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, false);
        for text in [&b""[..], b"2", b"on", b"10", b"0 1", b"-1", b"1\0"] {
            assert_eq!(registry::set(cx, text), Err(EINVAL));
            assert!(!registry::is_on());
        }
        assert_eq!(registry::set(cx, b"1\n"), Ok(()));
        assert!(registry::is_on());
        assert_eq!(registry::set(cx, b"11"), Err(EINVAL));
        assert!(registry::is_on());
        assert_eq!(registry::set(cx, b" 0 "), Ok(()));
        assert!(!registry::is_on());
        Ok(())
    }
}
