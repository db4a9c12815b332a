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
    drain::{
        new_drain,
        Drain, //
    },
    entry_map::{
        new_entry_map,
        DetachedEntry,
        EntryGuard,
        EntryMap,
        Order,
        Outcome,
        Slot, //
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
        Kind,
        Report, //
    },
    Event,
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
            Release, //
        },
        lock::mutex::MutexBackend,
        Arc,
        Mutex, //
    },
    time::msecs_to_jiffies, //
};

#[path = "registry/debts.rs"]
mod debts;
#[path = "registry/look.rs"]
mod look;

use look::{
    asleep,
    limited,
    look,
    mine,
    owed_by,
    until, //
};

suite!("registry_kunit", "KUnit suite of baton's registry");

type Map = EntryMap<u64>;

fn map() -> Result<Arc<Map>> {
    Arc::pin_init(new_entry_map!(), GFP_KERNEL)
}

fn locked<'m>(map: &'m Map, cx: &mut MaySleep, index: usize) -> Result<DetachedEntry<'m, u64>> {
    let at = map.at(cx, limited(), index, Order::Pte, |slot| match slot {
        Slot::Vacant => Outcome::InsertLocked(0),
        Slot::Unlocked(_) => Outcome::Lock,
        Slot::Conflict(_) => Outcome::Leave,
    })?;
    at.locked().map(EntryGuard::detach).ok_or(EIO)
}

/// A thread that locks an entry, and unlocks it when `go` is set.
fn locker(
    cx: &mut MaySleep,
    map: &Arc<Map>,
    index: usize,
    go: &Arc<Atomic<u32>>,
) -> Result<Thread> {
    let (map, go) = (map.clone(), go.clone());
    Thread::spawn(cx, c"registry_kunit", move |cx, _| {
        let guard = map.lock(cx, limited(), index);
        until(|| go.load(Acquire) != 0);
        drop(guard);
    })
}

#[pin_data]
struct Gate {
    #[pin]
    open: Event<u32>,
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
        registry::switch(true);
        let (map, go) = (map()?, Arc::new(Atomic::new(1), GFP_KERNEL)?);
        let guard = locked(&map, cx, 7)?;
        let thread = locker(cx, &map, 7, &go)?;
        let pid = thread.task().pid();
        let seen = asleep(&thread);
        guard.unlock();
        let _ = thread.join(cx);
        let after = look(pid);
        registry::switch(false);

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
        registry::switch(true);
        let (map, go) = (map()?, Arc::new(Atomic::new(0), GFP_KERNEL)?);
        let guard = locked(&map, cx, 7)?;
        let first = locker(cx, &map, 7, &go)?;
        let first_pid = first.task().pid();
        let first_seen = asleep(&first);
        let second = locker(cx, &map, 7, &go)?;
        let second_seen = asleep(&second);
        guard.unlock();
        let handed_over = owed_by(&second, first_pid);
        go.store(1, Release);
        let _ = first.join(cx);
        let _ = second.join(cx);
        registry::switch(false);

