// SPDX-License-Identifier: GPL-2.0

//! Know that a thread has ended, and not only its work.
//!
//! C: kthread_complete_and_exit
//! Rust: `thread.join(cx)`
//! Not any more: a completion as the last thing that the thread does, and a module that is gone before the thread has left its code;
//! a thread that nobody waits for at all
//!
//! ```c
//! static int scan(void *data)
//! {
//!         struct scan *scan = data;
//!
//!         do_scan(scan);
//!         kthread_complete_and_exit(&scan->done, 0);
//! }
//! ```

use baton::{
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    }, //
};

fn scan(found: &Arc<Atomic<u32>>, cx: &mut MaySleep) -> Result {
    let theirs = found.clone();
    let thread = Thread::spawn(cx, c"scan", move |_, _| theirs.store(7, Relaxed))?;
    thread.join(cx)?;
    Ok(())
}

#[kunit_tests(baton_waits_kthread_exit)]
mod tests {
    use super::*;

    #[test]
    fn it_has_ended_and_dropped_what_it_had() -> Result {
        let cx = &mut MaySleep::assert();
        let found = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        scan(&found, cx)?;
        assert_eq!(found.load(Relaxed), 7);
        assert!(Arc::into_unique_or_drop(found).is_some());
        Ok(())
    }
}
