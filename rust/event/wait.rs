// SPDX-License-Identifier: GPL-2.0

//! Waiting for events.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)
//!
//! A wait reads as a sentence:
//!
//! ```text
//!   held.on(|s| &s.ring)                                   which event
//!       .when(|ring| ring.has_room(),                      until what holds
//!             move |ring| ring.enter(record))              and what is taken then
//!       .or(|s| &s.stop).until(|stop| *stop)               or another event of the same lock
//!       .wait(Killable)?                                   what else may end it
//! ```

use super::{
    claim::{
        until,
        when,
        Claim,
        Until,
        When, //
    },
    mode::{
        Closed,
        Mode,
        WaitError, //
    },
    monitor::{
        self,
        Ended,
        Events,
        Monitor,
        One,
        Place, //
    },
    platform::{
        Kernel,
        KernelSleeper, //
    },
    protocol::Waiter,
    select::{
        Before,
        Nothing,
        Selected, //
    },
    Event,
    Policy,
    Tied,
    WrongLock, //
};
use crate::{
    held::{
        Held,
        Locked, //
    },
    level::{
        After,
        Level, //
    },
    registry::{
        self,
        About, //
    },
};
use core::{
    marker::PhantomData,
    panic::Location,
    pin::Pin,
    ptr, //
};
use kernel::{
    prelude::*,
    sync::lock::{
        Backend,
        Lock, //
    },
};

/// A wait that has been told which event it is for, and not yet what has to hold.
///
/// Dropping it releases the lock; nobody has waited. `mem::forget` leaves the lock held, as with [`Held`].
/// The lock cannot be used in the closures of the wait itself: what they capture is `'static`.
#[must_use = "nothing is waited for before `until` or `when`, and `wait`"]
pub struct On<'e, H, N, W, P: Policy, E: Level> {
    held: H,
    before: N,
    about: Option<About>,
    selected: Selected<'e, W, P, E>,
}

/// A wait that has been told what it is for: see [`Wait::wait`].
///
/// Dropping it releases the lock; nobody has waited. `mem::forget` leaves the lock held, as with [`Held`].
/// The claims cannot wait themselves: they get the data, and no capability.
#[must_use = "nothing is waited for before `wait`"]
pub struct Wait<'e, H, N> {
    pub(crate) held: H,
    pub(crate) about: Option<About>,
    pub(crate) events: N,
    pub(crate) _borrow: PhantomData<&'e ()>,
}

impl<'a, 'c, T, B: Backend, C: Level, L: Level> Held<'a, 'c, T, B, C, L> {
    /// Begins a wait for an event of the protected data, which `select` returns.
    ///
    /// It is called once, now. The event has to lie inside the data, in a field or an array; a wait for one
    /// that is behind a pointer warns and returns [`Closed`], see [`Tied`] for these.
    ///
    /// It is a closure that is written here, or a function. A closure in a variable does not know that it has to
    /// return a part of its argument, unless the variable says so:
    /// `let open: fn(&Gate) -> &Event<bool> = |gate| &gate.open;`.
    ///
    /// What else the task holds stands above the event in the order of the module's
    /// [levels](crate::level): `E: After<C>`.
    ///
    /// Context: that of the guard; nothing is waited for yet. `select` runs under the lock.
    #[inline]
    pub fn on<W, P, E>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x Event<W, P, E>,
    ) -> On<'static, Self, Nothing, W, P, E>
    where
        P: Policy,
        E: After<C>,
    {
        let selected = Selected::inside(&*self, select);
        On::new(self, Nothing(()), None, selected)
    }

    /// As [`Held::on`], for what finds the event by a reference that could change it.
    ///
    /// `find` runs now, and not again.
    #[inline]
    pub(crate) fn on_found<W, P, E>(
        mut self,
        find: impl FnOnce(Pin<&mut T>) -> Pin<&mut Event<W, P, E>>,
    ) -> On<'static, Self, Nothing, W, P, E>
    where
        P: Policy,
        E: After<C>,
    {
        let event = find(self.locked.guard.as_mut());
        let (event, label) = (ptr::from_ref(&*event), event.label);
        let selected = Selected::at(ptr::from_ref(&*self), event, label);
        On::new(self, Nothing(()), None, selected)
    }

    /// Begins a wait for an event in an object of its own.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    ///
    /// # Errors
    ///
    /// [`WrongLock`] if the event is tied to another lock; the lock is released then.
    #[inline]
    pub fn on_tied<'e, W, P, E>(
        self,
        tied: &'e Tied<W, P, E>,
    ) -> Result<On<'e, Self, Nothing, W, P, E>, WrongLock>
    where
        P: Policy,
        E: After<C>,
    {
        let event = tied.check(self.locked.guard.lock_ref())?;
        // INVARIANT: It is tied to this lock, and borrowed.
        let selected = Selected {
            event,
            _borrow: PhantomData,
        };
        Ok(On::new(self, Nothing(()), None, selected))
    }

    /// Returns an event in an object of its own, to be changed, closed or looked at.
    ///
    /// Context: that of the guard; nothing is waited for.
    ///
    /// # Errors
    ///
    /// [`WrongLock`] if the event is tied to another lock.
    #[inline]
    pub fn tied<'g, W, P: Policy, E: Level>(
        &'g mut self,
        tied: &'g Tied<W, P, E>,
    ) -> Result<Pin<&'g mut Event<W, P, E>>, WrongLock> {
        tied.get(&mut self.locked.guard)
    }

    /// As [`Event::update`], but wakes who was served only after the lock was released.
    ///
    /// Whoever is woken may want the lock, and a task that is woken on another CPU may run before
    /// this one has released it. The claims run now, under the lock, as ever. [`Held::inner`] wakes them
    /// as well, since this task may be about to wait for them.
    ///
    /// Context: as [`Event::update`].
    #[doc(alias("wake_q_add", "wake_up_q"))]
    #[inline]
    #[track_caller]
    pub fn update<W, P: Policy, E: Level, R>(
        &mut self,
        event: impl FnOnce(Pin<&mut T>) -> Pin<&mut Event<W, P, E>>,
        change: impl FnOnce(&mut W) -> R,
    ) -> R {
        let event = event(self.locked.guard.as_mut());
        event.update_untold(change, &mut self.locked.chosen)
    }
}

