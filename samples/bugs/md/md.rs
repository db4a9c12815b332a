// SPDX-License-Identifier: GPL-2.0

//! md, with an agent: a stop holds nothing that the resync needs, and waits for the run it saw.
//!
//! The operations of `md.c`. "Join under the mutex" has no counterpart, because the wait consumes the
//! guard; nor has "wait without the sequence number", because there is no flag to wait for.

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
    agent::{
        Current,
        Operations,
        Runs,
        State, //
    },
    event::Killable,
    level::levels,
    new_event,
    Agent,
    Any,
    Event,
    MaySleep,
    Ordered, //
};
use core::mem;
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{
        lock::mutex::MutexBackend,
        Arc,
        Mutex,
        SpinLock, //
    },
};

levels! {
    /// Who waits for what stands below must not be needed for it. Outermost first.
    pub(crate) mod levels {
        /// `sync_mutex`.
        SyncMutex,
        /// A run of the resync: it waits for the writes in flight.
        Resync needs [NoWrites],
        /// No write is in flight: the last one waits for the superblock.
        NoWrites needs [Written],
        /// The superblock is written: the daemon does it, under the mutex.
        Written needs [Reconfig],
        /// `reconfig_mutex`.
        Reconfig,
        /// What the writes change.
        Io,
    }
}

/// What is under `reconfig_mutex`.
#[pin_data]
pub(crate) struct Config {
    #[pin]
    resync: Runs<levels::Resync, levels::Reconfig>,
}

/// The writes, and what the daemon is told.
#[pin_data]
struct Io {
    #[pin]
    pending: Event<u32, Any, levels::NoWrites>,
    #[pin]
    superblock: Event<Superblock, Any, levels::Written>,
    #[pin]
    daemon: Event<Work>,
}

/// Whether it has to be written before failed writes can end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Superblock {
    Clean,
    ChangePending,
}

/// What the daemon is to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Nothing,
    Check,
    Exit,
}

/// An array, without its agent.
#[pin_data]
pub(crate) struct Shared {
    #[pin]
    config: Ordered<levels::Reconfig, Mutex<Config>>,
    #[pin]
    io: Ordered<levels::Io, SpinLock<Io>>,
    /// How many change the action.
    #[pin]
    sync_mutex: Ordered<levels::SyncMutex, Mutex<u32>>,
}

/// An array.
pub(crate) struct Array {
    agent: Agent<Shared>,
}

fn resync(config: Pin<&mut Config>) -> Pin<&mut Runs<levels::Resync, levels::Reconfig>> {
    config.project().resync
}

/// Takes what there is to do; an order to exit stays.
fn take_work(work: &mut Work) -> Work {
    match *work {
        Work::Check => mem::replace(work, Work::Nothing),
        Work::Nothing | Work::Exit => *work,
    }
}

impl Operations for Shared {
    type Level = levels::Resync;
    type LockLevel = levels::Reconfig;
    type Data = Config;
    type Backend = MutexBackend;

    fn lock(&self) -> &Ordered<levels::Reconfig, Mutex<Config>> {
        &self.config
    }

    fn runs(data: Pin<&mut Config>) -> Pin<&mut Runs<levels::Resync, levels::Reconfig>> {
        resync(data)
    }

    /// Waits for the writes in flight, then takes as long as it is let.
    ///
    /// As in md, a stop does not end the wait for the writes in flight.
    fn run(&self, current: &Current<'_, Self>, cx: &mut MaySleep<levels::Resync>) {
        let drained = current.deferred(cx, |cx| {
            let io = self.io.lock_in(cx);
            let no_writes = io.on(|io| &io.pending).until(|pending| *pending == 0);
            no_writes.wait(Killable)
        });
        if drained.is_ok() {
            let _ = current.wait_stop(cx, Killable);
        }
    }
}

impl Shared {
    /// Tells the daemon; that it is to exit is not taken back.
    fn kick(&self, cx: &mut MaySleep, work: Work) {
        let mut io = self.io.lock_in(cx);
        io.as_mut().project().daemon.update(|now| {
            if *now != Work::Exit {
                *now = work;
            }
        });
    }
}

impl Array {
    fn new(cx: &mut MaySleep) -> Result<Arc<Self>> {
        let shared = Arc::pin_init(
            try_pin_init!(Shared {
                config <- Ordered::new(new_mutex!(pin_init!(Config { resync <- Runs::new() }))),
                io <- Ordered::new(new_spinlock!(pin_init!(Io {
                    pending <- new_event!(0),
                    superblock <- new_event!(Superblock::Clean),
                    daemon <- new_event!(Work::Nothing),
                }))),
                sync_mutex <- Ordered::new(new_mutex!(0)),
            }? Error),
            GFP_KERNEL,
        )?;
        let agent = Agent::spawn(cx, c"bug-md-resync", shared)?;
        Ok(Arc::new(Self { agent }, GFP_KERNEL)?)
    }

    fn shared(&self) -> &Shared {
        self.agent.owner()
    }

