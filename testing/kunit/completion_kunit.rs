// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of completions: told once, in every way to wait, and never forgotten.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    completion::{
        dropped_completers,
        start,
        start_at,
        Abandoned,
        Completer,
        Completion,
        LocalCompleter,
        Slot,
        Tag, //
    },
    event::{
        Interruptible,
        Io,
        Killable,
        Mode,
        ModeAt,
        Timeout,
        Uninterruptible, //
    },
    level::levels,
    testing::{
        self,
        Log, //
    },
    MaySleep,
    Ordered,
    Thread, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    },
    workqueue, //
};

#[path = "completion/asleep.rs"]
mod asleep;
#[path = "completion/counted.rs"]
mod counted;
#[path = "completion/shared.rs"]
mod shared;

suite!("completion_kunit", "KUnit suite of baton's completions");

/// Counts its drop, and that by a hundred if a lock is held that takes interrupts.
struct Told(Arc<Atomic<u32>>);

impl Drop for Told {
    fn drop(&mut self) {
        let weight = if testing::irqs_off() { 100 } else { 1 };
        self.0.fetch_add(weight, Relaxed);
    }
}

/// A wait that is sure to end, and ends at last if it does not.
fn limited() -> Timeout<Uninterruptible> {
    Uninterruptible.timeout(msecs_to_jiffies(10_000))
}

/// Starts something that this test itself completes.
fn started<T: Send>(cx: &mut MaySleep) -> Result<(Completer<T>, Completion<T>)> {
    let mut kept = None;
    let completion = start(cx, |completer: LocalCompleter<T>, _| {
        kept = Some(completer.hand_over());
        Ok(())
    })?;
    Ok((kept.ok_or(EIO)?, completion))
}

levels! {
    /// A lock that is held while something is waited for.
    mod order {
        /// The lock.
        Config,
        /// What is waited for with it held.
        Answer,
    }
}

/// Waits in a thread, and stores what it got: the value, or the error.
fn waiter<M: ModeAt + Send + 'static>(
    mut completion: Completion<i32>,
    mode: M,
    cx: &mut MaySleep,
) -> Result<(Thread, Arc<Atomic<i32>>)> {
    let result = Arc::new(Atomic::new(0), GFP_KERNEL)?;
    let theirs = result.clone();
    let thread = Thread::spawn(cx, c"completion_kunit", move |cx, _| {
        let ended = completion.wait(cx, mode);
        theirs.store(ended.unwrap_or_else(|e| e.to_errno()), Release);
    })?;
    Ok((thread, result))
}

/// Signals the thread until it has ended: it may not have begun to listen.
fn until_finished(thread: Thread, signal: fn(&Thread), cx: &mut MaySleep) {
    while !thread.is_finished(cx) {
        signal(&thread);
        fsleep(Delta::from_micros(100));
    }
    let _ = thread.join(cx);
}

/// Completes with 7 from another task, and returns what the waiter got.
fn told_by_another<M: ModeAt + Send + 'static>(mode: M, cx: &mut MaySleep) -> Result<i32> {
    let (completer, completion) = started::<i32>(cx)?;
    let (thread, result) = waiter(completion, mode, cx)?;
    let other = Thread::spawn(cx, c"completion_kunit", move |_, _| {
        let _ = completer.complete(Ok(7));
    });
    // A completer that could not be handed to the thread is dropped, which completes.
    let _ = thread.join(cx);
    let _ = other?.join(cx);
    Ok(result.load(Acquire))
}

