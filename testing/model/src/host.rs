// SPDX-License-Identifier: GPL-2.0

//! Tasks that sleep and are woken as the kernel's are, and the platform of the protocol made of them.
//!
//! | kernel                   | here                                                               |
//! |--------------------------|--------------------------------------------------------------------|
//! | `set_current_state()`    | store of the state, full fence                                     |
//! | `schedule()`             | blocks while the state is one of sleep, under the run queue's lock |
//! | `wake_up_state()`        | the lock, full fence; if the state is one of sleep: "running"      |
//! | `signal_pending_state()` | a flag, looked at if the sleep is interruptible                    |
//! | `schedule_timeout()`     | a timer that sets a flag and wakes the task                        |
//! | `freeze_task()`          | the lock; if the task sleeps freezably: "frozen", else wakes it    |
//! | `__thaw_task()`          | the lock; as it slept before, or "running" if somebody has woken it|
//! | RCU, `put_task_struct()` | a read lock; the exit takes the write lock, then frees             |
//!
//! It is stricter than the kernel in one place: `schedule()` returns at once if a signal is pending,
//! which is left out, so that the protocol has to see the signal itself.

use super::{
    protocol::{Platform, Sleeper, WAITING},
    sync::{fence, spawn, thread_local, AtomicU32, Condvar, JoinHandle, Mutex, Plain},
    sync::{RwLock, RwLockReadGuard},
};
use std::{
    cell::Cell,
    ptr,
    sync::{
        atomic::Ordering::{Acquire, Relaxed, Release, SeqCst},
        Arc,
    },
};

const RUNNING: u32 = 0;
const INTERRUPTIBLE: u32 = 1;
const UNINTERRUPTIBLE: u32 = 2;
const FREEZABLE: u32 = 4;
const FROZEN: u32 = 8;

/// What the lock of the run queue protects.
struct RunQueue {
    /// The task has been taken off it.
    off: bool,
    /// The state that the task was in when it was frozen; "running" if it was woken since.
    saved: u32,
}

/// A task.
pub struct Task {
    state: AtomicU32,
    signal: AtomicU32,
    expired: AtomicU32,
    run_queue: Mutex<RunQueue>,
    kick: Condvar,
    /// Is written to when the task is freed.
    memory: Plain,
    readers: RwLock<()>,
    exits: bool,
}

impl Task {
    pub fn new() -> Arc<Self> {
        Self::make(false)
    }

    /// A task whose memory is freed when it exits.
    pub fn that_exits() -> Arc<Self> {
        Self::make(true)
    }

    fn make(exits: bool) -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU32::new(RUNNING),
            signal: AtomicU32::new(0),
            expired: AtomicU32::new(0),
            run_queue: Mutex::new(RunQueue {
                off: false,
                saved: RUNNING,
            }),
            kick: Condvar::new(),
            memory: Plain::new(),
            readers: RwLock::new(()),
            exits,
        })
    }

    fn set_current_state(&self, state: u32) {
        self.state.store(state, Relaxed);
        fence(SeqCst); // A
    }

    fn schedule(&self) {
        let mut held = self.run_queue.lock().unwrap();
        while self.state.load(Relaxed) != RUNNING {
            held.off = true;
            held = self.kick.wait(held).unwrap();
        }
        held.off = false;
    }

    fn wake_up_state(&self, states: u32) {
        if self.exits {
            self.memory.read();
        }
        let mut held = self.run_queue.lock().unwrap();
        fence(SeqCst); // C
        let state = self.state.load(Relaxed);
        if state & states != 0 {
            self.state.store(RUNNING, Relaxed);
            self.kick.notify_one();
        } else if state == FROZEN && held.saved & states != 0 {
            held.saved = RUNNING;
        }
    }

    /// Freezes the task if it lets that be done, or else wakes it so that it does.
    pub fn freeze(&self) {
        let mut held = self.run_queue.lock().unwrap();
        let state = self.state.load(Relaxed);
        if held.off && state & FREEZABLE != 0 {
            held.saved = state;
            self.state.store(FROZEN, Relaxed);
        } else {
            drop(held);
            self.wake_up();
        }
    }

    /// Lets the task go on as it was, if it is frozen.
    pub fn thaw(&self) {
        let mut held = self.run_queue.lock().unwrap();
        if self.state.load(Relaxed) == FROZEN {
            let state = std::mem::replace(&mut held.saved, RUNNING);
            self.state.store(state, Relaxed);
            if state == RUNNING {
                self.kick.notify_one();
            }
        }
    }

    /// Returns whether the task sleeps. It does so until somebody wakes it.
    pub fn is_asleep(&self) -> bool {
        let held = self.run_queue.lock().unwrap();
        held.off && self.state.load(Relaxed) != RUNNING
    }

    /// Wakes the task for no reason.
    pub fn wake_up(&self) {
        self.wake_up_state(INTERRUPTIBLE | UNINTERRUPTIBLE);
    }

    /// Sends the task a signal.
    pub fn interrupt(&self) {
        self.signal.store(1, Relaxed);
        self.wake_up_state(INTERRUPTIBLE);
    }

    /// Lets the task's timer expire.
    pub fn expire(&self) {
        self.expired.store(1, Relaxed);
        self.wake_up();
    }

    /// Runs `body` in this task.
    pub fn run(self: &Arc<Self>, body: impl FnOnce(&Task) + Send + 'static) -> JoinHandle<()> {
        let task = self.clone();
        spawn(Box::new(move || {
            CURRENT.with(|current| current.set(Arc::as_ptr(&task)));
            body(&task);
            if task.exits {
                // synchronize_rcu()
                drop(task.readers.write().unwrap());
                task.memory.write();
            }
        }))
    }
}

