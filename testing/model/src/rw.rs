// SPDX-License-Identifier: GPL-2.0

//! The cases of an event under a read-write semaphore: who waits has it for reading, who updates for writing.
//!
//! What may never happen: a reader that sleeps for ever (the engine reports a deadlock).

use super::{
    claim::until,
    host::{GaveUp, Host, HostSleeper, Mode, Task},
    monitor::{wait, Ended, Monitor},
    protocol::Queue,
    shared::{OneShared, Readers, SharedPlace},
    sync::{JoinHandle, Mutex, Plain, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use crate::Case;
use std::{cell::UnsafeCell, sync::Arc};

/// The data of the semaphore: an event.
struct Event {
    queue: Queue<u32, Host>,
    value: UnsafeCell<u32>,
    /// Is read by who has the semaphore for reading, and written to by who has it for writing.
    memory: Plain,
}

// SAFETY: As for `baton::event::RwEvent`.
unsafe impl Send for Event {}
// SAFETY: As above.
unsafe impl Sync for Event {}

struct Space {
    semaphore: RwLock<Event>,
    readers: Mutex<()>,
}

impl Readers for Mutex<()> {
    fn exclude<R>(&self, f: impl FnOnce() -> R) -> R {
        let _held = self.lock().unwrap();
        f()
    }
}

/// The semaphore is held.
enum Side<'a> {
    Read(#[allow(dead_code)] RwLockReadGuard<'a, Event>),
    Write(#[allow(dead_code)] RwLockWriteGuard<'a, Event>),
}

struct Under<'a>(&'a Space);

impl<'a> Monitor for Under<'a> {
    type Guard = Side<'a>;

    fn lock(&mut self) -> Side<'a> {
        Side::Write(self.0.semaphore.write().unwrap())
    }
}

impl Space {
    fn new(fifo: bool) -> Arc<Self> {
        Arc::new(Self {
            semaphore: RwLock::new(Event {
                queue: Queue::new(fifo),
                value: UnsafeCell::new(0),
                memory: Plain::new(),
            }),
            readers: Mutex::new(()),
        })
    }

    /// Waits for a value, with the semaphore held for reading.
    fn wait(&self, task: &Task, value: u32, mode: Mode) -> Result<(), GaveUp> {
        let held = self.semaphore.read().unwrap();
        held.memory.read();
        let (queue, data) = (&raw const held.queue, held.value.get());
        // SAFETY: It stays until all threads of a case are joined, and is accessed as it has to be.
        let place = unsafe { SharedPlace::new(queue, data, &self.readers) };
        let claim = until(move |seen: &u32| *seen >= value);
        let events = OneShared::new(Some(place), claim);
        let sleeper = || HostSleeper::new(task, mode);
        // SAFETY: The semaphore is held for reading.
        match unsafe { wait(Under(self), Side::Read(held), events, sleeper, |_| {}) } {
            Ok(()) => Ok(()),
            Err((Ended::GaveUp(why), _)) => Err(why),
            Err(_) => panic!("nobody closes it, nor sends its waiters away"),
        }
    }

    fn wait_for(&self, task: &Task, value: u32) {
        assert_eq!(self.wait(task, value, Mode::Uninterruptible), Ok(()));
    }

    /// Changes the value, with the semaphore held for writing.
    fn set(&self, value: u32) {
        let held = self.semaphore.write().unwrap();
        held.memory.write();
        // SAFETY: Nobody else has the semaphore.
        let data = unsafe { &mut *held.value.get() };
        held.queue.update(data, |data| *data = value);
    }
}

type Actor = (Arc<Task>, JoinHandle<()>);

fn act(space: &Arc<Space>, body: impl FnOnce(&Space, &Task) + Send + 'static) -> Actor {
    let (task, space) = (Task::new(), space.clone());
    let handle = task.run(move |task| body(&space, task));
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

fn update_against_reader() {
    let space = Space::new(false);
    let reader = act(&space, |space, task| space.wait_for(task, 1));
    let writer = act(&space, |space, _| space.set(1));
    join([reader, writer]);
}

fn update_against_two_readers() {
    let space = Space::new(false);
    let reader = |space: &Space, task: &Task| space.wait_for(task, 1);
    let (one, other) = (act(&space, reader), act(&space, reader));
    space.set(1);
    join([one, other]);
}

/// The one that is in the way gives up, and the other one is served by that or by the update.
fn a_reader_gives_up() {
    let space = Space::new(true);
    let turn = |space: &Space, task: &Task, value: u32, mode: Mode| {
        let _ = space.wait(task, value, mode);
    };
    let hasty = act(&space, move |space, task| {
        turn(space, task, 2, Mode::Interruptible)
    });
    let patient = act(&space, move |space, task| {
        turn(space, task, 1, Mode::Uninterruptible)
    });
    hasty.0.interrupt();
    space.set(1);
    join([hasty, patient]);
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("rw_update_against_reader", update_against_reader),
            Case::bounded(
                "rw_update_against_two_readers",
                3,
                update_against_two_readers,
            ),
            Case::bounded("rw_a_reader_gives_up", 3, a_reader_gives_up),
        ]
    }
}
