// SPDX-License-Identifier: GPL-2.0

//! Events in objects that come and go under the lock.

use super::gate::{
    code,
    deadline,
    is_set,
    Flag,
    CLOSED,
    PENDING, //
};
use baton::{
    event::{
        Interruptible, //
    },
    new_event,
    Event,
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta,
        Instant,
        Monotonic, //
    }, //
};

/// A lock with an object that has an event of its own.
#[pin_data]
struct Objects {
    #[pin]
    state: Mutex<Slot>,
    ended: Atomic<u32>,
}

/// Returns the event of the object in `slot`, if there is one.
fn event_of(slot: &mut Slot) -> Option<Pin<&mut Event<bool>>> {
    Some(slot.object.as_mut()?.as_mut().project().set)
}

struct Slot {
    object: Option<Pin<KBox<Flag>>>,
}

impl Objects {
    /// Starts a waiter on the object's event and returns once it sleeps.
    fn start_waiter(self: &Arc<Self>, cx: &mut MaySleep) -> Result<Thread> {
        let objects = self.clone();
        let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let result = objects.state.lock_in(cx).wait_found(
                Interruptible,
                |slot| event_of(slot.get_mut()),
                is_set,
                (),
            );
            objects.ended.store(code(result.map(|()| 0)), Relaxed);
        })?;
        let start = Instant::<Monotonic>::now();
        while self.sleeping(cx) == 0 {
            if start.elapsed() > Delta::from_secs(10) {
                return Err(ETIMEDOUT);
            }
            fsleep(Delta::from_micros(100));
        }
        Ok(thread)
    }

    fn sleeping(&self, cx: &mut MaySleep) -> usize {
        self.state
            .lock_in(cx)
            .object
            .as_ref()
            .map_or(0, |object| object.set.waiters())
    }

    fn new() -> Result<Arc<Self>> {
        let object = KBox::pin_init(pin_init!(Flag { set <- new_event!(false) }), GFP_KERNEL)?;
        Arc::pin_init(
            pin_init!(Self {
                state <- new_mutex!(Slot { object: Some(object) }),
                ended: Atomic::new(PENDING),
            }),
            GFP_KERNEL,
        )
    }
}

#[kunit_tests(baton_event_object)]
mod tests {
    use super::*;

    #[test]
    fn drop_ends_every_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let list = Objects::new()?;
        let waiter = list.start_waiter(cx)?;
        // The object is freed with the waiter on its event.
        drop(list.state.lock_in(cx).object.take());
        let hung = waiter.join_timeout(cx, deadline()).is_err();
        assert!(!hung);
        assert_eq!(list.ended.load(Relaxed), CLOSED);
        Ok(())
    }

    #[test]
    fn object_taken_out_of_the_lock_keeps_its_waiter() -> Result {
        let cx = &mut MaySleep::assert();
        let list = Objects::new()?;
        let waiter = list.start_waiter(cx)?;
        let object = list.state.lock_in(cx).object.take();
        // The waiter cannot withdraw from an event that somebody else owns now.
        waiter.interrupt();
        let left = waiter.join_timeout(cx, msecs_to_jiffies(50));
        let ended = list.ended.load(Relaxed);
        // Outside the lock, with the waiter still on it.
        drop(object);
        let hung = match left {
            Ok(()) => true,
            Err(waiter) => waiter.join_timeout(cx, deadline()).is_err(),
        };
        assert_eq!(ended, PENDING);
        assert!(!hung);
        assert_eq!(list.ended.load(Relaxed), CLOSED);
        Ok(())
    }
}
