// SPDX-License-Identifier: GPL-2.0

//! Events in objects of their own, under a lock that is elsewhere: one at a time, and any of several.

use super::keyed::{
    stock,
    Slot, //
};
use crate::{
    row::{
        Me,
        Row, //
    },
    tally::Stock,
    waited,
    waited_killable, //
};
use baton::{
    event::Group,
    new_event,
    Event,
    LockIn,
    MaySleep,
    Tied, //
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

/// How many tickets may be queued: as many as there can be waiters, and as many that were given up.
const QUEUED: usize = 32;

/// What became of somebody who waits alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Served {
    NotYet,
    With(u64),
    /// Who waited has gone.
    Left,
}

impl Served {
    /// Serves who waits; returns whether somebody does.
    pub(super) fn serve(&mut self, value: u64) -> bool {
        let waits = *self == Self::NotYet;
        if waits {
            *self = Self::With(value);
        }
        waits
    }

    /// Goes; returns what it was served with, if it was.
    pub(super) fn leave(&mut self) -> Option<u64> {
        match core::mem::replace(self, Self::Left) {
            Self::With(value) => Some(value),
            _ => None,
        }
    }
}

#[pin_data]
struct Ticket {
    #[pin]
    served: Tied<Served>,
}

#[pin_data]
struct Queue {
    #[pin]
    tickets: Event<KVec<Arc<Ticket>>>,
}

/// A waiter queues with a ticket of its own, and is served by it: objects that come and go under one lock.
struct TicketRow(Arc<Mutex<Queue>>);

impl TicketRow {
    /// Gives a ticket up; returns what it was served with meanwhile.
    fn leave(&self, cx: &mut MaySleep, mine: &Arc<Ticket>) -> Result<Option<u64>> {
        let mut held = self.0.lock_in(cx);
        let queue = held.as_mut().project().tickets;
        let other = queue.update(|tickets| {
            let at = tickets
                .iter()
                .position(|ticket| Arc::ptr_eq(ticket, mine))?;
            tickets.remove(at).ok()
        });
        let served = held.tied(&mine.served)?.update(Served::leave);
        drop(held);
        drop(other);
        Ok(served)
    }
}

impl Row for TicketRow {
    /// Takes the first ticket, and serves it, with the lock released in between.
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let ticket = waited!(me.how(), |mode| self
            .0
            .lock_in(cx)
            .on(|q| &q.tickets)
            .when(|tickets| !tickets.is_empty(), |tickets| tickets.remove(0))
            .wait(mode))?;
        let Ok(ticket) = ticket else {
            me.fail("there was a ticket, and there is none");
            return Ok(0);
        };
        let value = me.value();
        let mut held = self.0.lock_in(cx);
        let waits = held
            .tied(&ticket.served)?
            .update(|served| served.serve(value));
        drop(held);
        if waits {
            me.gave(value);
        }
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let lock = &*self.0;
        let ticket = Arc::pin_init(
            pin_init!(Ticket { served <- Tied::new(lock, new_event!(Served::NotYet)) }),
            GFP_KERNEL,
        )?;
        let mut held = lock.lock_in(cx);
        let tickets = held.as_mut().project().tickets;
        let refused = tickets.update(|tickets| tickets.push_within_capacity(ticket.clone()));
        drop(held);
        // Those who serve have yet to come upon those that were given up.
        refused.map_err(|_| EAGAIN)?;
        let served = waited_killable!(me.how_killable(), |mode| lock
            .lock_in(cx)
            .on_tied(&ticket.served)?
            .when(|served| *served != Served::NotYet, |served| *served)
            .wait(mode));
        let left = self.leave(cx, &ticket)?;
        match (served, left) {
            (Ok(Served::With(value)), Some(same)) if value == same => me.took(value),
            (Ok(_), _) => me.fail("a ticket was served, and with something else"),
            // It was served while this one gave up.
            (Err(_), Some(value)) => me.took(value),
            (Err(error), None) => return Err(error),
        }
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        // Who waits with a ticket can be killed.
        self.0.lock_in(cx).as_mut().project().tickets.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        let mut held = self.0.lock_in(cx);
        held.as_mut().project().tickets.audit().lost
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        if self.0.lock_in(cx).tickets.is_empty() {
            Ok(())
        } else {
            Err("a ticket of a task that has gone is queued")
        }
    }
}

pub(super) fn ticket(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let tickets = KVec::with_capacity(QUEUED, GFP_KERNEL)?;
    let queue = new_mutex!(pin_init!(Queue { tickets <- new_event!(tickets) }));
    let row = Arc::new(TicketRow(Arc::pin_init(queue, GFP_KERNEL)?), GFP_KERNEL)?;
    Ok(row)
}

/// How many places there are, any of which a waiter waits for.
const PLACES: usize = 5;

#[pin_data]
struct Place {
    #[pin]
    value: Tied<Slot>,
}

/// Values in objects, any of which will do.
struct GroupRow {
    lock: Arc<SpinLock<()>>,
    places: KVec<Arc<Place>>,
}

impl GroupRow {
    fn each(&self, cx: &mut MaySleep, mut f: impl FnMut(Pin<&mut Event<Slot>>)) {
        let mut held = self.lock.lock_in(cx);
        for place in &self.places {
            if let Ok(event) = held.tied(&place.value) {
                f(event);
            }
        }
    }
}

impl Row for GroupRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let which = me.random.below(PLACES as u64) as usize;
        let place = self.places.get(which).ok_or(ENOENT)?;
        let value = me.value();
        waited!(me.how(), |mode| self
            .lock
            .lock_in(cx)
            .on_tied(&place.value)?
            .when(|slot| slot.is_none(), move |slot| *slot = Some(value))
            .wait(mode))?;
        me.gave(value);
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let mut group = Group::with_capacity(PLACES, GFP_KERNEL)?;
        let first = me.random.below(PLACES as u64) as usize;
        for number in 0..PLACES {
            let place = self.places.get((first + number) % PLACES).ok_or(ENOENT)?;
            group.push(place.clone()).map_err(|_| E2BIG)?;
        }
        let (_, value) = waited!(me.how(), |mode| self
            .lock
            .lock_in(cx)
            .on_any_of(&mut group, |place| &place.value)?
            .when(|slot| slot.is_some(), |slot| slot.take())
            .wait(mode))?;
        match value {
            Some(value) => me.took(value),
            None => me.fail("a place was full, and is empty"),
        }
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        self.each(cx, Event::close);
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        let mut lost = 0;
        self.each(cx, |event| lost += event.audit().lost);
        lost
    }

    fn left(&self, cx: &mut MaySleep) -> Stock {
        let mut left = Stock::default();
        self.each(cx, |event| left = left.and(stock(&[**event])));
        left
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        let mut waiters = 0;
        self.each(cx, |event| waiters += event.waiters());
        if waiters == 0 {
            Ok(())
        } else {
            Err("a task that has gone is still on a queue")
        }
    }
}

pub(super) fn group(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let lock = Arc::pin_init(new_spinlock!(()), GFP_KERNEL)?;
    let mut places = KVec::with_capacity(PLACES, GFP_KERNEL)?;
    for _ in 0..PLACES {
        let lock = &*lock;
        let place = pin_init!(Place { value <- Tied::new(lock, new_event!(None)) });
        places.push(Arc::pin_init(place, GFP_KERNEL)?, GFP_KERNEL)?;
    }
    let row = Arc::new(GroupRow { lock, places }, GFP_KERNEL)?;
    Ok(row)
}
