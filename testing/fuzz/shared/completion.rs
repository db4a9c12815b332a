// SPDX-License-Identifier: GPL-2.0

//! The reference of `Completion` and of `SharedCompletion`: one at a time, who waits for it, and whose the
//! result is.

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
    /// Starts something, whose completer anybody can use then; the task has the completion.
    Start = "start", 5;
    /// The same; the completer is dropped before that has returned.
    Lost = "lost", 1;
    /// Gives the completion, or one more of it, to the task with that number.
    Give = "give", 5, 0 to 3;
    /// Completes it, with a value that tells who did.
    Complete = "complete", 4;
    /// Drops the completer. Says how often that was warned of.
    Cancel = "cancel", 1;
    /// Waits for it.
    Wait = "wait", 5;
    /// The same, until a signal comes.
    Waiti = "waiti", 4;
    /// The same, with a limit that is over once it sleeps.
    Short = "short", 2;
    /// Takes or looks at the result, if it is there.
    Try = "try", 2;
    /// Drops the completion.
    Leave = "leave", 4;
    /// Says whether it is completed.
    Look = "look", 1;
    /// Says whether nobody waits any more.
    Ask = "ask", 1;
    /// Sends the task a signal.
    Signal = "signal", 3, outside true;
}

/// What a task completes it with.
pub(crate) fn value(task: usize) -> u32 {
    // CAST: There are few tasks.
    task as u32 + 1
}

#[derive(Clone, Copy)]
struct Waiter {
    task: usize,
    how: How,
}

/// What it was completed with.
#[derive(Clone, Copy)]
enum Result {
    /// It is not, yet.
    Pending,
    /// The completer was dropped.
    Lost,
    Value(u32),
    /// It was, and somebody has taken that.
    Taken,
}

/// A completion, after others.
#[derive(Clone)]
pub(crate) struct Completion {
    tasks: Tasks,
    shared: bool,
    /// There is a completer.
    completer: bool,
    /// Who has the completion.
    sides: [bool; TASKS],
    result: Result,
    line: Line<Waiter>,
}

impl Completion {
    fn is_abandoned(&self) -> bool {
        !self.sides.contains(&true)
    }

    /// What is said by who has waited, or looks.
    fn got(&mut self) -> Said {
        let said = match self.result {
            Result::Pending => return Said::Odd,
            Result::Lost => Said::Ended,
            Result::Value(value) => Said::Got(value),
            Result::Taken => return Said::Shut,
        };
        if !self.shared {
            self.result = Result::Taken;
        }
        said
    }

    fn wait(&mut self, task: usize, how: How) {
        if let Result::Pending = self.result {
            if self.tasks.waits(task, how) {
                self.line.push(Waiter { task, how });
            }
        } else {
            let said = self.got();
            self.tasks.say(task, said);
        }
    }

    /// It is completed.
    fn end(&mut self, result: Result) {
        self.completer = false;
        self.result = result;
        while let Some(waiter) = self.line.remove(0) {
            let said = self.got();
            self.tasks.say(waiter.task, said);
        }
    }

    /// The task has begun something, and has the completion.
    fn start(&mut self, task: usize, lost: bool) {
        self.sides[task] = true;
        self.completer = !lost;
        self.result = if lost { Result::Lost } else { Result::Pending };
        // It is warned of when that has returned, and has not failed.
        let said = if lost { Said::Got(1) } else { Said::Done };
        self.tasks.say(task, said);
    }
}

impl Reference for Completion {
    type Op = Op;

    const NAME: &'static str = "completion";
    const KINDS: &'static [&'static str] = &["word", "shared"];

    fn new(kind: usize) -> Self {
        Self {
            tasks: Tasks::new(),
            shared: kind == 1,
            completer: false,
            sides: [false; TASKS],
            result: Result::Pending,
            line: Line::new(),
        }
    }

    fn tasks(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    fn act(&mut self, step: Step<Op>) -> bool {
        let (task, other) = (step.task, usize::from(step.number));
        let possible = match step.op {
            Op::Start | Op::Lost => !self.completer && self.is_abandoned(),
            Op::Give => self.sides[task] && !self.sides[other],
            Op::Complete | Op::Cancel | Op::Ask => self.completer,
            Op::Wait | Op::Waiti | Op::Short | Op::Try | Op::Leave | Op::Look => self.sides[task],
            Op::Signal => true,
        };
        if !possible {
            return false;
        }
        match step.op {
            Op::Start => self.start(task, false),
            Op::Lost => self.start(task, true),
            Op::Give => {
                self.sides[task] = self.shared;
                self.sides[other] = true;
                self.tasks.say(task, Said::Done);
            }
            Op::Complete => {
                let nobody = self.is_abandoned();
                let said = if nobody { Said::Nothing } else { Said::Done };
                self.tasks.say(task, said);
                self.end(Result::Value(value(task)));
            }
            Op::Cancel => {
                let said = Said::Got(u32::from(!self.is_abandoned()));
                self.tasks.say(task, said);
                self.end(Result::Lost);
            }
            Op::Wait => self.wait(task, How::Patient),
            Op::Waiti => self.wait(task, How::Signals),
            Op::Short => self.wait(task, How::Short),
            Op::Try => {
                let said = match self.result {
                    Result::Pending | Result::Taken => Said::Nothing,
                    Result::Lost | Result::Value(_) => self.got(),
                };
                self.tasks.say(task, said);
            }
            Op::Leave => {
                self.sides[task] = false;
                self.tasks.say(task, Said::Done);
            }
            Op::Look => {
                let done = !matches!(self.result, Result::Pending);
                self.tasks.say(task, Said::Got(u32::from(done)));
            }
            Op::Ask => {
                let said = Said::Got(u32::from(self.is_abandoned()));
                self.tasks.say(task, said);
            }
            Op::Signal => {
                self.tasks.signal(task);
                let waits = |waiter: &Waiter| waiter.task == task && waiter.how == How::Signals;
                if self.line.take(waits).is_some() {
                    self.tasks.say(task, Said::Signal);
                }
            }
        }
        true
    }
}
