// SPDX-License-Identifier: GPL-2.0

//! What is lost, in how many of the rounds: all with `CondVar`, none with an event.
//!
//! The tests of `CondVar` say how Linux 7.3.4 is; with the patch of `samples/bugs/condvar/` they fail, and
//! nothing is lost there either.

use super::round::{
    lost,
    EventItems,
    Queue,
    Why,
    ROUNDS, //
};
use crate::items::Items;
use baton::MaySleep;
use kernel::{
    prelude::*,
    sync::lock::{
        mutex::MutexBackend,
        spinlock::SpinLockBackend, //
    },
};

/// In how many rounds the item of `Q` is lost.
fn rounds<Q: Queue>(why: Why, looks_again: bool) -> Result<u32> {
    let cx = &mut MaySleep::assert(); // ENTRY: a test.
    lost::<Q>(cx, why, looks_again)
}

#[kunit_tests(baton_condvar)]
mod tests {
    use super::*;

    #[test]
    fn condvar_loses_to_a_signal_under_a_mutex() -> Result {
        assert_eq!(
            rounds::<Items<MutexBackend>>(Why::Signal, false),
            Ok(ROUNDS)
        );
        Ok(())
    }

    #[test]
    fn condvar_loses_to_a_signal_under_a_spinlock() -> Result {
        assert_eq!(
            rounds::<Items<SpinLockBackend>>(Why::Signal, false),
            Ok(ROUNDS)
        );
        Ok(())
    }

    #[test]
    fn condvar_loses_to_who_waits_for_the_mutex_after_a_signal() -> Result {
        assert_eq!(
            rounds::<Items<MutexBackend>>(Why::LateSignal, false),
            Ok(ROUNDS)
        );
        Ok(())
    }

    #[test]
    fn condvar_loses_to_who_waits_for_the_mutex_after_its_time() -> Result {
        assert_eq!(
            rounds::<Items<MutexBackend>>(Why::Timeout, false),
            Ok(ROUNDS)
        );
        Ok(())
    }

    #[test]
    fn condvar_loses_nothing_to_who_looks_again() -> Result {
        assert_eq!(rounds::<Items<MutexBackend>>(Why::Signal, true), Ok(0));
        assert_eq!(rounds::<Items<SpinLockBackend>>(Why::Signal, true), Ok(0));
        assert_eq!(rounds::<Items<MutexBackend>>(Why::LateSignal, true), Ok(0));
        assert_eq!(rounds::<Items<MutexBackend>>(Why::Timeout, true), Ok(0));
        Ok(())
    }

    #[test]
    fn an_event_loses_nothing() -> Result {
        assert_eq!(
            rounds::<EventItems<MutexBackend>>(Why::Signal, false),
            Ok(0)
        );
        assert_eq!(
            rounds::<EventItems<SpinLockBackend>>(Why::Signal, false),
            Ok(0)
        );
        assert_eq!(
            rounds::<EventItems<MutexBackend>>(Why::LateSignal, false),
            Ok(0)
        );
        assert_eq!(
            rounds::<EventItems<MutexBackend>>(Why::Timeout, false),
            Ok(0)
        );
        Ok(())
    }
}
