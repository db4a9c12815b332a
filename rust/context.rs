// SPDX-License-Identifier: GPL-2.0

//! The capability to sleep.
//!
//! C header: [`include/linux/kernel.h`](srctree/include/linux/kernel.h) (`might_sleep()`)
//!
//! Whether a function may sleep depends on all of its callers. C says so in a comment and finds out
//! with `CONFIG_DEBUG_ATOMIC_SLEEP`, on the paths that a test happens to take. Here a wait demands a
//! [`MaySleep`], and everything that forbids to sleep borrows it for as long as it does:
//!
//! ```text
//!   entry point       let cx = &mut MaySleep::assert();
//!   take a lock       let held = lock.lock_in(cx);        cx is borrowed by `held`
//!   wait              held.wait(..)                       consumes `held`: the only lock there is
//!   sleep elsewhere   other.lock_in(cx)                   error[E0499]: `cx` is borrowed by `held`
//! ```
//!
//! Locks and waits that have a place in the order of a module can be nested: see [`level`].
//!
//! Locks that are taken with the plain `Lock::lock()` of the `kernel` crate borrow nothing. They are
//! for code that cannot sleep anyway, such as an interrupt handler; a guard of theirs cannot wait.
//!
//! [`level`]: crate::level

use crate::{
    ffi,
    level::{
        After,
        Level,
        Top, //
    },
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    interrupt::{
        local_interrupt_disable,
        LocalInterruptDisabled, //
    },
    sync::rcu,
    types::NotThreadSafe, //
};

/// The capability to sleep: this task holds no spinlock, is in no RCU read section and has
/// interrupts enabled, and what it holds may be held while what is below `L` is waited for.
///
/// It is zero-sized and threaded through by mutable reference. It is neither `Copy` nor `Send`: it
/// speaks about one task at one time. `L` is the [level](crate::level) of the innermost lock that
/// the task holds, [`Top`] if there is none; every acquisition hands out a weaker one.
///
/// Dropping it does nothing, nor does `mem::forget`: it owns nothing.
///
/// # Invariants
///
/// It was made at an entry point into code of this task, in a context that may sleep. Nobody can prove
/// that to the compiler: `CONFIG_DEBUG_ATOMIC_SLEEP` checks it, for spinlocks, interrupts and RCU. It is
/// no safety invariant. What a task that sleeps where it must not does to others (an RCU section that
/// ends early, where RCU is not preemptible) is outside of what the types of this crate can promise.
pub struct MaySleep<L: Level = Top>(NotThreadSafe, PhantomData<fn() -> L>);

impl MaySleep {
    /// States that the caller may sleep, at an entry point into the module.
    ///
    /// Call it once where control comes in from C (a system call, a callback that may sleep), and
    /// hand on what it returns. Threads and block drivers need not call it: [`Thread`] and the block
    /// layer's callbacks bring one.
    ///
    /// A lock in the last expression of a function is dropped after its variables, and so after a capability that
    /// is one. An entry point that ends in such an expression hands the capability to a function of its own.
    ///
    /// Context: may sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::{LockIn, MaySleep};
    /// use kernel::prelude::*;
    /// use kernel::sync::{new_mutex, Mutex};
    ///
    /// fn read(limit: &Mutex<u32>, cx: &mut MaySleep) -> u32 {
    ///     *limit.lock_in(cx)
    /// }
    ///
    /// /// Called by C, in a context that may sleep.
    /// fn show(limit: &Mutex<u32>) -> u32 {
    ///     read(limit, &mut MaySleep::assert())
    /// }
    ///
    /// let limit = KBox::pin_init(new_mutex!(7), GFP_KERNEL)?;
    /// assert_eq!(show(&limit), 7);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// [`Thread`]: crate::Thread
    // SLEEPS: this is where the capability comes from.
    #[doc(alias = "might_sleep")]
    #[track_caller]
    #[inline]
    pub fn assert() -> Self {
        kernel::task::might_sleep();
        // INVARIANT: `might_sleep()` reports a caller that is in atomic context.
        Self(NotThreadSafe, PhantomData)
    }
}

