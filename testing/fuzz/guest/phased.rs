// SPDX-License-Identifier: GPL-2.0

//! Drains without a gate, in a kernel.

use super::{
    drain::said,
    soon,
    stage::{
        self,
        Desk, //
    }, //
};
use crate::shared::{
    phased::{
        looks,
        Op,
        Phased as Reference,
        MOST, //
    },
    program::Step,
    reference::Said, //
};
use baton::{
    drain::{
        new_phased,
        InFlight,
        Phased, //
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

pub(super) struct Scene(Arc<Phased>);

/// What a task has in flight, oldest first.
type Has = [Option<InFlight>; MOST];

impl stage::Scene for Scene {
    type Reference = Reference;

    fn new(_kind: usize) -> Result<Self> {
        Ok(Self(Arc::pin_init(new_phased!("fuzz"), GFP_KERNEL)?))
    }

    fn work(&self, cx: &mut MaySleep, _task: usize, desk: &Desk<Op>) {
        let mut has = Has::default();
        while let Some(step) = desk.next() {
            let said = self.make(cx, step, &mut has);
            desk.say(said);
        }
    }
}

impl Scene {
    fn make(&self, cx: &mut MaySleep, step: Step<Op>, has: &mut Has) -> Said {
        match step.op {
            Op::Begin => match has.iter_mut().find(|place| place.is_none()) {
                Some(place) => {
                    *place = Some(self.0.begin_in_flight());
                    Said::Done
                }
                None => Said::Odd,
            },
            Op::Finish => {
                let oldest = has[0].take();
                has.rotate_left(1);
                oldest.map_or(Said::Odd, |oldest| {
                    drop(oldest);
                    Said::Done
                })
            }
            Op::Wait => self.wait(cx, Killable),
            Op::Waiti => self.wait(cx, Interruptible),
            Op::Short => self.wait(cx, Killable.timeout(soon())),
            Op::Look => looks(self.0.in_flight(), self.0.flips()),
            Op::Signal => Said::Odd,
        }
    }

    fn wait<M: ModeAt>(&self, cx: &mut MaySleep, mode: M) -> Said {
        said(self.0.wait_present(cx, mode))
    }
}
