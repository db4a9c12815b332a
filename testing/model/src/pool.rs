// SPDX-License-Identifier: GPL-2.0

//! The cases of the uses of a pool's node.
//!
//! What may never happen: a waiter that sleeps for ever although nobody uses the node (the engine reports a
//! deadlock), an owner beside a pin or another owner, a pin that takes from a waiter what the last unpin was
//! for, or a word that says that somebody waits when nobody does.

use super::{
    drain_host::FullWord,
    host::{Mode, Task},
    pool_host::Node,
    pool_word::{begin, begin_locked, end, is_idle, pins, set_awaited, Begun, Part},
    sync::JoinHandle,
};
use crate::Case;
use std::sync::Arc;

type Actor = (Arc<Task>, JoinHandle<()>);

/// Does `body` in a task of its own.
fn act(node: &Arc<Node>, body: impl FnOnce(&Node, &Task) + Send + 'static) -> Actor {
    let (task, node) = (Task::new(), node.clone());
    let handle = task.run(move |task| body(&node, task));
    (task, handle)
}

/// Joins all of them. The tasks stay until then: who is told wakes up before it is woken.
fn join(actors: impl IntoIterator<Item = Actor>) {
    let (tasks, handles): (Vec<_>, Vec<_>) = actors.into_iter().unzip();
    for handle in handles {
        handle.join().unwrap();
    }
    drop(tasks);
}

fn unpin_against_wait() {
    let node = Node::pinned(1);
    let waiter = act(&node, Node::wait_and_change);
    node.unpin();
    join([waiter]);
    node.is_left();
}

/// The last one of them serves.
fn two_unpins_against_wait() {
    let node = Node::pinned(2);
    let actors = [
        act(&node, Node::wait_and_change),
        act(&node, |node, _| node.unpin()),
    ];
    node.unpin();
    join(actors);
    node.is_left();
}

/// Who pins the node does so before the waiter has it, or after: never in between, and never beside.
fn pin_against_handover() {
    let node = Node::pinned(1);
    let actors = [
        act(&node, Node::wait_and_change),
        act(&node, |node, _| {
            if node.pin() {
                node.unpin_for_one();
            }
        }),
    ];
    node.unpin_for_one();
    join(actors);
    node.is_left();
}

/// Two owners, one after the other.
fn two_waiters() {
    let node = Node::pinned(1);
    let actors = [
        act(&node, Node::wait_and_change),
        act(&node, Node::wait_and_change),
    ];
    node.unpin();
    join(actors);
    node.is_left();
}

/// An owner that nobody had to wait for, and one that waits for it.
fn owner_against_wait() {
    let node = Node::pinned(0);
    let waiter = act(&node, Node::wait_and_change);
    if begin(&*node.word, Part::Sole) == Begun::Yes {
        node.content.write();
        node.end(Part::Sole);
    }
    join([waiter]);
    node.is_left();
}

/// A wait that is given up leaves nothing behind.
fn signal_against_unpin() {
    let node = Node::pinned(1);
    let waiter = act(&node, |node, task| {
        if node.wait(task, Mode::Interruptible).is_ok() {
            node.content.write();
            node.end(Part::Sole);
        }
    });
    waiter.0.interrupt();
    node.unpin();
    join([waiter]);
    node.is_left();
}

/// Many pin, some own, some give up.
fn crowd() {
    let node = Node::pinned(1);
    let mut actors: Vec<Actor> = (0..3)
        .map(|_| {
            act(&node, |node, _| {
                if node.pin() {
                    node.unpin();
                }
            })
        })
        .collect();
    for number in 0..3 {
        actors.push(act(&node, move |node, task| {
            if number == 0 && node.wait(task, Mode::Interruptible).is_err() {
                return;
            } else if number == 0 {
                node.end(Part::Sole);
            }
            node.wait_and_change(task);
        }));
    }
    actors[3].0.interrupt();
    node.unpin();
    join(actors);
    node.is_left();
}

/// One after the other: what each step says of those before it.
fn one_after_the_other() {
    use Begun::{Awaited, Busy, Yes};
    use Part::{Pin, Sole};

    let word = FullWord::new(0);
    let is = |uses| (pins(&word), is_idle(&word)) == (uses, uses == Some(0));
    assert!(is(Some(0)));
    assert_eq!([begin(&word, Pin), begin(&word, Pin)], [Yes; 2]);
    assert!(is(Some(2)));
    assert_eq!(begin(&word, Sole), Busy);
    assert!(!end(&word, Pin) && is(Some(1)));
    assert!(!end(&word, Pin) && is(Some(0)));
    assert_eq!(begin(&word, Sole), Yes);
    assert!(is(None));
    assert_eq!([begin(&word, Pin), begin(&word, Sole)], [Busy; 2]);
    let locked = |part, idle| begin_locked(&word, part, idle);
    assert_eq!([locked(Pin, false), locked(Sole, false)], [Busy; 2]);

    // Somebody waits: for an owner, and then for two pins.
    set_awaited(&word, true);
    assert!(is(None));
    assert_eq!([begin(&word, Pin), begin(&word, Sole)], [Awaited; 2]);
    assert!(end(&word, Sole) && is(Some(0)));
    assert_eq!([begin(&word, Pin), begin(&word, Sole)], [Awaited; 2]);
    // Who has not seen that nobody uses it lets those who wait come first.
    assert_eq!([locked(Pin, false), locked(Sole, false)], [Awaited; 2]);
    assert_eq!([locked(Pin, true), locked(Pin, false)], [Yes; 2]);
    assert!(is(Some(2)));
    assert_eq!(locked(Sole, false), Busy);
    assert!(!end(&word, Pin) && end(&word, Pin));
    assert_eq!(locked(Sole, true), Yes);
    assert!(is(None));
    set_awaited(&word, false);
    assert!(!end(&word, Sole) && is(Some(0)));
    assert_eq!(begin(&word, Pin), Yes);
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("pool_unpin_against_wait", unpin_against_wait),
            Case::bounded("pool_two_unpins_against_wait", 3, two_unpins_against_wait),
            Case::bounded("pool_pin_against_handover", 3, pin_against_handover),
            Case::bounded("pool_two_waiters", 3, two_waiters),
            Case::explore("pool_owner_against_wait", owner_against_wait),
            Case::bounded("pool_signal_against_unpin", 4, signal_against_unpin),
            Case::explore("pool_one_after_the_other", one_after_the_other),
            Case::stress("pool_crowd", crowd),
        ]
    }
}
