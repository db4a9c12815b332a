// SPDX-License-Identifier: GPL-2.0

//! A completion that is completed many times.

use super::{
    limited,
    suite::until,
    until_finished, //
};
use baton::{
    completion::{
        start_counted,
        Abandoned,
        CountedCompleter,
        CountedCompletion,
        LocalCounted, //
    },
    event::{
        Interruptible,
        Killable,
        Mode,
        Uninterruptible, //
    },
    testing::{
        self,
        Log, //
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
            Relaxed,
            Release, //
        },
        Arc, //
    },
};

/// Starts something that this test itself completes.
fn started(cx: &mut MaySleep) -> Result<(CountedCompleter, CountedCompletion)> {
    let mut kept = None;
    let completion = start_counted(cx, |completer: LocalCounted, _| {
        kept = Some(completer.hand_over());
        Ok(())
    })?;
    Ok((kept.ok_or(EIO)?, completion))
}

/// A wait that does not end, cut short.
fn in_vain(completion: &CountedCompletion, cx: &mut MaySleep) -> bool {
    completion.wait(cx, Uninterruptible.timeout(1)) == Err(ETIMEDOUT)
}

#[kunit_tests(baton_completion_counted)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_uses_up_one() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, completion) = started(cx)?;
        let early = (completion.is_done(), completion.try_wait());
        for _ in 0..3 {
            let _ = completer.complete();
        }
        let done = completion.is_done();
        let waited = completion.wait(cx, limited());
        let tried = [completion.try_wait(), completion.try_wait()];
        let left = (completion.is_done(), completion.try_wait());
        let vain = in_vain(&completion, cx);
        let _ = completer.complete();
        assert_eq!(early, (false, false));
        assert!(done);
        assert_eq!(waited, Ok(()));
        assert_eq!(tried, [true, true]);
        assert_eq!(left, (false, false));
        assert!(vain);
        // It can be completed again, and the wait that gave up has used up nothing.
        assert_eq!(completion.wait(cx, limited()), Ok(()));
        Ok(())
    }

    #[test]
    fn each_completion_ends_one_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, completion) = started(cx)?;
        let ended = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let mut threads = KVec::new();
        for _ in 0..3 {
            let (ended, completion) = (ended.clone(), completion.clone());
            let thread = Thread::spawn(cx, c"completion_kunit", move |cx, _| {
                if completion.wait(cx, Killable).is_ok() {
                    ended.fetch_add(1, Release);
                }
            })?;
            threads.push(thread, GFP_KERNEL)?;
        }
        let _ = completer.complete();
        let one = until(|| ended.load(Acquire) == 1);
        let _ = completer.complete();
        let two = until(|| ended.load(Acquire) == 2);
        let early = completion.is_done();
        drop(completer);
        for thread in threads {
            let _ = thread.join(cx);
        }
        assert!(one && two);
        assert!(!early);
        // The third wait has ended with an error.
        assert_eq!(ended.load(Relaxed), 2);
        Ok(())
    }

    #[test]
    fn the_last_completer_that_goes_ends_the_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, completion) = started(cx)?;
        let other = completer.clone();
        let _ = other.complete();
        drop(completer);
        let first = completion.wait(cx, limited());
        let vain = in_vain(&completion, cx);
        let _ = other.complete();
        drop(other);
        // What was completed is waited for all the same.
        let second = completion.wait(cx, limited());
        let third = completion.wait(cx, limited());
        assert_eq!(first, Ok(()));
        assert!(vain);
        assert_eq!(second, Ok(()));
        assert_eq!(third, Err(ECANCELED));
        assert!(!completion.try_wait());
        assert!(!completion.is_done());
        Ok(())
    }

    #[test]
    fn a_signal_uses_up_nothing() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, completion) = started(cx)?;
        let result = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let (theirs, got) = (completion.clone(), result.clone());
        let thread = Thread::spawn(cx, c"completion_kunit", move |cx, _| {
            let ended = theirs.wait(cx, Interruptible);
            got.store(ended.map_or_else(|e| e.to_errno(), |()| 1), Release);
        })?;
        until_finished(thread, Thread::interrupt, cx);
        let _ = completer.complete();
        assert_eq!(result.load(Acquire), ERESTARTSYS.to_errno());
        assert!(completion.try_wait());
        Ok(())
    }

    #[test]
    fn who_would_complete_does_not_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let mut kept = None;
        let log = Log::here();
        let completion = start_counted(cx, |completer, _| {
            kept = Some(completer);
            Ok(())
        })?;
        let refused = completion.wait(cx, limited());
        let said = log.lines(&["waits for a completion that only it could complete"]);
        let completer = kept.map(LocalCounted::hand_over);
        let vain = in_vain(&completion, cx);
        drop(completer);
        assert_eq!((refused, said), (Err(EDEADLK), 1));
        assert!(vain);
        Ok(())
    }

    /// Nobody is left who would have to hand it over.
    #[test]
    fn what_was_dropped_before_it_was_handed_over_ends_the_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let completion = start_counted(cx, |completer: LocalCounted, _| {
            drop(completer);
            Ok(())
        })?;
        assert_eq!(completion.wait(cx, limited()), Err(ECANCELED));
        Ok(())
    }

    #[test]
    fn who_completes_for_nobody_is_told() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, completion) = started(cx)?;
        let other = completion.clone();
        drop(completion);
        let told = completer.complete();
        drop(other);
        let late = completer.complete();
        assert_eq!(told, Ok(()));
        assert_eq!(late, Err(Abandoned(Ok(()))));
        Ok(())
    }

    #[test]
    fn it_is_completed_with_interrupts_off() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, completion) = started(cx)?;
        let off = testing::any_context(cx);
        let told = completer.complete();
        drop(off);
        assert_eq!(told, Ok(()));
        assert_eq!(completion.wait(cx, limited()), Ok(()));
        Ok(())
    }

    #[test]
    fn what_cannot_be_started_is_an_error() -> Result {
        let cx = &mut MaySleep::assert();
        let failed = start_counted(cx, |_, _| Err(ENODEV)).err();
        assert_eq!(failed, Some(ENODEV));
        Ok(())
    }
}
