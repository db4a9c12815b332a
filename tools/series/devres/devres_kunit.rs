// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`Devres`]: its device's release and its own drop wait for each other.
//!
//! The data's destructor sleeps until it is told to go on, on the thread that was first. The test's
//! own task lets it go on once the second thread is asleep.

#[macro_use]
#[path = "../../../testing/kunit/suite.rs"]
mod suite;

use baton::{
    testing,
    MaySleep,
    Thread, //
};
use kernel::{
    devres::Devres,
    faux,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc,
        Completion, //
    }, //
};
use suite::until;

suite!("devres_kunit", "KUnit suite of Devres");

/// What the threads and the test tell each other.
#[pin_data]
struct Told {
    dropping: Atomic<bool>,
    #[pin]
    go_on: Completion,
    dropped: Atomic<bool>,
    /// Whether the second one came back before.
    too_early: Atomic<bool>,
}

impl Told {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                dropping: Atomic::new(false),
                go_on <- Completion::new(),
                dropped: Atomic::new(false),
                too_early: Atomic::new(false),
            }),
            GFP_KERNEL,
        )
    }
}

/// The resource.
struct Data(Arc<Told>);

impl Drop for Data {
    fn drop(&mut self) {
        self.0.dropping.store(true, Release);
        self.0.go_on.wait_for_completion();
        self.0.dropped.store(true, Release);
    }
}

/// Runs `end`, and says whether the data was dropped when that was over.
fn second(
    cx: &mut MaySleep,
    told: &Arc<Told>,
    end: impl FnOnce() + Send + 'static,
) -> Result<Thread> {
    let told = told.clone();
    Thread::spawn(cx, c"devres_second", move |_, _| {
        end();
        if !told.dropped.load(Acquire) {
            told.too_early.store(true, Release);
        }
    })
}

/// Revokes from both sides, and does `meanwhile` while the second one waits for the first one.
///
/// Returns whether it was asleep then, and whether it came back too early.
fn race(drop_first: bool, meanwhile: impl FnOnce(&Thread)) -> Result<(bool, bool)> {
    let cx = &mut MaySleep::assert();
    let told = Told::new()?;
    let device = faux::Registration::new(c"baton_devres", None)?;
    let devres = Devres::new(device.as_ref().as_ref(), Data(told.clone()))?;

    let (first, second) = if drop_first {
        let first = Thread::spawn(cx, c"devres_first", move |_, _| drop(devres))?;
        until(|| told.dropping.load(Acquire));
        (first, second(cx, &told, move || drop(device))?)
    } else {
        let first = Thread::spawn(cx, c"devres_first", move |_, _| drop(device))?;
        until(|| told.dropping.load(Acquire));
        (first, second(cx, &told, move || drop(devres))?)
    };
    let asleep = until(|| testing::state(second.task()).0 == 'D');
    meanwhile(&second);
    told.go_on.complete_all();
    first.join(cx)?;
    second.join(cx)?;
    Ok((asleep, told.too_early.load(Acquire)))
}

/// What [`race`] returns if nothing is wrong.
const WAITED: (bool, bool) = (true, false);

#[kunit_tests(baton_devres)]
mod tests {
    use super::*;

    /// Unbinding the device waits until the data was dropped.
    #[test]
    fn the_release_waits_for_the_drop() -> Result {
        assert_eq!(race(true, |_| ())?, WAITED);
        Ok(())
    }

    /// The drop waits until the data was dropped.
    #[test]
    fn the_drop_waits_for_the_release() -> Result {
        assert_eq!(race(false, |_| ())?, WAITED);
        Ok(())
    }

    /// A thread that is to stop waits nevertheless.
    #[test]
    fn a_stop_does_not_end_the_wait() -> Result {
        let mut still = false;
        let told = race(false, |second| {
            second.request_stop();
            // It has been told of the stop when it sleeps again, or has come back.
            still = until(|| testing::state(second.task()).0 == 'D');
        })?;
        assert_eq!(told, WAITED);
        assert!(still);
        Ok(())
    }

    /// Alone, each of them waits for nobody.
    #[test]
    fn nobody_waits_alone() -> Result {
        let told = Told::new()?;
        told.go_on.complete_all();
        let device = faux::Registration::new(c"baton_devres", None)?;
        drop(Devres::new(device.as_ref().as_ref(), Data(told.clone()))?);
        assert!(told.dropped.load(Acquire));
        let told = Told::new()?;
        told.go_on.complete_all();
        let devres = Devres::new(device.as_ref().as_ref(), Data(told.clone()))?;
        drop(device);
        assert!(told.dropped.load(Acquire));
        assert!(devres.try_access().is_none());
        Ok(())
    }
}
