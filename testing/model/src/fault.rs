// SPDX-License-Identifier: GPL-2.0

// The positive controls: each fault must make the case that it names end badly, in the way that it
// names. Included by the build script of each family, before its faults.

/// A fault that the explorer must find.
struct Fault {
    name: &'static str,
    /// The source that it is put into, and what it replaces there by what.
    file: &'static str,
    from: &'static str,
    to: &'static str,
    /// The case that must find it, and a part of what it must say.
    case: &'static str,
    says: &'static str,
}

#[allow(dead_code)]
const DEADLOCK: &str = "deadlock";
#[allow(dead_code)]
const RACE: &str = "Causality violation";
#[allow(dead_code)]
const PANIC: &str = "panicked";
