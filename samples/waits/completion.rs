// SPDX-License-Identifier: GPL-2.0

//! Start something, and wait for its end.
//!
//! C: DECLARE_COMPLETION, DECLARE_COMPLETION_ONSTACK, DECLARE_COMPLETION_ONSTACK_MAP, init_completion, init_completion_map,
//! wait_for_completion, complete
//! Rust: `completion::start(cx, |completer, cx| ..)?`
//! Not any more: a path without `complete()`; a completion that is initialised after the hardware was started; one on the stack of a
//! task that has gone; a result that is left somewhere else
//!
//! ```c
//! struct read read = { .result = -EIO };
//!
//! init_completion(&read.done);
//! submit(dev, &read);
//! wait_for_completion(&read.done);
//! return read.result;
//! ```

use baton::{
    completion::{
        self,
        Completer, //
    },
    event::Uninterruptible,
    MaySleep, //
};
use kernel::prelude::*;

fn read(
    cx: &mut MaySleep,
    submit: impl FnOnce(Completer<u32>, &mut MaySleep) -> Result,
) -> Result<u32> {
    let mut read = completion::start(cx, |completer, cx| submit(completer.hand_over(), cx))?;
    read.wait(cx, Uninterruptible)
}

#[kunit_tests(baton_waits_completion)]
mod tests {
    use super::*;
    use baton::Thread;

    /// A device that does `answer` with the request.
    fn device(cx: &mut MaySleep, answer: fn(Completer<u32>)) -> Result<u32> {
        let mut thread = None;
        let result = read(cx, |completer, cx| {
            let body = move |_: &mut MaySleep, _: &baton::thread::Stop<'_>| answer(completer);
            thread = Some(Thread::spawn(cx, c"device", body)?);
            Ok(())
        });
        thread.map_or(Ok(()), |thread| thread.join(cx))?;
        result
    }

    #[test]
    fn the_result_is_that_of_the_device() -> Result {
        let cx = &mut MaySleep::assert();
        let read = device(cx, |completer| {
            let _ = completer.complete(Ok(7));
        });
        let forgotten = device(cx, drop);
        assert_eq!(read, Ok(7));
        assert_eq!(forgotten, Err(ECANCELED));
        Ok(())
    }
}
