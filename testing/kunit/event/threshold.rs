// SPDX-License-Identifier: GPL-2.0

//! Waiting for a threshold: who is served, in which order, and how the wait ends.

use super::gate::{
    code,
    deadline,
    until,
    CLOSED,
    PENDING,
    SERVED,
    SIGNAL, //
};
use baton::{
    event::{
        new_threshold_event,
        Interruptible,
        Killable,
        Measure,
        Mode,
        ModeAt,
        ThresholdEvent,
        Uninterruptible, //
    },
    new_event,
    Either,
    Event,
    LockIn,
    MaySleep,
    Thread,
    WaitError, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        SpinLock, //
    },
};

/// A level, and how often it was measured.
struct Level {
    level: u64,
    measured: Arc<Atomic<u32>>,
}

static OUTSIDE: Atomic<u32> = Atomic::new(0);

impl Measure for Level {
    fn measure(&self) -> u64 {
        self.measured.fetch_add(1, Relaxed);
        self.level + u64::from(OUTSIDE.load(Relaxed))
    }
}

/// A level, and how the waits of up to four waiters have ended.
#[pin_data]
struct Gate {
    #[pin]
    state: SpinLock<State>,
    ended: [Atomic<u32>; 4],
    measured: Arc<Atomic<u32>>,
}

#[pin_data]
struct State {
    #[pin]
    level: ThresholdEvent<Level>,
    #[pin]
    stop: Event<bool>,
}

fn gate() -> Result<Arc<Gate>> {
    OUTSIDE.store(0, Relaxed);
    let measured = Arc::new(Atomic::new(0), GFP_KERNEL)?;
    let level = Level {
        level: 0,
        measured: measured.clone(),
    };
    Arc::pin_init(
        pin_init!(Gate {
            state <- new_spinlock!(pin_init!(State {
                level <- new_threshold_event!(level),
                stop <- new_event!(false),
            })),
            ended: [const { Atomic::new(PENDING) }; 4],
            measured,
        }),
        GFP_KERNEL,
    )
}

impl Gate {
    fn waiters(&self, cx: &mut MaySleep) -> usize {
        self.state.lock_in(cx).level.waiters()
    }

    /// Starts waiter `id` for a level, which it lowers by `down` then; returns once it sleeps.
    fn start<M>(
        self: &Arc<Self>,
        cx: &mut MaySleep,
        id: usize,
        level: u64,
        down: u64,
        mode: M,
    ) -> Result<Thread>
    where
        M: ModeAt + Send + 'static,
        M::Error: Into<WaitError>,
    {
        let sleeping = self.waiters(cx);
        let theirs = self.clone();
        let thread = Thread::spawn(cx, c"level_waiter", move |cx, _| {
            let on = theirs.state.lock_in(cx).on_threshold(|s| &s.level);
            let wait = on.take_at_least(level, move |data| {
                data.level -= down;
                0
            });
            theirs.ended[id].store(code(wait.wait(mode)), Relaxed);
        })?;
        if until(|| self.waiters(cx) == sleeping + 1).is_err() {
            self.state.lock_in(cx).as_mut().project().level.close();
            return Err(ETIMEDOUT);
        }
        Ok(thread)
    }

    /// Raises the level, and returns what is left of it, and how many wait then.
    fn raise(&self, cx: &mut MaySleep, by: u64) -> (u64, usize) {
        let mut held = self.state.lock_in(cx);
        let level = held.as_mut().project().level;
        level.update(|data| data.level += by);
        (held.level.level, held.level.waiters())
    }

    /// Closes it, joins `threads`, and returns how their waits have ended.
    fn end<const N: usize>(&self, cx: &mut MaySleep, threads: [Thread; N]) -> Result<[u32; N]> {
        self.state.lock_in(cx).as_mut().project().level.close();
        for thread in threads {
            thread
                .join_timeout(cx, deadline())
                .map_err(core::mem::forget)
                .map_err(|()| ETIMEDOUT)?;
        }
        Ok(core::array::from_fn(|id| self.ended[id].load(Relaxed)))
    }
}

#[kunit_tests(baton_event_threshold)]
mod tests {
    use super::*;

