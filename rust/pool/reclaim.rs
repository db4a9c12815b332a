// SPDX-License-Identifier: GPL-2.0

//! What reclaim can do with a pool: try.

use super::{
    handle::Exclusive,
    key::{
        Key,
        Note, //
    },
    nodes::Pool,
    slots::Refused,
    table::Candidate, //
};
use crate::{
    level::Level,
    shrinker::Reclaim, //
};
use core::panic::Location;

impl Reclaim {
    /// Takes the oldest node over that nobody has and `wanted` accepts.
    ///
    /// Pinned nodes are not offered: reclaim passes them by. `wanted` runs under the pool's lock, as
    /// with a [`PoolGuard`](super::PoolGuard).
    ///
    /// Context: a scan; it takes the pool's lock, and does not sleep.
    #[track_caller]
    pub fn try_exclusive_oldest<'p, K: Key, N: Send + 'static, M: Note, L: Level>(
        &mut self,
        pool: &'p Pool<K, N, M, L>,
        wanted: impl FnMut(Candidate<'_, K, M>) -> bool + Send,
    ) -> Option<Exclusive<'p, K, N, M, L>> {
        pool.own_oldest(&mut pool.table.lock(), Location::caller(), wanted)
    }

    /// Takes the node over if nobody has it.
    ///
    /// Context: a scan; it takes the pool's lock, and does not sleep.
    ///
    /// # Errors
    ///
    /// [`Refused::Absent`] if there is none, [`Refused::Busy`] if it is pinned or owned.
    #[track_caller]
    pub fn try_exclusive<'p, K: Key, N: Send + 'static, M: Note, L: Level>(
        &mut self,
        pool: &'p Pool<K, N, M, L>,
        key: K,
    ) -> Result<Exclusive<'p, K, N, M, L>, Refused> {
        let number = key.number();
        pool.own(&pool.table.lock(), number, Location::caller())
    }
}
