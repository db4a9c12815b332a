// SPDX-License-Identifier: GPL-2.0

//! Claims: what a waiter waits for, and what it does the moment that comes true.
//!
//! A claim has two parts. The *condition* looks at the event's data and cannot change it. The *taking*
//! changes the data, and cannot fail. So no claim can change the data and then not be satisfied, which
//! would be a change that nobody is woken for.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]`.

pub(crate) mod private {
    pub trait Sealed {}
}

/// What a waiter waits for and takes. Sealed: made by [`until`], [`when`] and [`give`](super::give).
///
/// They are made of closures, of functions, or of function pointers.
///
/// Both parts run under the lock that the event lives in, on whichever task holds it, interrupts off
/// included. They must not sleep, allocate, or take long. They capture by move only, so they cannot
/// refer to what another lock protects. What they have captured is dropped by the waiting task, with no
/// lock held.
#[diagnostic::on_unimplemented(
    message = "this is not a claim on the data of the event, which is `{W}`",
    note = "a condition is `Fn(&{W}) -> bool`, a taking is `FnMut(&mut {W}) -> R`; both are `Send` and capture by move only"
)]
pub trait Claim<W>: private::Sealed + Send + 'static {
    /// What the waiter takes.
    type Output: Send + 'static;

    /// Returns whether the condition holds.
    #[doc(hidden)]
    fn holds(&self, data: &W) -> bool;

    /// Takes, when the condition holds.
    ///
    /// # Safety
    ///
    /// It is called once, and the claim is only dropped afterwards.
    #[doc(hidden)]
    unsafe fn take(&mut self, data: &mut W) -> Self::Output;
}

/// A condition alone: see [`until`].
///
/// Dropping it drops what the condition has captured; `mem::forget` leaks that.
pub struct Until<F>(F);

/// A condition and a taking: see [`when`].
///
/// Dropping it drops what both have captured; `mem::forget` leaks that.
pub struct When<C, T> {
    condition: C,
    taking: T,
}

/// Waits for a condition and takes nothing.
///
/// Context: any; nothing is waited for yet.
#[inline]
pub fn until<W, F>(condition: F) -> Until<F>
where
    F: Fn(&W) -> bool + Send + 'static,
{
    Until(condition)
}

/// Waits for a condition, and takes the moment that it holds.
///
/// Context: any; nothing is waited for yet.
///
/// # Examples
///
/// ```
/// use baton::event::{when, Claim};
///
/// /// Takes `want` of what is free.
/// fn take(want: usize) -> impl Claim<usize, Output = usize> {
///     when(
///         move |free: &usize| *free >= want,
///         move |free: &mut usize| {
///             *free -= want;
///             want
///         },
///     )
/// }
/// # let _ = take(1);
/// ```
#[inline]
pub fn when<W, R, C, T>(condition: C, taking: T) -> When<C, T>
where
    C: Fn(&W) -> bool + Send + 'static,
    T: FnMut(&mut W) -> R + Send + 'static,
{
    When { condition, taking }
}

impl<F> private::Sealed for Until<F> {}
impl<C, T> private::Sealed for When<C, T> {}

impl<W, F> Claim<W> for Until<F>
where
    F: Fn(&W) -> bool + Send + 'static,
{
    type Output = ();

    #[inline]
    fn holds(&self, data: &W) -> bool {
        (self.0)(data)
    }

    #[inline]
    unsafe fn take(&mut self, _data: &mut W) {}
}

impl<W, R, C, T> Claim<W> for When<C, T>
where
    R: Send + 'static,
    C: Fn(&W) -> bool + Send + 'static,
    T: FnMut(&mut W) -> R + Send + 'static,
{
    type Output = R;

    #[inline]
    fn holds(&self, data: &W) -> bool {
        (self.condition)(data)
    }

    #[inline]
    unsafe fn take(&mut self, data: &mut W) -> R {
        (self.taking)(data)
    }
}