thread_local! {
    static CURRENT: Cell<*const Task> = Cell::new(ptr::null());
}

/// The platform.
pub enum Host {}

/// The status word of an entry.
pub struct Status {
    word: AtomicU32,
    /// Is written to when the entry goes away.
    memory: Plain,
}

impl Drop for Status {
    fn drop(&mut self) {
        self.memory.write();
    }
}

/// Tasks stay while it exists.
pub struct Live {
    _lock: Option<RwLockReadGuard<'static, ()>>,
}

thread_local! {
    // The waiters' task of the case in which it goes away.
    static EXITING: Cell<*const Task> = Cell::new(ptr::null());
}

/// Says which task this one has to look out for, since it goes away.
pub fn beware(task: &Task) {
    EXITING.with(|exiting| exiting.set(task));
}

// SAFETY: The atomics have the orderings that they are asked for. The tasks stay until all threads
// of the case are joined; whether they would have gone away is what `Task::memory` tells.
unsafe impl Platform for Host {
    type Task = *const Task;
    type Status = Status;
    type Live = Live;

    fn status() -> Status {
        Status {
            word: AtomicU32::new(WAITING),
            memory: Plain::new(),
        }
    }

    fn load_acquire(status: &Status) -> u32 {
        status.memory.read();
        status.word.load(Acquire) // D
    }

    fn store_release(status: &Status, value: u32) {
        status.memory.read();
        status.word.store(value, Release); // B
    }

    fn current() -> *const Task {
        CURRENT.with(Cell::get)
    }

    fn live() -> Live {
        let exiting = EXITING.with(Cell::get);
        Live {
            // SAFETY: Tasks stay until all threads of the case are joined.
            _lock: unsafe { exiting.as_ref() }.map(|task| task.readers.read().unwrap()),
        }
    }

    fn wake(task: *const Task, _live: &Live) {
        // SAFETY: As above.
        unsafe { (*task).wake_up() };
    }
}

/// What can end a wait besides the event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Uninterruptible,
    Interruptible,
    /// The freezer may freeze it.
    Timeout,
    /// The freezer may freeze it.
    Freezable,
}

/// Why a wait was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GaveUp {
    Signal,
    TimedOut,
}

/// The sleep of one wait.
pub struct HostSleeper<'t> {
    task: &'t Task,
    mode: Mode,
    time_left: bool,
}

impl<'t> HostSleeper<'t> {
    pub fn new(task: &'t Task, mode: Mode) -> Self {
        Self {
            task,
            mode,
            time_left: true,
        }
    }
}

impl Sleeper for HostSleeper<'_> {
    type GaveUp = GaveUp;

    fn publish(&mut self) {
        self.task.set_current_state(match self.mode {
            Mode::Interruptible => INTERRUPTIBLE,
            Mode::Uninterruptible => UNINTERRUPTIBLE,
            Mode::Timeout | Mode::Freezable => UNINTERRUPTIBLE | FREEZABLE,
        });
    }

    fn give_up(&mut self) -> Option<GaveUp> {
        if self.mode == Mode::Interruptible && self.task.signal.load(Relaxed) != 0 {
            Some(GaveUp::Signal)
        } else if !self.time_left {
            Some(GaveUp::TimedOut)
        } else {
            None
        }
    }

    fn sleep(&mut self) {
        self.task.schedule();
        if self.mode == Mode::Timeout && self.task.expired.load(Relaxed) != 0 {
            self.time_left = false;
        }
    }

    fn running(&mut self) {
        self.task.state.store(RUNNING, Relaxed);
    }

    fn insist(&mut self) {
        self.mode = Mode::Uninterruptible;
        self.time_left = true;
    }
}

/// The sleep of a wait that looks around when it is about to sleep, and gives up.
pub struct Looks<F: FnMut()>(pub F);

impl<F: FnMut()> Sleeper for Looks<F> {
    type GaveUp = ();

    fn publish(&mut self) {}

    fn give_up(&mut self) -> Option<()> {
        (self.0)();
        Some(())
    }

    fn sleep(&mut self) {}

    fn running(&mut self) {}

    fn insist(&mut self) {}
}
