// SPDX-License-Identifier: GPL-2.0

//! Leaks a lock: what `leaked_lock.sh` loads.
//!
//! `mem::forget` of a guard is safe, so no type can refuse it. A task takes a mutex, forgets the guard
//! and ends. The module then tries the mutex, and says in the log whether it was to be had.

use baton::{
    level::levels,
    MaySleep,
    Ordered, //
    Thread,
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};

module! {
    type: LeakedLock,
    name: "leaked_lock",
    authors: ["The baton authors"],
    description: "Leaks a lock, to show who notices",
    license: "GPL",
}

levels! {
    mod order {
        Leaked,
    }
}

type Leaked = Ordered<order::Leaked, Mutex<u32>>;

/// The mutex, which stays held.
struct LeakedLock {
    _lock: Arc<Leaked>,
}

impl kernel::Module for LeakedLock {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let cx = &mut MaySleep::assert();
        let lock = Arc::pin_init(Leaked::new(new_mutex!(0, "leaked_lock")), GFP_KERNEL)?;
        let theirs = lock.clone();
        Thread::spawn(cx, c"leaked_lock", move |cx, _| {
            core::mem::forget(theirs.lock_in(cx));
        })?
        .join(cx)?;
        match lock.try_lock_in(cx) {
            Some(_) => pr_info!("the lock is free\n"),
            None => pr_info!("the lock is held, and its task is gone\n"),
        }
        Ok(Self { _lock: lock })
    }
}
