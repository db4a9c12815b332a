// SPDX-License-Identifier: GPL-2.0

//! bcache, with a pool: what was selected stays what it is until its last use.
//!
//! The operations of `bcache.c`. A selection yields pins, and reclaim passes pinned nodes by: there is
//! no flag to forget and nothing to spin on. Space in the journal is had before a node is locked,
//! since nothing can be waited for with the node's lock held.

use crate::{
    actor::{
        Actor,
        Phase, //
    },
    params::{
        Param,
        Values, //
    },
    scene::{
        Op,
        Seed, //
    },
};
use baton::{
    event::Killable,
    new_event,
    pool::{
        new_pool,
        Batch,
        Pool, //
    },
    shrinker::{
        shrink_all,
        Reclaim,
        Scanned,
        Seeks,
        Shrink,
        Shrinker, //
    },
    Event,
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

const MAX_KEY: u64 = 99;
const FIRST_KEY: u64 = 1;

/// The cache and its journal; the payload of a node is its key.
#[pin_data]
struct Cache {
    #[pin]
    nodes: Pool<u64, u64>,
    #[pin]
    journal: Mutex<Journal>,
}

#[pin_data]
struct Journal {
    #[pin]
    space: Event<u64>,
}

fn give_space(cache: &Cache, cx: &mut MaySleep) {
    let mut journal = cache.journal.lock_in(cx);
    journal.as_mut().project().space.update(|space| *space += 1);
}

impl Shrink for Cache {
    fn count(&self) -> usize {
        self.nodes.len()
    }

    fn scan(&self, reclaim: &mut Reclaim, target: usize) -> Scanned {
        let mut freed = 0;
        while freed < target {
            let Some(node) = reclaim.try_exclusive_oldest(&self.nodes, |_| true) else {
                break;
            };
            node.free(reclaim);
            freed += 1;
        }
        Scanned::Freed(freed)
    }
}

/// The cache with its shrinker, which goes first.
#[pin_data]
pub(crate) struct Bcache {
    #[pin]
    shrinker: Mutex<Option<Shrinker<Cache>>>,
    cache: Arc<Cache>,
}

/// There is space in the journal without a flush.
fn space(state: &Bcache, _: &Actor, _: &Values, cx: &mut MaySleep) {
    give_space(&state.cache, cx);
}

/// Writes the oldest node out.
fn flush(state: &Bcache, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    let cache = &*state.cache;
    let Ok(mut batch) = Batch::with_capacity(cx, 1, GFP_KERNEL) else {
        actor.broken(cx, fmt!("no memory"));
        return;
    };
    cache.nodes.lock_in(cx).select(&mut batch, |_| true);
    if values.flag(0) {
        actor.hold();
    }
    for pin in batch.iter() {
        let (key, written) = (pin.key(), *pin.lock_in(cx));
        if key == written {
            actor.result(cx, fmt!("wrote {key}"));
        } else {
            actor.broken(cx, fmt!("wrote {written} for {key}"));
        }
    }
    batch.clear();
    give_space(cache, cx);
}

/// Frees what nobody uses.
fn reap(state: &Bcache, actor: &Actor, _: &Values, cx: &mut MaySleep) {
    let mut freed = 0;
    loop {
        let node = state.cache.nodes.lock_in(cx).try_exclusive_oldest(|_| true);
        let Some(node) = node else { break };
        node.free(cx);
        freed += 1;
    }
    actor.result(cx, fmt!("freed {freed}"));
}

/// The same, by all of the kernel's shrinkers.
fn drop_caches(_: &Bcache, actor: &Actor, _: &Values, cx: &mut MaySleep) {
    match shrink_all(cx) {
        Ok(()) => actor.result(cx, fmt!("dropped")),
        Err(error) => actor.broken(cx, fmt!("drop_caches: {error:?}")),
    }
}

/// Makes a node, when there is space in the journal to note it.
fn make(state: &Bcache, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    let cache = &*state.cache;
    let key = values.number(0);
    let pin = match cache.nodes.insert(cx, key, (), key, GFP_KERNEL) {
        Ok(pin) => pin,
        Err(error) => {
            actor.broken(cx, fmt!("{error:?}"));
            return;
        }
    };
    actor.waits_for(cx, fmt!("journal"));
    actor.enter(Phase::Waiting);
    let space = cache
        .journal
        .lock_in(cx)
        .on(|journal| &journal.space)
        .when(|space| *space > 0, |space| *space -= 1)
        .wait(Killable);
    actor.enter(Phase::Running);
    match space {
        Ok(()) => {
            *pin.lock_in(cx) = key;
            actor.result(cx, fmt!("made {key}"));
        }
        Err(error) => actor.broken(cx, fmt!("{error:?}")),
    }
}

impl Seed for Bcache {
    const OPS: &'static [Op<Self>] = &[
        Op::new("flush", &[Param::Number("hold", 1)], flush),
        Op::new("reap", &[], reap),
        Op::new("drop-caches", &[], drop_caches),
        Op::new("space", &[], space),
        Op::new("make", &[Param::Number("key", MAX_KEY)], make),
    ];

    fn create() -> Result<Arc<Self>> {
        let cache = Arc::pin_init(
            pin_init!(Cache {
                nodes <- new_pool!("bcache"),
                journal <- new_mutex!(pin_init!(Journal {
                    space <- new_event!(0),
                })),
            }),
            GFP_KERNEL,
        )?;
        // ENTRY: a write to the command file.
        let cx = &mut MaySleep::assert();
        drop(
            cache
                .nodes
                .insert(cx, FIRST_KEY, (), FIRST_KEY, GFP_KERNEL)?,
        );
        let name = c"baton-bugs-bcache-rust";
        let shrinker = Shrinker::register(cx, name, Seeks::DEFAULT, cache.clone())?;
        Arc::pin_init(
            pin_init!(Self {
                shrinker <- new_mutex!(Some(shrinker)),
                cache,
            }),
            GFP_KERNEL,
        )
    }

    fn end(&self, cx: &mut MaySleep) {
        let shrinker = self.shrinker.lock_in(cx).take();
        if let Some(shrinker) = shrinker {
            // What is refused is dropped: nothing scans here.
            drop(shrinker.unregister(cx));
        }
    }

    fn sleepers(&self) -> Option<usize> {
        let journal = self.cache.journal.try_lock()?;
        Some(journal.space.waiters() + self.cache.nodes.waiters())
    }
}
