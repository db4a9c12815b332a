// SPDX-License-Identifier: GPL-2.0

//! Counted completions in a kernel.

use super::{
    of_error,
    soon,
    stage::{
        self,
        Desk, //
    }, //
};
use crate::shared::{
    counted::{
        Counted as Reference,
        Op,
        MOST, //
    },
    program::{
        Step,
        TASKS, //
    },
    reference::Said, //
};
use baton::{
    completion::{
        start_counted,
        CountedCompleter,
        CountedCompletion, //
    },
    event::{
        Interruptible,
        Killable,
        Mode,
        ModeAt, //
    },
    MaySleep, //
};
use core::array;
use kernel::{
    new_spinlock,
    prelude::*,
    sync::SpinLock, //
};

struct State {
    completers: [Option<CountedCompleter>; MOST],
    sides: [Option<CountedCompletion>; TASKS],
}

/// A counted completion, of which there is one at a time.
pub(super) struct Scene(Pin<KBox<SpinLock<State>>>);

impl stage::Scene for Scene {
    type Reference = Reference;

    fn new(_kind: usize) -> Result<Self> {
        let state = State {
            completers: array::from_fn(|_| None),
            sides: array::from_fn(|_| None),
        };
        Ok(Self(KBox::pin_init(new_spinlock!(state), GFP_KERNEL)?))
    }

    fn work(&self, cx: &mut MaySleep, task: usize, desk: &Desk<Op>) {
        while let Some(step) = desk.next() {
            let said = self.make(cx, step);
            desk.say(said.unwrap_or_else(|said| said));
        }
        drop(self.take(task));
    }
}

impl Scene {
    fn make(&self, cx: &mut MaySleep, step: Step<Op>) -> Result<Said, Said> {
        let task = step.task;
        match step.op {
            Op::Start => {
                let mut kept = None;
                let started = start_counted(cx, |completer, _| {
                    kept = Some(completer.hand_over());
                    Ok(())
                });
                let started = started.map_err(of_error)?;
                self.put(kept.ok_or(Said::Odd)?)?;
                self.has(task, started);
            }
            Op::More => {
                let completer = self.completer()?;
                let more = completer.clone();
                self.put(completer)?;
                self.put(more)?;
            }
            Op::Complete => {
                let completer = self.completer()?;
                let completed = completer.complete();
                self.put(completer)?;
                completed.map_err(|_| Said::Nothing)?;
            }
            Op::Cancel => drop(self.completer()?),
            Op::Give => {
                let side = self.take(task)?;
                self.has(usize::from(step.number), side.clone());
                self.has(task, side);
            }
            Op::Wait => return self.wait(cx, task, Killable),
            Op::Waiti => return self.wait(cx, task, Interruptible),
            Op::Short => return self.wait(cx, task, Killable.timeout(soon())),
            Op::Try => {
                let used = self.with(task, CountedCompletion::try_wait)?;
                return Ok(if used { Said::Done } else { Said::Nothing });
            }
            Op::Leave => drop(self.take(task)?),
            Op::Look => {
                let done = self.with(task, CountedCompletion::is_done)?;
                return Ok(Said::Got(done.into()));
            }
            Op::Signal => return Err(Said::Odd),
        }
        Ok(Said::Done)
    }

    /// Takes a completer, to be used without the lock.
    fn completer(&self) -> Result<CountedCompleter, Said> {
        let mut state = self.0.lock();
        let completer = state.completers.iter_mut().find_map(Option::take);
        completer.ok_or(Said::Odd)
    }

    fn put(&self, completer: CountedCompleter) -> Result<(), Said> {
        let mut state = self.0.lock();
        // There is room: there are no more than that.
        let place = state.completers.iter_mut().find(|place| place.is_none());
        *place.ok_or(Said::Odd)? = Some(completer);
        Ok(())
    }

    fn has(&self, task: usize, side: CountedCompletion) {
        self.0.lock().sides[task] = Some(side);
    }

    fn take(&self, task: usize) -> Result<CountedCompletion, Said> {
        let side = self.0.lock().sides[task].take();
        side.ok_or(Said::Odd)
    }

    /// Uses the completion of a task, without the lock.
    fn with<R>(&self, task: usize, body: impl FnOnce(&CountedCompletion) -> R) -> Result<R, Said> {
        let side = self.take(task)?;
        let result = body(&side);
        self.has(task, side);
        Ok(result)
    }

    fn wait<M: ModeAt>(&self, cx: &mut MaySleep, task: usize, mode: M) -> Result<Said, Said> {
        let ended = self.with(task, |side| side.wait(cx, mode))?;
        Ok(ended.map_or_else(of_error, |()| Said::Done))
    }
}
