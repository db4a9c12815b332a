// SPDX-License-Identifier: GPL-2.0

//! The cases of the drain.
//!
//! What may never happen: a waiter that sleeps for ever (the engine reports a deadlock), memory that
//! is freed twice or not at all, or used when it is gone, a reference that begins behind a shut gate, a
//! wait that ends before what it waited for.

use super::{
    drain_host::{Cell, Scene, VarSleeper, What},
    drain_protocol::{
        begin, disown, end, is_drained, open, open_nested, shut, shut_nested, wait, DEEPER, DEPTH,
        OWNED, SHUT,
    },
    host::{GaveUp, Mode, Task},
    sync::{AtomicU32, JoinHandle, Plain},
};
use crate::Case;
use std::sync::{atomic::Ordering::Relaxed, Arc};

/// A drain, and what it protects.
struct Drain {
    scene: Scene,
    /// Is read by who has a reference, and written to by who has waited for them.
    size: Plain,
    /// How many have the gate.
    inside: AtomicU32,
}

// SAFETY: As for the scene.
unsafe impl Send for Drain {}

impl Drain {
    /// A drain with so many references in flight.
    fn new(references: u64) -> Arc<Self> {
        Self::with(OWNED | references)
    }

    /// A drain whose gate is shut.
    fn shut_with(references: u64) -> Arc<Self> {
        Self::with(OWNED | SHUT | references)
    }

    fn with(word: u64) -> Arc<Self> {
        Arc::new(Self {
            scene: Scene::new(word),
            size: Plain::new(),
            inside: AtomicU32::new(0),
        })
    }

    fn cell(&self) -> Cell {
        Cell(&self.scene)
    }

    fn wait(
        &self,
        task: &Task,
        what: What,
        mode: Mode,
        look: impl FnMut() -> bool,
    ) -> Result<(), GaveUp> {
        wait_at(&self.scene, task, what, mode, look)
    }

    /// Waits until nothing is in flight.
    fn drained(&self, task: &Task, mode: Mode) -> Result<(), GaveUp> {
        self.wait(task, What::Count, mode, || is_drained(self.cell()))
    }

    /// Shuts the gate, when it is this one's turn.
    fn shut(&self, task: &Task) {
        let shut = || shut(self.cell());
        let _ = self.wait(task, What::Gate, Mode::Uninterruptible, shut);
    }

    /// Shuts the gate together with others, when nobody has it alone.
    fn shut_nested(&self, task: &Task) {
        let shut = || shut_nested(self.cell());
        let _ = self.wait(task, What::Gate, Mode::Uninterruptible, shut);
    }

    /// Begins a reference, once the gate is open.
    fn begin_when_open(&self, task: &Task) {
        let begin = || begin(self.cell());
        let _ = self.wait(task, What::Gate, Mode::Uninterruptible, begin);
    }

    /// Uses what is protected, and ends the reference.
    fn use_and_end(&self) {
        self.size.read();
        end(self.cell());
    }
}

/// Waits as `var::wait()` does.
pub(super) fn wait_at(
    scene: &Scene,
    task: &Task,
    what: What,
    mode: Mode,
    mut look: impl FnMut() -> bool,
) -> Result<(), GaveUp> {
    if look() {
        return Ok(());
    }
    let sleeper = VarSleeper::new(scene, what, task, mode);
    wait(sleeper, || look().then_some(()))
}

/// Does `body` in a task of its own.
fn act(
    drain: &Arc<Drain>,
    body: impl FnOnce(&Drain, &Task) + Send + 'static,
) -> (Arc<Task>, JoinHandle<()>) {
    let (task, drain) = (Task::new(), drain.clone());
    let handle = task.run(move |task| body(&drain, task));
    (task, handle)
}

/// Joins all of them.
fn join(actors: impl IntoIterator<Item = (Arc<Task>, JoinHandle<()>)>) {
    for (_, handle) in actors {
        handle.join().unwrap();
    }
}

/// Waits for what is in flight, changes what is protected, and lets the drain go, with its memory.
fn change_and_go(drain: &Drain, task: &Task) {
    assert_eq!(drain.drained(task, Mode::Uninterruptible), Ok(()));
    drain.size.write();
    disown(drain.cell());
}

fn last_end_against_wait() {
    let drain = Drain::shut_with(1);
    let ender = act(&drain, |drain, _| drain.use_and_end());
    let waiter = act(&drain, change_and_go);
    join([ender, waiter]);
    assert_eq!(drain.scene.frees(), 1);
}

fn two_ends_against_wait() {
    let drain = Drain::shut_with(2);
    let one = act(&drain, |drain, _| drain.use_and_end());
    let other = act(&drain, |drain, _| drain.use_and_end());
    let waiter = act(&drain, change_and_go);
    join([one, other, waiter]);
    assert_eq!(drain.scene.frees(), 1);
}

