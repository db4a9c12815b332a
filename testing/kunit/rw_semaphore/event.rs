// SPDX-License-Identifier: GPL-2.0

//! Events under a semaphore: who waits with it held for reading, who for writing, and who serves them.

use super::*;
use baton::{
    event::{
        Interruptible,
        Killable,
        Mode,
        ModeAt,
        Timeout,
        Uninterruptible, //
    },
    new_event,
    rw_semaphore::RwEvent,
    Fifo, //
};
use suite::until;

#[pin_data]
struct Space {
    #[pin]
    mapped: RwEvent<u32>,
    #[pin]
    turns: RwEvent<u32, Fifo>,
}

type Shared = RwSemaphore<Space>;

fn space() -> Result<Arc<Shared>> {
    let space = pin_init!(Space {
        mapped <- RwEvent::new(new_event!(0)),
        turns <- RwEvent::new(new_event!(0)),
    });
    Arc::pin_init(new_rw_semaphore!(space, "rw_event_kunit"), GFP_KERNEL)
}

fn map(space: &Shared, cx: &mut MaySleep, to: u32) {
    let mut held = space.write_in(cx);
    held.as_mut().project().mapped.update(|mapped| *mapped = to);
}

/// A wait that is sure to end at once, and ends at last if it does not.
fn limited() -> Timeout<Uninterruptible> {
    Uninterruptible.timeout(msecs_to_jiffies(10_000))
}

/// Waits with the semaphore held for reading, and looks at the data with it held again.
fn fault(space: &Shared, cx: &mut MaySleep, page: u32, mode: impl ModeAt) -> Result {
    let (held, ended) = space
        .read_in(cx)
        .on(|space| &space.mapped)
        .until(move |mapped| *mapped >= page)
        .wait_relock(mode);
    ended.map_err(Into::into)?;
    if *held.mapped < page {
        return Err(EINVAL);
    }
    Ok(())
}

/// Does something with it in a thread of its own; what came of it is 1 before.
fn spawn(
    space: &Arc<Shared>,
    cx: &mut MaySleep,
    body: impl FnOnce(&Shared, &mut MaySleep) -> Result + Send + 'static,
) -> Result<(Thread, Outcome)> {
    let outcome = Arc::new(Atomic::new(1), GFP_KERNEL)?;
    let (theirs, space) = (outcome.clone(), space.clone());
    let thread = Thread::spawn(cx, c"rwsem_kunit", move |cx, _| {
        let ended = body(&space, cx);
        theirs.store(ended.map_or_else(Error::to_errno, |()| 0), Release);
    })?;
    Ok((thread, outcome))
}

/// Waits until so many wait for what is mapped.
fn wait(space: &Shared, cx: &mut MaySleep, number: usize) -> bool {
    until(|| space.read_in(cx).mapped.waiters() == number)
}

