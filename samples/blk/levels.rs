// SPDX-License-Identifier: GPL-2.0

//! The order of what the driver takes and waits for.
//!
//! A request takes one of these after the other and holds none, but for an entry: whoever owns one may
//! take what stands below. The scrub stands above all of them, because whoever waits for the end of a
//! run must not hold what the run needs.

baton::level::levels! {
    /// Outermost first.
    pub(crate) mod order {
        /// A run of the scrub.
        Scrub needs [Progress, Entry, Node, Medium],
        /// What the scrub does, and how far it is.
        Progress,
        /// An entry of the store.
        Entry needs [Node, Medium],
        /// The cache of checksums, and a node of it.
        Node needs [Medium],
        /// Where checksums are when they are not in the cache.
        Medium,
    }
}
