// SPDX-License-Identifier: GPL-2.0

//! Look whether it has ended, and do not wait.
//!
//! C: try_wait_for_completion, completion_done
//! Rust: `read.try_wait()`
//! Not any more: `completion_done()` that says yes, and `try_wait_for_completion()` behind it that says no: the look takes the result
//!
//! ```c
//! if (!try_wait_for_completion(&read->done))
//!         return -EAGAIN;
//! return read->result;
//! ```

use baton::completion::Completion;
use kernel::prelude::*;

fn poll(read: &mut Completion<u32>) -> Result<u32> {
    read.try_wait().unwrap_or(Err(EAGAIN))
}

#[kunit_tests(baton_waits_completion_try)]
mod tests {
    use super::*;
    use baton::{
        completion,
        MaySleep, //
    };

    #[test]
    fn it_does_not_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let mut completer = None;
        let mut read = completion::start(cx, |local, _| {
            completer = Some(local.hand_over());
            Ok(())
        })?;
        let before = poll(&mut read);
        let told = completer.ok_or(EIO)?.complete(Ok(7));
        assert_eq!((before, told), (Err(EAGAIN), Ok(())));
        assert_eq!(poll(&mut read), Ok(7));
        Ok(())
    }
}