/// Nobody waits: the last one frees, whoever that is.
fn disown_against_ends() {
    let drain = Drain::new(2);
    let one = act(&drain, |drain, _| drain.use_and_end());
    let other = act(&drain, |drain, _| drain.use_and_end());
    disown(drain.cell());
    join([one, other]);
    assert_eq!(drain.scene.frees(), 1);
}

/// What begins is waited for, or is refused.
fn begin_against_shut() {
    let drain = Drain::new(0);
    let user = act(&drain, |drain, _| {
        if begin(drain.cell()) {
            drain.use_and_end();
        }
    });
    let waiter = act(&drain, |drain, task| {
        drain.shut(task);
        assert_eq!(drain.drained(task, Mode::Uninterruptible), Ok(()));
        drain.size.write();
    });
    join([user, waiter]);
    disown(drain.cell());
    assert_eq!(drain.scene.frees(), 1);
}

/// Who waits at the gate passes when it is opened, and sees what was changed.
fn open_against_begin() {
    let drain = Drain::shut_with(0);
    let user = act(&drain, |drain, task| {
        drain.begin_when_open(task);
        drain.use_and_end();
    });
    let opener = act(&drain, |drain, _| {
        drain.size.write();
        open(drain.cell());
    });
    join([user, opener]);
    disown(drain.cell());
    assert_eq!(drain.scene.frees(), 1);
}

/// One at a time has the gate.
fn two_want_to_shut() {
    let drain = Drain::new(0);
    let change = |drain: &Drain, task: &Task| {
        drain.shut(task);
        assert_eq!(drain.inside.fetch_add(1, Relaxed), 0);
        drain.size.write();
        drain.inside.fetch_sub(1, Relaxed);
        open(drain.cell());
    };
    let (one, other) = (act(&drain, change), act(&drain, change));
    join([one, other]);
    disown(drain.cell());
    assert_eq!(drain.scene.frees(), 1);
}

/// Both have the gate, nothing begins before both have left, and then it is open.
fn two_shut_together() {
    let drain = Drain::new(0);
    let look = |drain: &Drain, task: &Task| {
        drain.shut_nested(task);
        assert_eq!(drain.drained(task, Mode::Uninterruptible), Ok(()));
        drain.size.read();
        open_nested(drain.cell());
    };
    let (one, other) = (act(&drain, look), act(&drain, look));
    let user = act(&drain, |drain, task| {
        drain.begin_when_open(task);
        drain.size.write();
        end(drain.cell());
    });
    join([one, other, user]);
    assert!(begin(drain.cell()));
    end(drain.cell());
    disown(drain.cell());
    assert_eq!(drain.scene.frees(), 1);
}

/// Who wants it alone has it alone, and everybody gets it.
fn shut_together_against_alone() {
    let drain = Drain::new(0);
    let alone = act(&drain, |drain, task| {
        drain.shut(task);
        drain.size.write();
        open(drain.cell());
    });
    let nested = act(&drain, |drain, task| {
        drain.shut_nested(task);
        drain.size.read();
        open_nested(drain.cell());
    });
    join([alone, nested]);
    disown(drain.cell());
    assert_eq!(drain.scene.frees(), 1);
}

/// A wait that is given up leaves nothing behind, and the end is the end.
fn signal_against_last_end() {
    let drain = Drain::shut_with(1);
    let ender = act(&drain, |drain, _| drain.use_and_end());
    let waiter = act(&drain, |drain, task| {
        if drain.drained(task, Mode::Interruptible).is_ok() {
            drain.size.write();
        }
        disown(drain.cell());
    });
    waiter.0.interrupt();
    join([ender, waiter]);
    assert_eq!(drain.scene.frees(), 1);
}

/// A signal ends a wait for what does not come; the reference ends behind it.
fn signal_never_answered() {
    let drain = Drain::shut_with(1);
    let waiter = act(&drain, |drain, task| {
        let ended = drain.drained(task, Mode::Interruptible);
        assert_eq!(ended, Err(GaveUp::Signal));
        disown(drain.cell());
    });
    waiter.0.interrupt();
    join([waiter]);
    drain.use_and_end();
    assert_eq!(drain.scene.frees(), 1);
}

/// A wake-up for another reason does not end the wait.
fn wake_for_no_reason() {
    let drain = Drain::shut_with(1);
    let waiter = act(&drain, change_and_go);
    let ender = act(&drain, |drain, _| drain.use_and_end());
    waiter.0.wake_up();
    join([ender, waiter]);
    assert_eq!(drain.scene.frees(), 1);
}

