// SPDX-License-Identifier: GPL-2.0

//! This library's way to change data and to wait for that: events that consider their waiters.

use crate::HERD;
use baton::{
    event::Uninterruptible,
    new_event,
    Any,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::{
        lock::{
            Backend,
            Lock, //
        },
        SpinLock, //
    },
};

/// Data that changes while nobody waits.
#[pin_data]
pub(crate) struct Value {
    #[pin]
    pub(crate) value: Event<u64>,
}

impl Value {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self { value <- new_event!(0) })
    }
}

/// The sum wraps, as it does in C: the kernel's check for that is no part of the wait.
pub(crate) fn update<B: Backend>(lock: &Lock<Value, B>, cx: &mut MaySleep, ops: u64) {
    for _ in 0..ops {
        lock.lock_in(cx)
            .as_mut()
            .project()
            .value
            .update(|value| *value = value.wrapping_add(1));
    }
}

/// One task asks, the other one answers in its own context.
#[pin_data]
pub(crate) struct Pair {
    #[pin]
    pub(crate) request: Event<u64>,
    #[pin]
    pub(crate) reply: Event<u64>,
}

impl Pair {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            request <- new_event!(0),
            reply <- new_event!(0),
        })
    }
}

pub(crate) fn ask<B: Backend>(lock: &Lock<Pair, B>, cx: &mut MaySleep, ops: u64) -> Result {
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

pub(crate) fn answer<B: Backend>(lock: &Lock<Pair, B>, cx: &mut MaySleep) {
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
    pub(crate) traffic: Event<Traffic, Any>,
}

pub(crate) struct Traffic {
    pub(crate) request: u64,
    pub(crate) reply: u64,
}

impl ClaimedPair {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self { traffic <- new_event!(Traffic { request: 0, reply: 0 }) })
    }
}

fn react(traffic: &mut Traffic) -> u64 {
    traffic.reply += 1;
    traffic.reply
}

pub(crate) fn ask_claimed<B: Backend>(
    lock: &Lock<ClaimedPair, B>,
    cx: &mut MaySleep,
    ops: u64,
) -> Result {
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

pub(crate) fn answer_claimed<B: Backend>(lock: &Lock<ClaimedPair, B>, cx: &mut MaySleep) {
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
    pub(crate) open: Event<Option<usize>, Any>,
    #[pin]
    pub(crate) passed: Event<u64>,
}

impl Herd {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            open <- new_event!(None),
            passed <- new_event!(0),
        })
    }
}

pub(crate) fn open(lock: &SpinLock<Herd>, cx: &mut MaySleep, ops: u64) -> Result {
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

pub(crate) fn pass(lock: &SpinLock<Herd>, cx: &mut MaySleep, id: usize) {
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
