// SPDX-License-Identifier: GPL-2.0

//! One wait for any of the objects on a list.

use super::gate::{
    deadline,
    until, //
};
use baton::{
    event::{
        Group,
        Idle,
        Interruptible,
        Mode,
        ModeAt,
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
use core::mem;
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

/// An object on a list.
#[pin_data]
struct Request {
    number: u32,
    #[pin]
    answer: Tied<Option<u32>>,
}

#[pin_data]
struct Device {
    #[pin]
    pending: Mutex<Pending>,
}

#[pin_data]
struct Pending {
    list: KVec<Arc<Request>>,
    #[pin]
    stop: Event<bool>,
    got: Option<Result<(u32, Option<u32>), WaitError>>,
}

impl Device {
    fn new(cx: &mut MaySleep, requests: u32) -> Result<Arc<Self>> {
        let device = Arc::pin_init(
            pin_init!(Self {
                pending <- new_mutex!(pin_init!(Pending {
                    list: KVec::new(),
                    stop <- new_event!(false),
                    got: None,
                })),
            }),
            GFP_KERNEL,
        )?;
        for number in 0..requests {
            let request = device.request(number)?;
            let mut held = device.pending.lock_in(cx);
            held.as_mut().project().list.push(request, GFP_KERNEL)?;
        }
        Ok(device)
    }

    fn request(&self, number: u32) -> Result<Arc<Request>> {
        let lock = &self.pending;
        Arc::pin_init(
            pin_init!(Request {
                number,
                answer <- Tied::new(lock, new_event!(None)),
            }),
            GFP_KERNEL,
        )
    }

    /// Waits for the first answer, and returns whose it is.
    fn first<M: ModeAt>(
        &self,
        cx: &mut MaySleep,
        group: &mut Group<Arc<Request>>,
        mode: M,
    ) -> Result<(u32, Option<u32>), WaitError>
    where
        M::Error: Into<WaitError>,
    {
        let held = self.pending.lock_in(cx);
        group.clear();
        for request in held.list.iter() {
            if group.push(request.clone()).is_err() {
                pr_err!("there is no room for a request\n");
            }
        }
        let Ok(on) = held.on_any_of(group, |request| &request.answer) else {
            return Err(WaitError::Closed);
        };
        let wait = on.when(Option::is_some, Option::take);
        let (which, answer) = wait.wait(mode).map_err(Into::<WaitError>::into)?;
        Ok((group[which].number, answer))
    }

    fn start<M>(self: &Arc<Self>, cx: &mut MaySleep, mode: M) -> Result<Thread>
    where
        M: ModeAt + Send + 'static,
        M::Error: Into<WaitError>,
    {
        let requests = self.pending.lock_in(cx).list.len();
        let mut group = Group::with_capacity(requests, GFP_KERNEL)?;
        let theirs = self.clone();
        let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let got = theirs.first(cx, &mut group, mode);
            *theirs.pending.lock_in(cx).as_mut().project().got = Some(got);
        })?;
        until(|| self.sleeping(cx) == requests)?;
        Ok(thread)
    }

    /// How many entries are on the lists of all requests.
    fn sleeping(&self, cx: &mut MaySleep) -> usize {
        let requests = self.listed(cx);
        let mut held = self.pending.lock_in(cx);
        let mut sum = 0;
        for request in requests.iter().flatten() {
            sum += held
                .tied(&request.answer)
                .map_or(0, |answer| answer.waiters());
        }
        sum
    }

    /// The requests on the list.
    fn listed(&self, cx: &mut MaySleep) -> [Option<Arc<Request>>; 24] {
        let held = self.pending.lock_in(cx);
        core::array::from_fn(|index| held.list.get(index).cloned())
    }

    fn answer(&self, cx: &mut MaySleep, request: &Request, answer: u32) -> Result {
        let mut held = self.pending.lock_in(cx);
        held.tied(&request.answer)?
            .update(|place| *place = Some(answer));
        Ok(())
    }

    fn end(
        &self,
        cx: &mut MaySleep,
        thread: Thread,
    ) -> Option<Result<(u32, Option<u32>), WaitError>> {
        if let Err(refused) = thread.join_timeout(cx, deadline()) {
            pr_err!("one that waits for a request sleeps and was to end\n");
            refused.object.kill();
            let _ = refused.object.join(cx);
        }
        self.pending.lock_in(cx).got
    }
}

