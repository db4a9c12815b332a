// SPDX-License-Identifier: GPL-2.0

//! xfs, with events: what a waiter's condition reads and its waiters are one object.
//!
//! The operations of `xfs.c`. What was wrong there has no counterpart: the shutdown of the log is
//! part of every event that waits for it, so it cannot be set without considering those waiters
//! under their lock; there is no wake-up that could come after the unlock, before its reason, or
//! after the end of its object.

use crate::{
    actor::{
        Actor,
        Phase, //
    },
    params::{
        Param,
        Values, //
    },
    scene::{
        Op,
        Seed, //
    },
};
use baton::{
    event::Killable,
    new_event,
    Event,
    LockIn,
    MaySleep,
    Tied, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        Arc,
        SpinLock, //
    },
};

const NR_ICLOGS: usize = 2;

/// The log: two locks, as in xfs.
#[pin_data]
pub(crate) struct Log {
    #[pin]
    push: SpinLock<Push>,
    #[pin]
    icl: SpinLock<Icl>,
}

/// What is under `xc_push_lock`.
#[pin_data]
struct Push {
    #[pin]
    commit: Event<Commit>,
}

/// What those who wait for a commit wait for.
#[derive(Default)]
struct Commit {
    lsn: Option<u64>,
    shut_down: bool,
}

/// What is under `l_icloglock`.
#[pin_data]
struct Icl {
    #[pin]
    ring: Event<Ring>,
    #[pin]
    io: Event<Io>,
    #[pin]
    aborted: Event<Option<Callbacks>>,
    ticket: Option<Arc<Ticket>>,
    shut_down: bool,
}

/// The log buffers.
struct Ring {
    active: [bool; NR_ICLOGS],
    current: usize,
    oldest_syncing: usize,
    written: u64,
}

/// What whoever writes the log buffers out waits for.
#[derive(Default)]
struct Io {
    submitted: u64,
    writers: usize,
    all_written: bool,
}

/// An object that whoever waits for it keeps.
#[pin_data]
struct Ticket {
    #[pin]
    served: Tied<bool>,
}

/// That the callbacks of a shutdown have run: nobody can say so earlier.
#[derive(Clone, Copy)]
struct Callbacks(());

fn is_over(commit: &Commit) -> bool {
    commit.shut_down || commit.lsn.is_some()
}

fn outcome(commit: &mut Commit) -> &'static str {
    if commit.shut_down {
        "shut-down"
    } else {
        "committed"
    }
}

impl Ring {
    /// Whether the current log buffer can be taken, or all rounds are written.
    fn is_ready(&self, rounds: u64) -> bool {
        self.written >= rounds || self.active[self.current]
    }

    /// Takes the current log buffer; `false` when all rounds are written.
    fn take(&mut self, rounds: u64) -> bool {
        if self.written >= rounds {
            return false;
        }
        self.active[self.current] = false;
        self.current = (self.current + 1) % NR_ICLOGS;
        self.written += 1;
        true
    }
}

impl Io {
    /// Whether there is a buffer to be written out, or there will be none.
    fn is_ready(&self) -> bool {
        self.submitted > 0 || (self.all_written && self.writers == 0)
    }

    /// Takes over a buffer that is to be written out; `false` when there will be none.
    fn take(&mut self) -> bool {
        let any = self.submitted > 0;
        self.submitted -= u64::from(any);
        any
    }
}

fn wait_commit(log: &Log, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    actor.waits_for(cx, fmt!("commit"));
    let outcome = actor.lock_with(cx, &log.push, values.other(), |push| {
        if push.commit.lsn.is_none() && !push.commit.shut_down {
            actor.window(values.other());
        }
        actor.enter(Phase::Waiting);
        push.on(|push| &push.commit)
            .when(is_over, outcome)
            .wait(Killable)
    });
    actor.enter(Phase::Running);
    actor.result(cx, fmt!("{}", outcome.unwrap_or("rescued")));
}

fn commit(log: &Log, actor: &Actor, _: &Values, cx: &mut MaySleep) {
    let mut push = actor.lock(cx, &log.push);
    push.as_mut()
        .project()
        .commit
        .update(|commit| commit.lsn = Some(1));
    drop(push);
    actor.enter(Phase::Woke);
}

fn shut_down(log: &Log, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    actor.after(values.other());
    *log.icl.lock_in(cx).as_mut().project().shut_down = true;

    let mut push = actor.lock(cx, &log.push);
    push.as_mut()
        .project()
        .commit
        .update(|commit| commit.shut_down = true);
    drop(push);
    actor.enter(Phase::Woke);
}

fn write_log(log: &Log, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    let rounds = values.number(0);
    let mut taken = 0;

    actor.waits_for(cx, fmt!("log buffer"));
    let io = |cx: &mut MaySleep, change: fn(&mut Io)| {
        log.icl.lock_in(cx).as_mut().project().io.update(change);
    };
    io(cx, |io| io.writers += 1);
    loop {
        actor.enter(Phase::Waiting);
        let icl = log.icl.lock_in(cx);
        let iclog = icl.on(|icl| &icl.ring).when(
            move |ring| ring.is_ready(rounds),
            move |ring| ring.take(rounds),
        );
        match iclog.wait(Killable) {
            Ok(true) => io(cx, |io| io.submitted += 1),
            _ => break,
        }
        taken += 1;
    }
    actor.enter(Phase::Running);
    io(cx, |io| {
        io.all_written = true;
        io.writers -= 1;
    });
    actor.result(cx, fmt!("rounds={taken}"));
}

