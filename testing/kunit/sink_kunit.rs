// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of sinks: what is handed over is finished once, in the context that the sink stands for.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    drain::{
        new_drain,
        Drain,
        InFlight, //
    },
    event::{
        Mode,
        Timeout,
        Uninterruptible, //
    },
    parkable,
    sink::{
        AtomicContext,
        Context,
        Errand,
        Finish,
        PollSink,
        TaskWork,
        TimerSink,
        WorkSink, //
    },
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    task::Task,
    time::{
        msecs_to_jiffies,
        Delta, //
    },
};

mod sink {
    mod end;
    mod errand;
    mod poll;
    mod probe;
    mod timer;
}

suite!("sink_kunit", "KUnit suite of baton's sinks");

/// What happened to everything that was handed over.
struct Record {
    finished: Atomic<u32>,
    /// The order in which it came, as decimal digits.
    order: Atomic<u64>,
    /// How often the finisher was another task, or none.
    elsewhere: Atomic<u32>,
    task: usize,
}

fn record() -> Result<Arc<Record>> {
    Ok(Arc::new(
        Record {
            finished: Atomic::new(0),
            order: Atomic::new(0),
            elsewhere: Atomic::new(0),
            task: Task::current_raw() as usize,
        },
        GFP_KERNEL,
    )?)
}

impl Record {
    fn finish(&self, digit: u64) {
        self.finished.fetch_add(1, Relaxed);
        // Nobody else finishes meanwhile.
        self.order
            .store(self.order.load(Relaxed) * 10 + digit, Relaxed);
        if Task::current_raw() as usize != self.task {
            self.elsewhere.fetch_add(1, Relaxed);
        }
    }
}

/// Something that a drain counts.
struct Io {
    record: Arc<Record>,
    digit: u64,
    in_flight: InFlight,
}

impl<C: Context> Finish<C> for Io {
    fn finish(self, _cx: &mut C) {
        self.record.finish(self.digit);
        self.in_flight.end();
    }
}

parkable! {
    /// Something that waits for who polls.
    struct Note {
        digit: u64,
    }
}

static POLLED: Atomic<u64> = Atomic::new(0);

#[vtable]
impl Errand for Note {
    fn run(self) {}
}

impl Finish<AtomicContext> for Note {
    fn finish(self, _cx: &mut AtomicContext) {
        POLLED.store(POLLED.load(Relaxed) * 10 + self.digit, Relaxed);
    }
}

fn drain() -> Result<Arc<Drain>> {
    Arc::pin_init(new_drain!("sink_kunit"), GFP_KERNEL)
}

fn io(record: &Arc<Record>, drain: &Drain, digit: u64) -> Result<Io> {
    Ok(Io {
        record: record.clone(),
        digit,
        in_flight: drain.try_begin()?,
    })
}

/// A wait that is sure to end at once, and ends at last if it does not.
fn limited() -> Timeout<Uninterruptible> {
    Uninterruptible.timeout(msecs_to_jiffies(10_000))
}

/// Waits until everything was finished.
fn drained(drain: &Drain, cx: &mut MaySleep) -> Result {
    drain.shut(cx, limited())?.wait(limited())?;
    Ok(())
}

/// Longer than the suite takes.
const LONG: Delta = Delta::from_secs(3600);

