// SPDX-License-Identifier: GPL-2.0

//! Events on the host.

use super::{
    claim::{when, Claim},
    event_gate::{End, Gate, Shared, Slot},
    host::{GaveUp, Host},
    monitor::{Either, Events, One, Two},
    tasks::Tasks,
};
use crate::{
    shared::{
        event::{Op, OTHER},
        program::Step,
        reference::{How, Said},
    },
    stage::{Desk, Sleepers, World},
};

pub(crate) struct Scene {
    gate: Shared,
    tasks: Tasks,
}

/// Takes so many.
fn take(amount: u32) -> impl Claim<u32, Output = u32> {
    when(
        move |credits: &u32| *credits >= amount,
        move |credits: &mut u32| {
            *credits -= amount;
            amount
        },
    )
}

impl World for Scene {
    type Reference = crate::shared::event::Event;

    fn new(kind: usize) -> Self {
        Self {
            gate: Gate::new(0, kind == 1),
            tasks: Tasks::new(),
        }
    }

    fn sleepers(&self) -> &dyn Sleepers {
        &self.tasks
    }

    fn work(&self, task: usize, desk: &Desk<Op>) {
        while let Some(step) = desk.next(task) {
            desk.say(task, self.make(step).unwrap_or_else(|said| said));
        }
    }
}

impl Scene {
    fn make(&self, step: Step<Op>) -> Result<Said, Said> {
        let (task, number) = (step.task, u32::from(step.number));
        let gate = &self.gate.0;
        match step.op {
            Op::Add => gate.add(number),
            Op::Later => gate.add_deferred(number),
            Op::Other => gate.add_other(number),
            Op::End => gate.end_waits(),
            Op::Close => gate.close(),
            Op::Wait => return self.take(task, How::Patient, number),
            Op::Waiti => return self.take(task, How::Signals, number),
            Op::Short => return self.take(task, How::Short, number),
            Op::Once => return self.take(task, How::Over, number),
            Op::Claim => {
                return gate
                    .try_claim(take(number))
                    .map(Said::Got)
                    .ok_or(Said::Nothing)
            }
            Op::Look => return gate.credits().map(Said::Got).ok_or(Said::Odd),
            Op::Either => {
                let got = self.wait(task, How::Patient, |slot| Two {
                    first: One::new(slot.other.place(), take(1)),
                    second: One::new(slot.place(), take(number)),
                })?;
                return Ok(Said::Got(match got {
                    Either::First(amount) => OTHER + amount,
                    Either::Second(amount) => amount,
                }));
            }
            Op::Signal => return Err(Said::Odd),
        }
        Ok(Said::Done)
    }

    fn take(&self, task: usize, how: How, amount: u32) -> Result<Said, Said> {
        let one = |slot: &Slot| One::new(slot.place(), take(amount));
        self.wait(task, how, one).map(Said::Got)
    }

    fn wait<E>(
        &self,
        task: usize,
        how: How,
        events: impl FnOnce(&Slot) -> E,
    ) -> Result<E::Output, Said>
    where
        E: Events<Host, Back = super::gift::NoGift>,
    {
        let patience = || self.tasks.patience(task, how);
        let ended = self.gate.lend().run_with(patience, events);
        ended.map_err(|end| match end {
            End::Closed => Said::Closed,
            End::Ended => Said::Ended,
            End::GaveUp(GaveUp::Signal) => Said::Signal,
            End::GaveUp(GaveUp::TimedOut) => Said::TimedOut,
            End::Served => Said::Odd,
        })
    }
}
