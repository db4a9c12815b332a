// SPDX-License-Identifier: GPL-2.0

//! Waiting under a key: who is considered, who is served, and how the wait ends.

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
        new_keyed_event,
        when,
        Claim,
        Interruptible,
        KeyedEvent,
        Killable,
        Mode,
        ModeAt,
        Uninterruptible, //
    },
    new_event,
    Either,
    Event,
    Fifo,
    LockIn,
    MaySleep,
    Thread,
    WaitError, //
};
use kernel::{
    new_mutex,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
};

/// Credits of four kinds, and how the waits of up to four waiters have ended.
#[pin_data]
struct Gate {
    #[pin]
    state: Mutex<State>,
    ended: [Atomic<u32>; 4],
    /// How often a condition was looked at, by key.
    looked: [Atomic<u32>; 4],
}

#[pin_data]
struct State {
    #[pin]
    credits: KeyedEvent<[u32; 4]>,
    #[pin]
    stop: Event<bool>,
    #[pin]
    line: Event<u32, Fifo>,
}

fn gate() -> Result<Arc<Gate>> {
    Arc::pin_init(
        pin_init!(Gate {
            state <- new_mutex!(pin_init!(State {
                credits <- new_keyed_event!([0; 4]),
                stop <- new_event!(false),
                line <- new_event!(1),
            })),
            ended: [const { Atomic::new(PENDING) }; 4],
            looked: [const { Atomic::new(0) }; 4],
        }),
        GFP_KERNEL,
    )
}

fn take(want: u32) -> impl Claim<u32, Output = u32> {
    when(
        move |credits: &u32| *credits >= want,
        move |credits: &mut u32| {
            *credits -= want;
            want
        },
    )
}

impl Gate {
    fn waiters(&self, cx: &mut MaySleep) -> usize {
        self.state.lock_in(cx).credits.waiters()
    }

    /// Starts waiter `id` for a credit of a key, and returns once it sleeps.
    fn start<M>(
        self: &Arc<Self>,
        cx: &mut MaySleep,
        id: usize,
        key: usize,
        mode: M,
    ) -> Result<Thread>
    where
        M: ModeAt + Send + 'static,
        M::Error: Into<WaitError>,
    {
        let sleeping = self.waiters(cx);
        let theirs = self.clone();
        let thread = Thread::spawn(cx, c"keyed_waiter", move |cx, _| {
            let looks = theirs.clone();
            let held = theirs.state.lock_in(cx);
            let wait = held.on_key(|s| &s.credits, key).when(
                move |credits| {
                    looks.looked[key].fetch_add(1, Relaxed);
                    *credits > 0
                },
                |credits| {
                    *credits -= 1;
                    1
                },
            );
            theirs.ended[id].store(code(wait.wait(mode)), Relaxed);
        })?;
        if until(|| self.waiters(cx) == sleeping + 1).is_err() {
            self.state.lock_in(cx).as_mut().project().credits.close();
            return Err(ETIMEDOUT);
        }
        Ok(thread)
    }

    fn add(&self, cx: &mut MaySleep, key: usize, amount: u32) -> Option<()> {
        let mut held = self.state.lock_in(cx);
        let credits = held.as_mut().project().credits;
        credits.update(key, |credits| *credits += amount)
    }

    /// Closes it, joins `threads`, and returns how their waits have ended.
    fn end<const N: usize>(&self, cx: &mut MaySleep, threads: [Thread; N]) -> Result<[u32; N]> {
        self.state.lock_in(cx).as_mut().project().credits.close();
        for thread in threads {
            thread
                .join_timeout(cx, deadline())
                .map_err(core::mem::forget)
                .map_err(|()| ETIMEDOUT)?;
        }
        Ok(core::array::from_fn(|id| self.ended[id].load(Relaxed)))
    }

    fn looked(&self) -> [u32; 4] {
        core::array::from_fn(|key| self.looked[key].load(Relaxed))
    }
}

/// Answers by number.
type Answers = KeyedEvent<RBTree<u64, Option<u32>>>;

fn answers() -> Result<Arc<Mutex<Answers>>> {
    Arc::pin_init(new_mutex!(new_keyed_event!(RBTree::new())), GFP_KERNEL)
}

fn insert(answers: &Mutex<Answers>, cx: &mut MaySleep, key: u64) -> Result<bool> {
    let room = RBTreeNodeReservation::new(GFP_KERNEL)?;
    let refused = answers.lock_in(cx).as_mut().insert(key, None, room).err();
    Ok(refused.is_none())
}

