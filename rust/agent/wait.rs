// SPDX-License-Identifier: GPL-2.0

//! Waiting for the end of runs.

#[cfg(CONFIG_LOCKDEP)]
use super::runs::with_wait_map;
use super::runs::{
    Run,
    Runs, //
};
#[cfg(CONFIG_LOCKDEP)]
use crate::wait_map::WaitMap;
use crate::{
    event::ModeAt,
    held::Held,
    level::{
        After,
        Level, //
    },
};
use kernel::{
    prelude::*,
    sync::lock::Backend, //
};

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
        M: ModeAt<C>,
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
            .on_mut(|data| runs(data).project_over())
            .until(move |over| over.has(run.number))
            .wait_relock(mode);
        (held, result.map_err(Into::into))
    }

    /// Asks the current run to end, and waits for that; does nothing if there is none.
    ///
    /// A run that was asked for and has not begun is called off. Whatever is started afterwards is not
    /// waited for, and not stopped.
    ///
    /// Context and errors: as [`Held::ended`]. After an error the run has been asked nevertheless,
    /// but for `EDEADLK`.
    ///
    /// Context: may sleep, as [`Held::ended`].
    #[doc(alias("kthread_stop", "stop_sync_thread"))]
    #[track_caller]
    pub fn stop<L, M>(
        self,
        mode: M,
        runs: impl FnMut(Pin<&mut T>) -> Pin<&mut Runs<L, K>>,
    ) -> (Self, Result)
    where
        L: After<C>,
        M: ModeAt<C>,
    {
        self.request_and_wait(mode, runs, Runs::request_stop)
    }

    /// As [`Held::stop`], and lets no run begin until [`Held::thaw`].
    ///
    /// Context: may sleep, as [`Held::ended`].
    #[doc(alias("kthread_park", "frozen_sync_thread"))]
    #[track_caller]
    pub fn freeze<L, M>(
        self,
        mode: M,
        runs: impl FnMut(Pin<&mut T>) -> Pin<&mut Runs<L, K>>,
    ) -> (Self, Result)
    where
        L: After<C>,
        M: ModeAt<C>,
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
        M: ModeAt<C>,
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
