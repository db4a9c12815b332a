// SPDX-License-Identifier: GPL-2.0

//! Items, and tasks that wait for one: a lock and a `CondVar`, as a driver would write it.
//!
//! Of the `kernel` crate alone. Each item is for one task, so one is notified for each: `notify_one()`.

use kernel::{
    new_condvar,
    prelude::*,
    str::CStr,
    sync::{
        lock::{
            Backend,
            Lock, //
        },
        CondVar,
        CondVarTimeoutResult,
        LockClassKey, //
    },
    time::Jiffies, //
};

/// What the lock protects.
#[derive(Clone, Copy, Default)]
pub(crate) struct Inner {
    /// What is there to be taken.
    pub(crate) items: u32,
    /// Who is in the wait, or on its way out.
    pub(crate) waiting: u32,
}

/// Items, and who waits for one.
#[pin_data]
pub(crate) struct Items<B: Backend> {
    #[pin]
    inner: Lock<Inner, B>,
    #[pin]
    ready: CondVar,
}

impl<B: Backend> Items<B> {
    /// There is none.
    pub(crate) fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self> {
        pin_init!(Self {
            inner <- Lock::new(Inner::default(), name, key),
            ready <- new_condvar!("condvar_items"),
        })
    }

    /// Takes an item, waiting for one for `limit` jiffies at most.
    ///
    /// With `looks_again`, it looks once more before it gives up.
    ///
    /// # Errors
    ///
    /// `EINTR` after a signal, `ETIME` after the limit.
    pub(crate) fn take(&self, limit: Option<Jiffies>, looks_again: bool) -> Result {
        // IRQ: a `CondVar` wants a guard of the kernel crate.
        let mut inner = self.inner.lock();
        while inner.items == 0 {
            inner.waiting += 1;
            let gave_up = match limit {
                None => self.ready.wait_interruptible(&mut inner).then_some(EINTR),
                Some(limit) => match self.ready.wait_interruptible_timeout(&mut inner, limit) {
                    CondVarTimeoutResult::Signal { .. } => Some(EINTR),
                    CondVarTimeoutResult::Timeout => Some(ETIME),
                    CondVarTimeoutResult::Woken { .. } => None,
                },
            };
            inner.waiting -= 1;
            match gave_up {
                Some(_) if looks_again && inner.items > 0 => (),
                Some(why) => return Err(why),
                None => (),
            }
        }
        inner.items -= 1;
        Ok(())
    }

    /// Puts an item there, and notifies one of those who wait. `before` and `after` are called with the lock
    /// held: they stand for what happens to come in between.
    pub(crate) fn give(&self, before: impl FnOnce(), after: impl FnOnce()) {
        // IRQ: a `CondVar` wants a guard of the kernel crate.
        let mut inner = self.inner.lock();
        before();
        inner.items += 1;
        self.ready.notify_one();
        after();
    }

    /// Notifies one of those who wait, for no reason.
    pub(crate) fn notify(&self) {
        self.ready.notify_one();
    }

    /// Returns what is there now.
    pub(crate) fn look(&self) -> Inner {
        // IRQ: a `CondVar` wants a guard of the kernel crate.
        *self.inner.lock()
    }
}
