// SPDX-License-Identifier: GPL-2.0

//! What is gone gives its memory back.

use crate::WATCHED;
use baton::{
    count::{
        new_count,
        Count, //
    },
    drain::{
        new_drain,
        Drain, //
    },
    entry_map::{
        new_entry_map,
        EntryMap,
        Order,
        Outcome,
        Slot, //
    },
    event::Uninterruptible,
    fault::nth_allocation,
    pool::{
        new_pool,
        Pool, //
    },
    testing,
    MaySleep, //
};
use core::str;
use kernel::prelude::*;

/// How many kilobytes there are in slabs.
fn slabs(cx: &mut MaySleep) -> Result<usize> {
    let text = testing::read(cx, c"/proc/meminfo")?;
    let text = str::from_utf8(&text).map_err(|_| EILSEQ)?;
    let number = |line: &str| {
        let number = line.strip_prefix("Slab:")?.strip_suffix("kB")?;
        number.trim().parse().ok()
    };
    text.lines().find_map(number).ok_or(ENOENT)
}

/// Makes and drops so many that have so many bytes each; returns whether the memory of most of them is there again.
fn comes_back(
    cx: &mut MaySleep,
    number: usize,
    size: usize,
    mut make: impl FnMut() -> Result,
) -> Result<bool> {
    // One looks for what is lost itself, and the other keeps for a while what was freed.
    if WATCHED || cfg!(CONFIG_KASAN) {
        return make().map(|()| true);
    }
    let before = slabs(cx)?;
    for _ in 0..number {
        make()?;
    }
    let more = slabs(cx)?.saturating_sub(before);
    pr_info!("{} kB more\n", more);
    Ok(more * 1024 < number * size / 2)
}

#[kunit_tests(baton_memory_gone)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_drain_comes_back() -> Result {
        let cx = &mut MaySleep::assert();
        let back = comes_back(cx, 8192, 1024, || {
            let drain: Pin<KBox<Drain>> =
                KBox::pin_init(new_drain!("memory_kunit_gone"), GFP_KERNEL)?;
            drop(drain);
            Ok(())
        });
        assert_eq!(back, Ok(true));
        Ok(())
    }

    #[test]
    fn the_memory_of_a_count_comes_back() -> Result {
        let cx = &mut MaySleep::assert();
        let back = comes_back(cx, 1 << 17, 24, || {
            let count: Pin<KBox<Count>> =
                KBox::pin_init(new_count!("memory_kunit_gone"), GFP_KERNEL)?;
            drop(count);
            Ok(())
        });
        assert_eq!(back, Ok(true));
        Ok(())
    }

    /// It was got for an insertion that does not need it: what is at index 0 alone is in no node.
    #[test]
    fn the_memory_for_an_entry_comes_back() -> Result {
        let (cx, other) = (&mut MaySleep::assert(), &mut MaySleep::assert());
        let map: Pin<KBox<EntryMap<u64>>> = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
        let back = comes_back(cx, 16384, 576, || {
            map.refuse_memory(1);
            let _ = map.at(other, Uninterruptible, 0, Order::Pte, |slot| match slot {
                Slot::Vacant => Outcome::Insert(1),
                _ => Outcome::Leave,
            })?;
            let _ = map.try_at(0, Order::Pte, |_| Outcome::Remove)?;
            Ok(())
        });
        assert_eq!(back, Ok(true));
        Ok(())
    }

    /// They are made for many nodes at a time, and used again: a node needs itself and its place in the table.
    #[test]
    fn nodes_find_their_slots_made() -> Result {
        /// Fewer than are made at a time, and more than half as many.
        const NODES: u32 = 60;

        let cx = &mut MaySleep::assert();
        let pool: Pin<KBox<Pool<u32, u32>>> =
            KBox::pin_init(new_pool!("memory_kunit"), GFP_KERNEL)?;
        // Has them made, and stays.
        drop(pool.insert(cx, NODES, (), 0, GFP_KERNEL)?);
        let (mut made, mut third, mut freed) = (0, 0, 0);
        for _ in 0..2 {
            for key in 0..NODES {
                let add = || pool.insert(cx, key, (), 0, GFP_KERNEL).map(drop);
                let (added, refused) = nth_allocation(3, add);
                made += u32::from(added.is_ok());
                third += u32::from(refused);
            }
            loop {
                let oldest = pool
                    .lock_in(cx)
                    .try_exclusive_oldest(|node| *node.key < NODES);
                let Some(node) = oldest else { break };
                node.free(cx);
                freed += 1;
            }
        }
        assert!(third == 0 || WATCHED);
        assert!(made == 2 * NODES || WATCHED);
        assert_eq!(made, freed);
        assert_eq!(pool.len(), 1);
        Ok(())
    }
}
