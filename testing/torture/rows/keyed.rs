// SPDX-License-Identifier: GPL-2.0

//! Waiters that are found by what they wait for, and one that is no task.

use crate::{
    row::{
        made,
        Me,
        Row, //
    },
    tally::Stock,
    waited,
    waited_killable, //
};
use baton::{
    event::{
        new_keyed_event,
        new_threshold_event,
        when,
        Callback,
        KeyedEvent,
        ThresholdEvent, //
    },
    new_event,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{
        Arc,
        Mutex,
        SpinLock, //
    },
};

/// As many keys as there can be waiters.
const KEYS: usize = 16;

pub(super) type Slot = Option<u64>;

pub(super) fn stock(slots: &[Slot]) -> Stock {
    let values = || slots.iter().flatten();
    Stock {
        count: values().count() as u64,
        sum: values().copied().fold(0, u64::wrapping_add),
    }
}

#[pin_data]
struct Slots {
    #[pin]
    slots: KeyedEvent<[Slot; KEYS]>,
}

/// Each waiter has a key, and each writer gives under all of them.
#[pin_data]
struct KeyedRow {
    #[pin]
    table: SpinLock<Slots>,
}

impl Row for KeyedRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let key = me.random.below(me.waiters() as u64) as usize;
        let value = me.value();
        if me.random.below(2) == 0 {
            let put = |slot: &mut Slot| {
                let good = slot.is_none();
                if good {
                    *slot = Some(value);
                }
                good
            };
            let done = waited!(me.how(), |mode| {
                let on = self.table.lock_in(cx).on_key(|t| &t.slots, key);
                let (mut held, empty) = on.until(|slot| slot.is_none()).wait_relock(mode);
                // Another one may have been faster.
                empty.map(|()| held.as_mut().project().slots.update(key, put))
            })?;
            if done == Some(true) {
                me.gave(value);
            }
            return Ok(0);
        }
        waited!(me.how(), |mode| self
            .table
            .lock_in(cx)
            .on_key(|t| &t.slots, key)
            .when(|slot| slot.is_none(), move |slot| *slot = Some(value))
            .wait(mode))?;
        me.gave(value);
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let key = me.index;
        let value = waited!(me.how(), |mode| self
            .table
            .lock_in(cx)
            .on_key(|t| &t.slots, key)
            .when(|slot| slot.is_some(), |slot| slot.take())
            .wait(mode))?;
        me.took(value.unwrap_or(0));
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        self.table.lock_in(cx).as_mut().project().slots.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        self.table.lock_in(cx).as_mut().project().slots.audit().lost
    }

    fn left(&self, cx: &mut MaySleep) -> Stock {
        stock(&*self.table.lock_in(cx).slots)
    }
}

pub(super) fn keyed(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(KeyedRow {
        table <- new_spinlock!(pin_init!(Slots { slots <- new_keyed_event!([None; KEYS]) })),
    });
    made(row)
}

/// So much there is in all.
const UNITS: u64 = 6;

/// So much is given or taken at a time, at most. Less than half of all: somebody can always go on.
const MOST: u64 = 3;

#[pin_data]
struct Units {
    #[pin]
    there: ThresholdEvent<u64>,
    #[pin]
    room: Event<u64>,
}

/// Who waits, waits for a number of units.
#[pin_data]
struct ThresholdRow {
    #[pin]
    units: Mutex<Units>,
}

impl Row for ThresholdRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let many = 1 + me.random.below(MOST);
        waited!(me.how(), |mode| self
            .units
            .lock_in(cx)
            .on(|u| &u.room)
            .when(move |room| *room >= many, move |room| *room -= many)
            .wait(mode))?;
        let mut held = self.units.lock_in(cx);
        let there = held.as_mut().project().there;
        there.update(|there| *there += many);
        (0..many).for_each(|_| me.gave(1));
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let many = 1 + me.random.below(MOST);
        waited!(me.how(), |mode| self
            .units
            .lock_in(cx)
            .on_threshold(|u| &u.there)
            .take_at_least(many, move |there| *there -= many)
            .wait(mode))?;
        (0..many).for_each(|_| me.took(1));
        let mut held = self.units.lock_in(cx);
        held.as_mut().project().room.update(|room| *room += many);
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        let mut held = self.units.lock_in(cx);
        let units = held.as_mut().project();
        units.there.close();
        units.room.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        let mut held = self.units.lock_in(cx);
        let units = held.as_mut().project();
        units.there.audit().lost + units.room.audit().lost
    }

    fn left(&self, cx: &mut MaySleep) -> Stock {
        let there = *self.units.lock_in(cx).there;
        Stock {
            count: there,
            sum: there,
        }
    }
}

