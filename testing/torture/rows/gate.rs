// SPDX-License-Identifier: GPL-2.0

//! Gates that several tasks have shut at a time, or that nobody in particular has.

use crate::{
    row::{
        made,
        Me,
        Row, //
    },
    waited_holding,
    waited_killable, //
};
use baton::{
    drain::{
        new_drain,
        Drain, //
    },
    testing::yield_now,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
};

/// How long a gate stays open at least, in microseconds: those who want it together may keep others out for good.
const OPEN: u32 = 500;

/// How a waiter shuts the gate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// With others.
    Many,
    /// For whoever opens it.
    Nobody,
}

#[pin_data]
struct GateRow {
    drain: Arc<Drain>,
    by: By,
    /// How much is in flight, as those say who have begun it.
    begun: Atomic<i32>,
}

impl GateRow {
    /// Called with the gate shut and nothing in flight.
    fn check(&self, me: &Me<'_>) {
        if self.begun.load(Relaxed) != 0 {
            me.fail("the wait has ended, and something is in flight");
        }
    }
}

impl Row for GateRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let mut active = waited_killable!(me.how_killable(), |mode| self
            .drain
            .begin_when_open(cx, mode))?;
        self.begun.fetch_add(1, Full);
        if me.random.below(8) == 0 {
            yield_now(active.inner());
        }
        self.begun.fetch_add(-1, Full);
        active.end();
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        match self.by {
            By::Many => {
                let mut shut =
                    waited_killable!(me.how_killable(), |mode| self.drain.shut_nested(cx, mode))?;
                waited_holding!(me.how_killable(), |mode| shut
                    .run_own_and_wait(mode, |_| false))?;
                self.check(me);
            }
            By::Nobody => {
                let drain = self.drain.as_arc_borrow();
                let shut =
                    waited_killable!(me.how_killable(), |mode| Drain::shut_owned(drain, cx, mode))?;
                waited_killable!(me.how_killable(), |mode| shut.wait(cx, mode))?;
                self.check(me);
            }
        }
        me.random.sleep_us(cx, OPEN);
        Ok(1)
    }

    fn end(&self, _cx: &mut MaySleep) -> Result<(), &'static str> {
        if self.drain.in_flight() == 0 && self.drain.waiters() == 0 {
            Ok(())
        } else {
            Err("something is in flight, or somebody waits")
        }
    }
}

fn row(by: By) -> Result<Arc<dyn Row>> {
    let drain = Arc::pin_init(new_drain!("torture"), GFP_KERNEL)?;
    made(pin_init!(GateRow {
        drain,
        by,
        begun: Atomic::new(0),
    }))
}

pub(super) fn nested(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(By::Many)
}

pub(super) fn owned(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(By::Nobody)
}
