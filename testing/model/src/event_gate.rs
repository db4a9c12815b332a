// SPDX-License-Identifier: GPL-2.0

//! What the cases of the event protocol are about: credits under a lock, and those who wait for them.

use super::{
    claim::when,
    gift::{give, Gifts, GiveError, Item},
    host::{GaveUp, Host, HostSleeper, Mode, Task},
    monitor::{wait, Either, Ended, Events, Monitor, One, Place, Tried, Two},
    protocol::{Chosen, Claim, Queue, Sleeper},
    returning::Returning,
    several::{Inline, Member, Several},
    sync::{Mutex, MutexGuard, Plain},
};
use std::{cell::UnsafeCell, sync::Arc};

/// An event, as `baton::Event` is made of the queue and the data.
pub(super) struct Event {
    pub(super) queue: Queue<u32, Host>,
    pub(super) credits: UnsafeCell<u32>,
}

// SAFETY: As for `baton::Event`.
unsafe impl Send for Event {}

impl Event {
    pub(super) fn new(credits: u32, fifo: bool) -> Self {
        Self {
            queue: Queue::new(fifo),
            credits: UnsafeCell::new(credits),
        }
    }

    pub(super) fn add(&mut self, amount: u32) {
        let Self { queue, credits } = self;
        queue.update(credits.get_mut(), |credits| *credits += amount);
    }

    pub(super) fn place(&self) -> Place<u32, Host> {
        // SAFETY: The event is inside the data of the gate's lock, which the case keeps until it has
        // joined its threads.
        unsafe { Place::new(&self.queue, self.credits.get()) }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Three events, of which the first one can go away and come back.
pub(super) struct Slot {
    pub(super) event: Option<Event>,
    pub(super) other: Event,
    pub(super) third: Event,
}

impl Slot {
    /// Where the first event is, if it is there.
    pub(super) fn place(&self) -> Place<u32, Host> {
        self.event.as_ref().map_or(Place::nowhere(), Event::place)
    }

    /// How many entries are on the list of each event.
    pub(super) fn waiting(&self) -> [usize; 3] {
        let first = self.event.as_ref().map_or(0, |event| event.queue.len());
        [first, self.other.queue.len(), self.third.queue.len()]
    }

    /// Adds to the first event, or to the other one.
    pub(super) fn add(&mut self, amount: u32, other: bool) {
        if other {
            self.other.add(amount);
        } else if let Some(event) = &mut self.event {
            event.add(amount);
        }
    }
}

/// A lock with events in it.
pub(super) struct Gate {
    pub(super) slot: Mutex<Slot>,
    fifo: bool,
}

/// How a wait has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Served,
    Closed,
    Ended,
    GaveUp(GaveUp),
}

pub(super) const SIGNAL: End = End::GaveUp(GaveUp::Signal);
pub(super) const TIMED_OUT: End = End::GaveUp(GaveUp::TimedOut);

/// Something to be given away, which counts how often it was dropped.
struct Given(Arc<Plain>, u32);

impl Drop for Given {
    fn drop(&mut self) {
        self.0.write();
    }
}

pub(super) struct Want {
    amount: u32,
    /// Is written to by the claim, and read by the waiter.
    receipt: Arc<Plain>,
}

/// Takes as many credits as are wanted.
fn take(want: Want) -> impl super::claim::Claim<u32, Output = u32> {
    let Want { amount, receipt } = want;
    when(
        move |credits: &u32| *credits >= amount,
        move |credits: &mut u32| {
            *credits -= amount;
            receipt.write();
            amount
        },
    )
}

impl Monitor for &'static Gate {
    type Guard = MutexGuard<'static, Slot>;

    fn lock(&mut self) -> Self::Guard {
        self.slot.lock().unwrap()
    }
}

impl Gate {
    /// A gate with an event that has `credits`, and two others without; with `fifo`, nobody overtakes.
    pub(super) fn new(credits: u32, fifo: bool) -> Shared {
        Shared(Arc::new(Self {
            slot: Mutex::new(Slot {
                event: Some(Event::new(credits, fifo)),
                other: Event::new(0, fifo),
                third: Event::new(0, fifo),
            }),
            fifo,
        }))
    }

    pub(super) fn run<E: Events<Host>>(
        &'static self,
        task: &Task,
        mode: Mode,
        events: impl FnOnce(&Slot) -> E,
    ) -> Result<E::Output, <E::Back as Gifts>::Error<End>> {
        self.run_with(|| HostSleeper::new(task, mode), events)
    }