    #[test]
    fn an_update_serves_whose_threshold_was_reached() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let far = gate.start(cx, 0, 30, 0, Uninterruptible)?;
        let near = gate.start(cx, 1, 10, 0, Uninterruptible)?;
        let middle = gate.start(cx, 2, 20, 0, Uninterruptible)?;
        let steps = [9, 1, 9, 1].map(|by| gate.raise(cx, by).1);
        let ended = gate.end(cx, [far, near, middle])?;
        assert_eq!(steps, [3, 2, 2, 1]);
        assert_eq!(ended, [CLOSED, SERVED, SERVED]);
        Ok(())
    }

    /// However many wait: it looks at the first one that it does not reach, and no further.
    #[test]
    fn an_update_looks_at_one_that_it_does_not_serve() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let first = gate.start(cx, 0, 10, 0, Uninterruptible)?;
        let second = gate.start(cx, 1, 11, 0, Uninterruptible)?;
        let third = gate.start(cx, 2, 12, 0, Uninterruptible)?;
        let before = gate.measured.load(Relaxed);
        gate.raise(cx, 1);
        let after = gate.measured.load(Relaxed);
        let ended = gate.end(cx, [first, second, third])?;
        assert_eq!(after - before, 1);
        assert_eq!(ended, [CLOSED; 3]);
        Ok(())
    }

    /// What one takes is not there for the next one.
    #[test]
    fn a_taking_leaves_what_is_left() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let large = gate.start(cx, 0, 3, 3, Uninterruptible)?;
        let small = gate.start(cx, 1, 2, 2, Uninterruptible)?;
        let small_too = gate.start(cx, 2, 2, 2, Uninterruptible)?;
        let first = gate.raise(cx, 3);
        let second = gate.raise(cx, 1);
        let third = gate.raise(cx, 3);
        let ended = gate.end(cx, [large, small, small_too])?;
        assert_eq!([first, second, third], [(1, 2), (0, 1), (0, 0)]);
        assert_eq!(ended, [SERVED; 3]);
        Ok(())
    }

    #[test]
    fn without_waiting() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        gate.raise(cx, 5);
        let reached = gate
            .state
            .lock_in(cx)
            .on_threshold(|s| &s.level)
            .at_least(5)
            .wait(Killable.timeout(deadline()));
        let timed_out = gate
            .state
            .lock_in(cx)
            .on_threshold(|s| &s.level)
            .at_least(6)
            .wait(Killable.timeout(1));
        let tried = [6, 5, 5].map(|threshold| {
            let mut held = gate.state.lock_in(cx);
            let level = held.as_mut().project().level;
            level.try_take_at_least(threshold, |data| data.level -= 1)
        });
        gate.raise(cx, 5);
        gate.end(cx, [])?;
        let mut held = gate.state.lock_in(cx);
        let level = held.as_mut().project().level;
        let closed = level.try_take_at_least(0, |_| ());
        drop(held);
        assert_eq!((reached, timed_out), (Ok(()), Err(WaitError::TimedOut)));
        assert_eq!((tried, closed), ([None, Some(()), None], None));
        assert_eq!(gate.waiters(cx), 0);
        Ok(())
    }

    #[test]
    fn who_gives_up_is_not_found_any_more() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let first = gate.start(cx, 0, 1, 1, Interruptible)?;
        let second = gate.start(cx, 1, 2, 1, Uninterruptible)?;
        first.interrupt();
        let gone = until(|| gate.waiters(cx) == 1);
        let left = gate.raise(cx, 2);
        let ended = gate.end(cx, [first, second])?;
        gone?;
        assert_eq!(left, (1, 0));
        assert_eq!(ended, [SIGNAL, SERVED]);
        Ok(())
    }

    #[test]
    fn a_threshold_or_an_event_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        for stop in [false, true] {
            let gate = gate()?;
            let theirs = gate.clone();
            let thread = Thread::spawn(cx, c"level_waiter", move |cx, _| {
                let held = theirs.state.lock_in(cx);
                let wait = held.on(|s| &s.stop).until(|stop| *stop);
                let wait = wait.or_threshold(|s| &s.level).at_least(4);
                let got = match wait.wait(Killable) {
                    Ok(Either::First(())) => 10,
                    Ok(Either::Second(())) => 20,
                    Err(error) => code::<WaitError>(Err(error)),
                };
                theirs.ended[0].store(got, Relaxed);
            })?;
            let asleep = until(|| gate.waiters(cx) == 1);
            if stop {
                let mut held = gate.state.lock_in(cx);
                held.as_mut().project().stop.update(|stop| *stop = true);
            } else {
                gate.raise(cx, 4);
            }
            let left = gate.waiters(cx);
            let ended = gate.end(cx, [thread])?;
            asleep?;
            assert_eq!(left, 0);
            assert_eq!(ended, [if stop { 10 } else { 20 }]);
        }
        Ok(())
    }

    #[test]
    fn audit_finds_a_measure_that_reads_a_static() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let near = gate.start(cx, 0, 1, 0, Uninterruptible)?;
        let far = gate.start(cx, 1, 5, 0, Uninterruptible)?;
        let nothing = gate.state.lock_in(cx).as_mut().project().level.audit();
        // The bug: the measure grows, and nobody has updated anything.
        OUTSIDE.store(1, Relaxed);
        let audit = gate.state.lock_in(cx).as_mut().project().level.audit();
        OUTSIDE.store(0, Relaxed);
        let ended = gate.end(cx, [near, far])?;
        assert_eq!((nothing.sleeping, nothing.lost), (2, 0));
        assert_eq!((audit.sleeping, audit.lost), (2, 1));
        assert_eq!(ended, [SERVED, CLOSED]);
        Ok(())
    }
}
