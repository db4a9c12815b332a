// SPDX-License-Identifier: GPL-2.0

//! What the rest of the library tells the registry: a static branch each while it is off.

use super::{
    ledger,
    switch::is_on, //
};
use crate::about::{
    Kind,
    Object, //
};
use core::panic::Location;

/// The calling task owes a wake-up to who waits for `object`, or will.
///
/// Context: any.
#[inline(always)]
#[track_caller]
pub(crate) fn owe(kind: Kind, object: Object) {
    if is_on() {
        ledger::owe(kind, object, Location::caller());
    }
}

/// As [`owe`], for what was made elsewhere.
#[inline(always)]
pub(crate) fn owe_since(kind: Kind, object: Object, place: &'static Location<'static>) {
    if is_on() {
        ledger::owe(kind, object, place);
    }
}

/// One of the wake-ups that are owed for `object` is not owed any more.
///
/// To be called before anybody can wake up: what comes then may owe for the same object.
///
/// Context: any.
#[inline(always)]
pub(crate) fn paid(object: Object) {
    if is_on() {
        ledger::paid(object);
    }
}

/// The calling task changes `object`, which is a plain event.
///
/// Context: any.
#[inline(always)]
#[track_caller]
pub(crate) fn changed(object: Object) {
    if is_on() {
        ledger::changed(object, Location::caller());
    }
}

/// There is no such object any more.
///
/// Context: any.
#[inline(always)]
pub(crate) fn gone(object: Object) {
    if is_on() {
        ledger::gone(object);
    }
}
