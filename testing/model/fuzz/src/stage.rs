// SPDX-License-Identifier: GPL-2.0

//! The tasks of a program on the host: threads of shuttle, which runs one at a time.
//!
//! Whether a task sleeps is what the host's scheduler knows of it, and when none of them runs, nothing
//! comes of waiting: a step that ought not to block is found out at once, without a limit of time.

use crate::shared::{
    program::{Ops, Step, TASKS},
    reference::{Now, Reference, Said},
    replay::{replay, Stage},
};
use baton_model_engine::stress::{Condvar, JoinHandle, Mutex};
use shuttle::{scheduler::RandomScheduler, Config, FailurePersistence, MaxSteps, Runner};
use std::{
    fmt::Write,
    panic,
    sync::{Arc, Mutex as PlainMutex},
};

/// How many schedules of a program are tried. The outcome has to be the same.
const SCHEDULES: usize = 2;

/// How many steps of the scheduler a program may take: with a fault, a task may look for ever.
const MOST_STEPS: usize = 30_000;

/// How often the tasks are looked at after a step while one of them runs.
const MOST_LOOKS: usize = 2000;

/// How often the same has to be seen, with nobody running, until it is taken for the end.
const SAME: usize = 3;

/// The tasks of the protocol's host, of which each variant has a type of its own.
pub(crate) trait Sleepers {
    /// Runs `body` in a task.
    fn spawn(&self, task: usize, body: Box<dyn FnOnce() + Send>) -> JoinHandle<()>;
    fn is_asleep(&self, task: usize) -> bool;
    fn interrupt(&self, task: usize);
    /// Lets the limit of the wait be over, if it has one. Returns whether it has.
    fn expire(&self, task: usize) -> bool;
    /// Ends the wait, whatever it is, and those that come.
    fn abandon(&self, task: usize);
}

/// A primitive on the host.
pub(crate) trait World: Send + Sync + 'static {
    type Reference: Reference<Op: Ops>;

    /// How many of the kinds there are on the host, from the first one on.
    const KINDS: usize = Self::Reference::KINDS.len();

    fn new(kind: usize) -> Self;
    fn sleepers(&self) -> &dyn Sleepers;
    /// What a task does, until there is no step for it any more. In the end it has nothing.
    fn work(&self, task: usize, desk: &Desk<Op<Self>>);
    /// What has to be so when all tasks have ended. An error says what is not.
    fn end(&self) -> Result<(), String> {
        Ok(())
    }
}

pub(crate) type Op<W> = <<W as World>::Reference as Reference>::Op;

/// What a task has on its desk.
enum Place<O> {
    Nothing,
    /// A step that it has not seen.
    Given(Step<O>),
    /// A step that it makes.
    Taken,
    /// What it says.
    Said(Said),
}

/// Where steps are given, and what comes of them is said.
pub(crate) struct Desk<O> {
    state: Mutex<State<O>>,
    changed: Condvar,
}

struct State<O> {
    places: [Place<O>; TASKS],
    over: bool,
}

