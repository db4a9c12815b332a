// SPDX-License-Identifier: GPL-2.0

//! The switch of the registry.

use super::ledger::Locked;
use crate::{
    ffi,
    level::Level,
    MaySleep, //
};

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

/// Switches the registry on or off. It forgets what is owed when it goes off.
///
/// What began before it went on is not noted: a [`Report`](super::Report) says for how long it has been
/// on.
///
/// Context: may sleep, and takes the lock of the CPUs (`cpus_read_lock()`).
#[doc(alias("static_branch_enable", "static_branch_disable"))]
pub fn switch<L: Level>(_cx: &mut MaySleep<L>, on: bool) {
    set(on);
}

/// As [`switch`], for a caller that may sleep.
// Not generic and never inlined: what it calls is not exported.
#[inline(never)]
fn set(on: bool) {
    // SAFETY: By `switch()`, the only caller, the task may sleep. Ended below.
    unsafe { ffi::baton_registry_begin_switch() };
    Locked::new().switch(on);
    // What runs past the branch meanwhile looks at what was set above.
    // SAFETY: As above. Begun there.
    unsafe { ffi::baton_registry_end_switch(on) };
}
