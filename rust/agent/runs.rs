// SPDX-License-Identifier: GPL-2.0

//! The state of an agent, and how its runs are waited for.

use crate::{
    event::{
        Any,
        Event,
        Mode, //
    },
    held::Held,
    level::{
        After,
        Level, //
    },
    registry::{
        self,
        Kind, //
    },
    trace,
    wait_map::WaitMap, //
};
use core::panic::Location;
use kernel::{
    prelude::*,
    static_lock_class,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        lock::Backend,
        LockClassKey, //
    },
    task::Task, //
};

/// Where an agent is. The arrows between these are in [`agent`](crate::agent).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does nothing, and can be started.
    Idle,
    /// It was started, and has not begun.
    Requested,
    /// It runs.
    Running,
    /// It runs, and somebody wants it to end.
    Stopping,
    /// It runs, and somebody wants it to end and not to be started again.
    Freezing,
    /// It does nothing, and cannot be started.
    Frozen,
    /// There is no agent any more.
    Retired,
}

impl State {
    /// Whether a run that goes on is to end.
    pub(super) fn wants_stop(self) -> bool {
        !matches!(self, Self::Requested | Self::Running)
    }
}

/// What the agent's thread looks at.
pub(super) struct Wish {
    state: State,
    /// Whether the thread is in a run; differs from the state only while it is retired.
    runs: bool,
    /// The address of the thread that is in the run.
    runner: usize,
}

/// What the agent's thread waits for.
pub(super) fn is_requested(wish: &Wish) -> bool {
    matches!(wish.state, State::Requested | State::Retired)
}

/// What the agent's thread takes then; `false` if there will be no run.
pub(super) fn take_request(wish: &mut Wish, runner: usize) -> bool {
    if wish.state == State::Retired {
        return false;
    }
    wish.state = State::Running;
    wish.runs = true;
    wish.runner = runner;
    true
}

/// What a run waits for that waits until it is to end.
pub(super) fn stop_wanted(wish: &Wish) -> bool {
    wish.state.wants_stop()
}

/// The state of an agent: lives in the data of the lock at `K`, next to what the lock is for.
///
/// `L` is the level of the agent. `mem::forget` is not possible while it is pinned in a lock.
///
/// # Invariants
///
/// `ends` is the number of runs that have ended or were called off. The current run, if there is one,
/// has that number.
#[pin_data]
pub struct Runs<L: Level, K: Level> {
    #[pin]
    wish: Event<Wish, Any, K>,
    #[pin]
    ends: Event<u64, Any, L>,
    /// Tells it from every other one, also from one that is made where it was.
    id: u64,
}

/// One run, as it was seen under the lock: what a wait for its end is about.
///
/// It cannot be copied, and not be made from a number: who has waited for a run and wants to wait for
/// the next one has to look again. `mem::forget` does nothing.
#[derive(Debug)]
#[must_use = "a run that was only looked at is not waited for"]
pub struct Run {
    generation: u64,
    of: u64,
}

/// Returns a number that no other call returns.
// Not generic: there is one counter.
#[inline(never)]
fn next_id() -> u64 {
    static NEXT: Atomic<u64> = Atomic::new(0);
    NEXT.fetch_add(1, Relaxed)
}

/// A lockdep class, and its name.
type Class = (&'static CStr, Pin<&'static LockClassKey>);

/// The class of waits for a wish.
// Not generic, never inlined: one key with one name at one address, for all users.
#[inline(never)]
fn wish_class() -> Class {
    (c"baton_wish", static_lock_class!())
}

/// The class of waits for the end of a run.
#[inline(never)]
fn ends_class() -> Class {
    (c"baton_run", static_lock_class!())
}

/// The class of agents without a place in an order.
#[inline(never)]
fn unordered_class() -> Class {
    (c"baton_agent", static_lock_class!())
}

impl<L: Level, K: Level> Runs<L, K> {
    /// An agent that does nothing yet.
    pub fn new() -> impl PinInit<Self> {
        let (wish_name, wish_class) = wish_class();
        let (ends_name, ends_class) = ends_class();
        let nothing = Wish {
            state: State::Idle,
            runs: false,
            runner: 0,
        };
        pin_init!(Self {
            wish <- Event::new(nothing, wish_name, wish_class),
            // INVARIANT: No run has ended.
            ends <- Event::of_kind(Kind::Run, 0, ends_name, ends_class),
            id: next_id(),
        })
    }

