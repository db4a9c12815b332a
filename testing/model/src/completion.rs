// SPDX-License-Identifier: GPL-2.0

//! The cases of the completion.
//!
//! What may never happen: a waiter that sleeps for ever (the engine reports a deadlock), or goes on before it is
//! done, a result that is not seen, or that two have, or nobody.

use super::{
    completion_word::{ask, cancel, complete, is_done, join, leave, started, Before, STARTS},
    drain_host::FullWord,
    host::{GaveUp, Host, HostSleeper, Mode, Task},
    protocol::{
        sleep_until_completed, unlink_all, Claim, Head, Queue, Sealed, Sleeper, Waiter, WAITING,
    },
    sync::{JoinHandle, Mutex, Plain},
};
use crate::Case;
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
struct Completion {
    word: FullWord,
    event: Mutex<Event>,
    /// Is written to by who stores the result, and by who has it.
    result: Plain,
    /// How many have had it.
    had: AtomicU32,
}

impl Completion {
    fn new() -> Arc<Self> {
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
    fn end(&self, end: impl FnOnce(&FullWord) -> Before) -> Before {
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

    fn complete(&self) {
        self.end(complete);
    }

    /// The result is the caller's.
    fn have(&self) {
        self.result.write();
        self.had.fetch_add(1, Relaxed);
    }

    fn wait(&self, task: &Task, mode: Mode) -> Result<(), GaveUp> {
        if is_done(&self.word) {
            return Ok(());
        }
        let waiter = Waiter::<bool, Told, Host>::new(Told);
        let (head, mut sleeper) = (Head::new(), HostSleeper::new(task, mode));
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
    fn wait_and_look(&self, task: &Task) {
        assert_eq!(self.wait(task, Mode::Uninterruptible), Ok(()));
        self.result.read();
    }

    fn leave(&self) {
        if leave(&self.word) {
            self.have();
        }
    }

    fn had(&self) -> u32 {
        self.had.load(Relaxed)
    }
}

type Actor = (Arc<Task>, JoinHandle<()>);

/// Does `body` in a task of its own.
fn act(
    completion: &Arc<Completion>,
    body: impl FnOnce(&Completion, &Task) + Send + 'static,
) -> Actor {
    let (task, completion) = (Task::new(), completion.clone());
    let handle = task.run(move |task| body(&completion, task));
    (task, handle)
}

/// Joins all of them. The tasks stay until then: who is told wakes up before it is woken.
fn end(actors: impl IntoIterator<Item = Actor>) {
    let (tasks, handles): (Vec<_>, Vec<_>) = actors.into_iter().unzip();
    for handle in handles {
        handle.join().unwrap();
    }
    drop(tasks);
}

fn complete_against_wait() {
    let completion = Completion::new();
    let completer = act(&completion, |completion, _| completion.complete());
    let waiter = act(&completion, |completion, task| {
        completion.wait_and_look(task);
        completion.leave();
    });
    end([completer, waiter]);
    assert_eq!(completion.had(), 1);
}

/// Two wait, and the last one that goes has the result.
fn complete_against_two_waits() {
    let completion = Completion::new();
    join(&completion.word);
    let waiter = |completion: &Completion, task: &Task| {
        completion.wait_and_look(task);
        completion.leave();
    };
    let waiters = [act(&completion, waiter), act(&completion, waiter)];
    completion.complete();
    end(waiters);
    assert_eq!(completion.had(), 1);
}

/// Who waits goes without having waited: one of the two has the result.
fn complete_against_leave() {
    let completion = Completion::new();
    let completer = act(&completion, |completion, _| completion.complete());
    completion.leave();
    end([completer]);
    assert_eq!(completion.had(), 1);
}

/// A wait that is given up leaves nothing behind, and can be done again.
fn signal_against_complete() {
    let completion = Completion::new();
    let completer = act(&completion, |completion, _| completion.complete());
    let waiter = act(&completion, |completion, task| {
        if completion.wait(task, Mode::Interruptible).is_err() {
            completion.wait_and_look(task);
        }
        completion.leave();
    });
    waiter.0.interrupt();
    end([completer, waiter]);
    assert_eq!(completion.had(), 1);
}

/// Of a completer that is dropped while the function that starts returns, one of the two says so.
fn dropped_against_started() {
    let completion = Completion::new();
    let said = Arc::new(AtomicU32::new(0));
    let theirs = said.clone();
    let completer = act(&completion, move |completion, _| {
        if !completion.end(cancel).is_starting() {
            theirs.fetch_add(1, Relaxed);
        }
    });
    if started(&completion.word) {
        said.fetch_add(1, Relaxed);
    }
    end([completer]);
    assert_eq!(said.load(Relaxed), 1);
}

/// A wake-up for another reason does not end the wait.
fn wake_for_no_reason() {
    let completion = Completion::new();
    let waiter = act(&completion, |completion, task| {
        completion.wait_and_look(task)
    });
    let completer = act(&completion, |completion, _| completion.complete());
    waiter.0.wake_up();
    end([completer, waiter]);
}

/// Many wait, some give up, and the last one has the result.
fn crowd() {
    let completion = Completion::new();
    let waiters: Vec<Actor> = (0..4)
        .map(|number| {
            join(&completion.word);
            act(&completion, move |completion, task| {
                if number % 2 == 0 {
                    let _ = completion.wait(task, Mode::Interruptible);
                }
                completion.wait_and_look(task);
                completion.leave();
            })
        })
        .collect();
    let completer = act(&completion, |completion, _| completion.complete());
    for (task, _) in &waiters {
        task.interrupt();
    }
    completion.leave();
    end(waiters.into_iter().chain([completer]));
    assert_eq!(completion.had(), 1);
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("completion_complete_against_wait", complete_against_wait),
            Case::bounded(
                "completion_complete_against_two_waits",
                3,
                complete_against_two_waits,
            ),
            Case::explore("completion_complete_against_leave", complete_against_leave),
            Case::bounded(
                "completion_signal_against_complete",
                4,
                signal_against_complete,
            ),
            Case::explore(
                "completion_dropped_against_started",
                dropped_against_started,
            ),
            Case::bounded("completion_wake_for_no_reason", 4, wake_for_no_reason),
            Case::stress("completion_crowd", crowd),
        ]
    }
}
