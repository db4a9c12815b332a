// SPDX-License-Identifier: GPL-2.0

//! Leaves something behind that runs code of this module: what `left_behind.sh` loads and unloads.
//!
//! Everything here is safe Rust that the compiler accepts. What is left is in a `static`, or was
//! forgotten while it was boxed and pinned; nobody else stops it.

#![forbid(unsafe_code)]

use baton::{
    agent::{
        Current,
        Operations,
        Runs, //
    },
    event::{
        Provider,
        Uninterruptible, //
    },
    level::levels,
    new_event,
    Agent,
    Event,
    LockIn,
    MaySleep,
    Ordered,
    Thread, //
};
use core::mem;
use kernel::{
    new_mutex,
    pr_info_once,
    prelude::*,
    sync::{
        lock::mutex::MutexBackend,
        Arc,
        Mutex,
        SetOnce, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    }, //
};

module! {
    type: LeftBehind,
    name: "left_behind",
    authors: ["The baton authors"],
    description: "Leaves what runs its code behind, to show that it is ended",
    license: "GPL",
    params: {
        kind: u32 {
            default: 0,
            description: "What is left: 1 a thread in a static, 2 one that was forgotten, 3 an agent, 4 a thread after a failed init, 5 one that does not stop for 28 s, 6 one that makes others, 7 one that is dropped with interrupts off, 8 a provider that closes itself, 9 a thread that stops another one",
        },
    },
}

/// An event that nobody updates.
#[pin_data]
struct Never {
    #[pin]
    comes: Event<bool>,
}

#[pin_data]
struct Gate {
    #[pin]
    never: Mutex<Never>,
}

impl Gate {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                never <- new_mutex!(pin_init!(Never { comes <- new_event!(false) })),
            }),
            GFP_KERNEL,
        )
    }
}

/// Waits for what does not come, and looks every now and then whether its code is there.
fn wait_and_look(cx: &mut MaySleep, stop: &baton::thread::Stop<'_>) {
    let Ok(gate) = Gate::new() else { return };
    pr_info_once!("begun\n");
    let _ = gate
        .never
        .lock_in(cx)
        .on(|never| &never.comes)
        .until(|comes| *comes)
        .wait(Uninterruptible);
    while !stop.requested() {
        fsleep(Delta::from_millis(1));
    }
}

fn look(_cx: &mut MaySleep, stop: &baton::thread::Stop<'_>) {
    pr_info_once!("begun\n");
    while !stop.requested() {
        fsleep(Delta::from_millis(1));
    }
}

fn ignore(_cx: &mut MaySleep, stop: &baton::thread::Stop<'_>) {
    look(_cx, stop);
    let since = Instant::<Monotonic>::now();
    while since.elapsed() < Delta::from_secs(28) {
        fsleep(Delta::from_millis(10));
    }
}

/// Makes threads until that is refused, which it is before this one is told to stop.
fn breed(cx: &mut MaySleep, stop: &baton::thread::Stop<'_>) {
    let mut left = 100;
    while left > 0 {
        left -= i32::from(stop.requested());
        let Ok(mine) = Arc::new((), GFP_KERNEL) else {
            return;
        };
        let theirs = mine.clone();
        let bred = move |cx: &mut MaySleep, stop: &baton::thread::Stop<'_>| {
            look(cx, stop);
            drop(theirs);
        };
        match Thread::spawn(cx, c"left_bred", bred) {
            Ok(thread) => mem::forget(thread),
            Err(e) if e == ESHUTDOWN => {
                let alone = Arc::into_unique_or_drop(mine).is_some();
                pr_info!("no more threads, and what was refused is gone: {alone}\n");
                return;
            }
            Err(_) => {}
        }
        fsleep(Delta::from_millis(5));
    }
}

/// Takes its time to end.
fn slow(cx: &mut MaySleep, stop: &baton::thread::Stop<'_>) {
    look(cx, stop);
    fsleep(Delta::from_secs(1));
    pr_info!("the other one ends\n");
}

