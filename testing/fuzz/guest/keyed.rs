// SPDX-License-Identifier: GPL-2.0

//! Events whose waiters are found by a key, in a kernel.

use super::{
    of_wait,
    soon,
    stage::{
        self,
        Desk, //
    }, //
};
use crate::shared::{
    keyed::{
        looks,
        Amount,
        Keyed as Reference,
        Op, //
    },
    program::Step,
    reference::Said, //
};
use baton::{
    event::{
        new_keyed_event,
        new_threshold_event,
        when,
        Claim,
        Interruptible,
        KeyedEvent,
        Killable,
        Mode,
        ModeAt,
        ThresholdEvent,
        WaitError, //
    },
    Either,
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
    credits: KeyedEvent<[u32; 2]>,
    #[pin]
    level: ThresholdEvent<u64>,
}

pub(super) struct Scene {
    state: Arc<SpinLock<State>>,
    keys: bool,
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

impl stage::Scene for Scene {
    type Reference = Reference;

    fn new(kind: usize) -> Result<Self> {
        let state = pin_init!(State {
            credits <- new_keyed_event!([0; 2]),
            level <- new_threshold_event!(0),
        });
        Ok(Self {
            state: Arc::pin_init(new_spinlock!(state), GFP_KERNEL)?,
            keys: kind == 0,
        })
    }

    fn work(&self, cx: &mut MaySleep, _task: usize, desk: &Desk<Op>) {
        while let Some(step) = desk.next() {
            let said = self.make(cx, step);
            desk.say(said.unwrap_or_else(|said| said));
        }
    }
}

impl Scene {
    fn make(&self, cx: &mut MaySleep, step: Step<Op>) -> Result<Said, Said> {
        let amount = Amount::new(self.keys, step.number);
        let (key, of) = (amount.key, amount.of);
        match step.op {
            Op::Wait => return self.wait(cx, amount, Killable),
            Op::Waiti => return self.wait(cx, amount, Interruptible),
            Op::Short => return self.wait(cx, amount, Killable.timeout(soon())),
            Op::Either => {
                let wait = self.state.lock_in(cx).on_key(|state| &state.credits, 0);
                let wait = wait.claim(take(1)).or_key(|state| &state.credits, 1);
                let (key, of) = match wait.claim(take(1)).wait(Killable).map_err(of_wait)? {
                    Either::First(of) => (0, of),
                    Either::Second(of) => (1, of),
                };
                return Ok(Amount { key, of }.got());
            }
            _ => {}
        }
        let mut held = self.state.lock_in(cx);
        let state = held.as_mut().project();
        match step.op {
            Op::Add if self.keys => {
                let added = state.credits.update(key, |credits| *credits += of);
                added.ok_or(Said::Odd)?;
            }
            Op::Add => state.level.update(|level| *level += u64::from(of)),
            Op::Claim if self.keys => {
                let claimed = state.credits.try_claim(key, take(of));
                claimed.map_err(|_| Said::Nothing)?;
                return Ok(amount.got());
            }
            Op::Claim => {
                let threshold = u64::from(of);
                let taken = state
                    .level
                    .try_take_at_least(threshold, |level| *level -= threshold);
                taken.ok_or(Said::Nothing)?;
                return Ok(amount.got());
            }
            Op::Close => {
                state.credits.close();
                state.level.close();
            }
            // CAST: There are few.
            Op::Look if !self.keys => return Ok(looks([**state.level as u32, 0])),
            Op::Look => return Ok(looks(**state.credits)),
            _ => return Err(Said::Odd),
        }
        Ok(Said::Done)
    }

    fn wait<M: ModeAt>(&self, cx: &mut MaySleep, amount: Amount, mode: M) -> Result<Said, Said>
    where
        M::Error: Into<WaitError>,
    {
        let held = self.state.lock_in(cx);
        if self.keys {
            let wait = held.on_key(|state| &state.credits, amount.key);
            wait.claim(take(amount.of)).wait(mode).map_err(of_wait)?;
        } else {
            let threshold = u64::from(amount.of);
            let wait = held.on_threshold(|state| &state.level);
            let wait = wait.take_at_least(threshold, move |level| *level -= threshold);
            wait.wait(mode).map_err(of_wait)?;
        }
        Ok(amount.got())
    }
}
