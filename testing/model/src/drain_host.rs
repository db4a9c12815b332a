// SPDX-License-Identifier: GPL-2.0

//! The memory of a drain, and the table of queues in which its waiters sleep.
//!
//! | kernel                        | here                                                          |
//! |-------------------------------|---------------------------------------------------------------|
//! | a fully ordered operation     | full fence, the operation, full fence                         |
//! | `kfree()`                     | a write to memory that every access to the word reads         |
//! | `wake_up_var()`               | a look at the number of waiters, without the lock; if there   |
//! |                               | are any: the lock, and who waits for the key is woken         |
//! | `prepare_to_wait_event()`     | under the lock: on the queue, the state is one of sleep       |
//! | `finish_wait()`               | off the queue, always under the lock                          |
//! | `signal_pending_state()`      | is looked at once the state is published; the kernel does so  |
//! |                               | before that, and again in `schedule()`                        |

use super::{
    drain_protocol::{Shared, Sleeper, Word},
    host::{GaveUp, HostSleeper, Mode, Task},
    protocol::Sleeper as _,
    sync::{fence, AtomicU32, AtomicU64, Mutex, Plain},
};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};

/// A word with the kernel's orderings.
pub struct FullWord(AtomicU64);

impl FullWord {
    pub fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }
}

impl Word for FullWord {
    fn load_relaxed(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn load_acquire(&self) -> u64 {
        self.0.load(Acquire)
    }

    fn cmpxchg_full(&self, old: u64, new: u64) -> Result<(), u64> {
        fence(SeqCst);
        let result = self.0.compare_exchange(old, new, AcqRel, Relaxed);
        fence(SeqCst);
        result.map(|_| ())
    }

    fn fetch_add_full(&self, amount: u64) -> u64 {
        fence(SeqCst);
        let before = self.0.fetch_add(amount, AcqRel);
        fence(SeqCst);
        before
    }

    fn fetch_sub_full(&self, amount: u64) -> u64 {
        fence(SeqCst);
        let before = self.0.fetch_sub(amount, AcqRel);
        fence(SeqCst); // A
        before
    }
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    Count,
    Gate,
}

/// A drain, as `baton::drain` has it in memory, and the table, which is there when it is gone.
pub struct Scene {
    word: FullWord,
    /// Is read whenever the word is used, and written to when the cell is freed.
    memory: Plain,
    frees: std::sync::atomic::AtomicU32,
    wakes: std::sync::atomic::AtomicU32,
    queue: Mutex<Vec<(What, *const Task)>>,
    /// The number of those on the queue, as a look without the lock sees it.
    waiters: AtomicU32,
}

// SAFETY: The tasks stay until all threads of a case are joined.
unsafe impl Send for Scene {}
// SAFETY: As above.
unsafe impl Sync for Scene {}

impl Scene {
    pub fn new(word: u64) -> Self {
        Self {
            word: FullWord::new(word),
            memory: Plain::new(),
            frees: 0.into(),
            wakes: 0.into(),
            queue: Mutex::new(Vec::new()),
            waiters: AtomicU32::new(0),
        }
    }

    /// How often it was freed.
    pub fn frees(&self) -> u32 {
        self.frees.load(Relaxed)
    }

    /// How often somebody was to be woken, whether there was somebody or not.
    pub fn wakes(&self) -> u32 {
        self.wakes.load(Relaxed)
    }

    fn wake(&self, what: What) {
        self.wakes.fetch_add(1, Relaxed);
        if self.waiters.load(Relaxed) == 0 {
            return;
        }
        let mut queue = self.queue.lock().unwrap();
        queue.retain(|&(key, task)| {
            if key == what {
                // SAFETY: The tasks stay until all threads of a case are joined.
                unsafe { (*task).wake_up() };
            }
            key != what
        });
        self.waiters.store(queue.len() as u32, Relaxed);
    }
}

/// A pointer to it.
#[derive(Clone, Copy)]
pub struct Cell(pub *const Scene);

// SAFETY: A scene is `Sync`, and stays until all threads of a case are joined.
unsafe impl Send for Cell {}

impl Cell {
    pub fn scene(&self) -> &Scene {
        // SAFETY: A scene stays until all threads of a case are joined.
        unsafe { &*self.0 }
    }
}

/// What waiters are found by: the table, and for what.
#[derive(Clone, Copy)]
pub struct Key(*const Scene, What);

// SAFETY: All copies point to the same scene.
unsafe impl Shared for Cell {
    type Word = FullWord;
    type Key = Key;

    fn word(&self) -> &FullWord {
        self.scene().memory.read();
        &self.scene().word
    }

    fn count_key(&self) -> Key {
        Key(self.0, What::Count)
    }

    fn gate_key(&self) -> Key {
        Key(self.0, What::Gate)
    }

    fn wake(Key(scene, what): Key) {
        Cell(scene).scene().wake(what);
    }

    unsafe fn free(self) {
        self.scene().memory.write();
        self.scene().frees.fetch_add(1, Relaxed);
    }
}

/// The sleep of one wait.
pub struct VarSleeper<'t> {
    scene: &'t Scene,
    what: What,
    task: &'t Task,
    host: HostSleeper<'t>,
}

impl<'t> VarSleeper<'t> {
    pub fn new(scene: &'t Scene, what: What, task: &'t Task, mode: Mode) -> Self {
        let host = HostSleeper::new(task, mode);
        Self {
            scene,
            what,
            task,
            host,
        }
    }

    fn dequeue(&self, queue: &mut Vec<(What, *const Task)>) {
        queue.retain(|&(_, task)| !std::ptr::eq(task, self.task));
    }
}

impl Sleeper for VarSleeper<'_> {
    type GaveUp = GaveUp;

    fn publish(&mut self) {
        let mut queue = self.scene.queue.lock().unwrap();
        self.dequeue(&mut queue);
        queue.push((self.what, self.task));
        self.scene.waiters.store(queue.len() as u32, Relaxed);
        self.host.publish();
    }

    fn give_up(&mut self) -> Option<GaveUp> {
        self.host.give_up()
    }

    fn sleep(&mut self) {
        self.host.sleep();
    }

    fn withdraw(&mut self) {
        self.host.running();
        let mut queue = self.scene.queue.lock().unwrap();
        self.dequeue(&mut queue);
        self.scene.waiters.store(queue.len() as u32, Relaxed);
    }
}
