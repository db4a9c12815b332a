// SPDX-License-Identifier: GPL-2.0

//! Those who sleep on a completion when it is completed.

use super::{
    started,
    suite,
    waiter, //
};
use baton::{
    completion::Completer,
    event::{
        Idle,
        Mode, //
    },
    testing,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::atomic::Acquire,
    time::msecs_to_jiffies, //
};

/// Has `tell` complete what another task sleeps on; returns whether that slept, and what it got.
fn told_asleep(cx: &mut MaySleep, tell: impl FnOnce(Completer<i32>)) -> Result<(bool, i32)> {
    let (completer, completion) = started::<i32>(cx)?;
    let (thread, result) = waiter(completion, Idle.timeout(msecs_to_jiffies(10_000)), cx)?;
    // Nothing else in such a thread sleeps in this state.
    let asleep = suite::until(|| testing::state(thread.task()).0 == 'I');
    tell(completer);
    let _ = thread.join(cx);
    Ok((asleep, result.load(Acquire)))
}

#[kunit_tests(baton_completion_asleep)]
mod tests {
    use super::*;

    #[test]
    fn who_sleeps_is_told() -> Result {
        let cx = &mut MaySleep::assert();
        let told = told_asleep(cx, |completer| {
            let _ = completer.complete(Ok(7));
        })?;
        let dropped = told_asleep(cx, drop)?;
        assert_eq!([told, dropped], [(true, 7), (true, ECANCELED.to_errno())]);
        Ok(())
    }
}
