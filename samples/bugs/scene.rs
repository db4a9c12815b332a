// SPDX-License-Identifier: GPL-2.0

//! Scenes and actors: start tasks, wait for states of theirs, and say whether they can still move.
//!
//! The counterpart of `scene.c`. A scene is a closed population: nobody but its actors updates what
//! one of them waits for. So when all that are not done sleep, and none has moved in between, it
//! hangs. Who sleeps is known exactly: the events and maps count their waiters under their locks.

use crate::{
    actor::{
        look_again_later,
        Actor,
        Phase,
        Stage,
        GATE_MS,
        PHASES, //
    },
    command::Refused,
    params::{
        list,
        text,
        Param,
        Values, //
    },
};
use baton::{
    thread::Stop,
    MaySleep,
    Thread, //
};
use kernel::{
    fmt,
    prelude::*,
    str::CString,
    sync::Arc,
    time::{
        Instant,
        Monotonic, //
    },
};

/// How long all must be asleep to be called hung, unless the option says otherwise.
const QUIET_MS: u64 = 50;
/// How long nobody may move, unless the option says otherwise.
const DEADLINE_MS: u64 = 10000;
/// The longest name of an actor: a task's name has 15 letters.
const MAX_NAME: usize = 11;

/// The options that every seed has first; 0 is the default.
pub(crate) const OPTIONS: &[Param] = &[
    Param::Number("quiet_ms", 60000),
    Param::Number("deadline_ms", 60000),
];

/// What an actor can be told to do with the state `S` of a seed.
pub(crate) struct Op<S: 'static> {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Param],
    pub(crate) run: fn(&S, &Actor, &Values, &mut MaySleep),
}

impl<S> Op<S> {
    pub(crate) const fn new(
        name: &'static str,
        params: &'static [Param],
        run: fn(&S, &Actor, &Values, &mut MaySleep),
    ) -> Self {
        Self { name, params, run }
    }
}

/// One bug: its state and what can be done with it.
pub(crate) trait Seed: Sized + Send + Sync + 'static {
    const OPS: &'static [Op<Self>];

    fn create() -> Result<Arc<Self>>;

    /// Whether processes of user space are its actors, see [`Seed::admit`].
    const HAS_PROCESSES: bool = false;

    /// The next process that comes is this actor, or nobody. `EBUSY` if another one has not come yet.
    fn admit(_this: &Arc<Self>, _actor: Option<Arc<Actor>>, _cx: &mut MaySleep) -> Result {
        Err(EINVAL)
    }

    /// Ends what runs for it; it is not used any more.
    fn end(&self, _cx: &mut MaySleep) {}

    /// How many tasks are asleep on it; [`None`] if that cannot be seen now.
    ///
    /// Must not spin on a lock: whoever holds it may stand in a window that it leaves when a task has
    /// moved that needs the CPU of the observer.
    fn sleepers(&self) -> Option<usize>;
}

/// A seed whose type is not known to the scene.
pub(crate) trait AnySeed: Send + Sync {
    fn op_names(&self) -> Result<CString, Refused>;
    fn params(&self, op: &str) -> Option<&'static [Param]>;
    fn spawn(
        &self,
        cx: &mut MaySleep,
        op: &str,
        actor: Arc<Actor>,
        values: Values,
    ) -> Result<(&'static str, Thread)>;
    fn has_processes(&self) -> bool;
    fn admit(&self, actor: Option<Arc<Actor>>, cx: &mut MaySleep) -> Result;
    fn end(&self, cx: &mut MaySleep);
    fn sleepers(&self) -> Option<usize>;
}

/// A seed as the scene keeps it.
pub(crate) struct Shared<S>(pub(crate) Arc<S>);

impl<S: Seed> AnySeed for Shared<S> {
    fn op_names(&self) -> Result<CString, Refused> {
        list(S::OPS.iter().map(|op| op.name))
    }

    fn params(&self, op: &str) -> Option<&'static [Param]> {
        Some(S::OPS.iter().find(|known| known.name == op)?.params)
    }

