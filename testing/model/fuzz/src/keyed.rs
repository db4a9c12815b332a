// SPDX-License-Identifier: GPL-2.0

//! Events whose waiters are found by a key, on the host.

use super::{
    claim::when,
    event_gate::End,
    host::{GaveUp, Host},
    indexed::{OneKey, OneThreshold},
    keyed_host::{take, Gate, State},
    monitor::{Either, Events, Two},
    tasks::Tasks,
};
use crate::{
    shared::{
        keyed::{looks, Amount, Op},
        program::Step,
        reference::{How, Said},
    },
    stage::{Desk, Sleepers, World},
};
use std::sync::Arc;

pub(crate) struct Scene {
    gate: Arc<Gate>,
    keys: bool,
    tasks: Tasks,
}

impl World for Scene {
    type Reference = crate::shared::keyed::Keyed;

    fn new(kind: usize) -> Self {
        Self {
            gate: Arc::new(Gate::new()),
            keys: kind == 0,
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

    /// Nobody is on a list any more.
    fn end(&self) -> Result<(), String> {
        let state = self.gate.0.lock().unwrap();
        match (state.keys.queue().len(), state.thresholds.queue().len()) {
            (0, 0) => Ok(()),
            left => Err(format!("at the end: {left:?} are on the lists")),
        }
    }
}

impl Scene {
    fn lend(&self) -> &'static Gate {
        // SAFETY: The scene stays until all tasks have ended.
        unsafe { &*Arc::as_ptr(&self.gate) }
    }

    fn make(&self, step: Step<Op>) -> Result<Said, Said> {
        let amount = Amount::new(self.keys, step.number);
        match step.op {
            Op::Add if self.keys => self.gate.add(amount.key, amount.of),
            Op::Add => self.gate.raise(amount.of.into()),
            Op::Wait => return self.wait(step.task, How::Patient, amount),
            Op::Waiti => return self.wait(step.task, How::Signals, amount),
            Op::Short => return self.wait(step.task, How::Short, amount),
            Op::Claim => return self.claim(amount),
            Op::Either => {
                let got = self.run(step.task, How::Patient, |state| Two {
                    first: OneKey::new(state.place(), 0, take(1)),
                    second: OneKey::new(state.place(), 1, take(1)),
                })?;
                let (key, of) = match got {
                    Either::First(of) => (0, of),
                    Either::Second(of) => (1, of),
                };
                return Ok(Amount { key, of }.got());
            }
            Op::Close => {
                let state = self.gate.0.lock().unwrap();
                state.keys.queue().close();
                state.thresholds.queue().close();
            }
            Op::Look => {
                let mut state = self.gate.0.lock().unwrap();
                let credits = *state.credits.get_mut();
                return Ok(match *state.level.get_mut() as u32 {
                    0 => looks(credits),
                    level => looks([level, 0]),
                });
            }
            Op::Signal => return Err(Said::Odd),
        }
        Ok(Said::Done)
    }

    /// As `KeyedEvent::try_claim()`, or `ThresholdEvent::try_take_at_least()`: there is nobody left whom that
    /// makes possible.
    fn claim(&self, amount: Amount) -> Result<Said, Said> {
        let state = &mut *self.gate.0.lock().unwrap();
        if state.keys.queue().is_closed() {
            return Err(Said::Nothing);
        }
        if self.keys {
            let slot = &mut state.credits.get_mut()[amount.key];
            *slot = slot.checked_sub(amount.of).ok_or(Said::Nothing)?;
        } else {
            let level = state.level.get_mut();
            *level = level.checked_sub(amount.of.into()).ok_or(Said::Nothing)?;
        }
        Ok(amount.got())
    }

    fn wait(&self, task: usize, how: How, amount: Amount) -> Result<Said, Said> {
        let Amount { key, of } = amount;
        if self.keys {
            self.run(task, how, |state| OneKey::new(state.place(), key, take(of)))?;
        } else {
            let threshold = u64::from(of);
            self.run(task, how, |state| {
                let taking = when(|_: &u64| true, move |level: &mut u64| *level -= threshold);
                OneThreshold::new(state.threshold(), threshold, taking)
            })?;
        }
        Ok(amount.got())
    }

    fn run<E: Events<Host>>(
        &self,
        task: usize,
        how: How,
        events: impl FnOnce(&State) -> E,
    ) -> Result<E::Output, Said> {
        let patience = || self.tasks.patience(task, how);
        let ended = self.lend().run_with(patience, events);
        ended.map_err(|end| match end {
            End::Closed => Said::Closed,
            End::Ended => Said::Ended,
            End::GaveUp(GaveUp::Signal) => Said::Signal,
            End::GaveUp(GaveUp::TimedOut) => Said::TimedOut,
            End::Served => Said::Odd,
        })
    }
}