#[kunit_tests(baton_sink)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_finishes_in_order() -> Result {
        let cx = &mut MaySleep::assert();
        let (record, drain) = (record()?, drain()?);
        let sink = WorkSink::new(cx, c"sink_kunit", 9)?;
        let mut refused = 0;
        for digit in 1..=9 {
            refused += u32::from(sink.push(io(&record, &drain, digit)?).is_err());
        }
        drained(&drain, cx)?;
        sink.close(cx)?;
        assert_eq!(refused, 0);
        assert_eq!(record.finished.load(Relaxed), 9);
        assert_eq!(record.order.load(Relaxed), 123_456_789);
        assert_eq!(record.elsewhere.load(Relaxed), 9);
        Ok(())
    }

    #[test]
    fn a_timer_ends_references_in_its_interrupt() -> Result {
        let cx = &mut MaySleep::assert();
        let (record, drain) = (record()?, drain()?);
        let sink = TimerSink::new(cx, Delta::from_micros(100), 4)?;
        for digit in 1..=4 {
            assert!(sink.push(io(&record, &drain, digit)?).is_ok());
        }
        drained(&drain, cx)?;
        assert_eq!(record.finished.load(Relaxed), 4);
        // Once more, when the timer has expired.
        assert!(sink.push(io(&record, &drain, 5)?).is_ok());
        drained(&drain, cx)?;
        sink.close(cx)?;
        assert_eq!(record.order.load(Relaxed), 12345);
        Ok(())
    }

    #[test]
    fn who_polls_finishes() -> Result {
        let cx = &mut MaySleep::assert();
        let sink = PollSink::new(cx, 2)?;
        POLLED.store(0, Relaxed);
        let nothing = sink.poll();
        let pushed = [1, 2, 3].map(|digit| sink.push(Note { digit }).is_ok());
        let before = POLLED.load(Relaxed);
        let two = sink.poll();
        let again = sink.push(Note { digit: 4 }).is_ok();
        let one = sink.poll();
        sink.close(cx);
        assert_eq!((nothing, two, one), (0, 2, 1));
        // The third one was returned: there was no room.
        assert_eq!(pushed, [true, true, false]);
        assert!(again);
        assert_eq!(before, 0);
        assert_eq!(POLLED.load(Relaxed), 124);
        Ok(())
    }

    #[test]
    fn a_full_sink_returns_what_it_gets() -> Result {
        let cx = &mut MaySleep::assert();
        let (record, drain) = (record()?, drain()?);
        let sink = TimerSink::new(cx, LONG, 1)?;
        assert!(sink.push(io(&record, &drain, 1)?).is_ok());
        let returned = sink.push(io(&record, &drain, 2)?).err();
        assert_eq!(returned.as_ref().map(|io| io.digit), Some(2));
        drop(returned);
        assert_eq!(drain.in_flight(), 1);
        sink.close(cx)?;
        drained(&drain, cx)?;
        Ok(())
    }

    #[test]
    fn what_is_left_is_finished_by_close() -> Result {
        let cx = &mut MaySleep::assert();
        let (record, drain) = (record()?, drain()?);
        let timer = TimerSink::new(cx, LONG, 3)?;
        for digit in 1..=3 {
            assert!(timer.push(io(&record, &drain, digit)?).is_ok());
        }
        let before = record.finished.load(Relaxed);
        timer.close(cx)?;
        let after = record.finished.load(Relaxed);
        let work = WorkSink::new(cx, c"sink_kunit", 3)?;
        for digit in 4..=6 {
            assert!(work.push(io(&record, &drain, digit)?).is_ok());
        }
        work.close(cx)?;
        let sink = PollSink::new(cx, 1)?;
        POLLED.store(0, Relaxed);
        assert!(sink.push(Note { digit: 7 }).is_ok());
        sink.close(cx);
        assert_eq!((before, after), (0, 3));
        assert_eq!(record.order.load(Relaxed), 123_456);
        assert_eq!(POLLED.load(Relaxed), 7);
        assert_eq!(drain.in_flight(), 0);
        Ok(())
    }

    #[test]
    fn a_kernel_thread_does_no_task_work() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let returned = drain.try_begin()?.into_task_work(cx).err();
        let still = drain.in_flight();
        // It is not parked any more: the drain would say so, and not wait.
        drop(returned);
        drained(&drain, cx)?;
        let errand = TaskWork::new(cx, Note { digit: 8 }).err();
        assert_eq!(still, 1);
        assert_eq!(errand.map(|(note, e)| (note.digit, e)), Some((8, EINVAL)));
        Ok(())
    }

    #[test]
    fn a_gate_that_is_shut_by_nobody_is_opened_by_another() -> Result {
        let cx = &mut MaySleep::assert();
        let (record, drain) = (record()?, drain()?);
        let sink = WorkSink::new(cx, c"sink_kunit", 1)?;
        assert!(sink.push(io(&record, &drain, 1)?).is_ok());
        let shut = Drain::shut_owned(drain.as_arc_borrow(), cx, limited())?;
        shut.wait(cx, limited())?;
        let refused = drain.try_begin().is_err();
        let again =
            Drain::shut_owned(drain.as_arc_borrow(), cx, Uninterruptible.timeout(1)).is_err();
        drop(shut);
        let open = drain.try_begin().is_ok();
        sink.close(cx)?;
        assert!(refused);
        assert!(again);
        assert!(open);
        assert_eq!(record.finished.load(Relaxed), 1);
        Ok(())
    }
}