#[kunit_tests(baton_completion)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_wait_is_told() -> Result {
        let cx = &mut MaySleep::assert();
        assert_eq!(told_by_another(Uninterruptible, cx)?, 7);
        assert_eq!(told_by_another(Interruptible, cx)?, 7);
        assert_eq!(told_by_another(Killable, cx)?, 7);
        assert_eq!(told_by_another(Io, cx)?, 7);
        assert_eq!(told_by_another(limited(), cx)?, 7);
        Ok(())
    }

    #[test]
    fn told_before_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = started::<u32>(cx)?;
        let told = completer.complete(Ok(3));
        assert_eq!(told, Ok(()));
        assert_eq!(completion.wait(cx, limited()), Ok(3));
        Ok(())
    }

    #[test]
    fn told_while_it_is_started() -> Result {
        let cx = &mut MaySleep::assert();
        let mut completion = start(cx, |completer: LocalCompleter<u32>, _| {
            completer.complete(Ok(3)).map_err(|_| EIO)
        })?;
        assert_eq!(completion.wait(cx, limited()), Ok(3));
        Ok(())
    }

    #[test]
    fn told_by_work() -> Result {
        let cx = &mut MaySleep::assert();
        let mut answer = start(cx, |completer, _| {
            let completer = completer.hand_over();
            workqueue::system().try_spawn(GFP_KERNEL, move || {
                let _ = completer.complete(Ok(7));
            })?;
            Ok(())
        })?;
        assert_eq!(answer.wait(cx, limited()), Ok(7));
        Ok(())
    }

    #[test]
    fn what_cannot_be_started_is_not_said_to_be_forgotten() -> Result {
        let cx = &mut MaySleep::assert();
        let before = dropped_completers();
        let failed = start(cx, |_: LocalCompleter<u32>, _| Err(ENODEV)).err();
        let after = dropped_completers();
        // And if it says that it has started, it is.
        let mut started = start(cx, |completer: LocalCompleter<u32>, _| {
            drop(completer);
            Ok(())
        })?;
        assert_eq!(failed, Some(ENODEV));
        assert_eq!(after, before);
        assert_eq!(started.wait(cx, limited()), Err(ECANCELED));
        assert_eq!(dropped_completers(), before + 1);
        Ok(())
    }

    #[test]
    fn an_error_is_told_too() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = started::<u32>(cx)?;
        let told = completer.complete(Err(EIO));
        assert_eq!(told, Ok(()));
        assert_eq!(completion.wait(cx, limited()), Err(EIO));
        Ok(())
    }

    #[test]
    fn a_dropped_completer_completes_with_an_error() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Log::here();
        let before = dropped_completers();
        let (completer, mut completion) = started::<u32>(cx)?;
        drop(completer);
        assert_eq!(completion.wait(cx, limited()), Err(ECANCELED));
        assert_eq!(dropped_completers(), before + 1);
        assert_eq!(log.lines(&["a completer was dropped: "]), 1);
        Ok(())
    }

    #[test]
    fn who_would_complete_does_not_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let mut kept = None;
        let log = Log::here();
        let mut completion = start(cx, |completer: LocalCompleter<u32>, _| {
            kept = Some(completer);
            Ok(())
        })?;
        let refused = completion.wait(cx, limited());
        let said = log.lines(&["waits for a completion that only it could complete"]);
        let Some(completer) = kept else {
            return Err(EIO);
        };
        let told = completer.complete(Ok(1));
        assert_eq!((refused, said), (Err(EDEADLK), 1));
        assert_eq!(told, Ok(()));
        assert_eq!(completion.wait(cx, limited()), Ok(1));
        Ok(())
    }

    #[test]
    fn the_time_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = started::<u32>(cx)?;
        let limit = Uninterruptible.timeout(msecs_to_jiffies(10));
        let over = completion.wait(cx, limit);
        let told = completer.complete(Ok(2));
        assert_eq!(over, Err(ETIMEDOUT));
        assert_eq!(told, Ok(()));
        // It is told all the same, to who waits once more.
        assert_eq!(completion.wait(cx, limited()), Ok(2));
        Ok(())
    }

    #[test]
    fn signals_end_what_they_may() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, completion) = started::<i32>(cx)?;
        let (thread, interrupted) = waiter(completion, Interruptible, cx)?;
        until_finished(thread, Thread::interrupt, cx);
        drop(completer);

        let (completer, completion) = started::<i32>(cx)?;
        let (thread, killed) = waiter(completion, Killable, cx)?;
        until_finished(thread, Thread::kill, cx);
        drop(completer);
        assert_eq!(interrupted.load(Acquire), ERESTARTSYS.to_errno());
        assert_eq!(killed.load(Acquire), ERESTARTSYS.to_errno());
        Ok(())
    }

    #[test]
    fn try_wait_takes_what_is_there() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = started::<u32>(cx)?;
        let early = completion.try_wait();
        let told = completer.complete(Ok(5));
        assert!(early.is_none());
        assert_eq!(told, Ok(()));
        assert_eq!(completion.try_wait(), Some(Ok(5)));
        assert!(completion.try_wait().is_none());
        assert_eq!(completion.wait(cx, limited()), Err(ENODATA));
        Ok(())
    }

    #[test]
    fn who_tells_nobody_gets_it_back() -> Result {
        let cx = &mut MaySleep::assert();
        let before = dropped_completers();
        let (completer, completion) = started::<u32>(cx)?;
        let waited_for = completer.is_abandoned();
        drop(completion);
        let abandoned = completer.is_abandoned();
        let told = completer.complete(Ok(6));
        let (completer, completion) = started::<u32>(cx)?;
        drop(completion);
        drop(completer);
        assert!(!waited_for);
        assert!(abandoned);
        assert_eq!(told, Err(Abandoned(Ok(6))));
        // Nobody was let down.
        assert_eq!(dropped_completers(), before);
        Ok(())
    }

    #[test]
    fn what_nobody_takes_is_dropped_with_the_completion() -> Result {
        let cx = &mut MaySleep::assert();
        let dropped = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let (completer, completion) = started::<Told>(cx)?;
        let told = completer.complete(Ok(Told(dropped.clone()))).is_ok();
        drop(completion);
        assert!(told);
        // Once, and with no lock held.
        assert_eq!(dropped.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn it_is_taken_once() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = started::<u32>(cx)?;
        let told = completer.complete(Ok(3));
        let first = completion.wait(cx, limited());
        let second = completion.wait(cx, limited());
        assert_eq!(told, Ok(()));
        assert_eq!(first, Ok(3));
        assert_eq!(second, Err(ENODATA));
        Ok(())
    }

    #[test]
    fn it_is_completed_with_interrupts_off() -> Result {
        let cx = &mut MaySleep::assert();
        let (completer, mut completion) = started::<u32>(cx)?;
        let off = cx.interrupts_off();
        let told = completer.complete(Ok(4));
        drop(off);
        assert_eq!(told, Ok(()));
        assert_eq!(completion.wait(cx, limited()), Ok(4));
        Ok(())
    }

    #[test]
    fn it_is_waited_for_with_what_stands_above_it_held() -> Result {
        let cx = &mut MaySleep::assert();
        let config: Pin<KBox<Ordered<order::Config, Mutex<u32>>>> = KBox::pin_init(
            Ordered::new(new_mutex!(0u32, "completion_kunit_config")),
            GFP_KERNEL,
        )?;
        let mut held = config.lock_in(cx);
        let (mut size, cx) = held.inner();
        let mut answer: Completion<u32, order::Answer> = start_at(cx, |completer, _| {
            completer.complete(Ok(9)).map_err(|_| EIO)
        })?;
        *size = answer.wait(cx, limited())?;
        drop(held);
        let cx = &mut MaySleep::assert();
        assert_eq!(*config.lock_in(cx), 9);
        Ok(())
    }
}