    /// As [`Gate::run`], with a sleeper of the caller's.
    pub(super) fn run_with<E: Events<Host>, S: Sleeper<GaveUp = GaveUp>>(
        &'static self,
        sleeper: impl FnOnce() -> S,
        events: impl FnOnce(&Slot) -> E,
    ) -> Result<E::Output, <E::Back as Gifts>::Error<End>> {
        let guard = self.slot.lock().unwrap();
        let events = events(&guard);
        // SAFETY: The guard is that of the lock, and the events are under it.
        let ended = unsafe { wait(self, guard, events, sleeper, |_| {}) };
        ended.map_err(|(ended, back)| {
            back.error(match ended {
                Ended::Closed => End::Closed,
                Ended::Dismissed => End::Ended,
                Ended::GaveUp(why) => End::GaveUp(why),
            })
        })
    }

    pub(super) fn wait(&'static self, task: &Task, mode: Mode, amount: u32) -> End {
        let receipt = Arc::new(Plain::new());
        let claim = take(Want {
            amount,
            receipt: receipt.clone(),
        });
        match self.run(task, mode, |slot| One::new(slot.place(), claim)) {
            Ok(got) => {
                assert_eq!((got, receipt.read()), (amount, 1));
                End::Served
            }
            Err(end) => end,
        }
    }

    /// Waits for one credit of the other event, which is tried first, or for `amount` of the first one.
    pub(super) fn wait_either(&'static self, task: &Task, mode: Mode, amount: u32) -> End {
        let receipt = Arc::new(Plain::new());
        let claim = |amount| {
            take(Want {
                amount,
                receipt: receipt.clone(),
            })
        };
        match self.run(task, mode, |slot| Two {
            first: One::new(slot.other.place(), claim(1)),
            second: One::new(slot.place(), claim(amount)),
        }) {
            Ok(which) => {
                assert_eq!(receipt.read(), 1);
                match which {
                    Either::First(got) => assert_eq!(got, 1),
                    Either::Second(got) => assert_eq!(got, amount),
                }
                End::Served
            }
            Err(end) => end,
        }
    }

    /// Waits for one credit of any of the three events, the first of which is named once more at the end.
    pub(super) fn wait_any(&'static self, task: &Task, mode: Mode) -> End {
        let receipt = Arc::new(Plain::new());
        let claim = take(Want {
            amount: 1,
            receipt: receipt.clone(),
        });
        match self.run(task, mode, |slot| {
            let places = [
                slot.place(),
                slot.other.place(),
                slot.third.place(),
                slot.place(),
            ];
            let mut index = 0;
            let members = places.map(|place| {
                index += 1;
                Member::new(place, index - 1)
            });
            Several::new(Inline(members), claim)
        }) {
            Ok((which, got)) => {
                assert_eq!((got, receipt.read()), (1, 1));
                assert!(which < 3, "the same event, by the name that came later");
                End::Served
            }
            Err(end) => end,
        }
    }

