// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of the registry: who sleeps and who owes appear in it, and disappear.
//!
//! Who sleeps is a thread; the test's own task looks until the registry has it, ends the wait, and
//! asserts after it has joined.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    agent::{
        Agent,
        Current,
        Operations,
        Runs, //
    },
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
        Interruptible,
        Mode, //
    },
    level::levels,
    new_event,
    pool::{
        new_pool,
        Pool, //
    },
    registry::{
        self,
        Kind, //
    },
    Event,
    Fifo,
    LockIn,
    MaySleep,
    Ordered, //
    Thread,
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Release, //
        },
        lock::mutex::MutexBackend,
        Arc,
        Mutex, //
    },
    time::msecs_to_jiffies, //
};

#[path = "registry/about.rs"]
mod about;
#[path = "registry/debts.rs"]
mod debts;
#[path = "registry/entries.rs"]
mod entries;
#[path = "registry/look.rs"]
mod look;
#[path = "registry/paying.rs"]
mod paying;
#[path = "registry/switching.rs"]
mod switching;
#[path = "registry/text.rs"]
mod text;

use entries::{
    locked,
    locker,
    map, //
};
use look::{
    asleep,
    limited,
    look,
    mine,
    owed_by,
    until, //
};
use paying::drains;

suite!("registry_kunit", "KUnit suite of baton's registry");

/// Where this is, as a report says it: the folder and the file.
fn here() -> &'static str {
    let path = file!();
    path.rmatch_indices('/')
        .nth(1)
        .map_or(path, |(slash, _)| &path[slash + 1..])
}

#[pin_data]
struct Gate {
    #[pin]
    open: Event<u32>,
}

#[pin_data]
struct Line {
    #[pin]
    open: Event<u32, Fifo>,
}

/// A thread that waits in line until there is as much as it wants.
fn waits(cx: &mut MaySleep, line: &Arc<Mutex<Line>>, want: u32) -> Result<Thread> {
    let line = line.clone();
    Thread::spawn(cx, c"registry_kunit", move |cx, _| {
        let held = line.lock_in(cx);
        let _ = held
            .on(|line| &line.open)
            .until(move |open| *open >= want)
            .wait(limited());
    })
}

levels! {
    /// What the agent of these tests takes.
    mod order {
        /// A run.
        Work needs [State],
        /// The state of the agent.
        State,
    }
}

#[pin_data]
struct Data {
    #[pin]
    runs: Runs<order::Work, order::State>,
}

#[pin_data]
struct Worker {
    #[pin]
    state: Ordered<order::State, Mutex<Data>>,
    go: Atomic<u32>,
    pid: Atomic<i32>,
}

impl Operations for Worker {
    type Level = order::Work;
    type LockLevel = order::State;
    type Data = Data;
    type Backend = MutexBackend;

    fn lock(&self) -> &Ordered<order::State, Mutex<Data>> {
        &self.state
    }

    fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
        data.project().runs
    }

    fn run(&self, _current: &Current<'_, Self>, _cx: &mut MaySleep<order::Work>) {
        self.pid.store(mine(), Release);
        until(|| self.go.load(Acquire) != 0);
    }
}