    /// Returns where the agent is.
    pub fn state(&self) -> State {
        self.wish.state
    }

    /// Returns how many tasks wait for the end of a run.
    pub fn waiters(&self) -> usize {
        self.ends.waiters()
    }

    /// Returns the current run: one that was requested, or goes on.
    fn observe(&self) -> Option<Run> {
        let current = self.wish.runs || self.wish.state == State::Requested;
        current.then(|| Run {
            generation: *self.ends,
            of: self.id,
        })
    }

    /// Asks the agent for a run, and returns it.
    ///
    /// # Errors
    ///
    /// The state in which the agent is, if it is not [`State::Idle`]; nothing has changed then.
    #[doc(alias = "md_wakeup_thread")]
    pub fn start(self: Pin<&mut Self>) -> Result<Run, State> {
        let run = Run {
            generation: *self.ends,
            of: self.id,
        };
        match self.wish.state {
            State::Idle => {
                self.set(State::Requested);
                Ok(run)
            }
            state => Err(state),
        }
    }

    /// Lets a frozen agent be started again; a run that is ending goes on doing so.
    fn thaw(self: Pin<&mut Self>) {
        match self.wish.state {
            State::Frozen => self.set(State::Idle),
            State::Freezing => self.set(State::Stopping),
            _ => {}
        }
    }

    /// Asks the current run to end. One that has not begun is called off.
    pub fn request_stop(self: Pin<&mut Self>) {
        match self.wish.state {
            State::Requested => self.call_off(State::Idle),
            State::Running => self.set(State::Stopping),
            _ => {}
        }
    }

    /// Asks the current run to end, and lets none begin until [`Held::thaw`].
    pub fn request_freeze(self: Pin<&mut Self>) {
        match self.wish.state {
            State::Idle => self.set(State::Frozen),
            State::Requested => self.call_off(State::Frozen),
            State::Running | State::Stopping => self.set(State::Freezing),
            _ => {}
        }
    }

    /// The calling task has begun the current run.
    pub(super) fn begins(&self, place: &'static Location<'static>) {
        registry::owe_since(Kind::Run, self.ends.object(), place);
        trace::run(self.ends.object(), trace::Run::Begins, *self.ends);
    }

    pub(super) fn project_wish(self: Pin<&mut Self>) -> Pin<&mut Event<Wish, Any, K>> {
        self.project().wish
    }

    fn set(self: Pin<&mut Self>, state: State) {
        self.project().wish.update(|wish| wish.state = state);
    }

    fn call_off(mut self: Pin<&mut Self>, state: State) {
        self.as_mut().set(state);
        // INVARIANT: The run with this number will not begin.
        self.project().ends.update(|ends| *ends += 1);
    }

    /// The current run is over: the one way out of it.
    pub(super) fn ended(mut self: Pin<&mut Self>) {
        registry::paid(self.ends.object());
        trace::run(self.ends.object(), trace::Run::Ends, *self.ends);
        self.as_mut().project().wish.update(|wish| {
            wish.runs = false;
            wish.runner = 0;
            wish.state = match wish.state {
                State::Freezing => State::Frozen,
                State::Retired => State::Retired,
                _ => State::Idle,
            };
        });
        // INVARIANT: The run with this number has ended.
        self.project().ends.update(|ends| *ends += 1);
    }

    /// There will be no run after the current one.
    pub(super) fn retire(self: Pin<&mut Self>) {
        if self.wish.state == State::Requested {
            self.call_off(State::Retired);
        } else {
            self.set(State::Retired);
        }
    }

    fn is_mine(&self) -> bool {
        self.wish.runs && self.wish.runner == Task::current_raw().addr()
    }
}

impl<'a, 'c, T, B: Backend, C: Level, K: Level> Held<'a, 'c, T, B, C, K> {
    /// Returns the current run: one that was requested, or goes on. [`None`] if there is none.
    ///
    /// Context: any in which the lock may be held. Nothing is waited for.
    #[doc(alias = "sync_seq")]
    pub fn observe<L: Level>(
        mut self,
        mut runs: impl FnMut(Pin<&mut T>) -> Pin<&mut Runs<L, K>>,
    ) -> (Self, Option<Run>) {
        let run = runs(self.as_mut()).observe();
        (self, run)
    }

