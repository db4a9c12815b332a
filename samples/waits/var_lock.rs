// SPDX-License-Identifier: GPL-2.0

//! Wait for the value of a variable that a lock protects.
//!
//! C: wait_var_event_any_lock, wait_var_event_spinlock, wait_var_event_mutex, wake_up_var_protected, wake_up_var_locked
//! Rust: `.when(|tree| tree.readers == 0, move |tree| tree.root = root)`
//! Not any more: a lock named at the wait, and another one, or none, held at the wake-up; a change that is not
//! followed by one
//!
//! ```c
//! mutex_lock(&tree->lock);
//! wait_var_event_mutex(&tree->readers, !tree->readers, &tree->lock);
//! tree->root = root;
//! mutex_unlock(&tree->lock);
//!
//! mutex_lock(&tree->lock);
//! if (!--tree->readers)
//!         wake_up_var_locked(&tree->readers, &tree->lock);
//! mutex_unlock(&tree->lock);
//! ```

use baton::{
    event::{
        Closed,
        Uninterruptible, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Mutex, //
};

/// All that is looked at and changed together is one event.
struct Tree {
    readers: usize,
    root: u64,
}

fn replace(tree: &Mutex<Event<Tree>>, cx: &mut MaySleep, root: u64) -> Result<(), Closed> {
    tree.lock_in(cx)
        .on(|tree| tree)
        .when(|tree| tree.readers == 0, move |tree| tree.root = root)
        .wait(Uninterruptible)
}

fn end_read(tree: &Mutex<Event<Tree>>, cx: &mut MaySleep) {
    let mut held = tree.lock_in(cx);
    held.update(|tree| tree, |tree| tree.readers -= 1);
}

#[kunit_tests(baton_waits_var_lock)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn it_waits_for_the_readers() -> Result {
        let cx = &mut MaySleep::assert();
        let tree = Arc::pin_init(
            new_mutex!(new_event!(Tree {
                readers: 2,
                root: 0,
            })),
            GFP_KERNEL,
        )?;
        let got = told(
            cx,
            &tree,
            |tree, cx| replace(tree, cx, 7),
            |tree, cx| tree.lock_in(cx).waiters(),
            |tree, cx| {
                end_read(tree, cx);
                end_read(tree, cx);
            },
        )?;
        assert_eq!(got, Ok(()));
        assert_eq!(tree.lock_in(cx).root, 7);
        Ok(())
    }
}
