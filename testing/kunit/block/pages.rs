// SPDX-License-Identifier: GPL-2.0

//! Pages that are known by a number, and handed out once.

use baton::{
    block::PagePool,
    MaySleep, //
};
use core::mem;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

#[kunit_tests(baton_block_pages)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_borrowed_once() -> Result {
        let cx = &mut MaySleep::assert();
        let pool = KBox::pin_init(PagePool::new(cx, 8, 8)?, GFP_KERNEL)?;
        let mut page = pool.alloc(cx)?;
        let id = page.id();
        let fresh = page.bytes().iter().all(|byte| *byte == 0) && page.bytes().len() == PAGE_SIZE;
        page.bytes_mut().fill(7);
        let second = pool.borrow(id).err();
        let freed = pool.free(id).err();
        drop(page);
        let again = pool.borrow(id)?;
        let kept = again.bytes().iter().all(|byte| *byte == 7);
        drop(again);
        assert!(fresh);
        assert_eq!(second, Some(EBUSY));
        assert_eq!(freed, Some(EBUSY));
        assert!(kept);
        assert_eq!(pool.refused(), 2);
        assert_eq!(pool.in_use(), 1);
        Ok(())
    }

    #[test]
    fn a_page_is_shared_by_those_who_read_it() -> Result {
        let cx = &mut MaySleep::assert();
        let pool = KBox::pin_init(PagePool::new(cx, 8, 8)?, GFP_KERNEL)?;
        let mut page = pool.alloc(cx)?;
        page.bytes_mut().fill(7);
        let id = page.id();
        let early = pool.share(id).err();
        drop(page);
        let (one, other) = (pool.share(id)?, pool.share(id)?);
        let same = one.bytes() == other.bytes() && one.bytes().iter().all(|byte| *byte == 7);
        drop(one);
        let borrowed = pool.borrow(id).err();
        let freed = pool.free(id).err();
        drop(other);
        let again = pool.borrow(id).map(|page| page.id());
        pool.free(id)?;
        let gone = pool.share(id).err();
        assert!(same);
        assert_eq!((early, borrowed), (Some(EBUSY), Some(EBUSY)));
        assert_eq!((freed, gone), (Some(EBUSY), Some(EBUSY)));
        assert_eq!(again, Ok(id));
        assert_eq!(pool.refused(), 4);
        Ok(())
    }

    #[test]
    fn a_stamp_stays_with_its_page() -> Result {
        let cx = &mut MaySleep::assert();
        let pool = KBox::pin_init(PagePool::new(cx, 2, 2)?, GFP_KERNEL)?;
        let (mut one, mut other) = (pool.alloc(cx)?, pool.alloc(cx)?);
        let fresh = one.stamp();
        one.set_stamp(7);
        other.set_stamp(8);
        let id = one.id();
        drop(one);
        let kept = pool.borrow(id)?.stamp();
        pool.free(id)?;
        // The same number, and another page.
        let again = pool.alloc(cx)?;
        assert_eq!(again.id(), id);
        assert_eq!((fresh, kept, other.stamp(), again.stamp()), (0, 7, 8, 7));
        // Also for whoever has not borrowed it.
        assert_eq!((pool.stamp(id), pool.stamp(2)), (Some(7), Some(0)));
        assert_eq!(pool.stamp(u32::MAX), None);
        let changed =
            [(6, 9), (7, 9), (7, 10), (9, 11)].map(|(old, new)| pool.restamp(id, old, new));
        assert_eq!(changed, [false, true, false, true]);
        assert_eq!(again.stamp(), 11);
        Ok(())
    }

    #[test]
    fn a_number_is_given_again_after_it_was_freed() -> Result {
        let cx = &mut MaySleep::assert();
        let pool = KBox::pin_init(PagePool::new(cx, 2, 4)?, GFP_KERNEL)?;
        let (first, second) = (pool.alloc(cx)?.id(), pool.alloc(cx)?.id());
        let third = pool.alloc(cx).err();
        pool.free(first)?;
        let gone = pool.borrow(first).err();
        let mut page = pool.alloc(cx)?;
        let (again, clean) = (page.id(), page.bytes_mut().iter().all(|byte| *byte == 0));
        page.free();
        assert!(first != second);
        assert_eq!(third, Some(ENOSPC));
        assert_eq!(gone, Some(EBUSY));
        assert_eq!(again, first);
        assert!(clean);
        assert_eq!(pool.in_use(), 1);
        Ok(())
    }

    #[test]
    fn what_is_not_there_is_refused_and_counted() -> Result {
        let cx = &mut MaySleep::assert();
        let pool = KBox::pin_init(PagePool::new(cx, 8, 8)?, GFP_KERNEL)?;
        let nothing = pool.borrow(0).err();
        let id = pool.alloc(cx)?.id();
        let others = (
            pool.borrow(id + 1).err(),
            pool.borrow(u32::MAX).err(),
            pool.free(7).err(),
        );
        pool.free(id)?;
        let twice = pool.free(id).err();
        assert_eq!(nothing, Some(EBUSY));
        assert_eq!(others, (Some(EBUSY), Some(EBUSY), Some(EBUSY)));
        assert_eq!(twice, Some(EBUSY));
        assert_eq!((pool.refused(), pool.in_use()), (5, 0));
        Ok(())
    }

    #[test]
    fn a_leaked_page_is_borrowed_by_nobody() -> Result {
        let cx = &mut MaySleep::assert();
        let pool = KBox::pin_init(PagePool::new(cx, 2, 2)?, GFP_KERNEL)?;
        let page = pool.alloc(cx)?;
        let id = page.id();
        mem::forget(page);
        let (borrowed, freed) = (pool.borrow(id).err(), pool.free(id).err());
        let other = pool.alloc(cx)?.id();
        let full = pool.alloc(cx).err();
        assert_eq!((borrowed, freed), (Some(EBUSY), Some(EBUSY)));
        assert!(other != id);
        assert_eq!(full, Some(ENOSPC));
        assert_eq!(pool.in_use(), 2);
        Ok(())
    }

    #[test]
    fn a_page_is_new_whatever_the_last_one_held() -> Result {
        let cx = &mut MaySleep::assert();
        let pool = KBox::pin_init(PagePool::new(cx, 1, 1)?, GFP_KERNEL)?;
        let mut page = pool.alloc(cx)?;
        page.bytes_mut().fill(7);
        let first = page.id();
        page.free();
        let gone = pool.in_use();
        let page = pool.alloc(cx)?;
        let clean = page.bytes().iter().all(|byte| *byte == 0);
        let again = page.id();
        drop(page);
        assert_eq!(gone, 0);
        assert!(clean);
        assert_eq!(again, first);
        Ok(())
    }

    #[test]
    fn the_limit_of_a_pool_is_changed() -> Result {
        let cx = &mut MaySleep::assert();
        let pool = KBox::pin_init(PagePool::new(cx, 2, 4)?, GFP_KERNEL)?;
        let mut ids = [0; 4];
        for id in &mut ids[..2] {
            *id = pool.alloc(cx)?.id();
        }
        let full = pool.alloc(cx).err();
        let too_many = pool.set_limit(5).err();
        pool.set_limit(4)?;
        for id in &mut ids[2..] {
            *id = pool.alloc(cx)?.id();
        }
        // What is in use beyond a smaller limit stays until it is freed.
        pool.set_limit(3)?;
        let beyond = pool.in_use();
        pool.free(ids[0])?;
        let still_full = pool.alloc(cx).err();
        pool.free(ids[1])?;
        let room = pool.alloc(cx).is_ok();
        let bad = PagePool::new(cx, 5, 4).err();
        assert_eq!(full, Some(ENOSPC));
        assert_eq!(too_many, Some(EINVAL));
        assert_eq!(beyond, 4);
        assert_eq!(still_full, Some(ENOSPC));
        assert!(room);
        assert_eq!(bad, Some(EINVAL));
        Ok(())
    }

    #[test]
    fn a_pool_grows_and_shrinks() -> Result {
        let cx = &mut MaySleep::assert();
        const PAGES: usize = 1500;
        let pool = KBox::pin_init(PagePool::new(cx, PAGES as u32, PAGES as u32)?, GFP_KERNEL)?;
        let mut ids = KVec::with_capacity(PAGES, GFP_KERNEL)?;
        for _ in 0..PAGES {
            ids.push(pool.alloc(cx)?.id(), GFP_KERNEL)?;
        }
        let full = pool.in_use();
        let mut seen = KVec::from_elem(false, PAGES, GFP_KERNEL)?;
        for id in &ids {
            if let Some(seen) = seen.get_mut(*id as usize) {
                *seen = true;
            }
        }
        // As many numbers as there are, and each of them was given.
        let distinct = seen.iter().all(|seen| *seen);
        for id in &ids {
            pool.free(*id)?;
        }
        let empty = pool.in_use();
        for _ in 0..PAGES {
            let _ = pool.alloc(cx)?.id();
        }
        assert!(distinct);
        assert_eq!((full, empty, pool.in_use()), (PAGES, 0, PAGES));
        Ok(())
    }
}
