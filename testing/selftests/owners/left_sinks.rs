// SPDX-License-Identifier: GPL-2.0

//! Leaves sinks and a shrinker behind: what `left_behind.sh` loads and unloads.
//!
//! Everything here is safe Rust that the compiler accepts. What is left is in a `static`, or was
//! forgotten while it was boxed and pinned; nobody else stops it.

#![forbid(unsafe_code)]

use baton::{
    parkable,
    shrinker::{
        Reclaim,
        Scanned,
        Seeks,
        Shrink,
        Shrinker, //
    },
    sink::{
        AtomicContext,
        Context,
        Finish,
        PollSink,
        TimerSink,
        WorkSink, //
    },
    thread::Stop,
    MaySleep,
    Thread, //
};
use core::mem;
use kernel::{
    pr_info_once,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        SetOnce, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

module! {
    type: LeftSinks,
    name: "left_sinks",
    authors: ["The baton authors"],
    description: "Leaves sinks and a shrinker behind, to show that they are ended",
    license: "GPL",
    params: {
        kind: u32 {
            default: 0,
            description: "What is left: 1 a timer sink in a static, 2 a work sink that was forgotten, 3 a shrinker in a static, 4 a sink that is dropped with interrupts off, 5 a sink after a failed init, 6 a timer sink in a static that was closed, 7 a poll sink in a static, 8 a thread that registers shrinkers",
        },
    },
}

static TIMER: SetOnce<TimerSink<Tick>> = SetOnce::new();

/// Comes again, until the sink returns it.
struct Tick;

impl Finish<AtomicContext> for Tick {
    fn finish(self, _cx: &mut AtomicContext) {
        pr_info_once!("begun\n");
        if let Some(timer) = TIMER.as_ref() {
            let _ = timer.push(self);
        }
    }
}

/// As above, for a worker; it has its own sink.
struct Job(Arc<WorkSink<Job>>);

impl<C: Context> Finish<C> for Job {
    fn finish(self, _cx: &mut C) {
        pr_info_once!("begun\n");
        fsleep(Delta::from_millis(1));
        let sink = self.0.clone();
        if let Err(job) = sink.push(self) {
            pr_info!("the sink is closed\n");
            drop(job);
        }
    }
}

/// A cache that is asked at any time.
struct Cache;

impl Shrink for Cache {
    fn count(&self) -> usize {
        pr_info_once!("begun\n");
        1000
    }

    fn scan(&self, _reclaim: &mut Reclaim, _target: usize) -> Scanned {
        Scanned::Freed(1)
    }
}

static SHRINKER: SetOnce<Shrinker<Cache>> = SetOnce::new();

/// A sink of what runs in an hour.
struct Late;

impl Finish<AtomicContext> for Late {
    fn finish(self, _cx: &mut AtomicContext) {
        pr_info!("finished at last\n");
    }
}

fn late(cx: &mut MaySleep) -> Result<TimerSink<Late>> {
    let timer = TimerSink::new(cx, Delta::from_secs(3600), 1)?;
    timer.push(Late).map_err(|_| EBUSY)?;
    pr_info!("begun\n");
    Ok(timer)
}

parkable! {
    /// Something for who polls.
    struct Token {
        number: u32,
    }
}

impl Finish<AtomicContext> for Token {
    fn finish(self, _cx: &mut AtomicContext) {}
}

static POLL: SetOnce<PollSink<Token>> = SetOnce::new();

/// Once it is to end, hands things over until they come back, for ten seconds at most.
fn hand_over(_cx: &mut MaySleep, stop: &Stop<'_>) {
    pr_info_once!("begun\n");
    while !stop.requested() {
        fsleep(Delta::from_millis(1));
    }
    for number in 0..10_000 {
        let Some(poll) = POLL.as_ref() else { return };
        // So that there is room.
        poll.poll();
        if poll.push(Token { number }).is_err() {
            pr_info!("the poll sink is closed\n");
            return;
        }
        fsleep(Delta::from_millis(1));
    }
}

/// How many caches there are.
static CACHES: Atomic<i32> = Atomic::new(0);

/// A cache that is counted.
struct Counted;

impl Counted {
    fn new() -> Result<Arc<Self>> {
        let cache = Arc::new(Self, GFP_KERNEL)?;
        CACHES.fetch_add(1, Relaxed);
        Ok(cache)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        CACHES.fetch_sub(1, Relaxed);
    }
}

impl Shrink for Counted {
    fn count(&self) -> usize {
        0
    }

    fn scan(&self, _reclaim: &mut Reclaim, _target: usize) -> Scanned {
        Scanned::Stop
    }
}

/// Registers shrinkers until that is refused, which it is before this thread is told to stop.
fn register(cx: &mut MaySleep, stop: &Stop<'_>) {
    pr_info_once!("begun\n");
    let mut left = 100;
    while left > 0 {
        left -= i32::from(stop.requested());
        let made = Counted::new()
            .and_then(|cache| Shrinker::register(cx, c"left_late", Seeks::DEFAULT, cache));
        match made {
            Ok(shrinker) => drop(shrinker.unregister(cx)),
            Err(e) if e == ESHUTDOWN => {
                pr_info!(
                    "no more shrinkers, {} caches are left\n",
                    CACHES.load(Relaxed)
                );
                return;
            }
            Err(_) => {}
        }
        fsleep(Delta::from_millis(5));
    }
}

struct LeftSinks {
    dropped_last: Option<TimerSink<Late>>,
}

impl kernel::Module for LeftSinks {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // ENTRY: the module is loaded.
        let cx = &mut MaySleep::assert();
        let mut dropped_last = None;
        match module_parameters::kind.value() {
            1 | 6 => {
                TIMER.populate(TimerSink::new(cx, Delta::from_millis(1), 1)?);
                if let Some(timer) = TIMER.as_ref() {
                    timer.push(Tick).map_err(|_| EBUSY)?;
                }
            }
            2 => {
                let sink = Arc::new(WorkSink::new(cx, c"left_work", 1)?, GFP_KERNEL)?;
                let pinned = KBox::into_pin(KBox::new(Job(sink.clone()), GFP_KERNEL)?);
                sink.push(Job(sink.clone())).map_err(|_| EBUSY)?;
                mem::forget(pinned);
            }
            3 => {
                let cache = Arc::new(Cache, GFP_KERNEL)?;
                SHRINKER.populate(Shrinker::register(
                    cx,
                    c"left_cache",
                    Seeks::DEFAULT,
                    cache,
                )?);
            }
            4 => dropped_last = Some(late(cx)?),
            5 => {
                mem::forget(late(cx)?);
                return Err(ENODEV);
            }
            7 => {
                POLL.populate(PollSink::new(cx, 1)?);
                mem::forget(Thread::spawn(cx, c"left_poller", hand_over)?);
            }
            8 => mem::forget(Thread::spawn(cx, c"left_register", register)?),
            _ => return Err(EINVAL),
        }
        Ok(Self { dropped_last })
    }
}

impl Drop for LeftSinks {
    fn drop(&mut self) {
        // ENTRY: the module is unloaded.
        let cx = &mut MaySleep::assert();
        if let (6, Some(timer)) = (module_parameters::kind.value(), TIMER.as_ref()) {
            let _ = timer.close(cx);
        }
        let off = cx.interrupts_off();
        drop(self.dropped_last.take());
        drop(off);
    }
}
