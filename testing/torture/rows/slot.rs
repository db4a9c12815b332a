// SPDX-License-Identifier: GPL-2.0

//! The one request that a device works on, which answers it, or is reset.

use crate::{
    row::{
        made,
        Me,
        Row, //
    },
    waited,
    waited_killable, //
};
use baton::{
    completion::{
        Slot,
        Tag, //
    },
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
struct Device {
    /// The number of the request that it was told of.
    #[pin]
    told: Event<Option<u64>>,
}

#[pin_data]
struct SlotRow {
    #[pin]
    request: Slot<u64>,
    #[pin]
    device: SpinLock<Device>,
}

impl Row for SlotRow {
    /// Is the device.
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let told = waited!(me.how(), |mode| self
            .device
            .lock_in(cx)
            .on(|d| &d.told)
            .when(|told| told.is_some(), |told| told.take())
            .wait(mode))?;
        let Some(number) = told else {
            me.fail("the device was told of something, and of nothing");
            return Ok(0);
        };
        // Who has asked may have given up: there is still nobody else's request in the slot.
        let _ = match me.random.below(8) {
            0 => {
                self.request.reset();
                Ok(())
            }
            1..=3 => self.request.complete_current(Ok(number)),
            _ => self.request.complete(Tag::from_number(number), Ok(number)),
        };
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let mut mine = 0;
        let started = self.request.start(cx, |tag, cx| {
            mine = tag.number();
            let mut held = self.device.lock_in(cx);
            let told = held.as_mut().project().told;
            if told.update(|told| told.replace(mine)).is_some() {
                me.fail("the device was told of two requests");
            }
            Ok(())
        });
        let mut answer = match started {
            Ok(answer) => answer,
            Err(error) if error == EBUSY => {
                me.random.sleep_us(cx, 20);
                return Err(EAGAIN);
            }
            Err(error) => return Err(error),
        };
        match waited_killable!(me.how_killable(), |mode| answer.wait(cx, mode)) {
            Ok(number) if number == mine => Ok(1),
            Ok(_) => {
                me.fail("the answer is to another request");
                Ok(0)
            }
            // The device was reset.
            Err(error) if error == ECANCELED => Ok(1),
            Err(error) => Err(error),
        }
    }

    fn close(&self, cx: &mut MaySleep) {
        self.device.lock_in(cx).as_mut().project().told.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        self.device.lock_in(cx).as_mut().project().told.audit().lost
    }
}

pub(super) fn slot(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(SlotRow {
        request <- Slot::new(),
        device <- new_spinlock!(pin_init!(Device { told <- new_event!(None) })),
    });
    made(row)
}
