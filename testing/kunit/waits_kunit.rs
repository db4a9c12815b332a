// SPDX-License-Identifier: GPL-2.0

//! KUnit suites of the programs in `samples/waits/`, one each: what a row of `samples/README.md` says, its
//! program does.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    time::msecs_to_jiffies, //
};
use suite::until;

#[path = "../../samples/waits/any.rs"]
mod any;
#[path = "../../samples/waits/bit.rs"]
mod bit;
#[path = "../../samples/waits/bit_lock.rs"]
mod bit_lock;
#[path = "../../samples/waits/by_hand.rs"]
mod by_hand;
#[path = "../../samples/waits/callback.rs"]
mod callback;
#[path = "../../samples/waits/complete_all.rs"]
mod complete_all;
#[path = "../../samples/waits/completion.rs"]
mod completion;
#[path = "../../samples/waits/completion_mode.rs"]
mod completion_mode;
#[path = "../../samples/waits/completion_reinit.rs"]
mod completion_reinit;
#[path = "../../samples/waits/completion_timeout.rs"]
mod completion_timeout;
#[path = "../../samples/waits/completion_try.rs"]
mod completion_try;
#[path = "../../samples/waits/count_aside.rs"]
mod count_aside;
#[path = "../../samples/waits/dec_and_wake_up.rs"]
mod dec_and_wake_up;
#[path = "../../samples/waits/event.rs"]
mod event;
#[path = "../../samples/waits/exclusive.rs"]
mod exclusive;
#[path = "../../samples/waits/freezable.rs"]
mod freezable;
#[path = "../../samples/waits/give.rs"]
mod give;
#[path = "../../samples/waits/group.rs"]
mod group;
#[path = "../../samples/waits/hrtimeout.rs"]
mod hrtimeout;
#[path = "../../samples/waits/idle.rs"]
mod idle;
#[path = "../../samples/waits/init.rs"]
mod init;
#[path = "../../samples/waits/inode_dio.rs"]
mod inode_dio;
#[path = "../../samples/waits/inode_dio_wait.rs"]
mod inode_dio_wait;
#[path = "../../samples/waits/interruptible.rs"]
mod interruptible;
#[path = "../../samples/waits/io.rs"]
mod io;
#[path = "../../samples/waits/io_killable.rs"]
mod io_killable;
#[path = "../../samples/waits/killable.rs"]
mod killable;
#[path = "../../samples/waits/kthread_exit.rs"]
mod kthread_exit;
#[path = "../../samples/waits/kthread_freezable.rs"]
mod kthread_freezable;
#[path = "../../samples/waits/kthread_park.rs"]
mod kthread_park;
#[path = "../../samples/waits/kthread_stop.rs"]
mod kthread_stop;
#[path = "../../samples/waits/lock_irq.rs"]
mod lock_irq;
#[path = "../../samples/waits/locked.rs"]
mod locked;
#[path = "../../samples/waits/outer_lock.rs"]
mod outer_lock;
#[path = "../../samples/waits/percpu_ref.rs"]
mod percpu_ref;
#[path = "../../samples/waits/percpu_ref_kill.rs"]
mod percpu_ref_kill;
#[path = "../../samples/waits/percpu_ref_reinit.rs"]
mod percpu_ref_reinit;
#[path = "../../samples/waits/poll.rs"]
mod poll;
#[path = "../../samples/waits/rcuwait.rs"]
mod rcuwait;
#[path = "../../samples/waits/rcuwait_timeout.rs"]
mod rcuwait_timeout;
#[path = "../../samples/waits/request.rs"]
mod request;
#[path = "../../samples/waits/rw_semaphore.rs"]
mod rw_semaphore;
#[path = "../../samples/waits/state.rs"]
mod state;
#[path = "../../samples/waits/swait.rs"]
mod swait;
#[path = "../../samples/waits/swait_timeout.rs"]
mod swait_timeout;
#[path = "../../samples/waits/swake_up_all.rs"]
mod swake_up_all;
#[path = "../../samples/waits/threshold.rs"]
mod threshold;
#[path = "../../samples/waits/throttle.rs"]
mod throttle;
#[path = "../../samples/waits/timeout.rs"]
mod timeout;
#[path = "../../samples/waits/two_queues.rs"]
mod two_queues;
#[path = "../../samples/waits/var.rs"]
mod var;
#[path = "../../samples/waits/var_lock.rs"]
mod var_lock;
#[path = "../../samples/waits/waiters.rs"]
mod waiters;
#[path = "../../samples/waits/wake_up.rs"]
mod wake_up;
#[path = "../../samples/waits/wake_up_sync.rs"]
mod wake_up_sync;
#[path = "../../samples/waits/woken.rs"]
mod woken;

suite!(
    "waits_kunit",
    "KUnit suites of the programs in samples/waits"
);

/// A task that waits beside the test.
pub(crate) struct Sleeper<R: Send + Unpin> {
    thread: Thread,
    result: Arc<Mutex<Option<R>>>,
}

impl<R: Send + Unpin + 'static> Sleeper<R> {
    /// Starts a task that calls `waits`.
    pub(crate) fn start<S: Send + Sync + 'static>(
        cx: &mut MaySleep,
        shared: &Arc<S>,
        waits: fn(&S, &mut MaySleep) -> R,
    ) -> Result<Self> {
        let result = Arc::pin_init(new_mutex!(None), GFP_KERNEL)?;
        let (place, shared) = (result.clone(), shared.clone());
        let thread = Thread::spawn(cx, c"waits_kunit", move |cx, _| {
            let got = waits(&shared, cx);
            *place.lock_in(cx) = Some(got);
        })?;
        Ok(Self { thread, result })
    }

    /// The thread, to send it a signal.
    pub(crate) fn thread(&self) -> &Thread {
        &self.thread
    }

    /// Returns what `waits` has returned; after ten seconds, what it returns when it is stopped.
    pub(crate) fn end(self, cx: &mut MaySleep) -> Result<R> {
        let joined = self
            .thread
            .join_timeout(cx, msecs_to_jiffies(10_000))
            .map_err(|refused| refused.object);
        if let Err(thread) = joined {
            let _ = thread.stop(cx);
        }
        self.result.lock_in(cx).take().ok_or(ESRCH)
    }
}

/// Returns what `waits` comes to in a task of its own, if `wakes` is called when it sleeps.
pub(crate) fn told<S: Send + Sync + 'static, R: Send + Unpin + 'static>(
    cx: &mut MaySleep,
    shared: &Arc<S>,
    waits: fn(&S, &mut MaySleep) -> R,
    sleepers: fn(&S, &mut MaySleep) -> usize,
    wakes: impl FnOnce(&S, &mut MaySleep),
) -> Result<R> {
    let sleeper = Sleeper::start(cx, shared, waits)?;
    let sleeps = until(|| sleepers(shared, cx) == 1);
    wakes(shared, cx);
    let result = sleeper.end(cx)?;
    if sleeps {
        Ok(result)
    } else {
        Err(EAGAIN)
    }
}
