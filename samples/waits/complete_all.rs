// SPDX-License-Identifier: GPL-2.0

//! Tell all who wait, and all who will.
//!
//! C: complete_all
//! Rust: `.share()`
//! Not any more: `reinit_completion()` while somebody has yet to wake up; a path that forgets `complete_all()`; one `complete()`
//! for several who wait
//!
//! ```c
//! complete_all(&firmware->loaded);
//!
//! wait_for_completion_killable(&firmware->loaded); /* any number of tasks */
//! ```

use baton::{
    completion::{
        self,
        Completer,
        SharedCompletion, //
    },
    event::Killable,
    MaySleep, //
};
use kernel::prelude::*;

fn load(
    cx: &mut MaySleep,
    device: impl FnOnce(Completer<u32>, &mut MaySleep) -> Result,
) -> Result<SharedCompletion<u32>> {
    let loading = completion::start(cx, |completer, cx| device(completer.hand_over(), cx))?;
    Ok(loading.share())
}

fn size(firmware: &SharedCompletion<u32>, cx: &mut MaySleep) -> Result<u32> {
    Ok(*firmware.wait(cx, Killable)?)
}

#[kunit_tests(baton_waits_complete_all)]
mod tests {
    use super::*;
    use crate::{
        suite::until,
        Sleeper, //
    };
    use baton::testing::state;
    use kernel::sync::Arc;

    /// What two tasks get that wait for a device which does `answer`, and what one gets that comes later.
    fn sizes(cx: &mut MaySleep, answer: impl FnOnce(Completer<u32>)) -> Result<[Result<u32>; 3]> {
        let mut device = None;
        let firmware = load(cx, |completer, _| {
            device = Some(completer);
            Ok(())
        })?;
        let shared = Arc::new(firmware.clone(), GFP_KERNEL)?;
        let sleepers = [
            Sleeper::start(cx, &shared, size)?,
            Sleeper::start(cx, &shared, size)?,
        ];
        let asleep = until(|| {
            let mut tasks = sleepers.iter().map(|sleeper| sleeper.thread().task());
            tasks.all(|task| state(task).0 == 'D')
        });
        device.map(answer);
        let [first, second] = sleepers.map(|sleeper| sleeper.end(cx));
        let got = [first?, second?, size(&firmware, cx)];
        if asleep {
            Ok(got)
        } else {
            Err(EAGAIN)
        }
    }

    #[test]
    fn all_get_it() -> Result {
        let cx = &mut MaySleep::assert();
        let loaded = sizes(cx, |completer| {
            let _ = completer.complete(Ok(7));
        })?;
        let forgotten = sizes(cx, drop)?;
        assert_eq!(loaded, [Ok(7); 3]);
        assert_eq!(forgotten, [Err(ECANCELED); 3]);
        Ok(())
    }
}
