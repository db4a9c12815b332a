// SPDX-License-Identifier: GPL-2.0

//! Sinks, by the context that they finish in: what was handed over is finished once, and before a close returns.

use crate::{
    row::{
        made,
        Me,
        Row, //
    },
    waited_killable, //
};
use baton::{
    completion::{
        self,
        Completer, //
    },
    parkable,
    sink::{
        AtomicContext,
        Context,
        Finish,
        PollSink,
        TimerSink,
        WorkSink, //
    },
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    time::Delta, //
};

/// How much a sink has room for.
const ROOM: usize = 8;

/// How much a sink has finished at least before it is closed for another one.
///
/// Linux 7.3.4 warns in `destroy_workqueue()`, and leaks the queue, if its rescuer was called for and is
/// stopped before it has ever run: on CPUs as busy as here, that takes it more than the 10 ms after which it
/// is called for.
const LEAST: u64 = 256;

/// How long a timer waits, in microseconds.
const DELAY: i64 = 20;

struct Job {
    number: u64,
    completer: Completer<u64>,
    finished: Arc<Numbers>,
}

impl<C: Context> Finish<C> for Job {
    fn finish(self, _cx: &mut C) {
        self.finished.finished.fetch_add(1, Full);
        // Who waits may have given up.
        let _ = self.completer.complete(Ok(self.number));
    }
}

/// How much was handed to one sink, and how much of that it has finished.
struct Numbers {
    pushed: Atomic<u64>,
    finished: Atomic<u64>,
}

enum Sink {
    Work(WorkSink<Job>),
    Timer(TimerSink<Job>),
}

impl Sink {
    fn new(cx: &mut MaySleep, is_timer: bool) -> Result<Self> {
        if is_timer {
            TimerSink::new(cx, Delta::from_micros(DELAY), ROOM).map(Self::Timer)
        } else {
            WorkSink::new(cx, c"baton_torture", ROOM).map(Self::Work)
        }
    }
}

/// A sink that somebody may close at any time, for another one.
struct Open {
    sink: Sink,
    numbers: Arc<Numbers>,
}

impl Open {
    fn new(cx: &mut MaySleep, is_timer: bool) -> Result<Self> {
        let numbers = Numbers {
            pushed: Atomic::new(0),
            finished: Atomic::new(0),
        };
        Ok(Self {
            numbers: Arc::new(numbers, GFP_KERNEL)?,
            sink: Sink::new(cx, is_timer)?,
        })
    }

    fn push(&self, number: u64, completer: Completer<u64>) -> Result {
        let finished = self.numbers.clone();
        let job = Job {
            number,
            completer,
            finished,
        };
        self.numbers.pushed.fetch_add(1, Full);
        let pushed = match &self.sink {
            Sink::Work(sink) => sink.push(job),
            Sink::Timer(sink) => sink.push(job),
        };
        // It is full; the completer that comes back says so to nobody.
        pushed.map_err(|job| {
            self.numbers.pushed.fetch_sub(1, Full);
            drop(job);
            EAGAIN
        })
    }

    /// Closes the sink. Nobody hands over anything any more.
    fn close(self, cx: &mut MaySleep) -> Result<(), &'static str> {
        let closed = match &self.sink {
            Sink::Work(sink) => sink.close(cx),
            Sink::Timer(sink) => sink.close(cx),
        };
        if closed.is_err() {
            return Err("the sink could not be closed");
        }
        if self.numbers.finished.load(Relaxed) == self.numbers.pushed.load(Relaxed) {
            Ok(())
        } else {
            Err("a sink is closed, and has not finished what was handed over, or has done so twice")
        }
    }
}

/// A waiter hands over a job, and waits until it is finished.
#[pin_data]
struct JobRow {
    #[pin]
    open: Mutex<Option<Open>>,
    is_timer: bool,
}

impl JobRow {
    /// Whether it is too early to close the sink.
    fn is_new(&self, cx: &mut MaySleep) -> bool {
        match &*self.open.lock_in(cx) {
            Some(open) => open.numbers.finished.load(Relaxed) < LEAST,
            None => false,
        }
    }

    fn turn(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let number = me.value();
        let mut answer = completion::start(cx, |completer, cx| {
            let completer = completer.hand_over();
            // With the lock held, so that nobody closes it meanwhile.
            match &*self.open.lock_in(cx) {
                Some(open) => open.push(number, completer),
                None => Err(ESHUTDOWN),
            }
        })?;
        let got = waited_killable!(me.how_killable(), |mode| answer.wait(cx, mode))?;
        if got != number {
            me.fail("another job was finished");
        }
        Ok(1)
    }
}

impl Row for JobRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        if me.random.below(32) > 0 || self.is_new(cx) {
            return self.turn(cx, me);
        }
        let next = Open::new(cx, self.is_timer)?;
        let last = self.open.lock_in(cx).replace(next);
        if let Some(Err(what)) = last.map(|open| open.close(cx)) {
            me.fail(what);
        }
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        self.turn(cx, me)
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        let last = self.open.lock_in(cx).take();
        last.map_or(Ok(()), |open| open.close(cx))
    }
}

fn jobs(cx: &mut MaySleep, is_timer: bool) -> Result<Arc<dyn Row>> {
    let open = Open::new(cx, is_timer)?;
    made(pin_init!(JobRow {
        open <- new_mutex!(Some(open)),
        is_timer,
    }))
}

pub(super) fn work(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    jobs(cx, false)
}

pub(super) fn timer(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    jobs(cx, true)
}

/// The sum of what was handed over to be polled, and of what was finished. There is one such row at a time.
static HANDED: Atomic<u64> = Atomic::new(0);
static DONE: Atomic<u64> = Atomic::new(0);

parkable! {
    /// What a task finishes for itself.
    struct Trip {
        number: u64,
    }
}

impl Finish<AtomicContext> for Trip {
    fn finish(self, _cx: &mut AtomicContext) {
        DONE.fetch_add(self.number, Full);
    }
}

struct PollRow(PollSink<Trip>);

impl PollRow {
    /// Finishes what is there. Nobody waits for that: whoever wants it finished does it.
    fn poll(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> u64 {
        let finished = self.0.poll();
        if finished == 0 {
            me.random.sleep_us(cx, 20);
        }
        finished as u64
    }
}

impl Row for PollRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let number = 1 + me.random.below(16);
        HANDED.fetch_add(number, Full);
        if self.0.push(Trip { number }).is_err() {
            HANDED.fetch_sub(number, Full);
            return Ok(self.poll(cx, me));
        }
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        Ok(self.poll(cx, me))
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        self.0.close(cx);
        if HANDED.load(Relaxed) == DONE.load(Relaxed) {
            Ok(())
        } else {
            Err("what was handed over was not finished, or was so twice")
        }
    }
}

pub(super) fn poll(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    HANDED.store(0, Relaxed);
    DONE.store(0, Relaxed);
    let row = Arc::new(PollRow(PollSink::new(cx, ROOM)?), GFP_KERNEL)?;
    Ok(row)
}
