// SPDX-License-Identifier: GPL-2.0

//! Pools in a kernel.

use super::{
    of_wait,
    soon,
    stage::{
        self,
        Desk, //
    }, //
};
use crate::shared::{
    pool::{
        both,
        next,
        Op,
        Pool as Reference,
        NODES, //
    },
    program::Step,
    reference::Said, //
};
use baton::{
    event::{
        Interruptible,
        Killable,
        Mode,
        ModeAt,
        WaitError, //
    },
    pool::{
        new_pool,
        Batch,
        CanGiveUp,
        Exclusive,
        Pinned,
        Pool,
        Refused, //
    },
    MaySleep, //
};
use core::{
    array,
    mem, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

type Nodes = Pool<u32, u32>;

pub(super) struct Scene(Arc<Nodes>);

/// How a task uses a node.
enum Uses<'p> {
    Not,
    #[allow(dead_code, reason = "it is there to be dropped")]
    Pins(Pinned<'p, u32, u32>),
    Owns(Exclusive<'p, u32, u32>),
}

/// The key of a node, which is its number from 1 on.
fn key(at: usize) -> u32 {
    // CAST: There are few.
    at as u32 + 1
}

fn refused(why: Refused) -> Said {
    match why {
        Refused::Absent => Said::Nothing,
        Refused::Busy => Said::Busy,
    }
}

fn generation(number: u64) -> Said {
    // CAST: There are few.
    Said::Got(number as u32)
}

fn of_add(error: Error) -> Said {
    match error {
        EEXIST => Said::Busy,
        _ => Said::Odd,
    }
}

impl stage::Scene for Scene {
    type Reference = Reference;

    fn new(kind: usize) -> Result<Self> {
        let pool: Arc<Nodes> = Arc::pin_init(new_pool!("fuzz"), GFP_KERNEL)?;
        // ENTRY: whoever tries programs holds nothing.
        let cx = &mut MaySleep::assert();
        for at in (0..NODES).filter(|_| kind == 0) {
            drop(pool.insert(cx, key(at), (), key(at), GFP_KERNEL)?);
        }
        Ok(Self(pool))
    }

    fn work(&self, cx: &mut MaySleep, _task: usize, desk: &Desk<Op>) {
        let mut uses: [Uses<'_>; NODES] = array::from_fn(|_| Uses::Not);
        while let Some(step) = desk.next() {
            let said = self.make(cx, step, &mut uses);
            desk.say(said.unwrap_or_else(|said| said));
        }
    }
}

impl Scene {
    fn make<'p>(
        &'p self,
        cx: &mut MaySleep,
        step: Step<Op>,
        uses: &mut [Uses<'p>; NODES],
    ) -> Result<Said, Said> {
        let (pool, at) = (&*self.0, usize::from(step.number).saturating_sub(1));
        match step.op {
            Op::Insert => {
                let pin = pool
                    .insert(cx, key(at), (), key(at), GFP_KERNEL)
                    .map_err(of_add)?;
                Ok(pins(&mut uses[at], pin))
            }
            Op::Pin => {
                let pin = pool.lock_in(cx).pin(key(at)).map_err(refused)?;
                Ok(pins(&mut uses[at], pin))
            }
            Op::Own => {
                let node = pool.lock_in(cx).try_exclusive(key(at)).map_err(refused)?;
                Ok(owns(&mut uses[at], node))
            }
            Op::Oldest => {
                let node = pool
                    .lock_in(cx)
                    .try_exclusive_oldest(|_| true)
                    .ok_or(Said::Nothing)?;
                // CAST: As above.
                let at = node.key() as usize - 1;
                Ok(owns(&mut uses[at], node))
            }
            Op::Wait => self.wait(cx, at, Killable, uses),
            Op::Waiti => self.wait(cx, at, Interruptible, uses),
            Op::Short => self.wait(cx, at, Killable.timeout(soon()), uses),
            Op::Unpin | Op::Back => {
                uses[at] = Uses::Not;
                Ok(Said::Done)
            }
            Op::Free => {
                take(&mut uses[at])?.free(cx);
                Ok(Said::Done)
            }
            Op::Reuse => match take(&mut uses[at])?.reuse(cx, key(next(at)), (), GFP_KERNEL) {
                Ok(pin) => Ok(pins(&mut uses[next(at)], pin)),
                Err((node, error)) => {
                    uses[at] = Uses::Owns(node);
                    Err(of_add(error))
                }
            },
            Op::Select => {
                let mut batch = Batch::with_capacity(cx, 2, GFP_KERNEL).map_err(|_| Said::Odd)?;
                pool.lock_in(cx).select(&mut batch, |_| true);
                // CAST: As above.
                let number = |at| {
                    batch
                        .get(at)
                        .map_or(0, |pin: &Pinned<'_, _, _>| pin.key() as usize)
                };
                Ok(both(number(0), number(1)))
            }
            Op::Look => Ok(both(pool.len(), pool.waiters())),
            Op::Signal => Err(Said::Odd),
        }
    }

    fn wait<'p, M: CanGiveUp + ModeAt>(
        &'p self,
        cx: &mut MaySleep,
        at: usize,
        mode: M,
        uses: &mut [Uses<'p>; NODES],
    ) -> Result<Said, Said>
    where
        M::Error: Into<WaitError>,
    {
        let (guard, ended) = self.0.lock_in(cx).wait_unpinned(mode, key(at));
        drop(guard);
        let node = ended.map_err(of_wait)?.map_err(refused)?;
        Ok(owns(&mut uses[at], node))
    }
}

fn pins<'p>(uses: &mut Uses<'p>, pin: Pinned<'p, u32, u32>) -> Said {
    let said = generation(pin.generation());
    *uses = Uses::Pins(pin);
    said
}

fn owns<'p>(uses: &mut Uses<'p>, node: Exclusive<'p, u32, u32>) -> Said {
    let said = generation(node.generation());
    *uses = Uses::Owns(node);
    said
}

/// Takes what the task owns.
fn take<'p>(uses: &mut Uses<'p>) -> Result<Exclusive<'p, u32, u32>, Said> {
    match mem::replace(uses, Uses::Not) {
        Uses::Owns(node) => Ok(node),
        Uses::Not | Uses::Pins(_) => Err(Said::Odd),
    }
}
