// SPDX-License-Identifier: GPL-2.0

//! Agents: runs that are started and waited for, and runs that are stopped and frozen.

use crate::{
    row::{
        made,
        Me,
        Row, //
    },
    waited_killable, //
};
use baton::{
    agent::{
        Current,
        Operations,
        Run,
        Runs, //
    },
    event::Idle,
    level::levels,
    thread::Builder,
    Agent,
    LockIn,
    MaySleep,
    Ordered, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        lock::mutex::MutexBackend,
        Arc,
        Mutex, //
    },
};

levels! {
    mod order {
        Work needs [State],
        State,
    }
}

#[pin_data]
struct Data {
    #[pin]
    runs: Runs<order::Work, order::State>,
    /// How much was asked for, and how much was done.
    asked: u64,
    done: u64,
    /// How many runs have begun, and the number of the one that goes on.
    begun: u64,
    going: u64,
}

type State = Ordered<order::State, Mutex<Data>>;

/// What the runs do: the work, and that is it; or nothing until they are told to end.
#[pin_data]
struct Worker {
    #[pin]
    state: State,
    stays: bool,
    /// How many runs have begun while another one went on.
    doubled: Atomic<u32>,
}

fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
    data.project().runs
}

impl Operations for Worker {
    type Level = order::Work;
    type LockLevel = order::State;
    type Data = Data;
    type Backend = MutexBackend;

    fn lock(&self) -> &State {
        &self.state
    }

    fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
        runs(data)
    }

    fn run(&self, current: &Current<'_, Self>, cx: &mut MaySleep<order::Work>) {
        let mut held = self.state.lock_in(cx);
        let data = held.as_mut().project();
        if *data.going != 0 {
            self.doubled.fetch_add(1, Relaxed);
        }
        *data.begun += 1;
        *data.going = *data.begun;
        let work = *data.asked;
        drop(held);
        while self.stays && current.wait_stop(cx, current.freezable(Idle)).is_err() {}
        let mut held = self.state.lock_in(cx);
        let data = held.as_mut().project();
        *data.done = work;
        *data.going = 0;
    }
}

#[pin_data]
struct AgentRow {
    worker: Arc<Worker>,
    #[pin]
    agent: Mutex<Option<Agent<Worker>>>,
}

impl AgentRow {
    /// Asks for a run.
    fn start(&self, cx: &mut MaySleep) -> Result<(u64, Run)> {
        let mut held = self.worker.state.lock_in(cx);
        let asked = held.as_mut().project().asked;
        *asked += 1;
        let number = *asked;
        // Frozen, by another task of the row.
        let run = runs(held.as_mut()).start().map_err(|_| EAGAIN)?;
        Ok((number, run))
    }

    /// Stops the run that goes on, or stops it and lets none begin for a moment.
    fn stop(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result {
        let freezes = me.random.below(4) == 0;
        waited_killable!(me.how_killable(), |mode| {
            let held = self.worker.state.lock_in(cx);
            let seen = held.going;
            let (mut held, stopped) = if freezes {
                held.freeze(mode, runs)
            } else {
                held.stop(mode, runs)
            };
            if stopped.is_ok() && seen != 0 && held.going == seen {
                me.fail("a run was stopped, and goes on");
            }
            if freezes {
                held = held.thaw(runs);
            }
            drop(held);
            stopped
        })
    }
}

impl Row for AgentRow {
    /// Starts a run, and does not wait for it; or stops one.
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        if self.worker.stays {
            self.stop(cx, me)?;
        } else {
            let (_, _run) = self.start(cx)?;
        }
        me.random.sleep_us(cx, 20);
        Ok(0)
    }

    /// Starts a run, and waits until it has ended.
    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let (number, run) = match self.start(cx) {
            Ok(started) => started,
            Err(error) => {
                me.random.sleep_us(cx, 20);
                return Err(error);
            }
        };
        waited_killable!(me.how_killable(), |mode| {
            let held = self.worker.state.lock_in(cx);
            let (held, ended) = held.ended(mode, runs, run);
            if ended.is_ok() && !self.worker.stays && held.done < number {
                me.fail("a run has ended that was to do some work, and the work is not done");
            }
            drop(held);
            ended
        })?;
        Ok(1)
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        let agent = self.agent.lock_in(cx).take();
        if agent.is_some_and(|agent| agent.retire(cx).is_err()) {
            return Err("the agent could not be retired");
        }
        if self.worker.doubled.load(Relaxed) != 0 {
            return Err("two runs of one agent went on at the same time");
        }
        let held = self.worker.state.lock_in(cx);
        if held.runs.waiters() == 0 && held.going == 0 {
            Ok(())
        } else {
            Err("a run goes on, or somebody waits for one")
        }
    }
}

fn row(cx: &mut MaySleep, stays: bool) -> Result<Arc<dyn Row>> {
    let worker = Arc::pin_init(
        pin_init!(Worker {
            state <- Ordered::new(new_mutex!(pin_init!(Data {
                runs <- Runs::new(),
                asked: 0,
                done: 0,
                begun: 0,
                going: 0,
            }))),
            stays,
            doubled: Atomic::new(0),
        }),
        GFP_KERNEL,
    )?;
    let agent = Builder::new(c"torture_agent")
        .freezable()
        .spawn_agent(cx, worker.clone())?;
    made(pin_init!(AgentRow {
        worker,
        agent <- new_mutex!(Some(agent)),
    }))
}

/// The runs do what was asked for before they began.
pub(super) fn run(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(cx, false)
}

/// The runs go on until they are stopped.
pub(super) fn stop(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(cx, true)
}
