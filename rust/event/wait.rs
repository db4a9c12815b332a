// SPDX-License-Identifier: GPL-2.0

//! Waiting for an event.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use super::{
    mode::{
        Closed,
        Mode,
        WaitError, //
    },
    monitor::{
        self,
        Ended,
        Monitor, //
    },
    platform::{
        Kernel,
        KernelSleeper, //
    },
    protocol::{
        Queue,
        Sleeper, //
    },
    Event,
    Parts,
    Policy, //
};
use crate::{
    context::{
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
#[cfg(CONFIG_LOCKDEP)]
use core::mem;
use core::{
    cell::Cell,
    marker::PhantomData,
    panic::Location,
    pin::Pin, //
};
use kernel::sync::lock::{
    Backend,
    Lock, //
};

impl<'a, 'c, T, B: Backend, C: Level, L: Level> Held<'a, 'c, T, B, C, L> {
    /// Waits until `claim` succeeds, and returns what it claimed.
    ///
    /// `event` selects the event within the protected data; it is called again if the task gives up,
    /// and has to select the same one. The claim is tried at once; if it fails,
    /// the task goes to sleep and the lock is released. From then on, whoever updates the event
    /// tries the claim on this task's behalf, under the lock, and wakes it when the claim has
    /// succeeded. The lock is not taken again: the claim has taken under it what was needed.
    ///
    /// `claim` is a plain function: it sees the event's data and `arg`, and nothing that another
    /// lock protects. It may run in any context in which the lock is taken, so it must not sleep,
    /// allocate, or take long.
    ///
    /// Context: may sleep; what else is held stands above the event in the order of the module's
    /// [levels](crate::level), which the capability sees to.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the event was closed or dropped. With a mode that allows for it, a signal or
    /// the end of the time; what was claimed in the meantime is returned rather than an error.
    #[doc(alias("wait_event", "wait_event_lock_irq", "xlog_wait"))]
    #[inline]
    #[track_caller]
    pub fn wait<W, P, E, A, R, M>(
        self,
        mode: M,
        mut event: impl FnMut(Pin<&mut T>) -> Pin<&mut Event<W, P, E>>,
        claim: fn(&mut W, &A) -> Option<R>,
        arg: A,
    ) -> Result<R, M::Error>
    where
        W: Send,
        P: Policy,
        E: After<C>,
        A: Send + 'static,
        R: Send + 'static,
        M: Mode,
    {
        self.wait_found(mode, |data| Some(event(data)), claim, arg)
    }

    /// Like [`Held::wait`], for an event in an object that has to be looked up first.
    ///
    /// # Errors
    ///
    /// As [`Held::wait`]; [`Closed`] as well if `find` returns [`None`], since an object that is gone
    /// has closed its events.
    ///
    /// An object that is taken out of the lock while somebody waits for its event keeps the waiter
    /// until it is dropped, or put back, or its event is updated: a signal or timeout that comes
    /// meanwhile is late.
    #[inline]
    #[track_caller]
    pub fn wait_found<W, P, E, A, R, M>(
        self,
        mode: M,
        find: impl FnMut(Pin<&mut T>) -> Option<Pin<&mut Event<W, P, E>>>,
        claim: fn(&mut W, &A) -> Option<R>,
        arg: A,
    ) -> Result<R, M::Error>
    where
        W: Send,
        P: Policy,
        E: After<C>,
        A: Send + 'static,
        R: Send + 'static,
        M: Mode,
    {
        wait(self, mode, find, claim, arg)
    }

    /// Like [`Held::wait`], and takes the lock again whatever came of it.
    #[inline]
    #[track_caller]
    pub fn wait_relock<W, P, E, A, R, M>(
        self,
        mode: M,
        event: impl FnMut(Pin<&mut T>) -> Pin<&mut Event<W, P, E>>,
        claim: fn(&mut W, &A) -> Option<R>,
        arg: A,
    ) -> (Self, Result<R, M::Error>)
    where
        W: Send,
        P: Policy,
        E: After<C>,
        A: Send + 'static,
        R: Send + 'static,
        M: Mode,
    {
        let Held { locked, cx, .. } = self;
        let lock = locked.guard.lock_ref();
        let result =
            Held::<_, _, _, L>::from_locked(locked, &mut *cx).wait(mode, event, claim, arg);
        (Held::new(lock.lock(), cx), result)
    }
}

impl<T, B: Backend, C: Level, L: Level> Held<'_, '_, T, B, C, L> {
    /// As [`Event::update`], but wakes who was served only after the lock was released.
    ///
    /// Whoever is woken may want the lock, and a task that is woken on another CPU may run before
    /// this one has released it. The claims run now, under the lock, as ever.
    #[doc(alias("wake_q_add", "wake_up_q"))]
    #[inline]
    #[track_caller]
    pub fn update<W, P: Policy, E: Level, R>(
        &mut self,
        event: impl FnOnce(Pin<&mut T>) -> Pin<&mut Event<W, P, E>>,
        change: impl FnOnce(&mut W) -> R,
    ) -> R {
        let event = event(self.locked.guard.as_mut());
        event.changes();
        let Parts { queue, data } = event.parts();
        let result = change(data);
        if !queue.is_empty() {
            queue.choose(data, P::FIFO, &mut self.locked.chosen);
        }
        result
    }
}

/// The lock of a wait, and the caller's way to the event.
struct Under<'a, T, B: Backend, F, P> {
    lock: &'a Lock<T, B>,
    find: F,
    #[cfg(CONFIG_LOCKDEP)]
    announced: bool,
    /// For who wants to know what this task sleeps on.
    about: &'a Cell<Option<About>>,
    place: &'static Location<'static>,
    _policy: PhantomData<P>,
}

impl<'a, T, B, W, P, E, F> Monitor<W, Kernel> for Under<'a, T, B, F, (P, E)>
where
    B: Backend,
    P: Policy,
    E: Level,
    F: FnMut(Pin<&mut T>) -> Option<Pin<&mut Event<W, P, E>>>,
{
    type Guard = Locked<'a, T, B>;

    #[inline]
    fn lock(&mut self) -> Self::Guard {
        Locked::new(self.lock.lock())
    }

    #[inline]
    fn find<'g>(
        &mut self,
        guard: &'g mut Self::Guard,
    ) -> Option<(&'g mut Queue<W, Kernel>, &'g mut W)> {
        let event = (self.find)(guard.guard.as_mut())?;
        #[cfg(CONFIG_LOCKDEP)]
        if !mem::replace(&mut self.announced, true) {
            event.map.wait();
        }
        let Parts { queue, data } = event.parts();
        Some((queue, data))
    }

    #[inline]
    fn sleeps(&mut self, guard: &mut Self::Guard) {
        if registry::is_wanted() {
            let event = (self.find)(guard.guard.as_mut());
            self.about.set(event.map(|event| About {
                object: event.object(),
                label: event.label,
                place: self.place,
            }));
        }
    }
}

