// SPDX-License-Identifier: GPL-2.0

//! The reference of `Drain`: what is in flight, and who has the gate shut.

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
    /// Begins one, if the gate is open.
    Begin = "begin", 4;
    /// Begins one, and waits for the gate.
    Enter = "enter", 4;
    /// The same, until a signal comes.
    Enteri = "enteri", 2;
    /// The same, with a limit that is over once it sleeps.
    EnterShort = "entershort", 1;
    /// Ends one of the task's.
    Finish = "end", 8;
    /// Shuts the gate alone, and waits for it.
    Shut = "shut", 4;
    /// The same, until a signal comes.
    Shuti = "shuti", 2;
    /// Shuts the gate together with others, and waits for it.
    Nest = "nest", 4;
    /// Opens the gate; of several, the last one does.
    Open = "open", 6;
    /// Waits until nothing is in flight, with the gate shut.
    Wait = "wait", 5;
    /// The same, until a signal comes.
    Waiti = "waiti", 2;
    /// The same, with a limit that is over once it sleeps.
    Short = "short", 1;
    /// Says how many are in flight.
    Look = "look", 1;
    /// Sends the task a signal.
    Signal = "signal", 3, outside true;
}

/// How many a task has at most.
pub(crate) const MOST: usize = 2;

/// What a task waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Enter,
    Shut,
    Nest,
    Drained,
}

#[derive(Clone, Copy)]
struct Waiter {
    task: usize,
    what: What,
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    Alone(usize),
    Together([bool; TASKS]),
}

/// A drain.
#[derive(Clone)]
pub(crate) struct Drain {
    tasks: Tasks,
    gate: Gate,
    in_flight: [usize; TASKS],
    line: Line<Waiter>,
    /// Several tasks are awake that want different things.
    racy: bool,
}

impl Drain {
    fn count(&self) -> usize {
        self.in_flight.iter().sum()
    }

    fn has_gate(&self, task: usize) -> bool {
        match self.gate {
            Gate::Open => false,
            Gate::Alone(owner) => owner == task,
            Gate::Together(owners) => owners[task],
        }
    }

    /// Does what the task wants, if that can be.
    fn try_to(&mut self, task: usize, what: What) -> bool {
        match (what, &mut self.gate) {
            (What::Drained, _) => return self.count() == 0,
            (What::Enter, Gate::Open) => self.in_flight[task] += 1,
            (What::Shut, Gate::Open) => self.gate = Gate::Alone(task),
            (What::Nest, Gate::Open) => {
                let mut owners = [false; TASKS];
                owners[task] = true;
                self.gate = Gate::Together(owners);
            }
            (What::Nest, Gate::Together(owners)) => owners[task] = true,
            _ => return false,
        }
        true
    }

    fn come(&mut self, task: usize, what: What, how: How) {
        if self.try_to(task, what) {
            self.tasks.say(task, Said::Done);
        } else if self.tasks.waits(task, how) {
            self.line.push(Waiter { task, what, how });
        }
    }

    /// Those who wait for it look again.
    fn wake(&mut self, woken: impl Fn(&Waiter) -> bool) {
        let (mut awake, mut first) = (0, None);
        while let Some(waiter) = self.line.take(&woken) {
            awake += 1;
            let what = *first.get_or_insert(waiter.what);
            // Who shuts the gate alone shuts others out.
            self.racy |= waiter.what != what || (awake > 1 && what == What::Shut);
            if self.try_to(waiter.task, waiter.what) {
                self.tasks.say(waiter.task, Said::Done);
            }
        }
    }

    fn open(&mut self, task: usize) {
        match &mut self.gate {
            Gate::Together(owners) => {
                owners[task] = false;
                if owners.contains(&true) {
                    return;
                }
            }
            Gate::Open | Gate::Alone(_) => {}
        }
        self.gate = Gate::Open;
        self.wake(|waiter| waiter.what != What::Drained);
    }
}

impl Reference for Drain {
    type Op = Op;

    const NAME: &'static str = "drain";
    const KINDS: &'static [&'static str] = &["plain"];

    fn new(_kind: usize) -> Self {
        Self {
            tasks: Tasks::new(),
            gate: Gate::Open,
            in_flight: [0; TASKS],
            line: Line::new(),
            racy: false,
        }
    }

    fn tasks(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    fn act(&mut self, step: Step<Op>) -> bool {
        let task = step.task;
        let gate = self.has_gate(task);
        let possible = match step.op {
            Op::Begin => self.in_flight[task] < MOST,
            Op::Enter | Op::Enteri | Op::EnterShort => !gate && self.in_flight[task] < MOST,
            Op::Shut | Op::Shuti | Op::Nest => !gate,
            Op::Open | Op::Wait | Op::Waiti | Op::Short => gate,
            Op::Finish => self.in_flight[task] > 0,
            Op::Look | Op::Signal => true,
        };
        if !possible {
            return false;
        }
        match step.op {
            Op::Begin if self.try_to(task, What::Enter) => self.tasks.say(task, Said::Done),
            Op::Begin => self.tasks.say(task, Said::Shut),
            Op::Enter => self.come(task, What::Enter, How::Patient),
            Op::Enteri => self.come(task, What::Enter, How::Signals),
            Op::EnterShort => self.come(task, What::Enter, How::Short),
            Op::Shut => self.come(task, What::Shut, How::Patient),
            Op::Shuti => self.come(task, What::Shut, How::Signals),
            Op::Nest => self.come(task, What::Nest, How::Patient),
            Op::Wait => self.come(task, What::Drained, How::Patient),
            Op::Waiti => self.come(task, What::Drained, How::Signals),
            Op::Short => self.come(task, What::Drained, How::Short),
            Op::Open => {
                self.tasks.say(task, Said::Done);
                self.open(task);
            }
            Op::Finish => {
                self.tasks.say(task, Said::Done);
                self.in_flight[task] -= 1;
                if self.count() == 0 {
                    self.wake(|waiter| waiter.what == What::Drained);
                }
            }
            // CAST: There are few.
            Op::Look => self.tasks.say(task, Said::Got(self.count() as u32)),
            Op::Signal => {
                self.tasks.signal(task);
                let waits = |waiter: &Waiter| waiter.task == task && waiter.how == How::Signals;
                if self.line.take(waits).is_some() {
                    self.tasks.say(task, Said::Signal);
                }
            }
        }
        !self.racy
    }
}
