// SPDX-License-Identifier: GPL-2.0

//! A thing that one task has at a time: whoever gives it back claims it for the next one.

use crate::{
    row::{
        made,
        Me,
        Row, //
    },
    waited, //
};
use baton::{
    new_event,
    Event,
    Fifo,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        lock::{
            Backend,
            Lock, //
        },
        Arc, //
    },
};

#[pin_data]
struct Gate {
    /// Whether nobody has it.
    #[pin]
    free: Event<bool, Fifo>,
}

impl Gate {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self { free <- new_event!(true) })
    }
}

/// Who has something, as those say who think that they have it.
pub(super) struct Owner(Atomic<u64>);

impl Owner {
    pub(super) fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// The caller has it alone, while `body` runs.
    pub(super) fn alone(&self, me: &mut Me<'_>, body: impl FnOnce(&mut Me<'_>)) {
        let mine = me.value();
        if self.0.xchg(mine, Full) != 0 {
            me.fail("two have it at the same time: it was another one's before");
        }
        body(me);
        if self.0.xchg(0, Full) != mine {
            me.fail("two have it at the same time: another one came meanwhile");
        }
    }

    pub(super) fn is_nobody(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}

#[pin_data]
struct ClaimRow<B: Backend> {
    #[pin]
    gate: Lock<Gate, B>,
    owner: Owner,
}

impl<B: Backend> ClaimRow<B> {
    fn turn(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        waited!(me.how(), |mode| self
            .gate
            .lock_in(cx)
            .on(|g| &g.free)
            .when(|free| *free, |free| *free = false)
            .wait(mode))?;
        self.owner.alone(me, |_| ());
        let mut held = self.gate.lock_in(cx);
        held.as_mut().project().free.update(|free| *free = true);
        Ok(1)
    }
}

impl<B: Backend> Row for ClaimRow<B> {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        self.turn(cx, me)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        self.turn(cx, me)
    }

    fn close(&self, cx: &mut MaySleep) {
        self.gate.lock_in(cx).as_mut().project().free.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        self.gate.lock_in(cx).as_mut().project().free.audit().lost
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        if *self.gate.lock_in(cx).free && self.owner.is_nobody() {
            Ok(())
        } else {
            Err("somebody has it who has gone")
        }
    }
}

pub(super) fn spin(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(ClaimRow {
        gate <- new_spinlock!(Gate::new()),
        owner: Owner::new(),
    });
    made(row)
}

pub(super) fn mutex(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(ClaimRow {
        gate <- new_mutex!(Gate::new()),
        owner: Owner::new(),
    });
    made(row)
}
