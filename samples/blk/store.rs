// SPDX-License-Identifier: GPL-2.0

//! The data of a disk: pages, and the entries under which they are used.

use crate::stats::Stats;
use baton::{
    block::{
        PageTable,
        Sink,
        Source, //
    },
    LockIn,
    MaySleep, //
};
use core::ops::Range;
use kernel::{
    new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    sync::Mutex, //
};

/// What reads as zeroes.
static ZEROES: [u8; PAGE_SIZE] = [0; PAGE_SIZE];

/// The data of one disk.
#[pin_data]
pub(crate) struct Store {
    #[pin]
    lock: Mutex<()>,
    #[pin]
    pages: PageTable,
}

/// Splits a range of bytes at page boundaries: the index of each page and the bytes in it.
fn split(start: u64, bytes: u64) -> impl Iterator<Item = (usize, Range<usize>)> {
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
        Some((index as usize, from as usize..(from + len) as usize))
    })
}

impl Store {
    /// Makes an empty store of `pages` pages.
    pub(crate) fn new(pages: usize) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            lock <- new_mutex!(()),
            pages <- PageTable::new(pages),
        })
    }

    /// Copies the bytes from `start` on to the request.
    pub(crate) fn read(
        &self,
        start: u64,
        bytes: u64,
        sink: &mut Sink<'_>,
        _stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result {
        for (index, range) in split(start, bytes) {
            let _held = self.lock.lock_in(cx);
            let slot = self.pages.borrow_existing(index)?;
            let page = slot.as_ref().and_then(|slot| slot.bytes());
            let src = page.unwrap_or(&ZEROES).get(range).ok_or(EINVAL)?;
            sink.copy_from(src)?;
        }
        Ok(())
    }

    /// Keeps the bytes of the request from `start` on.
    pub(crate) fn write(
        &self,
        start: u64,
        bytes: u64,
        source: &mut Source<'_>,
        _stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result {
        for (index, range) in split(start, bytes) {
            let _held = self.lock.lock_in(cx);
            let mut slot = self.pages.borrow(index)?;
            let dst = slot.bytes_mut()?.get_mut(range).ok_or(EINVAL)?;
            source.copy_to(dst)?;
        }
        Ok(())
    }

    /// Forgets the bytes from `start` on: they read as zeroes.
    pub(crate) fn discard(
        &self,
        start: u64,
        bytes: u64,
        _stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result {
        for (index, range) in split(start, bytes) {
            let _held = self.lock.lock_in(cx);
            let Some(mut slot) = self.pages.borrow_existing(index)? else {
                continue;
            };
            if range.len() == PAGE_SIZE {
                slot.clear();
            } else if slot.bytes().is_some() {
                slot.bytes_mut()?.get_mut(range).ok_or(EINVAL)?.fill(0);
            }
        }
        Ok(())
    }

    /// Returns the number of pages that hold data.
    pub(crate) fn pages(&self) -> usize {
        self.pages.pages()
    }

    /// Returns how often a page was about to be used by two at once.
    pub(crate) fn refused(&self) -> usize {
        self.pages.refused()
    }
}