#[kunit_tests(baton_completion_slot)]
mod slot {
    use super::*;

    fn slot() -> Result<Arc<Slot<u32>>> {
        Arc::pin_init(Slot::new(), GFP_KERNEL)
    }

    #[test]
    fn an_answer_that_comes_at_once_is_not_lost() -> Result {
        let cx = &mut MaySleep::assert();
        let slot = slot()?;
        let mut told = Err(Abandoned(Err(EIO)));
        let mut answer = slot.start(cx, |tag, _| {
            told = slot.complete(tag, Ok(1));
            Ok(())
        })?;
        assert_eq!(told, Ok(()));
        assert_eq!(answer.wait(cx, limited()), Ok(1));
        Ok(())
    }

    #[test]
    fn an_answer_that_nobody_has_asked_for_comes_back() -> Result {
        let cx = &mut MaySleep::assert();
        let slot = slot()?;
        let early = slot.complete_current(Ok(1));
        let mut answer = slot.start(cx, |_, _| Ok(()))?;
        let none = answer.try_wait();
        let told = slot.complete_current(Ok(2));
        let again = slot.complete_current(Ok(3));
        assert_eq!(early, Err(Abandoned(Ok(1))));
        assert!(none.is_none());
        assert_eq!(told, Ok(()));
        assert_eq!(again, Err(Abandoned(Ok(3))));
        assert_eq!(answer.wait(cx, limited()), Ok(2));
        Ok(())
    }

