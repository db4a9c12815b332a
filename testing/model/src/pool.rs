// SPDX-License-Identifier: GPL-2.0

//! The cases of the uses of a pool's node.
//!
//! What may never happen: a waiter that sleeps for ever although nobody uses the node (the engine reports a
//! deadlock), an owner beside a pin or another owner, a pin that takes from a waiter what the last unpin was
//! for, or a word that says that somebody waits when nobody does.

use super::{
    drain_host::FullWord,
    host::{GaveUp, Host, HostSleeper, Mode, Task},
    pool_word::{begin, begin_locked, end as ended, is_idle, pins, set_awaited, Begun, Part},
    protocol::{
        sleep_until_completed, unlink_all, Claim, Head, Queue, Sealed, Sleeper, Waiter, WAITING,
    },
    sync::{JoinHandle, Mutex, Plain},
};
use crate::Case;
use std::sync::Arc;

/// What the count lock protects: as `rust/pool/slots.rs` has it, for one node.
struct Slot {
    queue: Queue<Uses, Host>,
    uses: Uses,
    waiting: usize,
}

// SAFETY: The queue is accessed with the lock held.
unsafe impl Send for Slot {}

struct Uses {
    idle: bool,
    word: Arc<FullWord>,
}

impl Uses {
    fn settle(&mut self) {
        self.idle = is_idle(&*self.word);
    }

    fn begin(&mut self, part: Part) -> bool {
        let begun = begin_locked(&*self.word, part);
        if begun {
            self.idle = false;
        }
        begun
    }
}

/// The claim of who waits: takes the node over.
struct Own;

impl Sealed for Own {}

impl Claim<Uses> for Own {
    type Output = ();

    fn holds(&self, uses: &Uses) -> bool {
        uses.idle
    }

    unsafe fn take(&mut self, uses: &mut Uses) {
        assert!(uses.begin(Part::Sole), "idle, and used by somebody");
    }
}

/// A node, and the lock of its counts.
struct Node {
    word: Arc<FullWord>,
    slot: Mutex<Slot>,
    /// Is read by who has pinned the node, and written to by who owns it.
    content: Plain,
}

impl Node {
    /// A node that has so many pins.
    fn pinned(times: usize) -> Arc<Self> {
        let word = Arc::new(FullWord::new(0));
        for _ in 0..times {
            assert_eq!(begin(&*word, Part::Pin), Begun::Yes);
        }
        Arc::new(Self {
            slot: Mutex::new(Slot {
                queue: Queue::new(false),
                uses: Uses {
                    idle: false,
                    word: word.clone(),
                },
                waiting: 0,
            }),
            word,
            content: Plain::new(),
        })
    }

    fn update<R>(slot: &mut Slot, change: impl FnOnce(&mut Uses) -> R) -> R {
        let Slot { queue, uses, .. } = slot;
        queue.update(uses, change)
    }

    /// Pins the node, unless somebody owns it.
    fn pin(&self) -> bool {
        let pinned = self.try_pin();
        assert!(!pinned || pins(&*self.word).is_some(), "beside an owner");
        pinned
    }

    fn try_pin(&self) -> bool {
        match begin(&*self.word, Part::Pin) {
            Begun::Yes => true,
            Begun::Busy => false,
            Begun::Awaited => {
                let slot = &mut *self.slot.lock().unwrap();
                Self::update(slot, Uses::settle);
                Self::update(slot, |uses| uses.begin(Part::Pin))
            }
        }
    }

    fn end(&self, part: Part) {
        if ended(&*self.word, part) {
            Self::update(&mut self.slot.lock().unwrap(), Uses::settle);
        }
    }

    fn unpin(&self) {
        self.content.read();
        self.end(Part::Pin);
    }

    /// Waits until nobody uses the node, and takes it over.
    fn wait(&self, task: &Task, mode: Mode) -> Result<(), GaveUp> {
        let mut waiter = Waiter::<Uses, Own, Host>::new(Own);
        let (head, mut sleeper) = (Head::new(), HostSleeper::new(task, mode));
        let mut slot = self.slot.lock().unwrap();
        slot.waiting += 1;
        if slot.waiting == 1 {
            set_awaited(&*self.word, true);
        }
        Self::update(&mut slot, Uses::settle);
        // SAFETY: It is put on no list if that succeeds.
        if unsafe { waiter.try_now(&mut slot.uses) }.is_some() {
            self.has_waited(&mut slot);
            return Ok(());
        }
        // SAFETY: Both stay in this frame until the entry is off the queue.
        unsafe { slot.queue.enqueue(Waiter::entry(&raw const waiter), &head) };
        sleeper.publish();
        drop(slot);
        let slept = sleep_until_completed(&head, &mut sleeper);
        let mut slot = self.slot.lock().unwrap();
        let gave_up = slept.is_err() && head.status() == WAITING;
        if gave_up {
            // SAFETY: The lock is held, and the status says that the entry is on the queue.
            unsafe { unlink_all(&head) };
        }
        self.has_waited(&mut slot);
        match slept {
            Err(why) if gave_up => Err(why),
            _ => Ok(()),
        }
    }

    fn has_waited(&self, slot: &mut Slot) {
        slot.waiting -= 1;
        if slot.waiting == 0 {
            set_awaited(&*self.word, false);
        }
    }

    /// Waits, changes the node, and gives it back.
    fn wait_and_change(&self, task: &Task) {
        assert_eq!(self.wait(task, Mode::Uninterruptible), Ok(()));
        self.content.write();
        self.end(Part::Sole);
    }

    /// Whoever has used the node, or waited for it, has gone.
    fn is_left(&self) {
        assert_eq!(pins(&*self.word), Some(0));
        assert_eq!(
            begin(&*self.word, Part::Pin),
            Begun::Yes,
            "somebody waits still"
        );
    }
}

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
                node.unpin();
            }
        }),
    ];
    node.unpin();
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
            Case::stress("pool_crowd", crowd),
        ]
    }
}
