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
//!   many there are and who made the last one. If the task that began it ends it, the end is taken off
//!   its own; if another task or an interrupt does, off the oldest one of that object. The sum is exact
//!   if the registry was on when they began.
//! - What begins in an interrupt is noted for the task that was interrupted.
//! - Of a plain event nobody says who will change it. What is known is who has: *changes*, in the same
//!   table.
//!
//! It is off until it is asked for, with `insmod baton.ko registry=1` or by
//! `/sys/kernel/debug/baton_registry/enabled`, and then notes what begins afterwards: who was asleep
//! before is not in the list, and the first line of the report says so, and since when it counts. What
//! does not fit into the table is counted and said. `/sys/kernel/debug/baton_registry/sleepers` shows it
//! all, and so do `echo W >/proc/sysrq-trigger` and, of one task, the report that it hangs, in the log.
//!
//! Tools that read a dump know the table as well: `tools/owes`.
//!
//! While it is off, each place that would tell it something costs a static branch. The lock inside is
//! a raw spinlock that is taken with interrupts off, and nothing else is taken with it held.

mod files;
mod ledger;
mod log;
mod note;
mod record;
mod report;
mod sleeper;
mod switch;

pub(crate) use crate::about::{
    About,
    Label,
    Told, //
};
pub use crate::about::{
    Kind,
    Object, //
};
pub use files::set;
pub(crate) use files::Files;
pub use ledger::ROWS;
pub(crate) use log::Log;
pub(crate) use note::{
    changed,
    gone,
    owe,
    owe_since,
    paid, //
};
pub use report::{
    Debtor,
    Report,
    Sleeper, //
};
pub(crate) use sleeper::{
    asleep,
    is_wanted, //
};
pub use switch::{
    is_on,
    switch, //
};