static OUTSIDE: Atomic<bool> = Atomic::new(false);

#[kunit_tests(baton_event_keyed)]
mod tests {
    use super::*;

    #[test]
    fn an_update_serves_who_waits_under_its_key() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let first = gate.start(cx, 0, 1, Uninterruptible)?;
        let second = gate.start(cx, 1, 2, Uninterruptible)?;
        let third = gate.start(cx, 2, 3, Uninterruptible)?;
        gate.add(cx, 2, 1);
        // Served under the lock by the update, not when the waiter gets to run.
        let left = gate.state.lock_in(cx).credits[2];
        let waiting = gate.waiters(cx);
        let ended = gate.end(cx, [first, second, third])?;
        assert_eq!((left, waiting), (0, 2));
        assert_eq!(ended, [CLOSED, SERVED, CLOSED]);
        Ok(())
    }

    /// What an update costs does not depend on those who wait under other keys.
    #[test]
    fn an_update_looks_at_nobody_under_other_keys() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let first = gate.start(cx, 0, 0, Uninterruptible)?;
        let second = gate.start(cx, 1, 2, Uninterruptible)?;
        let third = gate.start(cx, 2, 3, Uninterruptible)?;
        let before = gate.looked();
        gate.add(cx, 1, 1);
        let nobody = gate.looked();
        gate.add(cx, 2, 1);
        let one = gate.looked();
        let ended = gate.end(cx, [first, second, third])?;
        assert_eq!(before, [1, 0, 1, 1]);
        assert_eq!(nobody, before);
        assert_eq!(one, [1, 0, 2, 1]);
        assert_eq!(ended, [CLOSED, SERVED, CLOSED]);
        Ok(())
    }

    #[test]
    fn under_one_key_the_oldest_is_served_first() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let first = gate.start(cx, 0, 1, Uninterruptible)?;
        let other = gate.start(cx, 1, 0, Uninterruptible)?;
        let second = gate.start(cx, 2, 1, Uninterruptible)?;
        let third = gate.start(cx, 3, 1, Uninterruptible)?;
        gate.add(cx, 1, 2);
        let ended = gate.end(cx, [first, other, second, third])?;
        assert_eq!(ended, [SERVED, CLOSED, SERVED, CLOSED]);
        Ok(())
    }

    #[test]
    fn who_gives_up_is_not_found_any_more() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let first = gate.start(cx, 0, 1, Interruptible)?;
        let second = gate.start(cx, 1, 1, Uninterruptible)?;
        first.interrupt();
        let gone = until(|| gate.waiters(cx) == 1);
        let waited = gate
            .state
            .lock_in(cx)
            .on_key(|s| &s.credits, 3)
            .claim(take(1))
            .wait(Uninterruptible.timeout(1));
        gate.add(cx, 1, 1);
        gate.add(cx, 3, 1);
        let left = *gate.state.lock_in(cx).credits;
        let ended = gate.end(cx, [first, second])?;
        gone?;
        assert_eq!(waited, Err(WaitError::TimedOut));
        assert_eq!(left, [0, 0, 0, 1]);
        assert_eq!(ended, [SIGNAL, SERVED]);
        Ok(())
    }

    #[test]
    fn a_claim_that_holds_does_not_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        gate.add(cx, 1, 3);
        let tried = |cx: &mut MaySleep, key| {
            let mut held = gate.state.lock_in(cx);
            held.as_mut().project().credits.try_claim(key, take(1)).ok()
        };
        let (here, elsewhere) = (tried(cx, 1), tried(cx, 0));
        let held = gate.state.lock_in(cx);
        let waited = held.on_key(|s| &s.credits, 1).claim(take(2)).wait(Killable);
        let left = *gate.state.lock_in(cx).credits;
        gate.add(cx, 1, 1);
        gate.end(cx, [])?;
        let closed = tried(cx, 1);
        assert_eq!((here, elsewhere, waited), (Some(1), None, Ok(2)));
        assert_eq!((left, closed), ([0; 4], None));
        Ok(())
    }

    /// A taking can be what another one waits for.
    #[test]
    fn a_taking_serves_who_waits_under_its_key() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let first = gate.start(cx, 0, 1, Uninterruptible)?;
        let give = |credits: &mut u32| *credits = 1;
        let mut held = gate.state.lock_in(cx);
        let credits = held.as_mut().project().credits;
        let tried = credits.try_claim(1, when(|_: &u32| true, give)).ok();
        drop(held);
        let second = gate.start(cx, 1, 1, Uninterruptible)?;
        let held = gate.state.lock_in(cx);
        let wait = held.on_key(|s| &s.credits, 1).when(|_| true, give);
        let waited = wait.wait(Killable);
        let ended = gate.end(cx, [first, second])?;
        assert_eq!((tried, waited), (Some(()), Ok(())));
        assert_eq!(ended, [SERVED, SERVED]);
        Ok(())
    }

    #[test]
    fn a_key_that_there_is_not_is_closed() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let held = gate.state.lock_in(cx);
        let waited = held.on_key(|s| &s.credits, 4).claim(take(1)).wait(Killable);
        assert_eq!(waited, Err(WaitError::Closed));
        assert_eq!(gate.add(cx, 4, 1), None);
        Ok(())
    }

    #[test]
    fn a_key_that_is_removed_ends_its_waits_and_no_others() -> Result {
        let cx = &mut MaySleep::assert();
        let answers = answers()?;
        let new = [insert(&answers, cx, 7)?, insert(&answers, cx, 8)?];
        let again = insert(&answers, cx, 7)?;
        let ended = Arc::new([const { Atomic::new(PENDING) }; 2], GFP_KERNEL)?;
        let mut threads = KVec::with_capacity(2, GFP_KERNEL)?;
        for (at, key) in [7, 8].into_iter().enumerate() {
            let (theirs, notes) = (answers.clone(), ended.clone());
            let thread = Thread::spawn(cx, c"keyed_waiter", move |cx, _| {
                let held = theirs.lock_in(cx);
                let wait = held.on_key(|a| a, key).when(
                    |answer| answer.is_some(),
                    |answer| answer.take().unwrap_or(0),
                );
                notes[at].store(code(wait.wait(Uninterruptible)), Relaxed);
            })?;
            threads.push(thread, GFP_KERNEL)?;
        }
        let asleep = until(|| answers.lock_in(cx).waiters() == 2);
        let removed = answers.lock_in(cx).as_mut().remove(7);
        let left = answers.lock_in(cx).waiters();
        let late = answers
            .lock_in(cx)
            .as_mut()
            .update(7, |answer| *answer = Some(1));
        answers
            .lock_in(cx)
            .as_mut()
            .update(8, |answer| *answer = Some(2));
        let served = until(|| ended[1].load(Relaxed) != PENDING);
        answers.lock_in(cx).as_mut().close();
        for thread in threads {
            thread.join(cx)?;
        }
        let ended = [ended[0].load(Relaxed), ended[1].load(Relaxed)];
        asleep.and(served)?;
        assert_eq!((new, again), ([true; 2], false));
        assert_eq!(removed.map(|node| node.to_key_value()), Some((7, None)));
        assert_eq!((left, late), (1, None));
        assert_eq!(ended, [CLOSED, SERVED]);
        Ok(())
    }

    #[test]
    fn close_ends_every_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let first = gate.start(cx, 0, 1, Uninterruptible)?;
        let second = gate.start(cx, 1, 2, Uninterruptible)?;
        let ended = gate.end(cx, [first, second])?;
        let held = gate.state.lock_in(cx);
        let later = held.on_key(|s| &s.credits, 1).claim(take(1)).wait(Killable);
        assert_eq!(ended, [CLOSED, CLOSED]);
        assert_eq!(later, Err(WaitError::Closed));
        assert!(gate.state.lock_in(cx).credits.is_closed());
        Ok(())
    }

    /// A wait under a key can be one of several.
    #[test]
    fn a_key_or_an_event_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        for stop in [false, true] {
            let gate = gate()?;
            let theirs = gate.clone();
            let thread = Thread::spawn(cx, c"keyed_waiter", move |cx, _| {
                let held = theirs.state.lock_in(cx);
                let wait = held.on(|s| &s.stop).until(|stop| *stop);
                let got = wait.or_key(|s| &s.credits, 2).claim(take(1)).wait(Killable);
                let got = match got {
                    Ok(Either::First(())) => 10,
                    Ok(Either::Second(_)) => 20,
                    Err(error) => code::<WaitError>(Err(error)),
                };
                theirs.ended[0].store(got, Relaxed);
            })?;
            let asleep = until(|| gate.waiters(cx) == 1);
            gate.add(cx, 1, 1);
            let mut held = gate.state.lock_in(cx);
            let state = held.as_mut().project();
            if stop {
                state.stop.update(|stop| *stop = true);
            } else {
                state.credits.update(2, |credits| *credits = 1);
            }
            let left = [held.credits.waiters(), held.stop.waiters()];
            drop(held);
            let ended = gate.end(cx, [thread])?;
            asleep?;
            assert_eq!(left, [0, 0]);
            assert_eq!(ended, [if stop { 10 } else { 20 }]);
        }
        Ok(())
    }

    /// The first one waits for two of the line, which has one, or for a key; the second one, behind it, for one.
    #[test]
    fn who_is_served_under_a_key_lets_those_behind_it_pass() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let theirs = gate.clone();
        let first = Thread::spawn(cx, c"keyed_waiter", move |cx, _| {
            let wait = theirs.state.lock_in(cx).on(|s| &s.line).claim(take(2));
            let got = wait.or_key(|s| &s.credits, 2).claim(take(1)).wait(Killable);
            theirs.ended[0].store(code(got.map(|_| 1)), Relaxed);
        })?;
        let asleep = until(|| gate.state.lock_in(cx).line.waiters() == 1);
        let theirs = gate.clone();
        let second = Thread::spawn(cx, c"keyed_waiter", move |cx, _| {
            let wait = theirs.state.lock_in(cx).on(|s| &s.line).claim(take(1));
            theirs.ended[1].store(code(wait.wait(Killable)), Relaxed);
        })?;
        let behind = until(|| gate.state.lock_in(cx).line.waiters() == 2);
        gate.add(cx, 2, 1);
        let passed = until(|| gate.ended[1].load(Relaxed) != PENDING);
        gate.state.lock_in(cx).as_mut().project().line.close();
        let ended = gate.end(cx, [first, second])?;
        asleep.and(behind).and(passed)?;
        assert_eq!(ended, [SERVED, SERVED]);
        Ok(())
    }

    #[test]
    fn keys_of_a_vector() -> Result {
        let cx = &mut MaySleep::assert();
        let table = KVec::from_elem(0u32, 3, GFP_KERNEL)?;
        let table: Pin<KBox<Mutex<KeyedEvent<KVec<u32>>>>> =
            KBox::pin_init(new_mutex!(new_keyed_event!(table)), GFP_KERNEL)?;
        table.lock_in(cx).as_mut().update(2, |credits| *credits = 5);
        let got = table
            .lock_in(cx)
            .on_key(|t| t, 2)
            .claim(take(5))
            .wait(Killable);
        let none = table
            .lock_in(cx)
            .on_key(|t| t, 3)
            .claim(take(5))
            .wait(Killable);
        assert_eq!((got, none), (Ok(5), Err(WaitError::Closed)));
        Ok(())
    }

    #[test]
    fn audit_finds_nothing_where_the_types_are_kept() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = gate()?;
        let first = gate.start(cx, 0, 1, Uninterruptible)?;
        let second = gate.start(cx, 1, 3, Uninterruptible)?;
        gate.add(cx, 2, 1);
        let audit = gate.state.lock_in(cx).as_mut().project().credits.audit();
        let ended = gate.end(cx, [first, second])?;
        assert_eq!((audit.sleeping, audit.lost, audit.behind), (2, 0, 0));
        assert_eq!(ended, [CLOSED, CLOSED]);
        Ok(())
    }

    #[test]
    fn audit_finds_a_condition_that_reads_a_static() -> Result {
        let cx = &mut MaySleep::assert();
        OUTSIDE.store(false, Relaxed);
        let gate = gate()?;
        let mut threads = KVec::with_capacity(2, GFP_KERNEL)?;
        for key in [0, 2] {
            let theirs = gate.clone();
            let thread = Thread::spawn(cx, c"keyed_waiter", move |cx, _| {
                let held = theirs.state.lock_in(cx);
                let wait = held.on_key(|s| &s.credits, key);
                let _ = wait.until(|_| OUTSIDE.load(Relaxed)).wait(Uninterruptible);
            })?;
            threads.push(thread, GFP_KERNEL)?;
        }
        let asleep = until(|| gate.waiters(cx) == 2);
        // The bug: the conditions become true, and no key was updated.
        OUTSIDE.store(true, Relaxed);
        let audit = gate.state.lock_in(cx).as_mut().project().credits.audit();
        gate.end(cx, [])?;
        for thread in threads {
            thread.join(cx)?;
        }
        asleep?;
        assert_eq!((audit.sleeping, audit.lost), (2, 2));
        Ok(())
    }
}