    fn spawn(
        &self,
        cx: &mut MaySleep,
        op: &str,
        actor: Arc<Actor>,
        values: Values,
    ) -> Result<(&'static str, Thread)> {
        let op = S::OPS.iter().find(|known| known.name == op).ok_or(EINVAL)?;
        let name = CString::try_from_fmt(fmt!("bug-{}", actor.name()))?;
        let seed = self.0.clone();
        let run = op.run;

        actor.enter(Phase::Running);
        let thread = Thread::spawn(cx, &name, move |cx: &mut MaySleep, _: &Stop<'_>| {
            run(&seed, &actor, &values, cx);
            actor.enter(Phase::Done);
        })?;
        Ok((op.name, thread))
    }

    fn has_processes(&self) -> bool {
        S::HAS_PROCESSES
    }

    fn admit(&self, actor: Option<Arc<Actor>>, cx: &mut MaySleep) -> Result {
        S::admit(&self.0, actor, cx)
    }

    fn end(&self, cx: &mut MaySleep) {
        self.0.end(cx);
    }

    fn sleepers(&self) -> Option<usize> {
        self.0.sleepers()
    }
}

/// An actor with its task, once it is started.
struct Role {
    actor: Arc<Actor>,
    task: Option<(&'static str, Thread)>,
}

/// One round of one scenario.
pub(crate) struct Scene {
    seed: KBox<dyn AnySeed>,
    stage: Arc<Stage>,
    roles: KVec<Role>,
    quiet_ms: i64,
    deadline_ms: i64,
    verdict: &'static str,
}

/// Looks until `there` says so; `false` if it does not within the time of a gate.
fn gate(mut there: impl FnMut() -> bool) -> bool {
    let start = Instant::<Monotonic>::now();
    while !there() {
        if start.elapsed().as_millis() > GATE_MS {
            return false;
        }
        look_again_later();
    }
    true
}

impl Scene {
    pub(crate) fn new(seed: KBox<dyn AnySeed>, options: &Values) -> Result<Self> {
        let or = |value, default| if value == 0 { default } else { value };
        Ok(Self {
            seed,
            stage: Stage::new()?,
            roles: KVec::new(),
            quiet_ms: or(options.number(0), QUIET_MS) as i64,
            deadline_ms: or(options.number(1), DEADLINE_MS) as i64,
            verdict: "open",
        })
    }

    fn role(&mut self, name: &str) -> Option<&mut Role> {
        self.roles.iter_mut().find(|role| role.actor.name() == name)
    }

    /// The actor of that name, which may be started later.
    pub(crate) fn cast(&mut self, name: &str) -> Result<Arc<Actor>, Refused> {
        if let Some(role) = self.role(name) {
            return Ok(role.actor.clone());
        }
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(Refused::new(
                EINVAL,
                fmt!("'{name}': a name has 1 to {MAX_NAME} letters"),
            ));
        }
        let actor = Actor::new(name, self.stage.clone())?;
        let role = Role {
            actor: actor.clone(),
            task: None,
        };
        self.roles.push(role, GFP_KERNEL)?;
        Ok(actor)
    }

