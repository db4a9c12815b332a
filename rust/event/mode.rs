// SPDX-License-Identifier: GPL-2.0

//! The forms of waiting.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use super::{
    claim::private::Sealed,
    error::{
        Closed,
        WaitError, //
    },
    expiry::Expiry,
    freezable::{
        Freezable,
        FreezableRun,
        Freezes,
        FreezesIn,
        Permits,
        Stays, //
    },
    limit::{
        Budget,
        Limit,
        Timeout,
        Within, //
    },
};
use crate::level::{
    Level,
    Top, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// A form of waiting: what can end it besides the event. Sealed.
///
/// [`Uninterruptible`], [`Interruptible`], [`Killable`], [`Io`], [`Idle`]; each of them with a limit,
/// [`Mode::timeout`] or [`Mode::within`], [freezable](Mode::freezable), and [for I/O](Mode::io).
pub trait Mode: Sealed {
    /// How a wait of this form can fail: [`Closed`] where nothing else can end it.
    type Error: From<Closed> + Into<Error>;

    /// The task state while asleep.
    #[doc(hidden)]
    const STATE: u32;

    /// What the task may hold.
    #[doc(hidden)]
    type Freezing;

    /// Whether the time asleep counts as waiting for I/O.
    #[doc(hidden)]
    const IO: bool = false;

    /// Begins to count, and says how long the task may sleep. Called by who cannot have at once what is
    /// waited for.
    #[doc(hidden)]
    #[inline]
    fn begin(&self) -> Expiry {
        Expiry::Never
    }

    /// Makes the error from why the sleeper gave up.
    #[doc(hidden)]
    fn gave_up(why: WaitError) -> Self::Error;

    /// Returns this form with a limit: a number of jiffies, a span of time, or an instant of any clock.
    ///
    /// A limit of nothing, or one that has passed, tries once. Of several limits the first to come ends the wait.
    ///
    /// Context: any.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::event::{Interruptible, Limit, Mode, WaitError};
    /// use baton::{new_event, Event, LockIn, MaySleep};
    /// use kernel::prelude::*;
    /// use kernel::sync::{new_mutex, Mutex};
    /// use kernel::time::{BootTime, Delta, Instant};
    ///
    /// #[pin_data]
    /// struct Gate {
    ///     #[pin]
    ///     open: Event<bool>,
    /// }
    ///
    /// fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, limit: impl Limit) -> Result<(), WaitError> {
    ///     let held = gate.lock_in(cx);
    ///     held.on(|g| &g.open).until(|open| *open).wait(Interruptible.timeout(limit))
    /// }
    ///
    /// let cx = &mut MaySleep::assert();
    /// let gate = pin_init!(Gate { open <- new_event!(false) });
    /// let gate = KBox::pin_init(new_mutex!(gate), GFP_KERNEL)?;
    /// let soon = Delta::from_micros(300);
    /// assert_eq!(pass(&gate, cx, 2), Err(WaitError::TimedOut));
    /// assert_eq!(pass(&gate, cx, soon), Err(WaitError::TimedOut));
    /// assert_eq!(pass(&gate, cx, Instant::<BootTime>::now() + soon), Err(WaitError::TimedOut));
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias(
        "schedule_timeout",
        "wait_event_timeout",
        "schedule_hrtimeout_range",
        "schedule_hrtimeout_range_clock",
        "wait_event_hrtimeout"
    ))]
    #[inline]
    fn timeout<T: Limit>(self, limit: T) -> Timeout<Self, T>
    where
        Self: Sized,
    {
        Timeout::new(self, limit)
    }

    /// Returns this form with a limit that is used up by waiting, and says what is left of it.
    ///
    /// However the wait ends, `left` is then shorter by the time that it took: what `wait_event_timeout()`
    /// returns. A wait that need not sleep takes none. Several waits can share one limit; what is done
    /// between them does not count.
    ///
    /// Context: any.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::event::{Killable, Mode, WaitError};
    /// use baton::{new_event, Event, LockIn, MaySleep};
    /// use kernel::prelude::*;
    /// use kernel::sync::{new_mutex, Mutex};
    /// use kernel::time::Delta;
    ///
    /// #[pin_data]
    /// struct Credits {
    ///     #[pin]
    ///     free: Event<u32>,
    /// }
    ///
    /// /// Takes two credits, and waits for no longer than `limit` for both of them together.
    /// fn take_two(
    ///     credits: &Mutex<Credits>,
    ///     cx: &mut MaySleep,
    ///     limit: Delta,
    /// ) -> Result<Delta, WaitError> {
    ///     let mut left = limit;
    ///     for _ in 0..2 {
    ///         credits
    ///             .lock_in(cx)
    ///             .on(|c| &c.free)
    ///             .when(|free| *free > 0, |free| *free -= 1)
    ///             .wait(Killable.within(&mut left))?;
    ///     }
    ///     Ok(left)
    /// }
    ///
    /// let cx = &mut MaySleep::assert();
    /// let credits = pin_init!(Credits { free <- new_event!(3) });
    /// let credits = KBox::pin_init(new_mutex!(credits), GFP_KERNEL)?;
    /// let limit = Delta::from_micros(300);
    /// assert_eq!(take_two(&credits, cx, limit), Ok(limit));
    /// assert_eq!(take_two(&credits, cx, limit), Err(WaitError::TimedOut));
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias("wait_event_timeout", "wait_for_completion_timeout"))]
    #[inline]
    fn within<T: Budget>(self, left: &mut T) -> Within<'_, Self, T>
    where
        Self: Sized,
    {
        Within::new(self, left)
    }

    /// Returns this form as one in which the freezer may leave the task as it is (`TASK_FREEZABLE`).
    ///
    /// For a wait that may take as long as the system sleeps: for a frozen thread, or for user space. It does not
    /// fail for the freezer, but for the signal by which a task of user space is asked that still runs: that ends an
    /// interruptible wait, and the system call is begun again after the thaw. A limit goes on to count while the
    /// task is frozen; one that ended meanwhile ends the wait then.
    ///
    /// A wait of this form holds nothing: see [`ModeAt`](super::ModeAt). It makes no difference to kernel threads
    /// that are not [freezable](crate::thread::Builder::freezable).
    ///
    /// Context: any.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::event::{Interruptible, Mode};
    /// use baton::{new_event, Event, LockIn, MaySleep};
    /// use kernel::prelude::*;
    /// use kernel::sync::{new_mutex, Mutex};
    /// use kernel::time::Delta;
    ///
    /// #[pin_data]
    /// struct Answer {
    ///     #[pin]
    ///     given: Event<Option<u32>>,
    /// }
    ///
    /// /// Waits for what a program answers, which may be frozen.
    /// fn ask(answer: &Mutex<Answer>, cx: &mut MaySleep) -> Result<Option<u32>> {
    ///     let limit = Delta::from_secs(30);
    ///     let given = answer
    ///         .lock_in(cx)
    ///         .on(|a| &a.given)
    ///         .when(|given| given.is_some(), |given| given.take())
    ///         .wait(Interruptible.timeout(limit).freezable())?;
    ///     Ok(given)
    /// }
    ///
    /// let cx = &mut MaySleep::assert();
    /// let answer = new_mutex!(pin_init!(Answer { given <- new_event!(Some(7)) }));
    /// let answer = KBox::pin_init(answer, GFP_KERNEL)?;
    /// assert_eq!(ask(&answer, cx)?, Some(7));
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias(
        "TASK_FREEZABLE",
        "wait_event_freezable",
        "wait_event_freezable_timeout"
    ))]
    #[inline]
    fn freezable(self) -> Freezable<Self>
    where
        Self: Sized,
    {
        Freezable::new(self)
    }

    /// Returns this form as one whose time asleep counts as waiting for I/O, as that of [`Io`] does.
    ///
    /// Context: any.
    #[doc(alias("io_schedule", "io_wait_event_killable"))]
    #[inline]
    fn io(self) -> ForIo<Self>
    where
        Self: Sized,
    {
        ForIo(self)
    }
}

