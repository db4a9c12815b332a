// SPDX-License-Identifier: GPL-2.0

//! A daemon that the freezer stops, and who waits for it: what `freezer.sh` says to `/dev/frozen`.
//!
//! | is written | what happens |
//! |---|---|
//! | `ask FORM` | the writer asks the daemon, and waits for the answer in that form |
//! | `thread FORM` | the same, by a thread that the freezer stops as well |
//! | `run FORM` | the same, in a run of an agent that the freezer stops |
//! | `answer` | lets the daemon answer, all that was asked and what will be |
//! | `answer_later SECONDS` | the same, by a thread that the freezer does not stop, after that time |
//! | `stop_later SECONDS` | stops the daemon, just so |
//! | `wait` | waits for what was begun by `thread` and `run`; fails as that did |
//! | `again` | forgets what was asked, and begins anew |
//!
//! A form is `plain`, `freezable`, `limited SECONDS` (freezable, and for no longer), or `busy`: it does not wait, but
//! looks again and again, and whether it is to be frozen.

#![forbid(unsafe_code)]

use baton::{
    agent::{
        Current,
        Operations as AgentOperations,
        Runs, //
    },
    event::{
        Idle,
        Mode,
        ModeAt,
        Uninterruptible,
        WaitError, //
    },
    level::levels,
    misc::{
        Device,
        Operations, //
    },
    new_event,
    thread::Builder,
    Agent,
    Any,
    Event,
    LockIn,
    MaySleep,
    Ordered,
    Thread, //
};
use core::str;
use kernel::{
    fs::File,
    iov::IovIterSource,
    prelude::*,
    sync::{
        lock::mutex::MutexBackend,
        new_mutex,
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

module! {
    type: Frozen,
    name: "frozen",
    authors: ["The baton authors"],
    description: "A daemon that the freezer stops, and who waits for it",
    license: "GPL",
}

/// How a wait is done.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    Freezable,
    Limited(i64),
    Busy,
}

type Words<'a> = dyn Iterator<Item = &'a str> + 'a;

fn seconds(words: &mut Words<'_>) -> Result<i64> {
    words.next().ok_or(EINVAL)?.parse().map_err(|_| EINVAL)
}

impl Form {
    fn named(words: &mut Words<'_>) -> Result<Self> {
        match words.next() {
            Some("plain") => Ok(Self::Plain),
            Some("freezable") => Ok(Self::Freezable),
            Some("limited") => Ok(Self::Limited(seconds(words)?)),
            Some("busy") => Ok(Self::Busy),
            _ => Err(EINVAL),
        }
    }
}

/// What the daemon is asked.
#[derive(Default)]
struct Asked {
    questions: u32,
    may_answer: bool,
}

#[pin_data]
struct Talk {
    #[pin]
    asked: Event<Asked>,
    #[pin]
    answers: Event<u32>,
    #[pin]
    never: Event<bool>,
}

type Shared = Arc<Mutex<Talk>>;

fn asks(talk: &Mutex<Talk>, cx: &mut MaySleep) {
    let mut held = talk.lock_in(cx);
    held.as_mut()
        .project()
        .asked
        .update(|asked| asked.questions += 1);
}

fn may_answer(talk: &Mutex<Talk>, cx: &mut MaySleep) {
    let mut held = talk.lock_in(cx);
    held.as_mut()
        .project()
        .asked
        .update(|asked| asked.may_answer = true);
}

/// So that nobody else gets the answer.
fn takes_back(talk: &Mutex<Talk>, cx: &mut MaySleep) {
    let mut held = talk.lock_in(cx);
    let asked = held.as_mut().project().asked;
    asked.update(|asked| asked.questions = asked.questions.saturating_sub(1));
}

/// Asks, and waits for the answer.
fn answer<M: ModeAt>(talk: &Mutex<Talk>, cx: &mut MaySleep, mode: M) -> Result {
    asks(talk, cx);
    let answered = talk
        .lock_in(cx)
        .on(|talk| &talk.answers)
        .when(|answers| *answers > 0, |answers| *answers -= 1)
        .wait(mode)
        .map_err(Into::into);
    if answered.is_err() {
        takes_back(talk, cx);
    }
    answered
}

/// Asks and waits in that form. Who looks again and again only sees that there would be an answer.
fn ask(talk: &Mutex<Talk>, cx: &mut MaySleep, form: Form) -> Result {
    match form {
        Form::Plain => answer(talk, cx, Uninterruptible),
        Form::Freezable => answer(talk, cx, Uninterruptible.freezable()),
        Form::Limited(seconds) => {
            let limit = Delta::from_secs(seconds);
            answer(talk, cx, Uninterruptible.timeout(limit).freezable())
        }
        Form::Busy => {
            while !talk.lock_in(cx).asked.may_answer {
                cx.try_to_freeze();
                fsleep(Delta::from_millis(1));
            }
            Ok(())
        }
    }
}

/// Answers one question after the other.
fn daemon(talk: Shared, cx: &mut MaySleep) -> Result<Thread> {
    let builder = Builder::new(c"frozen_daemon").freezable();
    builder.spawn(cx, move |cx, stop| {
        while !stop.requested_or_freeze(cx) {
            let asked = talk
                .lock_in(cx)
                .on(|talk| &talk.asked)
                .when(
                    |asked| asked.may_answer && asked.questions > 0,
                    |asked| asked.questions -= 1,
                )
                .wait(Idle.freezable());
            if asked.is_ok() {
                let mut held = talk.lock_in(cx);
                held.as_mut()
                    .project()
                    .answers
                    .update(|answers| *answers += 1);
            }
        }
        pr_info!("the daemon has ended\n");
    })
}

/// Does something after so many seconds, whether the system is frozen or not.
fn later<F>(talk: Shared, cx: &mut MaySleep, seconds: i64, what: F) -> Result<Thread>
where
    F: FnOnce(&mut MaySleep) + Send + 'static,
{
    Thread::spawn(cx, c"frozen_later", move |cx, _| {
        let never = talk.lock_in(cx).on(|talk| &talk.never);
        let limit = Uninterruptible.timeout(Delta::from_secs(seconds));
        if never.until(|comes| *comes).wait(limit) == Err(WaitError::TimedOut) {
            pr_info!("that is done now\n");
            what(cx);
            pr_info!("that was done\n");
        }
    })
}

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
    /// The answers are for the run, which asks in its own lock.
    #[pin]
    answers: Event<bool, Any, order::State>,
    form: Form,
}

