// SPDX-License-Identifier: GPL-2.0

//! Allocating memory where memory reclaim may be waiting for what is done.
//!
//! C header: [`include/linux/sched/mm.h`](srctree/include/linux/sched/mm.h)

use crate::{
    context::MaySleep,
    ffi,
    level::Level, //
};

/// Does `body`; every allocation in it is `GFP_NOIO`, whatever its flags say.
///
/// For threads on which the I/O of a disk depends. Reclaim in the middle of an allocation of theirs
/// could write to that disk, and wait for them.
///
/// Context: that of `body`, which may sleep.
#[doc(alias("memalloc_noio_save", "memalloc_noio_restore"))]
pub fn without_io<C: Level, R>(
    cx: &mut MaySleep<C>,
    body: impl FnOnce(&mut MaySleep<C>) -> R,
) -> R {
    // SAFETY: Only changes a flag of the current task, which is put back below.
    let flags = unsafe { ffi::baton_blk_noio_save() };
    let result = body(cx);
    // SAFETY: `flags` came from `baton_blk_noio_save()` in this task, above.
    unsafe { ffi::baton_blk_noio_restore(flags) };
    result
}

/// Returns whether every allocation of this task is `GFP_NOIO`: see [`without_io`].
///
/// Context: any.
pub fn is_without_io() -> bool {
    // SAFETY: Only reads a flag of the current task.
    unsafe { ffi::baton_blk_noio_is_set() }
}
