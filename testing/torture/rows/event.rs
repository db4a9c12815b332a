// SPDX-License-Identifier: GPL-2.0

//! A store of a few values: who gives waits for room, who takes for a value.

use crate::{
    row::{
        made,
        Me,
        Row, //
    },
    tally::Stock,
    waited, //
};
use baton::{
    event::Policy,
    new_event,
    Any,
    Either,
    Event,
    Fifo,
    LockIn,
    MaySleep, //
};
use core::marker::PhantomData;
use kernel::{
    new_mutex, new_spinlock, new_spinlock_irq,
    prelude::*,
    sync::{
        lock::{
            Backend,
            Lock, //
        },
        Arc, //
    },
};

/// How many values a store holds.
pub(super) const ROOM: usize = 4;

/// A ring of values.
#[derive(Default)]
pub(super) struct Ring {
    values: [u64; ROOM],
    first: usize,
    pub(super) len: usize,
}

impl Ring {
    /// Returns whether there was room.
    pub(super) fn push(&mut self, value: u64) -> bool {
        match self.values.get_mut((self.first + self.len) % ROOM) {
            Some(place) if self.len < ROOM => {
                *place = value;
                self.len += 1;
                true
            }
            _ => false,
        }
    }

    /// Takes the oldest value; 0 if there is none, which nobody gives.
    pub(super) fn pop(&mut self) -> u64 {
        if self.len == 0 {
            return 0;
        }
        let value = self.values.get(self.first).copied().unwrap_or(0);
        self.first = (self.first + 1) % ROOM;
        self.len -= 1;
        value
    }

    pub(super) fn left(&self) -> Stock {
        let indexes = self.first..self.first + self.len;
        let values = indexes.map(|index| self.values[index % ROOM]);
        Stock {
            count: self.len as u64,
            sum: values.fold(0, u64::wrapping_add),
        }
    }
}

/// Two rings and the room in either, all under one lock.
#[pin_data]
struct Store<P: Policy> {
    #[pin]
    values: Event<Ring, P>,
    #[pin]
    others: Event<Ring, P>,
    #[pin]
    room: Event<usize, P>,
}

impl<P: Policy> Store<P> {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            values <- new_event!(Ring::default()),
            others <- new_event!(Ring::default()),
            room <- new_event!(ROOM),
        })
    }
}

/// How values are waited for.
trait Way: Send + Sync + 'static {
    /// Whether writers use both rings.
    const BOTH: bool;

    fn take<B: Backend, P: Policy>(
        store: &Lock<Store<P>, B>,
        cx: &mut MaySleep,
        me: &mut Me<'_>,
    ) -> Result<u64>;
}

/// By a claim, which the writer makes for who sleeps.
struct Claimed;

impl Way for Claimed {
    const BOTH: bool = false;

    fn take<B: Backend, P: Policy>(
        store: &Lock<Store<P>, B>,
        cx: &mut MaySleep,
        me: &mut Me<'_>,
    ) -> Result<u64> {
        waited!(me.how(), |mode| store
            .lock_in(cx)
            .on(|s| &s.values)
            .when(|ring| ring.len > 0, Ring::pop)
            .wait(mode))
    }
}

/// By whichever of two events comes first.
struct OfTwo;

impl Way for OfTwo {
    const BOTH: bool = true;

    fn take<B: Backend, P: Policy>(
        store: &Lock<Store<P>, B>,
        cx: &mut MaySleep,
        me: &mut Me<'_>,
    ) -> Result<u64> {
        let taken = waited!(me.how(), |mode| store
            .lock_in(cx)
            .on(|s| &s.values)
            .when(|ring| ring.len > 0, Ring::pop)
            .or(|s| &s.others)
            .when(|ring| ring.len > 0, Ring::pop)
            .wait(mode))?;
        Ok(match taken {
            Either::First(value) | Either::Second(value) => value,
        })
    }
}

/// By any of two events of one kind.
struct AnyOf;

