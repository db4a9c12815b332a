// SPDX-License-Identifier: GPL-2.0

//! Trace events: waits, claims, wake-ups, drains, runs and pins, as `trace-cmd` sees them.
//!
//! C source: `rust/trace.h`, where the events are declared. C header:
//! [`include/linux/tracepoint.h`](srctree/include/linux/tracepoint.h)
//!
//! While an event is off it costs its static branch, as in C and as with the kernel crate's
//! `declare_trace!`, which is for events of the kernel itself. What comes behind the branch is compiled
//! once, in `baton.ko`. Without `CONFIG_TRACEPOINTS` there is no code at all.
//!
//! The events are called `baton:baton_wait` and so on.

use crate::about::{
    About,
    Kind,
    Object, //
};
#[cfg(CONFIG_TRACEPOINTS)]
use crate::ffi;
use kernel::bindings;

/// A step of a drain, as in `trace.h`.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Drain {
    Shut,
    Drained,
    Open,
}

/// A step of a run, as in `trace.h`.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Run {
    Begins,
    Ends,
}

/// A step of a pin, as in `trace.h`.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Pin {
    Pins,
    Unpins,
    Owns,
    GivesBack,
}

/// Whether an event is on: the static branch.
macro_rules! is_on {
    ($point:ident) => {{
        #[cfg(CONFIG_TRACEPOINTS)]
        // SAFETY: The key is that of an event which C has defined.
        let on = unsafe {
            kernel::jump_label::static_branch_unlikely!(ffi::$point, bindings::tracepoint, key)
        };
        #[cfg(not(CONFIG_TRACEPOINTS))]
        let on = false;
        on
    }};
}

/// Makes the function that is called, and the one behind the branch that calls the event.
macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $name:ident, $slow:ident($($arg:ident: $type:ty),*), $point:ident => $call:expr;
    )*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name($($arg: $type),*) {
            #[cfg(CONFIG_TRACEPOINTS)]
            if is_on!($point) {
                $slow($($arg),*);
            }
            #[cfg(not(CONFIG_TRACEPOINTS))]
            let _ = ($($arg,)*);
        }

        #[cfg(CONFIG_TRACEPOINTS)]
        #[cold]
        #[inline(never)]
        fn $slow($($arg: $type),*) {
            // SAFETY: What the event looks at is valid during the call: the callers' documentation
            // says why for tasks, everything else is a number or a reference.
            unsafe { $call }
        }
    )*};
}

/// Returns whether [`wait`] goes anywhere: what it says may have to be looked up.
#[inline(always)]
pub(crate) fn wait_is_on() -> bool {
    is_on!(__tracepoint_baton_wait)
}

/// The same for [`run`].
#[inline(always)]
pub(crate) fn run_is_on() -> bool {
    is_on!(__tracepoint_baton_run)
}

/// The same for [`pin`].
#[inline(always)]
pub(crate) fn pin_is_on() -> bool {
    is_on!(__tracepoint_baton_pin)
}

events! {
    /// The calling task is going to sleep.
    wait, wait_slow(about: &About), __tracepoint_baton_wait => {
        let name = crate::about::tail(about.label.name.to_str().unwrap_or("?"));
        let file = crate::about::tail(about.place.file());
        ffi::rust_do_trace_baton_wait(
            about.label.kind as u32,
            about.object.address,
            about.object.part,
            name.as_ptr(),
            name.len(),
            file.as_ptr(),
            file.len(),
            about.place.line(),
        )
    };

    /// The calling task has claimed on behalf of `to`, which has not been told and so is still there.
    claim, claim_slow(kind: Kind, object: Object, to: *mut bindings::task_struct),
    __tracepoint_baton_claim =>
        ffi::rust_do_trace_baton_claim(kind as u32, object.address, object.part, to);

    /// The calling task is going to wake `task`, which it keeps in memory.
    wake, wake_slow(task: *mut bindings::task_struct), __tracepoint_baton_wake =>
        ffi::rust_do_trace_baton_wake(task);

    /// Something has happened to the gate of a drain.
    drain, drain_slow(object: Object, step: Drain, in_flight: u64), __tracepoint_baton_drain =>
        ffi::rust_do_trace_baton_drain(object.address, step as u32, in_flight);

    /// A run begins or ends.
    run, run_slow(object: Object, step: Run, generation: u64), __tracepoint_baton_run =>
        ffi::rust_do_trace_baton_run(object.address, step as u32, generation);

    /// Nodes of a pool are pinned or owned, or not any more.
    pin, pin_slow(object: Object, step: Pin, nodes: u64), __tracepoint_baton_pin =>
        ffi::rust_do_trace_baton_pin(object.address, step as u32, nodes);
}
