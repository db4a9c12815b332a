// SPDX-License-Identifier: GPL-2.0

//! What a wait is about: the kind of object, which one it is, and where the task waits.
//!
//! The trace events and the registry both say so. They share these types and nothing else.

use core::{
    fmt,
    panic::Location,
    ptr, //
};
use kernel::str::CStr;

/// What kind of thing is waited for, or owed. The numbers are those of `trace.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A change of an event.
    Event = 0,
    /// The lock of an entry.
    Entry = 1,
    /// The end of references in flight, or the opening of the gate.
    Drain = 2,
    /// A completion.
    Completion = 3,
    /// The end of a run.
    Run = 4,
    /// The end of pins.
    Pin = 5,
    /// A change under a key of an event, or up to a threshold.
    Key = 6,
    /// A count that falls to a number.
    Count = 7,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event => "event",
            Self::Entry => "entry",
            Self::Drain => "drain",
            Self::Completion => "completion",
            Self::Run => "run",
            Self::Pin => "pin",
            Self::Key => "key",
            Self::Count => "count",
        })
    }
}

/// What is waited for: an address, used as a number, and which part of what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Object {
    /// The address.
    pub address: usize,
    /// The index of an entry, the key or threshold of a wait; 0 otherwise.
    pub part: usize,
}

impl Object {
    /// The whole of what is at an address.
    #[inline]
    pub(crate) fn at<T>(address: *const T) -> Self {
        Self {
            address: address.addr(),
            part: 0,
        }
    }
}

/// What a wait says about itself, whatever it is for.
#[derive(Clone, Copy)]
pub(crate) struct Label {
    pub(crate) kind: Kind,
    pub(crate) name: &'static CStr,
}

/// What a task sleeps on, and where it does.
#[derive(Clone, Copy)]
pub(crate) struct About {
    pub(crate) object: Object,
    pub(crate) label: Label,
    pub(crate) place: &'static Location<'static>,
    /// What claim it makes, if that says whom it is behind; 0 otherwise.
    pub(crate) class: usize,
}

/// What a wait is for, until somebody wants to know more: see [`Told::tell`].
///
/// It is plain values that are at hand, so that nothing is stored for a wait that nobody asks about.
///
/// # Invariants
///
/// `label` is null, or valid for as long as the lock of the wait is held.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    pub(crate) object: Object,
    label: *const Label,
    /// As in [`About`].
    pub(crate) class: usize,
}

impl Told {
    /// Nothing, so far.
    pub(crate) const NOTHING: Self = Self {
        object: Object {
            address: 0,
            part: 0,
        },
        label: ptr::null(),
        class: 0,
    };

    /// A wait for `object`, which has this label.
    ///
    /// # Safety
    ///
    /// `label` must be valid for as long as the lock of the wait is held.
    #[inline]
    pub(crate) unsafe fn new(object: Object, label: *const Label) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            object,
            label,
            class: 0,
        }
    }

    #[inline]
    pub(crate) fn is_nothing(&self) -> bool {
        self.label.is_null()
    }

    /// This, or if it is nothing, `other`.
    #[inline]
    pub(crate) fn or(self, other: Self) -> Self {
        if self.is_nothing() {
            other
        } else {
            self
        }
    }

    /// Says what to tell of a wait in `place`.
    ///
    /// # Safety
    ///
    /// The lock of the wait must be held.
    #[inline]
    pub(crate) unsafe fn tell(self, about: &mut Option<About>, place: &'static Location<'static>) {
        let Object { address, part } = self.object;
        // SAFETY: By the type invariants and the safety requirements.
        unsafe { tell_slow(about, self.label, address, part, self.class, place) };
    }
}

/// Does [`Told::tell`]. One by one, what is told stays in registers where nobody wants to know.
///
/// # Safety
///
/// `label` must be null or valid.
#[cold]
#[inline(never)]
unsafe fn tell_slow(
    about: &mut Option<About>,
    label: *const Label,
    address: usize,
    part: usize,
    class: usize,
    place: &'static Location<'static>,
) {
    // SAFETY: By the safety requirements.
    *about = unsafe { label.as_ref() }.map(|label| About {
        object: Object { address, part },
        label: *label,
        place,
        class,
    });
}

/// Returns the end of the name of a file: its folder, and its own.
pub(crate) fn tail(path: &str) -> &str {
    let mut slashes = path.rmatch_indices('/');
    slashes.nth(1).map_or(path, |(at, _)| &path[at + 1..])
}
