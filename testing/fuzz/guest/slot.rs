// SPDX-License-Identifier: GPL-2.0

//! The slot of a device's request, in a kernel.

use super::{
    of_error,
    soon,
    stage::{
        self,
        Desk, //
    }, //
};
use crate::shared::{
    completion::value,
    program::{
        Step,
        TASKS, //
    },
    reference::Said,
    slot::{
        Op,
        Slot as Reference, //
    },
};
use baton::{
    completion::{
        Abandoned,
        Completion,
        Slot,
        Tag, //
    },
    event::{
        Interruptible,
        Killable,
        Mode,
        ModeAt, //
    },
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};

/// A slot, and the number of the last request of each task.
pub(super) struct Scene {
    slot: Pin<KBox<Slot<u32>>>,
    last: Arc<[Atomic<u64>; TASKS]>,
}

type Side = Option<Completion<u32>>;

fn said(result: Result<u32>) -> Said {
    result.map_or_else(of_error, Said::Got)
}

/// What is said by who has answered with `value`.
fn told(answered: Result<(), Abandoned<u32>>, value: u32) -> Said {
    match answered {
        Ok(()) => Said::Done,
        Err(Abandoned(Ok(back))) if back == value => Said::Nothing,
        Err(_) => Said::Odd,
    }
}

impl stage::Scene for Scene {
    type Reference = Reference;

    fn new(_kind: usize) -> Result<Self> {
        Ok(Self {
            slot: KBox::pin_init(Slot::new(), GFP_KERNEL)?,
            last: Arc::new([const { Atomic::new(0) }; TASKS], GFP_KERNEL)?,
        })
    }

    fn work(&self, cx: &mut MaySleep, _task: usize, desk: &Desk<Op>) {
        let mut side = None;
        while let Some(step) = desk.next() {
            let said = self.make(cx, step, &mut side);
            desk.say(said.unwrap_or_else(|said| said));
        }
    }
}

impl Scene {
    fn make(&self, cx: &mut MaySleep, step: Step<Op>, side: &mut Side) -> Result<Said, Said> {
        let value = value(step.task);
        match step.op {
            Op::Start => self.start(cx, step.task, side, |_| Ok(())),
            Op::Quick => self.start(cx, step.task, side, |tag| {
                let answered = self.slot.complete(tag, Ok(value));
                answered.map_err(|_| EINVAL)
            }),
            Op::Answer => {
                let number = self.last[usize::from(step.number)].load(Relaxed);
                let tag = Tag::from_number(number);
                Ok(told(self.slot.complete(tag, Ok(value)), value))
            }
            Op::Complete => Ok(told(self.slot.complete_current(Ok(value)), value)),
            Op::Reset => {
                self.slot.reset();
                Ok(Said::Done)
            }
            Op::Wait => wait(cx, side, Killable),
            Op::Waiti => wait(cx, side, Interruptible),
            Op::Short => wait(cx, side, Killable.timeout(soon())),
            Op::Try => {
                let result = side.as_mut().ok_or(Said::Odd)?.try_wait();
                Ok(result.map_or(Said::Nothing, said))
            }
            Op::Leave => {
                *side = None;
                Ok(Said::Done)
            }
            Op::Signal => Err(Said::Odd),
        }
    }

    fn start(
        &self,
        cx: &mut MaySleep,
        task: usize,
        side: &mut Side,
        device: impl FnOnce(Tag) -> Result,
    ) -> Result<Said, Said> {
        let mut number = 0;
        let started = self.slot.start(cx, |tag, _| {
            number = tag.number();
            device(tag)
        });
        *side = Some(started.map_err(|error| match error {
            EBUSY => Said::Busy,
            _ => Said::Odd,
        })?);
        self.last[task].store(number, Relaxed);
        // CAST: There are few.
        Ok(Said::Got(number as u32))
    }
}

fn wait<M: ModeAt>(cx: &mut MaySleep, side: &mut Side, mode: M) -> Result<Said, Said> {
    let side = side.as_mut().ok_or(Said::Odd)?;
    Ok(said(side.wait(cx, mode)))
}
