// SPDX-License-Identifier: GPL-2.0

//! The reference of `CountedCompletion`: how often it was completed and not waited for, and who can do either.

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
    /// Starts something, whose completers anybody can use then; the task has the completion.
    Start = "start", 5;
    /// There is one completer more.
    More = "more", 2;
    /// Completes it once.
    Complete = "complete", 7;
    /// Drops a completer.
    Cancel = "cancel", 2;
    /// Gives one more of the completion to the task with that number.
    Give = "give", 6, 0 to 3;
    /// Waits until it is completed once more.
    Wait = "wait", 6;
    /// The same, until a signal comes.
    Waiti = "waiti", 4;
    /// The same, with a limit that is over once it sleeps.
    Short = "short", 2;
    /// Uses up one, if it was completed.
    Try = "try", 2;
    /// Drops the completion.
    Leave = "leave", 4;
    /// Says whether a wait would find something.
    Look = "look", 1;
    /// Sends the task a signal.
    Signal = "signal", 3, outside true;
}

/// How many completers there are at most.
pub(crate) const MOST: usize = 3;

#[derive(Clone, Copy)]
struct Waiter {
    task: usize,
    how: How,
}

/// A counted completion, after others.
#[derive(Clone)]
pub(crate) struct Counted {
    tasks: Tasks,
    completers: usize,
    /// Who has the completion.
    sides: [bool; TASKS],
    /// Completed, and not waited for.
    done: u32,
    line: Line<Waiter>,
}

impl Counted {
    fn wait(&mut self, task: usize, how: How) {
        if self.done > 0 {
            self.done -= 1;
            self.tasks.say(task, Said::Done);
        } else if self.completers == 0 {
            self.tasks.say(task, Said::Ended);
        } else if self.tasks.waits(task, how) {
            self.line.push(Waiter { task, how });
        }
    }

    /// It was completed once, for whoever has waited longest.
    fn complete(&mut self) {
        match self.line.remove(0) {
            Some(waiter) => self.tasks.say(waiter.task, Said::Done),
            None => self.done += 1,
        }
    }

    fn cancel(&mut self) {
        self.completers -= 1;
        if self.completers > 0 {
            return;
        }
        while let Some(waiter) = self.line.remove(0) {
            self.tasks.say(waiter.task, Said::Ended);
        }
    }
}

impl Reference for Counted {
    type Op = Op;

    const NAME: &'static str = "counted";
    const KINDS: &'static [&'static str] = &["plain"];

    fn new(_kind: usize) -> Self {
        Self {
            tasks: Tasks::new(),
            completers: 0,
            sides: [false; TASKS],
            done: 0,
            line: Line::new(),
        }
    }

    fn tasks(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    fn act(&mut self, step: Step<Op>) -> bool {
        let (task, other) = (step.task, usize::from(step.number));
        let abandoned = !self.sides.contains(&true);
        let possible = match step.op {
            Op::Start => self.completers == 0 && abandoned,
            Op::More => (1..MOST).contains(&self.completers),
            Op::Complete | Op::Cancel => self.completers > 0,
            Op::Give => self.sides[task] && !self.sides[other],
            Op::Wait | Op::Waiti | Op::Short | Op::Try | Op::Leave | Op::Look => self.sides[task],
            Op::Signal => true,
        };
        if !possible {
            return false;
        }
        match step.op {
            Op::Start => {
                (self.completers, self.done) = (1, 0);
                self.sides[task] = true;
                self.tasks.say(task, Said::Done);
            }
            Op::More => {
                self.completers += 1;
                self.tasks.say(task, Said::Done);
            }
            Op::Complete if abandoned => self.tasks.say(task, Said::Nothing),
            Op::Complete => {
                self.tasks.say(task, Said::Done);
                self.complete();
            }
            Op::Cancel => {
                self.tasks.say(task, Said::Done);
                self.cancel();
            }
            Op::Give => {
                self.sides[other] = true;
                self.tasks.say(task, Said::Done);
            }
            Op::Wait => self.wait(task, How::Patient),
            Op::Waiti => self.wait(task, How::Signals),
            Op::Short => self.wait(task, How::Short),
            Op::Try => {
                let said = if self.done > 0 {
                    Said::Done
                } else {
                    Said::Nothing
                };
                self.done = self.done.saturating_sub(1);
                self.tasks.say(task, said);
            }
            Op::Leave => {
                self.sides[task] = false;
                self.tasks.say(task, Said::Done);
            }
            Op::Look => self.tasks.say(task, Said::Got((self.done > 0).into())),
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
