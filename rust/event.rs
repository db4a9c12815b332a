// SPDX-License-Identifier: GPL-2.0

//! Events: a condition's data and the tasks that wait for it, in one object.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)
//!
//! # The bug that this removes
//!
//! `xfs` waits for the commit of a log sequence number, or for the log to be shut down. The waiter
//! looks at both under `xc_push_lock`; the shutdown flag changes under `l_icloglock`:
//!
//! ```text
//!   waiter                                       shutdown
//!   1 lock(xc_push_lock)
//!   2 shut down? no; committed? no
//!   3 add_wait_queue(xc_commit_wait)
//!                                                4 lock(l_icloglock), flag = 1, unlock
//!                                                5 wake_up_all(xc_commit_wait): the waiter still
//!                                                  runs, so this does nothing
//!   6 state = UNINTERRUPTIBLE
//!   7 unlock(xc_push_lock), schedule(): sleeps for ever
//! ```
//!
//! With an [`Event`], 2 can only look at data inside the event, and step 4 can only change that data
//! by [`Event::update`], which needs the lock that the waiter holds from 1 to 7. Step 5 does not
//! exist: the update considers the waiters itself.

mod audit;
mod mode;
mod monitor;
mod needs;
pub(crate) mod platform;
pub(crate) mod protocol;
mod wait;

pub use audit::Audit;
pub use mode::{
    Closed,
    Idle,
    Interruptible,
    Io,
    Killable,
    Mode,
    TimedOut,
    Timeout,
    Uninterruptible,
    WaitError, //
};

use platform::Kernel;
use protocol::Queue;

use crate::{
    level::{
        Level,
        Unordered, //
    },
    registry::{
        self,
        Kind,
        Label,
        Object, //
    },
    wait_map::WaitMap, //
};
use core::{
    marker::{
        PhantomData,
        PhantomPinned, //
    },
    ops::Deref,
    pin::Pin,
};
use kernel::{
    prelude::*,
    sync::LockClassKey,
    types::NotThreadSafe, //
};

/// Creates an [`Event`] initialiser with the given data and a lock class of its own.
///
/// The class is made here, at the call site: events that are made elsewhere have other classes.
#[macro_export]
macro_rules! new_event {
    ($data:expr $(, $name:literal)? $(,)?) => {
        $crate::event::Event::new(
            $data, ::kernel::optional_name!($($name)?), ::kernel::static_lock_class!())
    };
}
pub use new_event;

mod private {
    pub trait Sealed {}
}

/// What happens to the waiters behind one whose claim fails. Sealed: [`Fifo`] and [`Any`].
pub trait Policy: private::Sealed + 'static {
    /// Whether nobody overtakes.
    const FIFO: bool;
}

/// The oldest waiter is served first, and the others wait for it: nobody starves.
///
/// A new waiter queues up behind those that are there, even if its own claim would succeed.
pub enum Fifo {}

/// Every waiter whose claim succeeds is served, oldest first.
///
/// For waiters with different conditions. One that asks for much can starve behind many that ask for
/// little.
pub enum Any {}

impl private::Sealed for Fifo {}
impl private::Sealed for Any {}

impl Policy for Fifo {
    const FIFO: bool = true;
}

impl Policy for Any {
    const FIFO: bool = false;
}

/// A condition's data and the tasks that wait for it.
///
/// An event lives inside the data of a lock: `Mutex`, `SpinLock` or `SpinLockIrq`. Reading the data
/// is free (`Deref`); it changes through [`Event::update`] only, and that considers the waiters
/// before it returns. An event is `Send` but not `Sync`, and pinned, so two tasks can reach one only
/// through the lock that it lives in: whoever can change it holds that lock, and whoever waits has
/// checked under it.
///
/// `W` must not be changed behind the event's back: with interior mutability (an atomic, a cell)
/// or a claim that reads a `static` that is possible, and only [`Event::audit`] finds the sleepers
/// that it costs.
///
/// Several events may live under one lock, also in objects on a list. Dropping an event completes
/// its waiters with [`Closed`]: an event cannot die under its sleepers.
///
/// `E` is the event's place in the order of the module's [levels](crate::level): a task that holds
/// something while it waits can only wait for what stands below that. It stands above every lock that
/// is taken before the event is updated. Without one, waits need that nothing else is held.
///
/// `mem::forget` is not possible while it is pinned in a lock. Leaking the lock leaks memory; its
/// waiters sleep until somebody updates the event, as before.
///
/// # Invariants
///
/// `queue` holds waiters of this event only, and each of them found its claim to fail under the lock
/// that this event lives in, after the last change of `data`; or, with [`Fifo`], is behind such a
/// waiter.
///
/// # Examples
///
/// ```
/// use baton::{new_event, Event, LockIn, MaySleep};
/// use baton::event::Interruptible;
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, Mutex};
///
/// #[pin_data]
/// struct Space {
///     #[pin]
///     free: Event<usize>,
/// }
///
/// fn take(free: &mut usize, want: &usize) -> Option<usize> {
///     *free = free.checked_sub(*want)?;
///     Some(*want)
/// }
///
/// fn reserve(space: &Mutex<Space>, cx: &mut MaySleep, want: usize) -> Result<usize> {
///     Ok(space.lock_in(cx).wait(Interruptible, |s| s.project().free, take, want)?)
/// }
///
/// fn release(space: &Mutex<Space>, cx: &mut MaySleep, amount: usize) {
///     space.lock_in(cx).as_mut().project().free.update(|free| *free += amount);
/// }
///
/// let space = KBox::pin_init(
///     new_mutex!(try_pin_init!(Space { free <- new_event!(4) }? Error)), GFP_KERNEL)?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "wait_queue_head")]
#[pin_data(PinnedDrop)]
pub struct Event<W, P: Policy = Fifo, E: Level = Unordered> {
    queue: Queue<W, Kernel>,
    data: W,
    label: Label,
    #[pin]
    map: WaitMap,
    _policy: PhantomData<fn() -> (P, E)>,
    // Not `Sync`: a shared reference in two tasks would defeat the lock.
    _not_sync: NotThreadSafe,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: The entries that `queue` points to may be completed by any task that holds the lock, and
// what they contain is `Send` by the bounds of `Held::wait()`. The data is `Send`.
unsafe impl<W: Send, P: Policy, E: Level> Send for Event<W, P, E> {}

impl<W, P: Policy, E: Level> Event<W, P, E> {
    /// Constructs an event initialiser; [`new_event!`] is the usual way.
    pub fn new(
        data: W,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        Self::of_kind(Kind::Event, data, name, key)
    }

