// SPDX-License-Identifier: GPL-2.0

//! The data of all cases that are written with this library, and the threads that wait on it.

use crate::{
    baton_completion::Answers,
    baton_contended::Contended,
    baton_count::Pieces,
    baton_drain::Requests,
    baton_entry::Entries,
    baton_keyed::Keyed,
    baton_pin::Nodes,
    baton_run::Daemon,
    baton_way::*,
    Case,
    Way,
    HERD, //
};
use baton::{
    Agent,
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

/// How many tasks wait under a key each, in either case.
const KEYS: usize = 1024;
const FEW_KEYS: usize = 16;

/// How many tasks lock how many entries that share a bucket.
const ONE_ENTRY: (usize, usize) = (4, 1);
const ONE_BUCKET: (usize, usize) = (8, 4);

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
    #[pin]
    requests: Requests,
    #[pin]
    nodes: Nodes,
    #[pin]
    answers: Answers,
}

/// The data of all cases and the threads that wait on it.
pub(crate) struct Rig {
    shared: Arc<Shared>,
    keyed: Arc<Keyed>,
    keyed_few: Arc<Keyed>,
    entry_one: Arc<Contended>,
    entry_bucket: Arc<Contended>,
    daemon: Option<Agent<Daemon>>,
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
                requests <- Requests::new(),
                nodes <- Nodes::new(),
                answers <- Answers::new(),
            }),
            GFP_KERNEL,
        )?;
        shared.entries.fill(cx)?;
        shared.nodes.fill(cx)?;
        // From here on, dropping the rig closes the events and joins what was started.
        let mut rig = Self {
            shared,
            keyed: Keyed::new("baton/keyed/", KEYS)?,
            keyed_few: Keyed::new("baton/few/", FEW_KEYS)?,
            entry_one: Contended::new(cx, "baton/one/", ONE_ENTRY)?,
            entry_bucket: Contended::new(cx, "baton/bucket/", ONE_BUCKET)?,
            daemon: Some(Agent::spawn(cx, c"baton/run/0", Daemon::new()?)?),
            _threads: KVec::with_capacity(HERD + 6, GFP_KERNEL)?,
        };
        rig.spawn(cx, c"baton/trip/0", |s, cx| answer(&s.pair_spin, cx))?;
        rig.spawn(cx, c"baton/trip/1", |s, cx| answer(&s.pair_mutex, cx))?;
        rig.spawn(cx, c"baton/claim/0", |s, cx| {
            answer_claimed(&s.claimed_spin, cx)
        })?;
        rig.spawn(cx, c"baton/claim/1", |s, cx| {
            answer_claimed(&s.claimed_mutex, cx)
        })?;
        rig.spawn(cx, c"baton/drain/0", |s, cx| s.requests.serve(cx))?;
        rig.spawn(cx, c"baton/done/0", |s, cx| s.answers.serve(cx))?;
        for id in 0..HERD {
            let name = CString::try_from_fmt(fmt!("baton/herd/{id}"))?;
            rig.spawn(cx, &name, move |s, cx| pass(&s.herd, cx, id))?;
        }
        Ok(rig)
    }

    fn daemon(&self) -> Result<&Daemon> {
        self.daemon.as_ref().map(Agent::owner).ok_or(ENODEV)
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
            Case::EntryOne => self.entry_one.run(cx, ops)?,
            Case::EntryBucket => self.entry_bucket.run(cx, ops)?,
            Case::Drain => s.requests.run(cx, ops)?,
            Case::DrainWait => s.requests.wait(cx, ops)?,
            Case::Run => self.daemon()?.run(cx, ops)?,
            Case::Pin => s.nodes.run(cx, ops)?,
            Case::Completion => s.answers.run(cx, ops)?,
            Case::CompletionCounted => s.answers.counted(cx, ops)?,
            Case::CompletionTrip => s.answers.trip(cx, ops)?,
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
            Case::EntryOne => self.entry_one.locked(cx),
            Case::EntryBucket => self.entry_bucket.locked(cx),
            Case::Drain | Case::DrainWait => s.requests.done(),
            Case::Run => self.daemon().map_or(0, Daemon::runs),
            Case::Pin => s.nodes.pinned(),
            Case::Completion | Case::CompletionCounted | Case::CompletionTrip => s.answers.done(),
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
        s.requests.end(cx);
        s.answers.end(cx);
        if let Some(daemon) = self.daemon.take() {
            let _ = daemon.retire(cx);
        }
        self.entry_one.end(cx);
        self.entry_bucket.end(cx);
        self.keyed.end(cx);
        self.keyed_few.end(cx);
    }
}
