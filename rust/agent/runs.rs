// SPDX-License-Identifier: GPL-2.0

//! The state of an agent, in the lock that it is protected by.

use super::state::{
    Over,
    State,
    Wish, //
};
use crate::{
    event::{
        Any,
        Event, //
    },
    level::Level,
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
        LockClassKey, //
    }, //
};

/// The state of an agent: lives in the data of the lock at `K`, next to what the lock is for.
///
/// `L` is the level of the agent. Dropping it ends the waits for it with an error. `mem::forget` of a box with
/// the lock leaks memory. A run that waits for itself gets `EDEADLK`.
///
/// # Invariants
///
/// A run is in `over` from when it has ended, or was called off, and no other one is.
#[pin_data]
pub struct Runs<L: Level, K: Level> {
    #[pin]
    wish: Event<Wish, Any, K>,
    #[pin]
    over: Event<Over, Any, L>,
    /// Tells it from every other one, also from one that is made where it was.
    pub(super) id: u64,
}

/// One run, as it was seen under the lock: what a wait for its end is about.
///
/// It cannot be copied, and not be made from a number: who has waited for a run and wants to wait for
/// the next one has to look again. Dropping it does nothing, nor does `mem::forget`: the run goes on.
#[derive(Debug)]
#[must_use = "a run that was only looked at is not waited for"]
pub struct Run {
    pub(super) number: u64,
    pub(super) of: u64,
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
fn over_class() -> Class {
    (c"baton_run", static_lock_class!())
}

/// The class of agents without a place in an order.
#[inline(never)]
fn unordered_class() -> Class {
    (c"baton_agent", static_lock_class!())
}

impl<L: Level, K: Level> Runs<L, K> {
    /// An agent that does nothing yet.
    ///
    /// Context: any; it only initialises.
    pub fn new() -> impl PinInit<Self> {
        let (wish_name, wish_class) = wish_class();
        let (over_name, over_class) = over_class();
        pin_init!(Self {
            wish <- Event::new(Wish::new(), wish_name, wish_class),
            // INVARIANT: No run has ended.
            over <- Event::of_kind(Kind::Run, Over::new(), over_name, over_class),
            id: next_id(),
        })
    }

    /// Returns where the agent is.
    ///
    /// Context: as [`Runs::start`].
    pub fn state(&self) -> State {
        self.wish.state()
    }

    /// Returns whether a run was asked for that has not begun, while another one goes on or not.
    ///
    /// Context: as [`Runs::start`].
    pub fn is_requested(&self) -> bool {
        self.wish.requested().is_some()
    }

    /// Returns what others want of the agent, as an event that a run can wait for besides another one.
    ///
    /// A wish for its end ends waits of a run anyway, with an error; so it says what it was that came.
    /// Either way the run is told by [`Current::stop_requested`](super::Current::stop_requested).
    ///
    /// Context: as [`Runs::start`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use baton::agent::{Runs, Wish};
    /// use baton::event::{Either, Killable};
    /// use baton::level::levels;
    /// use baton::{Any, Event, MaySleep, Ordered};
    /// use kernel::prelude::*;
    /// use kernel::sync::Mutex;
    ///
    /// levels! {
    ///     mod order {
    ///         Work needs [State],
    ///         State,
    ///     }
    /// }
    ///
    /// #[pin_data]
    /// struct Data {
    ///     #[pin]
    ///     runs: Runs<order::Work, order::State>,
    ///     #[pin]
    ///     jobs: Event<u32, Any, order::State>,
    /// }
    ///
    /// /// Takes a job, or returns `None` if the run is to end.
    /// fn next(
    ///     state: &Ordered<order::State, Mutex<Data>>,
    ///     cx: &mut MaySleep<order::Work>,
    /// ) -> Option<()> {
    ///     let held = state.lock_in(cx);
    ///     let job = held
    ///         .on(|data| &data.jobs)
    ///         .when(|jobs| *jobs > 0, |jobs| *jobs -= 1)
    ///         .or(|data| data.runs.wish())
    ///         .until(Wish::wants_stop);
    ///     match job.wait(Killable) {
    ///         Ok(Either::First(())) => Some(()),
    ///         Ok(Either::Second(())) | Err(_) => None,
    ///     }
    /// }
    /// ```
    pub fn wish(&self) -> &Event<Wish, Any, K> {
        &self.wish
    }

