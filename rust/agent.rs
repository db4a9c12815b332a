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
//!              start              claimed by the agent
//!      Idle ----------> Requested --------------------> Running
//!     ^ | ^                |  |                         |     |
//!     | | '-----stop-------'  |            stop |       |     | freeze
//!     | |freeze               |freeze           v       |     v
//!     | v                     v             Stopping    |  Freezing
//!     Frozen <----------------'                 |       |     |
//!       ^   thaw: Frozen -> Idle          run ends: Idle      | run ends
//!       '-----------------------------------------------------'
//! ```

mod runs;

pub use runs::{
    Run,
    Runs,
    State, //
};

use crate::{
    context::MaySleep,
    event::{
        Idle,
        Mode, //
    },
    level::{
        After,
        Level,
        Top, //
    },
    ordered::Ordered,
    registry,
    thread::Thread,
    trace,
    wait_map::WaitMap, //
};
use core::panic::Location;
use kernel::{
    prelude::*,
    sync::{
        lock::{
            Backend,
            Lock, //
        },
        Arc, //
    },
    task::Task,
};
use runs::{
    is_requested,
    stop_wanted,
    take_request,
    with_wait_map, //
};

/// What an agent does, and where its state is.
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
    fn lock(&self) -> &Ordered<Self::LockLevel, Lock<Self::Data, Self::Backend>>;

    /// Finds the state.
    fn runs(data: Pin<&mut Self::Data>) -> Pin<&mut Runs<Self::Level, Self::LockLevel>>;

    /// Runs once, until the work is done or `current` says that it is to stop.
    ///
    /// However this returns, the run has ended then, and who waits for it is woken.
    fn run(&self, current: &Current<'_, Self>, cx: &mut MaySleep<Self::Level>);
}

/// The run that goes on now, as seen by [`Operations::run`].
///
/// `mem::forget` does nothing: the run is ended by who has begun it, which is the library.
pub struct Current<'r, O: Operations> {
    owner: &'r O,
}

impl<O: Operations> Current<'_, O> {
    /// Returns whether somebody waits for the end of this run, or wants it to end.
    ///
    /// Context: may sleep, takes the agent's lock.
    #[doc(alias("kthread_should_stop", "kthread_should_park"))]
    pub fn stop_requested(&self, cx: &mut MaySleep<O::Level>) -> bool {
        let mut held = self.owner.lock().lock_in(cx);
        O::runs(held.as_mut()).state().wants_stop()
    }

    /// Sleeps until somebody wants the run to end.
    ///
    /// The wish is a state and not a wake-up: one that came earlier is seen.
    ///
    /// # Errors
    ///
    /// As of `mode`; it is never closed.
    #[doc(alias("kthread_parkme", "md_wakeup_thread"))]
    #[track_caller]
    pub fn wait_stop<M: Mode>(&self, cx: &mut MaySleep<O::Level>, mode: M) -> Result<(), M::Error> {
        let held = self.owner.lock().lock_in(cx);
        held.on_found(|data| O::runs(data).project_wish())
            .until(stop_wanted)
            .wait(mode)
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

/// A background thread that runs when it is started, and sleeps otherwise.
///
/// Dropping it asks for the end of the run, if there is one, and waits until the thread has exited.
/// Do not drop it with something held that the run needs: lockdep is told of the wait, whether there is
/// a run or not. [`Agent::retire`] is the same, and the order is checked when it is compiled.
///
/// `mem::forget` leaks the thread and the owner of the state; the module must not be unloaded then.
pub struct Agent<O: Operations> {
    owner: Arc<O>,
    thread: Option<Thread>,
}

impl<O: Operations> Agent<O> {
    /// Makes the thread. Its runs keep `owner` alive, which must not own the agent.
    ///
    /// # Errors
    ///
    /// As [`Thread::spawn`].
    #[doc(alias("kthread_create", "md_register_thread"))]
    #[track_caller]
    pub fn spawn(cx: &mut MaySleep, name: &CStr, owner: Arc<O>) -> Result<Self> {
        let own = owner.clone();
        let place = Location::caller();
        let thread = Thread::spawn(cx, name, move |cx, _stop| Self::serve(&own, place, cx))?;
        Ok(Self {
            owner,
            thread: Some(thread),
        })
    }

    /// Returns whose runs these are.
    pub fn owner(&self) -> &O {
        &self.owner
    }

    /// Ends the current run, if there is one, and the thread.
    #[doc(alias("kthread_stop", "md_unregister_thread"))]
    pub fn retire<C: Level>(self, _cx: &mut MaySleep<C>)
    where
        O::Level: After<C>,
    {
        drop(self);
    }

    /// Serves one request after the other, until there will be none.
    fn serve(owner: &O, place: &'static Location<'static>, cx: &mut MaySleep) {
        let mine = Task::current_raw().addr();
        loop {
            let held = owner.lock().lock_in(cx);
            let next = held
                .on_found(|data| O::runs(data).project_wish())
                .when(is_requested, move |wish| take_request(wish, mine))
                .wait(Idle);
            let Ok(true) = next else { return };
            let running = Running(owner);
            if registry::is_on() || trace::run_is_on() {
                O::runs(owner.lock().lock_in(cx).as_mut()).begins(place);
            }
            with_wait_map::<O::Level, _>(|map| {
                let _holding = map.hold();
                owner.run(&Current { owner }, cx.below());
            });
            drop(running);
        }
    }
}

impl<O: Operations> Drop for Agent<O> {
    fn drop(&mut self) {
        // ENTRY: an agent goes away where one may sleep.
        let cx = &mut MaySleep::assert();
        // A run may have to end first.
        with_wait_map::<O::Level, _>(WaitMap::wait);
        O::runs(self.owner.lock().lock_in(cx).as_mut()).retire();
        if let Some(thread) = self.thread.take() {
            thread.join(cx);
        }
    }
}
