// SPDX-License-Identifier: GPL-2.0

//! Actors: the tasks of a scenario, as they show themselves to the others.
//!
//! What the part of `scene.c` for the actors does.

use crate::params::text;
use baton::{
    Held,
    LockIn,
    MaySleep, //
};
use kernel::{
    fmt, new_mutex,
    prelude::*,
    processor::cpu_relax,
    str::CString,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        lock::{
            Backend,
            Lock, //
        },
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};

/// How long a gate or a window is waited for, in milliseconds.
pub(crate) const GATE_MS: i64 = 2000;
/// How long the other one of a window is given to show that it runs, in milliseconds. Each time that it does not, it
/// is given twice as long: a host that has other things to do runs the CPUs of its guest in turn.
const BEAT_MS: i64 = 2;
const LONGEST_BEAT_MS: i64 = 128;

/// A pause of the observer, not of what is observed.
pub(crate) fn look_again_later() {
    fsleep(Delta::from_micros(500));
}

/// Where an actor is. A scenario waits for these by name.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Phase {
    /// Named by another one, not started yet.
    Absent,
    Running,
    /// Owns what it came for, until it is let go.
    Holding,
    /// Stands in the window of a race.
    Window,
    /// Wants a lock that somebody else may hold.
    AtLock,
    /// Has changed what others wait for.
    Woke,
    /// Waits, or is on its way there.
    Waiting,
    Done,
}

pub(crate) const PHASES: [(Phase, &str); 8] = [
    (Phase::Absent, "absent"),
    (Phase::Running, "running"),
    (Phase::Holding, "holding"),
    (Phase::Window, "window"),
    (Phase::AtLock, "at-lock"),
    (Phase::Woke, "woke"),
    (Phase::Waiting, "waiting"),
    (Phase::Done, "done"),
];

impl Phase {
    fn from_u32(number: u32) -> Self {
        PHASES
            .get(number as usize)
            .map_or(Self::Done, |entry| entry.0)
    }

    pub(crate) fn name(self) -> &'static str {
        PHASES
            .iter()
            .find(|entry| entry.0 == self)
            .map_or("?", |entry| entry.1)
    }
}

/// What all actors of a scene share.
pub(crate) struct Stage {
    /// Moves whenever an actor does.
    progress: Atomic<u32>,
    /// Assertions that did not hold.
    broken: Atomic<u32>,
    rescued: Atomic<bool>,
}

impl Stage {
    pub(crate) fn new() -> Result<Arc<Self>> {
        let stage = Self {
            progress: Atomic::new(0),
            broken: Atomic::new(0),
            rescued: Atomic::new(false),
        };
        Ok(Arc::new(stage, GFP_KERNEL)?)
    }

    /// A number that changes whenever an actor moves.
    pub(crate) fn progress(&self) -> u32 {
        self.progress.load(Relaxed)
    }

    /// Returns whether an assertion did not hold.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Relaxed) > 0
    }

    /// Ends windows and holds.
    pub(crate) fn rescue(&self) {
        self.rescued.store(true, Relaxed);
    }
}

/// What an actor has to say about itself.
#[derive(Default)]
struct Notes {
    object: Option<CString>,
    result: Option<CString>,
    since: Option<Instant<Monotonic>>,
}

/// A task of a scenario, as seen by itself and by the others.
#[pin_data]
pub(crate) struct Actor {
    name: CString,
    stage: Arc<Stage>,
    phase: Atomic<u32>,
    let_go: Atomic<bool>,
    /// Counts while [`Actor::after`] runs.
    beat: Atomic<u32>,
    #[pin]
    notes: Mutex<Notes>,
}

impl Actor {
    pub(crate) fn new(name: &str, stage: Arc<Stage>) -> Result<Arc<Self>> {
        let name = CString::try_from_fmt(fmt!("{name}"))?;
        Arc::pin_init(
            pin_init!(Self {
                name,
                stage,
                phase: Atomic::new(Phase::Absent as u32),
                let_go: Atomic::new(false),
                beat: Atomic::new(0),
                notes <- new_mutex!(Notes::default()),
            }),
            GFP_KERNEL,
        )
    }

    pub(crate) fn name(&self) -> &str {
        text(&self.name)
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::from_u32(self.phase.load(Acquire))
    }