pub(super) fn threshold(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(ThresholdRow {
        units <- new_mutex!(pin_init!(Units {
            there <- new_threshold_event!(0),
            room <- new_event!(UNITS),
        })),
    });
    made(row)
}

#[pin_data]
struct Place {
    #[pin]
    value: Event<Slot>,
}

#[pin_data]
struct Called {
    #[pin]
    place: SpinLock<Place>,
    #[pin]
    called: SpinLock<Slots>,
}

/// Waiters let a function be called, and wait for that.
struct CallbackRow(Arc<Called>);

impl CallbackRow {
    /// Waits until the function was called for this task; what it has got, or [`None`] if it was withdrawn.
    fn called(&self, cx: &mut MaySleep, me: &mut Me<'_>, callback: Callback) -> Result<Slot> {
        let key = me.index;
        let came = waited_killable!(me.how_killable(), |mode| self
            .0
            .called
            .lock_in(cx)
            .on_key(|t| &t.slots, key)
            .when(|slot| slot.is_some(), |slot| slot.take())
            .wait(mode));
        let withdrawn = match callback.withdraw(cx) {
            Ok(withdrawn) => withdrawn,
            Err(_) => return Err(EDEADLK),
        };
        match came {
            Ok(_) if withdrawn => {
                me.fail("a function has run, and was withdrawn before it did");
                Err(EAGAIN)
            }
            Err(error) if withdrawn => Err(error),
            Ok(value) => Ok(value),
            // It has run when it could not be withdrawn any more.
            Err(_) => {
                let mut held = self.0.called.lock_in(cx);
                let slots = held.as_mut().project().slots;
                Ok(slots.update(key, |slot| slot.take()).flatten())
            }
        }
    }
}

impl Row for CallbackRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let value = me.value();
        waited!(me.how(), |mode| self
            .0
            .place
            .lock_in(cx)
            .on(|p| &p.value)
            .when(|slot| slot.is_none(), move |slot| *slot = Some(value))
            .wait(mode))?;
        me.gave(value);
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let (shared, key) = (self.0.clone(), me.index);
        let callback = Callback::new(
            cx,
            c"torture",
            self.0.clone(),
            |s| &s.place,
            |p| &p.value,
            when(
                |slot: &Slot| slot.is_some(),
                |slot: &mut Slot| slot.take().unwrap_or(0),
            ),
            move |value, cx| {
                let mut held = shared.called.lock_in(cx);
                let slots = held.as_mut().project().slots;
                // 0: it was closed.
                slots.update(key, |slot| *slot = Some(value.unwrap_or(0)));
            },
        )?;
        match self.called(cx, me, callback)? {
            Some(0) => Err(ESHUTDOWN),
            Some(value) => {
                me.took(value);
                Ok(1)
            }
            None => {
                me.fail("a function has run without a word");
                Ok(0)
            }
        }
    }

    fn close(&self, cx: &mut MaySleep) {
        self.0.place.lock_in(cx).as_mut().project().value.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        let mut place = self.0.place.lock_in(cx);
        let lost = place.as_mut().project().value.audit().lost;
        drop(place);
        let mut called = self.0.called.lock_in(cx);
        lost + called.as_mut().project().slots.audit().lost
    }

    fn left(&self, cx: &mut MaySleep) -> Stock {
        stock(&[*self.0.place.lock_in(cx).value])
    }
}

pub(super) fn callback(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let called = pin_init!(Called {
        place <- new_spinlock!(pin_init!(Place { value <- new_event!(None) })),
        called <- new_spinlock!(pin_init!(Slots { slots <- new_keyed_event!([None; KEYS]) })),
    });
    let called = Arc::pin_init(called, GFP_KERNEL)?;
    let row = Arc::new(CallbackRow(called), GFP_KERNEL)?;
    Ok(row)
}
