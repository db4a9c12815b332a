// SPDX-License-Identifier: GPL-2.0

//! Waiting for events.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)
//!
//! A wait reads as a sentence:
//!
//! ```text
//!   held.on(|s| &s.ring)                                which event
//!       .when(|ring| ring.has_room(),                   until what holds
//!             move |ring| ring.enter(record))           and what is taken then
//!       .or(|s| &s.reply).give(buffer)                  or another event, that is given something
//!       .when(|reply| reply.wants_one(),
//!             |reply, buffer| reply.put(buffer.take()))
//!       .or(|s| &s.stop).until(|stop| *stop)            or another event of the same lock
//!       .wait(Killable)?                                what else may end it
//! ```

use super::{
    error::{
        Closed,
        WaitError, //
    },
    gift::Gifts,
    mode::{
        Mode,
        ModeAt, //
    },
    monitor::{
        self,
        Ended,
        Events,
        Monitor, //
    },
    on::{
        On,
        Wait, //
    },
    platform::{
        Kernel,
        KernelSleeper, //
    },
    select::{
        Before,
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
        Told, //
    },
};
use core::{
    panic::Location,
    pin::Pin, //
};
use kernel::{
    prelude::*,
    sync::lock::{
        Backend,
        Lock, //
    },
};

impl<'a, 'c, T, B: Backend, C: Level, L: Level> Held<'a, 'c, T, B, C, L> {
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
    /// For several events of one kind, with one claim, see [`Held::on_any`].
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn or<W, P, E>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x Event<W, P, E>,
    ) -> On<'e, Held<'a, 'c, T, B, C, L>, N, Selected<'static, W, P, E>>
    where
        W: Send + 'static,
        P: Policy,
        E: After<C>,
    {
        let selected = Selected::inside(&*self.held, select);
        On::new(self.held, self.events, self.told, selected)
    }

    /// As [`Wait::or`], for an event in an object of its own.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    ///
    /// # Errors
    ///
    /// [`WrongLock`] if the event is tied to another lock; the lock is released then. What the wait was to
    /// [give away](On::give) comes back with it.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn or_tied<'f, W, P, E>(
        self,
        tied: &'f Tied<W, P, E>,
    ) -> Result<On<'f, Held<'a, 'c, T, B, C, L>, N, Selected<'f, W, P, E>>, Failed<N, WrongLock>>
    where
        'e: 'f,
        W: Send + 'static,
        P: Policy,
        E: After<C>,
    {
        match tied.selected(self.held.locked.guard.lock_ref()) {
            Ok(selected) => Ok(On::new(self.held, self.events, self.told, selected)),
            Err(wrong) => Err(self.failed(wrong)),
        }
    }

    /// Releases the lock, and puts what was to be given away into an error.
    #[cold]
    pub(super) fn failed<E>(self, error: E) -> Failed<N, E> {
        let Self { held, events, .. } = self;
        drop(held);
        // SAFETY: Nothing was tried, and no entry was put on a list.
        unsafe { events.back() }.error(error)
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
    /// If the wait was to [give something away](On::give), that is in the error: [`GiveError`](super::GiveError).
    #[doc(alias("wait_event", "wait_event_lock_irq", "xlog_wait"))]
    #[inline]
    #[track_caller]
    pub fn wait<M: ModeAt<C>>(self, mode: M) -> Result<N::Output, Failed<N, M::Error>> {
        let Self {
            held,
            told,
            events,
            _borrow,
        } = self;
        // The capability stays borrowed until this function returns.
        let Held {
            locked, cx: _cx, ..
        } = held;
        run::<_, _, C, _, _>(locked, &mode, told, events)
    }

    /// As [`Wait::wait`], and takes the lock again whatever came of it.
    ///
    /// Context: may sleep, as [`Wait::wait`].
    #[inline]
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the guard, and how the wait ended")]
    pub fn wait_relock<M: ModeAt<C>>(
        self,
        mode: M,
    ) -> (
        Held<'a, 'c, T, B, C, L>,
        Result<N::Output, Failed<N, M::Error>>,
    ) {
        let Self {
            held,
            told,
            events,
            _borrow,
        } = self;
        let Held { locked, cx, .. } = held;
        let lock = locked.guard.lock_ref();
        let result = run::<_, _, C, _, _>(locked, &mode, told, events);
        (Held::new(lock.lock(), cx), result)
    }
}

/// The error `E` of a wait for `N`: with what was to be given away, if that is anything.
pub type Failed<N, E> = <<N as Events<Kernel>>::Back as Gifts>::Error<E>;

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
fn run<T, B, C, M, N>(
    locked: Locked<'_, T, B>,
    mode: &M,
    told: Told,
    events: N,
) -> Result<N::Output, Failed<N, M::Error>>
where
    B: Backend,
    C: Level,
    M: ModeAt<C>,
    N: Events<Kernel>,
{
    let monitor = Under(locked.guard.lock_ref());
    // SAFETY: The guard is that of the lock, and was moved here: nobody has a reference to what it protects.
    // The events are under this lock, by the invariants of `Selected`, and the lock is borrowed.
    unsafe { run_under::<C, _, _, _>(monitor, locked, mode, told, Location::caller(), events) }
}

/// The wait under any lock.
///
/// # Safety
///
/// As for [`monitor::wait`].
#[inline]
pub(crate) unsafe fn run_under<C, K, M, N>(
    monitor: K,
    guard: K::Guard,
    mode: &M,
    told: Told,
    place: &'static Location<'static>,
    events: N,
) -> Result<N::Output, Failed<N, M::Error>>
where
    C: Level,
    K: Monitor,
    M: ModeAt<C>,
    N: Events<Kernel>,
{
    let sleeper = || KernelSleeper::new::<C, M>(mode);
    let tell = |sleeper: &mut KernelSleeper| {
        if registry::is_wanted() {
            // SAFETY: The lock is held: see `monitor::wait`.
            unsafe { told.tell(&mut sleeper.about, place) };
        }
    };
    // SAFETY: By the safety requirements.
    let result = unsafe { monitor::wait(monitor, guard, events, sleeper, tell) };
    result.map_err(|(why, back)| back.error(ended::<M>(why)))
}
