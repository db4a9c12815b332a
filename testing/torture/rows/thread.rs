// SPDX-License-Identifier: GPL-2.0

//! Threads that wait for something, and are joined, or stopped in the middle of that.

use super::{
    event::{
        Ring,
        ROOM, //
    },
    tied::Served, //
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
    event::Uninterruptible,
    new_event,
    Event,
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc,
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

/// What a thread has got, and whether it is gone.
#[pin_data]
struct Fate {
    #[pin]
    served: SpinLock<Served>,
    gone: Atomic<u32>,
}

/// Says that the thread will do no more.
struct Gone(Arc<Fate>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.gone.store(1, Release);
    }
}

/// A waiter has its values got by threads.
struct ThreadRow(Arc<SpinLock<Store>>);

impl ThreadRow {
    /// Makes a thread that waits for a value, or for what never comes.
    fn spawn(&self, cx: &mut MaySleep, fate: &Arc<Fate>, comes: bool) -> Result<Thread> {
        let (store, gone) = (self.0.clone(), Gone(fate.clone()));
        let spawned = Thread::spawn(cx, c"torture_thread", move |cx, _stop| {
            let got = store
                .lock_in(cx)
                .on(|s| &s.values)
                .when(move |ring| comes && ring.len > 0, Ring::pop)
                .wait(Uninterruptible);
            // A stop, or the end of the row, ends the wait.
            if let Ok(value) = got {
                gone.0.served.lock_in(cx).serve(value);
            }
        });
        // It says so if its caller was killed meanwhile.
        spawned.map_err(|error| if error == EINTR { ERESTARTSYS } else { error })
    }
}

impl Row for ThreadRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        waited!(me.how(), |mode| self
            .0
            .lock_in(cx)
            .on(|s| &s.room)
            .when(|room| *room > 0, |room| *room -= 1)
            .wait(mode))?;
        let value = me.value();
        let mut held = self.0.lock_in(cx);
        let good = held.update(|s| s.project().values, |ring| ring.push(value));
        drop(held);
        if good {
            me.gave(value);
        } else {
            me.fail("there was room, and there is none");
        }
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let fate = Arc::pin_init(
            pin_init!(Fate {
                served <- new_spinlock!(Served::NotYet),
                gone: Atomic::new(0),
            }),
            GFP_KERNEL,
        )?;
        let how = me.random.below(6);
        let thread = self.spawn(cx, &fate, how > 1)?;
        let ended = match how {
            // Before it has begun, and when it waits.
            0 | 2 => thread.stop(cx),
            1 | 3 => {
                me.random.sleep_us(cx, 50);
                thread.request_stop();
                thread.join(cx)
            }
            4 => match thread.join_timeout(cx, me.random.below(2) as usize) {
                Err(late) if late.error == ETIMEDOUT => late.object.stop(cx),
                ended => ended,
            },
            _ => thread.join(cx),
        };
        if ended.is_err() {
            me.fail("a thread could not be stopped");
        }
        if fate.gone.load(Acquire) == 0 {
            me.fail("a thread was waited for, and is not gone");
        }
        let served = fate.served.lock_in(cx).leave();
        let Some(value) = served else {
            return Ok(1);
        };
        me.took(value);
        let mut held = self.0.lock_in(cx);
        held.as_mut().project().room.update(|room| *room += 1);
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        let mut held = self.0.lock_in(cx);
        let store = held.as_mut().project();
        store.values.close();
        store.room.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        let mut held = self.0.lock_in(cx);
        let store = held.as_mut().project();
        store.values.audit().lost + store.room.audit().lost
    }

    fn left(&self, cx: &mut MaySleep) -> Stock {
        self.0.lock_in(cx).values.left()
    }
}

pub(super) fn thread(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let store = new_spinlock!(pin_init!(Store {
        values <- new_event!(Ring::default()),
        room <- new_event!(ROOM),
    }));
    let row = Arc::new(ThreadRow(Arc::pin_init(store, GFP_KERNEL)?), GFP_KERNEL)?;
    Ok(row)
}
