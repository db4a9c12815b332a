// SPDX-License-Identifier: GPL-2.0

//! A completion that many wait for.

use super::{
    limited,
    started,
    suite::until,
    Told, //
};
use baton::{
    completion::{
        dropped_completers,
        start,
        Abandoned,
        LocalCompleter,
        SharedCompletion, //
    },
    event::{
        Killable,
        Mode,
        Uninterruptible, //
    },
    testing,
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        Arc, //
    },
};

/// Waits in a thread, and stores what it got: the value, or the error.
fn waiter(
    completion: SharedCompletion<i32>,
    cx: &mut MaySleep,
) -> Result<(Thread, Arc<Atomic<i32>>)> {
    let result = Arc::new(Atomic::new(0), GFP_KERNEL)?;
    let theirs = result.clone();
    let thread = Thread::spawn(cx, c"completion_kunit", move |cx, _| {
        let ended = completion.wait(cx, Killable);
        theirs.store(ended.map_or_else(|e| e.to_errno(), |got| *got), Release);
    })?;
    Ok((thread, result))
}

/// Several wait, and `tell` completes; returns what they got.
fn told(
    cx: &mut MaySleep,
    tell: impl FnOnce(baton::completion::Completer<i32>),
) -> Result<[i32; 3]> {
    let (completer, completion) = started::<i32>(cx)?;
    let shared = completion.share();
    let one = waiter(shared.clone(), cx)?;
    let other = waiter(shared.clone(), cx)?;
    tell(completer);
    let mine = shared.wait(cx, limited());
    let mine = mine.map_or_else(|e| e.to_errno(), |got| *got);
    let _ = one.0.join(cx);
    let _ = other.0.join(cx);
    Ok([mine, one.1.load(Acquire), other.1.load(Acquire)])
}

#[kunit_tests(baton_completion_shared)]
mod tests {
    use super::*;

    #[test]
    fn all_who_wait_get_the_same() -> Result {
        let cx = &mut MaySleep::assert();
        let got = told(cx, |completer| {
            let _ = completer.complete(Ok(7));
        })?;
        assert_eq!(got, [7, 7, 7]);
        Ok(())
    }

    #[test]
    fn a_dropped_completer_is_an_error_for_all() -> Result {
        let cx = &mut MaySleep::assert();
        let before = dropped_completers();
        let got = told(cx, drop)?;
        assert_eq!(got, [ECANCELED.to_errno(); 3]);
        assert_eq!(dropped_completers(), before + 1);
        Ok(())
    }

    #[test]
    fn it_stays_completed() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, completion) = started::<u32>(cx)?;
        let shared = completion.share();
        let early = (shared.is_done(), shared.try_wait().is_none());
        let _ = completer.complete(Ok(3));
        let other = shared.clone();
        let first = shared.wait(cx, limited());
        assert_eq!(early, (false, true));
        assert_eq!(first, Ok(&3));
        assert_eq!(shared.wait(cx, limited()), Ok(&3));
        assert_eq!(other.try_wait(), Some(Ok(&3)));
        assert!(other.is_done());
        Ok(())
    }

    #[test]
    fn what_is_not_send_twice_is_looked_at_where_it_is() -> Result {
        let cx = &mut MaySleep::assert();
        let dropped = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let (completer, completion) = started::<Told>(cx)?;
        let shared = completion.share();
        let other = shared.clone();
        let told = completer.complete(Ok(Told(dropped.clone()))).is_ok();
        let same = match (shared.wait(cx, limited()), other.wait(cx, limited())) {
            (Ok(one), Ok(other)) => core::ptr::eq(one, other),
            _ => false,
        };
        drop(shared);
        let early = dropped.load(Relaxed);
        drop(other);
        assert!(told && same);
        assert_eq!(early, 0);
        // Once, and with no lock held.
        assert_eq!(dropped.load(Relaxed), 1);
        Ok(())
    }

    /// Also if who completes is not back from that. It wakes this task, which comes before it on its CPU, and
    /// goes on in the middle of it.
    #[test]
    fn what_was_told_is_dropped_by_the_last_of_those_who_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let dropped = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let step = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let (completer, completion) = started::<Told>(cx)?;
        let shared = completion.share();
        let (told, theirs) = (Told(dropped.clone()), step.clone());
        let thread = Thread::spawn(cx, c"completion_kunit", move |cx, _| {
            let _ = testing::stay_on(cx, 0);
            theirs.store(1, Release);
            until(|| theirs.load(Acquire) == 2);
            let _ = completer.complete(Ok(told));
        })?;
        let ready = until(|| step.load(Acquire) == 1);
        let seen = testing::first_on(cx, 0, |cx| {
            step.store(2, Release);
            let waited = shared.wait(cx, limited()).is_ok();
            drop(shared);
            (waited, dropped.load(Relaxed))
        });
        let _ = thread.join(cx);
        assert!(ready);
        // Once, with no lock held, and before the other one has gone on.
        assert_eq!(seen, Ok((true, 1)));
        assert_eq!(dropped.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn who_tells_nobody_gets_it_back() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, completion) = started::<u32>(cx)?;
        let shared = completion.share();
        let other = shared.clone();
        drop(shared);
        let waited_for = !completer.is_abandoned();
        drop(other);
        let told = completer.complete(Ok(6));
        assert!(waited_for);
        assert_eq!(told, Err(Abandoned(Ok(6))));
        Ok(())
    }

    #[test]
    fn who_would_complete_does_not_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let mut kept = None;
        let shared = start(cx, |completer: LocalCompleter<u32>, _| {
            kept = Some(completer);
            Ok(())
        })?
        .share();
        let refused = shared.clone().wait(cx, limited()).copied();
        let over = match kept {
            Some(completer) => {
                let completer = completer.hand_over();
                let over = shared.wait(cx, Uninterruptible.timeout(1)).copied();
                let _ = completer.complete(Ok(1));
                over
            }
            None => Err(EIO),
        };
        assert_eq!(refused, Err(EDEADLK));
        assert_eq!(over, Err(ETIMEDOUT));
        assert_eq!(shared.wait(cx, limited()), Ok(&1));
        Ok(())
    }

    #[test]
    fn what_was_taken_before_is_not_there() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = started::<u32>(cx)?;
        let early = completion.is_done();
        let _ = completer.complete(Ok(3));
        let done = completion.is_done();
        let taken = completion.wait(cx, limited());
        let shared = completion.share();
        assert_eq!((early, done), (false, true));
        assert_eq!(taken, Ok(3));
        assert_eq!(shared.wait(cx, limited()), Err(ENODATA));
        Ok(())
    }
}
