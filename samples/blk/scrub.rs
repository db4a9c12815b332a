// SPDX-License-Identifier: GPL-2.0

//! The scrub: a thread that reads every page and compares it with its checksum.
//!
//! It is told what to do in configfs: `check` starts a run, `idle` ends it, `frozen` ends it and lets
//! none begin until `idle`. In C, this is where `md` hung; here a stop waits for the run that it saw.

use crate::{
    levels::order,
    stats::Stats,
    store::{
        Store,
        Verdict, //
    },
};
use baton::{
    agent::{
        Current,
        Operations,
        Runs,
        State, //
    },
    block::without_io,
    event::Killable,
    MaySleep,
    Ordered, //
};
use kernel::{
    fmt, new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    str::CString,
    sync::{
        lock::mutex::MutexBackend,
        Arc,
        Mutex, //
    },
};

/// The pages after which a run looks whether it is to end.
const STRIDE: usize = 64;

/// The corrupt pages that the log tells of in one run.
const REPORTS: u64 = 16;

/// What the scrub can be told to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Idle,
    Frozen,
    Check,
}

impl Command {
    /// The words for it.
    pub(crate) const ALLOWED: &str = "idle, frozen and check";

    /// Reads what was written to the attribute.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        match text.trim_ascii() {
            b"idle" => Some(Self::Idle),
            b"frozen" => Some(Self::Frozen),
            b"check" => Some(Self::Check),
            _ => None,
        }
    }
}

/// How far the last run has come.
#[derive(Clone, Copy, Default)]
pub(crate) struct Progress {
    /// Pages that were visited, of how many.
    checked: usize,
    total: usize,
    /// Pages that are not what their checksum says.
    corrupt: u64,
    /// The first byte of the first one.
    first: Option<u64>,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "checked {} total {} corrupt {}",
            self.checked, self.total, self.corrupt
        )?;
        match self.first {
            Some(byte) => write!(f, " first {byte}"),
            None => write!(f, " first -"),
        }
    }
}

#[pin_data]
pub(crate) struct Control {
    #[pin]
    runs: Runs<order::Scrub, order::Progress>,
    progress: Progress,
}

/// What the scrub works on, and what it is told.
#[pin_data]
pub(crate) struct Scrub<S: 'static> {
    name: CString,
    shared: Arc<S>,
    #[pin]
    control: Ordered<order::Progress, Mutex<Control>>,
}

/// Where the scrub finds what it reads.
pub(crate) trait Medium: Send + Sync + 'static {
    /// The pages.
    fn store(&self) -> &Store;
    /// The counters.
    fn stats(&self) -> &Stats;
}

fn runs(control: Pin<&mut Control>) -> Pin<&mut Runs<order::Scrub, order::Progress>> {
    control.project().runs
}

impl<S: Medium> Operations for Scrub<S> {
    type Level = order::Scrub;
    type LockLevel = order::Progress;
    type Data = Control;
    type Backend = MutexBackend;

    fn lock(&self) -> &Ordered<order::Progress, Mutex<Control>> {
        &self.control
    }

    fn runs(data: Pin<&mut Control>) -> Pin<&mut Runs<order::Scrub, order::Progress>> {
        runs(data)
    }

    fn run(&self, current: &Current<'_, Self>, cx: &mut MaySleep<order::Scrub>) {
        self.shared.stats().scrub_runs.inc();
        let mut progress = Progress::default();
        loop {
            // It may have been resized.
            progress.total = self.shared.store().capacity();
            *self.control.lock_in(cx).as_mut().project().progress = progress;
            if progress.checked >= progress.total || current.stop_requested(cx) {
                return;
            }
            let end = progress.total.min(progress.checked + STRIDE);
            without_io(cx, |cx| {
                for page in progress.checked..end {
                    self.check(page, &mut progress, cx);
                }
            });
            progress.checked = end;
        }
    }
}

impl<S: Medium> Scrub<S> {
    /// Makes the scrub of a disk; it is idle.
    pub(crate) fn new(name: &CStr, shared: Arc<S>) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                name: name.try_into()?,
                shared,
                control <- Ordered::new(new_mutex!(pin_init!(Control {
                    runs <- Runs::new(),
                    progress: Progress::default(),
                }))),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// Checks one page.
    fn check(&self, page: usize, progress: &mut Progress, cx: &mut MaySleep<order::Scrub>) {
        let byte = page as u64 * PAGE_SIZE as u64;
        match self.shared.store().verify(page, self.shared.stats(), cx) {
            Ok(Verdict::Good | Verdict::Nothing) => return,
            Ok(Verdict::Corrupt { found, expected }) => {
                if progress.corrupt < REPORTS {
                    pr_err!(
                        "{}: scrub: the page at byte {} is corrupt: checksum {:#010x}, expected {:#010x}\n",
                        &*self.name,
                        byte,
                        found,
                        expected
                    );
                }
            }
            // The run is to end, which ends its waits: it says nothing about the page.
            Err(e) if e == ECANCELED => return,
            Err(e) => {
                if progress.corrupt < REPORTS {
                    pr_err!(
                        "{}: scrub: the page at byte {} cannot be read: {:?}\n",
                        &*self.name,
                        byte,
                        e
                    );
                }
            }
        }
        self.shared.stats().scrub_corrupt.inc();
        progress.corrupt += 1;
        progress.first.get_or_insert(byte);
    }

    fn busy(&self, why: &str) -> Error {
        pr_err!("{}: scrub: busy, it is {}\n", &*self.name, why);
        EBUSY
    }

    /// Does what was asked for. After `idle` and `frozen` the run that went on has ended.
    ///
    /// `EBUSY` if it is to start, and is frozen.
    pub(crate) fn command(&self, command: Command, cx: &mut MaySleep) -> Result {
        let mut held = self.control.lock_in(cx);
        match command {
            // It is what goes on, and not to be done once more.
            Command::Check if held.runs.state() == State::Running => Ok(()),
            Command::Check => match runs(held.as_mut()).start() {
                Ok(_) => Ok(()),
                Err(State::Retired) => Err(self.busy("going away")),
                Err(_) => Err(self.busy("frozen, write idle first")),
            },
            Command::Idle => held.thaw(runs).stop(Killable, runs).1,
            Command::Frozen => held.freeze(Killable, runs).1,
        }
    }

    /// Returns the word for what it does.
    pub(crate) fn state(&self, cx: &mut MaySleep) -> &'static str {
        match self.control.lock_in(cx).runs.state() {
            State::Idle | State::Retired => "idle",
            State::Requested | State::Running => "check",
            State::Stopping => "stopping",
            State::Freezing => "freezing",
            State::Frozen => "frozen",
        }
    }

    /// Returns how far the last run has come.
    pub(crate) fn progress(&self, cx: &mut MaySleep) -> Progress {
        self.control.lock_in(cx).progress
    }
}