/// An agent whose run waits.
#[pin_data]
struct Worker {
    #[pin]
    state: Ordered<order::State, Mutex<Data>>,
}

impl AgentOperations for Worker {
    type Level = order::Work;
    type LockLevel = order::State;
    type Data = Data;
    type Backend = MutexBackend;

    fn lock(&self) -> &Ordered<order::State, Mutex<Data>> {
        &self.state
    }

    fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
        data.project().runs
    }

    fn run(&self, current: &Current<'_, Self>, cx: &mut MaySleep<order::Work>) {
        let form = self.state.lock_in(cx).form;
        while matches!(form, Form::Busy)
            && !*self.state.lock_in(cx).answers
            && !current.stop_requested_or_freeze(cx)
        {
            fsleep(Delta::from_millis(1));
        }
        let held = self.state.lock_in(cx);
        let answered = held.on(|data| &data.answers).until(|answered| *answered);
        let _ = match form {
            Form::Plain | Form::Busy => answered.wait(Uninterruptible).map_err(Into::into),
            Form::Freezable => answered
                .wait(current.freezable(Uninterruptible))
                .map_err(Into::into),
            Form::Limited(seconds) => {
                let limit = Uninterruptible.timeout(Delta::from_secs(seconds));
                answered.wait(current.freezable(limit))
            }
        };
    }
}

/// What was begun, and may be waited for.
#[derive(Default)]
struct Begun {
    daemon: Option<Thread>,
    others: KVec<Thread>,
    agent: Option<Agent<Worker>>,
}

#[pin_data]
struct Scene {
    talk: Shared,
    worker: Arc<Worker>,
    #[pin]
    begun: Mutex<Begun>,
}

impl Scene {
    fn new(cx: &mut MaySleep) -> Result<Arc<Self>> {
        let talk = Arc::pin_init(
            new_mutex!(pin_init!(Talk {
                asked <- new_event!(Asked::default()),
                answers <- new_event!(0),
                never <- new_event!(false),
            })),
            GFP_KERNEL,
        )?;
        let worker = Arc::pin_init(
            pin_init!(Worker {
                state <- Ordered::new(new_mutex!(pin_init!(Data {
                    runs <- Runs::new(),
                    answers <- new_event!(false),
                    form: Form::Plain,
                }))),
            }),
            GFP_KERNEL,
        )?;
        let builder = Builder::new(c"frozen_agent").freezable();
        let begun = Begun {
            daemon: Some(daemon(talk.clone(), cx)?),
            others: KVec::new(),
            agent: Some(builder.spawn_agent(cx, worker.clone())?),
        };
        Arc::pin_init(
            pin_init!(Self { talk, worker, begun <- new_mutex!(begun) }),
            GFP_KERNEL,
        )
    }

    fn answer(&self, cx: &mut MaySleep) {
        may_answer(&self.talk, cx);
        let mut held = self.worker.state.lock_in(cx);
        held.as_mut()
            .project()
            .answers
            .update(|answered| *answered = true);
    }

    fn begins(&self, cx: &mut MaySleep, thread: Thread) -> Result {
        // A thread that finds no room is asked to stop, in a wait of its own too.
        self.begun.lock_in(cx).others.push(thread, GFP_KERNEL)?;
        Ok(())
    }

