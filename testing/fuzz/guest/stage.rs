// SPDX-License-Identifier: GPL-2.0

//! The tasks of a program in a kernel: threads, each of which makes the steps that it is given.

use crate::shared::{
    program::{
        Ops,
        Step,
        TASKS, //
    },
    reference::{
        Now,
        Reference,
        Said, //
    },
    replay::{
        replay,
        Stage, //
    },
    whole::Program, //
};
use baton::{
    testing,
    MaySleep,
    Thread, //
};
use core::{
    array,
    mem, //
};
use kernel::{
    new_condvar, new_spinlock,
    prelude::*,
    str::CString,
    sync::{
        Arc,
        CondVar,
        SpinLock, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};

/// A primitive in a kernel.
pub(super) trait Scene: Send + Sync + Sized + 'static {
    type Reference: Reference;

    fn new(kind: usize) -> Result<Self>;
    /// What a task does, until there is no step for it any more. In the end it has nothing.
    ///
    /// Its waits can be ended by a fatal signal.
    fn work(&self, cx: &mut MaySleep, task: usize, desk: &Desk<Op<Self>>);
}

pub(super) type Op<S> = <<S as Scene>::Reference as Reference>::Op;

/// What is not as the reference says.
pub(super) struct Odd {
    pub(super) why: CString,
    /// It was waited for until the deadline: on a slow machine that may be all.
    pub(super) late: bool,
    /// The tasks have not ended since.
    pub(super) hangs: bool,
}

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

/// Where a task is given steps, and says what comes of them.
///
/// By what the kernel has for that: not by what is tried here. Its lock is no mutex, so that a task which
/// sleeps while it makes a step does so for the primitive.
#[pin_data]
pub(super) struct Desk<O> {
    #[pin]
    state: SpinLock<State<O>>,
    #[pin]
    changed: CondVar,
}

struct State<O> {
    place: Place<O>,
    over: bool,
}

impl<O: Ops> Desk<O> {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                state <- new_spinlock!(State {
                    place: Place::Nothing,
                    over: false,
                }),
                changed <- new_condvar!(),
            }),
            GFP_KERNEL,
        )
    }

    /// Returns the next step, or that there is none.
    pub(super) fn next(&self) -> Option<Step<O>> {
        let mut state = self.state.lock();
        loop {
            if state.over {
                return None;
            }
            if let Place::Given(step) = state.place {
                state.place = Place::Taken;
                return Some(step);
            }
            self.changed.wait(&mut state);
        }
    }

    pub(super) fn say(&self, said: Said) {
        self.state.lock().place = Place::Said(said);
    }

    fn give(&self, step: Step<O>) {
        self.state.lock().place = Place::Given(step);
        self.changed.notify_all();
    }

    fn hear(&self) {
        self.state.lock().place = Place::Nothing;
    }

    fn over(&self) {
        self.state.lock().over = true;
        self.changed.notify_all();
    }
}

/// After so many looks it is slept in between.
const LOOKS: usize = 10;

/// A task of a program.
struct Member<O> {
    desk: Arc<Desk<O>>,
    thread: Thread,
}

struct Threads<'c, O> {
    members: [Option<Member<O>>; TASKS],
    cx: &'c mut MaySleep,
    deadline: Delta,
    /// When the step was given, and how often was looked since.
    since: Instant<Monotonic>,
    looks: usize,
}

impl<O: Ops> Stage<O> for Threads<'_, O> {
    fn give(&mut self, step: Step<O>) {
        self.since = Instant::now();
        self.looks = 0;
        match &self.members[step.task] {
            Some(member) if step.is_outside() => member.thread.interrupt(),
            Some(member) => member.desk.give(step),
            None => {}
        }
    }

    fn look(&mut self, task: usize) -> Now {
        let Some(member) = &self.members[task] else {
            return Now::Free;
        };
        let asleep = testing::is_asleep(member.thread.task());
        match member.desk.state.lock().place {
            Place::Nothing => Now::Free,
            Place::Taken if asleep => Now::Asleep,
            Place::Given(_) | Place::Taken => Now::Runs,
            Place::Said(said) => Now::Said(said),
        }
    }

    fn hear(&mut self, task: usize) {
        if let Some(member) = &self.members[task] {
            member.desk.hear();
        }
    }

    fn pause(&mut self, _seen: &[Now; TASKS]) -> bool {
        self.looks += 1;
        if self.looks < LOOKS {
            testing::yield_now(self.cx);
        } else {
            fsleep(Delta::from_micros(100));
        }
        self.since.elapsed() < self.deadline
    }
}

impl<O: Ops> Threads<'_, O> {
    /// Ends all tasks. Returns whether they have ended.
    fn end(self) -> bool {
        let (mut ended, limit) = (true, Delta::from_secs(10));
        for member in self.members.iter().flatten() {
            member.desk.over();
            member.thread.kill();
        }
        for member in self.members.into_iter().flatten() {
            if let Err(refused) = member.thread.join_timeout(self.cx, limit) {
                // Nobody can end it, and the module stays because of it.
                mem::forget(refused);
                ended = false;
            }
        }
        ended
    }
}

/// Makes the steps of a program with threads. Returns how many there were, or what is not as `R` says.
pub(super) fn play<S: Scene, R: Reference<Op = Op<S>>>(
    cx: &mut MaySleep,
    program: &Program<R>,
    deadline: Delta,
) -> Result<Result<usize, Odd>> {
    let kind = program.kind % R::KINDS.len();
    let scene = Arc::new(S::new(kind)?, GFP_KERNEL)?;
    let mut stage = Threads {
        members: array::from_fn(|_| None),
        cx,
        deadline,
        since: Instant::now(),
        looks: 0,
    };
    for task in 0..TASKS {
        match start(stage.cx, task, &scene) {
            Ok(member) => stage.members[task] = Some(member),
            Err(error) => {
                stage.end();
                return Err(error);
            }
        }
    }
    let replayed = replay::<R>(&mut stage, program.kind, program.steps());
    let hangs = !stage.end();
    let (why, late) = match &replayed {
        Ok(steps) if !hangs => return Ok(Ok(*steps)),
        Ok(_) => (c"all steps were made".try_into()?, true),
        Err(failure) => (
            CString::try_from_fmt(format_args!("{failure}"))?,
            failure.is_late(),
        ),
    };
    Ok(Err(Odd { why, late, hangs }))
}

fn start<S: Scene>(cx: &mut MaySleep, task: usize, scene: &Arc<S>) -> Result<Member<Op<S>>> {
    let desk = Desk::new()?;
    let (scene, theirs) = (scene.clone(), desk.clone());
    let thread = Thread::spawn(cx, c"baton_fuzz", move |cx, _| {
        scene.work(cx, task, &theirs)
    })?;
    Ok(Member { desk, thread })
}
