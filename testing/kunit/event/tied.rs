// SPDX-License-Identifier: GPL-2.0

//! Where an event may be: inside the data of the lock, or in an object that is tied to the lock.

use super::gate::{
    code,
    deadline,
    until,
    CLOSED,
    PENDING,
    SERVED,
    SIGNAL,
    TIMED_OUT, //
};
use baton::{
    event::{
        Interruptible,
        Killable,
        Mode,
        Uninterruptible,
        WrongLock, //
    },
    new_event,
    testing,
    Either,
    Event,
    LockIn,
    MaySleep,
    Thread,
    Tied,
    WaitError, //
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
};

/// An object with an event of its own, and how the wait for it has ended.
#[pin_data]
struct Object {
    #[pin]
    set: Tied<bool>,
    ended: Atomic<u32>,
}

/// The objects of a lock.
#[pin_data]
struct Objects {
    #[pin]
    state: Mutex<Option<Arc<Object>>>,
}

impl Objects {
    fn new() -> Result<(Arc<Self>, Arc<Object>)> {
        let objects = Arc::pin_init(pin_init!(Self { state <- new_mutex!(None) }), GFP_KERNEL)?;
        let object = objects.object()?;
        Ok((objects, object))
    }

    /// One more object.
    fn object(&self) -> Result<Arc<Object>> {
        let lock = &self.state;
        Arc::pin_init(
            pin_init!(Object {
                set <- Tied::new(lock, new_event!(false)),
                ended: Atomic::new(PENDING),
            }),
            GFP_KERNEL,
        )
    }

    fn sleeping(&self, cx: &mut MaySleep, object: &Object) -> usize {
        let mut held = self.state.lock_in(cx);
        held.tied(&object.set).map_or(0, |set| set.waiters())
    }

    /// Starts a waiter on the object's event and returns once it sleeps.
    fn start_waiter(self: &Arc<Self>, cx: &mut MaySleep, object: &Arc<Object>) -> Result<Thread> {
        let (objects, theirs) = (self.clone(), object.clone());
        let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let Ok(on) = objects.state.lock_in(cx).on_tied(&theirs.set) else {
                return;
            };
            let result = on.until(|set| *set).wait(Interruptible);
            theirs.ended.store(code(result.map(|()| 0)), Relaxed);
        })?;
        until(|| self.sleeping(cx, object) == 1)?;
        Ok(thread)
    }
}

/// Buffers in the data of a lock, of which one is current.
#[pin_data]
struct Log {
    #[pin]
    even: Event<bool>,
    #[pin]
    odd: Event<bool>,
    current: usize,
}

impl Log {
    fn current(&self) -> &Event<bool> {
        match self.current % 2 {
            0 => &self.even,
            _ => &self.odd,
        }
    }
}

#[pin_data]
struct Boxed {
    #[pin]
    set: Event<bool>,
}

/// A lock whose data may know of an event that is not inside of it.
#[pin_data]
struct Node {
    #[pin]
    state: Mutex<Data>,
    #[pin]
    set: Event<bool>,
}

#[pin_data]
struct Data {
    #[pin]
    never: Event<bool>,
    other: Option<Arc<Node>>,
}

impl Node {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                state <- new_mutex!(pin_init!(Data {
                    never <- new_event!(false),
                    other: None,
                })),
                set <- new_event!(true),
            }),
            GFP_KERNEL,
        )
    }

    /// Waits for the event of another node, which is set, under the lock of this one.
    fn wait_for(&self, cx: &mut MaySleep, other: &Arc<Self>) -> Result<(), WaitError> {
        *self.state.lock_in(cx).as_mut().project().other = Some(other.clone());
        let held = self.state.lock_in(cx);
        let on = held.on(|data| data.other.as_ref().map_or(&data.never, |other| &other.set));
        let got = on
            .until(|set| *set)
            .wait(Uninterruptible.timeout(deadline()));
        *self.state.lock_in(cx).as_mut().project().other = None;
        got
    }
}

#[kunit_tests(baton_event_tied)]
mod tests {
    use super::*;

