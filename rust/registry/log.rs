// SPDX-License-Identifier: GPL-2.0

//! What the kernel's log gets of the registry: before the report of a hung task, and for a key of SysRq.
//!
//! The hung-task detector has room for four kinds of blockers, all taken, and calls nobody
//! (`include/linux/hung_task.h`); but before it writes, it fires a trace event, and a module may listen
//! to that. `sched_show_task()`, which is all that SysRq's `w` calls, looks at nothing of ours; hence
//! the key `W`.

use super::{
    ledger::{
        address,
        now,
        Locked, //
    },
    record::Record,
    report::{
        Debtor,
        Heading,
        Sleeper,
        Summary, //
    },
};
use crate::ffi;
use kernel::{
    bindings,
    fmt::Arguments,
    prelude::*, //
};

/// Tells the log, until it is dropped.
///
/// The module has one. `mem::forget` would leave calls of a module that has gone.
pub(crate) struct Log(());

impl Log {
    /// Context: may sleep.
    pub(crate) fn new() -> Self {
        // SAFETY: The module's code stays until `drop()` has waited for the last call. The state is only
        // handed to tools.
        unsafe { ffi::baton_registry_listen(tell, address()) };
        Self(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // SAFETY: Begun in `new()`.
        unsafe { ffi::baton_registry_ignore() };
    }
}

/// Tells the log what `task` sleeps on, and who owes the wake; of everybody if there is none.
///
/// Context: any but NMI. It allocates nothing, and prints without the lock.
extern "C" fn tell(task: *mut bindings::task_struct) {
    if task.is_null() {
        return everybody();
    }
    // Once for each sleep: the detector comes again and again.
    let first = |record: &Record| record.task == task && !record.told.replace(true);
    if let Some(sleeper) = find(first) {
        let debtor = about(&sleeper, |line| pr_err!("{line}\n"));
        if let Some(debtor) = debtor.filter(|debtor| debtor.pid() != sleeper.pid()) {
            debtor.show();
        }
    }
}

/// Tells the log of everybody.
///
/// Who goes to sleep or wakes meanwhile may be left out, or come twice.
fn everybody() {
    pr_info!("{}\n", format_args!("{}", Summary::now()));
    let mut at = 0;
    while let Some(sleeper) = find(nth(at)) {
        about(&sleeper, |line| pr_info!("{line}\n"));
        at += 1;
    }
}

/// Whether it is the record with that number, if it is asked for one after the other.
fn nth(at: usize) -> impl FnMut(&Record) -> bool {
    let mut left = at;
    move |_| {
        let found = left == 0;
        left = left.wrapping_sub(1);
        found
    }
}

/// A copy of the first record that is wanted.
fn find(mut wanted: impl FnMut(&Record) -> bool) -> Option<Sleeper> {
    let state = Locked::new();
    let mut found = None;
    state.records(|record| {
        if wanted(record) {
            // SAFETY: It is on the list, and the lock is held.
            found = Some(unsafe { Sleeper::new(record, now()) });
        }
        found.is_none()
    });
    found
}

/// Says on what it sleeps, who owes it or has changed it, and where; returns the first one who owes, or
/// else the first one who has changed it.
fn about(sleeper: &Sleeper, say: impl Fn(Arguments<'_>)) -> Option<Debtor> {
    say(format_args!("{}", Heading(sleeper)));
    let (mut owes, mut changed) = (None, None);
    let mut at = 0;
    // One at a time: all of them have no room on the stack.
    while let Some(debtor) = Debtor::nth(sleeper.changed_as(), at) {
        say(format_args!("  {debtor}"));
        let first = if debtor.has_changed() {
            &mut changed
        } else {
            &mut owes
        };
        first.get_or_insert(debtor);
        at += 1;
    }
    if at == 0 {
        say(format_args!("  nobody is known to owe it"));
    }
    say(format_args!("  {sleeper}"));
    owes.or(changed)
}
