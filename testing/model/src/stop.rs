// SPDX-License-Identifier: GPL-2.0

//! The cases of a stop.
//!
//! What may never happen: a thread that was asked to stop, was not told, and sleeps (the engine reports
//! a deadlock).
//!
//! | kernel                    | here                                          |
//! |---------------------------|-----------------------------------------------|
//! | a fully ordered operation | full fence, the operation, full fence         |
//! | `TIF_NOTIFY_SIGNAL`       | a word that is set, and exchanged for nothing |

use super::{
    host::{HostSleeper, Mode, Task},
    protocol::Sleeper as _,
    stop_protocol::{settle, Hint},
    sync::{fence, AtomicU32, JoinHandle},
};
use crate::Case;
use std::sync::{
    atomic::Ordering::{AcqRel, Relaxed, SeqCst},
    Arc,
};

// As in `rust/stop.rs`.
const NONE: u32 = 0;
const ASKED: u32 = 1;
const SEEN: u32 = 2;

/// What `rust/stop.rs` has of a thread: two words, and the hint.
struct Body {
    words: [AtomicU32; 2],
    hint: AtomicU32,
}

impl Hint for Body {
    fn clear(&self) {
        self.hint.swap(0, Relaxed);
        fence(SeqCst); // E
    }

    fn set(&self) {
        self.hint.store(1, Relaxed);
    }
}

impl Body {
    /// A thread that was asked by the first word, or was not.
    fn new(first: u32) -> Arc<Self> {
        Arc::new(Self {
            words: [AtomicU32::new(first), AtomicU32::new(NONE)],
            hint: AtomicU32::new(u32::from(first == ASKED)),
        })
    }

    /// Asks the thread to stop, by one of its words.
    fn ask(&self, number: usize, task: &Task) {
        fence(SeqCst);
        let asked = self.words[number].compare_exchange(NONE, ASKED, AcqRel, Relaxed);
        fence(SeqCst); // F
        if asked.is_ok() {
            self.set();
            task.wake_up();
        }
    }

    fn is_pending(&self) -> bool {
        self.words.iter().any(|word| word.load(Relaxed) == ASKED)
    }

    fn settle(&self) -> bool {
        settle(self, || self.is_pending())
    }

    /// Returns whether the thread was asked by a word, and tells it.
    fn is_requested(&self, number: usize) -> bool {
        let asked = self.words[number].load(Relaxed) == ASKED;
        if asked {
            self.words[number].store(SEEN, Relaxed);
            self.settle();
        }
        asked
    }

    /// Waits for what does not come, until a stop ends that.
    fn wait(&self, task: &Task) {
        let mut sleeper = HostSleeper::new(task, Mode::Uninterruptible);
        loop {
            sleeper.publish(); // A, pairs with C
            if self.hint.load(Relaxed) != 0 && self.settle() {
                break;
            }
            sleeper.sleep();
        }
        sleeper.running();
    }
}

/// Does `body` in a thread that can be stopped.
fn thread(
    of: &Arc<Body>,
    body: impl FnOnce(&Body, &Task) + Send + 'static,
) -> (Arc<Task>, JoinHandle<()>) {
    let (task, of) = (Task::new(), of.clone());
    let handle = task.run(move |task| body(&of, task));
    (task, handle)
}

/// Asks the thread `task` to stop, in a task of its own.
fn stopper(of: &Arc<Body>, number: usize, task: &Arc<Task>) -> JoinHandle<()> {
    let (of, asked) = (of.clone(), task.clone());
    Task::new().run(move |_| of.ask(number, &asked))
}

/// A stop ends the wait, however late it comes.
fn stop_against_wait() {
    let body = Body::new(NONE);
    let (task, handle) = thread(&body, |body, task| {
        body.wait(task);
        assert!(body.is_requested(0));
    });
    let stopper = stopper(&body, 0, &task);
    stopper.join().unwrap();
    handle.join().unwrap();
}

/// The thread sees the one stop while it is asked for the other: that ends its next wait.
fn stop_against_another() {
    let body = Body::new(ASKED);
    let (task, handle) = thread(&body, |body, task| {
        assert!(body.is_requested(0));
        body.wait(task);
        assert!(body.is_requested(1));
        assert!(!body.is_pending());
    });
    let stopper = stopper(&body, 1, &task);
    stopper.join().unwrap();
    handle.join().unwrap();
}

/// Each of two stops ends waits until the thread has seen it.
fn two_stops_against_waits() {
    let body = Body::new(NONE);
    let (task, handle) = thread(&body, |body, task| {
        for _ in 0..2 {
            body.wait(task);
            assert!(body.is_requested(0) || body.is_requested(1));
        }
    });
    let stoppers = [stopper(&body, 0, &task), stopper(&body, 1, &task)];
    for stopper in stoppers {
        stopper.join().unwrap();
    }
    handle.join().unwrap();
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("stop_against_wait", stop_against_wait),
            Case::explore("stop_against_another", stop_against_another),
            Case::bounded("stop_two_against_waits", 3, two_stops_against_waits),
        ]
    }
}
