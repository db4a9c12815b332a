// SPDX-License-Identifier: GPL-2.0

//! This library's way: events that consider their waiters.

use crate::{
    baton_count::Pieces,
    baton_entry::Entries,
    baton_keyed::Keyed,
    Case,
    Way,
    HERD, //
};
use baton::{
    event::Uninterruptible,
    new_event,
    Any,
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
        lock::{
            Backend,
            Lock, //
        },
        Arc,
        Mutex,
        SpinLock, //
    },
};

/// How many tasks wait under a key each, in either case.
const KEYS: usize = 1024;
const FEW_KEYS: usize = 16;

/// Data that changes while nobody waits.
#[pin_data]
pub(crate) struct Value {
    #[pin]
    value: Event<u64>,
}

impl Value {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self { value <- new_event!(0) })
    }
}

fn update<B: Backend>(lock: &Lock<Value, B>, cx: &mut MaySleep, ops: u64) {
    for _ in 0..ops {
        lock.lock_in(cx)
            .as_mut()
            .project()
            .value
            .update(|value| *value += 1);
    }
}

/// One task asks, the other one answers in its own context.
#[pin_data]
pub(crate) struct Pair {
    #[pin]
    request: Event<u64>,
    #[pin]
    reply: Event<u64>,
}

impl Pair {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            request <- new_event!(0),
            reply <- new_event!(0),
        })
    }
}

fn ask<B: Backend>(lock: &Lock<Pair, B>, cx: &mut MaySleep, ops: u64) -> Result {
    for _ in 0..ops {
        let mut held = lock.lock_in(cx);
        let want = held.as_mut().project().request.update(|request| {
            *request += 1;
            *request
        });
        held.on(|p| &p.reply)
            .until(move |reply| *reply >= want)
            .wait(Uninterruptible)?;
    }
    Ok(())
}

fn answer<B: Backend>(lock: &Lock<Pair, B>, cx: &mut MaySleep) {
    let mut want = 1;
    let mut held = lock.lock_in(cx);
    while held
        .on(|p| &p.request)
        .until(move |request| *request >= want)
        .wait(Uninterruptible)
        .is_ok()
    {
        want += 1;
        held = lock.lock_in(cx);
        held.as_mut().project().reply.update(|reply| *reply += 1);
    }
}

/// One task asks, the other one's claim answers on its behalf.
#[pin_data]
pub(crate) struct ClaimedPair {
    #[pin]
    traffic: Event<Traffic, Any>,
}

struct Traffic {
    request: u64,
    reply: u64,
}

impl ClaimedPair {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self { traffic <- new_event!(Traffic { request: 0, reply: 0 }) })
    }
}

fn react(traffic: &mut Traffic) -> u64 {
    traffic.reply += 1;
    traffic.reply
}

fn ask_claimed<B: Backend>(lock: &Lock<ClaimedPair, B>, cx: &mut MaySleep, ops: u64) -> Result {
    for _ in 0..ops {
        let mut held = lock.lock_in(cx);
        let want = held.as_mut().project().traffic.update(|traffic| {
            traffic.request += 1;
            traffic.request
        });
        held.on(|p| &p.traffic)
            .until(move |traffic| traffic.reply >= want)
            .wait(Uninterruptible)?;
    }
    Ok(())
}

fn answer_claimed<B: Backend>(lock: &Lock<ClaimedPair, B>, cx: &mut MaySleep) {
    let mut expected = 1;
    while let Ok(number) = lock
        .lock_in(cx)
        .on(|p| &p.traffic)
        .when(|traffic| traffic.reply != traffic.request, react)
        .wait(Uninterruptible)
    {
        if number != expected {
            pr_err!("answered request {}, expected {}\n", number, expected);
            return;
        }
        expected += 1;
    }
}

/// Many wait for different values, one of them comes.
#[pin_data]
pub(crate) struct Herd {
    #[pin]
    open: Event<Option<usize>, Any>,
    #[pin]
    passed: Event<u64>,
}

impl Herd {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            open <- new_event!(None),
            passed <- new_event!(0),
        })
    }
}

fn open(lock: &SpinLock<Herd>, cx: &mut MaySleep, ops: u64) -> Result {
    let mut want = *lock.lock_in(cx).passed;
    for _ in 0..ops {
        let id = want as usize % HERD;
        want += 1;
        let mut held = lock.lock_in(cx);
        held.as_mut().project().open.update(|open| *open = Some(id));
        held.on(|h| &h.passed)
            .until(move |passed| *passed >= want)
            .wait(Uninterruptible)?;
    }
    Ok(())
}

fn pass(lock: &SpinLock<Herd>, cx: &mut MaySleep, id: usize) {
    let mut held = lock.lock_in(cx);
    while held
        .on(|h| &h.open)
        .when(move |open| *open == Some(id), |open| *open = None)
        .wait(Uninterruptible)
        .is_ok()
    {
        held = lock.lock_in(cx);
        held.as_mut().project().passed.update(|passed| *passed += 1);
    }
}

/// What the threads share with whoever runs a case.
#[pin_data]
struct Shared {
    #[pin]
    value_spin: SpinLock<Value>,
    #[pin]
    value_mutex: Mutex<Value>,
    #[pin]
    pair_spin: SpinLock<Pair>,
    #[pin]
    pair_mutex: Mutex<Pair>,
    #[pin]
    claimed_spin: SpinLock<ClaimedPair>,
    #[pin]
    claimed_mutex: Mutex<ClaimedPair>,
    #[pin]
    herd: SpinLock<Herd>,
    #[pin]
    entries: Entries,
    #[pin]
    pieces: Pieces,
}

