// SPDX-License-Identifier: GPL-2.0

//! An agent of the tests: what its runs do, and what came of it.

pub(crate) use crate::suite::until;
use baton::{
    agent::{
        Current,
        Operations,
        Run,
        Runs,
        State, //
    },
    event::{
        Idle,
        Interruptible,
        Mode,
        ModeAt,
        Timeout,
        Uninterruptible, //
    },
    level::levels,
    new_event,
    Agent,
    Any,
    Event,
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
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    },
};

levels! {
    /// What the tests hold, outermost first.
    pub(crate) mod order {
        /// Held around a wait for a run.
        Outer,
        /// A run.
        Work needs [State],
        /// The state of the agent.
        State,
    }
}

#[pin_data]
pub(crate) struct Data {
    #[pin]
    pub(crate) runs: Runs<order::Work, order::State>,
    /// Nobody updates it.
    #[pin]
    pub(crate) never: Event<bool, Any, order::State>,
}

pub(crate) fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
    data.project().runs
}

/// What a run of the tests does, and what came of it.
#[pin_data]
pub(crate) struct Worker {
    #[pin]
    pub(crate) state: Ordered<order::State, Mutex<Data>>,
    #[pin]
    pub(crate) outer: Ordered<order::Outer, Mutex<()>>,
    /// What a run takes after it could have been frozen.
    #[pin]
    pub(crate) looked: Ordered<order::State, Mutex<()>>,
    /// Whether a run ends when it is asked to.
    pub(crate) obeys: Atomic<bool>,
    /// Whether a run returns without being asked to.
    pub(crate) leaves: Atomic<bool>,
    /// What else a run does: one of the constants below.
    pub(crate) act: Atomic<u32>,
    /// Whether a run was told to end.
    pub(crate) last_step: Atomic<bool>,
    /// The state after a run was refused to stop itself.
    pub(crate) was_running: Atomic<bool>,
    /// For the runs that end their own agent.
    #[pin]
    pub(crate) agent: Mutex<Option<Agent<Worker>>>,
    pub(crate) begun: Atomic<u32>,
    pub(crate) refused: Atomic<i32>,
}

impl Worker {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                state <- Ordered::new(new_mutex!(pin_init!(Data {
                    runs <- Runs::new(),
                    never <- new_event!(false),
                }))),
                outer <- Ordered::new(new_mutex!((), "agent_kunit_outer")),
                looked <- Ordered::new(new_mutex!((), "agent_kunit_looked")),
                obeys: Atomic::new(true),
                leaves: Atomic::new(false),
                act: Atomic::new(OBEY),
                last_step: Atomic::new(false),
                was_running: Atomic::new(false),
                agent <- new_mutex!(None),
                begun: Atomic::new(0),
                refused: Atomic::new(0),
            }? Error),
            GFP_KERNEL,
        )
    }

    pub(crate) fn start(&self, cx: &mut MaySleep) -> Result<(), State> {
        let mut held = self.state.lock_in(cx);
        runs(held.as_mut()).start().map(|_| ())
    }

    /// Starts a run, and waits until it has begun.
    pub(crate) fn begin(&self, cx: &mut MaySleep) -> Result<(), State> {
        self.start(cx)?;
        if until(|| self.begun.load(Relaxed) == 1) {
            Ok(())
        } else {
            Err(self.state(cx))
        }
    }

    pub(crate) fn start_run(&self, cx: &mut MaySleep) -> Option<Run> {
        runs(self.state.lock_in(cx).as_mut()).start().ok()
    }

    pub(crate) fn request_stop(&self, cx: &mut MaySleep) {
        runs(self.state.lock_in(cx).as_mut()).request_stop();
    }

    pub(crate) fn never_waiters(&self, cx: &mut MaySleep) -> usize {
        self.state.lock_in(cx).never.waiters()
    }

    pub(crate) fn state(&self, cx: &mut MaySleep) -> State {
        self.state.lock_in(cx).runs.state()
    }

    pub(crate) fn waiters(&self, cx: &mut MaySleep) -> usize {
        self.state.lock_in(cx).runs.waiters()
    }

    pub(crate) fn stop(&self, cx: &mut MaySleep, mode: impl ModeAt) -> Result {
        let (held, result) = self.state.lock_in(cx).stop(mode, runs);
        drop(held);
        result
    }
}

impl Operations for Worker {
    type Level = order::Work;
    type LockLevel = order::State;
    type Data = Data;
    type Backend = MutexBackend;

    fn lock(&self) -> &Ordered<order::State, Mutex<Data>> {
        &self.state
    }

    fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
        runs(data)
    }

    fn run(&self, current: &Current<'_, Self>, cx: &mut MaySleep<order::Work>) {
        self.begun.fetch_add(1, Relaxed);
        let refused = |result: Result| {
            self.refused
                .store(result.map_or_else(|e| e.to_errno(), |()| 0), Relaxed)
        };
        match self.act.load(Relaxed) {
            // With `cx` these do not compile, since a run does not stand below itself.
            STOP => {
                // ENTRY: none, see above.
                let own = &mut MaySleep::assert();
                refused(self.stop(own, limited()));
                self.was_running
                    .store(self.state(own) == State::Running, Relaxed);
                return;
            }
            RETIRE => {
                // ENTRY: none, see above.
                let own = &mut MaySleep::assert();
                let agent = self.agent.lock_in(own).take();
                if let Some(Err(e)) = agent.map(|agent| agent.retire(own)) {
                    *self.agent.lock_in(own) = Some(e.object);
                    refused(Err(e.error));
                }
                // Nothing was asked of it.
                let asked = current.stop_requested(cx);
                self.was_running.store(!asked, Relaxed);
                return;
            }
            ENDED => {
                // ENTRY: none, see above.
                let own = &mut MaySleep::assert();
                let (held, run) = self.state.lock_in(own).observe(runs);
                let Some(run) = run else { return };
                let (held, result) = held.ended(limited(), runs, run);
                self.was_running
                    .store(held.runs.state() == State::Running, Relaxed);
                drop(held);
                refused(result);
                return;
            }
            FREEZE => {
                // ENTRY: none, see above.
                let own = &mut MaySleep::assert();
                let (held, result) = self.state.lock_in(own).freeze(limited(), runs);
                self.was_running
                    .store(held.runs.state() == State::Running, Relaxed);
                drop(held);
                refused(result);
                return;
            }
            WAIT_STOP => {
                let short = Idle.timeout(msecs_to_jiffies(10));
                let early = current.wait_stop(cx, short);
                self.was_running.store(early.is_err(), Relaxed);
                refused(current.wait_stop(cx, Idle).map_err(Into::into));
            }
            WAIT_TOLD => {
                until(|| self.leaves.load(Relaxed));
                let told = current.stop_requested(cx);
                self.was_running.store(told, Relaxed);
                let held = self.state.lock_in(cx);
                let never = held.on(|data| &data.never).until(|comes| *comes);
                let short = Interruptible.timeout(msecs_to_jiffies(20));
                refused(never.wait(short).map_err(Into::into));
            }
            DEFERRED => current.deferred(cx, |cx| {
                let held = self.state.lock_in(cx);
                let never = held.on(|data| &data.never).until(|comes| *comes);
                refused(never.wait(Interruptible).map_err(Into::into));
            }),
            DROP => {
                // ENTRY: none, see above.
                let agent = self.agent.lock_in(&mut MaySleep::assert()).take();
                drop(agent);
            }
            WAIT_IDLE => {
                let held = self.state.lock_in(cx);
                let never = held.on(|data| &data.never).until(|comes| *comes);
                refused(never.wait(Idle).map_err(Into::into));
            }
            WAIT_INTERRUPTIBLE => {
                let held = self.state.lock_in(cx);
                let never = held.on(|data| &data.never).until(|comes| *comes);
                refused(never.wait(Interruptible).map_err(Into::into));
            }
            MAY_FREEZE => {
                let asked = current.stop_requested_or_freeze(cx);
                self.was_running.store(!asked, Relaxed);
                drop(self.looked.lock_in(cx));
            }
            _ => {}
        }
        while !self.leaves.load(Relaxed) && !current.stop_requested(cx) {
            fsleep(Delta::from_micros(100));
        }
        self.last_step.store(true, Relaxed);
        // Not for ever: whoever waits for it where nobody must would hang, and not be seen.
        for _ in 0..16 {
            if until(|| self.obeys.load(Relaxed)) {
                break;
            }
        }
    }
}

// What a run does before it obeys.
pub(crate) const OBEY: u32 = 0;
pub(crate) const STOP: u32 = 1;
pub(crate) const RETIRE: u32 = 2;
pub(crate) const DROP: u32 = 3;
pub(crate) const WAIT_IDLE: u32 = 4;
pub(crate) const WAIT_INTERRUPTIBLE: u32 = 5;
pub(crate) const ENDED: u32 = 6;
pub(crate) const FREEZE: u32 = 7;
pub(crate) const WAIT_STOP: u32 = 8;
pub(crate) const WAIT_TOLD: u32 = 9;
pub(crate) const DEFERRED: u32 = 10;
pub(crate) const MAY_FREEZE: u32 = 11;

/// A wait that is sure to end at once, and ends at last if it does not.
pub(crate) fn limited() -> Timeout<Uninterruptible> {
    Uninterruptible.timeout(msecs_to_jiffies(10_000))
}

/// Ends the agent, from outside of its runs.
pub(crate) fn retire(agent: Agent<Worker>, cx: &mut MaySleep) -> Result {
    Ok(agent.retire(cx)?)
}

pub(crate) fn agent(worker: &Arc<Worker>, cx: &mut MaySleep) -> Result<Agent<Worker>> {
    Agent::spawn(cx, c"agent_kunit", worker.clone())
}
