// SPDX-License-Identifier: GPL-2.0

//! The tasks of a variant, and how they wait. Part of each variant: its tasks are those of its host.

use super::{
    host::{GaveUp, HostSleeper, Mode, Task},
    protocol::Sleeper,
    sync::JoinHandle,
};
use crate::{
    shared::{
        program::TASKS,
        reference::{How, Said},
    },
    stage::Sleepers,
};
use std::sync::{
    atomic::{AtomicBool, Ordering::Relaxed},
    Arc,
};

struct Member {
    task: Arc<Task>,
    /// Its wait has a limit.
    limited: AtomicBool,
    /// Its waits end.
    abandoned: AtomicBool,
}

/// The tasks of a program.
pub(crate) struct Tasks([Member; TASKS]);

impl Tasks {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| Member {
            task: Task::new(),
            limited: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
        }))
    }

    /// How a task waits.
    pub(crate) fn patience(&self, task: usize, how: How) -> Patience<'_> {
        let member = &self.0[task];
        member.limited.store(how == How::Short, Relaxed);
        Patience {
            inner: HostSleeper::new(&member.task, mode(how)),
            of: self.of(task, how),
        }
    }

    /// The task itself, for a sleeper of another kind; and its mode.
    pub(crate) fn task(&self, task: usize, how: How) -> (&Task, Mode) {
        (&self.0[task].task, mode(how))
    }

    /// When a task gives up.
    pub(crate) fn of(&self, task: usize, how: How) -> Of<'_> {
        let member = &self.0[task];
        member.limited.store(how == How::Short, Relaxed);
        Of {
            member,
            over: how == How::Over,
            insists: false,
        }
    }
}

fn mode(how: How) -> Mode {
    match how {
        How::Patient => Mode::Uninterruptible,
        How::Signals => Mode::Interruptible,
        How::Short | How::Over => Mode::Timeout,
    }
}

/// What a task says that has given up.
pub(crate) fn said(why: GaveUp) -> Said {
    match why {
        GaveUp::Signal => Said::Signal,
        GaveUp::TimedOut => Said::TimedOut,
    }
}

/// When a task gives up, besides what its mode says.
pub(crate) struct Of<'t> {
    member: &'t Member,
    over: bool,
    insists: bool,
}

impl Of<'_> {
    pub(crate) fn give_up(&self) -> Option<GaveUp> {
        if self.insists {
            None
        } else if self.member.abandoned.load(Relaxed) {
            Some(GaveUp::Signal)
        } else {
            self.over.then_some(GaveUp::TimedOut)
        }
    }
}

/// The sleep of one wait.
pub(crate) struct Patience<'t> {
    inner: HostSleeper<'t>,
    of: Of<'t>,
}

impl Sleeper for Patience<'_> {
    type GaveUp = GaveUp;

    fn publish(&mut self) {
        self.inner.publish();
    }

    fn give_up(&mut self) -> Option<GaveUp> {
        self.of.give_up().or_else(|| self.inner.give_up())
    }

    fn sleep(&mut self) {
        self.inner.sleep();
    }

    fn running(&mut self) {
        self.inner.running();
    }

    fn insist(&mut self) {
        self.of.insists = true;
        self.inner.insist();
    }
}

impl Sleepers for Tasks {
    fn spawn(&self, task: usize, body: Box<dyn FnOnce() + Send>) -> JoinHandle<()> {
        self.0[task].task.run(move |_| body())
    }

    fn is_asleep(&self, task: usize) -> bool {
        self.0[task].task.is_asleep()
    }

    fn interrupt(&self, task: usize) {
        self.0[task].task.interrupt();
    }

    fn expire(&self, task: usize) -> bool {
        let limited = self.0[task].limited.load(Relaxed);
        if limited {
            self.0[task].task.expire();
        }
        limited
    }

    fn abandon(&self, task: usize) {
        self.0[task].abandoned.store(true, Relaxed);
        self.0[task].task.wake_up();
    }
}