        assert_eq!(first_seen.ok_or(ENOENT)?.debtor, mine());
        assert_eq!(second_seen.ok_or(ENOENT)?.debtor, mine());
        assert!(handed_over);
        Ok(())
    }

    #[test]
    fn references_and_the_gate_of_a_drain_are_owed() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(true);
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("registry_kunit"), GFP_KERNEL)?;
        let (first, second) = (drain.try_begin(), drain.try_begin());
        let theirs = drain.clone();
        let closer = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            if let Ok(mut shut) = theirs.shut(cx, limited()) {
                let _ = shut.wait(limited());
            }
        })?;
        let closer_pid = closer.task().pid();
        let two = asleep(&closer);
        let theirs = drain.clone();
        let beginner = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let _ = theirs.begin_when_open(cx, limited()).map(drop);
        })?;
        let gate = asleep(&beginner);
        drop(first);
        let one = asleep(&closer);
        drop(second);
        let _ = closer.join(cx);
        let _ = beginner.join(cx);
        let after = look(closer_pid);
        registry::switch(false);

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
        registry::switch(true);
        let mut kept = None;
        let mut completion = completion::start(cx, |completer: LocalCompleter<u32>, _| {
            kept = Some(completer.hand_over());
            Ok(())
        })?;
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let _ = completion.wait(cx, limited());
        })?;
        let seen = asleep(&thread);
        if let Some(completer) = kept {
            let _ = completer.complete(Ok(1));
        }
        let _ = thread.join(cx);
        registry::switch(false);

        let seen = seen.ok_or(ENOENT)?;
        assert_eq!(seen.kind, Kind::Completion);
        assert!(seen.here);
        assert_eq!((seen.owed, seen.debtor), (1, mine()));
        Ok(())
    }

    #[test]
    fn a_run_is_owed_by_its_agent() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(true);
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
        let seen = asleep(&thread);
        worker.go.store(1, Release);
        let _ = thread.join(cx);
        drop(agent);
        registry::switch(false);

        assert_eq!(started, Ok(()));
        assert!(begun);
        let seen = seen.ok_or(ENOENT)?;
        assert_eq!(seen.kind, Kind::Run);
        assert!(seen.here);
        assert_eq!((seen.owed, seen.debtor), (1, worker.pid.load(Acquire)));
        Ok(())
    }

    #[test]
    fn pins_are_owed() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(true);
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
        let two = asleep(&thread);
        let guard = pool.lock_in(cx);
        drop(second);
        drop(guard);
        let one = asleep(&thread);
        drop(first);
        let _ = thread.join(cx);
        registry::switch(false);

        let (two, one) = (two.ok_or(ENOENT)?, one.ok_or(ENOENT)?);
        assert_eq!(two.kind, Kind::Pin);
        assert!(two.here);
        assert_eq!((two.owed, two.debtor), (2, mine()));
        assert_eq!(one.owed, 1);
        Ok(())
    }

    #[test]
    fn of_an_event_it_is_known_who_has_changed_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(true);
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
        let before = asleep(&thread);
        // In vain, and then not.
        let add = |open: &mut u32| *open += 1;
        gate.lock_in(cx).as_mut().project().open.update(add);
        let after = asleep(&thread);
        gate.lock_in(cx).as_mut().project().open.update(add);
        let _ = thread.join(cx);
        registry::switch(false);

        let (before, after) = (before.ok_or(ENOENT)?, after.ok_or(ENOENT)?);
        assert_eq!(before.kind, Kind::Event);
        assert!(before.here);
        assert_eq!((before.owed, before.changes), (0, 0));
        assert_eq!((after.owed, after.changes), (0, 1));
        assert_eq!(after.changer, mine());
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_counted() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(true);
        let map = map()?;
        let mut guards = KVec::new();
        for index in 0..2 * registry::ROWS {
            guards.push(locked(&map, cx, index)?, GFP_KERNEL)?;
        }
        let lost = Report::new()?.lost();
        drop(guards);
        // The rows are free again.
        let guard = locked(&map, cx, 0)?;
        let after = Report::new()?.lost();
        drop(guard);
        registry::switch(false);

        assert!(lost >= registry::ROWS as u64);
        assert_eq!(after, lost);
        Ok(())
    }

    #[test]
    fn nothing_is_noted_while_it_is_off() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(false);
        let (map, go) = (map()?, Arc::new(Atomic::new(1), GFP_KERNEL)?);
        let guard = locked(&map, cx, 7)?;
        let thread = locker(cx, &map, 7, &go)?;
        let pid = thread.task().pid();
        let waits = until(|| map.waiters(7) == 1);
        let off = look(pid);
        // What was before is not known afterwards either, and does no harm.
        registry::switch(true);
        let on = look(pid);
        guard.unlock();
        let _ = thread.join(cx);
        registry::switch(false);

        assert!(waits);
        assert!(off.is_none());
        assert!(on.is_none());
        Ok(())
    }

    #[test]
    fn who_sleeps_while_it_goes_off_is_forgotten_in_time() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(true);
        let (map, go) = (map()?, Arc::new(Atomic::new(1), GFP_KERNEL)?);
        let guard = locked(&map, cx, 7)?;
        let thread = locker(cx, &map, 7, &go)?;
        let pid = thread.task().pid();
        let before = asleep(&thread);
        registry::switch(false);
        let off = look(pid);
        guard.unlock();
        let _ = thread.join(cx);
        let after = look(pid);

        assert_eq!(before.ok_or(ENOENT)?.owed, 1);
        // Its record is on its stack until it wakes up; what is owed is forgotten.
        assert_eq!(off.ok_or(ENOENT)?.owed, 0);
        assert!(after.is_none());
        Ok(())
    }

    #[test]
    fn only_0_and_1_switch_it() -> Result {
        registry::switch(false);
        for text in [&b""[..], b"2", b"on", b"10", b"0 1", b"-1", b"1\0"] {
            assert_eq!(registry::set(text), Err(EINVAL));
            assert!(!registry::is_on());
        }
        assert_eq!(registry::set(b"1\n"), Ok(()));
        assert!(registry::is_on());
        assert_eq!(registry::set(b"11"), Err(EINVAL));
        assert!(registry::is_on());
        assert_eq!(registry::set(b" 0 "), Ok(()));
        assert!(!registry::is_on());
        Ok(())
    }
}
