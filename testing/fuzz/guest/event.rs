// SPDX-License-Identifier: GPL-2.0

//! Events in a kernel.

use super::{
    of_wait,
    soon,
    stage::{
        self,
        Desk, //
    }, //
};
use crate::shared::{
    event::{
        Event as Reference,
        Op,
        OTHER, //
    },
    program::Step,
    reference::Said, //
};
use baton::{
    event::{
        when,
        Claim,
        Interruptible,
        Killable,
        Mode,
        ModeAt,
        Policy,
        WaitError, //
    },
    new_event,
    Any,
    Either,
    Event,
    Fifo,
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
    time::Delta, //
};

#[pin_data]
struct Pair<P: Policy> {
    #[pin]
    first: Event<u32, P>,
    #[pin]
    second: Event<u32, P>,
}

#[pin_data]
pub(super) struct Gate<P: Policy> {
    #[pin]
    state: SpinLock<Pair<P>>,
}

/// Two events.
pub(super) enum Scene {
    Any(Arc<Gate<Any>>),
    Fifo(Arc<Gate<Fifo>>),
}

impl stage::Scene for Scene {
    type Reference = Reference;

    fn new(kind: usize) -> Result<Self> {
        Ok(match kind {
            0 => Scene::Any(Gate::new()?),
            _ => Scene::Fifo(Gate::new()?),
        })
    }

    fn work(&self, cx: &mut MaySleep, _task: usize, desk: &Desk<Op>) {
        while let Some(step) = desk.next() {
            let said = match self {
                Scene::Any(gate) => gate.make(cx, step),
                Scene::Fifo(gate) => gate.make(cx, step),
            };
            desk.say(said);
        }
    }
}

/// Takes so many.
fn take(amount: u32) -> impl Claim<u32, Output = u32> {
    when(
        move |credits: &u32| *credits >= amount,
        move |credits: &mut u32| {
            *credits -= amount;
            amount
        },
    )
}

impl<P: Policy> Gate<P> {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                state <- new_spinlock!(pin_init!(Pair {
                    first <- new_event!(0),
                    second <- new_event!(0),
                })),
            }),
            GFP_KERNEL,
        )
    }

    fn make(&self, cx: &mut MaySleep, step: Step<Op>) -> Said {
        let number = u32::from(step.number);
        let taken = match step.op {
            Op::Wait => self.wait(cx, number, Killable),
            Op::Waiti => self.wait(cx, number, Interruptible),
            Op::Short => self.wait(cx, number, Killable.timeout(soon())),
            Op::Once => self.wait(cx, number, Killable.timeout(Delta::ZERO)),
            Op::Either => self.either(cx, number),
            _ => return self.change(cx, step.op, number),
        };
        taken.map_or_else(of_wait, Said::Got)
    }

    fn wait<M: ModeAt>(&self, cx: &mut MaySleep, amount: u32, mode: M) -> Result<u32, WaitError>
    where
        M::Error: Into<WaitError>,
    {
        let on = self.state.lock_in(cx).on(|pair| &pair.first);
        on.claim(take(amount)).wait(mode).map_err(Into::into)
    }

    fn either(&self, cx: &mut MaySleep, amount: u32) -> Result<u32, WaitError> {
        let on = self.state.lock_in(cx).on(|pair| &pair.second);
        let or = on.claim(take(1)).or(|pair| &pair.first);
        Ok(match or.claim(take(amount)).wait(Killable)? {
            Either::First(amount) => OTHER + amount,
            Either::Second(amount) => amount,
        })
    }

    /// What does not wait.
    fn change(&self, cx: &mut MaySleep, op: Op, number: u32) -> Said {
        let mut held = self.state.lock_in(cx);
        match op {
            Op::Add => held
                .as_mut()
                .project()
                .first
                .update(|credits| *credits += number),
            Op::Later => held.update(|pair| pair.project().first, |credits| *credits += number),
            Op::Other => held
                .as_mut()
                .project()
                .second
                .update(|credits| *credits += number),
            Op::End => held.as_mut().project().first.end_waits(),
            Op::Close => held.as_mut().project().first.close(),
            Op::Claim => {
                let claimed = held.as_mut().project().first.try_claim(take(number));
                return claimed.map_or(Said::Nothing, Said::Got);
            }
            Op::Look => return Said::Got(*held.first),
            _ => return Said::Odd,
        }
        Said::Done
    }
}
