// SPDX-License-Identifier: GPL-2.0

//! A sleep in the table of queues that all of the kernel shares, by address.
//!
//! C source: [`kernel/sched/wait_bit.c`](srctree/kernel/sched/wait_bit.c)

use super::protocol::{
    self,
    Sleeper, //
};
use crate::{
    context::MaySleep,
    event::{
        expiry::Expiry,
        platform::interrupted,
        Mode,
        ModeAt,
        WaitError, //
    },
    level::Level,
    registry::{
        self,
        About,
        Kind,
        Label,
        Object, //
    },
};
use core::{
    marker::PhantomData,
    panic::Location, //
};
use kernel::{
    bindings,
    ffi::c_void,
    prelude::*, //
};

/// Wakes who waits for `address`, which is a number: nothing has to be there any more.
#[doc(alias = "wake_up_var")]
pub(super) fn wake(address: *mut c_void) {
    // SAFETY: The address is hashed and compared, nothing else.
    unsafe { bindings::wake_up_var(address) };
}

/// A form of waiting for a wait that may sleep several times, and has one limit for all of them.
pub(super) struct Limited<M: Mode> {
    mode: M,
    /// When the limit ends, once it has begun.
    expiry: Option<Expiry>,
}

impl<M: Mode> Limited<M> {
    pub(super) fn new(mode: M) -> Self {
        Self { mode, expiry: None }
    }

    /// Begins to count, if that has not been done.
    fn begin(&mut self) -> &mut Expiry {
        self.expiry.get_or_insert_with(|| self.mode.begin())
    }
}

/// One sleep of a wait.
///
/// # Invariants
///
/// `entry` is initialised and stays where it is; it is on `queue`, which lives for ever, or on none. The
/// task may sleep.
struct VarSleeper<'e, M: Mode> {
    queue: *mut bindings::wait_queue_head,
    entry: &'e mut bindings::wait_bit_queue_entry,
    expiry: &'e mut Expiry,
    since: u64,
    about: Option<About>,
    _mode: PhantomData<M>,
}

impl<M: Mode> Sleeper for VarSleeper<'_, M> {
    type GaveUp = WaitError;

    #[doc(alias = "prepare_to_wait_event")]
    fn publish(&mut self) {
        // SAFETY: By the type invariants. CAST: States are small. With a signal pending it leaves the
        // state alone, and `give_up()` looks for the same signal.
        unsafe {
            bindings::prepare_to_wait_event(self.queue, &mut self.entry.wq_entry, M::STATE as i32)
        };
    }

    fn give_up(&mut self) -> Option<WaitError> {
        // A signal took the entry off the queue again: it is published anew before the task sleeps.
        if let Some(why) = interrupted(M::STATE, false) {
            Some(why)
        } else if self.expiry.is_over() {
            Some(WaitError::TimedOut)
        } else {
            None
        }
    }

    fn sleep(&mut self) {
        let expiry = &mut *self.expiry;
        // SAFETY: By the type invariants.
        registry::asleep(self.about.as_ref(), &mut self.since, || unsafe {
            expiry.sleep(M::IO);
        });
    }

    #[doc(alias = "finish_wait")]
    fn withdraw(&mut self) {
        // SAFETY: By the type invariants; takes the entry off the queue if it is on it.
        unsafe { bindings::finish_wait(self.queue, &mut self.entry.wq_entry) };
    }
}

/// Sleeps until `look` says that the wait has ended.
#[doc(alias = "wait_var_event")]
pub(super) fn wait<C: Level, M: ModeAt<C>>(
    address: *mut c_void,
    _cx: &mut MaySleep<C>,
    limited: &mut Limited<M>,
    name: &'static CStr,
    place: &'static Location<'static>,
    look: impl FnMut() -> Option<()>,
) -> Result<(), WaitError> {
    let about = registry::is_wanted().then(|| About {
        object: Object::at(address),
        label: Label {
            kind: Kind::Drain,
            name,
        },
        place,
        class: 0,
    });
    let mut entry = bindings::wait_bit_queue_entry::default();
    // SAFETY: `entry` is on this stack, and taken off the queue before this returns.
    unsafe { bindings::init_wait_var_entry(&mut entry, address, 0) };
    // INVARIANT: The entry was initialised, and is borrowed until the sleeper is gone. The capability
    // says that the task may sleep.
    let sleeper = VarSleeper {
        // SAFETY: The address is hashed, nothing else; the table lives for ever.
        queue: unsafe { bindings::__var_waitqueue(address) },
        entry: &mut entry,
        expiry: limited.begin(),
        since: 0,
        about,
        _mode: PhantomData::<M>,
    };
    protocol::wait(sleeper, look)
}