    /// Returns how many tasks wait for the end of a run.
    ///
    /// Context: as [`Runs::start`].
    pub fn waiters(&self) -> usize {
        self.over.waiters()
    }

    /// Returns the current run: the one that goes on, or else the one that was requested.
    pub(super) fn observe(&self) -> Option<Run> {
        self.wish.current().map(|number| self.run(number))
    }

    fn run(&self, number: u64) -> Run {
        Run {
            number,
            of: self.id,
        }
    }

    /// Asks the agent for a run, and returns it.
    ///
    /// While a run goes on, in its last step too, the agent runs once more when that has ended: what
    /// was there to do before this call is seen by the run that is returned. Asking again before that
    /// has begun returns the same one. If the agent's thread is asleep, the run begins in this call.
    ///
    /// Context: any in which the lock may be held, hard interrupts too if it is a `SpinLockIrq`.
    ///
    /// # Errors
    ///
    /// The state of the agent if it is frozen, about to be, or retired; nothing has changed then.
    #[doc(alias = "md_wakeup_thread")]
    pub fn start(self: Pin<&mut Self>) -> Result<Run, State> {
        let of = self.id;
        let number = self.project().wish.update(Wish::start)?;
        Ok(Run { number, of })
    }

    /// Lets a frozen agent be started again; a run that is ending goes on doing so.
    pub(super) fn thaw(self: Pin<&mut Self>) {
        self.project().wish.update(Wish::thaw);
    }

    /// Asks the current run to end, and calls off one that has not begun.
    ///
    /// Waits of the run end: see [`Current`](super::Current).
    ///
    /// Context: as [`Runs::start`].
    pub fn request_stop(self: Pin<&mut Self>) {
        self.change(Wish::stop);
    }

    /// As [`Runs::request_stop`], and lets none begin until [`Held::thaw`].
    ///
    /// Context: as [`Runs::start`].
    ///
    /// [`Held::thaw`]: crate::Held::thaw
    pub fn request_freeze(self: Pin<&mut Self>) {
        self.change(Wish::freeze);
    }

    /// There will be no run after the current one.
    pub(super) fn retire(self: Pin<&mut Self>) {
        self.change(Wish::retire);
    }

    /// Changes what is wanted, which calls off the run that is returned.
    fn change(self: Pin<&mut Self>, change: fn(&mut Wish) -> Option<u64>) {
        let mut this = self.project();
        let off = this.wish.as_mut().update(change);
        if let Some(number) = off {
            let going = this.wish.going();
            // INVARIANT: The run with this number will not begin.
            this.over.update(|over| over.called_off(number, going));
        }
    }

    /// The calling task has begun the current run.
    pub(super) fn begins(&self, place: &'static Location<'static>) {
        registry::owe_since(Kind::Run, self.over.object(), place);
        trace::run(
            self.over.object(),
            trace::Run::Begins,
            self.wish.going().unwrap_or(0),
        );
    }

    /// The current run is over: the one way out of it. Called by its thread.
    pub(super) fn ended(self: Pin<&mut Self>) {
        let this = self.project();
        let Some(number) = this.wish.going() else {
            return;
        };
        registry::paid(this.over.object());
        trace::run(this.over.object(), trace::Run::Ends, number);
        this.wish.update(Wish::end);
        // INVARIANT: The run with this number has ended.
        this.over.update(|over| over.ended(number));
    }

    pub(super) fn project_wish(self: Pin<&mut Self>) -> Pin<&mut Event<Wish, Any, K>> {
        self.project().wish
    }

    pub(super) fn project_over(self: Pin<&mut Self>) -> Pin<&mut Event<Over, Any, L>> {
        self.project().over
    }

    /// Whether a run that goes on is to end.
    pub(super) fn wants_stop(&self) -> bool {
        self.wish.wants_stop()
    }

    /// Returns whether the caller is in the run that goes on.
    pub(super) fn is_mine(&self) -> bool {
        self.wish.is_mine()
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
