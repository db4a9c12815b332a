// SPDX-License-Identifier: GPL-2.0

//! What a report says, as it is read in debugfs.

use super::{
    entries::{
        locked,
        locker,
        map, //
    },
    look::{
        asleep,
        limited,
        mine,
        until, //
    }, //
};
use crate::{
    here,
    waits,
    Gate,
    Line, //
};
use baton::{
    event::{
        new_keyed_event,
        KeyedEvent, //
    },
    new_event,
    registry::{
        self,
        Kind,
        Report, //
    },
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    fmt,
    new_mutex,
    prelude::*,
    str::CString,
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
    }, //
};

/// What the registry says now.
struct Text(CString);

impl Text {
    fn now(cx: &mut MaySleep) -> Result<Self> {
        let report = Report::new(cx)?;
        Ok(Self(CString::try_from_fmt(core::format_args!("{report}"))?))
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.to_str().unwrap_or("").lines()
    }

    /// Returns the number of the line that begins and ends like that; and says what there is if none does.
    fn find(&self, begin: &str, end: &str) -> Option<usize> {
        let found = self
            .lines()
            .position(|line| line.starts_with(begin) && line.ends_with(end));
        if found.is_none() {
            pr_err!("'{begin}...{end}' is not in this:\n");
            self.lines().for_each(|line| pr_err!("{line}\n"));
        }
        found
    }

    /// Returns the milliseconds behind `what`, the last ones of them.
    fn time(&self, what: &str) -> Option<i64> {
        let found = |line: &str| {
            let (_, rest) = line.split_once(what)?;
            let (number, _) = rest.split_once(" ms")?;
            number.parse().ok()
        };
        self.lines().filter_map(found).last()
    }

    /// Returns since when it counts, in microseconds since the boot.
    fn since(&self) -> Option<i64> {
        let (_, rest) = self.lines().next()?.split_once(" ms, since ")?;
        let (seconds, rest) = rest.split_once('.')?;
        let (micros, _) = rest.split_once(':')?;
        Some(seconds.parse::<i64>().ok()? * 1_000_000 + micros.parse::<i64>().ok()?)
    }

    fn has(&self, begin: fmt::Arguments<'_>, end: fmt::Arguments<'_>) -> Result<Option<usize>> {
        let (begin, end) = (CString::try_from_fmt(begin)?, CString::try_from_fmt(end)?);
        Ok(self.find(begin.to_str()?, end.to_str()?))
    }
}

#[kunit_tests(baton_registry_text)]
mod text_tests {
    use super::*;

