// SPDX-License-Identifier: GPL-2.0

//! How long a write to an attribute waits.
//!
//! configfs holds a lock while an attribute is read or written, `rmdir` waits for that lock with the
//! folder of all disks locked, and so does whoever wants to make or remove another disk. So nothing
//! that an attribute does may wait without an end.

use kernel::time::{
    msecs_to_jiffies,
    Instant,
    Jiffies,
    Monotonic, //
};

/// How long, in milliseconds.
const LIMIT: u32 = 2000;

/// What is left of the time of one write.
pub(crate) struct Patience {
    start: Instant<Monotonic>,
}

impl Patience {
    /// Starts to wait.
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Returns what is left, at least one jiffy.
    pub(crate) fn left(&self) -> Jiffies {
        let gone = u32::try_from(self.start.elapsed().as_millis()).unwrap_or(LIMIT);
        msecs_to_jiffies(LIMIT.saturating_sub(gone)).max(1)
    }
}
