// SPDX-License-Identifier: GPL-2.0

//! What the registry notes: tasks, places, obligations, and who sleeps.
//!
//! Everything is a copy, because a task or a module may go before what is noted about it does. The
//! exception is a [`Record`], which is on the stack of the task that it is about.
//!
//! The layout is that of `registry.h`, by which tools read it from a dump.

use crate::{
    about::{
        tail,
        About,
        Kind,
        Object, //
    },
    ffi, //
};
use core::{
    cell::Cell,
    fmt,
    mem::size_of,
    ptr,
    slice,
    str, //
};
use kernel::{
    bindings,
    task::Task, //
};

/// A task, by what is left of it when it is gone.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Who {
    pub(super) pid: i32,
    comm: [u8; bindings::TASK_COMM_LEN as usize],
}

impl Who {
    pub(super) const NOBODY: Self = Self {
        pid: 0,
        comm: [0; bindings::TASK_COMM_LEN as usize],
    };

    /// Returns the calling task; in an interrupt, the one that was interrupted.
    pub(super) fn current() -> Self {
        let task = Task::current_raw();
        // SAFETY: The calling task is valid. Its name may be changed by others at this moment: then
        // it is half the old one and half the new one, which is what everybody sees who reads it.
        unsafe {
            Self {
                pid: (*task).pid,
                comm: (&raw const (*task).comm)
                    .cast::<[u8; bindings::TASK_COMM_LEN as usize]>()
                    .read(),
            }
        }
    }

    /// Tells the log where the task is, if it is there.
    pub(super) fn show(&self) {
        // SAFETY: The name is read only during the call.
        unsafe { ffi::baton_registry_show(self.pid, self.comm.as_ptr()) };
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.comm.iter().position(|byte| *byte == 0).unwrap_or(0);
        let name = core::str::from_utf8(&self.comm[..len]).unwrap_or("?");
        write!(f, "{} {}", name, self.pid)
    }
}

/// The end of the name of a file: its folder, and its own.
///
/// A copy, because the module that has the name may go before the row does.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(super) struct File {
    bytes: [u8; 36],
    len: u8,
}

impl File {
    const NONE: Self = Self {
        bytes: [0; 36],
        len: 0,
    };

    pub(super) fn new(path: &str) -> Self {
        let end = tail(path).as_bytes();
        let mut file = Self::NONE;
        let len = end.len().min(file.bytes.len());
        file.bytes[..len].copy_from_slice(&end[..len]);
        // CAST: At most the length of the array.
        file.len = len as u8;
        file
    }

    pub(super) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("?")
    }
}

/// What is owed for one object from one place, or who has changed it from there.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Row {
    pub(super) object: Object,
    /// How many there are. The row is free if there are none.
    pub(super) count: u64,
    /// When the count began to be more than nothing.
    pub(super) since: u64,
    /// When the last one was added, and by whom.
    pub(super) last: u64,
    pub(super) kind: Kind,
    pub(super) line: u32,
    pub(super) who: Who,
    pub(super) file: File,
    /// Whether these are changes, which are not taken back.
    pub(super) changes: bool,
}

// As in `helpers_registry.c`.
const _: () = assert!(size_of::<Row>() == 112);

impl Row {
    pub(super) const FREE: Self = Self {
        object: Object {
            address: 0,
            part: 0,
        },
        count: 0,
        since: 0,
        last: 0,
        kind: Kind::Event,
        line: 0,
        who: Who::NOBODY,
        file: File::NONE,
        changes: false,
    };
}

/// The end of a name that is there for ever, as far as who sleeps is concerned.
///
/// # Invariants
///
/// `bytes` and `len` are those of a `&'static str`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Text {
    bytes: *const u8,
    len: usize,
}

impl Text {
    fn new(name: &'static str) -> Self {
        let end = tail(name);
        // INVARIANT: The end of a static name is one.
        Self {
            bytes: end.as_ptr(),
            len: end.len(),
        }
    }

    pub(super) fn as_str(&self) -> &'static str {
        // SAFETY: By the type invariants.
        unsafe { str::from_utf8_unchecked(slice::from_raw_parts(self.bytes, self.len)) }
    }
}

/// A task that sleeps.
#[repr(C)]
pub(super) struct Record {
    pub(super) next: Cell<*const Record>,
    pub(super) prev: Cell<*const Record>,
    pub(super) object: Object,
    pub(super) name: Text,
    pub(super) file: Text,
    /// What claim it makes, as in [`About`].
    pub(super) class: usize,
    pub(super) since: u64,
    /// The task, which exists as long as its record is on the list.
    pub(super) task: *mut bindings::task_struct,
    pub(super) kind: Kind,
    pub(super) line: u32,
    pub(super) who: Who,
    /// Whether the log has been told of it.
    pub(super) told: Cell<bool>,
}

const _: () = assert!(size_of::<Record>() == 120);

impl Record {
    /// The record of the calling task, which sleeps on that, on no list yet.
    pub(super) fn new(about: &About, since: u64) -> Self {
        Self {
            next: Cell::new(ptr::null()),
            prev: Cell::new(ptr::null()),
            object: about.object,
            name: Text::new(about.label.name.to_str().unwrap_or("?")),
            file: Text::new(about.place.file()),
            class: about.class,
            since,
            task: Task::current_raw(),
            kind: about.label.kind,
            line: about.place.line(),
            who: Who::current(),
            told: Cell::new(false),
        }
    }
}
