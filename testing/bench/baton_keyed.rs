// SPDX-License-Identifier: GPL-2.0

//! This library's way to wait under keys: an event that finds the waiters of one key without the others.

use baton::{
    event::{
        new_keyed_event,
        KeyedEvent,
        Uninterruptible, //
    },
    new_event,
    Event,
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    str::CString,
    sync::{
        Arc,
        Mutex,
        SpinLock, //
    },
};

#[pin_data]
struct State {
    #[pin]
    open: KeyedEvent<KVec<bool>>,
    #[pin]
    passed: Event<u64>,
}

/// One task waits under each key.
#[pin_data]
pub(crate) struct Keyed {
    name: &'static str,
    keys: usize,
    #[pin]
    state: SpinLock<State>,
    #[pin]
    threads: Mutex<KVec<Thread>>,
}

impl Keyed {
    /// Nobody waits before the first run.
    pub(crate) fn new(name: &'static str, keys: usize) -> Result<Arc<Self>> {
        let open = KVec::from_elem(false, keys, GFP_KERNEL)?;
        Arc::pin_init(
            pin_init!(Self {
                name,
                keys,
                state <- new_spinlock!(pin_init!(State {
                    open <- new_keyed_event!(open),
                    passed <- new_event!(0),
                })),
                threads <- new_mutex!(KVec::new()),
            }),
            GFP_KERNEL,
        )
    }

    fn pass(&self, cx: &mut MaySleep, key: usize) {
        let mut held = self.state.lock_in(cx);
        while held
            .on_key(|s| &s.open, key)
            .when(|open| *open, |open| *open = false)
            .wait(Uninterruptible)
            .is_ok()
        {
            held = self.state.lock_in(cx);
            held.as_mut().project().passed.update(|passed| *passed += 1);
        }
    }

    fn start(self: &Arc<Self>, cx: &mut MaySleep) -> Result {
        let mut threads = KVec::with_capacity(self.keys, GFP_KERNEL)?;
        for key in 0..self.keys {
            let theirs = self.clone();
            let name = CString::try_from_fmt(fmt!("{}{key}", self.name))?;
            let thread = Thread::spawn(cx, &name, move |cx, _| theirs.pass(cx, key))?;
            threads.push(thread, GFP_KERNEL)?;
        }
        *self.threads.lock_in(cx) = threads;
        Ok(())
    }

    /// Opens one key after the other, and waits each time until somebody has passed.
    pub(crate) fn run(self: &Arc<Self>, cx: &mut MaySleep, ops: u64) -> Result {
        if self.threads.lock_in(cx).is_empty() {
            self.start(cx)?;
        }
        let mut want = *self.state.lock_in(cx).passed;
        for _ in 0..ops {
            let key = want as usize % self.keys;
            want += 1;
            let mut held = self.state.lock_in(cx);
            held.as_mut()
                .project()
                .open
                .update(key, |open| *open = true);
            held.on(|s| &s.passed)
                .until(move |passed| *passed >= want)
                .wait(Uninterruptible)?;
        }
        Ok(())
    }

    pub(crate) fn passed(&self, cx: &mut MaySleep) -> u64 {
        *self.state.lock_in(cx).passed
    }

    /// Ends all waits, and joins who has waited.
    pub(crate) fn end(&self, cx: &mut MaySleep) {
        self.state.lock_in(cx).as_mut().project().open.close();
        let threads = core::mem::take(&mut *self.threads.lock_in(cx));
        for thread in threads {
            let _ = thread.join(cx);
        }
    }
}
