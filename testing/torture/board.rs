// SPDX-License-Identifier: GPL-2.0

//! A row under torture: its tasks, and what is known of them.

use crate::{
    row::{
        Kind,
        Me,
        Row, //
    },
    shim::{
        self,
        Body,
        Kthread, //
    },
    spread::Turns,
    tally::{
        Role,
        Stock,
        Tally, //
    },
};
use baton::{
    testing::yield_now,
    LockIn,
    MaySleep, //
};
use kernel::{
    fmt, new_mutex,
    prelude::*,
    str::CString,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    time::{
        Instant,
        Monotonic, //
    },
};

/// So many failures of a row are told at length.
const TOLD: u64 = 3;

/// How often a task that stepped aside yields before it sleeps.
const YIELDS: u32 = 50;

/// How a row is tortured.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) writers: usize,
    pub(crate) waiters: usize,
    /// Percentage of waits with a short limit.
    pub(crate) limits: u64,
    pub(crate) failslab: bool,
    pub(crate) freezer: bool,
}

/// A row under torture.
#[pin_data]
pub(crate) struct Board {
    pub(crate) kind: &'static Kind,
    load: Load,
    row: Arc<dyn Row>,
    pub(crate) tallies: KVec<Tally>,
    #[pin]
    tasks: Mutex<KVec<Kthread<Worker>>>,
    closed: Atomic<u32>,
    aside: Atomic<u32>,
    fails: Atomic<u64>,
}

impl Board {
    /// Makes what is tortured.
    pub(crate) fn new(cx: &mut MaySleep, kind: &'static Kind, load: Load) -> Result<Arc<Self>> {
        let mut tallies = KVec::new();
        for (role, letter, count) in [
            (Role::Writer, 'w', load.writers),
            (Role::Waiter, 't', load.waiters),
        ] {
            for index in 0..count {
                let title = CString::try_from_fmt(fmt!("{}/{letter}{index}", kind.name))?;
                tallies.push(Tally::new(title, role), GFP_KERNEL)?;
            }
        }
        let row = (kind.make)(cx)?;
        Arc::pin_init(
            pin_init!(Self {
                kind,
                load,
                row,
                tallies,
                tasks <- new_mutex!(KVec::new()),
                closed: Atomic::new(0),
                aside: Atomic::new(0),
                fails: Atomic::new(0),
            }),
            GFP_KERNEL,
        )
    }

