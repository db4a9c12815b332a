// SPDX-License-Identifier: GPL-2.0

//! Events under a read-write semaphore: waits that begin with it held for writing, and for reading.

use super::{
    claim::Owner,
    entry::Users,
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
        RwEvent,
        RwSemaphore, //
    },
    Fifo,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

#[pin_data]
struct Store {
    #[pin]
    values: RwEvent<Ring, Fifo>,
    #[pin]
    room: RwEvent<usize>,
    /// How many values were ever put in.
    #[pin]
    put: RwEvent<u64>,
}

/// Who takes waits with the semaphore held for writing; every other one waits before that with it held for reading,
/// until more was put in than it has taken.
#[pin_data]
struct StoreRow {
    #[pin]
    store: RwSemaphore<Store>,
    /// Who holds it for writing, and how many for reading.
    owner: Owner,
    readers: Users,
}

impl StoreRow {
    /// The caller holds the semaphore for reading.
    fn reads(&self, me: &Me<'_>) {
        self.readers.come();
        if !self.owner.is_nobody() {
            me.fail("one holds it for reading, and another one for writing");
        }
        self.readers.go();
    }

    /// Changes something, with the semaphore held for writing.
    fn writes(&self, cx: &mut MaySleep, me: &mut Me<'_>, change: impl FnOnce(Pin<&mut Store>)) {
        let mut held = self.store.write_in(cx);
        self.owner.alone(me, |me| {
            if self.readers.are_there() {
                me.fail("one holds it for writing, and others for reading");
            }
            change(held.as_mut());
        });
    }
}

impl Row for StoreRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        waited!(me.how(), |mode| self
            .store
            .write_in(cx)
            .on(|s| &s.room)
            .when(|room| *room > 0, |room| *room -= 1)
            .wait(mode))?;
        let value = me.value();
        let mut good = false;
        self.writes(cx, me, |store| {
            let store = store.project();
            good = store.values.update(|ring| ring.push(value));
            store.put.update(|put| *put += 1);
        });
        if good {
            me.gave(value);
        } else {
            me.fail("there was room, and there is none");
        }
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let mine = me.last;
        if me.index % 2 == 0 {
            // If this one has taken all that was put in, there is room, and more to come.
            waited!(me.how(), |mode| {
                let on = self.store.read_in(cx).on(|s| &s.put);
                let (held, more) = on.until(move |put| *put > mine).wait_relock(mode);
                more.map(|()| {
                    self.reads(me);
                    if *held.put <= mine {
                        me.fail(
                            "what was waited for under the semaphore is not so with it held again",
                        );
                    }
                })
            })?;
        }
        let value = waited!(me.how(), |mode| self
            .store
            .write_in(cx)
            .on(|s| &s.values)
            .when(|ring| ring.len > 0, Ring::pop)
            .wait(mode))?;
        me.took(value);
        me.last = mine + 1;
        self.writes(cx, me, |store| {
            store.project().room.update(|room| *room += 1);
        });
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        let mut held = self.store.write_in(cx);
        let store = held.as_mut().project();
        store.values.close();
        store.room.close();
        store.put.close();
    }

    fn left(&self, cx: &mut MaySleep) -> Stock {
        self.store.read_in(cx).values.left()
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        let held = self.store.read_in(cx);
        if held.values.waiters() + held.room.waiters() + held.put.waiters() == 0 {
            Ok(())
        } else {
            Err("a task that has gone is still on the queue")
        }
    }
}

pub(super) fn store(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(StoreRow {
        store <- new_rw_semaphore!(pin_init!(Store {
            values <- RwEvent::new(new_event!(Ring::default())),
            room <- RwEvent::new(new_event!(ROOM)),
            put <- RwEvent::new(new_event!(0)),
        })),
        owner: Owner::new(),
        readers: Users::new(),
    });
    made(row)
}

#[pin_data]
struct Rounds {
    #[pin]
    round: RwEvent<u64>,
    #[pin]
    seen: RwEvent<u64, Fifo>,
}

/// All waiters read, and sleep until there is another round; whoever has made it waits until one of them has seen it.
#[pin_data]
struct RoundRow {
    #[pin]
    rounds: RwSemaphore<Rounds>,
}

impl Row for RoundRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let mut held = self.rounds.write_in(cx);
        let number = held.as_mut().project().round.update(|round| {
            *round += 1;
            *round
        });
        drop(held);
        waited!(me.how(), |mode| self
            .rounds
            .read_in(cx)
            .on(|r| &r.seen)
            .until(move |seen| *seen >= number)
            .wait(mode))?;
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let last = me.last;
        let number = waited!(me.how(), |mode| {
            let on = self.rounds.read_in(cx).on(|r| &r.round);
            let (held, more) = on.until(move |round| *round > last).wait_relock(mode);
            more.map(|()| *held.round)
        })?;
        if number <= last {
            me.fail("the round is over that was waited for");
        }
        me.last = number;
        let mut held = self.rounds.write_in(cx);
        let seen = held.as_mut().project().seen;
        seen.update(|seen| *seen = number.max(*seen));
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        let mut held = self.rounds.write_in(cx);
        let rounds = held.as_mut().project();
        rounds.round.close();
        rounds.seen.close();
    }
}

pub(super) fn rounds(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(RoundRow {
        rounds <- new_rw_semaphore!(pin_init!(Rounds {
            round <- RwEvent::new(new_event!(0)),
            seen <- RwEvent::new(new_event!(0)),
        })),
    });
    made(row)
}
