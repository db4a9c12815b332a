// SPDX-License-Identifier: GPL-2.0

//! The cases of the completion.
//!
//! What may never happen: a waiter that sleeps for ever (the engine reports a deadlock), or goes on before it is
//! done, a result that is not seen, or that two have, or nobody.

use super::{
    completion_host::Completion,
    completion_word::{ask, cancel, complete, is_abandoned, is_done, join, leave, started, STARTS},
    drain_host::FullWord,
    host::{Mode, Task},
    sync::JoinHandle,
};
use crate::Case;
use std::sync::{
    atomic::{AtomicU32, Ordering::Relaxed},
    Arc,
};

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

/// One after the other: what each step says of those before it.
fn one_after_the_other() {
    // One waits, and nobody sleeps.
    let word = FullWord::new(STARTS);
    assert!(!is_done(&word) && !is_abandoned(&word));
    assert!(!started(&word));
    assert!(!is_abandoned(&word));
    let before = complete(&word);
    assert!(!before.is_abandoned() && !before.asks() && !before.is_starting());
    assert!(is_done(&word) && !ask(&word));
    assert!(leave(&word) && is_abandoned(&word));

    // One sleeps, before the function that starts has returned.
    let word = FullWord::new(STARTS);
    assert!(ask(&word) && ask(&word));
    let before = complete(&word);
    assert!(!before.is_abandoned() && before.asks() && before.is_starting());
    assert!(!started(&word));

    // Both have gone: the result is not theirs.
    let word = FullWord::new(STARTS);
    join(&word);
    assert!(!started(&word));
    assert!(!leave(&word) && !is_abandoned(&word));
    assert!(!leave(&word) && is_abandoned(&word));
    assert!(complete(&word).is_abandoned());

    // Two wait, and the completer is dropped.
    let word = FullWord::new(STARTS);
    join(&word);
    let before = cancel(&word);
    assert!(!before.is_abandoned() && before.is_starting());
    assert!(is_done(&word) && started(&word));
    assert!(!leave(&word) && leave(&word));
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
            Case::explore("completion_one_after_the_other", one_after_the_other),
            Case::stress("completion_crowd", crowd),
        ]
    }
}
