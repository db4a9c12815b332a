// SPDX-License-Identifier: GPL-2.0

//! The cases of a drain without a gate.
//!
//! Objects are published; who has a reference uses those that it finds. Who unpublishes one waits, and then
//! frees it. What may never happen: a use of what is gone (the engine reports a race), and a wait that does
//! not end (the engine reports a deadlock).

use super::{
    drain::wait_at,
    drain_host::{Cell, FullWord, Scene, What},
    drain_parts::phases::{Phases, Waits},
    drain_protocol::{end, is_drained, open, shut, OWNED},
    host::{GaveUp, Mode, Task},
    sync::{AtomicU32, JoinHandle, Plain},
};
use crate::Case;
use std::sync::{atomic::Ordering::Relaxed, Arc};

/// Something that can be found as long as it is published.
struct Object {
    published: AtomicU32,
    memory: Plain,
}

impl Object {
    fn new() -> Self {
        Self {
            published: AtomicU32::new(1),
            memory: Plain::new(),
        }
    }

    /// Uses it, if it is there.
    fn find(&self) {
        if self.published.load(Relaxed) == 1 {
            self.memory.read();
        }
    }
}

/// Two objects, and the drain that their users begin in.
struct Domain {
    phases: Phases<Cell>,
    objects: [Object; 2],
    // What the phases point to.
    _scenes: Box<[Scene; 3]>,
}

// SAFETY: As for the scenes.
unsafe impl Send for Domain {}
// SAFETY: As for the scenes.
unsafe impl Sync for Domain {}

impl Domain {
    fn new() -> Arc<Self> {
        let scenes = Box::new([(); 3].map(|()| Scene::new(OWNED)));
        let [one, other, turn] = [0, 1, 2].map(|nr| Cell(&raw const scenes[nr]));
        let words = || FullWord::new(0);
        Arc::new(Self {
            phases: Phases::new([one, other], turn, words(), words()),
            objects: [Object::new(), Object::new()],
            _scenes: scenes,
        })
    }

    /// One that has flipped before, so that the phase that is tried first is the old one.
    fn flipped() -> Arc<Self> {
        let domain = Self::new();
        let task = Task::new();
        assert_eq!(domain.wait(&task, Mode::Uninterruptible), Ok(()));
        domain
    }

    fn wait(&self, task: &Task, mode: Mode) -> Result<(), GaveUp> {
        self.phases.wait(&mut Sleeps { task, mode })
    }

    /// Uses what there is.
    fn use_both(&self) {
        let reference = self.phases.begin();
        for object in &self.objects {
            object.find();
        }
        end(reference);
    }

    /// Frees an object when nobody uses it any more.
    fn free(&self, task: &Task, nr: usize) {
        self.objects[nr].published.store(0, Relaxed);
        assert_eq!(self.wait(task, Mode::Uninterruptible), Ok(()));
        self.objects[nr].memory.write();
    }
}

/// The sleeps of one wait.
struct Sleeps<'t> {
    task: &'t Task,
    mode: Mode,
}

impl Waits<Cell> for Sleeps<'_> {
    type GaveUp = GaveUp;

    fn take(&mut self, turn: Cell) -> Result<(), GaveUp> {
        wait_at(turn.scene(), self.task, What::Gate, self.mode, || {
            shut(turn)
        })
    }

    fn drained(&mut self, phase: Cell) -> Result<(), GaveUp> {
        let look = || is_drained(phase);
        wait_at(phase.scene(), self.task, What::Count, self.mode, look)
    }

    fn give(&mut self, turn: Cell) {
        open(turn);
    }
}

/// Does `body` in a task of its own.
fn act(
    domain: &Arc<Domain>,
    body: impl FnOnce(&Domain, &Task) + Send + 'static,
) -> (Arc<Task>, JoinHandle<()>) {
    let (task, domain) = (Task::new(), domain.clone());
    let handle = task.run(move |task| body(&domain, task));
    (task, handle)
}

fn join(actors: impl IntoIterator<Item = (Arc<Task>, JoinHandle<()>)>) {
    for (_, handle) in actors {
        handle.join().unwrap();
    }
}

/// What begins during the flip is waited for, or does not find the object.
fn begin_against_wait() {
    let domain = Domain::new();
    let user = act(&domain, |domain, _| domain.use_both());
    let owner = act(&domain, |domain, task| domain.free(task, 0));
    join([user, owner]);
}

/// As above, with the phases the other way round.
fn begin_against_second_wait() {
    let domain = Domain::flipped();
    let user = act(&domain, |domain, _| domain.use_both());
    let owner = act(&domain, |domain, task| domain.free(task, 0));
    join([user, owner]);
}

/// One of them may flip for both.
fn two_waits() {
    let domain = Domain::flipped();
    let user = act(&domain, |domain, _| domain.use_both());
    let one = act(&domain, |domain, task| domain.free(task, 0));
    let other = act(&domain, |domain, task| domain.free(task, 1));
    join([user, one, other]);
}

/// What a wait that was given up has left in its old phase, the next one waits for.
fn wait_given_up() {
    let domain = Domain::new();
    let reference = domain.phases.begin();
    let task = Task::new();
    task.interrupt();
    assert_eq!(domain.wait(&task, Mode::Interruptible), Err(GaveUp::Signal));
    let user = act(&domain, move |domain, _| {
        domain.objects[0].find();
        end(reference);
    });
    let owner = act(&domain, |domain, task| domain.free(task, 0));
    join([user, owner]);
}

/// Users that come all the time, and two who wait.
fn crowd() {
    let domain = Domain::new();
    let users = (0..4).map(|_| {
        act(&domain, |domain, _| {
            for _ in 0..4 {
                domain.use_both();
            }
        })
    });
    let mut actors: Vec<_> = users.collect();
    actors.extend((0..2).map(|nr| act(&domain, move |domain, task| domain.free(task, nr))));
    for (task, _) in &actors {
        task.wake_up();
    }
    join(actors);
}

/// Each wait is a flip of its own, and what begins is in the phase that is current then.
fn one_after_the_other() {
    let domain = Domain::new();
    let task = Task::new();
    for flips in 0..3 {
        assert_eq!(domain.phases.flips(), flips);
        end(domain.phases.begin());
        assert_eq!(domain.wait(&task, Mode::Uninterruptible), Ok(()));
    }
    assert_eq!(domain.phases.flips(), 3);
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("phases_begin_against_wait", begin_against_wait),
            Case::explore(
                "phases_begin_against_second_wait",
                begin_against_second_wait,
            ),
            Case::bounded("phases_two_waits", 3, two_waits),
            Case::explore("phases_wait_given_up", wait_given_up),
            Case::explore("phases_one_after_the_other", one_after_the_other),
            Case::stress("phases_crowd", crowd),
        ]
    }
}