impl<'e, H, N, W, P: Policy, E: Level> On<'e, H, N, W, P, E> {
    #[inline]
    pub(crate) fn new(
        held: H,
        before: N,
        about: Option<About>,
        selected: Selected<'e, W, P, E>,
    ) -> Self {
        let first = selected.announce();
        Self {
            held,
            before,
            about: about.or(first),
            selected,
        }
    }
}

impl<'e, H, N, W, P, E> On<'e, H, N, W, P, E>
where
    N: Before,
    W: Send + 'static,
    P: Policy,
    E: Level,
{
    /// Waits until `condition` holds.
    ///
    /// It is evaluated at once, and, while the task sleeps, by whoever changes the event, under the lock:
    /// see [`Claim`].
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn until<F>(self, condition: F) -> Wait<'e, H, N::And<One<W, Until<F>, Kernel>>>
    where
        F: Fn(&W) -> bool + Send + 'static,
    {
        self.claim(until(condition))
    }

    /// Waits until `condition` holds, and does `taking` the moment that it does.
    ///
    /// What `taking` returns is the result of the wait. It runs under the lock, right after the condition
    /// was seen to hold, on behalf of the task that waits; the lock is not taken again.
    ///
    /// What it has captured and not given away is dropped by the task that waits, without the lock. So it may not
    /// move what it has captured; it takes that out of an [`Option`]: `move |place| *place = item.take()`.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn when<R, F, G>(
        self,
        condition: F,
        taking: G,
    ) -> Wait<'e, H, N::And<One<W, When<F, G>, Kernel>>>
    where
        R: Send + 'static,
        F: Fn(&W) -> bool + Send + 'static,
        G: FnMut(&mut W) -> R + Send + 'static,
    {
        self.claim(when(condition, taking))
    }

    /// Waits until a claim succeeds: see [`until`](super::until) and [`when`](super::when).
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    pub fn claim<K: Claim<W>>(self, claim: K) -> Wait<'e, H, N::And<One<W, K, Kernel>>> {
        let Self {
            held,
            before,
            about,
            selected,
        } = self;
        let mut about = about;
        if let (true, Some(about)) = (P::FIFO, &mut about) {
            about.class = Waiter::<W, K, Kernel>::class() as usize;
        }
        let place = match selected.event {
            event if event.is_null() => Place::nowhere(),
            event => {
                // SAFETY: The event is valid, by the invariants of `Selected`.
                let (queue, data) = unsafe { Event::places(event) };
                // SAFETY: As above: inside the data of the lock, or borrowed, and at a fixed place.
                unsafe { Place::new(queue, data) }
            }
        };
        let events = before.and(One::new(place, claim));
        Wait {
            held,
            about,
            events,
            _borrow: PhantomData,
        }
    }
}

