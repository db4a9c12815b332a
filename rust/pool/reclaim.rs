// SPDX-License-Identifier: GPL-2.0

//! What reclaim can do with a pool: try.

use super::{
    table::Candidate,
    Exclusive,
    Key,
    Note,
    Pool,
    Refused, //
};
use crate::{
    level::Level,
    shrinker::Reclaim, //
};

impl Reclaim {
    /// Takes the oldest node over that nobody has and `wanted` accepts.
    ///
    /// Pinned nodes are not offered: reclaim passes them by.
    pub fn try_exclusive_oldest<'p, K: Key, N: Send + 'static, M: Note, L: Level>(
        &mut self,
        pool: &'p Pool<K, N, M, L>,
        wanted: impl FnMut(Candidate<'_, K, M>) -> bool,
    ) -> Option<Exclusive<'p, K, N, M, L>> {
        let mut state = pool.state.lock();
        let (key, grant) = state
            .as_mut()
            .project()
            .table
            .update(|table| table.own_oldest(wanted))?;
        Some(Exclusive::new(pool, key, grant))
    }

    /// Takes the node over if nobody has it.
    ///
    /// # Errors
    ///
    /// [`Refused::Absent`] if there is none, [`Refused::Busy`] if it is pinned or owned.
    pub fn try_exclusive<'p, K: Key, N: Send + 'static, M: Note, L: Level>(
        &mut self,
        pool: &'p Pool<K, N, M, L>,
        key: K,
    ) -> Result<Exclusive<'p, K, N, M, L>, Refused> {
        let mut state = pool.state.lock();
        let grant = state
            .as_mut()
            .project()
            .table
            .update(|table| table.own(&key))?;
        Ok(Exclusive::new(pool, key, grant))
    }
}