#[kunit_tests(baton_rw_event)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_waits_and_the_writer_serves_it() -> Result {
        let cx = &mut MaySleep::assert();
        let space = space()?;
        let (thread, outcome) = spawn(&space, cx, |space, cx| fault(space, cx, 2, Killable))?;
        let waits = wait(&space, cx, 1);
        map(&space, cx, 1);
        let early = (outcome.load(Acquire), space.read_in(cx).mapped.waiters());
        map(&space, cx, 2);
        let left = space.read_in(cx).mapped.waiters();
        let joined = join(thread, cx);
        assert!(waits && joined);
        assert_eq!((early, left, outcome.load(Acquire)), ((1, 1), 0, 0));
        Ok(())
    }

    #[test]
    fn what_holds_already_is_not_waited_for() -> Result {
        let cx = &mut MaySleep::assert();
        let space = space()?;
        map(&space, cx, 3);
        let ended = fault(&space, cx, 3, limited());
        let plain = space
            .read_in(cx)
            .on(|space| &space.mapped)
            .until(|mapped| *mapped == 3)
            .wait(limited());
        // It is not held any more.
        map(&space, cx, 4);
        assert_eq!((ended, plain), (Ok(()), Ok(())));
        Ok(())
    }

    /// Readers go on the list at the same time, and leave it one by one.
    #[test]
    fn many_readers_wait_at_once() -> Result {
        let cx = &mut MaySleep::assert();
        let space = space()?;
        let mut threads = KVec::new();
        for _ in 0..4 {
            let started = spawn(&space, cx, |space, cx| {
                let mut ended = Ok(());
                for round in 1..=100 {
                    // Nobody is served before all four are on the list: they go there together.
                    ended = ended.and(fault(space, cx, round, Killable));
                }
                ended
            })?;
            threads.push(started, GFP_KERNEL)?;
        }
        let mut waited = true;
        for round in 1..=100 {
            waited &= wait(&space, cx, 4);
            map(&space, cx, round);
        }
        let mut joined = true;
        let mut outcomes = 0;
        for (thread, outcome) in threads {
            joined &= join(thread, cx);
            outcomes |= outcome.load(Acquire);
        }
        assert!(waited && joined);
        assert_eq!(outcomes, 0);
        Ok(())
    }

    #[test]
    fn a_writer_waits_and_takes() -> Result {
        let cx = &mut MaySleep::assert();
        let space = space()?;
        let (thread, outcome) = spawn(&space, cx, |space, cx| {
            let (mut held, taken) = space
                .write_in(cx)
                .on(|space| &space.mapped)
                .when(
                    |mapped| *mapped > 1,
                    |mapped| {
                        *mapped -= 1;
                        *mapped
                    },
                )
                .wait_relock(Killable);
            held.as_mut()
                .project()
                .mapped
                .update(|mapped| *mapped += 10);
            if taken? == 1 {
                Ok(())
            } else {
                Err(EINVAL)
            }
        })?;
        let waits = wait(&space, cx, 1);
        map(&space, cx, 2);
        let joined = join(thread, cx);
        let mapped = *space.read_in(cx).mapped;
        assert!(waits && joined);
        assert_eq!((outcome.load(Acquire), mapped), (0, 11));
        Ok(())
    }

    #[test]
    fn a_writer_waits_for_one_of_two() -> Result {
        let cx = &mut MaySleep::assert();
        let space = space()?;
        let (thread, outcome) = spawn(&space, cx, |space, cx| {
            space
                .write_in(cx)
                .on(|space| &space.mapped)
                .until(|mapped| *mapped > 1)
                .or(|space| &space.turns)
                .until(|turns| *turns > 0)
                .wait(Killable)
                .map(|_| ())
                .map_err(Into::into)
        })?;
        let waits = wait(&space, cx, 1);
        space
            .write_in(cx)
            .as_mut()
            .project()
            .turns
            .update(|turns| *turns = 1);
        let left = space.read_in(cx).mapped.waiters();
        let joined = join(thread, cx);
        assert!(waits && joined);
        assert_eq!((outcome.load(Acquire), left), (0, 0));
        Ok(())
    }

    #[test]
    fn a_signal_ends_the_wait_of_a_reader() -> Result {
        let cx = &mut MaySleep::assert();
        let space = space()?;
        let (thread, outcome) = spawn(&space, cx, |space, cx| fault(space, cx, 1, Interruptible))?;
        let (other, others) = spawn(&space, cx, |space, cx| fault(space, cx, 1, Killable))?;
        let waits = wait(&space, cx, 2);
        thread.interrupt();
        let ends = until(|| outcome.load(Acquire) != 1);
        let left = space.read_in(cx).mapped.waiters();
        map(&space, cx, 1);
        let joined = join(thread, cx) & join(other, cx);
        assert!(waits && ends && joined);
        assert_eq!(
            (outcome.load(Acquire), left, others.load(Acquire)),
            (ERESTARTSYS.to_errno(), 1, 0)
        );
        Ok(())
    }

    #[test]
    fn the_end_of_the_event_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let space = space()?;
        let (thread, outcome) = spawn(&space, cx, |space, cx| fault(space, cx, 1, Killable))?;
        let waits = wait(&space, cx, 1);
        space.write_in(cx).as_mut().project().mapped.close();
        let joined = join(thread, cx);
        let late = fault(&space, cx, 1, limited());
        assert!(waits && joined);
        assert_eq!(
            (outcome.load(Acquire), late),
            (ESHUTDOWN.to_errno(), Err(ESHUTDOWN))
        );
        Ok(())
    }

    /// Who gives up lets the next one have its turn.
    #[test]
    fn a_reader_that_gives_up_lets_another_one_pass() -> Result {
        let cx = &mut MaySleep::assert();
        let space = space()?;
        let turn = |space: &Shared, cx: &mut MaySleep, want: u32| -> Result {
            space
                .read_in(cx)
                .on(|space| &space.turns)
                .until(move |turns| *turns >= want)
                .wait(Interruptible)
                .map_err(Into::into)
        };
        let two =
            |space: &Shared, cx: &mut MaySleep| until(|| space.read_in(cx).turns.waiters() == 2);
        let (first, firsts) = spawn(&space, cx, move |space, cx| turn(space, cx, 2))?;
        let one = until(|| space.read_in(cx).turns.waiters() == 1);
        let (second, seconds) = spawn(&space, cx, move |space, cx| turn(space, cx, 1))?;
        let waits = one && two(&space, cx);
        space
            .write_in(cx)
            .as_mut()
            .project()
            .turns
            .update(|turns| *turns = 1);
        // Its condition holds, and it is behind the first one.
        let behind = (seconds.load(Acquire), space.read_in(cx).turns.waiters());
        // And so does that of one that comes now.
        let (third, thirds) = spawn(&space, cx, move |space, cx| turn(space, cx, 1))?;
        let queues = until(|| space.read_in(cx).turns.waiters() == 3);
        first.interrupt();
        let passes = until(|| seconds.load(Acquire) == 0 && thirds.load(Acquire) == 0);
        second.interrupt();
        third.interrupt();
        let joined = join(first, cx) & join(second, cx) & join(third, cx);
        assert!(waits && queues && passes && joined);
        assert_eq!(
            (behind, firsts.load(Acquire)),
            ((1, 2), ERESTARTSYS.to_errno())
        );
        Ok(())
    }

    #[test]
    fn every_update_races_with_a_reader() -> Result {
        let cx = &mut MaySleep::assert();
        let space = space()?;
        for page in 1..=300 {
            let (thread, outcome) = spawn(&space, cx, move |space, cx| {
                fault(space, cx, page, Killable)
            })?;
            map(&space, cx, page);
            let joined = join(thread, cx);
            let got = outcome.load(Acquire);
            assert!(joined);
            assert_eq!(got, 0);
        }
        Ok(())
    }
}
