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
mod by_reference;
mod callback;
mod called;
mod chosen;
pub(crate) mod claim;
mod error;
pub(crate) mod expiry;
mod freezable;
mod gift;
mod group;
mod hint;
mod index;
mod indexed;
mod keyed;
mod leave;
mod limit;
mod mode;
pub(crate) mod monitor;
mod name;
mod needs;
pub(crate) mod on;
mod on_key;
pub(crate) mod platform;
mod policy;
pub(crate) mod protocol;
mod provider;
pub(crate) mod queue;
mod returning;
pub(crate) mod select;
mod selector;
mod serve;
mod several;
pub(crate) mod shared;
mod slots;
mod threshold;
mod tied;
pub(crate) mod wait;
mod waiter;

pub use audit::{
    Audit,
    Behind, //
};
pub use callback::Callback;
pub use claim::{
    until,
    when,
    Claim,
    Until,
    When, //
};
pub use error::{
    Closed,
    TimedOut,
    WaitError, //
};
pub use freezable::{
    Freezable,
    FreezableRun, //
};
pub use gift::{
    give,
    Give,
    GiveError,
    Giving,
    Item, //
};
pub use group::{
    Few,
    Group, //
};
pub use keyed::{
    new_keyed_event,
    KeyedEvent, //
};
pub use limit::{
    Budget,
    Limit,
    Timeout,
    Within, //
};
pub use mode::{
    ForIo,
    Idle,
    Interruptible,
    Io,
    Killable,
    Mode,
    ModeAt,
    Uninterruptible, //
};
pub use monitor::Either;
pub use on::{
    On,
    Wait, //
};
pub use on_key::{
    OnKey,
    OnThreshold, //
};
pub use policy::{
    Any,
    Fifo,
    Policy, //
};
pub use provider::Provider;
pub use selector::{
    select,
    select_any,
    select_mut, //
};
pub use slots::{
    Key,
    Measure,
    Slots, //
};
pub use threshold::{
    new_threshold_event,
    ThresholdEvent, //
};
pub use tied::{
    Tied,
    WrongLock, //
};
pub use wait::Failed;

pub(crate) use mode::freezes;

use platform::Kernel;
use protocol::{
    Chosen,
    Queue,
    Waiter, //
};

