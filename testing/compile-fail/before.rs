// SPDX-License-Identifier: GPL-2.0

//! The hazards, against the plain `kernel` crate: each of them is safe Rust, and compiles.
//!
//! This is the positive control of the cases beside it. If it stops to compile, then the kernel
//! crate has learnt to refuse something, or the runner refuses for a reason of its own.
//!
//! The number of a hazard (`f01`...) is what the cases name in `//! hazard:`.

#![forbid(unsafe_code)]

use kernel::{
    interrupt::LocalInterruptDisabled,
    prelude::*,
    sync::{
        rcu,
        Completion,
        CondVar,
        Mutex,
        SpinLock,
        SpinLockIrq, //
    },
    xarray::XArray,
};

/// f01: the wake-up comes after the unlock, when the waiter may have freed the queue.
pub fn wake_after_unlock(open: &SpinLock<bool>, changed: &CondVar) {
    *open.lock() = true;
    changed.notify_one();
}

/// f02: the condition becomes true, and nobody is told.
pub fn change_without_wake(open: &SpinLock<bool>) {
    *open.lock() = true;
}

/// f03: what the sleep is for is not looked at.
pub fn wait_without_predicate(open: &SpinLock<bool>, changed: &CondVar) {
    let mut guard = open.lock();
    changed.wait(&mut guard);
}

/// f04: one queue, two locks: neither orders the change before the sleep.
pub fn two_locks_for_one_queue(a: &Mutex<u32>, b: &SpinLock<u32>, changed: &CondVar) {
    let mut first = a.lock();
    changed.wait(&mut first);
    drop(first);
    let mut second = b.lock();
    changed.wait(&mut second);
}

/// f05: the wait releases one lock; the other one stays held in the sleep.
pub fn another_lock_held(outer: &SpinLock<u32>, inner: &SpinLock<u32>, changed: &CondVar) {
    let _outer = outer.lock();
    let mut guard = inner.lock();
    changed.wait(&mut guard);
}

/// f06: the unlock in the wait does not enable the interrupts that somebody else has disabled.
pub fn interrupts_off(open: &SpinLockIrq<u32>, changed: &CondVar, irq: &LocalInterruptDisabled) {
    let mut guard = open.lock_with(irq);
    changed.wait(&mut guard);
}

/// f07: the same, by a second lock of the kind that disables interrupts.
pub fn nested_interrupts_off(a: &SpinLockIrq<u32>, b: &SpinLockIrq<u32>, changed: &CondVar) {
    let _outer = a.lock();
    let mut guard = b.lock();
    changed.wait(&mut guard);
}

/// f08: a sleep in an RCU read section ends it under the reader's feet.
pub fn rcu_read_section(open: &SpinLock<bool>, changed: &CondVar) {
    let _rcu = rcu::read_lock();
    let mut guard = open.lock();
    changed.wait(&mut guard);
}

/// f09: two conditions on one queue...
pub fn wait_for_one(state: &Mutex<u32>, changed: &CondVar) {
    let mut guard = state.lock();
    while *guard != 1 {
        changed.wait(&mut guard);
    }
}

/// f09: ...and a wake-up of one waiter, which may be the wrong one.
pub fn wake_one_of_the_wrong_kind(state: &Mutex<u32>, changed: &CondVar) {
    *state.lock() = 2;
    changed.notify_one();
}

/// f10: the signal is looked at first: the wake-up that was meant for this task is lost with it.
pub fn signal_before_condition(open: &Mutex<bool>, changed: &CondVar) -> Result {
    let mut guard = open.lock();
    while !*guard {
        if changed.wait_interruptible(&mut guard) {
            return Err(ERESTARTSYS);
        }
    }
    Ok(())
}

/// f13: a sleep in atomic context.
pub fn completion_in_atomic_context(count: &SpinLock<u32>, done: &Completion) {
    let _guard = count.lock();
    done.wait_for_completion();
}

/// f15: `store()` drops the lock to allocate: the slot may have been filled in between.
pub fn check_then_store(map: &XArray<KBox<u32>>, value: KBox<u32>) -> Result {
    let mut guard = map.lock();
    if guard.get(3).is_none() {
        guard.store(3, value, GFP_KERNEL)?;
    }
    Ok(())
}

/// f16: the index outlives the look that justified it.
pub fn index_kept_across_unlock(map: &XArray<KBox<u32>>) -> Option<u32> {
    let index = {
        let guard = map.lock();
        guard.get(3)?;
        3
    };
    let guard = map.lock();
    guard.get(index).map(|value| *value)
}

/// f17: a sleep under the lock of the array.
pub fn sleep_under_the_array_lock(map: &XArray<KBox<u32>>, done: &Completion) {
    let _guard = map.lock();
    done.wait_for_completion();
}
