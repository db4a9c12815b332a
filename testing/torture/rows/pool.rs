// SPDX-License-Identifier: GPL-2.0

//! Nodes that keep their identity while somebody uses them; others, and the kernel's reclaim, want them.

use crate::{
    row::{
        made,
        Me,
        Row, //
    },
    waited_killable, //
};
use baton::{
    pool::{
        new_pool,
        Pool,
        Refused, //
    },
    shrinker::{
        Reclaim,
        Scanned,
        Seeks,
        Shrink,
        Shrinker, //
    },
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};

/// Few: they are to be waited for.
const KEYS: u64 = 4;

/// What a node with a key contains.
fn content_of(key: u64) -> u64 {
    key << 8 | 0xa5
}

#[pin_data]
struct Cache {
    #[pin]
    pool: Pool<u64, u64>,
}

impl Shrink for Cache {
    fn count(&self) -> usize {
        self.pool.len()
    }

    fn scan(&self, reclaim: &mut Reclaim, target: usize) -> Scanned {
        let mut freed = 0;
        while freed < target {
            let Some(node) = reclaim.try_exclusive_oldest(&self.pool, |_| true) else {
                break;
            };
            node.free(reclaim);
            freed += 1;
        }
        Scanned::Freed(freed)
    }
}

#[pin_data]
struct PoolRow {
    cache: Arc<Cache>,
    #[pin]
    shrinker: Mutex<Option<Shrinker<Cache>>>,
}

impl Row for PoolRow {
    /// Waits for a node that nobody uses, and makes another one of it.
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let (key, other) = (me.random.below(KEYS), me.random.below(KEYS));
        let pool = &self.cache.pool;
        let owned = waited_killable!(me.how_killable(), |mode| {
            let (held, owned) = pool.lock_in(cx).wait_unpinned(mode, key);
            drop(held);
            owned
        })?;
        let owner = match owned {
            Ok(owner) => owner,
            // Somebody else was faster.
            Err(Refused::Absent | Refused::Busy) => return Ok(0),
        };
        if *owner.lock_in(cx) != content_of(key) {
            me.fail("who has a node alone has another one");
        }
        *owner.lock_in(cx) = content_of(other);
        // There may be one with that key, or no memory.
        match owner.reuse(cx, other, (), GFP_KERNEL) {
            Ok(pin) => drop(pin),
            Err((owner, _)) => owner.free(cx),
        }
        Ok(1)
    }

    /// Uses a node, which is made if it is not there.
    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let key = me.random.below(KEYS);
        let pool = &self.cache.pool;
        let found = pool.lock_in(cx).pin(key);
        let pin = match found {
            Ok(pin) => pin,
            Err(Refused::Busy) => return Ok(0),
            Err(Refused::Absent) => match pool.insert(cx, key, (), content_of(key), GFP_KERNEL) {
                Ok(pin) => pin,
                Err(e) if e == EEXIST => return Ok(0),
                Err(e) => return Err(e),
            },
        };
        let generation = pin.generation();
        for _ in 0..2 {
            if *pin.lock_in(cx) != content_of(key) || pin.generation() != generation {
                me.fail("a node that is pinned has become another one");
            }
            // Long enough for others to want it, and to have to wait.
            if me.random.below(16) == 0 {
                me.random.sleep_us(cx, 20);
            }
        }
        drop(pin);
        Ok(1)
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        let shrinker = self.shrinker.lock_in(cx).take();
        if shrinker.is_some_and(|shrinker| shrinker.unregister(cx).is_err()) {
            return Err("the shrinker could not be unregistered");
        }
        let mut leaks = 0;
        self.cache.pool.leaks(|_| leaks += 1);
        if leaks == 0 && self.cache.pool.waiters() == 0 {
            Ok(())
        } else {
            Err("a node is in use, or somebody waits for one")
        }
    }
}

pub(super) fn pool(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let cache = Arc::pin_init(
        pin_init!(Cache { pool <- new_pool!("torture") }),
        GFP_KERNEL,
    )?;
    let shrinker = Shrinker::register(cx, c"baton-torture", Seeks::DEFAULT, cache.clone())?;
    let row = pin_init!(PoolRow {
        cache,
        shrinker <- new_mutex!(Some(shrinker)),
    });
    made(row)
}