use crate::{
    level::{
        Level,
        Unordered, //
    },
    registry::{
        self,
        Kind,
        Label, //
    },
    wait_map::WaitMap, //
};
use core::{
    cell::UnsafeCell,
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

/// A condition's data and the tasks that wait for it.
///
/// An event lives inside the data of a lock: `Mutex`, `SpinLock` or `SpinLockIrq`. Reading the data
/// is free (`Deref`); it changes through [`Event::update`] only, and that considers the waiters
/// before it returns. An event is `Send` but not `Sync`, and pinned, so two tasks can reach one only
/// through the lock that it lives in: whoever can change it holds that lock, and whoever waits has
/// checked under it.
///
/// `W` must not be changed behind the event's back: with interior mutability (an atomic, a cell)
/// or a condition that reads a `static` that is possible, and only [`Event::audit`] finds the sleepers
/// that it costs.
///
/// An event lies inside the data of the lock, not behind a pointer: then it stays there as long as
/// somebody waits. An event in an object of its own is a [`Tied`] one. Several events may live under one
/// lock. Dropping an event completes its waiters with [`Closed`]: an event cannot die under its sleepers.
///
/// `P` says who is served before whom, see [`Any`] and [`Fifo`]. `E` is the event's place in the order of
/// the module's [levels](crate::level): a task that holds something while it waits can only wait for what
/// stands below that. It stands above every lock that is taken before the event is updated. Without one,
/// waits need that nothing else is held.
///
/// `mem::forget` of a box with the lock leaks memory; its waiters sleep until somebody updates the event,
/// as before.
///
/// # Invariants
///
/// `queue` holds waiters of this event only, and the condition of each of them did not hold under the lock
/// that this event lives in, after the last change of `data`; or, with [`Fifo`], the waiter is behind such
/// a waiter that makes the same claim.
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
/// fn reserve(space: &Mutex<Space>, cx: &mut MaySleep, want: usize) -> Result {
///     space
///         .lock_in(cx)
///         .on(|s| &s.free)
///         .when(move |free| *free >= want, move |free| *free -= want)
///         .wait(Interruptible)?;
///     Ok(())
/// }
///
/// fn release(space: &Mutex<Space>, cx: &mut MaySleep, amount: usize) {
///     space.lock_in(cx).as_mut().project().free.update(|free| *free += amount);
/// }
///
/// let cx = &mut MaySleep::assert();
/// let space: Pin<KBox<Mutex<Space>>> =
///     KBox::pin_init(new_mutex!(pin_init!(Space { free <- new_event!(4) })), GFP_KERNEL)?;
/// reserve(&space, cx, 3)?;
/// release(&space, cx, 3);
/// assert_eq!(*space.lock_in(cx).free, 4);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "wait_queue_head")]
#[pin_data(PinnedDrop)]
pub struct Event<W, P: Policy = Any, E: Level = Unordered> {
    queue: Queue<W, Kernel>,
    // Changes by way of a shared reference too, in a wait, under the lock: see `Selected`.
    data: UnsafeCell<W>,
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
// what they contain is `Send` by the bounds of `Claim`. The data is `Send`.
unsafe impl<W: Send, P: Policy, E: Level> Send for Event<W, P, E> {}

impl<W, P: Policy, E: Level> Event<W, P, E> {
    /// Constructs an event initialiser; [`new_event!`] is the usual way.
    ///
    /// Context: any; it only initialises.
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
            queue: Queue::new(P::FIFO),
            data: UnsafeCell::new(data),
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
        queue.update(data, change)
    }

    /// Claims for the caller, without waiting, and serves whom that makes possible.
    ///
    /// Context: as [`Event::update`]. What the claim has captured, and does not give away, is dropped by the caller.
    ///
    /// # Errors
    ///
    /// The claim, if its condition does not hold, if the event is closed, or, with [`Fifo`], if somebody waits
    /// already who makes the same claim.
    #[inline]
    pub fn try_claim<C: Claim<W>>(self: Pin<&mut Self>, mut claim: C) -> Result<C::Output, C>
    where
        W: 'static,
    {
        let Parts { queue, data } = self.parts();
        if queue.is_closed()
            || !queue.may_try(Waiter::<W, C, Kernel>::class())
            || !claim.holds(data)
        {
            return Err(claim);
        }
        // SAFETY: The claim is dropped afterwards.
        let result = unsafe { claim.take(data) };
        if !queue.is_empty() {
            queue.consider(data);
        }
        Ok(result)
    }

    /// Completes every waiter with [`Closed`]; later waits return it at once.
    ///
    /// Context: as [`Event::update`].
    pub fn close(self: Pin<&mut Self>) {
        self.parts().queue.close();
    }

    /// Completes everybody who waits now with [`WaitError::Ended`]; later waits are none of it.
    ///
    /// For what the data cannot say, because it is the same afterwards: a device was reset, and whoever
    /// waits for an answer to what it was asked before waits in vain. Who was served and has not been told yet
    /// keeps that. The data does not change.
    ///
    /// In C, that is a number that each waiter remembers and compares, or a flag that is set, waited for,
    /// and cleared too early.
    ///
    /// Context: as [`Event::update`].
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::event::{Interruptible, Mode};
    /// use baton::{new_event, Event, LockIn, MaySleep};
    /// use kernel::prelude::*;
    /// use kernel::sync::{new_mutex, Mutex};
    ///
    /// #[pin_data]
    /// struct Device {
    ///     #[pin]
    ///     answer: Event<Option<u32>>,
    /// }
    ///
    /// /// Returns `ECONNRESET` if the device is reset meanwhile.
    /// fn ask(device: &Mutex<Device>, cx: &mut MaySleep) -> Result<Option<u32>> {
    ///     Ok(device
    ///         .lock_in(cx)
    ///         .on(|d| &d.answer)
    ///         .when(|answer| answer.is_some(), |answer| answer.take())
    ///         .wait(Interruptible)?)
    /// }
    ///
    /// fn reset(device: &Mutex<Device>, cx: &mut MaySleep) {
    ///     let mut held = device.lock_in(cx);
    ///     held.as_mut().project().answer.update(|answer| *answer = None);
    ///     held.as_mut().project().answer.end_waits();
    /// }
    ///
    /// let cx = &mut MaySleep::assert();
    /// let device = new_mutex!(pin_init!(Device { answer <- new_event!(None) }));
    /// let device = KBox::pin_init(device, GFP_KERNEL)?;
    /// reset(&device, cx);
    /// device.lock_in(cx).as_mut().project().answer.update(|answer| *answer = Some(7));
    /// assert_eq!(ask(&device, cx)?, Some(7));
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias("wake_up_all", "usb_reset_device"))]
    pub fn end_waits(self: Pin<&mut Self>) {
        self.parts().queue.end_waits();
    }

    /// Returns how many tasks wait, and [`Callback`]s.
    ///
    /// Context: as [`Event::update`].
    #[doc(alias("waitqueue_active", "wq_has_sleeper"))]
    #[inline]
    pub fn waiters(&self) -> usize {
        self.queue.len()
    }

    /// Returns whether the event was closed.
    ///
    /// Context: as [`Event::update`].
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Changes the data, and notes in `chosen` who is to be told that it was served.
    #[inline]
    #[track_caller]
    pub(crate) fn update_untold<R>(
        self: Pin<&mut Self>,
        change: impl FnOnce(&mut W) -> R,
        chosen: &mut Chosen<Kernel>,
    ) -> R {
        self.changes();
        let Parts { queue, data } = self.parts();
        let result = change(data);
        if !queue.is_empty() {
            queue.choose(data, chosen);
        }
        result
    }

    /// Returns the parts that are not structurally pinned.
    #[inline]
    fn parts(self: Pin<&mut Self>) -> Parts<'_, W> {
        // SAFETY: `queue` and `data` are not structurally pinned, and nothing else is moved: the
        // reference does not leave this function.
        let this = unsafe { self.get_unchecked_mut() };
        Parts {
            queue: &this.queue,
            data: this.data.get_mut(),
        }
    }
}

struct Parts<'e, W> {
    queue: &'e Queue<W, Kernel>,
    data: &'e mut W,
}

impl<W, P: Policy, E: Level> Deref for Event<W, P, E> {
    type Target = W;

    #[inline]
    fn deref(&self) -> &W {
        // SAFETY: The data changes by way of `&mut self`, or in a wait, which has consumed the guard of the
        // lock, so that there is no reference to the event.
        unsafe { &*self.data.get() }
    }
}

#[pinned_drop]
impl<W, P: Policy, E: Level> PinnedDrop for Event<W, P, E> {
    fn drop(self: Pin<&mut Self>) {
        registry::gone(self.object());
        self.close();
    }
}
