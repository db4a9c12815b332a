// SPDX-License-Identifier: GPL-2.0

//! The reference of `Phased`: what is in flight in which phase, whose turn it is to flip, and who waits for it.

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
    /// Begins one.
    Begin = "begin", 6;
    /// Ends the task's oldest.
    Finish = "end", 8;
    /// Waits for what is in flight now.
    Wait = "wait", 6;
    /// The same, until a signal comes.
    Waiti = "waiti", 4;
    /// The same, with a limit that is over once it sleeps.
    Short = "short", 2;
    /// Says how many are in flight, and how often was flipped.
    Look = "look", 3;
    /// Sends the task a signal.
    Signal = "signal", 3, outside true;
}

/// How many a task has at most.
pub(crate) const MOST: usize = 2;

/// What `look` says.
pub(crate) fn looks(in_flight: u64, flips: u64) -> Said {
    // CAST: There are few.
    Said::Got((100 * in_flight + flips) as u32)
}

#[derive(Clone, Copy)]
struct Waiter {
    task: usize,
    /// The flip that it is done with.
    wanted: u64,
    how: How,
}

/// What who has the turn waits for.
#[derive(Clone, Copy)]
enum Stage {
    /// What a wait has left that was given up.
    Old,
    /// What began before its flip.
    New,
}

/// A drain without a gate.
#[derive(Clone)]
pub(crate) struct Phased {
    tasks: Tasks,
    /// In which phase those of each task are, oldest first.
    in_flight: [[Option<usize>; MOST]; TASKS],
    flips: u64,
    done: u64,
    turn: Option<(Waiter, Stage)>,
    /// Those who wait for their turn.
    line: Line<Waiter>,
    /// Several want the turn, and it makes a difference who gets it.
    racy: bool,
}

impl Phased {
    fn count(&self) -> usize {
        self.in_flight.iter().flatten().flatten().count()
    }

    fn is_drained(&self, flips: u64) -> bool {
        let phase = Self::phase(flips);
        let mut all = self.in_flight.iter().flatten().flatten();
        all.all(|other| *other != phase)
    }

    /// The phase that is current after so many flips.
    fn phase(flips: u64) -> usize {
        usize::from(flips % 2 == 1)
    }

    /// A task has the turn, and goes on. Returns whether it is done with it; if not, for what it waits.
    fn go_on(&mut self, waiter: Waiter, mut stage: Stage) -> Result<(), Stage> {
        if self.done >= waiter.wanted {
            return Ok(());
        }
        if let Stage::Old = stage {
            if !self.is_drained(self.flips + 1) {
                return Err(stage);
            }
            self.flips += 1;
            stage = Stage::New;
        }
        if !self.is_drained(self.flips - 1) {
            return Err(stage);
        }
        self.done = self.flips;
        Ok(())
    }

    fn come(&mut self, task: usize, how: How) {
        let wanted = self.flips + 1;
        let waiter = Waiter { task, wanted, how };
        if self.turn.is_some() {
            if self.tasks.waits(task, how) {
                self.line.push(waiter);
            }
            return;
        }
        match self.go_on(waiter, Stage::Old) {
            Ok(()) => self.tasks.say(task, Said::Done),
            Err(stage) if self.tasks.waits(task, how) => self.turn = Some((waiter, stage)),
            Err(_) => {}
        }
    }

    /// Nobody has the turn any more.
    fn give(&mut self) {
        self.turn = None;
        let satisfied = self.line.iter().filter(|waiter| waiter.wanted <= self.done);
        let satisfied = satisfied.count();
        let others = self.line.len() - satisfied;
        self.racy |= others > 0 && self.line.len() > 1 && self.count() > 0;
        while let Some(waiter) = self.line.remove(0) {
            match self.go_on(waiter, Stage::Old) {
                Ok(()) => self.tasks.say(waiter.task, Said::Done),
                Err(stage) => {
                    self.turn = Some((waiter, stage));
                    return;
                }
            }
        }
    }

    /// Something has ended.
    fn ended(&mut self) {
        if let Some((waiter, stage)) = self.turn {
            match self.go_on(waiter, stage) {
                Ok(()) => {
                    self.tasks.say(waiter.task, Said::Done);
                    self.give();
                }
                Err(stage) => self.turn = Some((waiter, stage)),
            }
        }
    }

    fn signal(&mut self, task: usize) {
        self.tasks.signal(task);
        let waits = |waiter: &Waiter| waiter.task == task && waiter.how == How::Signals;
        if self.turn.is_some_and(|(waiter, _)| waits(&waiter)) {
            self.tasks.say(task, Said::Signal);
            self.give();
        } else if self.line.take(waits).is_some() {
            self.tasks.say(task, Said::Signal);
        }
    }
}

impl Reference for Phased {
    type Op = Op;

    const NAME: &'static str = "phased";
    const KINDS: &'static [&'static str] = &["plain"];

    fn new(_kind: usize) -> Self {
        Self {
            tasks: Tasks::new(),
            in_flight: [[None; MOST]; TASKS],
            flips: 0,
            done: 0,
            turn: None,
            line: Line::new(),
            racy: false,
        }
    }

    fn tasks(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    fn act(&mut self, step: Step<Op>) -> bool {
        let task = step.task;
        let mine = &mut self.in_flight[task];
        let count = mine.iter().flatten().count();
        let possible = match step.op {
            Op::Begin => count < MOST,
            Op::Finish => count > 0,
            // It would wait for itself.
            Op::Wait | Op::Waiti | Op::Short => count == 0,
            Op::Look | Op::Signal => true,
        };
        if !possible {
            return false;
        }
        match step.op {
            Op::Begin => {
                mine[count] = Some(Self::phase(self.flips));
                self.tasks.say(task, Said::Done);
            }
            Op::Finish => {
                mine[0] = None;
                mine.rotate_left(1);
                self.tasks.say(task, Said::Done);
                self.ended();
            }
            Op::Wait => self.come(task, How::Patient),
            Op::Waiti => self.come(task, How::Signals),
            Op::Short => self.come(task, How::Short),
            // CAST: There are few.
            Op::Look => self.tasks.say(task, looks(self.count() as u64, self.flips)),
            Op::Signal => self.signal(task),
        }
        !self.racy
    }
}
