// SPDX-License-Identifier: GPL-2.0

//! Drains without a gate, on the host.

use super::{
    drain_host::{Cell, FullWord, Scene as Memory, What},
    drain_parts::phases::{Phases, Waits},
    drain_protocol::{end, is_drained, open, shut, Shared, Word, COUNT, OWNED},
    host::GaveUp,
    tasks::{said, Tasks},
    var,
};
use crate::{
    shared::{
        phased::{looks, Op},
        program::Step,
        reference::{How, Said},
    },
    stage::{Desk, Sleepers, World},
};
use std::collections::VecDeque;

pub(crate) struct Scene {
    phases: Phases<Cell>,
    // What the phases point to.
    memory: Box<[Memory; 3]>,
    tasks: Tasks,
}

// SAFETY: The cells point to what is in the scene, which is `Sync`, and stays until all tasks have ended.
unsafe impl Send for Scene {}
// SAFETY: As above.
unsafe impl Sync for Scene {}

impl World for Scene {
    type Reference = crate::shared::phased::Phased;

    fn new(_kind: usize) -> Self {
        let memory = Box::new([(); 3].map(|()| Memory::new(OWNED)));
        let [one, other, turn] = [0, 1, 2].map(|nr| Cell(&raw const memory[nr]));
        let words = || FullWord::new(0);
        Self {
            phases: Phases::new([one, other], turn, words(), words()),
            memory,
            tasks: Tasks::new(),
        }
    }

    fn sleepers(&self) -> &dyn Sleepers {
        &self.tasks
    }

    fn work(&self, task: usize, desk: &Desk<Op>) {
        let mut in_flight = VecDeque::new();
        while let Some(step) = desk.next(task) {
            let said = self.make(step, &mut in_flight);
            desk.say(task, said.unwrap_or_else(|said| said));
        }
        in_flight.into_iter().for_each(end);
    }
}

impl Scene {
    fn make(&self, step: Step<Op>, in_flight: &mut VecDeque<Cell>) -> Result<Said, Said> {
        match step.op {
            Op::Begin => in_flight.push_back(self.phases.begin()),
            Op::Finish => end(in_flight.pop_front().ok_or(Said::Odd)?),
            Op::Wait => self.wait(step.task, How::Patient)?,
            Op::Waiti => self.wait(step.task, How::Signals)?,
            Op::Short => self.wait(step.task, How::Short)?,
            Op::Look => {
                let count = |memory| Cell(memory).word().load_relaxed() & COUNT;
                let all = self.memory.iter().map(|memory| count(&raw const *memory));
                return Ok(looks(all.sum(), self.phases.flips()));
            }
            Op::Signal => return Err(Said::Odd),
        }
        Ok(Said::Done)
    }

    fn wait(&self, task: usize, how: How) -> Result<(), Said> {
        let tasks = &self.tasks;
        self.phases
            .wait(&mut Sleeps { tasks, task, how })
            .map_err(said)
    }
}

/// The sleeps of one wait.
struct Sleeps<'t> {
    tasks: &'t Tasks,
    task: usize,
    how: How,
}

impl Sleeps<'_> {
    fn wait(&self, cell: Cell, what: What, look: impl FnMut() -> bool) -> Result<(), GaveUp> {
        var::wait(self.tasks, self.task, (cell.scene(), what), self.how, look)
    }
}

impl Waits<Cell> for Sleeps<'_> {
    type GaveUp = GaveUp;

    fn take(&mut self, turn: Cell) -> Result<(), GaveUp> {
        self.wait(turn, What::Gate, || shut(turn))
    }

    fn drained(&mut self, phase: Cell) -> Result<(), GaveUp> {
        self.wait(phase, What::Count, || is_drained(phase))
    }

    fn give(&mut self, turn: Cell) {
        open(turn);
    }
}
