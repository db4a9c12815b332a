// SPDX-License-Identifier: GPL-2.0

//! The state machine of an agent, and the numbers of its runs.

use crate::stop::Body;
use core::ptr::NonNull;
use kernel::{
    bindings,
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

/// The thread that is in a run.
///
/// # Invariants
///
/// `task` is the thread of `body`. Both are valid while the run goes on.
#[derive(Clone, Copy)]
pub(super) struct Runner {
    body: NonNull<Body>,
    task: *mut bindings::task_struct,
}

// SAFETY: What others do with it, `ask()`, may be done by any task.
unsafe impl Send for Runner {}

impl Runner {
    /// Returns the calling thread.
    pub(super) fn current() -> Option<Self> {
        // INVARIANT: The calling thread is that of its body, and exists until it has ended the run.
        Some(Self {
            body: Body::current()?,
            task: Task::current_raw(),
        })
    }

    /// Returns whether the run is to end, and tells it. Called by the thread.
    pub(super) fn is_requested(&self) -> bool {
        // SAFETY: By the type invariants.
        unsafe { self.body.as_ref() }.run_is_requested()
    }

    /// Asks for the end of the run: its waits end.
    fn ask(self) {
        // SAFETY: By the type invariants; the run goes on, or the wish would have no runner.
        unsafe { self.body.as_ref().ask_run(self.task) };
    }
}

/// One run that goes on.
#[derive(Clone, Copy)]
struct Going {
    number: u64,
    runner: Runner,
}

/// What others want of the agent, and what it does: see [`Runs::wish`](super::Runs::wish).
///
/// It is a part of the event of [`Runs`](super::Runs); dropping it does nothing, and nobody can forget
/// it.
///
/// # Invariants
///
/// - `going` is the run that the thread is in; with [`State::Running`], [`State::Stopping`] and
///   [`State::Freezing`] there is one, and also while it is [`State::Retired`] before the run has ended.
/// - The run that has yet to begin, if there is one, has the number `next - 1`. There is one with
///   [`State::Requested`], and with `once_more`.
/// - `once_more` is set with [`State::Running`] and [`State::Stopping`] only.
pub struct Wish {
    state: State,
    going: Option<Going>,
    once_more: bool,
    next: u64,
}

impl Wish {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Idle,
            going: None,
            once_more: false,
            next: 0,
        }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Returns the number of the run that goes on, or else of the one that is requested.
    pub(super) fn current(&self) -> Option<u64> {
        match self.going {
            Some(going) => Some(going.number),
            None => self.requested(),
        }
    }

    /// Returns the number of the run that goes on.
    pub(super) fn going(&self) -> Option<u64> {
        self.going.map(|going| going.number)
    }

    /// Returns the number of the run that has yet to begin.
    pub(super) fn requested(&self) -> Option<u64> {
        let requested = self.state == State::Requested || self.once_more;
        requested.then(|| self.next - 1)
    }

    /// Whether the calling task is in the run.
    pub(super) fn is_mine(&self) -> bool {
        self.going
            .is_some_and(|going| going.runner.task == Task::current_raw())
    }

    /// Whether the agent's thread has something to do: begin a run, or end.
    pub(super) fn calls(&self) -> bool {
        matches!(self.state, State::Requested | State::Retired)
    }

    /// The agent's thread begins the run that was requested; returns false if there will be none.
    pub(super) fn begin(&mut self, runner: Runner) -> bool {
        if self.state != State::Requested {
            return false;
        }
        self.state = State::Running;
        self.going = Some(Going {
            number: self.next - 1,
            runner,
        });
        true
    }

    /// Returns whether a run that goes on is to end.
    ///
    /// Context: under the lock that the agent's state is in, as the condition of a wait is.
    pub fn wants_stop(&self) -> bool {
        !matches!(self.state, State::Requested | State::Running)
    }

    /// Asks for a run, and returns its number.
    pub(super) fn start(&mut self) -> Result<u64, State> {
        match self.state {
            State::Idle => {
                self.state = State::Requested;
                self.next += 1;
            }
            State::Running | State::Stopping if !self.once_more => {
                self.once_more = true;
                self.next += 1;
            }
            State::Requested | State::Running | State::Stopping => {}
            state @ (State::Freezing | State::Frozen | State::Retired) => return Err(state),
        }
        Ok(self.next - 1)
    }

    /// Asks for the end of the run that goes on, and calls off the one that was requested.
    pub(super) fn stop(&mut self) -> Option<u64> {
        let off = self.requested();
        self.once_more = false;
        match self.state {
            State::Requested => self.state = State::Idle,
            State::Running => {
                self.state = State::Stopping;
                self.ask();
            }
            _ => {}
        }
        off
    }

    /// As [`Wish::stop`], and lets none be requested.
    pub(super) fn freeze(&mut self) -> Option<u64> {
        let off = self.requested();
        self.once_more = false;
        match self.state {
            State::Idle | State::Requested => self.state = State::Frozen,
            State::Running | State::Stopping => {
                self.state = State::Freezing;
                self.ask();
            }
            _ => {}
        }
        off
    }

    /// As [`Wish::freeze`], for ever.
    pub(super) fn retire(&mut self) -> Option<u64> {
        let off = self.requested();
        self.once_more = false;
        self.state = State::Retired;
        self.ask();
        off
    }

    /// Lets runs be requested again.
    pub(super) fn thaw(&mut self) {
        match self.state {
            State::Frozen => self.state = State::Idle,
            State::Freezing => self.state = State::Stopping,
            _ => {}
        }
    }

    /// The run has ended.
    pub(super) fn end(&mut self) {
        if let Some(going) = self.going.take() {
            // SAFETY: By the invariants of `Runner`: this is called by the run's thread.
            unsafe { going.runner.body.as_ref() }.clear_run();
        }
        self.state = match self.state {
            State::Freezing => State::Frozen,
            State::Retired => State::Retired,
            _ if self.once_more => State::Requested,
            _ => State::Idle,
        };
        self.once_more = false;
    }

    fn ask(&self) {
        if let Some(going) = self.going {
            going.runner.ask();
        }
    }
}

/// Which runs are over: they have ended, or were called off.
pub(super) struct Over {
    /// All with smaller numbers are,
    below: u64,
    /// but for this one, which goes on.
    except: Option<u64>,
}

impl Over {
    pub(super) const fn new() -> Self {
        Self {
            below: 0,
            except: None,
        }
    }

    pub(super) fn has(&self, number: u64) -> bool {
        number < self.below && self.except != Some(number)
    }

    /// A run that was requested will not begin, while another one may go on.
    pub(super) fn called_off(&mut self, number: u64, going: Option<u64>) {
        self.below = number + 1;
        self.except = going;
    }

    /// The run that went on has ended.
    pub(super) fn ended(&mut self, number: u64) {
        self.below = self.below.max(number + 1);
        self.except = None;
    }
}
