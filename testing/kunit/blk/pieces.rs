// SPDX-License-Identifier: GPL-2.0

//! The pages that a range of bytes covers, in whole and in part.

use crate::pieces::{
    fragments,
    pieces,
    whole_pages,
    Piece, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// The unit of the ranges that are tried, in bytes.
const UNIT: usize = 512;

/// The units of a page.
const UNITS: usize = PAGE_SIZE / UNIT;

/// The pages that a range can cover.
const PAGES: usize = 4;

/// How often each unit was covered.
struct Map([u8; PAGES * UNITS]);

impl Map {
    fn new() -> Self {
        Self([0; PAGES * UNITS])
    }

    /// Covers `bytes` of a page; returns whether that is possible.
    fn cover(&mut self, index: usize, bytes: core::ops::Range<usize>) -> bool {
        let from = index * UNITS + bytes.start / UNIT;
        let to = index * UNITS + bytes.end / UNIT;
        match self.0.get_mut(from..to) {
            Some(units) => {
                for unit in units {
                    *unit += 1;
                }
                bytes.end <= PAGE_SIZE
            }
            None => false,
        }
    }

    fn cover_piece(&mut self, piece: Piece) -> bool {
        self.cover(piece.index, piece.bytes)
    }

    /// Whether each unit of `from..to` was covered once, and no other.
    fn is_exactly(&self, from: usize, to: usize) -> bool {
        let mut units = self.0.iter().enumerate();
        units.all(|(i, count)| *count == u8::from((from..to).contains(&i)))
    }
}

/// Calls `wrong` for each range, and counts how often it was right to be called so.
fn count(wrong: impl Fn(usize, usize) -> bool) -> u32 {
    let mut wrongs = 0;
    for from in 0..=PAGES * UNITS {
        for to in from..=PAGES * UNITS {
            wrongs += u32::from(wrong(from, to));
        }
    }
    wrongs
}

#[kunit_tests(baton_blk_pieces)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_range_once() -> Result {
        let wrongs = count(|from, to| {
            let mut map = Map::new();
            let mut inside = true;
            for piece in pieces((from * UNIT) as u64, ((to - from) * UNIT) as u64) {
                inside &= !piece.bytes.is_empty() && map.cover_piece(piece);
            }
            !inside || !map.is_exactly(from, to)
        });
        assert_eq!(wrongs, 0);
        Ok(())
    }

    #[test]
    fn whole_pages_and_fragments_cover_a_range_once() -> Result {
        let wrongs = count(|from, to| {
            let (start, bytes) = ((from * UNIT) as u64, ((to - from) * UNIT) as u64);
            let mut map = Map::new();
            let mut inside = true;
            for index in whole_pages(start, bytes) {
                inside &= map.cover(index, 0..PAGE_SIZE);
            }
            for piece in fragments(start, bytes) {
                // What is a whole page is none.
                inside &= !piece.is_whole() && map.cover_piece(piece);
            }
            !inside || !map.is_exactly(from, to)
        });
        assert_eq!(wrongs, 0);
        Ok(())
    }

    #[test]
    fn a_page_is_whole_from_its_first_byte_to_its_last() -> Result {
        let mut whole = 0;
        let mut parts = 0;
        for piece in pieces(UNIT as u64, 2 * PAGE_SIZE as u64) {
            whole += u32::from(piece.is_whole());
            parts += u32::from(!piece.is_whole());
        }
        assert_eq!((whole, parts), (1, 2));
        Ok(())
    }
}
