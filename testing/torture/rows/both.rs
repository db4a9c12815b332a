// SPDX-License-Identifier: GPL-2.0

//! Waiting with two locks held: a mutex, or a semaphore, and a spinlock in it. Neither is held while asleep.

use super::{
    claim::Owner,
    event::{
        Ring,
        ROOM, //
    }, //
};
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
    new_event,
    rw_semaphore::{
        new_rw_semaphore,
        RwSemaphore, //
    },
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

#[pin_data]
struct Store {
    #[pin]
    values: Event<Ring>,
    #[pin]
    room: Event<usize>,
}

impl Store {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            values <- new_event!(Ring::default()),
            room <- new_event!(ROOM),
        })
    }

    fn close(self: Pin<&mut Self>) {
        let store = self.project();
        store.values.close();
        store.room.close();
    }

    fn audit(self: Pin<&mut Self>) -> usize {
        let store = self.project();
        store.values.audit().lost + store.room.audit().lost
    }
}

/// A store in a spinlock, and how much was put in and taken out of it, in the mutex around that.
#[pin_data]
struct MutexRow {
    #[pin]
    turns: Mutex<[u64; 2]>,
    #[pin]
    store: SpinLock<Store>,
    /// Who has the mutex.
    owner: Owner,
}

impl Row for MutexRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let how = me.how();
        let value = me.value();
        waited!(how, |mode| {
            let both = self.turns.lock_in(cx).and(&self.store);
            let room = both.on(|s| &s.room);
            let (mut both, there) = room
                .when(|room| *room > 0, |room| *room -= 1)
                .wait_relock(mode);
            there.map(|()| {
                self.owner.alone(me, |me| {
                    if !both.update(|s| s.project().values, |ring| ring.push(value)) {
                        me.fail("there was room, and there is none");
                    }
                    both.outer_mut()[0] += 1;
                });
                me.gave(value);
            })
        })?;
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        waited!(me.how(), |mode| {
            let both = self.turns.lock_in(cx).and(&self.store);
            let values = both.on(|s| &s.values);
            let (mut both, value) = values
                .when(|ring| ring.len > 0, Ring::pop)
                .wait_relock(mode);
            value.map(|value| {
                both.as_mut().project().room.update(|room| *room += 1);
                let mut turns = both.unlock_inner();
                self.owner.alone(me, |_| turns[1] += 1);
                me.took(value);
            })
        })?;
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        self.store.lock_in(cx).as_mut().close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        self.store.lock_in(cx).as_mut().audit()
    }

    fn left(&self, cx: &mut MaySleep) -> Stock {
        self.store.lock_in(cx).values.left()
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        let [put, taken] = *self.turns.lock_in(cx);
        if put - taken == self.left(cx).count {
            Ok(())
        } else {
            Err("what was done under the outer lock is not what was done under the inner one")
        }
    }
}

pub(super) fn mutex(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(MutexRow {
        turns <- new_mutex!([0; 2]),
        store <- new_spinlock!(Store::new()),
        owner: Owner::new(),
    });
    made(row)
}

/// A store in a spinlock, used by who holds the semaphore for reading; who holds it for writing has all alone.
#[pin_data]
struct SemaphoreRow {
    #[pin]
    closes: RwSemaphore<u64>,
    #[pin]
    store: SpinLock<Store>,
}

impl Row for SemaphoreRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let how = me.how();
        let value = me.value();
        // Whoever wants to write waits for all that read, but not for who is asleep.
        if me.random.below(16) == 0 {
            *self.closes.write_in(cx) += 1;
        }
        waited!(how, |mode| {
            let both = self.closes.read_in(cx).and(&self.store);
            let room = both.on(|s| &s.room);
            let (mut both, there) = room
                .when(|room| *room > 0, |room| *room -= 1)
                .wait_relock(mode);
            there.map(|()| {
                if !both.update(|s| s.project().values, |ring| ring.push(value)) {
                    me.fail("there was room, and there is none");
                }
                me.gave(value);
            })
        })?;
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let value = waited!(me.how(), |mode| {
            let both = self.closes.read_in(cx).and(&self.store);
            let values = both.on(|s| &s.values);
            values.when(|ring| ring.len > 0, Ring::pop).wait(mode)
        })?;
        me.took(value);
        let mut both = self.closes.read_in(cx).and(&self.store);
        both.update(|s| s.project().room, |room| *room += 1);
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        self.store.lock_in(cx).as_mut().close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        self.store.lock_in(cx).as_mut().audit()
    }

    fn left(&self, cx: &mut MaySleep) -> Stock {
        self.store.lock_in(cx).values.left()
    }
}

pub(super) fn semaphore(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(SemaphoreRow {
        closes <- new_rw_semaphore!(0),
        store <- new_spinlock!(Store::new()),
    });
    made(row)
}