/// A form of waiting for a task that holds what stands at the level `C`: every one, but those that are
/// [freezable](Mode::freezable) want that nothing is held.
///
/// Sealed, as [`Mode`] is. It is what a function asks for that waits in the form that its caller says; with nothing held, that is
/// `M: ModeAt`.
///
/// # Examples
///
/// ```
/// use baton::event::{Killable, Mode, ModeAt};
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
/// fn pass<M: ModeAt>(gate: &Mutex<Gate>, cx: &mut MaySleep, mode: M) -> Result<(), M::Error> {
///     gate.lock_in(cx).on(|g| &g.open).until(|open| *open).wait(mode)
/// }
///
/// let cx = &mut MaySleep::assert();
/// let gate = pin_init!(Gate { open <- new_event!(true) });
/// let gate = KBox::pin_init(new_mutex!(gate), GFP_KERNEL)?;
/// assert!(pass(&gate, cx, Killable.freezable()).is_ok());
/// # Ok::<(), Error>(())
/// ```
pub trait ModeAt<C: Level = Top>: Mode + Sealed {}

impl<C: Level + Permits<M::Freezing>, M: Mode> ModeAt<C> for M {}

/// Whether the freezer may leave a task as it is that waits in this form.
pub(crate) const fn freezes<M: Mode>() -> bool {
    M::STATE & bindings::TASK_FREEZABLE != 0
}

/// Nothing but the event ends the wait (`TASK_UNINTERRUPTIBLE`).
#[doc(alias("TASK_UNINTERRUPTIBLE", "wait_event"))]
pub struct Uninterruptible;

/// A signal ends the wait (`TASK_INTERRUPTIBLE`).
#[doc(alias("TASK_INTERRUPTIBLE", "wait_event_interruptible"))]
pub struct Interruptible;

