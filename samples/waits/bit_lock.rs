// SPDX-License-Identifier: GPL-2.0

//! Use a flag as a lock that is held across sleeps.
//!
//! C: wait_on_bit_lock, wait_on_bit_lock_io, wait_on_bit_lock_action, out_of_line_wait_on_bit_lock
//! Rust: `blocks.lock(cx, Killable, index)`
//! Not any more: a bit that is cleared by who has not set it, or on no path at all; an unlock without its
//! wake-up
//!
//! ```c
//! err = wait_on_bit_lock(&block->flags, BLOCK_LOCKED, TASK_KILLABLE);
//! if (err)
//!         return err;
//! block->writes++;                /* may sleep */
//! clear_and_wake_up_bit(BLOCK_LOCKED, &block->flags);
//! ```

use baton::{
    entry_map::EntryMap,
    event::Killable,
    MaySleep, //
};
use kernel::prelude::*;

/// How often each block was written.
type Blocks = EntryMap<u64>;

fn write(blocks: &Blocks, cx: &mut MaySleep, index: usize) -> Result {
    let mut block = blocks.lock(cx, Killable, index)?.ok_or(ENOENT)?;
    // May sleep here, with `block.inner()`.
    let writes = block.value() + 1;
    block.set(writes)
}

#[kunit_tests(baton_waits_bit_lock)]
mod tests {
    use super::*;
    use crate::told;
    use baton::entry_map::{
        new_entry_map,
        Order,
        Outcome, //
    };
    use kernel::sync::Arc;

    #[test]
    fn the_unlock_hands_the_entry_over() -> Result {
        let cx = &mut MaySleep::assert();
        let blocks: Arc<Blocks> = Arc::pin_init(new_entry_map!(), GFP_KERNEL)?;
        let ours = blocks
            .try_at(7, Order::Pte, |_| Outcome::InsertLocked(0))?
            .locked();
        let missing = write(&blocks, cx, 8);
        let got = told(
            cx,
            &blocks,
            |blocks, cx| write(blocks, cx, 7),
            |blocks, _| blocks.waiters(7),
            |_, _| drop(ours),
        )?;
        let writes = blocks.lock(cx, Killable, 7)?.map(|block| block.value());
        assert_eq!(missing, Err(ENOENT));
        assert_eq!(got, Ok(()));
        assert_eq!(writes, Some(1));
        Ok(())
    }
}
