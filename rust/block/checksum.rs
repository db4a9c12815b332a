// SPDX-License-Identifier: GPL-2.0

//! The checksum of block devices and file systems, as the CPU does it best.
//!
//! C header: [`include/linux/crc32.h`](srctree/include/linux/crc32.h)

use crate::ffi;

/// Returns the CRC-32C of the bytes, with the initial and final inversion.
///
/// Context: any.
pub fn crc32c(bytes: &[u8]) -> u32 {
    // SAFETY: The bytes are valid for reads of their length.
    !unsafe { ffi::baton_crc32c(!0, bytes.as_ptr(), bytes.len()) }
}
