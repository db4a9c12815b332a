// SPDX-License-Identifier: GPL-2.0

//! Errands: what a task that is no kernel thread does on its way out, and who waits for that.

use crate::{
    row::{
        Me,
        Row, //
    },
    waited_holding,
    waited_killable, //
};
use baton::{
    drain::{
        new_drain,
        Drain,
        DrainError, //
    },
    parkable,
    sink::{
        Errand,
        Finish,
        ParkedWork,
        TaskWork,
        TimerSink, //
    },
    testing::in_user_task,
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
    time::Delta, //
};

/// How much a sink has room for.
const ROOM: usize = 16;

/// How long a timer waits, in microseconds. The task may have exited by then, or not.
const DELAY: i64 = 20;

/// The sum of the numbers of errands that were sent, and that were done. There is one such row at a time.
static SENT: Atomic<u64> = Atomic::new(0);
static DONE: Atomic<u64> = Atomic::new(0);

parkable! {
    struct Trip {
        number: u64,
    }
}

#[vtable]
impl Errand for Trip {
    fn run(self) {
        DONE.fetch_add(self.number, Full);
    }
}

struct Shared {
    drain: Pin<KBox<Drain>>,
    sink: TimerSink<ParkedWork>,
}

impl Shared {
    /// What the task does; how it ends its reference is left to it, or to a timer that tells it.
    fn errand(&self, cx: &mut MaySleep, number: u64, by_timer: bool) -> Result {
        let trip = TaskWork::new(cx, Trip { number }).map_err(|(_, error)| error)?;
        SENT.fetch_add(number, Full);
        trip.queue();
        let active = match self.drain.begin(cx) {
            Ok(active) => active,
            Err(DrainError::Shut) => return Err(EAGAIN),
            Err(_) => return Err(EIO),
        };
        let flight = active.hand_over();
        // As many may be parked as there is room for: the reference ends here otherwise.
        let Ok(work) = flight.into_task_work(cx) else {
            return Err(EAGAIN);
        };
        if by_timer {
            return self.sink.push(work).map_err(|_| EAGAIN);
        }
        work.finish(cx);
        Ok(())
    }
}

struct ErrandRow(Arc<Shared>);

impl Row for ErrandRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let shared = self.0.clone();
        let (number, by_timer) = (1 + me.random.below(16), me.random.below(2) == 0);
        let done = in_user_task(cx, move |cx| shared.errand(cx, number, by_timer));
        match done {
            // The system is about to be frozen.
            Err(error) if error == EBUSY => return Err(EAGAIN),
            Err(error) => return Err(error),
            // The module is about to go, so that no errand begins any more.
            Ok(Err(error)) if error == ENOENT => {
                me.random.sleep_us(cx, 1000);
                return Ok(0);
            }
            Ok(done) => done?,
        }
        Ok(1)
    }

    /// Shuts the gate, and waits until no reference is left.
    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let drain = &self.0.drain;
        let mut shut = waited_killable!(me.how_killable(), |mode| drain.shut(cx, mode))?;
        waited_holding!(me.how_killable(), |mode| shut.wait(mode))?;
        if drain.in_flight() != 0 {
            me.fail("the wait has ended, and something is in flight");
        }
        drop(shut);
        // So that something can begin.
        me.random.sleep_us(cx, 200);
        Ok(1)
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        let shared = &*self.0;
        if shared.sink.close(cx).is_err() {
            return Err("the sink could not be closed");
        }
        if shared.drain.in_flight() != 0 || shared.drain.waiters() != 0 {
            return Err("something is in flight, or somebody waits");
        }
        if SENT.load(Relaxed) == DONE.load(Relaxed) {
            Ok(())
        } else {
            Err("an errand was not done, or was done twice")
        }
    }
}

pub(super) fn task_work(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    SENT.store(0, Relaxed);
    DONE.store(0, Relaxed);
    let shared = Shared {
        drain: KBox::pin_init(new_drain!("torture"), GFP_KERNEL)?,
        sink: TimerSink::new(cx, Delta::from_micros(DELAY), ROOM)?,
    };
    let row = Arc::new(ErrandRow(Arc::new(shared, GFP_KERNEL)?), GFP_KERNEL)?;
    Ok(row)
}
