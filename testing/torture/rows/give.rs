// SPDX-License-Identifier: GPL-2.0

//! Something that a wait gives away, or has back; and someone who is waited for, and may go.

use super::{
    keyed::stock,
    tied::Served, //
};
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
    event::Provider,
    new_event,
    Event,
    Fifo,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
};

/// A parcel, and how many there are of them in all.
struct Parcel {
    value: u64,
    all: Arc<Parcels>,
}

struct Parcels(Atomic<i32>);

impl Parcel {
    fn new(all: &Arc<Parcels>, value: u64) -> Result<KBox<Self>> {
        all.0.fetch_add(1, Full);
        let all = all.clone();
        // It is dropped if there is no memory for it.
        Ok(KBox::new(Self { value, all }, GFP_KERNEL)?)
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.all.0.fetch_add(-1, Full);
    }
}

#[pin_data]
struct Hatch {
    #[pin]
    place: Event<Option<KBox<Parcel>>, Fifo>,
}

/// Parcels that are given away by whoever makes room for them.
#[pin_data]
struct GiveRow {
    #[pin]
    hatch: Mutex<Hatch>,
    all: Arc<Parcels>,
}

impl Row for GiveRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let value = me.value();
        let parcel = Parcel::new(&self.all, value)?;
        let mut back = None;
        let given = waited!(me.how(), |mode| self
            .hatch
            .lock_in(cx)
            .on(|h| &h.place)
            .give(parcel)
            .when(
                |place| place.is_none(),
                |place, parcel| *place = Some(parcel.take())
            )
            .wait(mode)
            .map_err(|refused| {
                back = Some(refused.item);
                refused.error
            }));
        match (&given, back) {
            (Ok(()), None) => me.gave(value),
            (Err(_), Some(parcel)) if parcel.value == value => (),
            _ => me.fail("a parcel was given and came back, or neither"),
        }
        given.map(|()| 0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let parcel = waited!(me.how(), |mode| self
            .hatch
            .lock_in(cx)
            .on(|h| &h.place)
            .when(|place| place.is_some(), |place| place.take())
            .wait(mode))?;
        match parcel {
            Some(parcel) => me.took(parcel.value),
            None => me.fail("there was a parcel, and there is none"),
        }
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        self.hatch.lock_in(cx).as_mut().project().place.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        self.hatch.lock_in(cx).as_mut().project().place.audit().lost
    }

    fn left(&self, cx: &mut MaySleep) -> Stock {
        let held = self.hatch.lock_in(cx);
        stock(&[held.place.as_ref().map(|parcel| parcel.value)])
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        let mut held = self.hatch.lock_in(cx);
        let parcel = held.as_mut().project().place.update(Option::take);
        drop(held);
        drop(parcel);
        if self.all.0.load(Relaxed) == 0 {
            Ok(())
        } else {
            Err("parcels are nowhere, or were dropped twice")
        }
    }
}

pub(super) fn give(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let all = Arc::new(Parcels(Atomic::new(0)), GFP_KERNEL)?;
    let row = pin_init!(GiveRow {
        hatch <- new_mutex!(pin_init!(Hatch { place <- new_event!(None) })),
        all,
    });
    made(row)
}

#[pin_data]
struct Answer {
    #[pin]
    value: Event<Served>,
}

/// What is asked of somebody who may go without an answer.
#[pin_data]
struct Question {
    #[pin]
    answer: Mutex<Answer>,
}

struct Asked {
    question: Arc<Question>,
    provider: Provider,
}

#[pin_data]
struct Office {
    #[pin]
    asked: Event<KVec<Asked>>,
}

/// Waiters ask, and are answered; or whoever has been asked is gone, and they are told so.
#[pin_data]
struct ProviderRow {
    #[pin]
    office: Mutex<Office>,
}

/// How much may be asked at a time.
const OPEN: usize = 32;

impl Row for ProviderRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let asked = waited!(me.how(), |mode| self
            .office
            .lock_in(cx)
            .on(|o| &o.asked)
            .when(|asked| !asked.is_empty(), |asked| asked.pop())
            .wait(mode))?;
        let Some(Asked { question, provider }) = asked else {
            me.fail("there was a question, and there is none");
            return Ok(0);
        };
        match me.random.below(4) {
            // It goes without a word; a worker sees to it, or this task.
            0 => drop(provider),
            1 => provider.close(cx),
            _ => {
                let value = me.value();
                let mut held = question.answer.lock_in(cx);
                let event = held.as_mut().project().value;
                let waits = event.update(|served| served.serve(value));
                drop(held);
                provider.close(cx);
                if waits {
                    me.gave(value);
                }
            }
        }
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let question = Arc::pin_init(
            pin_init!(Question {
                answer <- new_mutex!(pin_init!(Answer { value <- new_event!(Served::NotYet) })),
            }),
            GFP_KERNEL,
        )?;
        let provider = Provider::new(cx, c"torture", question.clone(), |question, cx| {
            question.answer.lock_in(cx).as_mut().project().value.close();
        })?;
        let asked = Asked {
            question: question.clone(),
            provider,
        };
        let mut held = self.office.lock_in(cx);
        let open = held.as_mut().project().asked;
        let refused = open.update(|open| open.push_within_capacity(asked));
        drop(held);
        refused.map_err(|_| EAGAIN)?;
        let answer = waited_killable!(me.how_killable(), |mode| question
            .answer
            .lock_in(cx)
            .on(|a| &a.value)
            .until(|served| *served != Served::NotYet)
            .wait(mode));
        // What came when this one had given up is its own all the same.
        let mut held = question.answer.lock_in(cx);
        let value = held.as_mut().project().value.update(Served::leave);
        let closed = held.value.is_closed();
        drop(held);
        match (answer, value) {
            (_, Some(value)) => me.took(value),
            (Ok(()), None) => me.fail("there was an answer, and there is none"),
            (Err(error), None) if error == ESHUTDOWN && closed => (),
            (Err(error), None) => return Err(error),
        }
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        // Who waits for an answer can be killed.
        self.office.lock_in(cx).as_mut().project().asked.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        let mut held = self.office.lock_in(cx);
        held.as_mut().project().asked.audit().lost
    }
}

pub(super) fn provider(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let asked = KVec::with_capacity(OPEN, GFP_KERNEL)?;
    let row = pin_init!(ProviderRow {
        office <- new_mutex!(pin_init!(Office { asked <- new_event!(asked) })),
    });
    made(row)
}
