// SPDX-License-Identifier: GPL-2.0

//! The way of the `kernel` crate: a lock, some fields and condition variables.
//!
//! This file takes locks by the plain `lock()`: it shows what is done without this library.

use crate::{
    Case,
    Way,
    HERD, //
};
use baton::{
    MaySleep,
    Thread, //
};
use kernel::{
    new_condvar, new_mutex, new_spinlock,
    prelude::*,
    str::CString,
    sync::{
        lock::{
            Backend,
            Guard,
            Lock, //
        },
        Arc,
        CondVar,
        Mutex,
        SpinLock, //
    },
};

fn wait_until<T, B: Backend>(
    condvar: &CondVar,
    guard: &mut Guard<'_, T, B>,
    condition: impl Fn(&T) -> bool,
) {
    while !condition(guard) {
        condvar.wait(guard);
    }
}

/// The sum wraps: see [`update`](crate::baton_way::update).
fn update<B: Backend>(lock: &Lock<u64, B>, changed: &CondVar, ops: u64) {
    for _ in 0..ops {
        let mut value = lock.lock();
        *value = value.wrapping_add(1);
        drop(value);
        changed.notify_one();
    }
}

/// One task asks, the other one answers in its own context.
#[derive(Default)]
pub(crate) struct Pair {
    request: u64,
    reply: u64,
    closed: bool,
}

#[pin_data]
pub(crate) struct Signals {
    #[pin]
    requested: CondVar,
    #[pin]
    replied: CondVar,
}

impl Signals {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            requested <- new_condvar!(),
            replied <- new_condvar!(),
        })
    }
}

fn ask<B: Backend>(lock: &Lock<Pair, B>, signals: &Signals, ops: u64) {
    for _ in 0..ops {
        let mut pair = lock.lock();
        pair.request += 1;
        let want = pair.request;
        signals.requested.notify_one();
        wait_until(&signals.replied, &mut pair, |p| p.reply >= want);
    }
}

fn answer<B: Backend>(lock: &Lock<Pair, B>, signals: &Signals) {
    let mut seen = 0;
    let mut pair = lock.lock();
    loop {
        wait_until(&signals.requested, &mut pair, |p| {
            p.request > seen || p.closed
        });
        if pair.closed {
            return;
        }
        seen += 1;
        pair.reply += 1;
        signals.replied.notify_one();
    }
}

/// Many wait for different values, one of them comes.
#[derive(Default)]
struct Herd {
    open: Option<usize>,
    passed: u64,
    closed: bool,
}

#[pin_data]
struct HerdSignals {
    #[pin]
    opened: CondVar,
    #[pin]
    acknowledged: CondVar,
}

impl HerdSignals {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            opened <- new_condvar!(),
            acknowledged <- new_condvar!(),
        })
    }
}

fn open(lock: &SpinLock<Herd>, signals: &HerdSignals, ops: u64) {
    let mut want = lock.lock().passed;
    for _ in 0..ops {
        let id = want as usize % HERD;
        want += 1;
        lock.lock().open = Some(id);
        signals.opened.notify_all();
        let mut herd = lock.lock();
        wait_until(&signals.acknowledged, &mut herd, |h| h.passed >= want);
    }
}

fn pass(lock: &SpinLock<Herd>, signals: &HerdSignals, id: usize) {
    let mut herd = lock.lock();
    loop {
        wait_until(&signals.opened, &mut herd, |h| {
            h.open == Some(id) || h.closed
        });
        if herd.closed {
            return;
        }
        herd.open = None;
        herd.passed += 1;
        signals.acknowledged.notify_one();
    }
}

/// What the threads share with whoever runs a case.
#[pin_data]
struct Shared {
    #[pin]
    value_spin: SpinLock<u64>,
    #[pin]
    value_mutex: Mutex<u64>,
    #[pin]
    changed: CondVar,
    #[pin]
    pair_spin: SpinLock<Pair>,
    #[pin]
    signals_spin: Signals,
    #[pin]
    pair_mutex: Mutex<Pair>,
    #[pin]
    signals_mutex: Signals,
    #[pin]
    herd: SpinLock<Herd>,
    #[pin]
    herd_signals: HerdSignals,
}

/// The data of all cases and the threads that wait on it.
pub(crate) struct Rig {
    shared: Arc<Shared>,
    _threads: KVec<Thread>,
}

impl Rig {
    pub(crate) fn new(cx: &mut MaySleep) -> Result<Self> {
        let shared = Arc::pin_init(
            pin_init!(Shared {
                value_spin <- new_spinlock!(0),
                value_mutex <- new_mutex!(0),
                changed <- new_condvar!(),
                pair_spin <- new_spinlock!(Pair::default()),
                signals_spin <- Signals::new(),
                pair_mutex <- new_mutex!(Pair::default()),
                signals_mutex <- Signals::new(),
                herd <- new_spinlock!(Herd::default()),
                herd_signals <- HerdSignals::new(),
            }),
            GFP_KERNEL,
        )?;
        // From here on, dropping the rig closes the data and joins what was started.
        let mut rig = Self {
            shared,
            _threads: KVec::with_capacity(HERD + 2, GFP_KERNEL)?,
        };
        rig.spawn(cx, c"condvar/trip/0", |s| {
            answer(&s.pair_spin, &s.signals_spin)
        })?;
        rig.spawn(cx, c"condvar/trip/1", |s| {
            answer(&s.pair_mutex, &s.signals_mutex)
        })?;
        for id in 0..HERD {
            let name = CString::try_from_fmt(fmt!("condvar/herd/{id}"))?;
            rig.spawn(cx, &name, move |s| pass(&s.herd, &s.herd_signals, id))?;
        }
        Ok(rig)
    }

    fn spawn(
        &mut self,
        cx: &mut MaySleep,
        name: &CStr,
        body: impl FnOnce(&Shared) + Send + 'static,
    ) -> Result {
        let shared = self.shared.clone();
        let thread = Thread::spawn(cx, name, move |_, _| body(&shared))?;
        self._threads.push(thread, GFP_KERNEL)?;
        Ok(())
    }
}

impl Way for Rig {
    fn run(&self, _cx: &mut MaySleep, case: Case, ops: u64) -> Result {
        let s = &*self.shared;
        match case {
            Case::UpdateSpin => update(&s.value_spin, &s.changed, ops),
            Case::UpdateMutex => update(&s.value_mutex, &s.changed, ops),
            Case::TripSpin => ask(&s.pair_spin, &s.signals_spin, ops),
            Case::TripMutex => ask(&s.pair_mutex, &s.signals_mutex, ops),
            Case::Herd => open(&s.herd, &s.herd_signals, ops),
            // What a condition variable has nothing for.
            _ => return Err(EOPNOTSUPP),
        }
        Ok(())
    }

    fn done(&self, _cx: &mut MaySleep, case: Case) -> u64 {
        let s = &*self.shared;
        match case {
            Case::UpdateSpin => *s.value_spin.lock(),
            Case::UpdateMutex => *s.value_mutex.lock(),
            Case::TripSpin => s.pair_spin.lock().reply,
            Case::TripMutex => s.pair_mutex.lock().reply,
            Case::Herd => s.herd.lock().passed,
            _ => 0,
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let s = &*self.shared;
        s.pair_spin.lock().closed = true;
        s.signals_spin.requested.notify_all();
        s.pair_mutex.lock().closed = true;
        s.signals_mutex.requested.notify_all();
        s.herd.lock().closed = true;
        s.herd_signals.opened.notify_all();
    }
}
