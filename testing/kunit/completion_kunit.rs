// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of completions: told once, in every way to wait, and never forgotten.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    completion::{
        dropped_completers,
        pair,
        Completion, //
    },
    event::{
        Interruptible,
        Io,
        Killable,
        Mode,
        Uninterruptible,
        WaitError, //
    },
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    }, //
};

suite!("completion_kunit", "KUnit suite of baton's completions");

/// A wait that is sure to end, and ends at last if it does not.
fn limited() -> impl Mode<Error = WaitError> {
    Uninterruptible.timeout(msecs_to_jiffies(2000))
}

/// Waits in a thread, and stores what it got: the value, or the error.
fn waiter<M: Mode + Send + 'static>(
    mut completion: Completion<i32>,
    mode: M,
    cx: &mut MaySleep,
) -> Result<(Thread, Arc<Atomic<i32>>)> {
    let result = Arc::new(Atomic::new(0), GFP_KERNEL)?;
    let theirs = result.clone();
    let thread = Thread::spawn(cx, c"completion_kunit", move |cx, _| {
        let ended = completion.wait(cx, mode);
        theirs.store(ended.unwrap_or_else(|e| e.to_errno()), Release);
    })?;
    Ok((thread, result))
}

/// Signals the thread until it has ended: it may not have begun to listen.
fn until_finished(thread: Thread, signal: fn(&Thread), cx: &mut MaySleep) {
    while !thread.is_finished(cx) {
        signal(&thread);
        fsleep(Delta::from_micros(100));
    }
    let _ = thread.join(cx);
}

/// Completes with 7 from another task, and returns what the waiter got.
fn told_by_another<M: Mode + Send + 'static>(mode: M, cx: &mut MaySleep) -> Result<i32> {
    let (completer, completion) = pair::<i32>()?;
    let (thread, result) = waiter(completion, mode, cx)?;
    let completer = completer.hand_over();
    let other = Thread::spawn(cx, c"completion_kunit", move |_, _| {
        completer.complete(Ok(7))
    });
    // A completer that could not be handed to the thread is dropped, which completes.
    let _ = thread.join(cx);
    let _ = other?.join(cx);
    Ok(result.load(Acquire))
}

#[kunit_tests(baton_completion)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_wait_is_told() -> Result {
        let cx = &mut MaySleep::assert();
        assert_eq!(told_by_another(Uninterruptible, cx)?, 7);
        assert_eq!(told_by_another(Interruptible, cx)?, 7);
        assert_eq!(told_by_another(Killable, cx)?, 7);
        assert_eq!(told_by_another(Io, cx)?, 7);
        assert_eq!(told_by_another(limited(), cx)?, 7);
        Ok(())
    }

    #[test]
    fn told_before_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = pair::<u32>()?;
        completer.complete(Ok(3));
        assert_eq!(completion.wait(cx, limited()), Ok(3));
        Ok(())
    }

    #[test]
    fn an_error_is_told_too() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = pair::<u32>()?;
        completer.complete(Err(EIO));
        assert_eq!(completion.wait(cx, limited()), Err(EIO));
        Ok(())
    }

    #[test]
    fn a_dropped_completer_completes_with_an_error() -> Result {
        let cx = &mut MaySleep::assert();
        let before = dropped_completers();
        let (completer, mut completion) = pair::<u32>()?;
        drop(completer.hand_over());
        assert_eq!(completion.wait(cx, limited()), Err(ECANCELED));
        assert_eq!(dropped_completers(), before + 1);
        Ok(())
    }

    #[test]
    fn who_would_complete_does_not_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = pair::<u32>()?;
        assert_eq!(completion.wait(cx, limited()), Err(EDEADLK));
        completer.complete(Ok(1));
        assert_eq!(completion.wait(cx, limited()), Ok(1));
        Ok(())
    }

    #[test]
    fn the_time_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = pair::<u32>()?;
        let completer = completer.hand_over();
        let limit = Uninterruptible.timeout(msecs_to_jiffies(10));
        assert_eq!(completion.wait(cx, limit), Err(ETIMEDOUT));
        completer.complete(Ok(2));
        assert_eq!(completion.wait(cx, limited()), Ok(2));
        Ok(())
    }

    #[test]
    fn signals_end_what_they_may() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, completion) = pair::<i32>()?;
        let completer = completer.hand_over();
        let (thread, interrupted) = waiter(completion, Interruptible, cx)?;
        until_finished(thread, Thread::interrupt, cx);
        drop(completer);

        let (completer, completion) = pair::<i32>()?;
        let completer = completer.hand_over();
        let (thread, killed) = waiter(completion, Killable, cx)?;
        until_finished(thread, Thread::kill, cx);
        drop(completer);
        assert_eq!(interrupted.load(Acquire), ERESTARTSYS.to_errno());
        assert_eq!(killed.load(Acquire), ERESTARTSYS.to_errno());
        Ok(())
    }

    #[test]
    fn try_wait_takes_what_is_there() -> Result {
        let (completer, mut completion) = pair::<u32>()?;
        assert!(completion.try_wait().is_none());
        completer.complete(Ok(5));
        assert_eq!(completion.try_wait(), Some(Ok(5)));
        assert!(completion.try_wait().is_none());
        Ok(())
    }

    #[test]
    fn what_was_taken_is_gone_until_it_is_made_anew() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = pair::<u32>()?;
        assert_eq!(completion.reinit().err(), Some(EBUSY));
        completer.complete(Ok(1));
        assert_eq!(completion.wait(cx, limited()), Ok(1));
        assert_eq!(completion.wait(cx, limited()), Err(ENODATA));
        let again = completion.reinit()?;
        again.complete(Ok(2));
        assert_eq!(completion.wait(cx, limited()), Ok(2));
        Ok(())
    }

    #[test]
    fn it_is_completed_with_interrupts_off() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = pair::<u32>()?;
        let off = cx.interrupts_off();
        completer.complete(Ok(4));
        drop(off);
        assert_eq!(completion.wait(cx, limited()), Ok(4));
        Ok(())
    }
}