    /// Waits until `run` has ended, without asking it to.
    ///
    /// The lock is not held meanwhile, and is given back whatever came of it. A later run does not
    /// matter.
    ///
    /// Context: may sleep. What the task holds besides stands above the agent: `L: After<C>`.
    ///
    /// # Errors
    ///
    /// `EDEADLK` at once if the caller is in that run; `EINVAL` if `run` is one of another agent; what
    /// `mode` allows for.
    #[track_caller]
    pub fn ended<L, M>(
        mut self,
        mode: M,
        mut runs: impl FnMut(Pin<&mut T>) -> Pin<&mut Runs<L, K>>,
        run: Run,
    ) -> (Self, Result)
    where
        L: After<C>,
        M: Mode,
    {
        let state = runs(self.as_mut());
        if state.id != run.of {
            return (self, Err(EINVAL));
        }
        if state.is_mine() {
            return (self, Err(EDEADLK));
        }
        let (held, result) = self
            .announced::<L>()
            .on_found(|data| runs(data).project().ends)
            .until(move |ends| *ends > run.generation)
            .wait_relock(mode);
        (held, result.map_err(Into::into))
    }

    /// Asks the current run to end, and waits for that; does nothing if there is none.
    ///
    /// Whatever is started meanwhile is not waited for, and not stopped.
    ///
    /// Context and errors: as [`Held::ended`]. After an error the run has been asked nevertheless,
    /// but for `EDEADLK`.
    #[doc(alias("kthread_stop", "stop_sync_thread"))]
    #[track_caller]
    pub fn stop<L, M>(
        self,
        mode: M,
        runs: impl FnMut(Pin<&mut T>) -> Pin<&mut Runs<L, K>>,
    ) -> (Self, Result)
    where
        L: After<C>,
        M: Mode,
    {
        self.request_and_wait(mode, runs, Runs::request_stop)
    }

    /// As [`Held::stop`], and lets no run begin until [`Held::thaw`].
    #[doc(alias("kthread_park", "frozen_sync_thread"))]
    #[track_caller]
    pub fn freeze<L, M>(
        self,
        mode: M,
        runs: impl FnMut(Pin<&mut T>) -> Pin<&mut Runs<L, K>>,
    ) -> (Self, Result)
    where
        L: After<C>,
        M: Mode,
    {
        self.request_and_wait(mode, runs, Runs::request_freeze)
    }

    /// Lets a frozen agent be started again.
    ///
    /// A run that was asked to end goes on doing so; it does not freeze the agent any more.
    ///
    /// Context: any in which the lock may be held. Nothing is waited for.
    #[doc(alias = "kthread_unpark")]
    pub fn thaw<L: Level>(
        mut self,
        mut runs: impl FnMut(Pin<&mut T>) -> Pin<&mut Runs<L, K>>,
    ) -> Self {
        runs(self.as_mut()).thaw();
        self
    }

    #[track_caller]
    fn request_and_wait<L, M>(
        mut self,
        mode: M,
        mut runs: impl FnMut(Pin<&mut T>) -> Pin<&mut Runs<L, K>>,
        request: fn(Pin<&mut Runs<L, K>>),
    ) -> (Self, Result)
    where
        L: After<C>,
        M: Mode,
    {
        let mut state = runs(self.as_mut());
        if state.is_mine() {
            return (self, Err(EDEADLK));
        }
        let run = state.observe();
        request(state.as_mut());
        match run {
            Some(run) => self.ended(mode, runs, run),
            None => (self, Ok(())),
        }
    }

    /// Tells lockdep about the wait, with what is held besides this lock.
    ///
    /// A run holds the map of its level and takes this lock, so the lock must not be held here.
    #[cfg(CONFIG_LOCKDEP)]
    fn announced<L: Level>(self) -> Self {
        let (lock, cx) = self.unlock();
        with_wait_map::<L, _>(WaitMap::wait);
        Held::new(lock.lock(), cx)
    }

    #[cfg(not(CONFIG_LOCKDEP))]
    #[allow(
        clippy::extra_unused_type_parameters,
        reason = "there are no lockdep classes"
    )]
    #[inline]
    fn announced<L: Level>(self) -> Self {
        self
    }
}

/// Makes the lockdep map of a level, which is one of many with the same class.
pub(super) fn with_wait_map<L: Level, R>(body: impl FnOnce(&WaitMap) -> R) -> R {
    let (name, key) = match L::class() {
        Some(class) => class,
        None => unordered_class(),
    };
    pin_init::stack_pin_init!(let map = WaitMap::new(name, key));
    body(&map)
}
