// SPDX-License-Identifier: GPL-2.0

//! Whoever changes an event, as a value: when it is gone, nobody waits for it any more.
//!
//! # The bug that this removes
//!
//! `nilfs2` waited for its log writer to have written; the writer had been killed, or had never come so
//! far that it could be asked. An event does not know who is going to change it:
//!
//! ```text
//!   waiter                                   writer
//!                                            1 returns early, on an error
//!   2 written? no: sleeps for ever
//! ```
//!
//! A [`Provider`] that the writer's closure has captured is dropped in step 1, and when the thread never
//! ran at all, and closes the event; the wait ends with [`Closed`](super::Closed).

use crate::{
    context::MaySleep,
    owner::{
        Owned,
        Teardown, //
    },
};
use core::{
    cell::UnsafeCell,
    panic::Location, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
    task::Task, //
};

/// Closes events when whoever provides for them is gone.
///
/// It is for the one who changes an event: moved into the closure of a thread, or kept in an object that
/// answers. What it does is given by a closure that takes the lock and closes the events.
///
/// Dropping it has that done by a worker, so it may be dropped in any context and with any lock held,
/// that of the event too; the waits end a little later. [`Provider::close`] does it at once.
/// `mem::forget` leaves it to the end of its module; until then the waiters sleep. Used from itself, in
/// its own closure, [`Provider::close`] does nothing: the events are being closed.
///
/// # Examples
///
/// ```
/// use baton::event::{Killable, Provider};
/// use baton::{new_event, Event, LockIn, MaySleep, Thread};
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, Arc, Mutex};
///
/// #[pin_data]
/// struct State {
///     #[pin]
///     written: Event<u64>,
/// }
///
/// #[pin_data]
/// struct Log {
///     #[pin]
///     state: Mutex<State>,
/// }
///
/// let cx = &mut MaySleep::assert();
/// let log = Arc::pin_init(
///     pin_init!(Log {
///         state <- new_mutex!(pin_init!(State { written <- new_event!(0) })),
///     }),
///     GFP_KERNEL,
/// )?;
/// let provider = Provider::new(cx, c"log", log.clone(), |log, cx| {
///     log.state.lock_in(cx).as_mut().project().written.close();
/// })?;
/// let writer = Thread::spawn(cx, c"log", move |_cx, _stop| {
///     let _provider = provider;
///     // It returns without having written anything.
/// })?;
/// let held = log.state.lock_in(cx);
/// let written = held.on(|s| &s.written).until(|written| *written > 0).wait(Killable);
/// assert!(written.is_err());
/// writer.join(cx)?;
/// # Ok::<(), Error>(())
/// ```
pub struct Provider {
    core: Owned<Core>,
}

/// What closes the events, whatever it has captured.
trait Closer: Send {
    /// Called once.
    fn close(&mut self, cx: &mut MaySleep);
}

struct Shared<S, F>(Option<(Arc<S>, F)>);

impl<S, F> Closer for Shared<S, F>
where
    S: Send + Sync,
    F: FnOnce(&S, &mut MaySleep) + Send,
{
    fn close(&mut self, cx: &mut MaySleep) {
        if let Some((shared, close)) = self.0.take() {
            close(&shared, cx);
        }
    }
}

/// # Invariants
///
/// Who has changed `closed` to `true` has `closer` to themselves.
struct Core {
    closer: UnsafeCell<KBox<dyn Closer>>,
    closed: Atomic<bool>,
    /// The address of the task that closes, while it does.
    by: Atomic<usize>,
}

// SAFETY: By the type invariants one task uses `closer`, which is `Send`.
unsafe impl Sync for Core {}

impl Teardown for Core {
    const KIND: &'static str = "provider";
    const IN_ORDER: &'static str = "close(cx)";
    const MAY_BE_DROPPED: bool = true;

    fn tear_down(&self) {
        if !self.closed.xchg(true, Full) {
            // ENTRY: a teardown may sleep.
            let cx = &mut MaySleep::assert();
            self.by.store(Task::current_raw().addr(), Relaxed);
            // SAFETY: By the type invariants.
            unsafe { &mut *self.closer.get() }.close(cx);
            self.by.store(0, Relaxed);
        }
    }

    fn is_current(&self) -> bool {
        self.by.load(Relaxed) == Task::current_raw().addr()
    }
}

impl Provider {
    /// Makes a provider; `close` closes the events, in `shared`, that it stands for.
    ///
    /// `name` is for the log. `close` begins with nothing held, and may sleep.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `ESHUTDOWN` if the module goes.
    #[track_caller]
    pub fn new<S, F>(_cx: &mut MaySleep, name: &CStr, shared: Arc<S>, close: F) -> Result<Self>
    where
        S: Send + Sync + 'static,
        F: FnOnce(&S, &mut MaySleep) + Send + 'static,
    {
        let closer: KBox<dyn Closer> = KBox::new(Shared(Some((shared, close))), GFP_KERNEL)?;
        let core = Core {
            closer: UnsafeCell::new(closer),
            closed: Atomic::new(false),
            by: Atomic::new(0),
        };
        let code = <Shared<S, F> as Closer>::close as *const ();
        Ok(Self {
            core: Owned::new(name, code, Location::caller(), Ok(core))?,
        })
    }

    /// Closes the events now.
    ///
    /// Context: may sleep.
    pub fn close(self, _cx: &mut MaySleep) {
        // What refuses is its own closure, by way of a handle that was left when the module goes: the events
        // are being closed then.
        let _ = self.core.tear_down();
    }
}
