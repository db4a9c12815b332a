// SPDX-License-Identifier: GPL-2.0

//! How sinks end: closed, dropped, and by what they finish.

use super::probe::{
    until,
    Item,
    Note,
    Polled,
    LONG, //
};
use baton::{
    level::levels,
    owner,
    sink::{
        Context,
        Finish,
        PollSink,
        TimerSink,
        WorkSink, //
    },
    testing::Log,
    LockIn,
    MaySleep,
    Ordered,
    Thread, //
};
use kernel::{
    new_mutex,
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        Arc,
        Mutex,
        SpinLock, //
    },
    time::Delta, //
};

levels! {
    /// What the worker of a sink takes.
    mod order {
        /// The sink.
        Sink,
        /// The sum.
        Sum,
    }
}

/// A number for a sum.
struct Number(u32, Arc<Ordered<order::Sum, Mutex<u32>>>);

impl Finish<MaySleep<order::Sink>> for Number {
    fn finish(self, cx: &mut MaySleep<order::Sink>) {
        *self.1.lock_in(cx) += self.0;
    }
}

/// Is finished when it is let.
struct Slow(Arc<Note>);

impl<C: Context> Finish<C> for Slow {
    fn finish(self, _cx: &mut C) {
        self.0.stop_here();
        self.0.done();
    }
}

/// A sink of what has it.
enum Outer {
    Work(WorkSink<Inside>),
    Timer(TimerSink<Inside>),
}

impl Outer {
    fn work(cx: &mut MaySleep) -> Result<Arc<Self>> {
        let sink = WorkSink::new(cx, c"sink_kunit", 1)?;
        Ok(Arc::new(Self::Work(sink), GFP_KERNEL)?)
    }

    fn timer(cx: &mut MaySleep, delay: Delta) -> Result<Arc<Self>> {
        let sink = TimerSink::new(cx, delay, 1)?;
        Ok(Arc::new(Self::Timer(sink), GFP_KERNEL)?)
    }

    fn push(&self, payload: Inside) -> Result<(), Inside> {
        match self {
            Self::Work(sink) => sink.push(payload),
            Self::Timer(sink) => sink.push(payload),
        }
    }

    fn close(&self, cx: &mut MaySleep) -> Result {
        match self {
            Self::Work(sink) => sink.close(cx),
            Self::Timer(sink) => sink.close(cx),
        }
    }

    /// Closes it from what it finishes.
    fn close_inside(&self) -> Result {
        if cfg!(CONFIG_DEBUG_ATOMIC_SLEEP) && matches!(self, Self::Timer(_)) {
            // The kernel would report the next line.
            return Err(EDEADLK);
        }
        // ENTRY: none. It is false that nothing is held, which is what this is about.
        self.close(&mut MaySleep::assert())
    }
}

/// Has the sink that it is in.
struct Inside {
    sink: Arc<Outer>,
    note: Arc<Note>,
    /// How often it is handed over again.
    again: u32,
    closes: bool,
}

impl<C: Context> Finish<C> for Inside {
    fn finish(self, _cx: &mut C) {
        let note = self.note.clone();
        if self.closes {
            let errno = self
                .sink
                .close_inside()
                .map_or_else(Error::to_errno, |()| 0);
            note.closed.store(errno, Relaxed);
        }
        if self.again > 0 && !inside(&self.sink, &note, self.again - 1, false) {
            note.returned.fetch_add(1, Full);
        }
        // The sink may go before it is known that this was finished.
        drop(self);
        note.done();
    }
}

/// Hands over something that has its sink; returns whether it was taken.
fn inside(sink: &Arc<Outer>, note: &Arc<Note>, again: u32, closes: bool) -> bool {
    let payload = Inside {
        sink: sink.clone(),
        note: note.clone(),
        again,
        closes,
    };
    sink.push(payload).is_ok()
}

/// Waits until what was dropped meanwhile was torn down by the reaper.
fn reaped(before: usize, count: usize) -> bool {
    until(|| owner::reaped().wrapping_sub(before) == count)
}