/// The data of all cases and the threads that wait on it.
pub(crate) struct Rig {
    shared: Arc<Shared>,
    keyed: Arc<Keyed>,
    keyed_few: Arc<Keyed>,
    _threads: KVec<Thread>,
}

impl Rig {
    pub(crate) fn new(cx: &mut MaySleep) -> Result<Self> {
        let shared = Arc::pin_init(
            try_pin_init!(Shared {
                value_spin <- new_spinlock!(Value::new()),
                value_mutex <- new_mutex!(Value::new()),
                pair_spin <- new_spinlock!(Pair::new()),
                pair_mutex <- new_mutex!(Pair::new()),
                claimed_spin <- new_spinlock!(ClaimedPair::new()),
                claimed_mutex <- new_mutex!(ClaimedPair::new()),
                herd <- new_spinlock!(Herd::new()),
                entries <- Entries::new(),
                pieces <- Pieces::new(),
            }),
            GFP_KERNEL,
        )?;
        shared.entries.fill(cx)?;
        // From here on, dropping the rig closes the events and joins what was started.
        let mut rig = Self {
            shared,
            keyed: Keyed::new("baton/keyed/", KEYS)?,
            keyed_few: Keyed::new("baton/few/", FEW_KEYS)?,
            _threads: KVec::with_capacity(HERD + 4, GFP_KERNEL)?,
        };
        rig.spawn(cx, c"baton/trip/0", |s, cx| answer(&s.pair_spin, cx))?;
        rig.spawn(cx, c"baton/trip/1", |s, cx| answer(&s.pair_mutex, cx))?;
        rig.spawn(cx, c"baton/claim/0", |s, cx| {
            answer_claimed(&s.claimed_spin, cx)
        })?;
        rig.spawn(cx, c"baton/claim/1", |s, cx| {
            answer_claimed(&s.claimed_mutex, cx)
        })?;
        for id in 0..HERD {
            let name = CString::try_from_fmt(fmt!("baton/herd/{id}"))?;
            rig.spawn(cx, &name, move |s, cx| pass(&s.herd, cx, id))?;
        }
        Ok(rig)
    }

    fn spawn(
        &mut self,
        cx: &mut MaySleep,
        name: &CStr,
        body: impl FnOnce(&Shared, &mut MaySleep) + Send + 'static,
    ) -> Result {
        let shared = self.shared.clone();
        let thread = Thread::spawn(cx, name, move |cx, _| body(&shared, cx))?;
        self._threads.push(thread, GFP_KERNEL)?;
        Ok(())
    }
}

impl Way for Rig {
    fn run(&self, cx: &mut MaySleep, case: Case, ops: u64) -> Result {
        let s = &*self.shared;
        match case {
            Case::UpdateSpin => update(&s.value_spin, cx, ops),
            Case::UpdateMutex => update(&s.value_mutex, cx, ops),
            Case::TripSpin => ask(&s.pair_spin, cx, ops)?,
            Case::TripMutex => ask(&s.pair_mutex, cx, ops)?,
            Case::ClaimSpin => ask_claimed(&s.claimed_spin, cx, ops)?,
            Case::ClaimMutex => ask_claimed(&s.claimed_mutex, cx, ops)?,
            Case::Herd => open(&s.herd, cx, ops)?,
            Case::Entry => s.entries.run(cx, ops)?,
            Case::Keyed => self.keyed.run(cx, ops)?,
            Case::KeyedFew => self.keyed_few.run(cx, ops)?,
            Case::Count => s.pieces.run(ops)?,
        }
        Ok(())
    }

    fn done(&self, cx: &mut MaySleep, case: Case) -> u64 {
        let s = &*self.shared;
        match case {
            Case::UpdateSpin => *s.value_spin.lock_in(cx).value,
            Case::UpdateMutex => *s.value_mutex.lock_in(cx).value,
            Case::TripSpin => *s.pair_spin.lock_in(cx).reply,
            Case::TripMutex => *s.pair_mutex.lock_in(cx).reply,
            Case::ClaimSpin => s.claimed_spin.lock_in(cx).traffic.reply,
            Case::ClaimMutex => s.claimed_mutex.lock_in(cx).traffic.reply,
            Case::Herd => *s.herd.lock_in(cx).passed,
            Case::Entry => s.entries.locked(),
            Case::Keyed => self.keyed.passed(cx),
            Case::KeyedFew => self.keyed_few.passed(cx),
            Case::Count => s.pieces.counted(),
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // ENTRY: the module is unloaded.
        let cx = &mut MaySleep::assert();
        let s = &*self.shared;
        s.pair_spin.lock_in(cx).as_mut().project().request.close();
        s.pair_mutex.lock_in(cx).as_mut().project().request.close();
        s.claimed_spin
            .lock_in(cx)
            .as_mut()
            .project()
            .traffic
            .close();
        s.claimed_mutex
            .lock_in(cx)
            .as_mut()
            .project()
            .traffic
            .close();
        s.herd.lock_in(cx).as_mut().project().open.close();
        self.keyed.end(cx);
        self.keyed_few.end(cx);
    }
}
