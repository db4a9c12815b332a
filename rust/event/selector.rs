// SPDX-License-Identifier: GPL-2.0

//! Selectors that are bound with `let`.

use core::pin::Pin;

/// A selector that is bound with `let`, to be used more than once.
///
/// It returns what it is given. A closure that is written where it is used knows from there that it returns a part of
/// its argument; one in a variable knows it from here.
///
/// Context: any; it does nothing.
///
/// # Examples
///
/// ```
/// use baton::event::{select, Killable};
/// use baton::{new_event, Event, LockIn, MaySleep};
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, Mutex};
///
/// #[pin_data]
/// struct Gate {
///     #[pin]
///     open: Event<bool>,
/// }
///
/// fn pass_twice(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result {
///     let open = select(|gate: &Gate| &gate.open);
///     gate.lock_in(cx).on(open).until(|open| *open).wait(Killable)?;
///     gate.lock_in(cx).on(open).until(|open| *open).wait(Killable)?;
///     Ok(())
/// }
///
/// let cx = &mut MaySleep::assert();
/// let gate: Pin<KBox<Mutex<Gate>>> =
///     KBox::pin_init(new_mutex!(pin_init!(Gate { open <- new_event!(true) })), GFP_KERNEL)?;
/// pass_twice(&gate, cx)?;
/// # Ok::<(), Error>(())
/// ```
#[inline]
pub fn select<T: ?Sized, E: ?Sized, S>(selector: S) -> S
where
    S: for<'x> Fn(&'x T) -> &'x E,
{
    selector
}

/// As [`select`], for what is to be changed: for [`Held::update`](crate::Held::update), and for the runs of an agent.
///
/// Context: any; it does nothing.
///
/// # Examples
///
/// ```
/// use baton::event::select_mut;
/// use baton::{new_event, Event, LockIn, MaySleep};
/// use core::pin::Pin;
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, Mutex};
///
/// #[pin_data]
/// struct Space {
///     #[pin]
///     free: Event<usize>,
/// }
///
/// fn release(space: &Mutex<Space>, cx: &mut MaySleep, amounts: &[usize]) {
///     let free = select_mut(|space: Pin<&mut Space>| space.project().free);
///     let mut held = space.lock_in(cx);
///     for amount in amounts {
///         held.update(free, |free| *free += amount);
///     }
/// }
///
/// let cx = &mut MaySleep::assert();
/// let space: Pin<KBox<Mutex<Space>>> =
///     KBox::pin_init(new_mutex!(pin_init!(Space { free <- new_event!(0) })), GFP_KERNEL)?;
/// release(&space, cx, &[1, 2]);
/// assert_eq!(*space.lock_in(cx).free, 3);
/// # Ok::<(), Error>(())
/// ```
#[inline]
pub fn select_mut<T: ?Sized, E: ?Sized, S>(selector: S) -> S
where
    S: for<'x> Fn(Pin<&'x mut T>) -> Pin<&'x mut E>,
{
    selector
}

/// As [`select`], for several events: see [`Held::on_any`](crate::Held::on_any).
///
/// Context: any; it does nothing.
#[inline]
pub fn select_any<T: ?Sized, E: ?Sized, S, const N: usize>(selector: S) -> S
where
    S: for<'x> Fn(&'x T) -> [&'x E; N],
{
    selector
}