#[kunit_tests(baton_sink_end)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_into_a_closed_sink_is_returned() -> Result {
        let cx = &mut MaySleep::assert();
        let note = Note::new()?;
        let work = WorkSink::new(cx, c"sink_kunit", 1)?;
        let timer = TimerSink::new(cx, LONG, 1)?;
        let poll = PollSink::new(cx, 1)?;
        work.close(cx)?;
        timer.close(cx)?;
        poll.close(cx);
        let returned = [
            work.push(Item(note.clone())).is_err(),
            timer.push(Item(note.clone())).is_err(),
            poll.push(Polled { number: 1 }).is_err(),
        ];
        // Once more is once.
        work.close(cx)?;
        timer.close(cx)?;
        poll.close(cx);
        assert_eq!(returned, [true; 3]);
        assert_eq!(poll.poll(), 0);
        assert_eq!(note.finished(), 0);
        Ok(())
    }

    #[test]
    fn a_worker_takes_what_stands_below_its_sink() -> Result {
        let cx = &mut MaySleep::assert();
        let sum = Arc::pin_init(Ordered::new(new_mutex!(0)), GFP_KERNEL)?;
        let sink = WorkSink::ordered(cx, c"sink_kunit", 3)?;
        let pushed = [1, 2, 4].map(|number| sink.push(Number(number, sum.clone())).is_ok());
        sink.close(cx)?;
        let sum = *sum.lock_in(cx);
        assert_eq!(pushed, [true; 3]);
        assert_eq!(sum, 7);
        Ok(())
    }

    #[test]
    fn close_waits_for_what_is_being_finished() -> Result {
        let cx = &mut MaySleep::assert();
        let note = Note::new()?;
        let sink = Arc::new(WorkSink::new(cx, c"sink_kunit", 1)?, GFP_KERNEL)?;
        let pushed = sink.push(Slow(note.clone())).is_ok();
        let runs = until(|| note.waits.load(Acquire) == 1);
        let seen = Arc::new([Atomic::new(0u32), Atomic::new(0)], GFP_KERNEL)?;
        let entered = Arc::new(Atomic::new(0u32), GFP_KERNEL)?;
        let mut threads = KVec::new();
        for nr in 0..2 {
            let (sink, note) = (sink.clone(), note.clone());
            let (seen, entered) = (seen.clone(), entered.clone());
            let thread = Thread::spawn(cx, c"sink_kunit", move |cx, _| {
                entered.fetch_add(1, Full);
                if sink.close(cx).is_ok() {
                    if let Some(seen) = seen.get(nr) {
                        seen.store(1 + note.finished(), Release);
                    }
                }
            })?;
            threads.push(thread, GFP_KERNEL)?;
        }
        let both = until(|| entered.load(Acquire) == 2);
        // From here on what is pushed is returned: one of them has begun.
        let closes = until(|| sink.push(Slow(note.clone())).is_err());
        note.go.store(1, Release);
        for thread in threads {
            let _ = thread.join(cx);
        }
        assert!(pushed);
        assert!(runs);
        assert!(both);
        assert!(closes);
        // Neither of them has returned before it was finished.
        let [first, second] = &*seen;
        assert_eq!((first.load(Acquire), second.load(Acquire)), (2, 2));
        Ok(())
    }

    #[test]
    fn closing_a_sink_from_what_it_finishes_is_refused() -> Result {
        let cx = &mut MaySleep::assert();
        let (first, second) = (Note::new()?, Note::new()?);
        let work = Outer::work(cx)?;
        let timer = Outer::timer(cx, Delta::from_micros(100))?;
        let pushed = [
            inside(&work, &first, 0, true),
            inside(&timer, &second, 0, true),
        ];
        let finished = until(|| first.finished() == 1 && second.finished() == 1);
        // Before anything waits for what may be waiting for itself.
        assert!(finished);
        // Nothing has happened.
        let open = [
            inside(&work, &first, 0, false),
            inside(&timer, &second, 0, false),
        ];
        let again = until(|| first.finished() == 2 && second.finished() == 2);
        work.close(cx)?;
        timer.close(cx)?;
        let edeadlk = EDEADLK.to_errno();
        assert_eq!(pushed, [true; 2]);
        assert_eq!(first.closed.load(Relaxed), edeadlk);
        assert_eq!(second.closed.load(Relaxed), edeadlk);
        assert_eq!(open, [true; 2]);
        assert!(again);
        Ok(())
    }

    #[test]
    fn what_is_pushed_from_within_is_finished_later() -> Result {
        let cx = &mut MaySleep::assert();
        let (first, second) = (Note::new()?, Note::new()?);
        let work = Outer::work(cx)?;
        let timer = Outer::timer(cx, Delta::from_micros(100))?;
        let pushed = [
            inside(&work, &first, 5, false),
            inside(&timer, &second, 5, false),
        ];
        let finished = until(|| first.finished() == 6 && second.finished() == 6);
        work.close(cx)?;
        timer.close(cx)?;
        assert_eq!(pushed, [true; 2]);
        assert!(finished);
        assert_eq!(first.returned.load(Acquire), 0);
        assert_eq!(second.returned.load(Acquire), 0);
        Ok(())
    }

    #[test]
    fn what_is_pushed_by_close_is_returned() -> Result {
        let cx = &mut MaySleep::assert();
        let note = Note::new()?;
        let timer = Outer::timer(cx, LONG)?;
        let pushed = inside(&timer, &note, 5, false);
        timer.close(cx)?;
        assert!(pushed);
        assert_eq!(note.finished(), 1);
        assert_eq!(note.returned.load(Acquire), 1);
        Ok(())
    }

    #[test]
    fn a_sink_may_be_dropped_by_what_it_finishes() -> Result {
        let cx = &mut MaySleep::assert();
        let (first, second) = (Note::new()?, Note::new()?);
        let before = owner::reaped();
        let work = Outer::work(cx)?;
        let timer = Outer::timer(cx, Delta::from_millis(20))?;
        let pushed = [
            inside(&work, &first, 0, false),
            inside(&timer, &second, 0, false),
        ];
        drop((work, timer));
        let gone = reaped(before, 2);
        assert_eq!(pushed, [true; 2]);
        assert!(gone);
        assert_eq!((first.finished(), second.finished()), (1, 1));
        Ok(())
    }

    /// With a spinlock held, and interrupts off: it neither sleeps nor finishes anything there.
    #[test]
    fn a_dropped_sink_is_closed_by_a_worker() -> Result {
        let cx = &mut MaySleep::assert();
        let note = Note::new()?;
        let lock = KBox::pin_init(new_spinlock!(0), GFP_KERNEL)?;
        let log = Log::here();
        let (dropped, before) = (owner::dropped(), owner::reaped());
        let work = WorkSink::new(cx, c"sink_kunit", 1)?;
        let timer = TimerSink::new(cx, LONG, 1)?;
        let poll = PollSink::new(cx, 1)?;
        let pushed = [
            work.push(Item(note.clone())).is_ok(),
            timer.push(Item(note.clone())).is_ok(),
            poll.push(Polled { number: 1 }).is_ok(),
        ];
        let held = SpinLock::lock_in(&lock, cx);
        let off = kernel::interrupt::local_interrupt_disable();
        drop((work, timer, poll));
        drop(off);
        drop(held);
        let gone = reaped(before, 3);
        // Each is named.
        let named = [
            "work sink 'sink_kunit', made at ",
            "timer sink 'hrtimer', made at ",
            "poll sink 'poll', made at ",
        ]
        .map(|name| log.lines(&[name, "sink/end.rs:", "dropped without `close(cx)`"]));
        assert_eq!(pushed, [true; 3]);
        assert!(gone);
        assert_eq!(named, [1; 3]);
        assert_eq!(owner::dropped().wrapping_sub(dropped), 3);
        assert_eq!(note.finished(), 2);
        Ok(())
    }

    #[test]
    fn a_closed_sink_is_dropped_without_a_word() -> Result {
        let cx = &mut MaySleep::assert();
        let dropped = owner::dropped();
        let log = Log::here();
        let work = WorkSink::<Item>::new(cx, c"sink_kunit", 1)?;
        let timer = TimerSink::<Item>::new(cx, LONG, 1)?;
        let poll = PollSink::<Polled>::new(cx, 1)?;
        work.close(cx)?;
        timer.close(cx)?;
        poll.close(cx);
        drop((work, timer, poll));
        let counted = owner::dropped().wrapping_sub(dropped);
        // The worker comes to what was dropped later, and names that: so it has been there.
        let mut gone = true;
        for _ in 0..3 {
            let before = owner::reaped();
            drop(PollSink::<Polled>::new(cx, 1)?);
            gone &= until(|| owner::reaped() != before);
        }
        let named = log.lines(&["sink/end.rs:", "dropped without"]);
        assert_eq!(counted, 0);
        assert!(gone);
        assert_eq!(named, 3);
        Ok(())
    }
}
