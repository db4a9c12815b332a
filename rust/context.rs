// SPDX-License-Identifier: GPL-2.0

//! The capability to sleep, and the locks that borrow it.
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
//! Locks that are taken with the plain [`Lock::lock`] of the `kernel` crate borrow nothing. They are
//! for code that cannot sleep anyway, such as an interrupt handler; a guard of theirs cannot wait.
//!
//! [`level`]: crate::level

use crate::{
    event::{
        platform::Kernel,
        protocol::{
            Chosen,
            Platform, //
        },
    },
    level::{
        After,
        Level,
        Top,
        Unordered, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::{
        Deref,
        DerefMut, //
    },
    pin::Pin,
};
use kernel::{
    interrupt::{
        local_interrupt_disable,
        LocalInterruptDisabled, //
    },
    sync::{
        lock::{
            mutex::MutexBackend,
            Backend,
            Guard,
            Lock, //
        },
        rcu, //
    },
    types::NotThreadSafe,
};

/// The capability to sleep: this task holds no spinlock, is in no RCU read section and has
/// interrupts enabled, and what it holds may be held while what is below `L` is waited for.
///
/// It is zero-sized and threaded through by mutable reference. It is neither `Copy` nor `Send`: it
/// speaks about one task at one time. `L` is the [level](crate::level) of the innermost lock that
/// the task holds, [`Top`] if there is none; every acquisition hands out a weaker one.
///
/// `mem::forget` of a `MaySleep` does nothing: it owns nothing.
///
/// # Invariants
///
/// It was made at an entry point into code of this task, in a context that may sleep. This is
/// checked when the kernel has `CONFIG_DEBUG_ATOMIC_SLEEP`, and nothing is unsound when it does not
/// hold: the task sleeps where it must not, which is a bug but not undefined behaviour.
pub struct MaySleep<L: Level = Top>(NotThreadSafe, PhantomData<fn() -> L>);

impl MaySleep {
    /// States that the caller may sleep, at an entry point into the module.
    ///
    /// Call it once where control comes in from C (a system call, a callback that may sleep), and
    /// hand on what it returns. Threads and block drivers need not call it: [`Thread`] and the block
    /// layer's callbacks bring one.
    ///
    /// Context: may sleep.
    ///
    /// [`Thread`]: crate::Thread
    #[doc(alias = "might_sleep")]
    #[track_caller]
    #[inline]
    pub fn assert() -> Self {
        kernel::task::might_sleep();
        // INVARIANT: `might_sleep()` reports a caller that is in atomic context.
        Self(NotThreadSafe, PhantomData)
    }
}

impl<L: Level> MaySleep<L> {
    /// The capability of a task that has just taken a sleeping lock at this level, for its guard.
    #[inline]
    pub(crate) fn while_held() -> Self {
        // INVARIANT: The task was able to sleep before it took the lock, and can again.
        Self(NotThreadSafe, PhantomData)
    }

    /// Returns the capability of a task that holds what stands at `I`: the only way is down.
    ///
    /// For code that is called with something held which no guard stands for. It takes and waits for
    /// nothing that is not below `I`, as long as it lives.
    #[inline]
    pub fn below<I: After<L>>(&mut self) -> &mut MaySleep<I> {
        // SAFETY: Both types are zero-sized and have the same invariants but for the level; the
        // reference is borrowed from `self`, which cannot be used meanwhile.
        unsafe { &mut *core::ptr::from_mut(self).cast() }
    }

    /// Enters an RCU read section, in which nothing can sleep.
    #[inline]
    pub fn rcu_read_lock(&mut self) -> RcuSection<'_> {
        RcuSection {
            guard: rcu::read_lock(),
            _cx: Borrowed::new(),
        }
    }

    /// Disables the interrupts of this CPU; nothing can sleep until they are enabled again.
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
/// `mem::forget` leaves the section open for ever: grace periods stall, which the kernel reports.
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
/// `mem::forget` leaves the interrupts of this CPU disabled.
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

/// Taking a lock with the capability to sleep.
///
/// Implemented by every lock of the `kernel` crate: `Mutex`, `SpinLock`, `SpinLockIrq`.
pub trait LockIn<T: ?Sized, B: Backend> {
    /// Acquires the lock and borrows the capability until it is released.
    ///
    /// The lock is in nobody's order, so nothing else may be held: see [`Ordered`].
    ///
    /// Context: may sleep, whatever the kind of lock.
    ///
    /// [`Ordered`]: crate::level::Ordered
    fn lock_in<'a, 'c, C: Level>(&'a self, cx: &'c mut MaySleep<C>) -> Held<'a, 'c, T, B, C>
    where
        Unordered: After<C>;
}

impl<T: ?Sized, B: Backend> LockIn<T, B> for Lock<T, B> {
    #[inline]
    fn lock_in<'a, 'c, C: Level>(&'a self, cx: &'c mut MaySleep<C>) -> Held<'a, 'c, T, B, C>
    where
        Unordered: After<C>,
    {
        Held::new(self.lock(), cx)
    }
}

/// A guard, and who was served under it: they are told after the lock was released.
pub(crate) struct Locked<'a, T: ?Sized, B: Backend> {
    pub(crate) guard: ManuallyDrop<Guard<'a, T, B>>,
    pub(crate) chosen: Chosen<Kernel>,
}

impl<'a, T: ?Sized, B: Backend> Locked<'a, T, B> {
    #[inline]
    pub(crate) fn new(guard: Guard<'a, T, B>) -> Self {
        Self {
            guard: ManuallyDrop::new(guard),
            chosen: Chosen::new(),
        }
    }

