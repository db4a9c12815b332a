// SPDX-License-Identifier: GPL-2.0

//! Wait until no direct I/O is in flight.
//!
//! C: inode_dio_wait, inode_dio_wait_interruptible, inode_dio_finished
//! Rust: `dio.shut(cx, Interruptible)?`
//! Not any more: the wait without the lock that keeps others from beginning, which is a comment in C; an interruptible wait that does not say
//! whether it was interrupted
//!
//! ```c
//! inode_lock(inode);
//! inode_dio_wait_interruptible(inode);
//! if (!inode_dio_finished(inode)) {
//!         inode_unlock(inode);
//!         return -EINTR;
//! }
//! truncate(inode);
//! inode_unlock(inode);
//! ```

use baton::{
    drain::Drain,
    event::Interruptible,
    MaySleep, //
};
use kernel::prelude::*;

fn truncate(dio: &Drain, cx: &mut MaySleep, cut: impl FnOnce()) -> Result {
    let mut shut = dio.shut(cx, Interruptible)?;
    shut.wait(Interruptible)?;
    cut();
    Ok(())
}

#[kunit_tests(baton_waits_inode_dio_wait)]
mod tests {
    use super::*;
    use crate::{
        suite::until,
        Sleeper, //
    };
    use baton::drain::new_drain;
    use kernel::sync::Arc;

    #[test]
    fn a_signal_ends_it_and_nothing_is_cut() -> Result {
        let cx = &mut MaySleep::assert();
        let dio: Arc<Drain> = Arc::pin_init(new_drain!(), GFP_KERNEL)?;
        let io = dio.try_begin()?;
        let sleeper = Sleeper::start(cx, &dio, |dio, cx| {
            let mut cut = false;
            (truncate(dio, cx, || cut = true), cut)
        })?;
        let asleep = until(|| dio.waiters() == 1);
        sleeper.thread().interrupt();
        let got = sleeper.end(cx)?;
        io.end();
        let mut cut = false;
        let done = truncate(&dio, cx, || cut = true);
        assert!(asleep);
        assert_eq!(got, (Err(ERESTARTSYS), false));
        assert_eq!((done, cut), (Ok(()), true));
        Ok(())
    }
}
