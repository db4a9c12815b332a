// SPDX-License-Identifier: GPL-2.0

//! One item and two tasks that wait for it: the first one gives up, the second one is to get it.

use crate::{
    items::{
        Inner,
        Items, //
    },
    suite::until, //
};
use baton::{
    event::{
        when,
        Interruptible,
        Mode, //
    },
    new_event,
    testing,
    Any,
    Event,
    LockIn,
    MaySleep,
    Thread, //
};
use core::mem;
use kernel::{
    prelude::*,
    static_lock_class,
    str::CStr,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        lock::{
            mutex::MutexBackend,
            spinlock::SpinLockBackend,
            Backend,
            Lock, //
        },
        Arc,
        LockClassKey, //
    },
    time::{
        msecs_to_jiffies,
        Jiffies, //
    },
};

/// How often each case is played.
pub(crate) const ROUNDS: u32 = 20;

/// A kind of lock: as the log calls it, and its class.
pub(crate) trait Kind: Backend + 'static {
    const NAME: &'static str;

    fn class() -> (&'static CStr, Pin<&'static LockClassKey>);
}

impl Kind for MutexBackend {
    const NAME: &'static str = "mutex";

    // Not inlined: there is one key.
    #[inline(never)]
    fn class() -> (&'static CStr, Pin<&'static LockClassKey>) {
        (c"condvar_mutex", static_lock_class!())
    }
}

impl Kind for SpinLockBackend {
    const NAME: &'static str = "spinlock";

    #[inline(never)]
    fn class() -> (&'static CStr, Pin<&'static LockClassKey>) {
        (c"condvar_spinlock", static_lock_class!())
    }
}

/// Items, and who waits for one, in whatever way.
pub(crate) trait Queue: Send + Sync + Sized + 'static {
    /// What is waited on, and the lock, for the log.
    const KIND: (&'static str, &'static str);

    fn new() -> impl PinInit<Self>;
    fn take(&self, cx: &mut MaySleep, limit: Option<Jiffies>, looks_again: bool) -> Result;
    fn give(&self, cx: &mut MaySleep, before: impl FnOnce(), after: impl FnOnce());
    /// Makes one who waits look.
    fn notify(&self, cx: &mut MaySleep);
    fn look(&self, cx: &mut MaySleep) -> Inner;
}

impl<B: Kind> Queue for Items<B>
where
    Self: Send + Sync,
{
    const KIND: (&'static str, &'static str) = ("CondVar", B::NAME);

    fn new() -> impl PinInit<Self> {
        let (name, key) = B::class();
        Items::new(name, key)
    }

    fn take(&self, _: &mut MaySleep, limit: Option<Jiffies>, looks_again: bool) -> Result {
        Items::take(self, limit, looks_again)
    }

    fn give(&self, _: &mut MaySleep, before: impl FnOnce(), after: impl FnOnce()) {
        Items::give(self, before, after);
    }

    fn notify(&self, _: &mut MaySleep) {
        Items::notify(self);
    }

    fn look(&self, _: &mut MaySleep) -> Inner {
        Items::look(self)
    }
}

/// The same with an event.
#[pin_data]
pub(crate) struct EventItems<B: Backend> {
    #[pin]
    inner: Lock<Ready, B>,
}

#[pin_data]
struct Ready {
    #[pin]
    items: Event<u32, Any>,
}

impl<B: Kind> Queue for EventItems<B>
where
    Self: Send + Sync,
{
    const KIND: (&'static str, &'static str) = ("Event", B::NAME);

    fn new() -> impl PinInit<Self> {
        let (name, key) = B::class();
        let ready = pin_init!(Ready {
            items <- new_event!(0),
        });
        pin_init!(Self {
            inner <- Lock::new(ready, name, key),
        })
    }

    fn take(&self, cx: &mut MaySleep, limit: Option<Jiffies>, _: bool) -> Result {
        let one = when(|items: &u32| *items > 0, |items: &mut u32| *items -= 1);
        let held = self.inner.lock_in(cx);
        let on = held.on(|ready| &ready.items).claim(one);
        match limit {
            None => Ok(on.wait(Interruptible)?),
            Some(limit) => Ok(on.wait(Interruptible.timeout(limit))?),
        }
    }

    fn give(&self, cx: &mut MaySleep, before: impl FnOnce(), after: impl FnOnce()) {
        let mut held = self.inner.lock_in(cx);
        before();
        held.as_mut().project().items.update(|items| *items += 1);
        after();
    }

    fn notify(&self, cx: &mut MaySleep) {
        self.inner
            .lock_in(cx)
            .as_mut()
            .project()
            .items
            .update(|_| ());
    }

    fn look(&self, cx: &mut MaySleep) -> Inner {
        let held = self.inner.lock_in(cx);
        Inner {
            items: *held.items,
            waiting: held.items.waiters() as u32,
        }
    }
}

/// What ends the wait of the first task, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    /// A signal, once it was notified and before it has the lock again.
    Signal,
    /// A signal, and it wants the lock again before it is notified.
    LateSignal,
    /// The end of its time, and it wants the lock again before it is notified.
    Timeout,
}