    /// As [`Event::new`], for what is built from events and waited for as something else.
    pub(crate) fn of_kind(
        kind: Kind,
        data: W,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        // INVARIANT: Nobody waits.
        pin_init!(Self {
            queue: Queue::new(),
            data,
            label: Label { kind, name },
            map <- WaitMap::new(name, key),
            _policy: PhantomData,
            _not_sync: NotThreadSafe,
            _pin: PhantomPinned,
        })
    }

    /// Changes the data and serves every waiter whose claim then succeeds.
    ///
    /// This is the only way to change the data from outside a claim, together with [`Held::update`],
    /// which does the same and wakes after the unlock. With nobody waiting it costs one compare.
    ///
    /// [`Held::update`]: crate::Held::update
    ///
    /// Context: any, hard interrupts included; the lock that the event lives in is held, or nobody
    /// else can reach the event yet.
    #[doc(alias("wake_up", "wake_up_all", "wake_up_locked"))]
    #[inline]
    #[track_caller]
    pub fn update<R>(self: Pin<&mut Self>, change: impl FnOnce(&mut W) -> R) -> R {
        self.changes();
        let Parts { queue, data } = self.parts();
        queue.update(data, P::FIFO, change)
    }

    /// Claims for the caller, without waiting, and serves whom that makes possible.
    ///
    /// Returns [`None`] if the claim fails or, with [`Fifo`], if somebody waits already.
    #[inline]
    pub fn try_claim<A, R>(
        self: Pin<&mut Self>,
        claim: fn(&mut W, &A) -> Option<R>,
        arg: &A,
    ) -> Option<R> {
        let this = self.parts();
        if P::FIFO && !this.queue.is_empty() {
            return None;
        }
        let result = claim(this.data, arg)?;
        if !this.queue.is_empty() {
            this.queue.consider(this.data, P::FIFO);
        }
        Some(result)
    }

    /// Completes every waiter with [`Closed`]; later waits return it at once.
    ///
    /// Context: as [`Event::update`].
    pub fn close(self: Pin<&mut Self>) {
        self.parts().queue.close();
    }

    /// Returns how many tasks wait.
    #[doc(alias("waitqueue_active", "wq_has_sleeper"))]
    #[inline]
    pub fn waiters(&self) -> usize {
        self.queue.len()
    }

    /// Returns whether the event was closed.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Returns what the registry knows it by.
    #[inline]
    pub(crate) fn object(&self) -> Object {
        Object::at(&raw const self.queue)
    }

    /// Tells the registry that the caller changes it.
    #[inline(always)]
    #[track_caller]
    fn changes(&self) {
        if registry::is_on() && self.label.kind == Kind::Event {
            registry::changed(self.object());
        }
    }

    /// Returns the parts that are not structurally pinned.
    #[inline]
    fn parts(self: Pin<&mut Self>) -> Parts<'_, W> {
        // SAFETY: `queue` and `data` are not structurally pinned, and nothing else is moved: the
        // reference does not leave this function.
        let this = unsafe { self.get_unchecked_mut() };
        Parts {
            queue: &mut this.queue,
            data: &mut this.data,
        }
    }
}

struct Parts<'e, W> {
    queue: &'e mut Queue<W, Kernel>,
    data: &'e mut W,
}

impl<W, P: Policy, E: Level> Deref for Event<W, P, E> {
    type Target = W;

    #[inline]
    fn deref(&self) -> &W {
        &self.data
    }
}

#[pinned_drop]
impl<W, P: Policy, E: Level> PinnedDrop for Event<W, P, E> {
    fn drop(self: Pin<&mut Self>) {
        registry::gone(self.object());
        self.close();
    }
}