    /// Publishes where the actor is.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u32, Release);
        self.moved();
    }

    /// Shows that the actor gets on.
    pub(crate) fn moved(&self) {
        self.stage.progress.fetch_add(1, Relaxed);
    }

    /// Returns whether the scenario is over, whatever the actor still waits for.
    pub(crate) fn rescued(&self) -> bool {
        self.stage.rescued.load(Relaxed)
    }

    /// Takes a lock, and shows that it is wanted.
    pub(crate) fn lock<'a, 'c, T, B: Backend>(
        &self,
        cx: &'c mut MaySleep,
        lock: &'a Lock<T, B>,
    ) -> Held<'a, 'c, T, B> {
        self.enter(Phase::AtLock);
        let held = lock.lock_in(cx);
        self.enter(Phase::Running);
        held
    }

    /// Takes a lock while the other one, which is in [`Actor::after`], runs on another CPU.
    ///
    /// If it only were runnable, it might have to wait for this CPU until the window is over.
    pub(crate) fn lock_with<T, B: Backend, R>(
        &self,
        cx: &mut MaySleep,
        lock: &Lock<T, B>,
        other: Option<&Actor>,
        locked: impl FnOnce(Held<'_, '_, T, B>) -> R,
    ) -> R {
        let Some(other) = other else {
            return locked(self.lock(cx, lock));
        };
        let mut patience = BEAT_MS;
        loop {
            let held = lock.lock_in(cx);
            let beat = other.beat.load(Relaxed);
            let start = Instant::<Monotonic>::now();
            while start.elapsed().as_millis() < patience {
                if other.beat.load(Relaxed) != beat || self.rescued() {
                    return locked(held);
                }
                cpu_relax();
            }
            drop(held);
            look_again_later();
            patience = (2 * patience).min(LONGEST_BEAT_MS);
        }
    }

    /// Waits until the other one is in its window, in a way that it can see.
    pub(crate) fn after(&self, other: Option<&Actor>) {
        let Some(other) = other else { return };
        while matches!(other.phase(), Phase::Absent | Phase::Running) && !self.rescued() {
            self.beat.fetch_add(1, Relaxed);
            cpu_relax();
        }
    }

    /// Stands still in the window of a race until the other one has done its part, or cannot
    /// because it sleeps or wants the lock. Without another one, it passes.
    pub(crate) fn window(&self, until: Option<&Actor>) {
        let Some(other) = until else { return };
        let start = Instant::<Monotonic>::now();

        self.enter(Phase::Window);
        while !matches!(
            other.phase(),
            Phase::AtLock | Phase::Woke | Phase::Waiting | Phase::Done
        ) && !self.rescued()
        {
            if start.elapsed().as_millis() > GATE_MS {
                self.stage.broken.fetch_add(1, Relaxed);
                break;
            }
            cpu_relax();
        }
        self.enter(Phase::Running);
    }

    /// Returns whether it keeps what it has, and has not been let go.
    pub(crate) fn is_held(&self) -> bool {
        self.phase() == Phase::Holding && !self.let_go.load(Relaxed)
    }

    /// Keeps what it has until the scenario lets it go.
    pub(crate) fn hold(&self) {
        self.enter(Phase::Holding);
        while !self.let_go.load(Relaxed) && !self.rescued() {
            look_again_later();
        }
        self.enter(Phase::Running);
    }

    /// Lets it go on.
    pub(crate) fn let_go(&self) {
        self.let_go.store(true, Relaxed);
    }

    /// Says what the actor is going to wait for.
    pub(crate) fn waits_for(&self, cx: &mut MaySleep, object: fmt::Arguments<'_>) {
        let mut notes = self.notes.lock_in(cx);
        notes.object = CString::try_from_fmt(object).ok();
        notes.since = Some(Instant::now());
    }

    pub(crate) fn result(&self, cx: &mut MaySleep, result: fmt::Arguments<'_>) {
        self.notes.lock_in(cx).result = CString::try_from_fmt(result).ok();
    }

    /// An assertion of the actor did not hold.
    pub(crate) fn broken(&self, cx: &mut MaySleep, what: fmt::Arguments<'_>) {
        self.result(cx, what);
        self.stage.broken.fetch_add(1, Relaxed);
    }

    /// Writes where it is and what it has to say.
    pub(crate) fn report(&self, cx: &mut MaySleep, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = self.phase();
        let notes = self.notes.lock_in(cx);

        write!(f, "phase {}", phase.name())?;
        if let (Phase::Waiting, Some(object)) = (phase, &notes.object) {
            let since = notes.since.map_or(0, |since| since.elapsed().as_millis());
            write!(f, " on {} since_ms {since}", text(object))?;
        }
        writeln!(f, " result {}", notes.result.as_ref().map_or("-", text))
    }
}
