// SPDX-License-Identifier: GPL-2.0

//! What the cases are about: a gate under a lock, with two events, and claims for them.

pub use baton::{
    entry_map::{
        Entry,
        EntryGuard,
        EntryMap,
        Granule,
        Mark,
        Order,
        Outcome,
        Slot,
        Value, //
    },
    event::{
        Interruptible,
        Killable,
        Uninterruptible, //
    },
    new_event,
    Any,
    Closed,
    Event,
    Fifo,
    Held,
    LockIn,
    LockNested,
    MaySleep,
    Thread,
    WaitError, //
};
pub use core::pin::Pin;
pub use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex,
        SpinLock,
        SpinLockIrq, //
    },
};

#[pin_data]
pub struct Gate {
    #[pin]
    pub open: Event<bool>,
    #[pin]
    pub credits: Event<u32>,
    pub limit: u32,
}

pub fn is_open(open: &mut bool, _: &()) -> Option<()> {
    open.then_some(())
}

pub fn take(credits: &mut u32, want: &u32) -> Option<u32> {
    *credits = credits.checked_sub(*want)?;
    Some(*want)
}
