// SPDX-License-Identifier: GPL-2.0

//! Waiting with a semaphore held, for reading or for writing, and without it while asleep.
//!
//! The argument is in `event.rs`.

use super::{
    event::RwEvent,
    Read,
    ReadGuard,
    RwSemaphore,
    Write,
    WriteGuard, //
};
use crate::{
    context::MaySleep,
    event::{
        monitor::{
            Events,
            Monitor, //
        },
        on::{
            On,
            Wait, //
        },
        platform::Kernel,
        select::{
            Before,
            Nothing,
            Selected, //
        },
        shared::{
            OneShared,
            Readers,
            SharedPlace, //
        },
        until,
        wait::run_under,
        Event,
        Failed,
        ModeAt,
        Policy,
        Until, //
    },
    level::{
        After,
        Level, //
    },
    registry::Told, //
};
use core::{
    marker::PhantomData,
    panic::Location, //
};
use kernel::{
    prelude::*,
    sync::SpinLock, //
};

impl<'a, 'c, T, C: Level, L: Level> WriteGuard<'a, 'c, T, C, L> {
    /// Begins a wait for an event of the data: see [`Held::on`](crate::Held::on).
    ///
    /// It has to lie inside the data, in a field or an array. Claims may take something: they are tried with the semaphore held for
    /// writing, now or by whoever updates the event.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    pub fn on<W, P, E>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x RwEvent<W, P, E>,
    ) -> On<'static, Self, Nothing, Selected<'static, W, P, E>>
    where
        W: Send + 'static,
        P: Policy,
        E: After<C>,
    {
        let (_, selected) = RwEvent::select(&*self, select);
        On::new(self, Nothing(()), Told::NOTHING, selected)
    }
}

impl<'e, 'a, 'c, T, C, L, N> Wait<'e, WriteGuard<'a, 'c, T, C, L>, N>
where
    C: Level,
    L: Level,
    N: Events<Kernel> + Before,
{
    /// Adds another event of the data: whichever comes first ends the wait.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    pub fn or<W, P, E>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x RwEvent<W, P, E>,
    ) -> On<'e, WriteGuard<'a, 'c, T, C, L>, N, Selected<'static, W, P, E>>
    where
        W: Send + 'static,
        P: Policy,
        E: After<C>,
    {
        let (_, selected) = RwEvent::select(&*self.held, select);
        On::new(self.held, self.events, self.told, selected)
    }

    /// Waits, and returns what was taken. The semaphore is not held then, whatever came of it.
    ///
    /// Context: may sleep; what else is held stands above the events.
    ///
    /// # Errors
    ///
    /// As those of the wait with a lock.
    // SLEEPS: the guard has borrowed the capability.
    #[inline]
    #[track_caller]
    pub fn wait<M: ModeAt<C>>(self, mode: M) -> Result<N::Output, Failed<N, M::Error>> {
        let (_, _, ended) = self.run(mode);
        ended
    }

    /// As the wait that does not take the semaphore again, and takes it for writing, whatever came of it.
    ///
    /// Context: may sleep; what else is held stands above the events.
    // SLEEPS: the guard has borrowed the capability.
    #[inline]
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the guard, and how the wait ended")]
    pub fn wait_relock<M: ModeAt<C>>(
        self,
        mode: M,
    ) -> (
        WriteGuard<'a, 'c, T, C, L>,
        Result<N::Output, Failed<N, M::Error>>,
    ) {
        let (semaphore, cx, ended) = self.run(mode);
        (WriteGuard::new(semaphore.down_write(), cx), ended)
    }

    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the guard, and how the wait ended")]
    fn run<M: ModeAt<C>>(
        self,
        mode: M,
    ) -> (
        &'a RwSemaphore<T, L>,
        &'c mut MaySleep<C>,
        Result<N::Output, Failed<N, M::Error>>,
    ) {
        let Self {
            held, told, events, ..
        } = self;
        let (held, (semaphore, cx)) = held.split();
        let (held, place) = (Side::Write(held), Location::caller());
        // SAFETY: The semaphore is held for writing, and the guard was moved here: nobody has a reference to what it protects.
        // The events are inside its data, by the invariants of `Selected`, and it is borrowed.
        let ended =
            unsafe { run_under::<C, _, _, _>(Under(semaphore), held, &mode, told, place, events) };
        (semaphore, cx, ended)
    }
}

/// The semaphore is held, for reading or for writing.
enum Side<'a, T, L: Level> {
    Read(#[allow(dead_code, reason = "holds it")] Read<'a, T, L>),
    Write(#[allow(dead_code, reason = "holds it")] Write<'a, T, L>),
}

/// The semaphore of a wait. Who gives up takes it for writing.
struct Under<'a, T, L: Level>(&'a RwSemaphore<T, L>);

impl<'a, T, L: Level> Monitor for Under<'a, T, L> {
    type Guard = Side<'a, T, L>;

    fn lock(&mut self) -> Self::Guard {
        Side::Write(self.0.down_write())
    }
}

