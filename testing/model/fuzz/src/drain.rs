// SPDX-License-Identifier: GPL-2.0

//! Drains on the host.

use super::{
    drain_host::{Cell, Scene as Memory, What},
    drain_protocol::{
        begin, end, is_drained, open, open_nested, shut, shut_nested, Word, COUNT, OWNED,
    },
    tasks::{said, Tasks},
    var,
};
use crate::{
    shared::{
        drain::Op,
        program::Step,
        reference::{How, Said},
    },
    stage::{Desk, Sleepers, World},
};

pub(crate) struct Scene {
    memory: Memory,
    tasks: Tasks,
}

/// What a task has of the gate.
#[derive(Clone, Copy)]
enum Gate {
    Nothing,
    Alone,
    Together,
}

impl World for Scene {
    type Reference = crate::shared::drain::Drain;

    fn new(_kind: usize) -> Self {
        Self {
            memory: Memory::new(OWNED),
            tasks: Tasks::new(),
        }
    }

    fn sleepers(&self) -> &dyn Sleepers {
        &self.tasks
    }

    fn work(&self, task: usize, desk: &Desk<Op>) {
        let (mut gate, mut in_flight) = (Gate::Nothing, 0);
        while let Some(step) = desk.next(task) {
            let said = self.make(step, &mut gate, &mut in_flight);
            desk.say(task, said.unwrap_or_else(|said| said));
        }
        self.open(gate);
        for _ in 0..in_flight {
            end(self.cell());
        }
    }
}

impl Scene {
    fn cell(&self) -> Cell {
        Cell(&self.memory)
    }

    fn make(&self, step: Step<Op>, gate: &mut Gate, in_flight: &mut u32) -> Result<Said, Said> {
        let (task, cell) = (step.task, self.cell());
        let enter = |how| self.wait(task, What::Gate, how, || begin(cell));
        let alone = |how| self.wait(task, What::Gate, how, || shut(cell));
        let drained = |how| self.wait(task, What::Count, how, || is_drained(cell));
        match step.op {
            Op::Begin if !begin(cell) => return Err(Said::Shut),
            Op::Begin => {}
            Op::Enter => enter(How::Patient)?,
            Op::Enteri => enter(How::Signals)?,
            Op::EnterShort => enter(How::Short)?,
            Op::Finish => end(cell),
            Op::Shut => alone(How::Patient)?,
            Op::Shuti => alone(How::Signals)?,
            Op::Nest => self.wait(task, What::Gate, How::Patient, || shut_nested(cell))?,
            Op::Open => self.open(*gate),
            Op::Wait => drained(How::Patient)?,
            Op::Waiti => drained(How::Signals)?,
            Op::Short => drained(How::Short)?,
            Op::Look => return Ok(Said::Got(self.count())),
            Op::Signal => return Err(Said::Odd),
        }
        match step.op {
            Op::Begin | Op::Enter | Op::Enteri | Op::EnterShort => *in_flight += 1,
            Op::Finish => *in_flight -= 1,
            Op::Shut | Op::Shuti => *gate = Gate::Alone,
            Op::Nest => *gate = Gate::Together,
            Op::Open => *gate = Gate::Nothing,
            _ => {}
        }
        Ok(Said::Done)
    }

    fn count(&self) -> u32 {
        use super::drain_protocol::Shared;
        (self.cell().word().load_relaxed() & COUNT) as u32
    }

    fn open(&self, gate: Gate) {
        match gate {
            Gate::Nothing => {}
            Gate::Alone => open(self.cell()),
            Gate::Together => open_nested(self.cell()),
        }
    }

    fn wait(
        &self,
        task: usize,
        what: What,
        how: How,
        look: impl FnMut() -> bool,
    ) -> Result<(), Said> {
        var::wait(&self.tasks, task, (&self.memory, what), how, look).map_err(said)
    }
}
