// SPDX-License-Identifier: GPL-2.0

//! The reference of `EntryMap`: two entries, who has them, and who waits.

use super::{
    program::{
        operations,
        Step,
        TASKS, //
    },
    reference::{
        How,
        Line,
        Reference,
        Said,
        Tasks, //
    },
};

operations! {
    /// Makes the entry, or gives it another value.
    Store = "store", 3, 1 to 2;
    /// Locks the entry, which is made if it is not there.
    Fault = "fault", 5, 1 to 2;
    /// Removes the entry, if it is there.
    Evict = "evict", 2, 1 to 2;
    /// Locks the entry, if it is there.
    Lock = "lock", 4, 1 to 2;
    /// The same, until a signal comes.
    Locki = "locki", 4, 1 to 2;
    /// The same, with a limit that is over once it sleeps.
    Short = "short", 2, 1 to 2;
    /// The same, if nobody has it.
    Try = "try", 1, 1 to 2;
    /// Shares the entry, if it is there.
    Share = "share", 4, 1 to 2;
    /// The same, if nobody has it or waits for it alone.
    TryShare = "tryshare", 2, 1 to 2;
    /// Lets go of the entry, locked or shared.
    Unlock = "unlock", 9, 1 to 2;
    /// Gives the entry, which is locked, another value.
    Set = "set", 1, 1 to 2;
    /// Removes the entry, which is locked.
    Remove = "remove", 3, 1 to 2;
    /// Sends the task a signal.
    Signal = "signal", 4, outside true;
}

/// How many entries there can be.
pub(crate) const ENTRIES: usize = 2;

/// What a task stores.
pub(crate) fn value(task: usize) -> u32 {
    // CAST: There are few tasks.
    task as u32 + 1
}

/// What a task sets.
pub(crate) fn other_value(task: usize) -> u32 {
    10 * value(task)
}

/// What a task wants to do with the entry once it has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Store,
    Fault,
    Evict,
    Lock,
    Share,
}

#[derive(Clone, Copy)]
struct Waiter {
    task: usize,
    what: What,
    how: How,
}

#[derive(Clone, Copy)]
struct Entry {
    /// What it stands for, if it is there.
    value: Option<u32>,
    owner: Option<usize>,
    readers: [bool; TASKS],
    line: Line<Waiter>,
}

/// A map.
#[derive(Clone)]
pub(crate) struct Entries {
    tasks: Tasks,
    entries: [Entry; ENTRIES],
    /// Several tasks are awake that want the same.
    racy: bool,
}

impl Entry {
    fn is_shared(&self) -> bool {
        self.readers.contains(&true)
    }

    fn is_free(&self, what: What) -> bool {
        match what {
            // Who waits comes first.
            What::Share => self.owner.is_none() && self.line.len() == 0,
            _ => self.owner.is_none() && !self.is_shared(),
        }
    }
}

impl Entries {
    /// A task comes for an entry.
    fn come(&mut self, task: usize, at: usize, what: What, how: How) {
        let entry = &mut self.entries[at];
        if entry.value.is_none() {
            let said = match what {
                What::Store => Said::Done,
                What::Fault => Said::Got(value(task)),
                What::Evict | What::Lock | What::Share => {
                    return self.tasks.say(task, Said::Nothing)
                }
            };
            entry.value = Some(value(task));
            entry.owner = (what == What::Fault).then_some(task);
            self.tasks.say(task, said);
        } else if entry.is_free(what) {
            self.has(task, at, what);
        } else if self.tasks.waits(task, how) {
            entry.line.push(Waiter { task, what, how });
        }
    }

    /// A task has the entry, and does what it wanted to.
    fn has(&mut self, task: usize, at: usize, what: What) {
        let entry = &mut self.entries[at];
        let got = entry.value.map_or(Said::Nothing, Said::Got);
        match what {
            What::Lock | What::Fault => entry.owner = Some(task),
            What::Share => entry.readers[task] = true,
            What::Store => {
                entry.value = Some(value(task));
                self.tasks.say(task, Said::Done);
                return self.hand_over(at);
            }
            What::Evict => {
                self.tasks.say(task, got);
                return self.gone(at);
            }
        }
        self.tasks.say(task, got);
    }

