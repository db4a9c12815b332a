// SPDX-License-Identifier: GPL-2.0

//! Pages that several borrow at a time, none of whom changes them.

use super::{
    PagePool,
    Slot,
    IDLE,
    MOST_SHARED, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Acquire,
        Relaxed,
        Release, //
    },
};

impl PagePool {
    /// Borrows the page with that number, with others who only read it.
    ///
    /// Context: any, hard interrupts included.
    ///
    /// # Errors
    ///
    /// `EBUSY` as [`PagePool::borrow`], which counts it as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::block::PagePool;
    /// use baton::MaySleep;
    /// use kernel::prelude::*;
    ///
    /// # let cx = &mut MaySleep::assert();
    /// let pool = KBox::pin_init(PagePool::new(cx, 8, 8)?, GFP_KERNEL)?;
    /// let id = pool.alloc(cx)?.id();
    ///
    /// let (one, other) = (pool.share(id)?, pool.share(id)?);
    /// assert_eq!(one.bytes(), other.bytes());
    /// assert_eq!(pool.borrow(id).err(), Some(EBUSY));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn share(&self, id: u32) -> Result<SharedPage<'_>> {
        if let Some(slot) = self.slot(id) {
            let mut state = slot.state.load(Relaxed);
            while (IDLE..IDLE + MOST_SHARED).contains(&state) {
                // INVARIANT: On success, we are one of those who share it.
                match slot.state.cmpxchg(state, state + 1, Acquire) {
                    Ok(_) => return Ok(SharedPage { slot }), // A, pairs with B
                    Err(now) => state = now,
                }
            }
        }
        self.refused.fetch_add(1, Relaxed);
        Err(EBUSY)
    }
}

/// A page, borrowed with others who only read it.
///
/// Dropping it gives the share back. `mem::forget` leaves the page shared until the pool is dropped: others
/// share it, and nobody borrows it alone. Whoever borrows a page alone that they share themselves is refused
/// like anybody else: [`PagePool::borrow`].
///
/// # Invariants
///
/// This is one of those who share `slot`, in which there is a page.
#[must_use = "dropping it gives the share back"]
pub struct SharedPage<'a> {
    slot: &'a Slot,
}

impl SharedPage<'_> {
    /// Returns the bytes.
    ///
    /// Context: any.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: By the type invariants the slot is shared, and who shares it only reads.
        let page = unsafe { &*self.slot.page.get() };
        page.as_deref().map_or(&[], |page| page.as_slice())
    }
}

impl Drop for SharedPage<'_> {
    fn drop(&mut self) {
        // We do not touch the page after this. Each of those who share it continues the release sequence of
        // the others.
        self.slot.state.fetch_sub(1, Release); // B, pairs with A
    }
}
