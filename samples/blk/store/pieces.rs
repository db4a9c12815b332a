// SPDX-License-Identifier: GPL-2.0

//! What of which page a range of bytes covers.

use core::ops::Range;
use kernel::page::PAGE_SIZE;

/// Some bytes of one page.
pub(super) struct Piece {
    pub(super) index: usize,
    pub(super) bytes: Range<usize>,
}

impl Piece {
    pub(super) fn is_whole(&self) -> bool {
        self.bytes.len() == PAGE_SIZE
    }
}

/// Returns the index of the page that a byte lies in.
pub(super) fn page_of(byte: u64) -> usize {
    // CAST: The index is one of a page in memory.
    (byte / PAGE_SIZE as u64) as usize
}

/// Splits a range of bytes at page boundaries.
pub(super) fn pieces(start: u64, bytes: u64) -> impl Iterator<Item = Piece> {
    let end = start + bytes;
    let mut at = start;
    core::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let index = at / PAGE_SIZE as u64;
        let from = at % PAGE_SIZE as u64;
        let len = (PAGE_SIZE as u64 - from).min(end - at);
        at += len;
        // CAST: The index is one of a page in memory, the rest is less than a page.
        Some(Piece {
            index: index as usize,
            bytes: from as usize..(from + len) as usize,
        })
    })
}

/// Returns the indices of the pages that lie in a range of bytes as a whole.
pub(super) fn whole_pages(start: u64, bytes: u64) -> Range<usize> {
    let first = start.div_ceil(PAGE_SIZE as u64);
    let end = (start + bytes) / PAGE_SIZE as u64;
    // CAST: The indices are of pages in memory.
    first as usize..end.max(first) as usize
}

/// Returns the parts of a range of bytes that are less than a page, at its two ends.
pub(super) fn fragments(start: u64, bytes: u64) -> impl Iterator<Item = Piece> {
    let size = PAGE_SIZE as u64;
    let end = start + bytes;
    // The end of the first page, and the start of the last one.
    let head = start.next_multiple_of(size).min(end);
    let tail = (end - end % size).max(head);
    [(start, head), (tail, end)]
        .into_iter()
        .flat_map(|(from, to)| pieces(from, to - from))
        .filter(|piece| !piece.is_whole())
}
