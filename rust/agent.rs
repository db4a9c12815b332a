// SPDX-License-Identifier: GPL-2.0

//! Agents: background threads that run, are stopped, and are frozen.
//!
//! C header: [`include/linux/kthread.h`](srctree/include/linux/kthread.h)
//!
//! # The bug that this removes
//!
//! `md` stops its resync in two ways that hang. One waits for the thread with the mutex held that the
//! thread depends on; see [`level`](crate::level). The other one waits for a flag:
//!
//! ```text
//!   admin                                  daemon
//!   1 INTR = 1, unlock(reconfig_mutex)
//!   2 RUNNING? yes: sleeps
//!                                          3 the resync has ended: RUNNING = 0, wake
//!                                          4 there is more to do: RUNNING = 1
//!   5 RUNNING? yes: sleeps, and for how long is up to a run that nobody has told to stop
//! ```
//!
//! Here a stop waits for the [`Run`] that it saw. Its number is internal; nothing says "not running".
//! The wait consumes the guard of the lock that [`Runs`] lives in and gives it back, so that lock is
//! not held meanwhile; any other one has to stand above the agent in the module's order.
//!
//! ```text
//!             start                begun by the thread
//!    Idle ------------> Requested --------------------> Running ---.
//!    ^ | ^                |   |                        |   |  ^    | start: once more
//!    | | '--stop----------'   | freeze            stop |   |  '----'
//!    | | freeze               |                        |   |
//!    | '------> Frozen <------'                        |   | freeze
//!    |           | ^                                   v   |
//!    '---thaw----' |                   thaw       Stopping |  (start: once more)
//!                  |              .------------->   |      |
//!                  |              |                 |freeze|
//!                  '-- run ends --+---- Freezing <--+------'
//!
//!    A run ends:  Running, Stopping: Idle, or Requested if it is to run once more
//!                 Freezing: Frozen
//!    stop and freeze call off a run that has not begun, also one that is "once more".
//!    The agent goes: Retired, whatever it was; its run, if there is one, is asked to end.
//! ```
//!
//! Starting is a state: whoever has work for the agent starts it, also in the last step of a run, and a
//! run that begins afterwards sees that work.

mod runs;
mod state;
mod wait;

pub use runs::{
    Run,
    Runs, //
};
pub use state::{
    State,
    Wish, //
};

use crate::{
    context::MaySleep,
    event::{
        FreezableRun,
        Idle,
        Mode,
        ModeAt, //
    },
    level::{
        After,
        Level,
        Top, //
    },
    ordered::Ordered,
    owner::TeardownError,
    registry,
    thread::{
        Builder,
        Stop,
        Thread, //
    },
    trace,
    wait_map::{
        Holding,
        WaitMap, //
    },
};
use core::{
    cell::Cell,
    panic::Location, //
};
use kernel::{
    prelude::*,
    sync::{
        lock::{
            Backend,
            Lock, //
        },
        Arc, //
    }, //
};
use runs::with_wait_map;
use state::Runner;

/// What an agent does, and where its state is.
///
/// It is harmless to implement: nothing unsafe rests on it. A `lock` or `runs` that answers with another
/// state each time makes waits for what does not come; they end by their mode.
pub trait Operations: Send + Sync + Sized + 'static {
    /// The place of a run in the order: what a run takes or waits for stands below it.
    type Level: Level + After<Top>;

    /// The place of the lock that the state is in.
    type LockLevel: After<Self::Level> + After<Top>;

    /// What that lock protects.
    type Data: Send;

    /// The kind of that lock.
    type Backend: Backend;

    /// Returns the lock that the state is in.
    ///
    /// Context: that of whoever uses the agent; it must not sleep.
    fn lock(&self) -> &Ordered<Self::LockLevel, Lock<Self::Data, Self::Backend>>;

    /// Finds the state.
    ///
    /// Context: under the lock; it must not sleep.
    fn runs(data: Pin<&mut Self::Data>) -> Pin<&mut Runs<Self::Level, Self::LockLevel>>;

    /// Runs once, until the work is done or `current` says that it is to stop.
    ///
    /// However this returns, the run has ended then, and who waits for it is woken.
    ///
    /// Context: may sleep: it is the body of the agent's thread.
    fn run(&self, current: &Current<'_, Self>, cx: &mut MaySleep<Self::Level>);
}