/// The sleeper of this kernel, and what the monitor has found out about the event meanwhile.
struct Reported<'s> {
    sleeper: KernelSleeper,
    about: &'s Cell<Option<About>>,
}

impl Sleeper for Reported<'_> {
    type GaveUp = WaitError;

    #[inline]
    fn publish(&mut self) {
        self.sleeper.publish();
    }

    #[inline]
    fn give_up(&mut self) -> Option<WaitError> {
        self.sleeper.give_up()
    }

    #[inline]
    fn sleep(&mut self) {
        self.sleeper.about = self.about.get();
        self.sleeper.sleep();
    }

    #[inline]
    fn running(&mut self) {
        self.sleeper.running();
    }

    fn insist(&mut self) {
        self.sleeper.insist();
    }
}

/// The wait itself, with the lock, the event and the mode of this kernel.
#[inline]
#[track_caller]
fn wait<T, B, C, L, W, P, E, A, R, M>(
    held: Held<'_, '_, T, B, C, L>,
    mode: M,
    find: impl FnMut(Pin<&mut T>) -> Option<Pin<&mut Event<W, P, E>>>,
    claim: fn(&mut W, &A) -> Option<R>,
    arg: A,
) -> Result<R, M::Error>
where
    B: Backend,
    C: Level,
    L: Level,
    P: Policy,
    E: After<C>,
    M: Mode,
{
    // The capability stays borrowed until this function returns.
    let Held {
        locked, cx: _cx, ..
    } = held;
    let about = Cell::new(None);
    let under = Under {
        lock: locked.guard.lock_ref(),
        find,
        #[cfg(CONFIG_LOCKDEP)]
        announced: false,
        about: &about,
        place: Location::caller(),
        _policy: PhantomData,
    };
    let sleeper = Reported {
        sleeper: KernelSleeper::new(&mode),
        about: &about,
    };
    monitor::wait(under, locked, P::FIFO, sleeper, claim, arg).map_err(|ended| match ended {
        Ended::Closed => Closed.into(),
        Ended::GaveUp(why) => M::gave_up(why),
    })
}
