// SPDX-License-Identifier: GPL-2.0

//! What entries stand for, and the marks that they can have.

use super::state::{
    Content,
    Raw, //
};

/// What entries can stand for: something of up to 48 bits.
///
/// A value is copied in and out; nothing is dropped with its entry.
///
/// It is safe to implement: what [`Value::to_bits`] returns is checked, and [`Value::from_bits`] gets
/// nothing else. Both can be called under the tree lock, as the closures of [`EntryMap::at`] are.
///
/// [`EntryMap::at`]: super::EntryMap::at
pub trait Value: Copy + Send + 'static {
    /// Packs the value into at most 48 bits: more are refused with [`EINVAL`] when it is stored.
    ///
    /// Context: under the map's lock; it must not sleep.
    ///
    /// [`EINVAL`]: kernel::error::code::EINVAL
    fn to_bits(self) -> u64;
    /// Unpacks what [`Value::to_bits`] has packed.
    ///
    /// Context: under the map's lock; it must not sleep.
    fn from_bits(bits: u64) -> Self;
}

impl Value for u64 {
    #[inline]
    fn to_bits(self) -> u64 {
        self
    }

    #[inline]
    fn from_bits(bits: u64) -> Self {
        bits
    }
}

impl Value for u32 {
    #[inline]
    fn to_bits(self) -> u64 {
        self.into()
    }

    #[inline]
    fn from_bits(bits: u64) -> Self {
        // CAST: `bits` came from a `u32`.
        bits as u32
    }
}

impl Value for () {
    #[inline]
    fn to_bits(self) -> u64 {
        0
    }

    #[inline]
    fn from_bits(_bits: u64) -> Self {}
}

/// Packs a value; `None` if it has too many bits.
#[inline]
pub(super) fn content<V: Value>(value: V, zero: bool) -> Option<Content> {
    let value = value.to_bits();
    (value >> Raw::VALUE_BITS == 0).then_some(Content { value, zero })
}

/// A mark that an entry can have, and that can be searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "xa_mark_t")]
pub enum Mark {
    /// The entry has changed since it was written back.
    Dirty,
    /// The entry is about to be written back.
    ToWrite,
}

impl Mark {
    #[inline]
    pub(super) fn raw(self) -> u32 {
        match self {
            Mark::Dirty => 0,
            Mark::ToWrite => 1,
        }
    }
}

/// A set of marks.
#[derive(Clone, Copy)]
pub(super) struct Marks(pub(super) u32);

impl Marks {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ALL: Self = Self(0b11);

    #[inline]
    pub(super) fn has(self, mark: Mark) -> bool {
        self.0 & 1 << mark.raw() != 0
    }
}

impl From<Mark> for Marks {
    #[inline]
    fn from(mark: Mark) -> Self {
        Self(1 << mark.raw())
    }
}