    #[cold]
    #[inline(never)]
    fn unlock_and_wake(&mut self) {
        // From before the lock is released: who was served must not wait for this task to run again.
        Kernel::begin_batch();
        // SAFETY: Called once, by `drop()`.
        unsafe { ManuallyDrop::drop(&mut self.guard) };
        self.chosen.complete();
        Kernel::end_batch();
    }
}

impl<T: ?Sized, B: Backend> Drop for Locked<'_, T, B> {
    #[inline]
    fn drop(&mut self) {
        if self.chosen.is_empty() {
            // SAFETY: The guard is not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.guard) };
        } else {
            self.unlock_and_wake();
        }
    }
}

/// A held lock together with the capability to sleep that it has borrowed.
///
/// It is the guard that can wait: see [`Held::wait`]. While it lives, the capability is borrowed, so
/// that the task cannot take another lock of this kind beside it, nor sleep on anything else. A
/// second lock under this one is taken with [`Held::nested`], or, if both have a place in the order
/// of the module's [`levels`](crate::level), through [`Held::inner`].
///
/// `C` is the level of what the task holds besides, `L` that of this lock.
///
/// `mem::forget` leaves the lock held for ever, as with every guard of the `kernel` crate, and with it
/// asleep whoever [`Held::update`] has served under it.
#[must_use = "the lock unlocks immediately when the guard is unused"]
pub struct Held<'a, 'c, T: ?Sized, B: Backend, C: Level = Top, L: Level = Unordered> {
    pub(crate) locked: Locked<'a, T, B>,
    pub(crate) cx: &'c mut MaySleep<C>,
    inner: MaySleep<L>,
    pub(crate) _borrowed: Borrowed<'c>,
}

impl<'a, 'c, T: ?Sized, B: Backend, C: Level, L: Level> Held<'a, 'c, T, B, C, L> {
    /// Puts together what [`LockIn::lock_in`] returns.
    #[inline]
    pub(crate) fn new(guard: Guard<'a, T, B>, cx: &'c mut MaySleep<C>) -> Self {
        Self::from_locked(Locked::new(guard), cx)
    }

    /// As [`Held::new`], with who was served under the guard.
    #[inline]
    pub(crate) fn from_locked(locked: Locked<'a, T, B>, cx: &'c mut MaySleep<C>) -> Self {
        Self {
            locked,
            cx,
            // INVARIANT: The task was able to sleep before it took this lock, and can again, if the
            // lock is a mutex; `Held::inner()` sees to that.
            inner: MaySleep(NotThreadSafe, PhantomData),
            _borrowed: Borrowed::new(),
        }
    }
}

#[cfg(CONFIG_LOCKDEP)]
impl<'a, 'c, T: ?Sized, B: Backend, C: Level, L: Level> Held<'a, 'c, T, B, C, L> {
    /// Releases the lock and returns it, with the capability.
    pub(crate) fn unlock(self) -> (&'a Lock<T, B>, &'c mut MaySleep<C>) {
        let lock = self.locked.guard.lock_ref();
        (lock, self.cx)
    }
}

impl<T: ?Sized, C: Level, L: Level> Held<'_, '_, T, MutexBackend, C, L> {
    /// Returns the protected data together with the capability to sleep while this lock is held.
    ///
    /// What is taken or waited for with it has to stand below this lock in the order of the module:
    /// `L`, not `C`, is what it is compared with. Nobody who ends such a wait needs this lock. Only a
    /// mutex offers this: whoever holds a spinlock cannot sleep.
    #[inline]
    pub fn inner(&mut self) -> (Pin<&mut T>, &mut MaySleep<L>) {
        (self.locked.guard.as_mut(), &mut self.inner)
    }
}

impl<T: ?Sized, B: Backend, C: Level, L: Level> Held<'_, '_, T, B, C, L> {
    /// Returns a pinned mutable reference to the protected data.
    #[inline]
    pub fn as_mut(&mut self) -> Pin<&mut T> {
        self.locked.guard.as_mut()
    }

    /// Returns the protected data together with the permission to take a second lock.
    ///
    /// The second lock's guard borrows this one: it must be gone before this one can wait.
    #[inline]
    pub fn nested(&mut self) -> (Pin<&mut T>, Nesting<'_>) {
        (self.locked.guard.as_mut(), Nesting(PhantomData))
    }
}

impl<T: ?Sized, B: Backend, C: Level, L: Level> Deref for Held<'_, '_, T, B, C, L> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.locked.guard
    }
}

impl<T: ?Sized + Unpin, B: Backend, C: Level, L: Level> DerefMut for Held<'_, '_, T, B, C, L> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.locked.guard
    }
}

/// The permission to take a lock while another one is held: see [`Held::nested`].
pub struct Nesting<'n>(PhantomData<&'n mut MaySleep>);

/// Taking a lock under another one.
pub trait LockNested<T: ?Sized, B: Backend> {
    /// Acquires the lock while the lock that `nesting` came from is held.
    ///
    /// The guard cannot wait: a wait would sleep with the outer lock held.
    fn lock_nested<'a>(&'a self, nesting: &'a Nesting<'_>) -> Guard<'a, T, B>;
}

impl<T: ?Sized, B: Backend> LockNested<T, B> for Lock<T, B> {
    #[inline]
    fn lock_nested<'a>(&'a self, _nesting: &'a Nesting<'_>) -> Guard<'a, T, B> {
        self.lock()
    }
}
