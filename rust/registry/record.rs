// SPDX-License-Identifier: GPL-2.0

//! What the registry notes: tasks, places, obligations, and who sleeps.
//!
//! Everything is a copy, because a task or a module may go before what is noted about it does. The
//! exception is a [`Record`], which is on the stack of the task that it is about.

use crate::about::{
    tail,
    About,
    Kind,
    Object, //
};
use core::{
    cell::Cell,
    fmt, //
};
use kernel::{
    bindings,
    task::Task, //
};

/// A task, by what is left of it when it is gone.
#[derive(Clone, Copy)]
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
pub(super) struct Row {
    pub(super) object: Object,
    pub(super) kind: Kind,
    /// Whether these are changes, which are not taken back.
    pub(super) changes: bool,
    /// How many there are. The row is free if there are none.
    pub(super) count: u64,
    /// When the count began to be more than nothing.
    pub(super) since: u64,
    /// When the last one was added, and by whom.
    pub(super) last: u64,
    pub(super) who: Who,
    pub(super) file: File,
    pub(super) line: u32,
}

impl Row {
    pub(super) const FREE: Self = Self {
        object: Object {
            address: 0,
            part: 0,
        },
        kind: Kind::Event,
        changes: false,
        count: 0,
        since: 0,
        last: 0,
        who: Who::NOBODY,
        file: File::NONE,
        line: 0,
    };
}

/// A task that sleeps.
pub(super) struct Record {
    pub(super) next: Cell<*const Record>,
    pub(super) prev: Cell<*const Record>,
    pub(super) about: About,
    pub(super) since: u64,
    pub(super) who: Who,
    /// The task, which exists as long as its record is on the list.
    pub(super) task: *mut bindings::task_struct,
}