    #[test]
    fn it_says_who_sleeps_on_what_behind_whom_and_who_has_changed_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, false);
        let off = Text::now(cx)?;
        registry::switch(cx, true);
        let nobody = Text::now(cx)?;
        let line: Arc<Mutex<Line>> = Arc::pin_init(
            new_mutex!(pin_init!(Line { open <- new_event!(1, "registry_kunit_line") })),
            GFP_KERNEL,
        )?;
        let first = waits(cx, &line, 2)?;
        let seen = asleep(cx, &first).is_some();
        let before = Text::now(cx)?;
        let second = waits(cx, &line, 1)?;
        let seen_too = asleep(cx, &second).is_some();
        let after = Text::now(cx)?;
        line.lock_in(cx).as_mut().project().open.update(|_| ());
        let changed = Text::now(cx)?;
        let pids = (first.task().pid(), second.task().pid());
        line.lock_in(cx)
            .as_mut()
            .project()
            .open
            .update(|open| *open = 2);
        let _ = first.join(cx);
        let _ = second.join(cx);
        registry::switch(cx, false);

        assert!(seen && seen_too);
        let end = "who sleeps is not counted, 0 asleep from before, 0 not noted";
        assert_eq!(off.find("registry off: ", end), Some(0));
        assert_eq!(off.lines().count(), 1);
        let end = ": 0 asleep since, who was asleep before is not counted, 0 not noted";
        assert_eq!(nobody.find("registry on for ", end), Some(0));
        assert_eq!(nobody.lines().count(), 1);

        let end = ": 1 asleep since, who was asleep before is not counted, 0 not noted";
        assert!(before.find("registry on for ", end).is_some());
        assert_eq!(before.find("event registry_kunit_line 0x", ""), Some(1));
        assert_eq!(before.find("  nobody is known to owe it", ""), Some(2));
        let sleeps = before.has(fmt!("  registry_kunit {} for ", pids.0), fmt!(" sleeps"))?;
        assert_eq!(sleeps, Some(3));
        assert_eq!(before.lines().count(), 4);
        let at = before.lines().nth(3).is_some_and(|line| {
            line.split_once(" ms at ")
                .and_then(|(_, place)| place.strip_prefix(here()))
                .is_some_and(|rest| rest.starts_with(':'))
        });
        assert!(at);

        // The one that sleeps longest comes first.
        let sleeps = after.has(fmt!("  registry_kunit {} for ", pids.0), fmt!(" sleeps"))?;
        assert_eq!(sleeps, Some(3));
        let behind = after.has(
            fmt!("  registry_kunit {} for ", pids.1),
            fmt!(" sleeps, behind {}, whose claim fails", pids.0),
        )?;
        assert_eq!(behind, Some(4));
        assert_eq!(after.lines().count(), 5);

        let by = changed.has(
            fmt!("  kunit_try_catch {} changed it last, ", mine()),
            fmt!(""),
        )?;
        assert_eq!(by, Some(2));
        let how = changed.lines().nth(2);
        assert!(how.is_some_and(|line| line.contains(" ms ago, 1 in all, at registry/text.rs:")));
        Ok(())
    }

    /// Two sleep that it does not know; so it says since when it does.
    #[test]
    fn switched_on_late_it_says_since_when_it_counts() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, false);
        let line: Arc<Mutex<Line>> = Arc::pin_init(
            new_mutex!(pin_init!(Line { open <- new_event!(0, "registry_kunit_line") })),
            GFP_KERNEL,
        )?;
        let sleepers = [waits(cx, &line, 1)?, waits(cx, &line, 1)?];
        let asleep = until(|| line.lock_in(cx).open.waiters() == 2);
        let off = Text::now(cx);
        let before = Instant::<Monotonic>::now();
        registry::switch(cx, true);
        let after = Instant::<Monotonic>::now();
        let late = Text::now(cx);
        fsleep(Delta::from_millis(2));
        registry::switch(cx, false);
        let least = after.elapsed().as_micros_ceil();
        registry::switch(cx, true);
        let most = before.elapsed().as_micros_ceil();
        let later = Text::now(cx);
        line.lock_in(cx)
            .as_mut()
            .project()
            .open
            .update(|open| *open = 1);
        for sleeper in sleepers {
            let _ = sleeper.join(cx);
        }
        registry::switch(cx, false);

        assert!(asleep);
        let (off, late, later) = (off?, late?, later?);
        let end = "who sleeps is not counted, 0 asleep from before, 0 not noted";
        assert_eq!(off.find("registry off: ", end), Some(0));
        let end = ": 0 asleep since, who was asleep before is not counted, 0 not noted";
        assert_eq!(late.find("registry on for ", end), Some(0));
        let passed = later.since().ok_or(ENOENT)? - late.since().ok_or(ENOENT)?;
        // Both are cut off to microseconds.
        assert!(passed + 2 >= least && passed <= most + 2);
        Ok(())
    }

    #[test]
    fn it_says_who_owes_which_entry() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let (map, go) = (map()?, Arc::new(Atomic::new(1), GFP_KERNEL)?);
        let guard = locked(&map, cx, 7)?;
        let thread = locker(cx, &map, 7, &go)?;
        let seen = asleep(cx, &thread).is_some();
        let text = Text::now(cx)?;
        guard.unlock();
        let _ = thread.join(cx);
        registry::switch(cx, false);

        assert!(seen);
        assert_eq!(text.find("entry ", " index 7"), Some(1));
        let owes = text.has(
            fmt!("  kunit_try_catch {} owes 1 entry for ", mine()),
            fmt!(""),
        )?;
        assert_eq!(owes, Some(2));
        let from = text.lines().nth(2);
        assert!(from.is_some_and(|line| line.contains(" ms, from registry/entries.rs:")));
        assert_eq!(text.lines().count(), 4);
        Ok(())
    }

    /// Eight places of forty entries are more than it has room for: the last line says how many are left out.
    #[test]
    fn it_says_how_much_it_leaves_out() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let (map, go) = (map()?, Arc::new(Atomic::new(1), GFP_KERNEL)?);
        let (mut shared, mut threads) = (KVec::new(), KVec::new());
        for index in 0..40 {
            drop(locked(&map, cx, index)?);
            // Each on a line of its own, which is a row.
            let readers = [
                map.try_lock_shared(index),
                map.try_lock_shared(index),
                map.try_lock_shared(index),
                map.try_lock_shared(index),
                map.try_lock_shared(index),
                map.try_lock_shared(index),
                map.try_lock_shared(index),
                map.try_lock_shared(index),
            ];
            shared.push(readers, GFP_KERNEL)?;
        }
        let readers = shared.iter().flatten();
        let begun = readers.filter(|one| matches!(one, Ok(Some(_)))).count();
        let lost = Report::new(cx).map(|report| report.lost());
        let mut seen = true;
        for index in 0..40 {
            let thread = locker(cx, &map, index, &go)?;
            seen &= asleep(cx, &thread).is_some();
            threads.push(thread, GFP_KERNEL)?;
        }
        let text = Text::now(cx);
        drop(shared);
        for thread in threads {
            let _ = thread.join(cx);
        }
        registry::switch(cx, false);

        assert!(seen);
        // The table has all of them.
        assert_eq!((begun, lost), (40 * 8, Ok(0)));
        let text = text?;
        let owes = CString::try_from_fmt(fmt!("  kunit_try_catch {} owes 1 entry for ", mine()))?;
        let owes = owes.to_str()?;
        let shown = text.lines().filter(|line| line.starts_with(owes)).count();
        assert!(shown < begun);
        // Some of them are left out altogether.
        assert!(!text.lines().any(|line| line.contains("nobody is known")));
        let more = CString::try_from_fmt(fmt!("{} more", begun - shown))?;
        assert_eq!(text.lines().last(), Some(more.to_str()?));
        Ok(())
    }

    /// Two sleep under two keys of one event, which is changed under a third one.
    #[test]
    fn it_says_who_sleeps_under_which_key() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let table: Arc<Mutex<KeyedEvent<[bool; 60]>>> = Arc::pin_init(
            new_mutex!(new_keyed_event!([false; 60], "registry_kunit")),
            GFP_KERNEL,
        )?;
        let mut threads = KVec::with_capacity(2, GFP_KERNEL)?;
        let mut seen = true;
        for key in [41, 43] {
            let theirs = table.clone();
            let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
                let held = theirs.lock_in(cx);
                let wait = held.on_key(|table| table, key).until(|open| *open);
                let _ = wait.wait(limited());
            })?;
            seen &= asleep(cx, &thread).is_some();
            threads.push(thread, GFP_KERNEL)?;
        }
        table.lock_in(cx).as_mut().update(42, |open| *open = true);
        let text = Text::now(cx)?;
        table.lock_in(cx).as_mut().close();
        for thread in threads {
            let _ = thread.join(cx);
        }
        registry::switch(cx, false);

        assert!(seen);
        let keys = [" key 41", " key 43"].map(|key| text.find("key registry_kunit 0x", key));
        assert_eq!(keys, [Some(1), Some(4)]);
        // Each of them with who has changed the event.
        let changed = text.has(
            fmt!("  kunit_try_catch {} changed it last, ", mine()),
            fmt!(""),
        )?;
        assert_eq!(changed, Some(2));
        assert_eq!(text.lines().count(), 7);
        Ok(())
    }

    /// A wake-up for no reason begins no new wait.
    #[test]
    fn it_says_since_when_the_wait_goes_on() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let gate: Arc<Mutex<Gate>> = Arc::pin_init(
            new_mutex!(pin_init!(Gate { open <- new_event!(0) })),
            GFP_KERNEL,
        )?;
        let start = |cx: &mut MaySleep| {
            let theirs = gate.clone();
            Thread::spawn(cx, c"registry_kunit", move |cx, _| {
                let held = theirs.lock_in(cx);
                let _ = held
                    .on(|gate| &gate.open)
                    .until(|open| *open > 0)
                    .wait(limited());
            })
        };
        let older = start(cx)?;
        let first = asleep(cx, &older).is_some();
        let younger = start(cx)?;
        let second = asleep(cx, &younger).is_some();
        let (mut order, mut behind) = (KVec::new(), false);
        for _ in 0..20 {
            older.task().wake_up();
            // It looks, and sleeps again: nobody can see that it has.
            fsleep(Delta::from_millis(1));
            let back = until(|| asleep(cx, &older).is_some());
            let report = Report::new(cx)?;
            let mut pids = report.sleepers().iter().map(|sleeper| sleeper.pid());
            order.push((back, pids.next(), pids.next()), GFP_KERNEL)?;
            behind |= report.sleepers().iter().any(|s| s.behind().is_some());
        }
        let pids = (older.task().pid(), younger.task().pid());
        gate.lock_in(cx)
            .as_mut()
            .project()
            .open
            .update(|open| *open = 1);
        let _ = older.join(cx);
        let _ = younger.join(cx);
        registry::switch(cx, false);

        assert!(first && second);
        let kept = |seen: &(bool, Option<i32>, Option<i32>)| {
            // It may be awake for a moment, and is not in the list then.
            let both = (Some(pids.0), Some(pids.1));
            seen.0 && ((seen.1, seen.2) == both || seen.2.is_none())
        };
        assert!(order.iter().all(kept));
        // Nobody is in another's way.
        assert!(!behind);
        Ok(())
    }

    /// Who waits by the same claim for something else is in nobody's way.
    #[test]
    fn who_waits_elsewhere_is_behind_nobody() -> Result {
        let cx = &mut MaySleep::assert();
        let line = || -> Result<Arc<Mutex<Line>>> {
            Arc::pin_init(
                new_mutex!(pin_init!(Line { open <- new_event!(0) })),
                GFP_KERNEL,
            )
        };
        let lines = [line()?, line()?];
        registry::switch(cx, true);
        let one = waits(cx, &lines[0], 1)?;
        let other = waits(cx, &lines[1], 1)?;
        let seen = [asleep(cx, &one), asleep(cx, &other)];
        let behind = seen.map(|seen| seen.map(|seen| seen.behind));
        let report = Report::new(cx);
        for line in &lines {
            line.lock_in(cx)
                .as_mut()
                .project()
                .open
                .update(|open| *open = 1);
        }
        let _ = one.join(cx);
        let _ = other.join(cx);
        registry::switch(cx, false);
        assert_eq!(behind, [Some(None); 2]);
        let report = report?;
        assert_eq!(report.sleepers().len(), 2);
        assert!(report.sleepers().iter().all(|s| s.behind().is_none()));
        Ok(())
    }

    /// Of each time the report says how much of it has passed, and not more.
    #[test]
    fn its_times_are_milliseconds() -> Result {
        let cx = &mut MaySleep::assert();
        let line: Arc<Mutex<Line>> = Arc::pin_init(
            new_mutex!(pin_init!(Line { open <- new_event!(0, "registry_kunit_line") })),
            GFP_KERNEL,
        )?;
        let begin = Instant::<Monotonic>::now();
        registry::switch(cx, true);
        // One place, so that it is the same change each time.
        let change = |cx: &mut MaySleep| line.lock_in(cx).as_mut().project().open.update(|_| ());
        change(cx);
        let thread = waits(cx, &line, 1)?;
        let seen = asleep(cx, &thread).is_some();
        // A thousand times as much is more than all of it.
        let before = begin.elapsed().as_millis();
        let slept = until(|| begin.elapsed().as_millis() > 2 * before + 20);
        let again = Instant::<Monotonic>::now();
        change(cx);
        let text = Text::now(cx);
        let (changed, all) = (again.elapsed().as_millis(), begin.elapsed().as_millis());
        line.lock_in(cx)
            .as_mut()
            .project()
            .open
            .update(|open| *open = 1);
        let _ = thread.join(cx);
        registry::switch(cx, false);

        assert!(seen && slept);
        let text = text?;
        let on = text.time("registry on for ");
        let sleeps = text.time(" for ");
        let last = text.time(" changed it last, ");
        let within = |time: Option<i64>, most: i64| time.is_some_and(|time| time <= most);
        // It was on for as long as the thread has slept at least, and that was not nothing.
        assert!(within(on, all));
        assert!(within(sleeps, all));
        assert!(within(last, changed));
        assert!(on >= sleeps && sleeps >= Some(before));
        Ok(())
    }

    #[test]
    fn it_calls_things_by_their_names() -> Result {
        let names = [
            (Kind::Event, c"event"),
            (Kind::Entry, c"entry"),
            (Kind::Drain, c"drain"),
            (Kind::Completion, c"completion"),
            (Kind::Run, c"run"),
            (Kind::Pin, c"pin"),
            (Kind::Key, c"key"),
            (Kind::Count, c"count"),
        ];
        for (kind, name) in names {
            let shown = CString::try_from_fmt(core::format_args!("{kind}"))?;
            assert_eq!(shown.to_bytes(), name.to_bytes());
        }
        Ok(())
    }
}
