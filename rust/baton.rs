// SPDX-License-Identifier: GPL-2.0

//! Wait queues and entry locks whose types make lost wake-ups impossible to write.
//!
//! In C, code that sleeps until shared state changes is a lock, some fields, a wait queue, a loop
//! and a convention. Here the convention is the types. "Passing the baton" is the field's term for
//! handing a wake-up, or the ownership it stands for, to exactly one next waiter; the promise of
//! this crate is that nobody drops it.
//!
//! # The tour, from the bottom up
//!
//! - [`level`] is the order in which a module takes its locks and waits. A wait is an acquisition, so
//!   waiting with something held that the other task needs does not compile.
//! - [`MaySleep`] is the capability to sleep. Every lock that is taken through it borrows it, so
//!   a task that holds a lock, is in an RCU section or has interrupts disabled cannot sleep on something
//!   else. [`held`] is the lock that has borrowed it, [`both`] two of them that a wait gives up together.
//! - [`Event`] is a condition's data and the tasks that wait for it, in one object, inside a lock. Its data
//!   changes through [`Event::update`] only, which considers the waiters before it returns: there is
//!   no wake call to forget or to misplace. A task can wait for one event or for either of several. Of a
//!   [`KeyedEvent`](event::KeyedEvent) and a [`ThresholdEvent`](event::ThresholdEvent) a change finds the waiters
//!   that it concerns, however many there are; a [`Callback`](event::Callback) is a waiter that is no task.
//! - [`EntryMap`] is a map whose entries can be locked across sleeps. Unlocking hands the lock to
//!   the next waiter; what a waiter finds there (an entry, nothing, a conflict) cannot make it
//!   swallow that.
//! - [`drain`] counts references in flight. Close the gate before you wait; you cannot wait for what only
//!   your own task can end. [`completion`] is one obligation of that kind, as a value, and [`sink`] says
//!   in which context something is finished. [`count`] is a count that falls to a number, without a lock.
//! - [`Thread`] and [`Agent`] run code in the background. A stop ends their waits. An agent's runs are told
//!   apart: a stop waits for the [`Run`](agent::Run) that it saw.
//! - [`pool`] has nodes that keep their identity while somebody uses them, after the lock was dropped under
//!   which they were selected; [`shrinker`] asks it for memory, and cannot sleep.
//! - [`poll`] makes an event one that `poll()` waits for as well, and [`misc`] has the device to do so.
//! - [`registry`] says who sleeps on what, since when, and who owes the wake. There are trace events too.
//!
//! ```text
//!   task A                          inside one lock                     task B
//!   held.on(..).when(..).wait() -->  Event { data, waiters }  <-- event.update(|data| ..)
//!      sleeps                        tries A's claim on A's behalf
//!      wakes up with what it claimed, no lock taken again
//! ```
//!
//! [`EntryMap`]: entry_map::EntryMap

pub mod agent;
pub mod block;
pub mod both;
pub mod completion;
pub mod context;
pub mod count;
pub mod drain;
pub mod entry_map;
pub mod event;
#[cfg(all(CONFIG_KUNIT, CONFIG_FAULT_INJECTION))]
pub mod fault;
pub mod held;
pub mod level;
pub mod misc;
mod ordered;
pub mod owner;
pub mod poll;
pub mod pool;
pub mod registry;
pub mod rw_semaphore;
pub mod shrinker;
pub mod sink;
#[cfg(CONFIG_KUNIT)]
pub mod testing;
pub mod thread;
pub mod wait_map;

mod about;
mod ffi;
mod stop;
mod trace;

pub use agent::Agent;
pub use context::MaySleep;
pub use entry_map::{
    EntryGuard,
    EntryMap, //
};
pub use event::{
    Any,
    Closed,
    Either,
    Event,
    Fifo,
    Tied,
    WaitError, //
};
pub use held::{
    Held,
    LockIn,
    LockNested, //
};
pub use level::{
    After,
    Level, //
};
pub use ordered::Ordered;
pub use thread::Thread;

use kernel::prelude::*;

module! {
    type: Baton,
    name: "baton",
    authors: ["The baton authors"],
    description: "Wait queues and entry locks for Rust",
    license: "GPL",
    params: {
        registry: bool {
            default: false,
            description: "Note from the start who sleeps on what, and who owes the wake (default: 0)",
        },
    },
}

struct Baton {
    _files: Pin<KBox<registry::Files>>,
    _log: registry::Log,
    _reaper: owner::Reaper,
}

impl kernel::Module for Baton {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // ENTRY: the module is loaded.
        let cx = &mut MaySleep::assert();
        event::platform::init();
        let reaper = owner::Reaper::new()?;
        let files = KBox::pin_init(registry::Files::new(), GFP_KERNEL)?;
        registry::switch(cx, module_parameters::registry.value());
        Ok(Self {
            _files: files,
            _log: registry::Log::new(),
            _reaper: reaper,
        })
    }
}
