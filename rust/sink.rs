// SPDX-License-Identifier: GPL-2.0

//! Sinks: where something that has begun is finished, by the context that this happens in.
//!
//! | sink | finished by | with | accepts |
//! |---|---|---|---|
//! | [`WorkSink`] | a worker | [`MaySleep<L>`] | everything that is `Send` |
//! | [`TimerSink`] | a timer, in hard interrupt | [`AtomicContext`] | everything that is `Send` |
//! | [`PollSink`] | a task that polls | [`AtomicContext`] | what is [`Parkable`] |
//! | [`TaskWork`] | its maker, on its way to user space | nothing | what is [`Parkable`] |
//! | [`InFlight::into_task_work`] | the same | nothing | a reference, and the drain is told |
//!
//! # The bug that this removes
//!
//! `dio` handed the end of its count to task work, and then waited for the count in that task; see
//! [`drain`](crate::drain). The first two sinks finish what they get whatever its owner waits for. The
//! others do not, so a reference that somebody can wait for is not accepted there: end it first, take
//! another sink, or, where that is known at run time only, let the drain know.
//!
//! What is in the first three is kept in order, in memory that was allocated with the sink: handing
//! something over allocates nothing and takes a spinlock, with interrupts off, so it may be done in any context.
//! A sink that is full returns it.
//!
//! # The end of a sink
//!
//! `close()` waits for what runs, finishes what is left, and lets nothing run afterwards; from then on
//! what is handed over is returned. It is a wait like any other: it takes the capability to sleep, and
//! is an acquisition at the [level](crate::level) `L` of the sink. A [`WorkSink`] at `L` hands out a
//! [`MaySleep<L>`], so what its worker takes stands below it, and closing the sink with one of those
//! locks held does not compile. The default is `Unordered`: such a sink is closed with nothing held,
//! and what it finishes cannot wait for anything. Several tasks may close a sink: all of them return
//! when it is closed.
//!
//! What runs later is on the heap, so a sink need not be pinned:
//!
//! - Dropping a sink that was closed frees it. Dropping one that was not never sleeps: a worker closes
//!   it instead, and the log names the sink and where it was made. It may be dropped in any context, its
//!   own [`Finish::finish`] included.
//! - `mem::forget`, or a sink in a `static`, leaks memory. The sink is closed, and named, when its
//!   module is unloaded, before the code goes.
//! - Closing a sink from its own [`Finish::finish`] is `EDEADLK`, and nothing happens.
//!
//! [`MaySleep<L>`]: crate::MaySleep
//! [`Parkable`]: crate::drain::Parkable
//! [`InFlight::into_task_work`]: crate::drain::InFlight::into_task_work

mod finish;
mod life;
mod poll;
mod queue;
mod task_work;
mod timer;
mod work;

pub use finish::{
    AtomicContext,
    Context,
    Finish, //
};
pub use poll::PollSink;
pub use task_work::{
    Errand,
    ParkedWork,
    TaskWork, //
};
pub use timer::TimerSink;
pub use work::WorkSink;
