// SPDX-License-Identifier: GPL-2.0

//! A node of a pool, as far as its uses go: its word, and the lock of its counts.

use super::{
    drain_host::FullWord,
    host::{GaveUp, Host, HostSleeper, Mode, Task},
    pool_word::{begin, begin_locked, end as ended, is_idle, pins, set_awaited, Begun, Part},
    protocol::{
        sleep_until_completed, unlink_all, Claim, Head, Queue, Sealed, Sleeper, Waiter, WAITING,
    },
    sync::{Mutex, Plain},
};
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

    fn begin(&mut self, part: Part) -> Begun {
        let begun = begin_locked(&*self.word, part, self.idle);
        if begun == Begun::Yes {
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
        let begun = uses.begin(Part::Sole);
        assert_eq!(begun, Begun::Yes, "idle, and used by somebody");
    }
}

/// A node, and the lock of its counts.
pub struct Node {
    pub(super) word: Arc<FullWord>,
    slot: Mutex<Slot>,
    /// Is read by who has pinned the node, and written to by who owns it.
    pub(super) content: Plain,
}

impl Node {
    /// A node that has so many pins.
    pub(super) fn pinned(times: usize) -> Arc<Self> {
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
    pub(super) fn pin(&self) -> bool {
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
                loop {
                    Self::update(slot, Uses::settle);
                    match Self::update(slot, |uses| uses.begin(Part::Pin)) {
                        Begun::Awaited => continue,
                        begun => return begun == Begun::Yes,
                    }
                }
            }
        }
    }

    pub(super) fn end(&self, part: Part) {
        if ended(&*self.word, part) {
            Self::update(&mut self.slot.lock().unwrap(), Uses::settle);
        }
    }

    pub(super) fn unpin(&self) {
        self.content.read();
        self.end(Part::Pin);
    }

    /// As [`Node::unpin`], where one task waits at most: it is served by then if nobody uses the node.
    pub(super) fn unpin_for_one(&self) {
        self.content.read();
        if ended(&*self.word, Part::Pin) {
            let slot = &mut *self.slot.lock().unwrap();
            Self::update(slot, Uses::settle);
            assert!(slot.queue.is_empty(), "pinned in between");
        }
    }

    /// Waits until nobody uses the node, and takes it over.
    pub(super) fn wait(&self, task: &Task, mode: Mode) -> Result<(), GaveUp> {
        self.wait_by(HostSleeper::new(task, mode))
    }

    /// As [`Node::wait`], with a sleeper of the caller's.
    pub(super) fn wait_by<S: Sleeper>(&self, mut sleeper: S) -> Result<(), S::GaveUp> {
        let mut waiter = Waiter::<Uses, Own, Host>::new(Own);
        let head = Head::new();
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
    pub(super) fn wait_and_change(&self, task: &Task) {
        assert_eq!(self.wait(task, Mode::Uninterruptible), Ok(()));
        self.content.write();
        self.end(Part::Sole);
    }

    /// Whoever has used the node, or waited for it, has gone.
    pub(super) fn is_left(&self) {
        assert_eq!(pins(&*self.word), Some(0));
        assert_eq!(
            begin(&*self.word, Part::Pin),
            Begun::Yes,
            "somebody waits still"
        );
    }
}