impl MaySleep {
    /// Lets the freezer stop the task here if it wants to, and returns whether it did.
    ///
    /// It returns after the thaw. Kernel threads that are not [freezable](crate::thread::Builder::freezable) are not
    /// stopped. It takes the capability of a task that holds nothing: others may need that before they can be
    /// frozen themselves.
    ///
    /// Context: may sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::MaySleep;
    ///
    /// let cx = &mut MaySleep::assert();
    /// assert!(!cx.try_to_freeze());
    /// ```
    pub fn try_to_freeze(&mut self) -> bool {
        // SAFETY: The task may sleep, by the invariants, and holds nothing, by the level.
        unsafe { ffi::baton_try_to_freeze() }
    }
}

impl<L: Level> MaySleep<L> {
    /// The capability of a task that has just taken something at this level, for its guard.
    ///
    /// The guard gives it out only if the task can sleep while it holds that.
    #[inline]
    pub(crate) fn while_held() -> Self {
        // INVARIANT: The task was able to sleep before it took the lock, and can again.
        Self(NotThreadSafe, PhantomData)
    }

    /// Returns the capability of a task that holds what stands at `I`: the only way is down.
    ///
    /// For code that is called with something held which no guard stands for. It takes and waits for
    /// nothing that is not below `I`, as long as it lives.
    ///
    /// Context: a task that may sleep; this does not.
    #[inline]
    pub fn below<I: After<L>>(&mut self) -> &mut MaySleep<I> {
        // SAFETY: Both types are zero-sized and have the same invariants but for the level; the
        // reference is borrowed from `self`, which cannot be used meanwhile.
        unsafe { &mut *core::ptr::from_mut(self).cast() }
    }

    /// Enters an RCU read section, in which nothing can sleep.
    ///
    /// Context: a task that may sleep; this does not, and nothing can until the section ends.
    #[inline]
    pub fn rcu_read_lock(&mut self) -> RcuSection<'_> {
        RcuSection {
            guard: rcu::read_lock(),
            _cx: Borrowed::new(),
        }
    }

    /// Disables the interrupts of this CPU; nothing can sleep until they are enabled again.
    ///
    /// On `PREEMPT_RT` a `SpinLock` and a `SpinLockIrq` sleep, so neither can be taken in it there, although
    /// it compiles; nor can anything be called that takes one: see "PREEMPT_RT" in `rust/README.md`.
    ///
    /// Context: a task that may sleep; this does not, and nothing can until they are enabled again.
    #[doc(alias = "local_irq_disable")]
    #[inline]
    pub fn interrupts_off(&mut self) -> InterruptsOff<'_> {
        InterruptsOff {
            token: local_interrupt_disable(),
            _cx: Borrowed::new(),
        }
    }
}

/// Keeps the capability borrowed until it is dropped, also where nobody uses it any more.
///
/// A borrow ends with its last use, and what the compiler runs at the end of a scope counts as a use
/// only if it has a destructor that could see the borrow. Neither a `&mut` nor a `PhantomData` has
/// one: with these alone, `let _outer = a.lock_in(cx);` would not keep `cx` from being used again.
pub(crate) struct Borrowed<'c>(PhantomData<&'c mut MaySleep>);

impl Borrowed<'_> {
    #[inline]
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl Drop for Borrowed<'_> {
    #[inline]
    fn drop(&mut self) {}
}

/// An RCU read section that has borrowed the capability to sleep.
///
/// Dropping it ends the section. `mem::forget` leaves the section open for ever: grace periods stall,
/// which the kernel reports. A section within itself is not possible: the capability is borrowed.
#[must_use = "the RCU read section ends immediately when this is unused"]
pub struct RcuSection<'c> {
    guard: rcu::Guard,
    _cx: Borrowed<'c>,
}

impl Deref for RcuSection<'_> {
    type Target = rcu::Guard;

    #[inline]
    fn deref(&self) -> &rcu::Guard {
        &self.guard
    }
}

/// Disabled interrupts that have borrowed the capability to sleep.
///
/// Dropping it enables them again. `mem::forget` leaves the interrupts of this CPU disabled. They cannot
/// be disabled within this section itself: the capability is borrowed.
#[must_use = "interrupts are enabled again immediately when this is unused"]
pub struct InterruptsOff<'c> {
    token: LocalInterruptDisabled,
    _cx: Borrowed<'c>,
}

impl Deref for InterruptsOff<'_> {
    type Target = LocalInterruptDisabled;

    #[inline]
    fn deref(&self) -> &LocalInterruptDisabled {
        &self.token
    }
}