    pub(crate) fn start<'l>(
        &mut self,
        cx: &mut MaySleep,
        name: &str,
        op: &str,
        words: impl Iterator<Item = &'l str>,
    ) -> Result<(), Refused> {
        if self.role(name).is_some_and(|role| role.task.is_some()) {
            return Err(Refused::new(
                EEXIST,
                fmt!("start {name}: it is started already"),
            ));
        }
        let Some(params) = self.seed.params(op) else {
            let names = self.seed.op_names()?;
            let names = text(&names);
            return Err(Refused::new(
                EINVAL,
                fmt!("start {name} {op}: allowed are {names}"),
            ));
        };
        let values = Values::parse(words, params, Some(&mut *self))?;
        let actor = self.cast(name)?;
        let task = self.seed.spawn(cx, op, actor, values)?;
        if let Some(role) = self.role(name) {
            role.task = Some(task);
        }
        Ok(())
    }

    /// The next process that opens the device is this actor.
    pub(crate) fn admit(&mut self, cx: &mut MaySleep, name: &str) -> Result<(), Refused> {
        if !self.seed.has_processes() {
            return Err(Refused::new(
                EINVAL,
                fmt!("admit {name}: this one has no processes"),
            ));
        }
        if self.role(name).is_some() {
            return Err(Refused::new(
                EEXIST,
                fmt!("admit {name}: it is there already"),
            ));
        }
        let actor = self.cast(name)?;
        self.seed
            .admit(Some(actor), cx)
            .map_err(|e| Refused::new(e, fmt!("admit {name}: another one has not come yet")))
    }

    fn actor(&mut self, name: &str) -> Result<Arc<Actor>, Refused> {
        match self.role(name) {
            Some(role) => Ok(role.actor.clone()),
            None => Err(Refused::new(ENOENT, fmt!("'{name}': no such actor"))),
        }
    }

    /// Waits until the actor is in one of the phases, which are separated by commas.
    pub(crate) fn gate(&mut self, name: &str, phases: &str) -> Result<(), Refused> {
        let actor = self.actor(name)?;
        for phase in phases.split(',') {
            if !PHASES.iter().any(|known| known.1 == phase) {
                let names = list(PHASES.iter().map(|known| known.1))?;
                let names = text(&names);
                return Err(Refused::new(
                    EINVAL,
                    fmt!("gate {name} {phase}: allowed are {names}"),
                ));
            }
        }
        if gate(|| phases.split(',').any(|phase| phase == actor.phase().name())) {
            return Ok(());
        }
        let phase = actor.phase().name();
        Err(Refused::new(
            ETIMEDOUT,
            fmt!("gate {name}: it is '{phase}' and stays so"),
        ))
    }

    /// Waits until that many actors are asleep.
    pub(crate) fn asleep(&mut self, count: &str) -> Result<(), Refused> {
        let Ok(wanted) = count.parse::<usize>() else {
            return Err(Refused::new(
                EINVAL,
                fmt!("asleep '{count}': expected a number"),
            ));
        };
        if gate(|| self.seed.sleepers() == Some(wanted)) {
            return Ok(());
        }
        let there = self.seed.sleepers().unwrap_or(0);
        Err(Refused::new(
            ETIMEDOUT,
            fmt!("asleep {wanted}: there are {there} and it stays so"),
        ))
    }

    pub(crate) fn let_go(&mut self, name: &str) -> Result<(), Refused> {
        self.actor(name)?.let_go();
        Ok(())
    }

    /// Waits until nobody moves any more, and says what became of them.
    pub(crate) fn settle(&mut self) {
        let mut seen = self.stage.progress();
        let mut moved = Instant::<Monotonic>::now();

        self.verdict = loop {
            let count = |what: fn(&Actor) -> bool| {
                self.roles.iter().filter(|role| what(&role.actor)).count()
            };
            let unfinished = count(|actor| actor.phase() != Phase::Done);
            let holding = count(Actor::is_held);
            if unfinished == 0 {
                break if self.stage.is_broken() {
                    "broken"
                } else {
                    "done"
                };
            }
            let stuck = self.seed.sleepers().map(|asleep| asleep + holding);
            let progress = self.stage.progress();
            if progress != seen {
                seen = progress;
                moved = Instant::now();
            }
            let quiet = moved.elapsed().as_millis();
            if stuck == Some(unfinished) && quiet >= self.quiet_ms {
                break "hang";
            }
            if quiet >= self.deadline_ms {
                break "late";
            }
            look_again_later();
        };
    }

    /// Clears the scene away: whoever still sleeps is killed.
    pub(crate) fn end(self, cx: &mut MaySleep) {
        self.stage.rescue();
        if self.seed.has_processes() {
            // From here on nobody comes any more.
            let _ = self.seed.admit(None, cx);
        }
        for role in self.roles {
            let Some((_, thread)) = role.task else {
                // A process, if it has come: it goes by itself.
                while !matches!(role.actor.phase(), Phase::Absent | Phase::Done) {
                    look_again_later();
                }
                continue;
            };
            while !thread.is_finished(cx) {
                thread.kill();
                look_again_later();
            }
            let _ = thread.join(cx);
        }
        self.seed.end(cx);
    }

    pub(crate) fn report(&self, cx: &mut MaySleep, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "verdict {}", self.verdict)?;
        for Role { actor, task } in &self.roles {
            let (op, pid) = match task {
                Some((op, thread)) => (*op, thread.task().pid()),
                None => ("-", 0),
            };
            write!(f, "actor {} {op} pid {pid} ", actor.name())?;
            actor.report(cx, f)?;
        }
        Ok(())
    }
}
