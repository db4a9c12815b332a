// SPDX-License-Identifier: GPL-2.0

//! Levels: one static order over the locks, events and agents of a module.
//!
//! # The bug that this removes
//!
//! `md` stopped its resync thread with the array's mutex held, and what the thread waited for needed
//! that mutex:
//!
//! ```text
//!   admin                    sync thread          writer              daemon
//!   1 lock(reconfig_mutex)
//!                            2 waits for the writer
//!                                                 3 waits for the
//!                                                   superblock
//!                                                                     4 needs reconfig_mutex to
//!                                                                       write the superblock
//!   5 kthread_stop(): waits
//! ```
//!
//! Nothing but an order over *waits and locks together* says which of these is wrong. Here a wait is
//! an acquisition: a level stands for a lock, for an event, or for the runs of an agent, and all of
//! them stand in one list, [`levels!`], outermost first. The capability to sleep carries the level
//! of the innermost thing that the task holds, `MaySleep<L>`; what it takes or waits for next has
//! to be [`After`] it. In step 5 it is not, and does not compile.
//!
//! The order exists at compile time only: an [`Ordered`](crate::Ordered) lock has the size of the lock in
//! it, and the capability none.
//!
//! Lockdep finds such cycles when a test takes every edge of them, and for locks only; the edges that C
//! contributes are in `wait_map.rs`.

use kernel::{
    prelude::*,
    sync::LockClassKey, //
};

/// A lockdep class: its name and its key.
#[doc(hidden)]
pub type Class = (&'static CStr, Pin<&'static LockClassKey>);

/// The name of a class, for [`levels!`].
#[doc(hidden)]
pub const fn name(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(name) => name,
        // Not reached: an identifier has no zero in it.
        Err(_) => c"baton_level",
    }
}

/// A place in the order of a module.
///
/// Declared with [`levels!`]. A level has no values: it exists as a type only.
///
/// # Safety
///
/// The order of all levels, as [`After`] says it, has no cycle. Only [`levels!`] implements this.
pub unsafe trait Level: 'static {
    /// The lockdep class of the waits at this level.
    #[doc(hidden)]
    fn class() -> Option<Class> {
        None
    }
}

/// `Self` stands further down than `A`: it may be taken, or waited for, while `A` is held.
///
/// Implemented by [`levels!`], for every pair of its list.
///
/// # Safety
///
/// There is no cycle: no level is, directly or by way of others, after itself. Only [`levels!`]
/// implements this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` must not be taken or waited for while `{A}` is held",
    label = "`{Self}` does not stand below `{A}` in the order of the levels",
    note = "whoever ends the wait may need what is held; `levels!` declares the order, outermost first",
    note = "what has no place in an order is `Unordered`, and stands alone: a lock gets one as `Ordered<LEVEL, Mutex<_>>`; a spinlock under a mutex needs none, see `Held::nested()`"
)]
pub unsafe trait After<A: Level>: Level {}

/// The level of a task that holds nothing.
pub enum Top {}

/// The level of what is not in the list: it may be taken and waited for with nothing held only, and
/// nothing can be taken or waited for while it is held.
pub enum Unordered {}

// SAFETY: `Top` is after nothing.
unsafe impl Level for Top {}

// SAFETY: Nothing is after `Unordered`.
unsafe impl Level for Unordered {}

// SAFETY: As above.
unsafe impl After<Top> for Unordered {}

/// The level of nothing.
///
/// With one level only that [`Unordered`] is after, the compiler would take it for granted that the capability
/// has that one, and call another one a mismatched type instead of saying what is wrong.
#[doc(hidden)]
pub enum Nowhere {}

// SAFETY: `Nowhere` is after nothing.
unsafe impl Level for Nowhere {}

// SAFETY: As above.
unsafe impl After<Nowhere> for Unordered {}

/// Compiles if `I` stands below `O`; for [`levels!`].
#[doc(hidden)]
pub const fn stands_below<I: After<O>, O: Level>() {}

/// Declares the order of a module's locks, events and agents, outermost first.
///
/// `needs [..]` after a level names what somebody takes, or waits for, before a wait at that level
/// can end. It has to stand further down: a cycle does not compile. For agents it need not be
/// written, because a run has the capability of the agent's level and so can take nothing else; it
/// is for what the types cannot see, such as C code or another task on which a task depends.
///
/// # Examples
///
/// ```
/// use baton::level::levels;
/// use baton::{MaySleep, Ordered};
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, Mutex};
///
/// levels! {
///     /// What may be held while what stands further down is taken or waited for.
///     pub(crate) mod order {
///         /// A run of the scrub, which takes both locks.
///         Scrub needs [Config, Cache],
///         /// How the disk is set up.
///         Config,
///         /// What is in memory.
///         Cache,
///     }
/// }
///
/// fn both(
///     config: &Ordered<order::Config, Mutex<u32>>,
///     cache: &Ordered<order::Cache, Mutex<u32>>,
///     cx: &mut MaySleep,
/// ) {
///     let mut config = config.lock_in(cx);
///     let (size, cx) = config.inner();
///     *cache.lock_in(cx) = *size;
/// }
///
/// let cx = &mut MaySleep::assert();
/// let config = KBox::pin_init(Ordered::new(new_mutex!(7)), GFP_KERNEL)?;
/// let cache = KBox::pin_init(Ordered::new(new_mutex!(0)), GFP_KERNEL)?;
/// both(&config, &cache, cx);
/// assert_eq!(*cache.lock_in(cx), 7);
/// # Ok::<(), Error>(())
/// ```
#[macro_export]
macro_rules! levels {
    (
        $(#[$attribute:meta])*
        $vis:vis mod $name:ident {
            $($(#[$doc:meta])* $level:ident $(needs [$($need:ident),* $(,)?])?),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[allow(dead_code, unreachable_pub, reason = "a list is declared as a whole")]
        $vis mod $name {
            $(
                $(#[$doc])*
                pub enum $level {}
                // SAFETY: The list is the order, and each level stands in it once.
                unsafe impl $crate::level::Level for $level {
                    fn class() -> ::core::option::Option<$crate::level::Class> {
                        const NAME: &::core::ffi::CStr = $crate::level::name(::core::concat!(
                            ::core::stringify!($level), "\0"));
                        ::core::option::Option::Some((NAME, ::kernel::static_lock_class!()))
                    }
                }
                // SAFETY: `Top` is after nothing.
                unsafe impl $crate::level::After<$crate::level::Top> for $level {}
            )*
            $crate::levels!(@below $($level)*);
            $($($(const _: () = $crate::level::stands_below::<$need, $level>();)*)?)*
        }
    };
    (@below) => {};
    (@below $outer:ident $($inner:ident)*) => {
        $(
            // SAFETY: Each level is after those that stand before it in the list, and no others.
            unsafe impl $crate::level::After<$outer> for $inner {}
        )*
        $crate::levels!(@below $($inner)*);
    };
}
pub use levels;