/// The run that goes on now, as seen by [`Operations::run`].
///
/// A wish for its end that the run has not seen yet ends its waits, as a [`Stop`] does those of a
/// thread: they fail with [`WaitError::Stopped`](crate::event::WaitError::Stopped), or with
/// [`Closed`](crate::event::Closed). Once [`Current::stop_requested`] has returned `true` or
/// [`Current::wait_stop`] has returned, waits are as ever.
///
/// A run that waits for its own end gets `EDEADLK`. Dropping this does nothing, nor does `mem::forget`: the run
/// is ended by who has begun it, which is the library.
pub struct Current<'r, O: Operations> {
    owner: &'r O,
    runner: Runner,
    stop: &'r Stop<'r>,
    map: &'r WaitMap,
    /// The run, as lockdep knows it.
    holding: Cell<Option<Holding<'r>>>,
}

impl<O: Operations> Current<'_, O> {
    /// Returns whether somebody waits for the end of this run, or wants it to end.
    ///
    /// Context: may sleep, takes the agent's lock.
    #[doc(alias("kthread_should_stop", "kthread_should_park"))]
    pub fn stop_requested(&self, cx: &mut MaySleep<O::Level>) -> bool {
        let mut held = self.owner.lock().lock_in(cx);
        let wanted = O::runs(held.as_mut()).wants_stop();
        drop(held);
        // Each is told, so that neither ends waits any more.
        self.runner.is_requested() | self.stop.requested() | wanted
    }

    /// As [`Current::stop_requested`], and lets the freezer stop the run here if it wants to.
    ///
    /// For the agent of a [freezable](crate::thread::Builder::freezable) thread, between two steps of its work; it
    /// returns after the thaw. Whoever waits for the run meanwhile has to be freezable itself, or is in the
    /// freezer's way.
    ///
    /// Context: may sleep, takes the agent's lock. The run holds nothing.
    #[doc(alias("kthread_freezable_should_stop", "try_to_freeze"))]
    pub fn stop_requested_or_freeze(&self, cx: &mut MaySleep<O::Level>) -> bool {
        if self.stop_requested(cx) {
            return true;
        }
        // Lockdep takes the run for a lock, with which a task must not be frozen.
        drop(self.holding.take());
        // ENTRY: of the run, which holds nothing, by its capability.
        MaySleep::assert().try_to_freeze();
        self.holding.set(Some(self.map.hold()));
        self.stop_requested(cx)
    }

    /// Returns a form of waiting in which the freezer may leave the run as it is.
    ///
    /// It is what [`Mode::freezable`] is to a task that holds nothing, for a run
    /// that holds nothing besides. Whoever waits for the run meanwhile has to be freezable itself, or is in the
    /// freezer's way.
    ///
    /// Context: any.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use baton::agent::{Current, Operations};
    /// use baton::event::Killable;
    /// use baton::{After, Any, Event, MaySleep, Ordered};
    /// use kernel::prelude::*;
    /// use kernel::sync::Mutex;
    ///
    /// #[pin_data]
    /// struct Jobs<L: baton::Level> {
    ///     #[pin]
    ///     waiting: Event<u32, Any, L>,
    /// }
    ///
    /// /// Takes a job in a run that may be frozen meanwhile.
    /// fn next<O: Operations>(
    ///     jobs: &Ordered<O::LockLevel, Mutex<Jobs<O::LockLevel>>>,
    ///     current: &Current<'_, O>,
    ///     cx: &mut MaySleep<O::Level>,
    /// ) -> Result {
    ///     jobs.lock_in(cx)
    ///         .on(|jobs| &jobs.waiting)
    ///         .when(|waiting| *waiting > 0, |waiting| *waiting -= 1)
    ///         .wait(current.freezable(Killable))?;
    ///     Ok(())
    /// }
    /// ```
    #[doc(alias = "TASK_FREEZABLE")]
    pub fn freezable<M: Mode>(&self, mode: M) -> FreezableRun<M, O::Level> {
        FreezableRun::new(mode)
    }

    /// Sleeps until somebody wants the run to end.
    ///
    /// The wish is a state and not a wake-up: one that came earlier is seen.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// As of `mode`; it is never closed, and a stop is what it waits for.
    #[doc(alias("kthread_parkme", "md_wakeup_thread"))]
    #[track_caller]
    pub fn wait_stop<M>(&self, cx: &mut MaySleep<O::Level>, mode: M) -> Result<(), M::Error>
    where
        M: ModeAt<O::Level>,
    {
        let held = self.owner.lock().lock_in(cx);
        let result = held
            .on_mut(|data| O::runs(data).project_wish())
            .until(Wish::wants_stop)
            .wait(mode);
        if self.stop_requested(cx) {
            return Ok(());
        }
        result
    }

    /// Calls `f`, in which a stop ends no wait; see [`Stop::deferred`].
    ///
    /// Context: that of `f`, which may sleep.
    pub fn deferred<L: Level, R>(
        &self,
        cx: &mut MaySleep<L>,
        f: impl FnOnce(&mut MaySleep<L>) -> R,
    ) -> R {
        self.stop.deferred(cx, f)
    }
}

