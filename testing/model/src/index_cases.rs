// SPDX-License-Identifier: GPL-2.0

//! The cases of the index that finds waiters by their key: one thread each, and no sleep.

use super::{
    claim::when,
    event_gate::act,
    host::Host,
    index::{Index, Node},
    indexed::{IndexPlace, OneThreshold},
    monitor::Events,
    protocol::{unlink_all, Head, CLOSED, WAITING},
};
use crate::Case;
use std::{ptr, sync::Arc};

/// Who is found under which key, as waiters come and go.
pub fn index_finds_who_waits() {
    act(come_and_go).join().unwrap();
}

fn come_and_go() {
    const WAITERS: usize = 40;
    let mut seed = 1u32;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) as usize % below
    };
    let index = Index::<u64, Host>::new();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut data = 0;
    // SAFETY: It is not used once this has returned.
    let mut place = || unsafe { IndexPlace::new(&index, &mut data) };
    let keys: Vec<u64> = (0..WAITERS).map(|_| random(16) as u64).collect();
    let waiters: Vec<_> = (0..WAITERS)
        .map(|at| {
            let told = told.clone();
            let claim = when(
                |open: &u64| *open != 0,
                move |_: &mut u64| {
                    told.lock().unwrap().push(at);
                },
            );
            OneThreshold::new(place(), keys[at], claim)
        })
        .collect();
    let mut heads: Vec<Option<Box<Head<Host>>>> = (0..WAITERS).map(|_| None).collect();
    // By key, and by age under one key.
    let mut linked: Vec<(u64, usize, usize)> = Vec::new();
    for round in 0..4 * WAITERS {
        let at = random(WAITERS);
        if let Some(head) = heads[at].take() {
            // SAFETY: Its entry is on the list.
            unsafe { unlink_all(&*head) };
            linked.retain(|(_, _, other)| *other != at);
        } else if round < 3 * WAITERS {
            let head = Box::new(Head::new());
            // SAFETY: Both stay where they are until the entry is off the list.
            unsafe { waiters[at].enqueue(&head) };
            heads[at] = Some(head);
            linked.push((keys[at], round, at));
            linked.sort_unstable();
        }
        for probe in 0..17 {
            let next = linked.iter().find(|(key, ..)| *key >= probe);
            assert_eq!(index.next_key(probe), next.map(|(key, ..)| *key));
        }
        assert_eq!(index.queue().len(), linked.len());
    }
    assert!(linked.len() > 4);
    while let Some((key, ..)) = linked.first().copied() {
        let under: Vec<_> = linked
            .iter()
            .filter(|(other, ..)| *other == key)
            .map(|(_, _, at)| *at)
            .collect();
        assert_eq!(index.consider(key, &mut 0), 0);
        assert_eq!(index.consider(key, &mut 1), under.len());
        assert_eq!(std::mem::take(&mut *told.lock().unwrap()), under);
        linked.retain(|(other, ..)| *other != key);
        assert_eq!(index.queue().len(), linked.len());
    }
}

/// Keys that come in order, and go: what is found is never far away.
pub fn index_is_shallow() {
    act(in_order).join().unwrap();
}

fn in_order() {
    const WAITERS: u64 = 1024;
    let index = Index::<u64, Host>::new();
    let mut data = 0;
    // SAFETY: It is not used once this has returned.
    let mut place = || unsafe { IndexPlace::new(&index, &mut data) };
    let waiters: Vec<_> = (0..WAITERS)
        .map(|key| OneThreshold::new(place(), key, when(|_: &u64| false, |_: &mut u64| ())))
        .collect();
    let heads: Vec<_> = (0..WAITERS)
        .map(|_| Box::new(Head::<Host>::new()))
        .collect();
    for (waiter, head) in waiters.iter().zip(&heads) {
        // SAFETY: Both stay where they are until the entry is off the list.
        unsafe { waiter.enqueue(head) };
    }
    // Four times what a tree has at least.
    assert!(depth(&index) <= 40);
    for (at, head) in heads.iter().enumerate().filter(|(at, _)| at % 4 != 0) {
        // SAFETY: Its entry is on the list.
        unsafe { unlink_all(&**head) };
        assert!(at % 64 != 1 || depth(&index) <= 40);
    }
    assert!(depth(&index) <= 32);
    for head in heads.iter().step_by(4) {
        // SAFETY: As above.
        unsafe { unlink_all(&**head) };
    }
    assert!(index.root.get().is_null());
}

/// Returns how many nodes there are from the root to the deepest one. Each is that of its parent, and has no
/// greater rank.
fn depth(index: &Index<u64, Host>) -> usize {
    let (mut next, mut deepest) = (index.queue().first(), 0);
    // SAFETY: What is on the list is live, and the entry of a node; so are its parents.
    while let Some(entry) = unsafe { next.as_ref() } {
        let mut node = next.cast::<Node<u64, Host>>();
        let mut above = 1;
        // SAFETY: As above.
        while let Some(parent) = unsafe { (*node).links.parent.get().as_ref() } {
            let children = [parent.links.left.get(), parent.links.right.get()];
            assert!(children.into_iter().any(|child| ptr::eq(child, node)));
            // SAFETY: As above.
            assert!(parent.links.rank.get() >= unsafe { (*node).links.rank.get() });
            node = parent;
            above += 1;
        }
        assert!(ptr::eq(node, index.root.get()));
        deepest = deepest.max(above);
        next = entry.next.get();
    }
    deepest
}

/// One key is closed: who waits under it is told so, and nobody else.
pub fn index_closes_one_key() {
    act(close_one).join().unwrap();
}

fn close_one() {
    const KEYS: [u64; 7] = [2, 0, 1, 1, 2, 1, 5];
    let index = Index::<u64, Host>::new();
    let mut data = 0;
    // SAFETY: It is not used once this has returned.
    let mut place = || unsafe { IndexPlace::new(&index, &mut data) };
    let waiters =
        KEYS.map(|key| OneThreshold::new(place(), key, when(|_: &u64| false, |_: &mut u64| ())));
    let heads = KEYS.map(|_| Box::new(Head::<Host>::new()));
    for (waiter, head) in waiters.iter().zip(&heads) {
        // SAFETY: Both stay where they are until the entry is off the list.
        unsafe { waiter.enqueue(head) };
    }
    let mut closed = Vec::new();
    // Under 3 and 9 nobody waits.
    for key in [1, 3, 9, 5, 2, 0] {
        index.close(key);
        closed.push(key);
        for (head, key) in heads.iter().zip(KEYS) {
            let status = if closed.contains(&key) {
                CLOSED
            } else {
                WAITING
            };
            assert_eq!(head.status(), status, "under {key}, with {closed:?} closed");
        }
    }
    assert!(index.queue().is_empty() && !index.queue().is_closed());
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("index_finds_who_waits", index_finds_who_waits),
            Case::explore("index_is_shallow", index_is_shallow),
            Case::explore("index_closes_one_key", index_closes_one_key),
        ]
    }
}
