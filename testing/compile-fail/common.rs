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
        SharedEntryGuard,
        Slot,
        Value, //
    },
    event::{
        when,
        Claim,
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
    Tied,
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

pub fn is_open(open: &bool) -> bool {
    *open
}

/// Takes `want` credits.
pub fn take(want: u32) -> impl Claim<u32, Output = u32> {
    when(
        move |credits: &u32| *credits >= want,
        move |credits: &mut u32| {
            *credits -= want;
            want
        },
    )
}