impl Way for AnyOf {
    const BOTH: bool = true;

    fn take<B: Backend, P: Policy>(
        store: &Lock<Store<P>, B>,
        cx: &mut MaySleep,
        me: &mut Me<'_>,
    ) -> Result<u64> {
        let (_, value) = waited!(me.how(), |mode| store
            .lock_in(cx)
            .on_any(|s| [&s.values, &s.others])
            .when(|ring| ring.len > 0, Ring::pop)
            .wait(mode))?;
        Ok(value)
    }
}

/// By a condition; what there is, is taken by the task itself, with the lock held again.
struct Relocked;

impl Way for Relocked {
    const BOTH: bool = false;

    fn take<B: Backend, P: Policy>(
        store: &Lock<Store<P>, B>,
        cx: &mut MaySleep,
        me: &mut Me<'_>,
    ) -> Result<u64> {
        waited!(me.how(), |mode| {
            let on = store.lock_in(cx).on(|s| &s.values);
            let (mut held, there) = on.until(|ring| ring.len > 0).wait_relock(mode);
            // Another one may have been faster. Then this has waited for nothing.
            there.map(|()| held.as_mut().project().values.update(Ring::pop))
        })
    }
}

/// A store in a lock of the kind `B`.
#[pin_data]
struct EventRow<B: Backend, P: Policy, W: Way> {
    #[pin]
    store: Lock<Store<P>, B>,
    _way: PhantomData<W>,
}

impl<B, P, W> Row for EventRow<B, P, W>
where
    B: Backend,
    P: Policy,
    W: Way,
{
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        waited!(me.how(), |mode| self
            .store
            .lock_in(cx)
            .on(|s| &s.room)
            .when(|room| *room > 0, |room| *room -= 1)
            .wait(mode))?;
        let value = me.value();
        let other = W::BOTH && me.random.below(2) == 0;
        let mut held = self.store.lock_in(cx);
        let good = if other {
            let store = held.as_mut().project();
            store.others.update(|ring| ring.push(value))
        } else {
            // Who was served is told after the unlock.
            held.update(|s| s.project().values, |ring| ring.push(value))
        };
        drop(held);
        if good {
            me.gave(value);
        } else {
            me.fail("there was room, and there is none");
        }
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let value = W::take(&self.store, cx, me)?;
        if value == 0 {
            // Only who takes in its own context may come too late.
            return Ok(0);
        }
        me.took(value);
        let mut held = self.store.lock_in(cx);
        held.as_mut().project().room.update(|room| *room += 1);
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        let mut held = self.store.lock_in(cx);
        let store = held.as_mut().project();
        store.values.close();
        store.others.close();
        store.room.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        let mut held = self.store.lock_in(cx);
        let store = held.as_mut().project();
        store.values.audit().lost + store.others.audit().lost + store.room.audit().lost
    }

    fn left(&self, cx: &mut MaySleep) -> Stock {
        let held = self.store.lock_in(cx);
        held.values.left().and(held.others.left())
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        let held = self.store.lock_in(cx);
        let waiters = held.values.waiters() + held.others.waiters() + held.room.waiters();
        if waiters == 0 {
            Ok(())
        } else {
            Err("a task that has gone is still on the queue")
        }
    }
}

macro_rules! rows {
    ($($name:ident: $new:ident, $policy:ty, $way:ty;)*) => {
        $(
            pub(super) fn $name(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
                let row = pin_init!(EventRow {
                    store <- $new!(Store::<$policy>::new()),
                    _way: PhantomData::<$way>,
                });
                made(row)
            }
        )*
    };
}

rows! {
    spin: new_spinlock, Any, Claimed;
    mutex: new_mutex, Fifo, Claimed;
    irq: new_spinlock_irq, Any, Claimed;
    fifo: new_spinlock, Fifo, Claimed;
    either: new_spinlock, Any, OfTwo;
    any: new_mutex, Any, AnyOf;
    relock: new_mutex, Any, Relocked;
}
