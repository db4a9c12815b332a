// SPDX-License-Identifier: GPL-2.0

//! Which mutant is switched on. Becomes `baton::mutant` in the copy of the sources that
//! `testing/mutants/run.py` builds; nothing else uses it.

use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// What stands there until the tool writes a number into the module file.
const NONE: u64 = 0x4d75_7461_6e74_2100;

#[no_mangle]
static baton_mutant: Atomic<u64> = Atomic::new(NONE);

/// Whether this module file is mutant `number`.
#[inline(never)]
pub fn on(number: u64) -> bool {
    baton_mutant.load(Relaxed) == number
}