#[kunit_tests(baton_registry)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_owed_by_who_has_locked_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let (map, go) = (map()?, Arc::new(Atomic::new(1), GFP_KERNEL)?);
        let guard = locked(&map, cx, 7)?;
        let thread = locker(cx, &map, 7, &go)?;
        let pid = thread.task().pid();
        let seen = asleep(cx, &thread);
        guard.unlock();
        let _ = thread.join(cx);
        let after = look(cx, pid);
        registry::switch(cx, false);

        let seen = seen.ok_or(ENOENT)?;
        assert_eq!(seen.kind, Kind::Entry);
        assert_eq!(seen.object.part, 7);
        assert!(seen.here);
        assert_eq!((seen.owed, seen.debtor), (1, mine()));
        assert!(after.is_none());
        Ok(())
    }

    #[test]
    fn who_is_handed_an_entry_owes_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let (map, go) = (map()?, Arc::new(Atomic::new(0), GFP_KERNEL)?);
        let guard = locked(&map, cx, 7)?;
        let first = locker(cx, &map, 7, &go)?;
        let first_pid = first.task().pid();
        let first_seen = asleep(cx, &first);
        let second = locker(cx, &map, 7, &go)?;
        let second_seen = asleep(cx, &second);
        guard.unlock();
        let handed_over = owed_by(cx, &second, first_pid);
        go.store(1, Release);
        let _ = first.join(cx);
        let _ = second.join(cx);
        registry::switch(cx, false);

        assert_eq!(first_seen.ok_or(ENOENT)?.debtor, mine());
        assert_eq!(second_seen.ok_or(ENOENT)?.debtor, mine());
        assert!(handed_over);
        Ok(())
    }

    #[test]
    fn references_and_the_gate_of_a_drain_are_owed() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("registry_kunit"), GFP_KERNEL)?;
        let (first, second) = (drain.try_begin(), drain.try_begin());
        let closer = drains(cx, &drain)?;
        let closer_pid = closer.task().pid();
        let two = asleep(cx, &closer);
        let theirs = drain.clone();
        let beginner = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let _ = theirs.begin_when_open(cx, limited()).map(drop);
        })?;
        let gate = asleep(cx, &beginner);
        drop(first);
        let one = asleep(cx, &closer);
        drop(second);
        let _ = closer.join(cx);
        let _ = beginner.join(cx);
        let after = look(cx, closer_pid);
        registry::switch(cx, false);

        let (two, one, gate) = (two.ok_or(ENOENT)?, one.ok_or(ENOENT)?, gate.ok_or(ENOENT)?);
        assert_eq!(two.kind, Kind::Drain);
        assert!(two.here && gate.here);
        assert_eq!((two.owed, two.debtor), (2, mine()));
        assert_eq!(one.owed, 1);
        assert!(gate.object != two.object);
        assert_eq!((gate.owed, gate.debtor), (1, closer_pid));
        assert!(after.is_none());
        Ok(())
    }

    #[test]
    fn a_completion_is_owed_by_who_has_made_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let mut kept = None;
        let mut completion = completion::start(cx, |completer: LocalCompleter<u32>, _| {
            kept = Some(completer.hand_over());
            Ok(())
        })?;
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let _ = completion.wait(cx, limited());
        })?;
        let seen = asleep(cx, &thread);
        if let Some(completer) = kept {
            let _ = completer.complete(Ok(1));
        }
        let _ = thread.join(cx);
        registry::switch(cx, false);

        let seen = seen.ok_or(ENOENT)?;
        assert_eq!(seen.kind, Kind::Completion);
        assert!(seen.here);
        assert_eq!((seen.owed, seen.debtor), (1, mine()));
        // It was handed over, which is no change of an event.
        assert_eq!(seen.changes, 0);
        Ok(())
    }

    #[test]
    fn a_run_is_owed_by_its_agent() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let worker = Arc::pin_init(
            try_pin_init!(Worker {
                state <- Ordered::new(new_mutex!(pin_init!(Data { runs <- Runs::new() }))),
                go: Atomic::new(0),
                pid: Atomic::new(0),
            }? Error),
            GFP_KERNEL,
        )?;
        let agent = Agent::spawn(cx, c"registry_kunit", worker.clone())?;
        let started = Worker::runs(worker.state.lock_in(cx).as_mut())
            .start()
            .map(|_| ());
        let begun = until(|| worker.pid.load(Acquire) != 0);
        let theirs = worker.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let (held, _) = theirs.state.lock_in(cx).stop(limited(), Worker::runs);
            drop(held);
        })?;
        let seen = asleep(cx, &thread);
        worker.go.store(1, Release);
        let _ = thread.join(cx);
        // The next one, which is not owed twice.
        worker.go.store(0, Release);
        let pid = worker.pid.xchg(0, Full);
        let again = Worker::runs(worker.state.lock_in(cx).as_mut())
            .start()
            .map(|_| ());
        let begun_again = until(|| worker.pid.load(Acquire) != 0);
        let theirs = worker.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let (held, _) = theirs.state.lock_in(cx).stop(limited(), Worker::runs);
            drop(held);
        })?;
        let next = asleep(cx, &thread);
        worker.go.store(1, Release);
        let _ = thread.join(cx);
        let retired = agent.retire(cx).is_ok();
        registry::switch(cx, false);

        assert_eq!((started, again), (Ok(()), Ok(())));
        assert!(begun && begun_again && retired);
        let (seen, next) = (seen.ok_or(ENOENT)?, next.ok_or(ENOENT)?);
        assert_eq!(seen.kind, Kind::Run);
        assert!(seen.here);
        assert_eq!((seen.owed, seen.debtor), (1, pid));
        assert_eq!((next.owed, next.debtor), (1, pid));
        Ok(())
    }

    #[test]
    fn pins_are_owed() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let pool: Arc<Pool<u32, u32>> = Arc::pin_init(new_pool!("registry_kunit"), GFP_KERNEL)?;
        let first = pool.insert(cx, 0, (), 0, GFP_KERNEL)?;
        let second = pool.lock_in(cx).pin(0);
        let theirs = pool.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let mode = Interruptible.timeout(msecs_to_jiffies(10_000));
            let (guard, node) = theirs.lock_in(cx).wait_unpinned(mode, 0);
            drop(guard);
            drop(node);
        })?;
        let two = asleep(cx, &thread);
        let guard = pool.lock_in(cx);
        drop(second);
        drop(guard);
        let one = asleep(cx, &thread);
        drop(first);
        let _ = thread.join(cx);
        registry::switch(cx, false);

        let (two, one) = (two.ok_or(ENOENT)?, one.ok_or(ENOENT)?);
        assert_eq!(two.kind, Kind::Pin);
        assert!(two.here);
        assert_eq!((two.owed, two.debtor), (2, mine()));
        assert_eq!(one.owed, 1);
        Ok(())
    }

    #[test]
    fn what_is_counted_is_owed() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let count: Arc<Count> = Arc::pin_init(new_count!("registry_kunit"), GFP_KERNEL)?;
        let (first, second, third) = (count.up()?, count.up()?, count.up()?);
        let theirs = count.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let mode = Interruptible.timeout(msecs_to_jiffies(10_000));
            let _ = theirs.wait_for(cx, 0, mode);
        })?;
        let three = asleep(cx, &thread);
        second.down();
        let aside = first.set_aside();
        let one = asleep(cx, &thread);
        third.down();
        let _ = thread.join(cx);
        drop(aside);
        registry::switch(cx, false);

        let (three, one) = (three.ok_or(ENOENT)?, one.ok_or(ENOENT)?);
        assert_eq!(three.kind, Kind::Count);
        assert!(three.here);
        assert_eq!((three.owed, three.debtor), (3, mine()));
        assert_eq!(one.owed, 1);
        Ok(())
    }

    #[test]
    fn a_report_says_whom_a_waiter_is_behind() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let line: Arc<Mutex<Line>> = Arc::pin_init(
            new_mutex!(pin_init!(Line { open <- new_event!(1) })),
            GFP_KERNEL,
        )?;
        let first = waits(cx, &line, 2)?;
        let (first_pid, first_seen) = (first.task().pid(), asleep(cx, &first));
        // What it waits for is there.
        let second = waits(cx, &line, 1)?;
        let second_seen = asleep(cx, &second);
        let third = waits(cx, &line, 1)?;
        let third_seen = asleep(cx, &third);
        line.lock_in(cx)
            .update(|line| line.project().open, |open| *open = 2);
        let _ = first.join(cx);
        let _ = second.join(cx);
        let _ = third.join(cx);
        registry::switch(cx, false);

        assert_eq!(first_seen.ok_or(ENOENT)?.behind, None);
        assert_eq!(second_seen.ok_or(ENOENT)?.behind, Some(first_pid));
        assert_eq!(third_seen.ok_or(ENOENT)?.behind, Some(first_pid));
        Ok(())
    }

    #[test]
    fn of_an_event_it_is_known_who_has_changed_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let gate: Arc<Mutex<Gate>> = Arc::pin_init(
            new_mutex!(pin_init!(Gate { open <- new_event!(0) })),
            GFP_KERNEL,
        )?;
        let theirs = gate.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let _ = theirs
                .lock_in(cx)
                .on(|gate| &gate.open)
                .until(|open| *open > 1)
                .wait(limited());
        })?;
        let before = asleep(cx, &thread);
        // In vain, and then not.
        let add = |open: &mut u32| *open += 1;
        gate.lock_in(cx).as_mut().project().open.update(add);
        let after = asleep(cx, &thread);
        gate.lock_in(cx)
            .update(|gate| gate.project().open, |open| *open += 0);
        let once_more = asleep(cx, &thread);
        gate.lock_in(cx).as_mut().project().open.update(add);
        let _ = thread.join(cx);
        registry::switch(cx, false);

        let (before, after) = (before.ok_or(ENOENT)?, after.ok_or(ENOENT)?);
        assert_eq!(once_more.ok_or(ENOENT)?.changes, 2);
        assert_eq!(before.kind, Kind::Event);
        assert!(before.here);
        assert_eq!((before.owed, before.changes), (0, 0));
        assert_eq!((after.owed, after.changes), (0, 1));
        assert_eq!(after.changer, mine());
        Ok(())
    }
}