impl<'e, 'a, 'c, T, B, C, L, N> Wait<'e, Held<'a, 'c, T, B, C, L>, N>
where
    B: Backend,
    C: Level,
    L: Level,
    N: Events<Kernel> + Before,
{
    /// Adds another event of the same lock: whichever comes first ends the wait.
    ///
    /// The wait returns which one it was, as [`Either`](super::Either). If both claims could succeed at
    /// once, the one that was named first does. If one of the events is closed, so is the wait.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    pub fn or<W, P, E>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x Event<W, P, E>,
    ) -> On<'e, Held<'a, 'c, T, B, C, L>, N, W, P, E>
    where
        P: Policy,
        E: After<C>,
    {
        let selected = Selected::inside(&*self.held, select);
        On::new(self.held, self.events, self.about, selected)
    }

    /// As [`Wait::or`], for an event in an object of its own.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    ///
    /// # Errors
    ///
    /// [`WrongLock`] if the event is tied to another lock; the lock is released then.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn or_tied<'f, W, P, E>(
        self,
        tied: &'f Tied<W, P, E>,
    ) -> Result<On<'f, Held<'a, 'c, T, B, C, L>, N, W, P, E>, WrongLock>
    where
        'e: 'f,
        P: Policy,
        E: After<C>,
    {
        let event = tied.check(self.held.locked.guard.lock_ref())?;
        // INVARIANT: It is tied to this lock, and borrowed.
        let selected = Selected {
            event,
            _borrow: PhantomData,
        };
        Ok(On::new(self.held, self.events, self.about, selected))
    }

    /// Waits, and returns what was taken.
    ///
    /// The claims are tried at once; if they fail, the task goes to sleep and the lock is released. From
    /// then on, whoever changes one of the events tries its claim on this task's behalf, under the lock, and
    /// wakes the task when the claim has succeeded. The lock is not taken again.
    ///
    /// Context: may sleep; what else is held stands above the events in the order of the module's
    /// [levels](crate::level), which the capability sees to.
    ///
    /// # Errors
    ///
    /// [`Closed`] if an event was closed or dropped, or does not lie where it has to: see [`Held::on`].
    /// [`WaitError::Ended`] if somebody has [ended the waits](Event::end_waits). With a mode that allows for
    /// it, a signal or the end of the time; what was taken in the meantime is returned rather than an error.
    #[doc(alias("wait_event", "wait_event_lock_irq", "xlog_wait"))]
    #[inline]
    #[track_caller]
    pub fn wait<M: Mode>(self, mode: M) -> Result<N::Output, M::Error> {
        let Self {
            held,
            about,
            events,
            _borrow,
        } = self;
        // The capability stays borrowed until this function returns.
        let Held {
            locked, cx: _cx, ..
        } = held;
        run(locked, &mode, about, events)
    }

    /// As [`Wait::wait`], and takes the lock again whatever came of it.
    ///
    /// Context: may sleep, as [`Wait::wait`].
    #[inline]
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the guard, and how the wait ended")]
    pub fn wait_relock<M: Mode>(
        self,
        mode: M,
    ) -> (Held<'a, 'c, T, B, C, L>, Result<N::Output, M::Error>) {
        let Self {
            held,
            about,
            events,
            _borrow,
        } = self;
        let Held { locked, cx, .. } = held;
        let lock = locked.guard.lock_ref();
        let result = run(locked, &mode, about, events);
        (Held::new(lock.lock(), cx), result)
    }
}

fn ended<M: Mode>(ended: Ended<WaitError>) -> M::Error {
    match ended {
        Ended::Closed => Closed.into(),
        Ended::Dismissed => M::gave_up(WaitError::Ended),
        Ended::GaveUp(why) => M::gave_up(why),
    }
}

/// The lock of a wait.
struct Under<'a, T, B: Backend>(&'a Lock<T, B>);

impl<'a, T, B: Backend> Monitor for Under<'a, T, B> {
    type Guard = Locked<'a, T, B>;

    #[inline]
    fn lock(&mut self) -> Self::Guard {
        Locked::new(self.0.lock())
    }
}

/// The wait itself.
#[inline]
#[track_caller]
fn run<T, B, M, N>(
    locked: Locked<'_, T, B>,
    mode: &M,
    about: Option<About>,
    events: N,
) -> Result<N::Output, M::Error>
where
    B: Backend,
    M: Mode,
    N: Events<Kernel>,
{
    let monitor = Under(locked.guard.lock_ref());
    // SAFETY: The guard is that of the lock, and was moved here: nobody has a reference to what it protects.
    // The events are under this lock, by the invariants of `Selected`, and the lock is borrowed.
    unsafe { run_under(monitor, locked, mode, about, Location::caller(), events) }
}

/// The wait under any lock.
///
/// # Safety
///
/// As for [`monitor::wait`].
#[inline]
pub(crate) unsafe fn run_under<K, M, N>(
    monitor: K,
    guard: K::Guard,
    mode: &M,
    about: Option<About>,
    place: &'static Location<'static>,
    events: N,
) -> Result<N::Output, M::Error>
where
    K: Monitor,
    M: Mode,
    N: Events<Kernel>,
{
    let sleeper = || {
        let mut sleeper = KernelSleeper::new(mode);
        if registry::is_wanted() {
            sleeper.about = about.map(|about| About { place, ..about });
        }
        sleeper
    };
    // SAFETY: By the safety requirements.
    unsafe { monitor::wait(monitor, guard, events, sleeper) }.map_err(ended::<M>)
}
