// SPDX-License-Identifier: GPL-2.0

//! Values that a claim gives away, and where they are afterwards.

use super::gate::{
    deadline,
    until, //
};
use baton::{
    event::{
        give,
        GiveError,
        Idle,
        Interruptible,
        Killable,
        Mode,
        ModeAt,
        Uninterruptible,
        WrongLock, //
    },
    new_event,
    Either,
    Event,
    LockIn,
    MaySleep,
    Thread,
    Tied,
    WaitError, //
};
use core::pin::Pin;
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

/// Places for parcels.
#[pin_data]
struct Places {
    #[pin]
    left: Event<Option<Parcel>>,
    #[pin]
    right: Event<Option<Parcel>>,
    /// What came back to a thread, and why.
    back: Option<GiveError<Parcel, WaitError>>,
}

#[pin_data]
struct Hatch {
    #[pin]
    places: Mutex<Places>,
    /// How many parcels were dropped with the lock held, and with it free.
    drops: [Atomic<u32>; 2],
}

/// A parcel with a number.
struct Parcel {
    hatch: Arc<Hatch>,
    number: u32,
}

impl Drop for Parcel {
    fn drop(&mut self) {
        let free = self.hatch.places.try_lock().is_some();
        self.hatch.drops[usize::from(free)].fetch_add(1, Relaxed);
    }
}

fn is_empty(place: &Option<Parcel>) -> bool {
    place.is_none()
}

impl Hatch {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                places <- new_mutex!(pin_init!(Places {
                    left <- new_event!(None),
                    right <- new_event!(None),
                    back: None,
                })),
                drops: [const { Atomic::new(0) }; 2],
            }),
            GFP_KERNEL,
        )
    }

    fn parcel(self: &Arc<Self>, number: u32) -> Parcel {
        Parcel {
            hatch: self.clone(),
            number,
        }
    }

    /// How many were dropped, with the lock held and with it free.
    fn drops(&self) -> [u32; 2] {
        [self.drops[0].load(Relaxed), self.drops[1].load(Relaxed)]
    }

    fn put<M: ModeAt>(
        &self,
        cx: &mut MaySleep,
        parcel: Parcel,
        mode: M,
    ) -> Result<(), GiveError<Parcel, M::Error>> {
        let held = self.places.lock_in(cx);
        held.on(|places| &places.left)
            .give(parcel)
            .when(is_empty, |place, parcel| *place = Some(parcel.take()))
            .wait(mode)
    }

    /// Takes the parcel of the left place, if there is one.
    fn take(&self, cx: &mut MaySleep) -> Option<Parcel> {
        let mut held = self.places.lock_in(cx);
        held.update(|places| places.project().left, Option::take)
    }

    fn waiters(&self, cx: &mut MaySleep) -> usize {
        self.places.lock_in(cx).left.waiters()
    }

    /// Fills the left place and starts a thread that wants to put parcel 2 there, and sleeps.
    fn start_second<M>(self: &Arc<Self>, cx: &mut MaySleep, mode: M) -> Result<Thread>
    where
        M: ModeAt + Send + 'static,
        M::Error: Into<WaitError>,
    {
        self.fill(cx);
        let theirs = self.clone();
        let thread = Thread::spawn(cx, c"event_giver", move |cx, _| {
            let parcel = theirs.parcel(2);
            if let Err(GiveError { item, error }) = theirs.put(cx, parcel, mode) {
                let error = error.into();
                *theirs.places.lock_in(cx).as_mut().project().back =
                    Some(GiveError { item, error });
            }
        })?;
        until(|| self.waiters(cx) == 1)?;
        Ok(thread)
    }

    fn fill(self: &Arc<Self>, cx: &mut MaySleep) {
        let parcel = self.parcel(1);
        let mut held = self.places.lock_in(cx);
        held.update(
            |places| places.project().left,
            |place| *place = Some(parcel),
        );
    }

    /// Joins, or rescues and says so.
    fn joined(&self, cx: &mut MaySleep, thread: Thread) -> bool {
        let Err(refused) = thread.join_timeout(cx, deadline()) else {
            return true;
        };
        self.places.lock_in(cx).as_mut().project().left.close();
        let _ = refused.object.join(cx);
        false
    }

    /// Returns the number of the parcel that came back, and why, and drops it.
    fn came_back(&self, cx: &mut MaySleep) -> Option<(u32, WaitError)> {
        let back = self.places.lock_in(cx).as_mut().project().back.take()?;
        Some((back.item.number, back.error))
    }

    /// Takes out what refers to this.
    fn empty(&self, cx: &mut MaySleep) -> [Option<u32>; 2] {
        let mut held = self.places.lock_in(cx);
        let left = held.update(|places| places.project().left, Option::take);
        let right = held.update(|places| places.project().right, Option::take);
        drop(held);
        [left, right].map(|parcel| parcel.map(|parcel| parcel.number))
    }
}

