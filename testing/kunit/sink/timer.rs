// SPDX-License-Identifier: GPL-2.0

//! When a timer finishes, and in which context.

use super::probe::{
    until,
    InAtomic,
    Item,
    Note,
    LONG, //
};
use baton::{
    sink::{
        Context,
        Finish,
        TimerSink, //
    },
    testing::Log,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::Relaxed,
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};

/// Has no size.
struct Nothing;

impl<C: Context> Finish<C> for Nothing {
    fn finish(self, _cx: &mut C) {}
}

#[kunit_tests(baton_sink_timer)]
mod tests {
    use super::*;

    /// What is pushed later does not put it off: it would never be finished here.
    #[test]
    fn a_delay_counts_from_the_first_push() -> Result {
        let cx = &mut MaySleep::assert();
        let note = Note::new()?;
        // Long against the time between two of them, also where the CPU is somebody else's at times.
        let delay = Delta::from_millis(1000);
        let sink = TimerSink::new(cx, delay, 10_000)?;
        let start = Instant::<Monotonic>::now();
        let mut refused = 0;
        while note.finished() == 0 && start.elapsed() < Delta::from_secs(10) {
            refused += u32::from(sink.push(Item(note.clone())).is_err());
            fsleep(Delta::from_millis(2));
        }
        let (finished, took) = (note.finished(), start.elapsed());
        sink.close(cx)?;
        assert_eq!(refused, 0);
        assert!(finished > 0);
        assert!(took >= delay);
        Ok(())
    }

    #[test]
    fn a_delay_out_of_range_is_refused() {
        let cx = &mut MaySleep::assert();
        let mut new = |nanos| {
            let sink = TimerSink::<Item>::new(cx, Delta::from_nanos(nanos), 1);
            sink.and_then(|sink| sink.close(cx))
        };
        let day = 24 * 60 * 60 * 1_000_000_000;
        let log = Log::here();
        assert_eq!(new(-1), Err(EINVAL));
        let told = log.lines(&["a delay of -1 ns is invalid, allowed: 0 to 86400000000000"]);
        assert_eq!(told, 1);
        assert_eq!(new(i64::MIN), Err(EINVAL));
        assert_eq!(new(day + 1), Err(EINVAL));
        assert_eq!(new(i64::MAX), Err(EINVAL));
        assert_eq!(new(0), Ok(()));
        assert_eq!(new(day), Ok(()));
    }

    #[test]
    fn no_delay_is_soon() -> Result {
        let cx = &mut MaySleep::assert();
        let note = Note::new()?;
        let sink = TimerSink::new(cx, Delta::ZERO, 1)?;
        let pushed = sink.push(Item(note.clone())).is_ok();
        let finished = until(|| note.finished() == 1);
        sink.close(cx)?;
        assert!(pushed);
        assert!(finished);
        Ok(())
    }

    #[test]
    fn a_timer_finishes_in_a_hard_interrupt() -> Result {
        let cx = &mut MaySleep::assert();
        let note = Note::new()?;
        let sink = TimerSink::new(cx, Delta::from_micros(100), 1)?;
        let pushed = sink.push(InAtomic(note.clone())).is_ok();
        let finished = until(|| note.finished() == 1);
        sink.close(cx)?;
        assert!(pushed);
        assert!(finished);
        let hard = u32::from(!cfg!(CONFIG_PREEMPT_RT));
        assert_eq!(note.hard.load(Relaxed), hard);
        assert_eq!(note.off.load(Relaxed), hard);
        Ok(())
    }

    /// It is who finishes only as long as the interrupt lasts.
    #[test]
    fn a_task_that_was_interrupted_closes_the_sink() -> Result {
        let cx = &mut MaySleep::assert();
        let note = Note::new()?;
        let sink = TimerSink::new(cx, Delta::from_micros(100), 1)?;
        let start = Instant::<Monotonic>::now();
        for round in 1..=20 {
            let pushed = sink.push(InAtomic(note.clone())).is_ok();
            // Runs, so that the interrupt comes on top of it.
            while pushed && note.finished() < round && start.elapsed() < Delta::from_secs(10) {
                core::hint::spin_loop();
            }
        }
        let closed = sink.close(cx);
        assert_eq!(note.finished(), 20);
        assert_eq!(closed, Ok(()));
        Ok(())
    }

    /// Others take in the interrupt what it takes.
    #[test]
    fn what_is_left_is_finished_with_interrupts_off() -> Result {
        let cx = &mut MaySleep::assert();
        let note = Note::new()?;
        let sink = TimerSink::new(cx, LONG, 2)?;
        let pushed = [
            sink.push(InAtomic(note.clone())),
            sink.push(InAtomic(note.clone())),
        ];
        sink.close(cx)?;
        assert!(pushed.iter().all(Result::is_ok));
        assert_eq!(note.finished(), 2);
        assert_eq!(note.hard.load(Relaxed), 0);
        assert_eq!(
            note.off.load(Relaxed),
            2 * u32::from(!cfg!(CONFIG_PREEMPT_RT))
        );
        Ok(())
    }

    #[test]
    fn what_has_no_size_takes_room() -> Result {
        let cx = &mut MaySleep::assert();
        let sink = TimerSink::new(cx, LONG, 2)?;
        let pushed = [(); 3].map(|()| sink.push(Nothing).is_ok());
        sink.close(cx)?;
        assert_eq!(pushed, [true, true, false]);
        Ok(())
    }

    #[test]
    fn no_room_is_always_full() -> Result {
        let cx = &mut MaySleep::assert();
        let note = Note::new()?;
        let sink = TimerSink::new(cx, LONG, 0)?;
        let pushed = sink.push(Item(note.clone())).is_ok();
        sink.close(cx)?;
        assert!(!pushed);
        assert!(Arc::into_unique_or_drop(note).is_some());
        Ok(())
    }
}
