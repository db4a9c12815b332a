// SPDX-License-Identifier: GPL-2.0

//! Waiting with two locks held, and without either while asleep.
//!
//! Why nothing is lost between the release of the one and that of the other stands in `both.rs`.

use super::{
    Both,
    Outer, //
};
use crate::{
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
        wait::run_under,
        Event,
        Failed,
        ModeAt,
        Policy, //
    },
    held::Locked,
    level::{
        After,
        Level, //
    },
    registry::Told, //
};
use core::{
    marker::PhantomData,
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

impl<'i, O: Outer, T, B: Backend> Both<'i, O, T, B> {
    /// Begins a wait for an event of the inner lock's data: see [`Held::on`](crate::Held::on).
    ///
    /// Both locks are given up while the task sleeps. What else it holds stands above the event: `E: After<C>`,
    /// where `C` is the level of what the outer lock was taken under.
    ///
    /// Context: that of the guard; nothing is waited for yet. `select` runs under both locks.
    #[inline]
    pub fn on<W, P, E>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x Event<W, P, E>,
    ) -> On<'static, Self, Nothing, Selected<'static, W, P, E>>
    where
        W: Send + 'static,
        P: Policy,
        E: After<O::Above>,
    {
        let selected = Selected::inside(&*self, select);
        On::new(self, Nothing(()), Told::NOTHING, selected)
    }

    /// As [`Held::update`](crate::Held::update), for an event of the inner lock's data.
    ///
    /// Context: as [`Event::update`].
    #[inline]
    #[track_caller]
    pub fn update<W, P: Policy, E: Level, R>(
        &mut self,
        event: impl FnOnce(Pin<&mut T>) -> Pin<&mut Event<W, P, E>>,
        change: impl FnOnce(&mut W) -> R,
    ) -> R {
        let event = event(self.inner.guard.as_mut());
        event.update_untold(change, &mut self.inner.chosen)
    }
}

/// Both locks of a wait, or the inner one alone. Released from the inside out.
struct Inside<'i, G, T, B: Backend> {
    _inner: Locked<'i, T, B>,
    _outer: Option<G>,
}

/// The inner lock, for a wait that has begun with both.
struct UnderBoth<'i, G, T, B: Backend> {
    inner: &'i Lock<T, B>,
    _outer: PhantomData<G>,
}

impl<'i, G, T, B: Backend> Monitor for UnderBoth<'i, G, T, B> {
    type Guard = Inside<'i, G, T, B>;

    #[inline]
    fn lock(&mut self) -> Self::Guard {
        Inside {
            _inner: Locked::new(self.inner.lock()),
            _outer: None,
        }
    }
}

impl<'e, 'i, O, T, B, N> Wait<'e, Both<'i, O, T, B>, N>
where
    O: Outer,
    B: Backend,
    N: Events<Kernel> + Before,
{
    /// Adds another event of the inner lock: whichever comes first ends the wait.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    pub fn or<W, P, E>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x Event<W, P, E>,
    ) -> On<'e, Both<'i, O, T, B>, N, Selected<'static, W, P, E>>
    where
        W: Send + 'static,
        P: Policy,
        E: After<O::Above>,
    {
        let selected = Selected::inside(&*self.held, select);
        On::new(self.held, self.events, self.told, selected)
    }

    /// Waits, and returns what was taken. Neither lock is held then, whatever came of it.
    ///
    /// Context: may sleep; what else is held stands above the events.
    ///
    /// # Errors
    ///
    /// As those of the wait with one lock.
    // SLEEPS: the guard has borrowed the capability.
    #[doc(alias("wait_event_cmd", "wait_event_lock_irq_cmd"))]
    #[inline]
    #[track_caller]
    pub fn wait<M: ModeAt<O::Above>>(self, mode: M) -> Result<N::Output, Failed<N, M::Error>> {
        let (_lock, ended) = self.run(mode);
        ended
    }

    /// As the wait that takes neither lock again, and takes both, the outer one first, whatever came of it.
    ///
    /// Context: may sleep; what else is held stands above the events.
    // SLEEPS: the guard has borrowed the capability.
    #[doc(alias("wait_event_cmd", "wait_event_lock_irq_cmd"))]
    #[inline]
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the guard, and how the wait ended")]
    pub fn wait_relock<M: ModeAt<O::Above>>(
        self,
        mode: M,
    ) -> (Both<'i, O, T, B>, Result<N::Output, Failed<N, M::Error>>) {
        let inner = self.held.inner.guard.lock_ref();
        let (outer, ended) = self.run(mode);
        let outer = O::retake(outer);
        let both = Both {
            inner: Locked::new(inner.lock()),
            outer,
        };
        (both, ended)
    }

    /// Waits, and returns what takes the outer lock again.
    #[inline]
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the lock, and how the wait ended")]
    fn run<M: ModeAt<O::Above>>(
        self,
        mode: M,
    ) -> (O::Lock, Result<N::Output, Failed<N, M::Error>>) {
        let Self {
            held: Both { inner, outer },
            told,
            events,
            _borrow,
        } = self;
        let monitor = UnderBoth {
            inner: inner.guard.lock_ref(),
            _outer: PhantomData,
        };
        let (outer, lock) = outer.split();
        let guard = Inside {
            _inner: inner,
            _outer: Some(outer),
        };
        let place = Location::caller();
        // SAFETY: The guard is that of the inner lock, and was moved here: nobody has a reference to what it
        // protects. The events are under this lock, by the invariants of `Selected`, and the lock is borrowed.
        let ended =
            unsafe { run_under::<O::Above, _, _, _>(monitor, guard, &mode, told, place, events) };
        (lock, ended)
    }
}
