// SPDX-License-Identifier: GPL-2.0

//! What who completes and who waits have in common, as `baton::completion` has it in memory.

use super::{
    completion_word::{ask, complete, is_done, leave, Before, STARTS},
    drain_host::FullWord,
    host::{GaveUp, Host, HostSleeper, Mode, Task},
    protocol::{
        sleep_until_completed, unlink_all, Claim, Head, Queue, Sealed, Sleeper, Waiter, WAITING,
    },
    sync::{Mutex, Plain},
};
use std::sync::{
    atomic::{AtomicU32, Ordering::Relaxed},
    Arc,
};

/// The event under the lock: who sleeps, and whether they are told.
struct Event {
    queue: Queue<bool, Host>,
    done: bool,
}

// SAFETY: The queue is accessed with the lock held.
unsafe impl Send for Event {}

/// The claim of who sleeps.
struct Told;

impl Sealed for Told {}

impl Claim<bool> for Told {
    type Output = ();

    fn holds(&self, done: &bool) -> bool {
        *done
    }

    unsafe fn take(&mut self, _done: &mut bool) {}
}

/// What both sides have in common, as `baton::completion` has it in memory.
pub struct Completion {
    pub(super) word: FullWord,
    event: Mutex<Event>,
    /// Is written to by who stores the result, and by who has it.
    pub(super) result: Plain,
    /// How many have had it.
    had: AtomicU32,
}

impl Completion {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            word: FullWord::new(STARTS),
            event: Mutex::new(Event {
                queue: Queue::new(false),
                done: false,
            }),
            result: Plain::new(),
            had: AtomicU32::new(0),
        })
    }

    /// Stores the result, and completes by `end`.
    pub(super) fn end(&self, end: impl FnOnce(&FullWord) -> Before) -> Before {
        self.result.write();
        let before = end(&self.word);
        if before.is_abandoned() {
            self.have();
        } else if before.asks() {
            let mut event = self.event.lock().unwrap();
            let Event { queue, done } = &mut *event;
            queue.update(done, |done| *done = true);
        }
        before
    }

    pub(super) fn complete(&self) {
        self.end(complete);
    }

    /// The result is the caller's.
    fn have(&self) {
        self.result.write();
        self.had.fetch_add(1, Relaxed);
    }

    pub(super) fn wait(&self, task: &Task, mode: Mode) -> Result<(), GaveUp> {
        self.wait_by(HostSleeper::new(task, mode))
    }

    /// As [`Completion::wait`], with a sleeper of the caller's.
    pub(super) fn wait_by<S: Sleeper>(&self, mut sleeper: S) -> Result<(), S::GaveUp> {
        if is_done(&self.word) {
            return Ok(());
        }
        let waiter = Waiter::<bool, Told, Host>::new(Told);
        let head = Head::new();
        let event = self.event.lock().unwrap();
        if !ask(&self.word) {
            return Ok(());
        }
        // SAFETY: Both stay in this frame until the entry is off the queue.
        unsafe { event.queue.enqueue(Waiter::entry(&raw const waiter), &head) };
        sleeper.publish();
        drop(event);
        let Err(why) = sleep_until_completed(&head, &mut sleeper) else {
            return Ok(());
        };
        let _event = self.event.lock().unwrap();
        if head.status() != WAITING {
            return Ok(());
        }
        // SAFETY: The lock is held, and the status says that the entry is on the queue.
        unsafe { unlink_all(&head) };
        Err(why)
    }

    /// Waits, and looks at the result.
    pub(super) fn wait_and_look(&self, task: &Task) {
        assert_eq!(self.wait(task, Mode::Uninterruptible), Ok(()));
        self.result.read();
    }

    pub(super) fn leave(&self) {
        if leave(&self.word) {
            self.have();
        }
    }

    pub(super) fn had(&self) -> u32 {
        self.had.load(Relaxed)
    }
}
