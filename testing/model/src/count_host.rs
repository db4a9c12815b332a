// SPDX-License-Identifier: GPL-2.0

//! The memory of a count, and the table of queues in which its waiters sleep.
//!
//! | kernel                    | here                                                              |
//! |---------------------------|-------------------------------------------------------------------|
//! | a fully ordered operation | full fence, the operation, full fence                             |
//! | `kfree()`                 | a write to memory that every access to the word reads             |
//! | the table of queues       | one queue and its lock; two counts may be at one address in turn  |

use super::{
    count_word::{down, wait, Look, Shared, COUNT, OWNED},
    drain_host::FullWord,
    drain_protocol::Word,
    host::{GaveUp, Host, HostSleeper, Mode, Task},
    protocol::Queue,
    sync::{AtomicU32, Mutex, Plain},
};
use std::sync::{atomic::Ordering::Relaxed, Arc};

/// The table of queues.
pub(super) struct Table {
    queue: Mutex<Waiters>,
    pub(super) locked: std::sync::atomic::AtomicU32,
}

struct Waiters(Queue<Look<Cell>, Host>);

// SAFETY: The queue is accessed with the lock held.
unsafe impl Send for Waiters {}

impl Table {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::new(Waiters(Queue::new(false))),
            locked: 0.into(),
        })
    }
}

/// A count, as `baton::count` has it in memory, and what it protects.
pub struct Count {
    word: FullWord,
    pub(super) table: Arc<Table>,
    address: u32,
    /// Is read whenever the word is used, and written to when the cell is freed.
    memory: Plain,
    frees: std::sync::atomic::AtomicU32,
    /// Is read by who is counted, and written to by who has waited for them.
    pub(super) data: Plain,
    pub(super) flag: AtomicU32,
}

// SAFETY: A count stays until all threads of a case are joined.
unsafe impl Sync for Count {}
// SAFETY: As above.
unsafe impl Send for Count {}

/// A pointer to it.
#[derive(Clone, Copy)]
pub struct Cell(*const Count);

// SAFETY: A count stays until all threads of a case are joined.
unsafe impl Send for Cell {}

/// What waiters are found by: the table, and an address.
#[derive(Clone, Copy, PartialEq)]
pub struct Key(*const Table, u32);

impl Cell {
    fn get(&self) -> &Count {
        // SAFETY: A count stays until all threads of a case are joined.
        unsafe { &*self.0 }
    }
}

// SAFETY: All copies point to the same count; the queue is that of the lock.
unsafe impl Shared for Cell {
    type Word = FullWord;
    type Key = Key;
    type Platform = Host;

    fn word(&self) -> &FullWord {
        self.get().memory.read();
        &self.get().word
    }

    fn key(&self) -> Key {
        Key(Arc::as_ptr(&self.get().table), self.get().address)
    }

    fn with<R>(Key(table, _): Key, f: impl FnOnce(&Queue<Look<Self>, Host>) -> R) -> R {
        // SAFETY: The table stays until all threads of a case are joined.
        let table = unsafe { &*table };
        table.locked.fetch_add(1, Relaxed);
        f(&table.queue.lock().unwrap().0)
    }

    unsafe fn free(self) {
        self.get().memory.write();
        self.get().frees.fetch_add(1, Relaxed);
    }
}

impl Count {
    /// A count of so many.
    pub(super) fn new(counted: u32) -> Arc<Self> {
        Self::at(&Table::new(), counted)
    }

    pub(super) fn at(table: &Arc<Table>, counted: u32) -> Arc<Self> {
        Arc::new(Self {
            word: FullWord::new(OWNED | u64::from(counted)),
            table: table.clone(),
            address: 7,
            memory: Plain::new(),
            frees: 0.into(),
            data: Plain::new(),
            flag: AtomicU32::new(0),
        })
    }

    pub(super) fn cell(&self) -> Cell {
        Cell(self)
    }

    pub(super) fn wait(&self, task: &Task, most: u32, mode: Mode) -> Result<(), GaveUp> {
        wait(self.cell(), most, &mut HostSleeper::new(task, mode))
    }

    /// Waits for what is sure to come.
    pub(super) fn wait_for(&self, task: &Task, most: u32) {
        assert_eq!(self.wait(task, most, Mode::Uninterruptible), Ok(()));
    }

    /// Uses what is protected, and counts down.
    pub(super) fn use_and_down(&self) {
        self.data.read();
        down(self.cell());
    }

    pub(super) fn get(&self) -> u64 {
        self.word.load_relaxed() & COUNT
    }

    pub(super) fn frees(&self) -> u32 {
        self.frees.load(Relaxed)
    }
}
