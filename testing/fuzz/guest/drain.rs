// SPDX-License-Identifier: GPL-2.0

//! Drains in a kernel.

use super::{
    soon,
    stage::{
        self,
        Desk, //
    }, //
};
use crate::shared::{
    drain::{
        Drain as Reference,
        Op,
        MOST, //
    },
    reference::Said, //
};
use baton::{
    drain::{
        new_drain,
        Drain,
        DrainError,
        InFlight,
        OwnedShut,
        Shut, //
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
    sync::Arc, //
};

/// A drain.
pub(super) struct Scene(Arc<Drain>);

/// What a task has that it need not have in its hands.
#[derive(Default)]
struct Has {
    in_flight: [Option<InFlight>; MOST],
    gate: Option<OwnedShut>,
}

impl Has {
    fn keep(&mut self, reference: InFlight) -> Result<(), DrainError> {
        // There is room: a task has no more than that.
        if let Some(place) = self.in_flight.iter_mut().find(|place| place.is_none()) {
            *place = Some(reference);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), DrainError> {
        let mut places = self.in_flight.iter_mut();
        drop(places.find_map(|place| place.take()));
        Ok(())
    }
}

pub(super) fn said(ended: Result<(), DrainError>) -> Said {
    match ended {
        Ok(()) => Said::Done,
        Err(DrainError::Shut) => Said::Shut,
        Err(DrainError::Signal) => Said::Signal,
        Err(DrainError::TimedOut) => Said::TimedOut,
        Err(DrainError::Deadlock | DrainError::Stopped) => Said::Odd,
    }
}

impl stage::Scene for Scene {
    type Reference = Reference;

    fn new(_kind: usize) -> Result<Self> {
        Ok(Self(Arc::pin_init(new_drain!(), GFP_KERNEL)?))
    }

    fn work(&self, cx: &mut MaySleep, _task: usize, desk: &Desk<Op>) {
        let mut has = Has::default();
        while let Some(step) = desk.next() {
            if step.op != Op::Nest {
                desk.say(self.make(cx, step.op, &mut has));
                continue;
            }
            match self.0.shut_nested(cx, Killable) {
                Ok(shut) => {
                    desk.say(Said::Done);
                    self.inside(shut, desk, &mut has);
                }
                Err(error) => desk.say(said(Err(error))),
            }
        }
    }
}

impl Scene {
    /// With the gate shut together with others, which borrows the capability to sleep.
    fn inside(&self, mut shut: Shut<'_, '_>, desk: &Desk<Op>, has: &mut Has) {
        while let Some(step) = desk.next() {
            let ended = match step.op {
                Op::Open => {
                    drop(shut);
                    return desk.say(Said::Done);
                }
                Op::Wait => said(shut.wait(Killable)),
                Op::Waiti => said(shut.wait(Interruptible)),
                Op::Short => said(shut.wait(Killable.timeout(soon()))),
                op => self.quick(op, has),
            };
            desk.say(ended);
        }
    }

    fn make(&self, cx: &mut MaySleep, op: Op, has: &mut Has) -> Said {
        let ended = match op {
            Op::Enter => self.enter(cx, Killable, has),
            Op::Enteri => self.enter(cx, Interruptible, has),
            Op::EnterShort => self.enter(cx, Killable.timeout(soon()), has),
            Op::Shut => self.shut(cx, Killable, has),
            Op::Shuti => self.shut(cx, Interruptible, has),
            Op::Open => {
                has.gate = None;
                Ok(())
            }
            Op::Wait => Self::wait(cx, Killable, has),
            Op::Waiti => Self::wait(cx, Interruptible, has),
            Op::Short => Self::wait(cx, Killable.timeout(soon()), has),
            op => return self.quick(op, has),
        };
        said(ended)
    }

    /// What does not wait.
    fn quick(&self, op: Op, has: &mut Has) -> Said {
        match op {
            Op::Begin => said(self.0.try_begin().and_then(|reference| has.keep(reference))),
            Op::Finish => said(has.end()),
            // CAST: There are few.
            Op::Look => Said::Got(self.0.in_flight() as u32),
            _ => Said::Odd,
        }
    }

    fn enter<M: ModeAt>(
        &self,
        cx: &mut MaySleep,
        mode: M,
        has: &mut Has,
    ) -> Result<(), DrainError> {
        let active = self.0.begin_when_open(cx, mode)?;
        has.keep(active.hand_over())
    }

    fn shut<M: ModeAt>(&self, cx: &mut MaySleep, mode: M, has: &mut Has) -> Result<(), DrainError> {
        has.gate = Some(Drain::shut_owned(self.0.as_arc_borrow(), cx, mode)?);
        Ok(())
    }

    fn wait<M: ModeAt>(cx: &mut MaySleep, mode: M, has: &Has) -> Result<(), DrainError> {
        match &has.gate {
            Some(shut) => shut.wait(cx, mode),
            None => Err(DrainError::Deadlock),
        }
    }
}
