// SPDX-License-Identifier: GPL-2.0

//! Work in flight, that is ended by a task, a worker, a timer or a soft interrupt, and who waits until there is none.

use super::claim::Owner;
use crate::{
    bottom::{
        Bottom,
        Ends, //
    },
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
        new_phased,
        Drain,
        InFlight,
        Phased, //
    },
    sink::{
        Context,
        Finish,
        TimerSink,
        WorkSink, //
    },
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

/// How long a timer waits, in microseconds.
const DELAY: i64 = 20;

/// How much is in flight, as those say who have begun it.
struct Counted(Atomic<i32>);

/// A piece of work in flight.
struct Io {
    flight: InFlight,
    counted: Arc<Counted>,
}

impl Ends for Io {
    fn end(self) {
        self.counted.0.fetch_add(-1, Full);
        self.flight.end();
    }
}

impl<C: Context> Finish<C> for Io {
    fn finish(self, _cx: &mut C) {
        self.end();
    }
}

/// By whom it is ended.
enum By {
    Itself,
    Worker(WorkSink<Io>),
    Timer(TimerSink<Io>),
    Bottom(Bottom),
}

#[pin_data]
struct DrainRow {
    #[pin]
    drain: Drain,
    by: By,
    counted: Arc<Counted>,
    owner: Owner,
}

impl Row for DrainRow {
    /// Begins something, and hands it to who ends it.
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let active = waited_killable!(me.how_killable(), |mode| self
            .drain
            .begin_when_open(cx, mode))?;
        self.counted.0.fetch_add(1, Full);
        if !self.owner.is_nobody() {
            me.fail("something has begun, and the gate is shut");
        }
        let io = Io {
            flight: active.hand_over(),
            counted: self.counted.clone(),
        };
        let left = match &self.by {
            By::Itself => Err(io),
            By::Worker(sink) => sink.push(io),
            By::Timer(sink) => sink.push(io),
            By::Bottom(bottom) => bottom.push(io),
        };
        if let Err(io) = left {
            io.end();
        }
        Ok(0)
    }

    /// Shuts the gate, and waits until nothing is in flight.
    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let mut shut = waited_killable!(me.how_killable(), |mode| self.drain.shut(cx, mode))?;
        waited_holding!(me.how_killable(), |mode| shut.wait(mode))?;
        self.owner.alone(me, |me| {
            if self.counted.0.load(Relaxed) != 0 {
                me.fail("the wait has ended, and something is in flight");
            }
        });
        Ok(1)
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        let closed = match &self.by {
            By::Itself => Ok(()),
            By::Worker(sink) => sink.close(cx),
            By::Timer(sink) => sink.close(cx),
            By::Bottom(bottom) => {
                bottom.wait(cx);
                Ok(())
            }
        };
        if closed.is_err() {
            return Err("the sink could not be closed");
        }
        if self.drain.in_flight() == 0 && self.drain.waiters() == 0 {
            Ok(())
        } else {
            Err("something is in flight, or somebody waits")
        }
    }
}

fn row(by: By) -> Result<Arc<dyn Row>> {
    let counted = Arc::new(Counted(Atomic::new(0)), GFP_KERNEL)?;
    let row = try_pin_init!(DrainRow {
        drain <- new_drain!("torture"),
        by,
        counted,
        owner: Owner::new(),
    }? Error);
    made(row)
}

pub(super) fn task(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(By::Itself)
}

pub(super) fn work(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(By::Worker(WorkSink::new(cx, c"baton_torture", ROOM)?))
}

pub(super) fn softirq(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(By::Bottom(Bottom::new()?))
}

pub(super) fn timer(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(By::Timer(TimerSink::new(
        cx,
        Delta::from_micros(DELAY),
        ROOM,
    )?))
}

/// Something that is unpublished, waited for, and freed, while others use it.
#[pin_data]
struct PhasedRow {
    #[pin]
    users: Phased,
    /// What is published.
    current: Atomic<u64>,
    /// What was freed, and all that was published before it.
    freed: Atomic<u64>,
}

impl Row for PhasedRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let using = self.users.begin(cx).hand_over();
        let mine = self.current.fetch_add(0, Full);
        // Long enough, now and then, for others to wait for it.
        if me.random.below(64) == 0 {
            me.random.sleep_us(cx, 20);
        }
        if self.freed.fetch_add(0, Full) >= mine {
            me.fail("what was freed is used");
        }
        using.end();
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        // A wait that was given up is not for nothing: the next one is for what was published then, too.
        let old = self.current.fetch_add(1, Full);
        waited_killable!(me.how_killable(), |mode| self.users.wait_present(cx, mode))?;
        let mut freed = self.freed.load(Relaxed);
        while freed < old {
            match self.freed.cmpxchg(freed, old, Full) {
                Ok(_) => break,
                Err(other) => freed = other,
            }
        }
        Ok(1)
    }

    fn end(&self, _cx: &mut MaySleep) -> Result<(), &'static str> {
        if self.users.in_flight() == 0 && self.users.waiters() == 0 {
            Ok(())
        } else {
            Err("something is in flight, or somebody waits")
        }
    }
}

pub(super) fn phased(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = try_pin_init!(PhasedRow {
        users <- new_phased!("torture"),
        current: Atomic::new(1),
        freed: Atomic::new(0),
    }? Error);
    made(row)
}
