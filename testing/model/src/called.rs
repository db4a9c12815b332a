// SPDX-License-Identifier: GPL-2.0

//! The cases of waiters that are no tasks: a call makes a worker run.
//!
//! What may never happen: a result that is lost, or given and withdrawn; a call for what was withdrawn; an access
//! to an entry that its owner has taken back.

use super::{
    called::{await_call, withdraw, Tell},
    claim::{when, Claim},
    event_gate::{act, End, Gate, Shared, Waiter},
    host::{Host, Mode},
    protocol::{Head, Waiter as Entry},
    sync::{Condvar, JoinHandle, Mutex, Plain},
};
use crate::Case;
use std::{ptr, sync::Arc};

use Mode::Uninterruptible;

/// What a worker is told: to run, or that it will not be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Idle,
    Queued,
    Over,
}

/// The work, as `queue_work()` and `flush_work()` see it.
struct Worker {
    work: Mutex<Work>,
    changed: Condvar,
}

impl Worker {
    fn set(&self, work: Work) {
        *self.work.lock().unwrap() = work;
        self.changed.notify_all();
    }

    fn wait_while(&self, work: Work) -> Work {
        let mut held = self.work.lock().unwrap();
        while *held == work {
            held = self.changed.wait(held).unwrap();
        }
        *held
    }

    /// # Safety
    ///
    /// `with` must be a worker.
    unsafe fn kick(with: *const ()) {
        // SAFETY: By the safety requirements.
        unsafe { &*with.cast::<Self>() }.set(Work::Queued);
    }
}

fn take_one(receipt: Arc<Plain>) -> impl Claim<u32, Output = u32> {
    when(
        |credits: &u32| *credits > 0,
        move |credits: &mut u32| {
            *credits -= 1;
            receipt.write();
            1
        },
    )
}

/// A callback for one credit of a gate.
struct Callback {
    withdraw: Box<dyn FnOnce(&Gate) -> bool>,
    worker: Arc<Worker>,
    thread: JoinHandle<()>,
    got: Arc<std::sync::Mutex<Option<Option<u32>>>>,
}

impl Callback {
    fn new(gate: &Shared) -> Self {
        Self::with(gate, take_one)
    }

    fn with<C: Claim<u32, Output = u32>>(
        gate: &Shared,
        claim: impl FnOnce(Arc<Plain>) -> C,
    ) -> Self {
        let receipt = Arc::new(Plain::new());
        let head = Box::new(Head::<Host>::new());
        let entry = Box::new(Entry::<u32, C, Host, Tell>::new(claim(receipt.clone())));
        let worker = Arc::new(Worker {
            work: Mutex::new(Work::Idle),
            changed: Condvar::new(),
        });
        {
            let slot = gate.0.slot.lock().unwrap();
            let queue = &slot.event.as_ref().unwrap().queue;
            // SAFETY: The lock is held, and all of it stays until `end()`, which has held it, too.
            unsafe {
                await_call(
                    queue,
                    &*entry,
                    &head,
                    Worker::kick,
                    Arc::as_ptr(&worker).cast(),
                )
            };
        }
        let got = Arc::new(std::sync::Mutex::new(None));
        let (theirs, work, at) = (got.clone(), worker.clone(), ptr::from_ref(&*entry) as usize);
        let thread = act(move || {
            if work.wait_while(Work::Idle) == Work::Queued {
                // SAFETY: The entry stays until this thread was joined, and the call has come.
                let taken = unsafe { (*(at as *const Entry<u32, C, Host, Tell>)).take() };
                if taken.is_some() {
                    assert_eq!(receipt.read(), 1);
                }
                *theirs.lock().unwrap() = Some(taken);
            }
        });
        Self {
            withdraw: Box::new(move |gate| {
                let slot = gate.slot.lock().unwrap();
                // SAFETY: The lock is held, and this is called once.
                let withdrawn = unsafe { withdraw(&head) };
                if withdrawn {
                    let queue = &slot.event.as_ref().unwrap().queue;
                    assert_eq!(queue.len(), 0, "what was withdrawn is on the list");
                }
                drop(slot);
                // Kept until the worker has ended.
                KEPT.with(|kept| kept.borrow_mut().push((head, Box::new(entry))));
                withdrawn
            }),
            worker,
            thread,
            got,
        }
    }

