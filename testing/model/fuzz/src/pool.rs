// SPDX-License-Identifier: GPL-2.0

//! The nodes of a pool on the host: how they are used. The table that they are in is the kernel's.

use super::{
    pool_host::Node,
    pool_word::{begin, Begun, Part},
    tasks::{said, Tasks},
};
use crate::{
    shared::{
        pool::{Op, NODES},
        program::Step,
        reference::{How, Said},
    },
    stage::{Desk, Sleepers, World},
};
use std::sync::Arc;

pub(crate) struct Scene {
    nodes: [Arc<Node>; NODES],
    tasks: Tasks,
}

/// How a task uses a node.
type Uses = [Option<Part>; NODES];

impl World for Scene {
    type Reference = crate::shared::pool::Pool;

    const KINDS: usize = 1;

    fn new(_kind: usize) -> Self {
        Self {
            nodes: std::array::from_fn(|_| Node::pinned(0)),
            tasks: Tasks::new(),
        }
    }

    fn sleepers(&self) -> &dyn Sleepers {
        &self.tasks
    }

    fn work(&self, task: usize, desk: &Desk<Op>) {
        let mut uses = Uses::default();
        while let Some(step) = desk.next(task) {
            let said = self.make(step, &mut uses);
            desk.say(task, said.unwrap_or_else(|said| said));
        }
        for (node, part) in self.nodes.iter().zip(uses) {
            part.into_iter().for_each(|part| node.end(part));
        }
    }

    /// Nobody uses a node any more, or waits for it.
    fn end(&self) -> Result<(), String> {
        self.nodes.iter().for_each(|node| node.is_left());
        Ok(())
    }
}

impl Scene {
    fn make(&self, step: Step<Op>, uses: &mut Uses) -> Result<Said, Said> {
        let at = usize::from(step.number) - 1;
        let node = &self.nodes[at];
        let part = match step.op {
            Op::Pin if !node.pin() => return Err(Said::Busy),
            Op::Pin => Part::Pin,
            Op::Own if begin(&*node.word, Part::Sole) != Begun::Yes => return Err(Said::Busy),
            Op::Own => Part::Sole,
            Op::Wait => self.wait(step.task, at, How::Patient)?,
            Op::Waiti => self.wait(step.task, at, How::Signals)?,
            Op::Short => self.wait(step.task, at, How::Short)?,
            Op::Unpin | Op::Back => {
                node.end(uses[at].take().ok_or(Said::Odd)?);
                return Ok(Said::Done);
            }
            _ => return Err(Said::Odd),
        };
        uses[at] = Some(part);
        // They are as old as they are numbered.
        Ok(Said::Got(step.number.into()))
    }

    fn wait(&self, task: usize, at: usize, how: How) -> Result<Part, Said> {
        let patience = self.tasks.patience(task, how);
        self.nodes[at].wait_by(patience).map_err(said)?;
        Ok(Part::Sole)
    }
}
