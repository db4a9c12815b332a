// SPDX-License-Identifier: GPL-2.0

//! Completions in a kernel.

use super::{
    of_error,
    soon,
    stage::{
        self,
        Desk, //
    }, //
};
use crate::shared::{
    completion::{
        value,
        Completion as Reference,
        Op, //
    },
    program::{
        Step,
        TASKS, //
    },
    reference::Said, //
};
use baton::{
    completion::{
        self,
        dropped_completers,
        Abandoned,
        Completer,
        Completion,
        SharedCompletion, //
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

/// What a task waits by.
enum Side {
    Sole(Completion<u32>),
    Shared(SharedCompletion<u32>),
}

struct State {
    completer: Option<Completer<u32>>,
    sides: [Option<Side>; TASKS],
}

/// Completions, of which there is one at a time.
#[pin_data]
pub(super) struct Place {
    #[pin]
    state: SpinLock<State>,
    shared: bool,
}

pub(super) struct Scene(Pin<KBox<Place>>);

impl Side {
    fn wait<M: ModeAt>(&mut self, cx: &mut MaySleep, mode: M) -> Result<u32> {
        match self {
            Self::Sole(completion) => completion.wait(cx, mode),
            Self::Shared(completion) => completion.wait(cx, mode).copied(),
        }
    }

    fn try_wait(&mut self) -> Option<Result<u32>> {
        match self {
            Self::Sole(completion) => completion.try_wait(),
            Self::Shared(completion) => completion.try_wait().map(|result| result.copied()),
        }
    }

    fn is_done(&self) -> bool {
        match self {
            Self::Sole(completion) => completion.is_done(),
            Self::Shared(completion) => completion.is_done(),
        }
    }

    /// Returns one more, if many can wait.
    fn one_more(&self) -> Option<Self> {
        match self {
            Self::Sole(_) => None,
            Self::Shared(completion) => Some(Self::Shared(completion.clone())),
        }
    }
}

fn said(result: Result<u32>) -> Said {
    result.map_or_else(of_error, Said::Got)
}

impl stage::Scene for Scene {
    type Reference = Reference;

    fn new(kind: usize) -> Result<Self> {
        let place = pin_init!(Place {
            state <- new_spinlock!(State {
                completer: None,
                sides: array::from_fn(|_| None),
            }),
            shared: kind == 1,
        });
        Ok(Self(KBox::pin_init(place, GFP_KERNEL)?))
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
                let started = completion::start(cx, |completer, _| {
                    kept = Some(completer.hand_over());
                    Ok(())
                });
                self.0.state.lock().completer = kept;
                self.has(task, started.map_err(of_error)?);
            }
            Op::Lost => {
                let before = dropped_completers();
                let started = completion::start(cx, |completer, _| {
                    drop(completer);
                    Ok(())
                });
                self.has(task, started.map_err(of_error)?);
                return Ok(warned(before));
            }
            Op::Give => {
                let side = self.take(task)?;
                let (mine, theirs) = match side.one_more() {
                    Some(theirs) => (Some(side), theirs),
                    None => (None, side),
                };
                let mut state = self.0.state.lock();
                state.sides[task] = mine;
                state.sides[usize::from(step.number)] = Some(theirs);
            }
            Op::Complete => {
                return Ok(match self.completer()?.complete(Ok(value(task))) {
                    Ok(()) => Said::Done,
                    Err(Abandoned(Ok(back))) if back == value(task) => Said::Nothing,
                    Err(_) => Said::Odd,
                })
            }
            Op::Cancel => {
                let before = dropped_completers();
                drop(self.completer()?);
                return Ok(warned(before));
            }
            Op::Wait => return self.wait(cx, task, Killable),
            Op::Waiti => return self.wait(cx, task, Interruptible),
            Op::Short => return self.wait(cx, task, Killable.timeout(soon())),
            Op::Try => {
                let result = self.with(task, Side::try_wait)?;
                return Ok(result.map_or(Said::Nothing, said));
            }
            Op::Leave => drop(self.take(task)?),
            Op::Look => {
                let done = self.with(task, |side| side.is_done())?;
                return Ok(Said::Got(done.into()));
            }
            Op::Ask => {
                let completer = self.completer()?;
                let abandoned = completer.is_abandoned();
                self.0.state.lock().completer = Some(completer);
                return Ok(Said::Got(abandoned.into()));
            }
            Op::Signal => return Err(Said::Odd),
        }
        Ok(Said::Done)
    }

    /// What was started is the task's.
    fn has(&self, task: usize, completion: Completion<u32>) {
        let side = match self.0.shared {
            true => Side::Shared(completion.share()),
            false => Side::Sole(completion),
        };
        self.0.state.lock().sides[task] = Some(side);
    }

    fn take(&self, task: usize) -> Result<Side, Said> {
        let side = self.0.state.lock().sides[task].take();
        side.ok_or(Said::Odd)
    }

    fn completer(&self) -> Result<Completer<u32>, Said> {
        let completer = self.0.state.lock().completer.take();
        completer.ok_or(Said::Odd)
    }

    /// Uses what the task waits by, without the lock.
    fn with<R>(&self, task: usize, body: impl FnOnce(&mut Side) -> R) -> Result<R, Said> {
        let mut side = self.take(task)?;
        let result = body(&mut side);
        self.0.state.lock().sides[task] = Some(side);
        Ok(result)
    }

    fn wait<M: ModeAt>(&self, cx: &mut MaySleep, task: usize, mode: M) -> Result<Said, Said> {
        self.with(task, |side| said(side.wait(cx, mode)))
    }
}

/// How often it was said since that a completer was dropped.
fn warned(before: u64) -> Said {
    // CAST: There are few.
    Said::Got((dropped_completers() - before) as u32)
}