    #[test]
    fn update_of_a_tied_event_serves() -> Result {
        let cx = &mut MaySleep::assert();
        let (objects, object) = Objects::new()?;
        let waiter = objects.start_waiter(cx, &object)?;
        let mut held = objects.state.lock_in(cx);
        let updated = held
            .tied(&object.set)
            .map(|set| set.update(|set| *set = true));
        drop(held);
        let hung = waiter.join_timeout(cx, deadline()).is_err();
        assert_eq!(updated, Ok(()));
        assert!(!hung);
        assert_eq!(object.ended.load(Relaxed), SERVED);
        Ok(())
    }

    #[test]
    fn close_of_a_tied_event_ends_its_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let (objects, object) = Objects::new()?;
        let waiter = objects.start_waiter(cx, &object)?;
        let mut held = objects.state.lock_in(cx);
        let closed = held.tied(&object.set).map(|set| set.close());
        drop(held);
        let hung = waiter.join_timeout(cx, deadline()).is_err();
        assert_eq!(closed, Ok(()));
        assert!(!hung);
        assert_eq!(object.ended.load(Relaxed), CLOSED);
        Ok(())
    }

    #[test]
    fn waiter_of_an_object_that_has_left_the_lock_can_be_interrupted() -> Result {
        let cx = &mut MaySleep::assert();
        let (objects, object) = Objects::new()?;
        *objects.state.lock_in(cx) = Some(object.clone());
        let waiter = objects.start_waiter(cx, &object)?;
        let taken = objects.state.lock_in(cx).take();
        waiter.interrupt();
        let hung = waiter.join_timeout(cx, deadline()).is_err();
        drop(taken);
        assert!(!hung);
        assert_eq!(object.ended.load(Relaxed), SIGNAL);
        Ok(())
    }

    #[test]
    fn tied_event_is_not_reached_under_another_lock() -> Result {
        let cx = &mut MaySleep::assert();
        let (_objects, object) = Objects::new()?;
        let (other, _) = Objects::new()?;
        let wait = other.state.lock_in(cx).on_tied(&object.set).err();
        let update = other.state.lock_in(cx).tied(&object.set).err();
        assert_eq!(wait, Some(WrongLock));
        assert_eq!(update, Some(WrongLock));
        Ok(())
    }

    #[test]
    fn one_of_two_tied_events_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        for number in 0..2 {
            let (objects, first) = Objects::new()?;
            let second = objects.object()?;
            let (theirs, one, other) = (objects.clone(), first.clone(), second.clone());
            let waiter = Thread::spawn(cx, c"event_waiter", move |cx, _| {
                let held = theirs.state.lock_in(cx);
                let Ok(on) = held.on_tied(&one.set) else {
                    return;
                };
                let Ok(on) = on.until(|set| *set).or_tied(&other.set) else {
                    return;
                };
                let ended = match on.until(|set| *set).wait(Interruptible) {
                    Ok(Either::First(())) => &one.ended,
                    Ok(Either::Second(())) => &other.ended,
                    Err(_) => return,
                };
                ended.store(SERVED, Relaxed);
            })?;
            let asleep =
                until(|| objects.sleeping(cx, &first) == 1 && objects.sleeping(cx, &second) == 1);
            let chosen = if number == 0 { &first } else { &second };
            let mut held = objects.state.lock_in(cx);
            let updated = held
                .tied(&chosen.set)
                .map(|set| set.update(|set| *set = true));
            drop(held);
            let left = objects.sleeping(cx, &first) + objects.sleeping(cx, &second);
            waiter.interrupt();
            let joined = waiter.join_timeout(cx, deadline()).is_ok();
            let ended = [first.ended.load(Relaxed), second.ended.load(Relaxed)];
            assert_eq!(asleep, Ok(()));
            assert_eq!(updated, Ok(()));
            assert_eq!(left, 0);
            assert!(joined);
            let expected = if number == 0 {
                [SERVED, PENDING]
            } else {
                [PENDING, SERVED]
            };
            assert_eq!(ended, expected);
        }
        Ok(())
    }

    #[test]
    fn tied_event_of_another_lock_is_none_of_two() -> Result {
        let cx = &mut MaySleep::assert();
        let (objects, object) = Objects::new()?;
        let (_other, foreign) = Objects::new()?;
        let on = objects.state.lock_in(cx).on_tied(&object.set);
        let wait = on.map(|on| on.until(|set| *set));
        let refused = wait.map(|wait| wait.or_tied(&foreign.set).err());
        // The lock is released then.
        let free = objects.state.try_lock().is_some();
        assert_eq!(refused, Ok(Some(WrongLock)));
        assert!(free);
        Ok(())
    }

    /// The selector would select another event by the time that the waiter gives up.
    #[test]
    fn selected_event_that_is_not_current_any_more_can_be_given_up() -> Result {
        let cx = &mut MaySleep::assert();
        let log: Arc<Mutex<Log>> = Arc::pin_init(
            new_mutex!(pin_init!(Log {
                even <- new_event!(false),
                odd <- new_event!(false),
                current: 0,
            })),
            GFP_KERNEL,
        )?;
        let ended = Arc::new([const { Atomic::new(PENDING) }; 2], GFP_KERNEL)?;
        let (theirs, end) = (log.clone(), ended.clone());
        let killed = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let wait = theirs.lock_in(cx).on(Log::current).until(|set| *set);
            end[0].store(code(wait.wait(Killable).map(|()| 0)), Relaxed);
        })?;
        let (theirs, end) = (log.clone(), ended.clone());
        let late = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let wait = theirs.lock_in(cx).on(Log::current).until(|set| *set);
            let result = wait.wait(Uninterruptible.timeout(20));
            end[1].store(code(result.map(|()| 0)), Relaxed);
        })?;
        let asleep = until(|| log.lock_in(cx).even.waiters() > 0 || killed.is_finished(cx));
        *log.lock_in(cx).as_mut().project().current = 1;
        killed.kill();
        let hung = [killed, late].map(|thread| {
            match thread
                .join_timeout(cx, deadline())
                .map_err(|refused| refused.object)
            {
                Ok(()) => false,
                Err(thread) => {
                    log.lock_in(cx).as_mut().project().even.close();
                    let _ = thread.join(cx);
                    true
                }
            }
        });
        asleep?;
        assert_eq!(hung, [false, false]);
        assert_eq!(ended[0].load(Relaxed), SIGNAL);
        assert_eq!(ended[1].load(Relaxed), TIMED_OUT);
        Ok(())
    }

    #[test]
    fn event_behind_a_pointer_is_refused() -> Result {
        let cx = &mut MaySleep::assert();
        let boxed = KBox::pin_init(pin_init!(Boxed { set <- new_event!(true) }), GFP_KERNEL)?;
        let lock: Pin<KBox<Mutex<Pin<KBox<Boxed>>>>> =
            KBox::pin_init(new_mutex!(boxed), GFP_KERNEL)?;
        let wait = lock.lock_in(cx).on(|boxed| &boxed.set).until(|set| *set);
        let got = wait.wait(Uninterruptible.timeout(deadline()));
        // As one of two as well.
        let log: Pin<KBox<Mutex<Log>>> = KBox::pin_init(
            new_mutex!(pin_init!(Log {
                even <- new_event!(false),
                odd <- new_event!(false),
                current: 0,
            })),
            GFP_KERNEL,
        )?;
        let again = log
            .lock_in(cx)
            .on(|log| &log.even)
            .until(|set| *set)
            .or(|log| &log.odd)
            .until(|set| *set)
            .wait(Killable.timeout(1));
        assert_eq!(got, Err(WaitError::Closed));
        assert_eq!(again, Err(WaitError::TimedOut));
        Ok(())
    }

    #[test]
    fn event_before_or_behind_the_data_is_refused() -> Result {
        let cx = &mut MaySleep::assert();
        // One of them is at the lower address.
        let nodes = [Node::new()?, Node::new()?];
        let log = testing::Log::here();
        let got = [
            nodes[0].wait_for(cx, &nodes[1]),
            nodes[1].wait_for(cx, &nodes[0]),
        ];
        let named = log.lines(&[
            "event ",
            "event/tied.rs:",
            ": a wait for an event that is not inside",
        ]);
        assert_eq!(got, [Err(WaitError::Closed); 2]);
        assert_eq!(named, 2);
        Ok(())
    }
}