    /// Withdraws it, or waits until it has run; returns what its function got, if it was not withdrawn.
    fn end(self, gate: &Shared) -> Option<Option<u32>> {
        let withdrawn = (self.withdraw)(&gate.0);
        if withdrawn {
            let mut work = self.worker.work.lock().unwrap();
            assert!(*work == Work::Idle, "called, and withdrawn");
            *work = Work::Over;
            drop(work);
            self.worker.changed.notify_all();
        }
        self.thread.join().unwrap();
        // The entry goes away.
        KEPT.with(|kept| kept.borrow_mut().clear());
        let got = self.got.lock().unwrap().take();
        assert_eq!(got.is_none(), withdrawn);
        got
    }
}

type Kept = Vec<(Box<Head<Host>>, Box<dyn std::any::Any>)>;

super::sync::thread_local! {
    static KEPT: std::cell::RefCell<Kept> = std::cell::RefCell::new(Vec::new());
}

pub fn call_update_against_withdraw() {
    let gate = Gate::new(0, false);
    let callback = Callback::new(&gate);
    let lent = gate.lend();
    let update = act(|| lent.add(1));
    let got = callback.end(&gate);
    update.join().unwrap();
    match got {
        None => assert_eq!(gate.0.credits(), Some(1)),
        got => assert_eq!((got, gate.0.credits()), (Some(Some(1)), Some(0))),
    }
}

pub fn call_deferred_update_against_withdraw() {
    let gate = Gate::new(0, false);
    let callback = Callback::new(&gate);
    let lent = gate.lend();
    let update = act(|| lent.add_deferred(1));
    let got = callback.end(&gate);
    update.join().unwrap();
    match got {
        None => assert_eq!(gate.0.credits(), Some(1)),
        got => assert_eq!((got, gate.0.credits()), (Some(Some(1)), Some(0))),
    }
}

pub fn call_close_against_withdraw() {
    let gate = Gate::new(0, false);
    let callback = Callback::new(&gate);
    let lent = gate.lend();
    let close = act(|| lent.close());
    let got = callback.end(&gate);
    close.join().unwrap();
    assert!(matches!(got, None | Some(None)));
}

pub fn call_close_against_update() {
    let gate = Gate::new(0, false);
    let callback = Callback::new(&gate);
    let lent = gate.lend();
    let update = act(|| lent.add(1));
    gate.0.close();
    update.join().unwrap();
    match callback.end(&gate) {
        Some(None) => assert_eq!(gate.0.credits(), Some(1)),
        got => assert_eq!((got, gate.0.credits()), (Some(Some(1)), Some(0))),
    }
}

/// A task waits as well: either is served once.
pub fn call_beside_a_task() {
    let gate = Gate::new(0, false);
    let callback = Callback::new(&gate);
    let waiter = Waiter::start(&gate, Uninterruptible, 1);
    gate.0.add(2);
    assert_eq!(waiter.join(), End::Served);
    assert_eq!(callback.end(&gate), Some(Some(1)));
    assert_eq!(gate.0.credits(), Some(0));
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::bounded(
                "call_update_against_withdraw",
                4,
                call_update_against_withdraw,
            ),
            Case::bounded(
                "call_deferred_update_against_withdraw",
                4,
                call_deferred_update_against_withdraw,
            ),
            Case::bounded(
                "call_close_against_withdraw",
                4,
                call_close_against_withdraw,
            ),
            Case::bounded("call_close_against_update", 3, call_close_against_update),
            Case::bounded("call_beside_a_task", 3, call_beside_a_task),
        ]
    }
}