/// A wait that begins with the semaphore held for reading, and has yet to be told what has to hold.
///
/// Dropping it releases the semaphore; nobody has waited. `mem::forget` leaves it held. It cannot be waited for itself.
#[must_use = "nothing is waited for before `until`, and `wait`"]
pub struct OnShared<'a, 'c, T, C: Level, L: Level, W, P: Policy, E: Level> {
    held: ReadGuard<'a, 'c, T, C, L>,
    told: Told,
    selected: Selected<'static, W, P, E>,
    readers: *const SpinLock<()>,
}

impl<'a, 'c, T, C: Level, L: Level> ReadGuard<'a, 'c, T, C, L> {
    /// Begins a wait for an event of the data, with the semaphore held for reading.
    ///
    /// It has to lie inside the data, in a field or an array. Other readers look at it at the same time, so the wait takes nothing: it
    /// has a condition only.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    pub fn on<W, P, E>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x RwEvent<W, P, E>,
    ) -> OnShared<'a, 'c, T, C, L, W, P, E>
    where
        W: Send + 'static,
        P: Policy,
        E: After<C>,
    {
        let (event, selected) = RwEvent::select(&*self, select);
        let readers = &raw const event.readers;
        let told = selected.announce();
        OnShared {
            held: self,
            told,
            selected,
            readers,
        }
    }
}

impl<'a, 'c, T, C, L, W, P, E> OnShared<'a, 'c, T, C, L, W, P, E>
where
    C: Level,
    L: Level,
    W: Send + 'static,
    P: Policy,
    E: Level,
{
    /// Waits until `condition` holds.
    ///
    /// It is evaluated at once, and, while the task sleeps, by whoever changes the event, with the semaphore held for writing.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn until<F>(self, condition: F) -> Wait<'static, ReadGuard<'a, 'c, T, C, L>, One<W, F>>
    where
        F: Fn(&W) -> bool + Send + 'static,
    {
        let event = self.selected.event;
        let place = if event.is_null() {
            None
        } else {
            // SAFETY: The event is valid, by the invariants of `Selected`.
            let (queue, data) = unsafe { Event::places(event) };
            // SAFETY: It is inside the data of the semaphore, and its queue is accessed as `RwEvent` says.
            Some(unsafe { SharedPlace::new(queue, data, self.readers) })
        };
        let events = OneShared::new(place, until(condition));
        Wait {
            held: self.held,
            told: self.told,
            events,
            _borrow: PhantomData,
        }
    }
}

impl Readers for SpinLock<()> {
    #[inline]
    fn exclude<R>(&self, f: impl FnOnce() -> R) -> R {
        let _held = self.lock();
        f()
    }
}

/// The events of a wait that begins with the semaphore held for reading.
type One<W, F> = OneShared<W, Until<F>, Kernel, SpinLock<()>>;

impl<'a, 'c, T, C, L, W, F> Wait<'_, ReadGuard<'a, 'c, T, C, L>, One<W, F>>
where
    C: Level,
    L: Level,
    W: 'static,
    F: Fn(&W) -> bool + Send + 'static,
{
    /// Waits. The semaphore is not held then, whatever came of it.
    ///
    /// Context: may sleep; what else is held stands above the event.
    ///
    /// # Errors
    ///
    /// As those of the wait with a lock.
    // SLEEPS: the guard has borrowed the capability.
    #[inline]
    #[track_caller]
    pub fn wait<M: ModeAt<C>>(self, mode: M) -> Result<(), M::Error> {
        let (_, _, ended) = self.run(mode);
        ended
    }

    /// As the wait that does not take the semaphore again, and takes it for reading, whatever came of it.
    ///
    /// The condition held under the semaphore; it may not hold any more, if a writer was faster.
    ///
    /// Context: may sleep; what else is held stands above the event.
    // SLEEPS: the guard has borrowed the capability.
    #[inline]
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the guard, and how the wait ended")]
    pub fn wait_relock<M: ModeAt<C>>(
        self,
        mode: M,
    ) -> (ReadGuard<'a, 'c, T, C, L>, Result<(), M::Error>) {
        let (semaphore, cx, ended) = self.run(mode);
        (ReadGuard::new(semaphore.down_read(), cx), ended)
    }

    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the guard, and how the wait ended")]
    fn run<M: ModeAt<C>>(
        self,
        mode: M,
    ) -> (
        &'a RwSemaphore<T, L>,
        &'c mut MaySleep<C>,
        Result<(), M::Error>,
    ) {
        let Self {
            held, told, events, ..
        } = self;
        let (held, (semaphore, cx)) = held.split();
        let (held, place) = (Side::Read(held), Location::caller());
        // SAFETY: The semaphore is held, and its guard was moved here. It is held for reading, which is what `OneShared` needs to
        // try and to enqueue; whoever gives up takes it for writing. The event is inside its data, by the invariants of
        // `Selected`, and it is borrowed.
        let ended =
            unsafe { run_under::<C, _, _, _>(Under(semaphore), held, &mode, told, place, events) };
        (semaphore, cx, ended)
    }
}