/// How a round has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The second task sleeps, and the item is there.
    Lost,
    /// One of the two has the item, and nobody sleeps for nothing.
    Served,
}

/// A task that wants an item.
struct Taker {
    thread: Thread,
    result: Arc<Atomic<i32>>,
}

/// No result yet.
const PENDING: i32 = 1;

impl Taker {
    fn start<Q: Queue>(
        cx: &mut MaySleep,
        queue: &Arc<Q>,
        limit: Option<Jiffies>,
        looks_again: bool,
    ) -> Result<Self> {
        let result = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
        let (theirs, said) = (queue.clone(), result.clone());
        let thread = Thread::spawn(cx, c"condvar_taker", move |cx, _| {
            let taken = theirs.take(cx, limit, looks_again);
            said.store(taken.map_or_else(|e| e.to_errno(), |()| 0), Relaxed);
        })?;
        Ok(Self { thread, result })
    }

    fn has_ended(&self, cx: &mut MaySleep) -> bool {
        self.thread.is_finished(cx)
    }

    fn has_result(&self) -> bool {
        self.result.load(Relaxed) != PENDING
    }

    fn has_taken(&self) -> bool {
        self.result.load(Relaxed) == 0
    }

    fn is(&self, state: char) -> bool {
        testing::state(self.thread.task()).0 == state
    }

    /// Ends it, by an item of its own if need be.
    fn end<Q: Queue>(self, cx: &mut MaySleep, queue: &Arc<Q>) {
        self.thread.interrupt();
        let mut left = self.thread;
        for _ in 0..2 {
            match left.join_timeout(cx, msecs_to_jiffies(10_000)) {
                Ok(()) => return,
                Err(refused) => left = refused.object,
            }
            queue.give(cx, || (), || ());
        }
        // It cannot be ended: the test has failed already.
        mem::forget(left);
    }
}

/// Plays one round.
///
/// # Errors
///
/// `EAGAIN` if the time of the first task was over before the second one waited, or the lock was taken;
/// `ETIMEDOUT` if something that must happen has not.
fn play<Q: Queue>(
    cx: &mut MaySleep,
    queue: &Arc<Q>,
    why: Why,
    looks_again: bool,
    limit: Jiffies,
) -> Result<Outcome> {
    let limit = (why == Why::Timeout).then_some(limit);
    let first = Taker::start(cx, queue, limit, looks_again)?;
    // In this order on the queue, unless the time of the first one is over.
    let mut in_time = until(|| queue.look(cx).waiting == 1 || first.has_result());
    let second = match Taker::start(cx, queue, None, looks_again) {
        Ok(second) => second,
        Err(e) => {
            first.end(cx, queue);
            return Err(e);
        }
    };
    in_time &= until(|| queue.look(cx).waiting == 2 || first.has_result());
    in_time &= !first.has_result();

    if in_time {
        queue.give(
            cx,
            || {
                if why == Why::LateSignal {
                    first.thread.interrupt();
                }
                if why != Why::Signal {
                    // It was woken by what ends its wait, and waits for the lock, which this task has; unless
                    // it has had the lock before.
                    in_time = until(|| first.is('D') || first.has_result()) && !first.has_result();
                }
            },
            || {
                if why == Why::Signal {
                    first.thread.interrupt();
                }
            },
        );
    }

    let ended = until(|| first.has_ended(cx));
    // Who was notified is not asleep any more, and sleeps no more: there is an item.
    let mut lost = false;
    let settled = in_time
        && ended
        && until(|| {
            let now = queue.look(cx);
            lost = now.items > 0 && now.waiting == 1 && second.is('S');
            lost || now.items == 0
        });
    // It had to be notified, nothing else.
    let mut woken = true;
    if settled && lost {
        queue.notify(cx);
        woken = until(|| second.has_taken());
    }
    let taken = first.has_taken() || second.has_taken();
    first.end(cx, queue);
    second.end(cx, queue);
    match (settled && woken, lost) {
        (false, _) if !in_time => Err(EAGAIN),
        (false, _) => Err(ETIMEDOUT),
        (true, true) => Ok(Outcome::Lost),
        (true, false) if taken => Ok(Outcome::Served),
        (true, false) => Err(EIO),
    }
}

/// Plays all rounds; returns in how many the item was lost.
pub(crate) fn lost<Q: Queue>(cx: &mut MaySleep, why: Why, looks_again: bool) -> Result<u32> {
    let (kind, lock) = Q::KIND;
    let mut lost = 0;
    for _ in 0..ROUNDS {
        // A machine that is busy may start the second task too late.
        let mut limit = msecs_to_jiffies(50);
        let outcome = loop {
            let queue = Arc::pin_init(Q::new(), GFP_KERNEL)?;
            match play(cx, &queue, why, looks_again, limit) {
                Err(e) if e == EAGAIN && limit < msecs_to_jiffies(5_000) => limit *= 2,
                outcome => break outcome?,
            }
        };
        lost += u32::from(outcome == Outcome::Lost);
    }
    let again = if looks_again { ", looks again" } else { "" };
    pr_info!("{kind}, {lock}, {why:?}{again}: lost in {lost} of {ROUNDS} rounds\n");
    Ok(lost)
}
