// SPDX-License-Identifier: GPL-2.0

//! Who owes the wake: which tasks sleep on what, since when, and who has to end that.
//!
//! The types see to it that no wake-up is lost, and cannot see to it that somebody comes to the point
//! where there would be one. When a task hangs for that reason, the question is who was to wake it.
//! The kernel's hung-task detector can answer for mutexes, semaphores and rwsems
//! (`CONFIG_DETECT_HUNG_TASK_BLOCKER`); this answers for what is in this library.
//!
//! - A *sleeper* is a task in one of the waits of the library. Its record is on its own stack.
//! - An *obligation* is what somebody else has to end before it goes on: a locked entry, a reference in
//!   flight, a shut gate, a completer, a run, a pin. It is in a table by object and place, with how
//!   many there are and who made the last one. Which of several places of one object an end belongs to
//!   is known if the task that began ends; otherwise the oldest one is taken for it. The sum is exact,
//!   if the registry was on when they began.
//! - In an interrupt, the task is the one that was interrupted.
//! - Of a plain event nobody says who will change it. What is known is who has: *changes*, in the same
//!   table.
//!
//! It is off until it is asked for, with `insmod baton.ko registry=1` or by
//! `/sys/kernel/debug/baton_registry/enabled`, and then knows what began afterwards. What does not fit
//! into the table is counted and said. `/sys/kernel/debug/baton_registry/sleepers` shows it.
//!
//! While it is off, each place that would tell it something costs a static branch. The lock inside is
//! a raw spinlock that is taken with interrupts off, and nothing else is taken with it held.

mod files;
mod ledger;
mod report;
mod sleeper;

pub use files::set;
pub(crate) use files::Files;
#[cfg(CONFIG_TRACEPOINTS)]
pub(crate) use ledger::tail;
pub use ledger::{
    switch,
    ROWS, //
};
pub use report::{
    Debtor,
    Report,
    Sleeper, //
};
pub(crate) use sleeper::asleep;

use crate::{
    ffi,
    trace, //
};
use core::{
    fmt,
    panic::Location, //
};
use kernel::{
    bindings,
    str::CStr,
    task::Task, //
};

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
        })
    }
}

/// What is waited for: an address, used as a number, and which part of what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// The address.
    pub address: usize,
    /// The index of an entry; 0 otherwise.
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

/// A task, by what is left of it when it is gone.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    pid: i32,
    comm: [u8; bindings::TASK_COMM_LEN as usize],
}

impl Who {
    const NOBODY: Self = Self {
        pid: 0,
        comm: [0; bindings::TASK_COMM_LEN as usize],
    };

    fn current() -> Self {
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

/// Returns whether the registry is on.
///
/// Context: any. A static branch.
#[inline(always)]
pub fn is_on() -> bool {
    // SAFETY: The key is one that C has defined.
    unsafe {
        kernel::jump_label::static_branch_unlikely!(ffi::baton_registry_key, ffi::Switch, key)
    }
}

/// Returns whether anybody wants to know what a task is going to sleep on.
#[inline(always)]
pub(crate) fn is_wanted() -> bool {
    is_on() || trace::wait_is_on()
}

/// The calling task owes a wake-up to who waits for `object`, or will.
///
/// Context: any.
#[inline(always)]
#[track_caller]
pub(crate) fn owe(kind: Kind, object: Object) {
    if is_on() {
        ledger::owe(kind, object, Location::caller());
    }
}

/// As [`owe`], for what was made elsewhere.
#[inline(always)]
pub(crate) fn owe_since(kind: Kind, object: Object, place: &'static Location<'static>) {
    if is_on() {
        ledger::owe(kind, object, place);
    }
}

/// One of the wake-ups that are owed for `object` is not owed any more.
///
/// To be called before anybody can wake up: what comes then may owe for the same object.
///
/// Context: any.
#[inline(always)]
pub(crate) fn paid(object: Object) {
    if is_on() {
        ledger::paid(object);
    }
}

/// The calling task changes `object`, which is a plain event.
///
/// Context: any.
#[inline(always)]
#[track_caller]
pub(crate) fn changed(object: Object) {
    if is_on() {
        ledger::changed(object, Location::caller());
    }
}

/// There is no such object any more.
///
/// Context: any.
#[inline(always)]
pub(crate) fn gone(object: Object) {
    if is_on() {
        ledger::gone(object);
    }
}
