// SPDX-License-Identifier: GPL-2.0

//! Sources that are polled: what polls sleeps on another queue than what waits, and must be woken as well.

use super::{
    event::{
        Ring,
        ROOM, //
    }, //
};
use crate::{
    row::{
        Me,
        Row, //
    },
    tally::Stock,
    waited, //
};
use baton::{
    event::{
        when,
        Claim, //
    },
    new_event,
    poll::{
        new_pollers,
        new_source,
        Mask,
        Pollers,
        Source,
        Watched, //
    },
    testing::{
        yield_now,
        Poller, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};

/// How many sources have their pollers in common.
const SOURCES: usize = 2;

/// How often a poller looks before it sleeps for a while.
const LOOKS: usize = 8;

#[pin_data]
struct Store {
    #[pin]
    values: Source<Ring>,
    #[pin]
    room: Event<usize>,
}

impl Store {
    fn new(pollers: Option<Arc<Pollers>>) -> Result<Arc<Mutex<Self>>> {
        match pollers {
            None => Arc::pin_init(
                new_mutex!(pin_init!(Self {
                    values <- new_source!(Ring::default()),
                    room <- new_event!(ROOM),
                })),
                GFP_KERNEL,
            ),
            Some(pollers) => Arc::pin_init(
                new_mutex!(pin_init!(Self {
                    values <- new_source!(Ring::default(), with pollers),
                    room <- new_event!(ROOM),
                })),
                GFP_KERNEL,
            ),
        }
    }
}

/// What takes a value.
fn one() -> impl Claim<Watched<Ring>, Output = u64> {
    when(
        |ring: &Watched<Ring>| ring.len > 0,
        |ring: &mut Watched<Ring>| ring.pop(),
    )
}

/// All waiters poll; with one source, every other one waits in turn.
struct PollRow {
    stores: KVec<Arc<Mutex<Store>>>,
}

impl PollRow {
    /// Asks what is ready: a value in which store.
    fn ask(&self, cx: &mut MaySleep, poller: &mut Poller) -> Result<Option<&Arc<Mutex<Store>>>> {
        let mut found = None;
        let mask = poller.ask(cx, |cx, table| {
            let mut all = Mask::NONE;
            for store in &self.stores {
                let ready = |ring: &Ring| Mask::when(ring.len > 0, Mask::IN);
                let mask = table.watch(cx, store, |s| &s.values, ready);
                if mask != Mask::NONE {
                    found = found.or(Some(store));
                }
                all = all | mask;
            }
            all
        });
        // There was no memory to register with: nobody wakes this one, and it is told so.
        if mask.contains(Mask::ERR) {
            return Err(ENOMEM);
        }
        Ok(found)
    }

    /// Returns whether there is something in a store.
    fn is_ready(&self, cx: &mut MaySleep) -> bool {
        let ready = |store: &Arc<Mutex<Store>>, cx: &mut MaySleep| store.lock_in(cx).values.len > 0;
        self.stores.iter().any(|store| ready(store, cx))
    }

    /// Waits until the poller is woken once more than that. There is no form of this that a signal ends.
    fn woken(&self, cx: &mut MaySleep, me: &mut Me<'_>, poller: &Poller, before: usize) {
        let mut looks = 0;
        while poller.woken() == before && !me.is_over() {
            looks += 1;
            cx.try_to_freeze();
            if looks % LOOKS == 0 {
                // With the lock held, whoever has put something in has woken this one before.
                if self.is_ready(cx) && poller.woken() == before {
                    me.fail("something is ready that was not, and the poller was not woken");
                    return;
                }
                me.random.sleep_us(cx, 50);
            } else {
                yield_now(cx);
            }
        }
    }

    fn took(&self, cx: &mut MaySleep, me: &Me<'_>, store: &Mutex<Store>, value: u64) {
        me.took(value);
        let mut held = store.lock_in(cx);
        held.as_mut().project().room.update(|room| *room += 1);
    }
}

impl Row for PollRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let which = me.random.below(self.stores.len() as u64) as usize;
        let store = self.stores.get(which).ok_or(ENOENT)?;
        waited!(me.how(), |mode| store
            .lock_in(cx)
            .on(|s| &s.room)
            .when(|room| *room > 0, |room| *room -= 1)
            .wait(mode))?;
        let value = me.value();
        let mut held = store.lock_in(cx);
        let values = held.as_mut().project().values;
        let good = values.update(|ring| ring.push(value));
        drop(held);
        if good {
            me.gave(value);
        } else {
            me.fail("there was room, and there is none");
        }
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        if let ([store], 1) = (&self.stores[..], me.random.below(2)) {
            let value = waited!(me.how(), |mode| store
                .lock_in(cx)
                .on(|s| &s.values)
                .claim(one())
                .wait(mode))?;
            self.took(cx, me, store, value);
            return Ok(1);
        }
        let mut poller = Poller::new(cx)?;
        loop {
            let before = poller.woken();
            match self.ask(cx, &mut poller)? {
                Some(store) => {
                    let mut held = store.lock_in(cx);
                    let closed = held.values.is_closed();
                    let taken = held.as_mut().project().values.try_claim(one());
                    drop(held);
                    match taken {
                        Ok(value) => {
                            self.took(cx, me, store, value);
                            return Ok(1);
                        }
                        Err(_) if closed => return Err(ESHUTDOWN),
                        // Another one was faster.
                        Err(_) => continue,
                    }
                }
                None if me.is_over() => return Err(EAGAIN),
                None => self.woken(cx, me, &poller, before),
            }
        }
    }

    fn close(&self, cx: &mut MaySleep) {
        for store in &self.stores {
            let mut held = store.lock_in(cx);
            let store = held.as_mut().project();
            store.values.close();
            store.room.close();
        }
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        let mut lost = 0;
        for store in &self.stores {
            lost += store.lock_in(cx).as_mut().project().room.audit().lost;
        }
        lost
    }

    fn left(&self, cx: &mut MaySleep) -> Stock {
        let mut left = Stock::default();
        for store in &self.stores {
            left = left.and(store.lock_in(cx).values.left());
        }
        left
    }
}

fn row(pollers: &[Option<Arc<Pollers>>]) -> Result<Arc<dyn Row>> {
    let mut stores = KVec::with_capacity(SOURCES, GFP_KERNEL)?;
    for pollers in pollers {
        stores.push(Store::new(pollers.clone())?, GFP_KERNEL)?;
    }
    let row = Arc::new(PollRow { stores }, GFP_KERNEL)?;
    Ok(row)
}

pub(super) fn poll(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(&[None])
}

pub(super) fn pollers(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let pollers = Arc::new(new_pollers!(), GFP_KERNEL)?;
    row(&[Some(pollers.clone()), Some(pollers)])
}
