// SPDX-License-Identifier: GPL-2.0

//! wrap, with an event: the condition is a function, and the wait is one call.
//!
//! The operations of `wrap.c`. A condition that was evaluated before cannot be passed: what is asked for is a
//! function of the data. There is no entry to be left on the queue, and no state to be set back.

use crate::{
    actor::{
        Actor,
        Phase, //
    },
    params::Values,
    scene::{
        Op,
        Seed, //
    },
};
use baton::{
    event::Killable,
    new_event,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        Arc,
        SpinLock, //
    },
};

#[pin_data]
struct State {
    #[pin]
    is_open: Event<bool>,
}

/// What is waited for.
#[pin_data]
pub(crate) struct Gate {
    #[pin]
    state: SpinLock<State>,
}

fn wait_open(gate: &Gate, actor: &Actor, _: &Values, cx: &mut MaySleep) {
    actor.waits_for(cx, fmt!("gate"));
    actor.enter(Phase::Waiting);
    let held = gate.state.lock_in(cx);
    let passed = held
        .on(|state| &state.is_open)
        .until(|is_open| *is_open)
        .wait(Killable);
    actor.enter(Phase::Running);
    let passed = if passed.is_ok() { "passed" } else { "rescued" };
    actor.result(cx, fmt!("{passed}"));
}

fn wait_linked(gate: &Gate, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    wait_open(gate, actor, values, cx);
    if gate.state.lock_in(cx).is_open.waiters() > 0 {
        actor.broken(cx, fmt!("passed, on the list"));
    }
}

fn open(gate: &Gate, actor: &Actor, _: &Values, cx: &mut MaySleep) {
    gate.state
        .lock_in(cx)
        .as_mut()
        .project()
        .is_open
        .update(|is_open| *is_open = true);
    actor.enter(Phase::Woke);
}

impl Seed for Gate {
    const OPS: &'static [Op<Self>] = &[
        Op::new("wait-open", &[], wait_open),
        Op::new("wait-linked", &[], wait_linked),
        Op::new("open", &[], open),
    ];

    fn create() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                state <- new_spinlock!(pin_init!(State {
                    is_open <- new_event!(false),
                })),
            }),
            GFP_KERNEL,
        )
    }

    fn sleepers(&self) -> Option<usize> {
        Some(self.state.try_lock()?.is_open.waiters())
    }
}