fn io_done(log: &Log, actor: &Actor, _: &Values, cx: &mut MaySleep) {
    actor.waits_for(cx, fmt!("submission"));
    loop {
        actor.enter(Phase::Waiting);
        let icl = log.icl.lock_in(cx);
        let submitted = icl.on(|icl| &icl.io).when(Io::is_ready, Io::take);
        match submitted.wait(Killable) {
            Ok(true) => (),
            _ => break,
        }
        log.icl.lock_in(cx).as_mut().project().ring.update(|ring| {
            ring.active[ring.oldest_syncing] = true;
            ring.oldest_syncing = (ring.oldest_syncing + 1) % NR_ICLOGS;
        });
    }
}

fn wait_free(log: &Log, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    actor.after(values.other());
    actor.waits_for(cx, fmt!("ticket"));
    let icl = actor.lock(cx, &log.icl);
    actor.enter(Phase::Waiting);
    // Whoever waits keeps the ticket; it is freed when they have gone.
    let ticket = icl.ticket.clone();
    let served = ticket.as_ref().is_some_and(|ticket| {
        icl.on_tied(&ticket.served)
            .is_ok_and(|on| on.until(|served| *served).wait(Killable).is_ok())
    });
    let listed = log.icl.lock_in(cx).as_mut().project().ticket.take();
    drop((listed, ticket));
    actor.enter(Phase::Running);
    actor.result(cx, fmt!("{}", if served { "freed" } else { "rescued" }));
}

fn complete(log: &Log, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    actor.lock_with(cx, &log.icl, values.other(), |mut icl| {
        // Whoever completes keeps the ticket as well.
        let Some(ticket) = icl.ticket.clone() else {
            return;
        };
        actor.window(values.other());
        if let Ok(served) = icl.tied(&ticket.served) {
            served.update(|served| *served = true);
        }
    });
}

/// What a shutdown has to do for those who wait for it.
fn run_callbacks(actor: &Actor, values: &Values) -> Callbacks {
    actor.window(values.other());
    Callbacks(())
}

fn wait_abort(log: &Log, actor: &Actor, _: &Values, cx: &mut MaySleep) {
    actor.waits_for(cx, fmt!("abort"));
    let icl = actor.lock(cx, &log.icl);
    actor.enter(Phase::Waiting);
    let aborted = icl
        .on(|icl| &icl.aborted)
        .when(Option::is_some, |aborted| *aborted)
        .wait(Killable);
    actor.enter(Phase::Running);
    // The waiter is given the proof by whoever wakes it, so there is nothing left to assert.
    actor.result(
        cx,
        fmt!(
            "{}",
            if aborted.is_ok() {
                "aborted"
            } else {
                "rescued"
            }
        ),
    );
}

fn abort(log: &Log, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    let callbacks = run_callbacks(actor, values);
    let mut icl = log.icl.lock_in(cx);
    icl.as_mut()
        .project()
        .aborted
        .update(|aborted| *aborted = Some(callbacks));
}

const ROUNDS: &[Param] = &[Param::Number("rounds", u64::MAX)];
const UNTIL: &[Param] = &[Param::Actor("until")];
const AFTER: &[Param] = &[Param::Actor("after")];

impl Seed for Log {
    const OPS: &'static [Op<Self>] = &[
        Op::new("wait-commit", UNTIL, wait_commit),
        Op::new("commit", &[], commit),
        Op::new("shut-down", AFTER, shut_down),
        Op::new("write", ROUNDS, write_log),
        Op::new("io-done", ROUNDS, io_done),
        Op::new("wait-free", AFTER, wait_free),
        Op::new("complete", UNTIL, complete),
        Op::new("wait-abort", &[], wait_abort),
        Op::new("abort", UNTIL, abort),
    ];

    fn create() -> Result<Arc<Self>> {
        let ring = Ring {
            active: [true; NR_ICLOGS],
            current: 0,
            oldest_syncing: 0,
            written: 0,
        };
        let log = Arc::pin_init(
            pin_init!(Self {
                push <- new_spinlock!(pin_init!(Push {
                    commit <- new_event!(Commit::default()),
                })),
                icl <- new_spinlock!(pin_init!(Icl {
                    ring <- new_event!(ring),
                    io <- new_event!(Io::default()),
                    aborted <- new_event!(None),
                    ticket: None,
                    shut_down: false,
                })),
            }),
            GFP_KERNEL,
        )?;
        let icl = &log.icl;
        let ticket = Arc::pin_init(
            pin_init!(Ticket {
                served <- Tied::new(icl, new_event!(false)),
            }),
            GFP_KERNEL,
        )?;
        // ENTRY: a scene is made by a thread that holds nothing.
        let cx = &mut MaySleep::assert();
        *log.icl.lock_in(cx).as_mut().project().ticket = Some(ticket);
        Ok(log)
    }

    fn sleepers(&self) -> Option<usize> {
        let push = self.push.try_lock()?.commit.waiters();
        let mut icl = self.icl.try_lock()?;
        let ticket = match icl.ticket.clone() {
            Some(ticket) => ticket.served.get(&mut icl).ok()?.waiters(),
            None => 0,
        };
        Some(push + icl.ring.waiters() + icl.io.waiters() + icl.aborted.waiters() + ticket)
    }
}