/// A thread that stops another one when it is to stop itself. That one is made later, so that it is taken first when the module goes.
fn stopper(cx: &mut MaySleep) -> Result {
    let other: Arc<Mutex<Option<Thread>>> = Arc::pin_init(new_mutex!(None), GFP_KERNEL)?;
    let theirs = other.clone();
    let stopper = Thread::spawn(cx, c"left_stopper", move |cx, stop| {
        look(cx, stop);
        let other = theirs.lock_in(cx).take();
        if let Some(other) = other {
            let _ = other.stop(cx);
            pr_info!("the other one has ended\n");
        }
    })?;
    *other.lock_in(cx) = Some(Thread::spawn(cx, c"left_slow", slow)?);
    mem::forget(stopper);
    Ok(())
}

levels! {
    mod order {
        Work needs [State],
        State,
    }
}

#[pin_data]
struct Data {
    #[pin]
    runs: Runs<order::Work, order::State>,
}

/// An agent whose run waits for what does not come.
#[pin_data]
struct Worker {
    #[pin]
    state: Ordered<order::State, Mutex<Data>>,
}

impl Operations for Worker {
    type Level = order::Work;
    type LockLevel = order::State;
    type Data = Data;
    type Backend = MutexBackend;

    fn lock(&self) -> &Ordered<order::State, Mutex<Data>> {
        &self.state
    }

    fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
        data.project().runs
    }

    fn run(&self, current: &Current<'_, Self>, cx: &mut MaySleep<order::Work>) {
        pr_info_once!("begun\n");
        let _ = current.wait_stop(cx, Uninterruptible);
    }
}

fn agent(cx: &mut MaySleep) -> Result {
    let worker = Arc::pin_init(
        try_pin_init!(Worker {
            state <- Ordered::new(new_mutex!(pin_init!(Data { runs <- Runs::new() }))),
        }? Error),
        GFP_KERNEL,
    )?;
    let agent = Agent::spawn(cx, c"left_agent", worker.clone())?;
    let started = Worker::runs(worker.state.lock_in(cx).as_mut()).start();
    pr_info!("started: {}\n", started.is_ok());
    mem::forget(Box::pin(agent)?);
    Ok(())
}

/// A provider in a slot that its own closure takes it from: they keep each other.
fn provider(cx: &mut MaySleep) -> Result {
    let slot: Arc<Mutex<Option<Provider>>> = Arc::pin_init(new_mutex!(None), GFP_KERNEL)?;
    let theirs = slot.clone();
    let provider = Provider::new(cx, c"left_provider", slot.clone(), move |_, cx| {
        let own = theirs.lock_in(cx).take();
        if let Some(own) = own {
            own.close(cx);
            pr_info!("closed by itself\n");
        }
    })?;
    *slot.lock_in(cx) = Some(provider);
    pr_info!("begun\n");
    Ok(())
}

/// Boxes and pins, as who believes that this cannot be forgotten.
struct Box;

impl Box {
    fn pin<T>(value: T) -> Result<Pin<KBox<T>>> {
        Ok(KBox::into_pin(KBox::new(value, GFP_KERNEL)?))
    }
}

static KEPT: SetOnce<Thread> = SetOnce::new();

struct LeftBehind {
    dropped_last: Option<Thread>,
}

impl kernel::Module for LeftBehind {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // ENTRY: the module is loaded.
        let cx = &mut MaySleep::assert();
        let mut dropped_last = None;
        match module_parameters::kind.value() {
            1 => {
                KEPT.populate(Thread::spawn(cx, c"left_static", wait_and_look)?);
            }
            2 => mem::forget(Box::pin(Thread::spawn(cx, c"left_forgotten", look)?)?),
            3 => agent(cx)?,
            4 => {
                mem::forget(Thread::spawn(cx, c"left_by_init", look)?);
                return Err(ENODEV);
            }
            5 => mem::forget(Thread::spawn(cx, c"left_stubborn", ignore)?),
            6 => mem::forget(Thread::spawn(cx, c"left_breeder", breed)?),
            7 => dropped_last = Some(Thread::spawn(cx, c"left_dropped", look)?),
            8 => provider(cx)?,
            9 => stopper(cx)?,
            _ => return Err(EINVAL),
        }
        Ok(Self { dropped_last })
    }
}

impl Drop for LeftBehind {
    fn drop(&mut self) {
        // ENTRY: the module is unloaded.
        let cx = &mut MaySleep::assert();
        let off = cx.interrupts_off();
        drop(self.dropped_last.take());
        drop(off);
    }
}