/// A fatal signal ends the wait (`TASK_KILLABLE`).
#[doc(alias("TASK_KILLABLE", "wait_event_killable"))]
pub struct Killable;

/// Nothing but the event ends the wait, and the time counts as waiting for I/O.
#[doc(alias("io_schedule", "io_wait_event"))]
pub struct Io;

/// A form of waiting whose time asleep counts as waiting for I/O: see [`Mode::io`].
///
/// Dropping it, or `mem::forget`, does nothing.
pub struct ForIo<M>(M);

/// Nothing but the event ends the wait, and the task does not count as load (`TASK_IDLE`).
#[doc(alias("TASK_IDLE", "wait_event_idle"))]
pub struct Idle;

impl<M, T> Sealed for Timeout<M, T> {}
impl<M, T: Budget> Sealed for Within<'_, M, T> {}
impl<M> Sealed for Freezable<M> {}
impl<M> Sealed for ForIo<M> {}
impl<M, L: Level> Sealed for FreezableRun<M, L> {}
impl Sealed for Uninterruptible {}
impl Sealed for Interruptible {}
impl Sealed for Killable {}
impl Sealed for Io {}
impl Sealed for Idle {}

impl Mode for Uninterruptible {
    type Error = Closed;
    type Freezing = Stays;
    const STATE: u32 = bindings::TASK_UNINTERRUPTIBLE;

    fn gave_up(_: WaitError) -> Closed {
        Closed
    }
}

impl Mode for Interruptible {
    type Error = WaitError;
    type Freezing = Stays;
    const STATE: u32 = bindings::TASK_INTERRUPTIBLE;

    fn gave_up(why: WaitError) -> WaitError {
        why
    }
}

impl Mode for Killable {
    type Error = WaitError;
    type Freezing = Stays;
    const STATE: u32 = bindings::TASK_KILLABLE;

    fn gave_up(why: WaitError) -> WaitError {
        why
    }
}

impl Mode for Io {
    type Error = Closed;
    type Freezing = Stays;
    const STATE: u32 = bindings::TASK_UNINTERRUPTIBLE;
    const IO: bool = true;

    fn gave_up(_: WaitError) -> Closed {
        Closed
    }
}

impl Mode for Idle {
    type Error = Closed;
    type Freezing = Stays;
    const STATE: u32 = bindings::TASK_IDLE;

    fn gave_up(_: WaitError) -> Closed {
        Closed
    }
}

impl<M: Mode, T: Limit> Mode for Timeout<M, T> {
    type Error = WaitError;
    type Freezing = M::Freezing;
    const STATE: u32 = M::STATE;
    const IO: bool = M::IO;

    #[inline]
    fn begin(&self) -> Expiry {
        Self::begin(self).earlier(self.mode.begin())
    }

    fn gave_up(why: WaitError) -> WaitError {
        why
    }
}

impl<M: Mode, T: Budget> Mode for Within<'_, M, T> {
    type Error = WaitError;
    type Freezing = M::Freezing;
    const STATE: u32 = M::STATE;
    const IO: bool = M::IO;

    #[inline]
    fn begin(&self) -> Expiry {
        Self::begin(self).earlier(self.mode.begin())
    }

    fn gave_up(why: WaitError) -> WaitError {
        why
    }
}

impl<M: Mode> Mode for Freezable<M> {
    type Error = M::Error;
    type Freezing = Freezes;
    const STATE: u32 = M::STATE | bindings::TASK_FREEZABLE;
    const IO: bool = M::IO;

    #[inline]
    fn begin(&self) -> Expiry {
        self.0.begin()
    }

    fn gave_up(why: WaitError) -> M::Error {
        M::gave_up(why)
    }
}

impl<M: Mode> Mode for ForIo<M> {
    type Error = M::Error;
    type Freezing = M::Freezing;
    const STATE: u32 = M::STATE;
    const IO: bool = true;

    #[inline]
    fn begin(&self) -> Expiry {
        self.0.begin()
    }

    fn gave_up(why: WaitError) -> M::Error {
        M::gave_up(why)
    }
}

/// Lockdep counts the run itself as a lock that is held: `__TASK_FREEZABLE_UNSAFE`, which is a bit only with it.
const WITH_A_RUN: u32 = if cfg!(CONFIG_LOCKDEP) { 0x4000 } else { 0 };

impl<M: Mode, L: Level> Mode for FreezableRun<M, L> {
    type Error = M::Error;
    type Freezing = FreezesIn<L>;
    const STATE: u32 = M::STATE | bindings::TASK_FREEZABLE | WITH_A_RUN;
    const IO: bool = M::IO;

    #[inline]
    fn begin(&self) -> Expiry {
        self.mode.begin()
    }

    fn gave_up(why: WaitError) -> M::Error {
        M::gave_up(why)
    }
}
