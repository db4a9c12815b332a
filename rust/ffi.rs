// SPDX-License-Identifier: GPL-2.0

//! Declarations of the C helpers.
//!
//! Their definitions, one line each, are in `helpers.c`; `helpers.h` has the same prototypes for C.

use kernel::{
    bindings,
    ffi::{
        c_int,
        c_uint, //
    },
};

#[allow(
    improper_ctypes,
    reason = "some C structures are empty, depending on the configuration"
)]
extern "C" {
    // `sched.h`
    pub(crate) fn baton_set_current_state(state: c_uint);
    pub(crate) fn baton_set_running();
    pub(crate) fn baton_signal_pending_state(state: c_uint) -> c_int;

    // `sched/signal.h`
    pub(crate) fn baton_allow_signals();
    pub(crate) fn baton_interrupt(task: *mut bindings::task_struct);
    pub(crate) fn baton_kill(task: *mut bindings::task_struct);

    // `lockdep.h`
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn baton_wait_map_init(
        map: *mut bindings::lockdep_map,
        name: *const kernel::ffi::c_char,
        key: *mut bindings::lock_class_key,
    );
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn baton_wait_map_acquire(map: *mut bindings::lockdep_map);
}