/// Counts how often it was dropped.
struct Counted(Arc<Atomic<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[kunit_tests(baton_event_group)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_for_a_group_of_none_is_closed() -> Result {
        let cx = &mut MaySleep::assert();
        let device = Device::new(cx, 0)?;
        let mut group = Group::with_capacity(0, GFP_KERNEL)?;
        let empty = device.first(cx, &mut group, Idle.timeout(deadline()));
        assert_eq!(empty, Err(WaitError::Closed));
        Ok(())
    }

    #[test]
    fn whichever_request_is_answered_first() -> Result {
        let cx = &mut MaySleep::assert();
        // More than the stack has room for.
        let device = Device::new(cx, 20)?;
        for number in [0, 7, 19] {
            let thread = device.start(cx, Idle)?;
            let requests = device.listed(cx);
            let request = requests[number].as_ref().ok_or(ENOENT)?;
            let answered = device.answer(cx, request, 5);
            let left = device.sleeping(cx);
            let got = device.end(cx, thread);
            assert_eq!(answered, Ok(()));
            assert_eq!(left, 0);
            assert_eq!(got, Some(Ok((number as u32, Some(5)))));
        }
        Ok(())
    }

    /// The group keeps a request that has left its list.
    #[test]
    fn a_request_that_has_left_its_list_is_kept() -> Result {
        let cx = &mut MaySleep::assert();
        let device = Device::new(cx, 3)?;
        let thread = device.start(cx, Interruptible)?;
        let gone = {
            let mut held = device.pending.lock_in(cx);
            let list = mem::replace(held.as_mut().project().list, KVec::new());
            list
        };
        drop(gone);
        thread.interrupt();
        let got = device.end(cx, thread);
        assert_eq!(got, Some(Err(WaitError::Signal)));
        Ok(())
    }

    #[test]
    fn a_request_that_is_closed_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let device = Device::new(cx, 3)?;
        let thread = device.start(cx, Idle)?;
        let requests = device.listed(cx);
        let request = requests[1].as_ref().ok_or(ENOENT)?;
        let mut held = device.pending.lock_in(cx);
        let closed = held.tied(&request.answer).map(|answer| answer.close());
        drop(held);
        let left = device.sleeping(cx);
        let got = device.end(cx, thread);
        assert_eq!(closed, Ok(()));
        assert_eq!(left, 0);
        assert_eq!(got, Some(Err(WaitError::Closed)));
        Ok(())
    }

    #[test]
    fn a_request_of_another_lock_is_refused() -> Result {
        let cx = &mut MaySleep::assert();
        let (device, other) = (Device::new(cx, 2)?, Device::new(cx, 1)?);
        let mut group = Group::with_capacity(3, GFP_KERNEL)?;
        let [one, two, ..] = device.listed(cx);
        let [foreign, ..] = other.listed(cx);
        for request in [&one, &foreign, &two].into_iter().flatten() {
            group.push(request.clone()).map_err(|_| E2BIG)?;
        }
        let held = device.pending.lock_in(cx);
        let refused = held.on_any_of(&mut group, |request| &request.answer).err();
        let held = device.pending.lock_in(cx);
        let on = held.on(|pending| &pending.stop).give(7);
        let wait = on.when(|stop| *stop, |_, _| ());
        let with_gift = wait.or_any_of(&mut group, |request| &request.answer).err();
        let held = device.pending.lock_in(cx);
        let on_stack = match (&one, &foreign) {
            (Some(one), Some(foreign)) => held.on_any_tied([&one.answer, &foreign.answer]).err(),
            _ => None,
        };
        let free = device.pending.try_lock().is_some();
        assert_eq!(refused, Some(WrongLock));
        assert_eq!(
            with_gift.map(|back| (back.item, back.error)),
            Some((7, WrongLock))
        );
        assert_eq!(on_stack, Some(WrongLock));
        assert!(free);
        Ok(())
    }

    #[test]
    fn a_group_is_used_again() -> Result {
        let cx = &mut MaySleep::assert();
        let device = Device::new(cx, 3)?;
        let mut group = Group::with_capacity(3, GFP_KERNEL)?;
        let mut order = [None; 3];
        for request in device.listed(cx).iter().flatten() {
            let number = request.number;
            device.answer(cx, request, 10 + number)?;
            group.push(request.clone()).map_err(|_| E2BIG)?;
        }
        for order in &mut order {
            let held = device.pending.lock_in(cx);
            let on = held.on(|pending| &pending.stop).until(|stop| *stop);
            let on = on.or_any_of(&mut group, |request| &request.answer)?;
            let wait = on.when(Option::is_some, Option::take);
            let Ok(Either::Second((which, answer))) = wait.wait(Idle.timeout(deadline())) else {
                continue;
            };
            *order = group.remove(which).map(|request| (request.number, answer));
        }
        let expected = [0, 1, 2].map(|number| Some((number, Some(10 + number))));
        assert_eq!(order, expected);
        assert!(group.is_empty());
        Ok(())
    }

    #[test]
    fn a_group_that_is_full_returns_the_object() -> Result {
        let mut group = Group::with_capacity(2, GFP_KERNEL)?;
        let room = group.capacity() as u32;
        for number in 0..room {
            group.push(number).map_err(|_| E2BIG)?;
        }
        assert!(room >= 2);
        assert_eq!(group.push(99), Err(99));
        assert_eq!(group.len(), room as usize);
        Ok(())
    }

    #[test]
    fn a_group_that_is_cleared_drops_its_objects_and_has_room() -> Result {
        let dropped = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let mut group = Group::with_capacity(2, GFP_KERNEL)?;
        let room = group.capacity();
        for _ in 0..room {
            group.push(Counted(dropped.clone())).map_err(|_| E2BIG)?;
        }
        let before = dropped.load(Relaxed);
        group.clear();
        let (after, left) = (dropped.load(Relaxed), group.len());
        let again = group.push(Counted(dropped.clone())).is_ok();
        assert_eq!((before, after), (0, room as u32));
        assert_eq!(left, 0);
        assert!(again);
        Ok(())
    }

    #[test]
    fn one_of_several_tied_events_on_the_stack() -> Result {
        let cx = &mut MaySleep::assert();
        let device = Device::new(cx, 3)?;
        let [Some(first), Some(second), Some(third), ..] = device.listed(cx) else {
            return Err(ENOENT);
        };
        device.answer(cx, &third, 3)?;
        let held = device.pending.lock_in(cx);
        let on = held.on_any_tied([&first.answer, &second.answer, &third.answer])?;
        let wait = on.when(Option::is_some, Option::take);
        let got = wait.wait(Idle.timeout(deadline()));
        assert_eq!(got, Ok((2, Some(3))));
        Ok(())
    }
}