impl<O: Ops> Desk<O> {
    fn new() -> Self {
        Self {
            state: Mutex::new(State {
                places: [const { Place::Nothing }; TASKS],
                over: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Returns the next step of a task, or that there is none.
    pub(crate) fn next(&self, task: usize) -> Option<Step<O>> {
        let mut state = self.state.lock().unwrap();
        loop {
            if state.over {
                return None;
            }
            if let Place::Given(step) = state.places[task] {
                state.places[task] = Place::Taken;
                return Some(step);
            }
            state = self.changed.wait(state).unwrap();
        }
    }

    pub(crate) fn say(&self, task: usize, said: Said) {
        self.state.lock().unwrap().places[task] = Place::Said(said);
    }

    fn put(&self, task: usize, place: Place<O>) {
        self.state.lock().unwrap().places[task] = place;
        self.changed.notify_all();
    }

    fn over(&self) {
        self.state.lock().unwrap().over = true;
        self.changed.notify_all();
    }
}

struct HostStage<W: World> {
    world: Arc<W>,
    desk: Arc<Desk<Op<W>>>,
    looks: usize,
    /// What was seen the last time, and how often.
    rest: ([Now; TASKS], usize),
}

impl<W: World> Stage<Op<W>> for HostStage<W> {
    fn give(&mut self, step: Step<Op<W>>) {
        self.looks = 0;
        self.rest.1 = 0;
        if step.is_outside() {
            self.world.sleepers().interrupt(step.task);
        } else {
            self.desk.put(step.task, Place::Given(step));
        }
    }

    fn look(&mut self, task: usize) -> Now {
        let asleep = self.world.sleepers().is_asleep(task);
        match self.desk.state.lock().unwrap().places[task] {
            Place::Nothing => Now::Free,
            Place::Taken if asleep => Now::Asleep,
            Place::Given(_) | Place::Taken => Now::Runs,
            Place::Said(said) => Now::Said(said),
        }
    }

    fn hear(&mut self, task: usize) {
        self.desk.put(task, Place::Nothing);
    }

    fn pause(&mut self, seen: &[Now; TASKS]) -> bool {
        self.looks += 1;
        shuttle::thread::yield_now();
        // The tasks are looked at one after the other, and what was seen first may be over.
        if self.rest.0 != *seen {
            self.rest = (*seen, 0);
        }
        self.rest.1 += 1;
        if seen.contains(&Now::Runs) || self.rest.1 < SAME {
            return self.looks < MOST_LOOKS;
        }
        let asleep = (0..TASKS).filter(|task| seen[*task] == Now::Asleep);
        asleep.fold(false, |any, task| self.world.sleepers().expire(task) || any)
    }
}

impl<W: World> HostStage<W> {
    fn new(kind: usize) -> (Self, Vec<JoinHandle<()>>) {
        let (world, desk) = (Arc::new(W::new(kind)), Arc::new(Desk::new()));
        let threads = (0..TASKS).map(|task| {
            let (theirs, orders) = (world.clone(), desk.clone());
            let body = Box::new(move || theirs.work(task, &orders));
            world.sleepers().spawn(task, body)
        });
        let threads = threads.collect();
        let stage = Self {
            world,
            desk,
            looks: 0,
            rest: ([Now::Free; TASKS], 0),
        };
        (stage, threads)
    }

    /// Ends all tasks. An error says what is wrong then.
    fn end(self, threads: Vec<JoinHandle<()>>) -> Result<(), String> {
        self.desk.over();
        for task in 0..TASKS {
            self.world.sleepers().abandon(task);
        }
        for thread in threads {
            thread.join().unwrap();
        }
        self.world.end()
    }
}

/// Performs a program. Returns how many steps it has, or what is wrong.
pub(crate) fn perform<W: World>(kind: usize, steps: &[Step<Op<W>>]) -> Result<usize, String> {
    let outcome = Arc::new(PlainMutex::new(Ok(0)));
    let (theirs, steps) = (outcome.clone(), steps.to_vec());
    let run = move || {
        let (mut stage, threads) = HostStage::<W>::new(kind);
        let replayed = replay::<W::Reference>(&mut stage, kind, steps.iter().copied());
        // Kept before the end, which may not come.
        let keep = |ended: Result<usize, String>| {
            let mut outcome = theirs.lock().unwrap();
            if outcome.is_ok() {
                *outcome = ended;
            }
        };
        let steps = *replayed.as_ref().unwrap_or(&0);
        keep(replayed.map_err(|failure| failure.to_string()));
        keep(stage.end(threads).map(|()| steps));
    };
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    config.failure_persistence = FailurePersistence::None;
    let runner = Runner::new(RandomScheduler::new_from_seed(1, SCHEDULES), config);
    let ended = panic::catch_unwind(panic::AssertUnwindSafe(|| runner.run(run)));
    let mut outcome = outcome
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Err(why) = ended {
        let why = match (why.downcast_ref::<String>(), why.downcast_ref::<&str>()) {
            (Some(why), _) => why.clone(),
            (_, Some(why)) => (*why).into(),
            _ => "for no reason that it gives".into(),
        };
        let mut said = String::new();
        if let Err(failure) = &*outcome {
            let _ = write!(said, "{failure} ");
        }
        let _ = write!(said, "panicked: {}", why.lines().next().unwrap_or_default());
        *outcome = Err(said);
    }
    outcome.clone()
}
