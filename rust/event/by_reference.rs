// SPDX-License-Identifier: GPL-2.0

//! What the compiler says to who changes an event without a pinned reference to it.

use super::{
    Event,
    Policy, //
};
use crate::level::Level;

/// Implemented by nothing: says what to write instead of `held.event.update(..)`.
#[diagnostic::on_unimplemented(
    message = "an event is changed by way of a pinned reference to it",
    label = "reach it by `held.as_mut().project()` if `held` is the guard, or by `.as_mut()` if it is in a box",
    note = "do not pin a copy of it: `held.update(|data| data.project().event, |value| ..)` does both, and wakes after the unlock"
)]
#[doc(hidden)]
pub trait ByReference {}

impl<W, P: Policy, E: Level> Event<W, P, E>
where
    Self: ByReference,
{
    #[doc(hidden)]
    pub fn update<R>(&self, _change: impl FnOnce(&mut W) -> R) {}
}