    /// Nobody has the entry: the next one gets it, or those who share it.
    fn hand_over(&mut self, at: usize) {
        self.entries[at].owner = None;
        match self.entries[at].line.remove(0) {
            Some(Waiter { task, what, .. }) => self.has(task, at, what),
            None => return,
        }
        if self.entries[at].is_shared() {
            self.let_readers_in(at);
        }
    }

    /// Those who share the entry come in, up to the first who wants it alone.
    fn let_readers_in(&mut self, at: usize) {
        let first = |entry: &Entry| entry.line.get(0).filter(|first| first.what == What::Share);
        while let Some(Waiter { task, what, .. }) = first(&self.entries[at]) {
            self.entries[at].line.remove(0);
            self.has(task, at, what);
        }
    }

    /// The entry was removed: all who wait look again.
    fn gone(&mut self, at: usize) {
        let entry = &mut self.entries[at];
        entry.value = None;
        entry.owner = None;
        let makes = |waiter: &Waiter| matches!(waiter.what, What::Store | What::Fault);
        if entry.line.len() > 1 && entry.line.iter().any(makes) {
            self.racy = true;
            return;
        }
        while let Some(Waiter { task, what, how }) = self.entries[at].line.remove(0) {
            self.come(task, at, what, how);
        }
    }

    fn unlock(&mut self, task: usize, at: usize) -> bool {
        let entry = &mut self.entries[at];
        let shared = core::mem::take(&mut entry.readers[task]);
        if !shared && entry.owner != Some(task) {
            return false;
        }
        self.tasks.say(task, Said::Done);
        if !self.entries[at].is_shared() {
            self.hand_over(at);
        }
        true
    }

    fn signal(&mut self, task: usize) {
        self.tasks.signal(task);
        for at in 0..ENTRIES {
            let waits = |waiter: &Waiter| waiter.task == task && waiter.how == How::Signals;
            if self.entries[at].line.take(waits).is_some() {
                self.tasks.say(task, Said::Signal);
                if self.entries[at].is_shared() {
                    self.let_readers_in(at);
                }
            }
        }
    }
}

impl Reference for Entries {
    type Op = Op;

    const NAME: &'static str = "entries";
    const KINDS: &'static [&'static str] = &["pte", "pmd"];

    fn new(_kind: usize) -> Self {
        let entry = Entry {
            value: None,
            owner: None,
            readers: [false; TASKS],
            line: Line::new(),
        };
        Self {
            tasks: Tasks::new(),
            entries: [entry; ENTRIES],
            racy: false,
        }
    }

    fn tasks(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    fn act(&mut self, step: Step<Op>) -> bool {
        let task = step.task;
        if step.op == Op::Signal {
            self.signal(task);
            return !self.racy;
        }
        let at = usize::from(step.number) - 1;
        let entry = &mut self.entries[at];
        let (owns, shares) = (entry.owner == Some(task), entry.readers[task]);
        let had = match step.op {
            Op::Unlock => return self.unlock(task, at) && !self.racy,
            Op::Set | Op::Remove => owns,
            // It would wait for itself.
            _ => !owns && !shares,
        };
        if !had {
            return false;
        }
        match step.op {
            Op::Store => self.come(task, at, What::Store, How::Patient),
            Op::Fault => self.come(task, at, What::Fault, How::Patient),
            Op::Evict => self.come(task, at, What::Evict, How::Patient),
            Op::Lock => self.come(task, at, What::Lock, How::Patient),
            Op::Locki => self.come(task, at, What::Lock, How::Signals),
            Op::Short => self.come(task, at, What::Lock, How::Short),
            Op::Share => self.come(task, at, What::Share, How::Patient),
            Op::Try | Op::TryShare => {
                let what = match step.op {
                    Op::Try => What::Lock,
                    _ => What::Share,
                };
                match entry.value {
                    Some(_) if !entry.is_free(what) => self.tasks.say(task, Said::Busy),
                    _ => self.come(task, at, what, How::Over),
                }
            }
            Op::Set => {
                entry.value = Some(other_value(task));
                self.tasks.say(task, Said::Done);
            }
            Op::Remove => {
                let got = entry.value.map_or(Said::Nothing, Said::Got);
                self.tasks.say(task, got);
                self.gone(at);
            }
            Op::Unlock | Op::Signal => {}
        }
        !self.racy
    }
}
