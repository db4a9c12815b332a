// SPDX-License-Identifier: GPL-2.0

//! What a reference is: a primitive as it is when nothing happens at the same time.

use super::program::{
    Ops,
    Step,
    TASKS, //
};

/// How a step has ended, as the task says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is done.
    Done,
    /// It is done, and this is what came of it.
    Got(u32),
    /// There is nothing.
    Nothing,
    /// Somebody else has it.
    Busy,
    /// It is shut, or has gone.
    Shut,
    /// It was closed.
    Closed,
    /// The waits for it were ended.
    Ended,
    /// A signal came.
    Signal,
    /// The limit is over.
    TimedOut,
    /// Something that no reference says.
    Odd,
}

/// What a task does after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Now {
    /// Nothing.
    Free,
    /// It runs, or is about to.
    Runs,
    /// It waits.
    Asleep,
    /// It has ended its step.
    Said(Said),
}

/// A primitive, with nothing at the same time.
///
/// A step that nobody could make as things are is left out: to let go of what one does not have, or
/// anything by a task that sleeps. So is one of which more than one thing could come, since several
/// tasks would then be awake and want the same.
pub(crate) trait Reference: Clone {
    /// What can be done with it.
    type Op: Ops;

    /// What it is called in the text of a program.
    const NAME: &'static str;
    /// The kinds that there are.
    const KINDS: &'static [&'static str];

    /// Makes one, of the kind with that number.
    fn new(kind: usize) -> Self;
    /// Makes a step of a task that is free, or from outside. Returns whether it could be made.
    fn act(&mut self, step: Step<Self::Op>) -> bool;
    /// The tasks.
    fn tasks(&mut self) -> &mut Tasks;

    /// Makes a step. If it is to be left out, nothing has changed.
    fn step(&mut self, step: Step<Self::Op>) -> bool {
        let before = self.clone();
        let outside = step.is_outside();
        let tasks = self.tasks();
        tasks.hear();
        if (outside || tasks.now[step.task] == Now::Free) && self.act(step) {
            return true;
        }
        *self = before;
        false
    }
}

/// What the tasks do, and which of them have a signal.
#[derive(Clone)]
pub(crate) struct Tasks {
    pub(crate) now: [Now; TASKS],
    signalled: [bool; TASKS],
}

/// How a task waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Until it has what it waits for.
    Patient,
    /// Or until a signal comes.
    Signals,
    /// Or until its limit is over, which is so once it sleeps.
    Short,
    /// Or not at all: its limit is over.
    Over,
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self {
            now: [Now::Free; TASKS],
            signalled: [false; TASKS],
        }
    }

    /// What was said was heard.
    fn hear(&mut self) {
        for now in &mut self.now {
            if matches!(now, Now::Said(_)) {
                *now = Now::Free;
            }
        }
    }

    pub(crate) fn say(&mut self, task: usize, said: Said) {
        self.now[task] = Now::Said(said);
    }

    pub(crate) fn is_asleep(&self, task: usize) -> bool {
        self.now[task] == Now::Asleep
    }

    /// A task that has to wait sleeps, and is to be put in line, or gives up.
    pub(crate) fn waits(&mut self, task: usize, how: How) -> bool {
        self.now[task] = match how {
            How::Signals if self.signalled[task] => Now::Said(Said::Signal),
            How::Patient | How::Signals => Now::Asleep,
            How::Short | How::Over => Now::Said(Said::TimedOut),
        };
        self.is_asleep(task)
    }

    /// Sends a task a signal, which stays.
    pub(crate) fn signal(&mut self, task: usize) {
        self.signalled[task] = true;
    }
}

/// Those who wait for something, oldest first.
#[derive(Clone, Copy)]
pub(crate) struct Line<T> {
    places: [Option<T>; TASKS],
}

impl<T: Copy> Line<T> {
    pub(crate) fn new() -> Self {
        Self {
            places: [None; TASKS],
        }
    }

    /// Puts one at the end. There is room: a task is in line once.
    pub(crate) fn push(&mut self, one: T) {
        let len = self.len();
        if let Some(place) = self.places.get_mut(len) {
            *place = Some(one);
        }
    }

    pub(crate) fn get(&self, at: usize) -> Option<T> {
        self.places.get(at).copied().flatten()
    }

    pub(crate) fn remove(&mut self, at: usize) -> Option<T> {
        let one = self.get(at)?;
        self.places[at] = None;
        self.places[at..].rotate_left(1);
        Some(one)
    }

    pub(crate) fn len(&self) -> usize {
        self.places.iter().flatten().count()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }

    /// Removes the first that is so.
    pub(crate) fn take(&mut self, mut so: impl FnMut(&T) -> bool) -> Option<T> {
        let at = self.iter().position(&mut so)?;
        self.remove(at)
    }
}