    fn write_fail(&self, actor: &Actor, _: &Values, cx: &mut MaySleep) {
        let this = self.shared();
        actor.waits_for(cx, fmt!("superblock, by the daemon"));
        let mut held = this.io.lock_in(cx);
        let io = held.as_mut().project();
        io.pending.update(|pending| *pending += 1);
        io.superblock
            .update(|superblock| *superblock = Superblock::ChangePending);
        io.daemon.update(|work| {
            if *work == Work::Nothing {
                *work = Work::Check;
            }
        });
        actor.enter(Phase::Waiting);
        let _ = held
            .on(|io| &io.superblock)
            .until(|superblock| *superblock == Superblock::Clean)
            .wait(Killable);
        actor.enter(Phase::Running);
        let mut held = this.io.lock_in(cx);
        held.as_mut()
            .project()
            .pending
            .update(|pending| *pending -= 1);
    }

    fn resync(&self, actor: &Actor, values: &Values, cx: &mut MaySleep) {
        let this = self.shared();
        let mut runs = 0;
        actor.waits_for(cx, fmt!("resync, by the writes in flight"));
        let mut held = this.config.lock_in(cx);
        // The next one begins under the guard under which the end of the last one was seen.
        while runs == 0 || (runs == 1 && values.flag(0)) {
            let Ok(run) = resync(held.as_mut()).start() else {
                break;
            };
            runs += 1;
            actor.enter(Phase::Waiting);
            let result;
            (held, result) = held.ended(Killable, resync, run);
            actor.enter(Phase::Running);
            if result.is_err() {
                break;
            }
        }
        drop(held);
        actor.result(cx, fmt!("runs={runs}"));
    }

    fn daemon(&self, actor: &Actor, _: &Values, cx: &mut MaySleep) {
        let this = self.shared();
        actor.waits_for(cx, fmt!("work"));
        loop {
            actor.enter(Phase::Waiting);
            let io = this.io.lock_in(cx);
            let work = io
                .on(|io| &io.daemon)
                .when(|work| *work != Work::Nothing, take_work)
                .wait(Killable);
            actor.enter(Phase::Running);
            if work != Ok(Work::Check) {
                break;
            }
            // It need not try and come back: nobody sleeps with the mutex held.
            let mut config = this.config.lock_in(cx);
            let (_, inner) = config.inner();
            let mut io = this.io.lock_in(inner);
            io.as_mut()
                .project()
                .superblock
                .update(|superblock| *superblock = Superblock::Clean);
        }
    }

    fn idle(&self, actor: &Actor, _: &Values, cx: &mut MaySleep) {
        let this = self.shared();
        actor.waits_for(cx, fmt!("resync"));
        actor.enter(Phase::Waiting);
        let (held, result) = this.config.lock_in(cx).stop(Killable, resync);
        drop(held);
        actor.enter(Phase::Running);
        this.kick(cx, Work::Check);
        if result.is_ok() {
            actor.result(cx, fmt!("idle"));
        }
        // The end of the scene: no run begins any more, and the daemon goes.
        let (held, _) = this.config.lock_in(cx).freeze(Killable, resync);
        drop(held);
        this.kick(cx, Work::Exit);
    }

    /// What only one may do at a time. Nobody can initialise the mutex that it holds again.
    fn sync_action(&self, actor: &Actor, values: &Values, cx: &mut MaySleep) {
        actor.enter(Phase::AtLock);
        let mut held = self.shared().sync_mutex.lock_in(cx);
        actor.enter(Phase::Running);
        *held += 1;
        if values.flag(0) {
            actor.hold();
        }
        let inside = *held;
        *held -= 1;
        drop(held);
        if inside > 1 {
            actor.broken(cx, fmt!("{inside} at once"));
        } else {
            actor.result(cx, fmt!("alone"));
        }
    }
}

impl Seed for Array {
    const OPS: &'static [Op<Self>] = &[
        Op::new("write-fail", &[], Self::write_fail),
        Op::new("resync", &[Param::Number("restart", 1)], Self::resync),
        Op::new("daemon", &[], Self::daemon),
        Op::new("idle", &[], Self::idle),
        Op::new(
            "sync-action",
            &[Param::Number("hold", 1)],
            Self::sync_action,
        ),
        Op::new("frozen", &[], Self::sync_action),
    ];

    fn create() -> Result<Arc<Self>> {
        // ENTRY: a scene is set by a write to the file.
        Self::new(&mut MaySleep::assert())
    }

    fn sleepers(&self) -> Option<usize> {
        // ENTRY: the observer, which holds nothing.
        let cx = &mut MaySleep::assert();
        let this = self.shared();
        let config = this.config.try_lock_in(cx)?;
        // A run that was requested is about to begin: somebody moves.
        if config.resync.state() == State::Requested {
            return None;
        }
        let ends = config.resync.waiters();
        drop(config);
        let io = this.io.try_lock_in(cx)?;
        Some(ends + io.superblock.waiters() + io.daemon.waiters())
    }
}
