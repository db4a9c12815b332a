// SPDX-License-Identifier: GPL-2.0

//! Says that it may sleep where it must not: what `atomic_sleep_lockdep.sh` loads.
//!
//! No type can refuse that: it is where the capability comes from. The kernel says so.

use baton::MaySleep;
use kernel::prelude::*;

module! {
    type: AtomicSleep,
    name: "atomic_sleep",
    authors: ["The baton authors"],
    description: "Says that it may sleep with interrupts off, to show who notices",
    license: "GPL",
}

struct AtomicSleep;

impl kernel::Module for AtomicSleep {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // ENTRY: the module is loaded.
        let cx = &mut MaySleep::assert();
        let off = cx.interrupts_off();
        // ENTRY: none. It is false that this may sleep, which is what this is about.
        let _ = MaySleep::assert();
        drop(off);
        Ok(Self)
    }
}
