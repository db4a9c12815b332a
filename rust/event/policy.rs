// SPDX-License-Identifier: GPL-2.0

//! Who is served before whom.

use super::claim::private::Sealed;

/// In which order waiters are served. Sealed: [`Any`] and [`Fifo`].
pub trait Policy: Sealed + 'static {
    /// Whether nobody overtakes those who make the same claim.
    const FIFO: bool;
}

/// Every waiter whose condition holds is served, oldest first. The default: nobody is in another's way.
///
/// A waiter that asks for much can starve behind many that ask for little.
pub enum Any {}

/// First come, first served, among those who make the same claim: nobody starves.
///
/// A waiter queues up behind those that make the same claim, even if its own condition holds. Claims are
/// the same if the same expression in the source makes them, whatever it has captured. So a waiter can be
/// held up by one that asks for something else: two tasks that wait, by one expression, for two things of
/// which only the second one comes, both sleep. [`Event::audit`](super::Event::audit) and the
/// [registry](crate::registry) name whom a waiter is behind.
///
/// A waiter that was behind one that another event has served is woken, takes the lock, and looks for itself.
pub enum Fifo {}

impl Sealed for Any {}
impl Sealed for Fifo {}

impl Policy for Any {
    const FIFO: bool = false;
}

impl Policy for Fifo {
    const FIFO: bool = true;
}
