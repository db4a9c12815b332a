// SPDX-License-Identifier: GPL-2.0

//! How late a limit may be: as the kernel's list of timers has it while a task sleeps.

use super::gate::{
    take,
    until,
    Gate,
    SERVED, //
};
use baton::{
    event::{
        Interruptible,
        Killable,
        Mode,
        ModeAt,
        Uninterruptible, //
    },
    testing,
    Any,
    LockIn,
    MaySleep,
    Thread,
    WaitError, //
};
use core::str;
use kernel::{
    prelude::*,
    sync::Arc,
    time::{
        BootTime,
        ClockSource,
        Delta,
        Instant,
        Monotonic,
        RealTime,
        NSEC_PER_SEC, //
    },
};

type Credits = Arc<Gate<Any>>;

/// Nobody else has a timer that ends in the 500 seconds before this.
const FAR: i64 = 3_000_500;

/// As good as any, and nobody else's.
const SLACK: i64 = 71_000_003;

fn far() -> Delta {
    Delta::from_secs(FAR)
}

fn slack() -> Delta {
    Delta::from_nanos(SLACK)
}

/// Returns from when and until when the timer may end that a line of `/proc/timer_list` is about, if that is a
/// far one.
fn range(line: &str) -> Option<(i64, i64)> {
    let (range, left) = line
        .trim_start()
        .strip_prefix("# expires at ")?
        .split_once(" nsecs [in ")?;
    let (soft, hard) = range.split_once('-')?;
    let (left, _) = left.split_once(" to ")?;
    let left: i64 = left.parse().ok()?;
    if !(FAR - 500..FAR).contains(&(left / NSEC_PER_SEC)) {
        return None;
    }
    Some((soft.parse().ok()?, hard.parse().ok()?))
}

/// Returns how late the only far timer of that list may be.
///
/// The list is written without the lock of the timers, by number: the same one is there twice if another began
/// before it meanwhile.
fn late(list: &str) -> Result<Option<i64>> {
    let mut found = list.lines().filter_map(range);
    let Some((soft, hard)) = found.next() else {
        return Ok(None);
    };
    match found.all(|other| other == (soft, hard)) {
        true => Ok(Some(hard - soft)),
        false => Err(EEXIST),
    }
}

/// Returns how late the only far timer may be.
fn slack_of_the_far_timer(cx: &mut MaySleep) -> Result<Option<i64>> {
    let list = testing::read(cx, c"/proc/timer_list")?;
    late(str::from_utf8(&list).map_err(|_| EILSEQ)?)
}

/// Lets a thread wait, and returns how late the timer may be that it sleeps with.
fn seen<F>(cx: &mut MaySleep, wait: F) -> Result<i64>
where
    F: FnOnce(&mut MaySleep, &Credits) -> Result<u32, WaitError> + Send + 'static,
{
    let gate = Gate::<Any>::new()?;
    let theirs = gate.clone();
    let waiter = Thread::spawn(cx, c"slack_waiter", move |cx, _| {
        let result = wait(cx, &theirs);
        theirs.note(0, result);
    })?;
    let mut found = Ok(None);
    // It may be linked, and not asleep yet.
    let asleep = until(|| {
        found = slack_of_the_far_timer(cx);
        found != Ok(None)
    });
    gate.add(cx, 1);
    gate.join(cx, [waiter])?;
    asleep?;
    assert_eq!(gate.ended(0), SERVED);
    found?.ok_or(ENOENT)
}

fn wait<M: ModeAt<Error = WaitError>>(
    cx: &mut MaySleep,
    gate: &Credits,
    mode: M,
) -> Result<u32, WaitError> {
    let on = gate.state.lock_in(cx).on(|s| &s.credits);
    on.claim(take(1)).wait(mode)
}

/// As [`seen`], with that slack and a limit on the clock `C`.
fn seen_on<C: ClockSource>(cx: &mut MaySleep, slack: Delta) -> Result<i64> {
    seen(cx, move |cx, gate| {
        let at = Instant::<C>::now() + far();
        wait(cx, gate, Killable.timeout(at).slack(slack))
    })
}

#[kunit_tests(baton_event_slack)]
mod tests {
    use super::*;

    #[test]
    fn the_only_far_timer_may_be_listed_twice() {
        let near = " # expires at 3-9 nsecs [in 1000000000 to 1000000006 nsecs]\n";
        let twice = " #6: <0>, hrtimer_wakeup, S:01
 # expires at 40-47 nsecs [in 3000100000000000 to 3000100000000007 nsecs]
 #7: <0>, hrtimer_wakeup, S:01
 # expires at 40-47 nsecs [in 3000100000000000 to 3000100000000007 nsecs]\n";
        let two = " # expires at 40-47 nsecs [in 3000100000000000 to 3000100000000007 nsecs]
 # expires at 41-47 nsecs [in 3000100000000001 to 3000100000000007 nsecs]\n";
        assert_eq!(late(near), Ok(None));
        assert_eq!(late(twice), Ok(Some(7)));
        assert_eq!(late(two), Err(EEXIST));
    }

    #[test]
    fn a_limit_is_as_late_as_was_said() -> Result {
        let cx = &mut MaySleep::assert();
        let span = seen(cx, |cx, gate| {
            wait(cx, gate, Uninterruptible.timeout(far()).slack(slack()))
        });
        let budget = seen(cx, |cx, gate| {
            let mut left = far();
            wait(cx, gate, Interruptible.within(&mut left).slack(slack()))
        });
        let freezable = seen(cx, |cx, gate| {
            let limit = Killable.timeout(far()).slack(slack());
            wait(cx, gate, limit.freezable())
        });
        assert_eq!([span, budget, freezable], [Ok(SLACK); 3]);
        assert_eq!(seen_on::<Monotonic>(cx, slack()), Ok(SLACK));
        assert_eq!(seen_on::<BootTime>(cx, slack()), Ok(SLACK));
        assert_eq!(seen_on::<RealTime>(cx, slack()), Ok(SLACK));
        assert_eq!(seen_on::<Monotonic>(cx, Delta::ZERO), Ok(0));
        // Never early.
        assert_eq!(seen_on::<Monotonic>(cx, Delta::from_nanos(-1)), Ok(0));
        Ok(())
    }

    /// All kernel threads have the slack of the first task.
    #[test]
    fn without_it_the_task_says_how_late() -> Result {
        let cx = &mut MaySleep::assert();
        let span = seen(cx, |cx, gate| {
            wait(cx, gate, Uninterruptible.timeout(far()))
        });
        let budget = seen(cx, |cx, gate| {
            let mut left = far();
            wait(cx, gate, Killable.within(&mut left))
        });
        assert_eq!([span, budget], [Ok(50_000); 2]);
        Ok(())
    }

    #[test]
    fn the_limit_that_comes_first_keeps_its_own() -> Result {
        let cx = &mut MaySleep::assert();
        let later = Delta::from_secs(2 * FAR);
        let inner = seen(cx, move |cx, gate| {
            let limit = Killable.timeout(far()).slack(slack());
            wait(cx, gate, limit.timeout(later).slack(Delta::ZERO))
        });
        let outer = seen(cx, move |cx, gate| {
            let limit = Killable.timeout(later).slack(Delta::ZERO);
            wait(cx, gate, limit.timeout(far()).slack(slack()))
        });
        assert_eq!([inner, outer], [Ok(SLACK); 2]);
        Ok(())
    }
}
