// SPDX-License-Identifier: GPL-2.0

//! This library's way to lock entries that others want as well.

use baton::{
    entry_map::{
        new_entry_map,
        EntryMap,
        Order,
        Outcome, //
    },
    event::Uninterruptible,
    new_event,
    testing::yield_now,
    Any,
    Event,
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    str::CString,
    sync::{
        Arc,
        Mutex,
        SpinLock, //
    },
};

/// How often each task is to lock its entry, and which time this is.
#[derive(Clone, Copy, Default)]
struct Round {
    number: u64,
    times: u64,
}

/// How many tasks have done so, and how often an entry was locked.
#[derive(Default)]
struct Ended {
    tasks: u64,
    locked: u64,
}

#[pin_data]
struct State {
    #[pin]
    round: Event<Round, Any>,
    #[pin]
    ended: Event<Ended>,
}

/// Tasks that lock the same entries, which share a bucket. Who has an entry lets the others run.
#[pin_data]
pub(crate) struct Contended {
    name: &'static str,
    tasks: usize,
    entries: usize,
    #[pin]
    map: EntryMap<u64>,
    #[pin]
    state: SpinLock<State>,
    #[pin]
    threads: Mutex<KVec<Thread>>,
}

impl Contended {
    /// Makes the entries, and starts the tasks.
    pub(crate) fn new(
        cx: &mut MaySleep,
        name: &'static str,
        (tasks, entries): (usize, usize),
    ) -> Result<Arc<Self>> {
        let contended = Arc::pin_init(
            pin_init!(Self {
                name,
                tasks,
                entries,
                map <- new_entry_map!(),
                state <- new_spinlock!(pin_init!(State {
                    round <- new_event!(Round::default()),
                    ended <- new_event!(Ended::default()),
                })),
                threads <- new_mutex!(KVec::new()),
            }),
            GFP_KERNEL,
        )?;
        contended.start(cx)?;
        Ok(contended)
    }

    fn work(&self, cx: &mut MaySleep, index: usize) {
        let mut number = 0;
        while let Ok(round) = self
            .state
            .lock_in(cx)
            .on(|s| &s.round)
            .when(move |round| round.number > number, |round| *round)
            .wait(Uninterruptible)
        {
            number = round.number;
            let mut locked = 0;
            for _ in 0..round.times {
                if let Ok(Some(mut entry)) = self.map.lock(cx, Uninterruptible, index) {
                    yield_now(entry.inner());
                    locked += 1;
                    entry.unlock();
                }
            }
            let mut held = self.state.lock_in(cx);
            held.as_mut().project().ended.update(|ended| {
                ended.tasks += 1;
                ended.locked += locked;
            });
        }
    }

    fn start(self: &Arc<Self>, cx: &mut MaySleep) -> Result {
        let mut indexes = KVec::with_capacity(self.entries, GFP_KERNEL)?;
        for index in (0..).filter(|&index| self.map.share_bucket(0, index)) {
            if indexes.push_within_capacity(index).is_err() {
                break;
            }
            let _ = self.map.at(cx, Uninterruptible, index, Order::Pte, |_| {
                Outcome::Insert(0)
            })?;
        }
        let mut threads = KVec::with_capacity(self.tasks, GFP_KERNEL)?;
        for (task, &index) in indexes.iter().cycle().take(self.tasks).enumerate() {
            let theirs = self.clone();
            let name = CString::try_from_fmt(fmt!("{}{task}", self.name))?;
            let thread = Thread::spawn(cx, &name, move |cx, _| theirs.work(cx, index))?;
            threads.push(thread, GFP_KERNEL)?;
        }
        *self.threads.lock_in(cx) = threads;
        Ok(())
    }

    /// Lets all tasks lock their entries, `ops` times in all, and waits for them.
    pub(crate) fn run(&self, cx: &mut MaySleep, ops: u64) -> Result {
        let tasks = self.tasks as u64;
        let mut held = self.state.lock_in(cx);
        let want = held.ended.tasks + tasks;
        held.as_mut().project().round.update(|round| {
            round.number += 1;
            round.times = ops / tasks;
        });
        held.on(|s| &s.ended)
            .until(move |ended| ended.tasks >= want)
            .wait(Uninterruptible)?;
        Ok(())
    }

    pub(crate) fn locked(&self, cx: &mut MaySleep) -> u64 {
        self.state.lock_in(cx).ended.locked
    }

    /// Ends all waits, and joins who has waited.
    pub(crate) fn end(&self, cx: &mut MaySleep) {
        self.state.lock_in(cx).as_mut().project().round.close();
        let threads = core::mem::take(&mut *self.threads.lock_in(cx));
        for thread in threads {
            let _ = thread.join(cx);
        }
    }
}