    /// Starts the tasks. [`Board::stop`] has to be called afterwards, whatever this returns.
    pub(crate) fn start(self: &Arc<Self>, cx: &mut MaySleep) -> Result {
        for (number, tally) in self.tallies.iter().enumerate() {
            let title = CString::try_from_fmt(fmt!("{}", self.title(tally)))?;
            let worker = Worker {
                board: self.clone(),
                number,
            };
            let task = Kthread::new(title, worker)?;
            self.tasks.lock_in(cx).push(task, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// Ends all waits, and joins the tasks.
    pub(crate) fn stop(&self, cx: &mut MaySleep) {
        self.close(cx);
        let tasks = core::mem::take(&mut *self.tasks.lock_in(cx));
        drop(tasks);
    }

    /// Ends all waits: the test is over, or has gone wrong.
    pub(crate) fn close(&self, cx: &mut MaySleep) {
        self.closed.store(1, Relaxed);
        self.row.close(cx);
        for task in self.tasks.lock_in(cx).iter() {
            task.signal(true);
        }
    }

    /// Sends a signal to the victim among the tasks of a role.
    pub(crate) fn interrupt(&self, cx: &mut MaySleep, role: Role, victim: usize, fatal: bool) {
        let number = match role {
            Role::Writer => victim % self.load.writers,
            Role::Waiter => self.load.writers + victim % self.load.waiters,
        };
        if let Some(task) = self.tasks.lock_in(cx).get(number) {
            task.signal(fatal);
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed) != 0
    }

    pub(crate) fn limits(&self) -> u64 {
        self.load.limits
    }

    pub(crate) fn freezer(&self) -> bool {
        self.load.freezer
    }

    pub(crate) fn waiters(&self) -> usize {
        self.load.waiters
    }

    pub(crate) fn title<'t>(&self, tally: &'t Tally) -> &'t str {
        tally.title.to_str().unwrap_or("?")
    }

    /// Something is wrong that must not be.
    pub(crate) fn fail(&self, what: fmt::Arguments<'_>) {
        if self.fails.fetch_add(1, Relaxed) < TOLD {
            pr_alert!("{}-torture: Fail: {}\n", self.kind.name, what);
        }
    }

    /// Looks for sleepers whose condition holds.
    pub(crate) fn audit(&self, cx: &mut MaySleep) {
        let lost = self.row.audit(cx);
        if lost > 0 {
            self.fail(fmt!(
                "audit: {lost} slept although what they wait for was there"
            ));
        }
    }

    /// Looks whether a task has got nothing in more than `most` looks, and ends that.
    pub(crate) fn look(&self, cx: &mut MaySleep, most: u64, period_ms: u64) {
        for tally in &self.tallies {
            let looks = tally.look();
            if looks <= most || self.is_closed() {
                continue;
            }
            self.fail(fmt!(
                "{} has got nothing for {} ms: {} hand-overs before that, {} by others; all waits are ended",
                self.title(tally),
                looks * period_ms,
                tally.handed.get(),
                self.sum(|other| other.handed.get())
                    .wrapping_sub(tally.handed.get())
            ));
            self.close(cx);
        }
    }

    /// Marks how far each task is.
    pub(crate) fn mark(&self) {
        self.tallies.iter().for_each(Tally::mark);
    }

    /// Returns whether each task has got something since then, or all waits were ended.
    pub(crate) fn is_past_mark(&self) -> bool {
        self.is_closed() || self.tallies.iter().all(Tally::is_past_mark)
    }

    fn sum(&self, of: impl Fn(&Tally) -> u64) -> u64 {
        self.tallies.iter().map(of).fold(0, u64::wrapping_add)
    }

    /// Logs what was done so far.
    pub(crate) fn statistics(&self) {
        let total = self.sum(|tally| tally.handed.get());
        // Those who are handed something: not every row has something for both.
        let waits = |tally: &&Tally| {
            self.tallies
                .iter()
                .any(|other| other.role == tally.role && other.handed.get() > 0)
        };
        let each = || self.tallies.iter().filter(waits).map(|t| t.handed.get());
        let (max, min) = (each().max().unwrap_or(0), each().min().unwrap_or(0));
        let longest = self.tallies.iter().map(|t| t.longest.get()).max();
        // As the kernel's torture tests mark it.
        let unfair = if max / 2 > min { " ???" } else { "" };
        pr_alert!(
            "{}-torture: Total: {total}  Max/Min: {max}/{min}{}  Fail: {}  Longest: {} us  Slept: {}  Gave up: {}\n",
            self.kind.name,
            unfair,
            self.fails.load(Relaxed),
            longest.unwrap_or(0) / 1000,
            self.sum(|tally| tally.slept.get()),
            self.sum(|tally| tally.gave_up.get())
        );
    }

    /// Judges the row. The tasks were [stopped](Self::stop).
    pub(crate) fn judge(&self, cx: &mut MaySleep) {
        let total = |of: fn(&Tally) -> Stock| {
            let stocks = self.tallies.iter().map(of);
            stocks.fold(Stock::default(), Stock::and)
        };
        let (given, taken) = (total(Tally::given), total(Tally::taken));
        let left = self.row.left(cx);
        if given != taken.and(left) {
            self.fail(fmt!(
                "{} values were given, {} taken, {} are left; the sums are {:x}, {:x}, {:x}",
                given.count,
                taken.count,
                left.count,
                given.sum,
                taken.sum,
                left.sum
            ));
        }
        if let Err(what) = self.row.end(cx) {
            self.fail(fmt!("at the end: {what}"));
        }
        if self.sum(|tally| tally.handed.get()) == 0 {
            self.fail(fmt!("nothing was handed over"));
        }
        self.statistics();
        let turns = self.tallies.iter().map(|tally| tally.spread.get());
        pr_alert!(
            "{}-torture: Spread:{}\n",
            self.kind.name,
            turns.fold(Turns::default(), Turns::and)
        );
        let good = self.fails.load(Relaxed) == 0;
        pr_alert!(
            "{}-torture:--- End of test: {}: nwriters={} nwaiters={} limits={} failslab={} freezer={}\n",
            self.kind.name,
            if good { "SUCCESS" } else { "FAILURE" },
            self.load.writers,
            self.load.waiters,
            self.load.limits,
            u32::from(self.load.failslab),
            u32::from(self.load.freezer)
        );
    }
}

/// What a task does.
pub(crate) struct Worker {
    board: Arc<Board>,
    number: usize,
}

impl Worker {
    /// Comes back when another one was served, if nobody else has stepped aside.
    fn step_aside(&self, cx: &mut MaySleep, me: &mut Me<'_>, mine: &Tally) {
        let board = &*self.board;
        if me.peers < 2 || board.aside.xchg(1, Full) != 0 {
            return;
        }
        let by_others = || {
            let tallies = board.tallies.iter();
            let others = tallies.filter(|t| t.role == mine.role && !core::ptr::eq(*t, mine));
            others.map(|t| t.handed.get()).fold(0, u64::wrapping_add)
        };
        let (before, mut looks) = (by_others(), 0);
        while by_others() == before && !board.is_closed() && !shim::must_stop() {
            cx.try_to_freeze();
            if looks < YIELDS {
                yield_now(cx);
            } else {
                me.random.sleep_us(cx, 200);
            }
            looks += 1;
        }
        board.aside.store(0, Relaxed);
    }
}

impl Body for Worker {
    fn failslab(&self) -> bool {
        self.board.load.failslab
    }