#[kunit_tests(baton_event_gift)]
mod tests {
    use super::*;

    #[test]
    fn a_gift_is_given_at_once() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        let given = hatch.put(cx, hatch.parcel(1), Idle.timeout(deadline()));
        let drops = hatch.drops();
        let places = hatch.empty(cx);
        assert!(given.is_ok());
        assert_eq!(drops, [0, 0]);
        assert_eq!(places, [Some(1), None]);
        Ok(())
    }

    #[test]
    fn a_gift_is_given_by_who_makes_room() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        let giver = hatch.start_second(cx, Idle)?;
        let mut held = hatch.places.lock_in(cx);
        let first = held.update(|places| places.project().left, Option::take);
        // It is there before the giver runs.
        let there = held.left.as_ref().map(|parcel| parcel.number);
        drop(held);
        let joined = hatch.joined(cx, giver);
        let drops = hatch.drops();
        drop(first);
        let places = hatch.empty(cx);
        assert_eq!(there, Some(2));
        assert!(joined);
        assert_eq!(drops, [0, 0]);
        assert_eq!(places, [Some(2), None]);
        assert_eq!(hatch.drops(), [0, 2]);
        Ok(())
    }

    #[test]
    fn a_gift_comes_back_when_the_time_is_over() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        hatch.fill(cx);
        let back = hatch.put(cx, hatch.parcel(2), Idle.timeout(1)).err();
        let drops = hatch.drops();
        let back = back.map(|back| (back.item.number, back.error));
        let places = hatch.empty(cx);
        assert_eq!(drops, [0, 0]);
        assert_eq!(back, Some((2, WaitError::TimedOut)));
        assert_eq!(places, [Some(1), None]);
        assert_eq!(hatch.drops(), [0, 2]);
        Ok(())
    }

    #[test]
    fn a_gift_comes_back_with_a_signal() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        let giver = hatch.start_second(cx, Interruptible)?;
        giver.interrupt();
        let joined = hatch.joined(cx, giver);
        let drops = hatch.drops();
        let back = hatch.came_back(cx);
        hatch.empty(cx);
        assert!(joined);
        assert_eq!(drops, [0, 0]);
        assert_eq!(back, Some((2, WaitError::Signal)));
        assert_eq!(hatch.drops(), [0, 2]);
        Ok(())
    }

    #[test]
    fn a_gift_comes_back_from_a_closed_event() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        let giver = hatch.start_second(cx, Uninterruptible)?;
        hatch.places.lock_in(cx).as_mut().project().left.close();
        let joined = hatch.joined(cx, giver);
        let back = hatch.came_back(cx);
        // At once as well.
        let late = hatch.put(cx, hatch.parcel(3), Idle).err();
        let late = late.map(|late| late.item.number);
        hatch.empty(cx);
        assert!(joined);
        assert_eq!(back, Some((2, WaitError::Closed)));
        assert_eq!(late, Some(3));
        assert_eq!(hatch.drops(), [0, 3]);
        Ok(())
    }

    #[test]
    fn a_gift_comes_back_to_who_is_stopped() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        let giver = hatch.start_second(cx, Killable)?;
        let stopped = giver.stop(cx).is_ok();
        let back = hatch.came_back(cx);
        hatch.empty(cx);
        assert!(stopped);
        assert_eq!(back, Some((2, WaitError::Stopped)));
        assert_eq!(hatch.drops(), [0, 2]);
        Ok(())
    }

    #[test]
    fn a_gift_comes_back_from_the_wrong_lock() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        let lock: Pin<KBox<Mutex<()>>> = KBox::pin_init(new_mutex!(()), GFP_KERNEL)?;
        let other = &*lock;
        let tied: Pin<KBox<Tied<bool>>> =
            KBox::pin_init(Tied::new(other, new_event!(false)), GFP_KERNEL)?;
        let wait = hatch
            .places
            .lock_in(cx)
            .on(|places| &places.left)
            .give(hatch.parcel(1))
            .when(is_empty, |place, parcel| *place = Some(parcel.take()));
        let back = wait.or_tied(&tied).err();
        let drops = hatch.drops();
        let free = hatch.places.try_lock().is_some();
        let back = back.map(|back| (back.item.number, back.error));
        assert_eq!(drops, [0, 0]);
        assert!(free);
        assert_eq!(back, Some((1, WrongLock)));
        assert_eq!(hatch.drops(), [0, 1]);
        Ok(())
    }

    /// The taking does not take it: the task that waits drops it, after it was told.
    #[test]
    fn what_is_not_taken_is_dropped_without_the_lock() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        hatch.fill(cx);
        let theirs = hatch.clone();
        let giver = Thread::spawn(cx, c"event_giver", move |cx, _| {
            let parcel = theirs.parcel(2);
            let held = theirs.places.lock_in(cx);
            let on = held.on(|places| &places.left).give(parcel);
            let _ = on.when(is_empty, |_, _| ()).wait(Idle);
        })?;
        let asleep = until(|| hatch.waiters(cx) == 1);
        let first = hatch.take(cx);
        let joined = hatch.joined(cx, giver);
        drop(first);
        asleep?;
        assert!(joined);
        assert_eq!(hatch.drops(), [0, 2]);
        Ok(())
    }

    /// A wait that is not begun drops it too.
    #[test]
    fn a_wait_that_is_dropped_drops_it_without_the_lock() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        drop(
            hatch
                .places
                .lock_in(cx)
                .on(|p| &p.left)
                .give(hatch.parcel(1)),
        );
        let on = hatch
            .places
            .lock_in(cx)
            .on(|p| &p.left)
            .give(hatch.parcel(2));
        drop(on.when(is_empty, |_, _| ()));
        assert_eq!(hatch.drops(), [0, 2]);
        Ok(())
    }

    #[test]
    fn of_two_gifts_both_come_back() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        let put = |cx: &mut MaySleep, left: u32, right: u32| {
            hatch
                .places
                .lock_in(cx)
                .on(|places| &places.left)
                .give(hatch.parcel(left))
                .when(is_empty, |place, parcel| *place = Some(parcel.take()))
                .or(|places| &places.right)
                .give(hatch.parcel(right))
                .when(is_empty, |place, parcel| *place = Some(parcel.take()))
                .wait(Idle.timeout(1))
        };
        let first = put(cx, 1, 2).is_ok_and(|which| which == Either::First(()));
        // The other one was dropped by this task.
        let drops = hatch.drops();
        let second = put(cx, 3, 4).is_ok_and(|which| which == Either::Second(()));
        let third = put(cx, 5, 6).err();
        let back = third.map(|back| (back.item.0.number, back.item.1.number, back.error));
        let places = hatch.empty(cx);
        assert!(first);
        assert_eq!(drops, [0, 1]);
        assert!(second);
        assert_eq!(back, Some((5, 6, WaitError::TimedOut)));
        assert_eq!(places, [Some(1), Some(4)]);
        assert_eq!(hatch.drops(), [0, 6]);
        Ok(())
    }

    /// One gift for whichever of two has room.
    #[test]
    fn a_gift_for_any_of_two() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        let put = |cx: &mut MaySleep, number: u32| {
            hatch
                .places
                .lock_in(cx)
                .on_any(|places| [&places.left, &places.right])
                .give(hatch.parcel(number))
                .when(is_empty, |place, parcel| *place = Some(parcel.take()))
                .wait(Idle.timeout(1))
        };
        let which = [1, 2].map(|number| put(cx, number).map(|(which, ())| which).ok());
        let back = put(cx, 3).err();
        let back = back.map(|back| (back.item.number, back.error));
        let places = hatch.empty(cx);
        assert_eq!(which, [Some(0), Some(1)]);
        assert_eq!(back, Some((3, WaitError::TimedOut)));
        assert_eq!(places, [Some(1), Some(2)]);
        Ok(())
    }

    #[test]
    fn a_claim_that_was_tried_comes_back() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        let put = |cx: &mut MaySleep, number: u32| {
            let claim = give(hatch.parcel(number))
                .when(is_empty, |place: &mut Option<_>, parcel| {
                    *place = Some(parcel.take())
                });
            let mut held = hatch.places.lock_in(cx);
            held.as_mut().project().left.try_claim(claim)
        };
        let first = put(cx, 1).is_ok();
        let second = put(cx, 2).err().map(|claim| claim.into_item().number);
        let drops = hatch.drops();
        let places = hatch.empty(cx);
        assert!(first);
        assert_eq!(second, Some(2));
        assert_eq!(drops, [0, 1]);
        assert_eq!(places, [Some(1), None]);
        Ok(())
    }

    /// A wait for a claim of its own drops what is not given away, without the lock.
    #[test]
    fn a_claim_is_dropped_without_the_lock() -> Result {
        let cx = &mut MaySleep::assert();
        let hatch = Hatch::new()?;
        hatch.fill(cx);
        let claim = give(hatch.parcel(2)).when(is_empty, |_: &mut Option<_>, _| ());
        let on = hatch.places.lock_in(cx).on(|places| &places.left);
        let got = on.claim(claim).wait(Idle.timeout(1));
        let drops = hatch.drops();
        hatch.empty(cx);
        assert_eq!(got, Err(WaitError::TimedOut));
        assert_eq!(drops, [0, 1]);
        Ok(())
    }
}
