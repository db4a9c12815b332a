// SPDX-License-Identifier: GPL-2.0

//! Checksums of block devices and file systems.
//!
//! C headers: [`include/linux/crc32.h`](srctree/include/linux/crc32.h),
//! [`include/linux/xxhash.h`](srctree/include/linux/xxhash.h)

use crate::ffi;

/// Returns the CRC-32C of the bytes, with the initial and final inversion.
///
/// It is what the CPU does best, if that has an instruction for it. An emulated one may not: QEMU computes it
/// bit by bit.
///
/// Context: any.
pub fn crc32c(bytes: &[u8]) -> u32 {
    // SAFETY: The bytes are valid for reads of their length.
    !unsafe { ffi::baton_crc32c(!0, bytes.as_ptr(), bytes.len()) }
}

/// Returns the XXH64 of the bytes, with the seed 0: multiplications, which every CPU has.
///
/// It finds what has changed by accident, and not what somebody has changed who wants that to stay unnoticed.
///
/// Context: any.
pub fn xxh64(bytes: &[u8]) -> u64 {
    // SAFETY: The bytes are valid for reads of their length.
    unsafe { ffi::baton_xxh64(bytes.as_ptr(), bytes.len()) }
}