    fn freezer(&self) -> bool {
        self.board.load.freezer
    }

    fn run(&self, cx: &mut MaySleep, title: &CStr) {
        let board = &*self.board;
        let Some(tally) = board.tallies.get(self.number) else {
            return;
        };
        let (index, peers) = match tally.role {
            Role::Writer => (self.number, board.load.writers),
            Role::Waiter => (self.number - board.load.writers, board.load.waiters),
        };
        let mut me = Me::new(board, tally, index, peers);
        let before = shim::switches();
        while !shim::must_stop() && !board.is_closed() {
            shim::pause(cx, title);
            let begin = Instant::<Monotonic>::now();
            let result = match tally.role {
                Role::Writer => board.row.give(cx, &mut me),
                Role::Waiter => board.row.take(cx, &mut me),
            };
            tally.slept(shim::switches() - before);
            match result {
                Ok(hands) => tally.done(hands, begin.elapsed().as_nanos() as u64),
                Err(e) if e == ERESTARTSYS || e == ETIMEDOUT || e == EAGAIN || e == ENOMEM => {
                    tally.gave_up();
                    shim::forget_signals();
                    if board.kind.aside && tally.role == Role::Waiter && e != ENOMEM {
                        self.step_aside(cx, &mut me, tally);
                    }
                }
                Err(e) if e == ESHUTDOWN && (board.is_closed() || shim::must_stop()) => break,
                Err(e) => {
                    me.fail("a turn ended with an error that it must not have");
                    pr_alert!("{}-torture: error {:?}\n", board.kind.name, e);
                    break;
                }
            }
        }
    }
}

/// Stops all tasks, also when a test could not begin.
pub(crate) struct Boards {
    pub(crate) list: KVec<Arc<Board>>,
    _made: (),
}

impl Boards {
    pub(crate) fn new() -> Self {
        Self {
            list: KVec::new(),
            _made: (),
        }
    }

    /// Adds a board, and starts its tasks.
    pub(crate) fn start(&mut self, cx: &mut MaySleep, board: Arc<Board>) -> Result {
        self.list.push(board.clone(), GFP_KERNEL)?;
        board.start(cx)
    }
}

impl Drop for Boards {
    fn drop(&mut self) {
        // ENTRY: the module is unloaded, or could not be loaded.
        let cx = &mut MaySleep::assert();
        for board in &self.list {
            board.stop(cx);
        }
    }
}
