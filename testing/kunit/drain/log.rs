// SPDX-License-Identifier: GPL-2.0

//! What a drain says in the log, and what its errors are to others.

use super::{
    drain,
    holder,
    join,
    limited,
    until, //
};
use baton::{
    drain::{
        new_drain,
        Drain,
        DrainError, //
    },
    event::{
        Mode,
        Uninterruptible, //
    },
    testing::Log,
    MaySleep,
    WaitError, //
};
use kernel::{
    fmt,
    prelude::*,
    str::CString,
    sync::Arc, //
};

/// How many lines since `log` have this text.
fn lines(log: Log, text: fmt::Arguments<'_>) -> Result<usize> {
    Ok(log.lines(&[CString::try_from_fmt(text)?.to_str()?]))
}

#[kunit_tests(baton_drain_log)]
mod tests {
    use super::*;

    #[test]
    fn a_drain_that_goes_away_with_references_says_so() -> Result {
        let log = Log::here();
        drop(drain()?);
        let nothing = log.lines(&["a drain goes away"]);

        let drain = drain()?;
        let first = drain.try_begin()?;
        let (second, line) = (drain.try_begin()?.park(), line!());
        drop(drain);
        let told = lines(log, fmt!("a drain goes away with 2 references in flight"));
        let parked = lines(log, fmt!("since drain/log.rs:{line}"));
        drop((first, second));
        assert_eq!(nothing, 0);
        assert_eq!(told, Ok(1));
        assert_eq!(parked, Ok(1));
        Ok(())
    }

    #[test]
    fn who_waits_for_what_it_has_parked_is_told_where() -> Result {
        let cx = &mut MaySleep::assert();
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("drain_kunit_parked"), GFP_KERNEL)?;
        let log = Log::here();
        let (parked, line) = (drain.try_begin()?.park(), line!());
        let waited = drain.shut(cx, limited())?.wait(limited());
        let told = lines(
            log,
            fmt!("waits for drain \"drain_kunit_parked\": a reference is parked on task"),
        );
        let place = lines(log, fmt!("since drain/log.rs:{line}"));
        drop(parked);
        // Nothing is said of a wait that can end.
        let log = Log::here();
        let reference = drain.try_begin()?;
        let limit = Uninterruptible.timeout(1);
        let timed_out = drain.shut(cx, limited())?.wait(limit);
        reference.end();
        let nothing = log.lines(&["drain_kunit_parked"]);
        assert_eq!(waited, Err(DrainError::Deadlock));
        assert_eq!(told, Ok(1));
        assert_eq!(place, Ok(1));
        assert_eq!(timed_out, Err(DrainError::TimedOut));
        assert_eq!(nothing, 0);
        Ok(())
    }

    #[test]
    fn who_has_shut_the_gate_is_told_so() -> Result {
        let cx = &mut MaySleep::assert();
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("drain_kunit_shut"), GFP_KERNEL)?;
        let text = ["at the gate of drain \"drain_kunit_shut\", which it has shut itself"];
        let log = Log::here();
        let shut = drain.shut(cx, limited())?;
        let before = log.lines(&text);
        // Comes in again, as a page fault does.
        let cx = &mut MaySleep::assert();
        let begun = drain.begin_when_open(cx, limited()).err();
        let once = log.lines(&text);
        let again = drain.shut(cx, limited()).err();
        let twice = log.lines(&text);
        let owned = Drain::shut_owned(drain.as_arc_borrow(), cx, limited()).err();
        let thrice = log.lines(&text);
        drop(shut);
        assert_eq!(
            (begun, again),
            (Some(DrainError::Deadlock), Some(DrainError::Deadlock))
        );
        assert_eq!(owned, Some(DrainError::Deadlock));
        assert_eq!((before, once, twice, thrice), (0, 1, 2, 3));
        Ok(())
    }

    /// Nor does it join itself.
    #[test]
    fn who_has_the_gate_alone_and_wants_to_join_is_told_so() -> Result {
        let cx = &mut MaySleep::assert();
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("drain_kunit_joined"), GFP_KERNEL)?;
        let log = Log::here();
        let shut = drain.shut(cx, limited())?;
        // Comes in again, as a page fault does.
        let cx = &mut MaySleep::assert();
        let joined = drain.shut_nested(cx, limited()).err();
        let own = ["at the gate of drain \"drain_kunit_joined\", which it has shut itself"];
        let told = log.lines(&own);
        // It is known without a search.
        let cycle = log.lines(&["waits at the gate of drain \"drain_kunit_joined\": task "]);
        drop(shut);
        assert_eq!(joined, Some(DrainError::Deadlock));
        assert_eq!((told, cycle), (1, 0));
        Ok(())
    }

    #[test]
    fn who_has_shut_an_owned_gate_is_told_so() -> Result {
        let cx = &mut MaySleep::assert();
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("drain_kunit_owned"), GFP_KERNEL)?;
        let text =
            ["at the gate of drain \"drain_kunit_owned\", which it has shut itself: another"];
        let log = Log::here();
        let shut = Drain::shut_owned(drain.as_arc_borrow(), cx, limited())?;
        let begun = drain
            .begin_when_open(cx, Uninterruptible.timeout(1))
            .map(|active| active.end());
        let told = log.lines(&text);
        // It waits for what is in flight, and that is in order.
        let waited = shut.wait(cx, limited());
        drop(shut);
        let reference = drain.try_begin();
        let shut = Drain::shut_owned(drain.as_arc_borrow(), cx, limited())?;
        let early = shut.wait(cx, Uninterruptible.timeout(1));
        let told_again = log.lines(&text);
        drop((reference, shut));

        // Somebody else has it now.
        let log = Log::here();
        let (thread, step) = holder(&drain, cx)?;
        let held = until(|| step.get() == 1);
        let theirs = drain
            .begin_when_open(cx, Uninterruptible.timeout(1))
            .map(|active| active.end());
        let nothing = log.lines(&text);
        step.set(2);
        let ended = join(thread, cx);
        assert_eq!(begun, Err(DrainError::TimedOut));
        assert_eq!((told, told_again), (1, 1));
        assert_eq!((waited, early), (Ok(()), Err(DrainError::TimedOut)));
        assert!(held);
        assert_eq!(theirs, Err(DrainError::TimedOut));
        assert_eq!(nothing, 0);
        assert!(ended);
        Ok(())
    }

    #[test]
    fn errors_have_their_errno() {
        let errno = |error: DrainError| Error::from(error);
        assert_eq!(errno(DrainError::Shut), EBUSY);
        assert_eq!(errno(DrainError::Deadlock), EDEADLK);
        assert_eq!(errno(DrainError::Signal), ERESTARTSYS);
        assert_eq!(errno(DrainError::Stopped), ECANCELED);
        assert_eq!(errno(DrainError::TimedOut), ETIMEDOUT);
        assert_eq!(DrainError::from(WaitError::Signal), DrainError::Signal);
        assert_eq!(DrainError::from(WaitError::Stopped), DrainError::Stopped);
        assert_eq!(DrainError::from(WaitError::TimedOut), DrainError::TimedOut);
    }
}