    #[test]
    fn a_late_answer_is_not_taken_for_that_to_the_next() -> Result {
        let cx = &mut MaySleep::assert();
        let slot = slot()?;
        let mut first = slot.start(cx, |_, _| Ok(()))?;
        let over = first.wait(cx, Uninterruptible.timeout(1));
        drop(first);
        // The device may answer still, so it cannot be asked.
        let busy = slot.start(cx, |_, _| Ok(())).err();
        let late = slot.complete_current(Ok(1));
        let mut second = slot.start(cx, |_, _| Ok(()))?;
        let told = slot.complete_current(Ok(2));
        assert_eq!(over, Err(ETIMEDOUT));
        assert_eq!(busy, Some(EBUSY));
        assert_eq!(late, Err(Abandoned(Ok(1))));
        assert_eq!(told, Ok(()));
        assert_eq!(second.wait(cx, limited()), Ok(2));
        Ok(())
    }

    #[test]
    fn with_tags_the_slot_can_be_used_again_at_once() -> Result {
        let cx = &mut MaySleep::assert();
        let slot = slot()?;
        let mut tags = [0; 2];
        let first = slot.start(cx, |tag, _| {
            tags[0] = tag.number();
            Ok(())
        })?;
        drop(first);
        slot.reset();
        let mut second = slot.start(cx, |tag, _| {
            tags[1] = tag.number();
            Ok(())
        })?;
        let late = slot.complete(Tag::from_number(tags[0]), Ok(1));
        let none = second.try_wait();
        let told = slot.complete(Tag::from_number(tags[1]), Ok(2));
        assert_eq!(late, Err(Abandoned(Ok(1))));
        assert!(none.is_none());
        assert_eq!(told, Ok(()));
        assert_eq!(second.wait(cx, limited()), Ok(2));
        Ok(())
    }

    #[test]
    fn what_is_not_started_is_not_in_it() -> Result {
        let cx = &mut MaySleep::assert();
        let before = dropped_completers();
        let slot = slot()?;
        let failed = slot.start(cx, |_, _| Err(ENODEV)).err();
        let empty = slot.complete_current(Ok(1));
        // It can be used again at once.
        let failed_again = slot.start(cx, |_, _| Err(ENODEV)).err();
        let first = slot.start(cx, |_, _| Ok(()));
        let started = first.is_ok();
        let called = Atomic::new(0);
        let busy = slot.start(cx, |_, _| {
            called.store(1, Relaxed);
            Ok(())
        });
        let busy = busy.err();
        let after = dropped_completers();
        drop(first);
        assert_eq!((failed, failed_again), (Some(ENODEV), Some(ENODEV)));
        assert_eq!(empty, Err(Abandoned(Ok(1))));
        assert!(started);
        assert_eq!(busy, Some(EBUSY));
        assert_eq!(called.load(Relaxed), 0);
        assert_eq!(after, before);
        Ok(())
    }

    #[test]
    fn a_reset_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let slot = slot()?;
        let mut answer = slot.start(cx, |_, _| Ok(()))?;
        slot.reset();
        assert_eq!(answer.wait(cx, limited()), Err(ECANCELED));
        Ok(())
    }
}
