// SPDX-License-Identifier: GPL-2.0

//! Counts on the host.

use super::{
    count_host::{Cell, Count},
    count_word::{asks_for, disown, down, up, up_below, up_when, wait, Shared, COUNT, MAX},
    drain_protocol::Word,
    tasks::{said, Tasks},
};
use crate::{
    shared::{
        count::{base, looks, Op},
        program::Step,
        reference::{How, Said},
    },
    stage::{Desk, Sleepers, World},
};
use std::sync::{
    atomic::{AtomicBool, Ordering::Relaxed},
    Arc,
};

pub(crate) struct Scene {
    count: Arc<Count>,
    base: u32,
    gone: AtomicBool,
    tasks: Tasks,
}

/// What a task has.
#[derive(Default)]
struct Has {
    counted: u32,
    aside: u32,
}

impl World for Scene {
    type Reference = crate::shared::count::Count;

    fn new(kind: usize) -> Self {
        Self {
            count: Count::new(base(kind)),
            base: base(kind),
            gone: AtomicBool::new(false),
            tasks: Tasks::new(),
        }
    }

    fn sleepers(&self) -> &dyn Sleepers {
        &self.tasks
    }

    fn work(&self, task: usize, desk: &Desk<Op>) {
        let mut has = Has::default();
        while let Some(step) = desk.next(task) {
            let said = self.make(step, &mut has);
            desk.say(task, said.unwrap_or_else(|said| said));
        }
        for _ in 0..has.counted {
            down(self.cell());
        }
    }

    /// The count is freed by whoever was last, once.
    fn end(&self) -> Result<(), String> {
        if !self.gone.load(Relaxed) {
            self.cell().word().fetch_sub_full(self.base.into());
            disown(self.cell());
        }
        match self.count.frees() {
            1 => Ok(()),
            frees => Err(format!("at the end: freed {frees} times")),
        }
    }
}

impl Scene {
    fn cell(&self) -> Cell {
        self.count.cell()
    }

    fn make(&self, step: Step<Op>, has: &mut Has) -> Result<Said, Said> {
        let (cell, number) = (self.cell(), self.base + u32::from(step.number));
        match step.op {
            Op::Up if !up(cell) => return Err(Said::Busy),
            Op::Up => has.counted += 1,
            Op::Down => {
                has.counted -= 1;
                down(cell);
            }
            Op::Aside => {
                has.counted -= 1;
                has.aside += 1;
                down(cell);
            }
            Op::Resume if !up_below(cell, MAX) => return Err(Said::Busy),
            Op::Resume => {
                has.aside -= 1;
                has.counted += 1;
            }
            Op::End => has.aside -= 1,
            Op::Wait => self.wait(step.task, number, How::Patient)?,
            Op::Waiti => self.wait(step.task, number, How::Signals)?,
            Op::Short => self.wait(step.task, number, How::Short)?,
            Op::When => self.up_when(step.task, number, How::Patient, has)?,
            Op::Wheni => self.up_when(step.task, number, How::Signals, has)?,
            Op::Look => {
                let counted = (cell.word().load_relaxed() & COUNT) as u32;
                let asked = asks_for(cell).map(|most| most - self.base);
                return Ok(looks(counted - self.base, asked));
            }
            Op::Go => {
                self.gone.store(true, Relaxed);
                disown(cell);
            }
            Op::Signal => return Err(Said::Odd),
        }
        Ok(Said::Done)
    }

    fn wait(&self, task: usize, most: u32, how: How) -> Result<(), Said> {
        wait(self.cell(), most, &mut self.tasks.patience(task, how)).map_err(said)
    }

    fn up_when(&self, task: usize, most: u32, how: How, has: &mut Has) -> Result<(), Said> {
        up_when(self.cell(), most, &mut self.tasks.patience(task, how)).map_err(said)?;
        has.counted += 1;
        Ok(())
    }
}