/// Users and changes, and at last the drain goes.
fn crowd() {
    let drain = Drain::new(0);
    let users = (0..4).map(|_| {
        act(&drain, |drain, task| {
            for _ in 0..3 {
                drain.begin_when_open(task);
                drain.use_and_end();
            }
        })
    });
    let mut actors: Vec<_> = users.collect();
    actors.extend((0..2).map(|_| {
        act(&drain, |drain, task| {
            for _ in 0..2 {
                drain.shut(task);
                assert_eq!(drain.drained(task, Mode::Uninterruptible), Ok(()));
                drain.size.write();
                open(drain.cell());
            }
        })
    }));
    for (task, _) in &actors {
        task.wake_up();
    }
    join(actors);
    disown(drain.cell());
    assert_eq!((drain.size.read(), drain.scene.frees()), (4, 1));
}

/// A drain whose gate as many have shut together as can be.
fn shut_by_all() -> Arc<Drain> {
    Drain::with(OWNED | SHUT | DEPTH)
}

/// Who would be one too many waits until there is room, not until it is open.
fn room_in_the_depth() {
    let drain = shut_by_all();
    let waiter = act(&drain, |drain, task| {
        let shut = || shut_nested(drain.cell());
        assert_eq!(
            drain.wait(task, What::Gate, Mode::Uninterruptible, shut),
            Ok(())
        );
    });
    open_nested(drain.cell());
    join([waiter]);
    assert!(!shut_nested(drain.cell()));
}

/// One after the other: what each step says of those before it, and whom it wakes.
fn one_after_the_other() {
    let drain = Drain::new(0);
    let cell = drain.cell();
    assert!(is_drained(cell));
    assert!(begin(cell) && begin(cell) && !is_drained(cell));
    end(cell);
    assert!(!is_drained(cell));
    end(cell);
    assert!(is_drained(cell));
    // Nobody waits at an open gate.
    assert_eq!(drain.scene.wakes(), 0);

    assert!(begin(cell) && begin(cell) && shut(cell));
    assert!(!shut(cell) && !shut_nested(cell) && !begin(cell));
    end(cell);
    assert_eq!(drain.scene.wakes(), 0);
    end(cell);
    assert!(is_drained(cell));
    assert_eq!(drain.scene.wakes(), 1);
    open(cell);
    assert_eq!(drain.scene.wakes(), 2);

    assert!(begin(cell));
    for _ in 0..3 {
        assert!(shut_nested(cell));
        assert!(!shut(cell) && !begin(cell) && !is_drained(cell));
    }
    for _ in 0..2 {
        open_nested(cell);
        assert!(!shut(cell) && !begin(cell));
    }
    assert_eq!(drain.scene.wakes(), 2);
    open_nested(cell);
    assert_eq!(drain.scene.wakes(), 3);
    assert!(begin(cell) && shut(cell));
    open(cell);

    disown(cell);
    end(cell);
    assert_eq!(drain.scene.frees(), 0);
    end(cell);
    assert_eq!((drain.scene.wakes(), drain.scene.frees()), (4, 1));

    let drain = Drain::new(0);
    disown(drain.cell());
    assert_eq!(drain.scene.frees(), 1);
}

/// As many as there is room for shut it together.
fn the_deepest() {
    assert_eq!(DEPTH / DEEPER, 1023);
    let drain = Drain::with(OWNED | SHUT | DEPTH - DEEPER);
    let cell = drain.cell();
    assert!(shut_nested(cell) && !shut_nested(cell));
    open_nested(cell);
    // There is room again.
    assert_eq!(drain.scene.wakes(), 1);
    open_nested(cell);
    assert_eq!(drain.scene.wakes(), 1);
    assert!(shut_nested(cell) && shut_nested(cell) && !shut_nested(cell));
    assert!(!begin(cell) && !shut(cell) && is_drained(cell));
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("drain_last_end_against_wait", last_end_against_wait),
            Case::bounded("drain_two_ends_against_wait", 4, two_ends_against_wait),
            Case::explore("drain_disown_against_ends", disown_against_ends),
            Case::bounded("drain_begin_against_shut", 4, begin_against_shut),
            Case::explore("drain_open_against_begin", open_against_begin),
            Case::bounded("drain_two_want_to_shut", 4, two_want_to_shut),
            Case::bounded("drain_two_shut_together", 3, two_shut_together),
            Case::explore(
                "drain_shut_together_against_alone",
                shut_together_against_alone,
            ),
            Case::bounded("drain_signal_against_last_end", 4, signal_against_last_end),
            Case::explore("drain_signal_never_answered", signal_never_answered),
            Case::bounded("drain_wake_for_no_reason", 4, wake_for_no_reason),
            Case::explore("drain_room_in_the_depth", room_in_the_depth),
            Case::explore("drain_one_after_the_other", one_after_the_other),
            Case::explore("drain_the_deepest", the_deepest),
            Case::stress("drain_crowd", crowd),
        ]
    }
}
