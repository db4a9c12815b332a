// SPDX-License-Identifier: GPL-2.0

//! The hint that makes the look at the words of a stop cheap, and why it misses none.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]` and lets loom explore its interleavings; what differs is the [`Hint`].
//! The argument is in `stop.rs`.

/// Says whether the words of a thread are worth a look: `TIF_NOTIFY_SIGNAL`.
pub(crate) trait Hint {
    /// Clears it. A full barrier follows: E.
    fn clear(&self);
    /// Sets it.
    fn set(&self);
}

/// Makes the hint what the words say, and returns that. Called by the thread.
pub(crate) fn settle(hint: &impl Hint, is_pending: impl Fn() -> bool) -> bool {
    if !is_pending() {
        hint.clear(); // E, pairs with F
        if !is_pending() {
            return false;
        }
        hint.set();
    }
    true
}