/// Ends the run when it is dropped, on whatever way that comes.
struct Running<'r, O: Operations>(&'r O);

impl<O: Operations> Drop for Running<'_, O> {
    fn drop(&mut self) {
        // ENTRY: the run holds nothing any more: it has returned.
        let cx = &mut MaySleep::assert();
        O::runs(self.0.lock().lock_in(cx).as_mut()).ended();
    }
}

/// Retires the agent when its thread ends, whether it has begun or not.
struct Serving<O: Operations>(Arc<O>);

impl<O: Operations> Drop for Serving<O> {
    fn drop(&mut self) {
        // ENTRY: the thread holds nothing; or it was never made, and who has tried to may sleep.
        let cx = &mut MaySleep::assert();
        O::runs(self.0.lock().lock_in(cx).as_mut()).retire();
    }
}

impl<O: Operations> Serving<O> {
    /// Serves one request after the other, until there will be none.
    fn serve(&self, place: &'static Location<'static>, cx: &mut MaySleep, stop: &Stop<'_>) {
        let owner = &*self.0;
        let Some(runner) = Runner::current() else {
            return;
        };
        // Once the thread has seen that it is to stop, no wait ends for that.
        while !stop.requested_or_freeze(cx) {
            let held = owner.lock().lock_in(cx);
            let next = held
                .on_mut(|data| O::runs(data).project_wish())
                .when(Wish::calls, move |wish| wish.begin(runner))
                .wait(Idle.freezable());
            match next {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) => continue,
            }
            let running = Running(owner);
            if registry::is_on() || trace::run_is_on() {
                O::runs(owner.lock().lock_in(cx).as_mut()).begins(place);
            }
            with_wait_map::<O::Level, _>(|map| {
                let current = Current {
                    owner,
                    runner,
                    stop,
                    map,
                    holding: Cell::new(Some(map.hold())),
                };
                owner.run(&current, cx.below());
            });
            drop(running);
        }
    }
}

/// A background thread that runs when it is started, and sleeps otherwise.
///
/// It is ended by [`Agent::retire`]. Dropping it asks for its end and does not wait; a worker does, and
/// the log names the agent's thread. `mem::forget`, or a `static`, leaves it to the end of its module,
/// which stops it, waits for it and names it. See [`owner`](crate::owner). A run that retires its own agent
/// gets it back, with `EDEADLK`.
pub struct Agent<O: Operations> {
    owner: Arc<O>,
    thread: Thread,
}

impl Builder<'_> {
    /// As [`Agent::spawn`].
    ///
    /// A [freezable](Builder::freezable) agent can be frozen between its runs; in a run, where that says so:
    /// [`Current::stop_requested_or_freeze`], [`Current::freezable`].
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn spawn_agent<O: Operations>(self, cx: &mut MaySleep, owner: Arc<O>) -> Result<Agent<O>> {
        let serving = Serving(owner.clone());
        let place = Location::caller();
        let thread = self.spawn(cx, move |cx, stop| serving.serve(place, cx, stop))?;
        Ok(Agent { owner, thread })
    }
}

impl<O: Operations> Agent<O> {
    /// Makes the thread. Its runs keep `owner` alive, which must not own the agent.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// As [`Thread::spawn`]; the agent is retired then.
    #[doc(alias("kthread_create", "md_register_thread"))]
    #[track_caller]
    pub fn spawn(cx: &mut MaySleep, name: &CStr, owner: Arc<O>) -> Result<Self> {
        Builder::new(name).spawn_agent(cx, owner)
    }

    /// Returns whose runs these are.
    ///
    /// Context: any.
    pub fn owner(&self) -> &O {
        &self.owner
    }

    /// Ends the current run, if there is one, and the thread.
    ///
    /// A run that was requested and has not begun is called off, and who waits for it is woken.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// The agent, with `EDEADLK`, if the caller is in its run; nothing was asked of it then.
    #[doc(alias("kthread_stop", "md_unregister_thread"))]
    pub fn retire<C: Level>(self, _cx: &mut MaySleep<C>) -> Result<(), TeardownError<Self>>
    where
        O::Level: After<C>,
    {
        let Self { owner, thread } = self;
        // A run may have to end first. Who is in it does not wait: it is refused below.
        if !thread.is_current() {
            with_wait_map::<O::Level, _>(WaitMap::wait);
        }
        thread
            .end()
            .map_err(|refused| refused.map(|thread| Self { owner, thread }))
    }
}
