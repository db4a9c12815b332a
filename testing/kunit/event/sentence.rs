// SPDX-License-Identifier: GPL-2.0

//! The parts of a wait: selectors that are bound, functions as claims.

use super::gate::deadline;
use baton::{
    event::{
        select,
        select_mut,
        Idle,
        Mode, //
    },
    new_event,
    Either,
    Event,
    Fifo,
    LockIn,
    MaySleep,
    WaitError, //
};
use core::{
    mem,
    pin::Pin, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

#[pin_data]
struct Flags {
    #[pin]
    set: Event<u32, Fifo>,
}

/// One credit or more.
fn any_left(credits: &u32) -> bool {
    *credits > 0
}

fn take_one(credits: &mut u32) {
    *credits -= 1;
}

fn flags(set: u32) -> Result<Pin<KBox<Mutex<Flags>>>> {
    KBox::pin_init(
        new_mutex!(pin_init!(Flags { set <- new_event!(set) })),
        GFP_KERNEL,
    )
}

#[kunit_tests(baton_event_sentence)]
mod tests {
    use super::*;

    /// Closures that capture nothing, functions, and pointers to functions.
    #[test]
    fn functions_are_claims() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = flags(5)?;
        let set = select(|flags: &Flags| &flags.set);
        let condition: fn(&u32) -> bool = any_left;
        let taking: fn(&mut u32) = take_one;
        let mode = || Idle.timeout(deadline());
        let got = [
            lock.lock_in(cx).on(set).until(any_left).wait(mode()),
            lock.lock_in(cx).on(set).until(condition).wait(mode()),
            lock.lock_in(cx)
                .on(set)
                .when(any_left, take_one)
                .wait(mode()),
            lock.lock_in(cx)
                .on(set)
                .when(condition, taking)
                .wait(mode()),
            lock.lock_in(cx)
                .on(set)
                .when(|left| *left == 3, |left| *left -= 1)
                .wait(mode()),
            lock.lock_in(cx)
                .on(set)
                .give(7)
                .when(any_left, |left, seven| *left = seven.take())
                .wait(mode())
                .map_err(|back| back.error),
        ];
        let left = *lock.lock_in(cx).set;
        assert_eq!(got, [Ok(()); 6]);
        assert_eq!(left, 7);
        Ok(())
    }

    #[test]
    fn a_selector_is_bound_and_used_twice() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = flags(0)?;
        let set = select(|flags: &Flags| &flags.set);
        let change = select_mut(|flags: Pin<&mut Flags>| flags.project().set);
        let mut held = lock.lock_in(cx);
        held.update(change, |set| *set += 1);
        held.update(change, |set| *set += 1);
        drop(held);
        let first = lock.lock_in(cx).on(set).when(|set| *set == 2, mem::take);
        let first = first.wait(Idle.timeout(deadline()));
        let then = lock.lock_in(cx).on(set).until(|set| *set == 0);
        let then = then.or(set).until(|set| *set == 0);
        let then = then.wait(Idle.timeout(deadline()));
        assert_eq!(first, Ok(2));
        assert_eq!(then, Ok(Either::First(())));
        Ok(())
    }

    /// What is not found is as good as closed; the lock is taken again if that was asked for.
    #[test]
    fn an_event_that_is_not_found_is_closed() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = flags(1)?;
        let on = lock.lock_in(cx).on_found(|flags| Some(&flags.set));
        let (held, found) = on.until(any_left).wait_relock(Idle.timeout(deadline()));
        let set = *held.set;
        drop(held);
        let on = lock.lock_in(cx).on_found(|_| None::<&Event<u32>>);
        let (held, missed) = on.until(any_left).wait_relock(Idle.timeout(deadline()));
        let again = *held.set;
        drop(held);
        assert_eq!((found, set), (Ok(()), 1));
        assert_eq!((missed, again), (Err(WaitError::Closed), 1));
        Ok(())
    }
}
