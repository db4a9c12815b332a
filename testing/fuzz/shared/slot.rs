// SPDX-License-Identifier: GPL-2.0

//! The reference of `Slot`: which request a device works on, and what each task knows of its own.

use super::{
    completion::value,
    program::{
        operations,
        Step,
        TASKS, //
    },
    reference::{
        How,
        Reference,
        Said,
        Tasks, //
    },
};

operations! {
    /// Starts a request, if there is none. Says its number.
    Start = "start", 6;
    /// The same; the answer comes before that has returned.
    Quick = "quick", 1;
    /// Answers the last request of the task with that number, with a value that tells who did.
    Answer = "answer", 5, 0 to 3;
    /// Answers the request that there is.
    Complete = "complete", 3;
    /// Empties the slot.
    Reset = "reset", 1;
    /// Waits for the answer.
    Wait = "wait", 6;
    /// The same, until a signal comes.
    Waiti = "waiti", 4;
    /// The same, with a limit that is over once it sleeps.
    Short = "short", 2;
    /// Takes the answer, if it is there.
    Try = "try", 1;
    /// Does not wait for it any more.
    Leave = "leave", 5;
    /// Sends the task a signal.
    Signal = "signal", 3, outside true;
}

/// What a task knows of its request.
#[derive(Clone, Copy)]
enum Side {
    Pending,
    /// The slot was emptied.
    Reset,
    Value(u32),
    /// It was answered, and the task has had that.
    Taken,
}

/// A slot.
#[derive(Clone)]
pub(crate) struct Slot {
    tasks: Tasks,
    /// How many requests there have been.
    tags: u32,
    /// The one that was not answered, and whose it is.
    current: Option<(u32, usize)>,
    /// The last one of each task.
    last: [u32; TASKS],
    sides: [Option<Side>; TASKS],
    /// How those wait who do.
    waits: [Option<How>; TASKS],
}

impl Slot {
    fn start(&mut self, task: usize, answered: bool) {
        if self.current.is_some() {
            return self.tasks.say(task, Said::Busy);
        }
        self.tags += 1;
        self.last[task] = self.tags;
        self.current = (!answered).then_some((self.tags, task));
        self.sides[task] = Some(match answered {
            true => Side::Value(value(task)),
            false => Side::Pending,
        });
        self.tasks.say(task, Said::Got(self.tags));
    }

    /// What is said by a task that has waited, or looks.
    fn got(&mut self, task: usize) -> Said {
        let said = match self.sides[task] {
            Some(Side::Reset) => Said::Ended,
            Some(Side::Value(value)) => Said::Got(value),
            Some(Side::Taken) => return Said::Shut,
            Some(Side::Pending) | None => return Said::Odd,
        };
        self.sides[task] = Some(Side::Taken);
        said
    }

    /// Answers the request that there is, if it is the one that is meant. Returns whether somebody is told.
    fn answer(&mut self, tag: Option<u32>, side: Side) -> bool {
        let Some((current, owner)) = self.current else {
            return false;
        };
        if tag.is_some_and(|tag| tag != current) {
            return false;
        }
        self.current = None;
        // The task has no other one, as long as this was not answered.
        if self.sides[owner].is_none() {
            return false;
        }
        self.sides[owner] = Some(side);
        if self.waits[owner].take().is_some() {
            let said = self.got(owner);
            self.tasks.say(owner, said);
        }
        true
    }

    fn wait(&mut self, task: usize, how: How) {
        if !matches!(self.sides[task], Some(Side::Pending)) {
            let said = self.got(task);
            self.tasks.say(task, said);
        } else if self.tasks.waits(task, how) {
            self.waits[task] = Some(how);
        }
    }
}

impl Reference for Slot {
    type Op = Op;

    const NAME: &'static str = "slot";
    const KINDS: &'static [&'static str] = &["plain"];

    fn new(_kind: usize) -> Self {
        Self {
            tasks: Tasks::new(),
            tags: 0,
            current: None,
            last: [0; TASKS],
            sides: [None; TASKS],
            waits: [None; TASKS],
        }
    }

    fn tasks(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    fn act(&mut self, step: Step<Op>) -> bool {
        let (task, other) = (step.task, usize::from(step.number));
        let possible = match step.op {
            Op::Start | Op::Quick => self.sides[task].is_none(),
            Op::Answer => self.last[other] > 0,
            Op::Wait | Op::Waiti | Op::Short | Op::Try | Op::Leave => self.sides[task].is_some(),
            Op::Complete | Op::Reset | Op::Signal => true,
        };
        if !possible {
            return false;
        }
        match step.op {
            Op::Start => self.start(task, false),
            Op::Quick => self.start(task, true),
            Op::Answer | Op::Complete => {
                let tag = (step.op == Op::Answer).then_some(self.last[other]);
                let told = self.answer(tag, Side::Value(value(task)));
                self.tasks
                    .say(task, if told { Said::Done } else { Said::Nothing });
            }
            Op::Reset => {
                self.answer(None, Side::Reset);
                self.tasks.say(task, Said::Done);
            }
            Op::Wait => self.wait(task, How::Patient),
            Op::Waiti => self.wait(task, How::Signals),
            Op::Short => self.wait(task, How::Short),
            Op::Try => {
                let said = match self.sides[task] {
                    Some(Side::Reset | Side::Value(_)) => self.got(task),
                    Some(Side::Pending | Side::Taken) | None => Said::Nothing,
                };
                self.tasks.say(task, said);
            }
            Op::Leave => {
                self.sides[task] = None;
                self.tasks.say(task, Said::Done);
            }
            Op::Signal => {
                self.tasks.signal(task);
                if self.waits[task] == Some(How::Signals) {
                    self.waits[task] = None;
                    self.tasks.say(task, Said::Signal);
                }
            }
        }
        true
    }
}