    /// Gives `amount` credits as soon as there is one.
    pub(super) fn wait_give(&'static self, task: &Task, mode: Mode, amount: u32) -> End {
        let given = Given(Arc::new(Plain::new()), amount);
        let memory = given.0.clone();
        let claim = give(given).when(
            |credits: &u32| *credits > 0,
            |credits: &mut u32, item: Item<'_, Given>| {
                let given = item.take();
                *credits += given.1;
                given
            },
        );
        match self.run(task, mode, |slot| Returning(One::new(slot.place(), claim))) {
            // It went through the hands of whoever has served this task.
            Ok(given) => {
                drop(given);
                assert_eq!(memory.read(), 1);
                End::Served
            }
            Err(GiveError { item, error }) => {
                assert_eq!((item.1, memory.read()), (amount, 0));
                drop(item);
                assert_eq!(memory.read(), 1);
                error
            }
        }
    }

    /// Claims if that can be, as `Event::try_claim()`.
    pub(super) fn try_claim<C: Claim<u32>>(&self, mut claim: C) -> Option<C::Output> {
        let slot = self.slot.lock().unwrap();
        // SAFETY: The lock is held, and the claim is only dropped.
        match unsafe { slot.place().try_claim(&mut claim) } {
            Tried::Claimed(got) => Some(got),
            Tried::Closed | Tried::InVain => None,
        }
    }

    pub(super) fn add(&self, amount: u32) {
        self.slot.lock().unwrap().add(amount, false);
    }

    pub(super) fn add_third(&self, amount: u32) {
        self.slot.lock().unwrap().third.add(amount);
    }

    pub(super) fn add_other(&self, amount: u32) {
        self.slot.lock().unwrap().add(amount, true);
    }

    /// As [`Gate::add`], but tells who was served only after the unlock, like `Held::update()`.
    pub(super) fn add_deferred(&self, amount: u32) {
        let mut chosen = Chosen::new();
        let mut slot = self.slot.lock().unwrap();
        if let Some(Event { queue, credits }) = &mut slot.event {
            *credits.get_mut() += amount;
            queue.choose(credits.get_mut(), &mut chosen);
        }
        drop(slot);
        chosen.complete();
    }

    /// As [`Gate::add_deferred`], and tells them under the lock, like `Held::inner()`; then `below`.
    pub(super) fn add_and_wait_below(&self, amount: u32, below: impl FnOnce(bool)) {
        let mut chosen = Chosen::new();
        let mut slot = self.slot.lock().unwrap();
        if let Some(Event { queue, credits }) = &mut slot.event {
            *credits.get_mut() += amount;
            queue.choose(credits.get_mut(), &mut chosen);
        }
        let any = !chosen.is_empty();
        chosen.complete();
        below(any);
        drop(slot);
        chosen.complete();
    }

    pub(super) fn close(&self) {
        if let Some(event) = &self.slot.lock().unwrap().event {
            event.queue.close();
        }
    }

    pub(super) fn close_other(&self) {
        self.slot.lock().unwrap().other.queue.close();
    }

    /// Ends the present waits of the first event.
    pub(super) fn end_waits(&self) {
        if let Some(event) = &self.slot.lock().unwrap().event {
            event.queue.end_waits();
        }
    }

    /// The credits of all events.
    pub(super) fn all(&self) -> u32 {
        let mut slot = self.slot.lock().unwrap();
        let others = *slot.other.credits.get_mut() + *slot.third.credits.get_mut();
        others
            + slot
                .event
                .as_mut()
                .map_or(0, |event| *event.credits.get_mut())
    }

    pub(super) fn credits(&self) -> Option<u32> {
        let mut slot = self.slot.lock().unwrap();
        slot.event.as_mut().map(|event| *event.credits.get_mut())
    }
}

/// A gate that the threads of a case share. The case keeps it until it has joined all of them.
pub(super) struct Shared(pub(super) Arc<Gate>);

impl Shared {
    /// The gate, for a thread of this case.
    pub(super) fn lend(&self) -> &'static Gate {
        // SAFETY: A case returns, and so drops this, only after it has joined its threads; when it
        // panics, the process ends.
        unsafe { &*Arc::as_ptr(&self.0) }
    }
}

/// A thread that waits, and how that has ended.
pub(super) struct Waiter {
    pub(super) task: Arc<Task>,
    pub(super) thread: super::sync::JoinHandle<()>,
    pub(super) end: Arc<std::sync::Mutex<Option<End>>>,
}

impl Waiter {
    pub(super) fn start(gate: &Shared, mode: Mode, amount: u32) -> Self {
        Self::start_as(Task::new(), gate, mode, amount)
    }

    pub(super) fn start_as(task: Arc<Task>, gate: &Shared, mode: Mode, amount: u32) -> Self {
        let gate = gate.lend();
        Self::start_with(task, move |task| gate.wait(task, mode, amount))
    }

    pub(super) fn start_either(gate: &Shared, mode: Mode) -> Self {
        Self::start_large(gate, mode, 1)
    }

    pub(super) fn start_large(gate: &Shared, mode: Mode, amount: u32) -> Self {
        let gate = gate.lend();
        Self::start_with(Task::new(), move |task| {
            gate.wait_either(task, mode, amount)
        })
    }

    pub(super) fn start_any(gate: &Shared, mode: Mode) -> Self {
        let gate = gate.lend();
        Self::start_with(Task::new(), move |task| gate.wait_any(task, mode))
    }

    pub(super) fn start_give(gate: &Shared, mode: Mode, amount: u32) -> Self {
        let gate = gate.lend();
        Self::start_with(Task::new(), move |task| gate.wait_give(task, mode, amount))
    }

    /// Starts a task that waits by `body`.
    pub(super) fn start_with(
        task: Arc<Task>,
        body: impl FnOnce(&Task) -> End + Send + 'static,
    ) -> Self {
        let end = Arc::new(std::sync::Mutex::new(None));
        let theirs = end.clone();
        let thread = task.run(move |task| {
            let end = body(task);
            *theirs.lock().unwrap() = Some(end);
        });
        Self { task, thread, end }
    }

    pub(super) fn join(self) -> End {
        self.thread.join().unwrap();
        let end = *self.end.lock().unwrap();
        end.expect("the waiter has ended")
    }
}

/// Runs `body` in a thread of its own that waits for nothing.
pub(super) fn act(body: impl FnOnce() + Send + 'static) -> super::sync::JoinHandle<()> {
    Task::new().run(move |_| body())
}