    /// Waits for the threads, and for the run.
    fn wait(&self, cx: &mut MaySleep) -> Result {
        loop {
            let Some(thread) = self.begun.lock_in(cx).others.pop() else {
                break;
            };
            thread.join(cx)?;
        }
        let held = self.worker.state.lock_in(cx);
        let (held, run) = held.observe(Worker::runs);
        let Some(run) = run else { return Ok(()) };
        let (held, ended) = held.ended(Uninterruptible.freezable(), Worker::runs, run);
        drop(held);
        ended
    }

    fn again(&self, cx: &mut MaySleep) -> Result {
        let mut held = self.talk.lock_in(cx);
        held.as_mut()
            .project()
            .asked
            .update(|asked| *asked = Asked::default());
        held.as_mut()
            .project()
            .answers
            .update(|answers| *answers = 0);
        drop(held);
        let mut held = self.worker.state.lock_in(cx);
        held.as_mut()
            .project()
            .answers
            .update(|answered| *answered = false);
        drop(held);
        if self.begun.lock_in(cx).daemon.is_none() {
            let daemon = daemon(self.talk.clone(), cx)?;
            self.begun.lock_in(cx).daemon = Some(daemon);
        }
        Ok(())
    }

    fn does(&self, cx: &mut MaySleep, line: &str) -> Result {
        let words: &mut Words<'_> = &mut line.split_ascii_whitespace();
        match words.next() {
            Some("ask") => {
                let form = Form::named(words)?;
                pr_info!("a process asks\n");
                let answered = ask(&self.talk, cx, form);
                if answered.is_err() {
                    pr_info!("a process has no answer\n");
                }
                answered
            }
            Some("thread") => {
                let (talk, form) = (self.talk.clone(), Form::named(words)?);
                let builder = Builder::new(c"frozen_asker").freezable();
                let thread = builder.spawn(cx, move |cx, _| {
                    let answered = ask(&talk, cx, form);
                    pr_info!("the thread has its answer: {}\n", answered.is_ok());
                })?;
                self.begins(cx, thread)
            }
            Some("run") => {
                let form = Form::named(words)?;
                let mut held = self.worker.state.lock_in(cx);
                *held.as_mut().project().form = form;
                let started = Worker::runs(held.as_mut()).start();
                started.map(drop).map_err(|_| EBUSY)
            }
            Some("answer") => {
                self.answer(cx);
                Ok(())
            }
            Some("answer_later") => {
                let (talk, seconds) = (self.talk.clone(), seconds(words)?);
                let answer = move |cx: &mut MaySleep| may_answer(&talk, cx);
                let thread = later(self.talk.clone(), cx, seconds, answer)?;
                self.begins(cx, thread)
            }
            Some("stop_later") => {
                let seconds = seconds(words)?;
                let daemon = self.begun.lock_in(cx).daemon.take().ok_or(ENOENT)?;
                let stop = move |cx: &mut MaySleep| drop(daemon.stop(cx));
                let thread = later(self.talk.clone(), cx, seconds, stop)?;
                self.begins(cx, thread)
            }
            Some("wait") => self.wait(cx),
            Some("again") => self.again(cx),
            _ => Err(EINVAL),
        }
    }
}

struct Control {
    scene: Arc<Scene>,
}

#[vtable]
impl Operations for Control {
    type Data = Scene;

    fn open(data: &Arc<Scene>, _file: &File) -> Result<Self> {
        Ok(Self {
            scene: data.clone(),
        })
    }

    fn write(
        &self,
        cx: &mut MaySleep,
        _file: &File,
        from: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        let mut line = [0; 32];
        let length = from.copy_from_iter(&mut line);
        let line = str::from_utf8(&line[..length]).map_err(|_| EINVAL)?;
        self.scene.does(cx, line)?;
        Ok(length)
    }
}

struct Frozen {
    scene: Arc<Scene>,
    device: Option<Device<Control>>,
}

impl kernel::Module for Frozen {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // ENTRY: the module is loaded.
        let cx = &mut MaySleep::assert();
        let scene = Scene::new(cx)?;
        let device = Device::register(cx, c"frozen", scene.clone())?;
        Ok(Self {
            scene,
            device: Some(device),
        })
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // ENTRY: the module is unloaded.
        let cx = &mut MaySleep::assert();
        let _ = self.device.take().map(|device| device.deregister(cx));
        self.scene.answer(cx);
        let _ = self.scene.wait(cx);
        let (daemon, agent) = {
            let mut begun = self.scene.begun.lock_in(cx);
            (begun.daemon.take(), begun.agent.take())
        };
        let _ = daemon.map(|daemon| daemon.stop(cx));
        let _ = agent.map(|agent| agent.retire(cx));
    }
}
