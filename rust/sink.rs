// SPDX-License-Identifier: GPL-2.0

//! Sinks: where something that has begun is finished, by the context that this happens in.
//!
//! | sink | finished by | accepts |
//! |---|---|---|
//! | [`WorkSink`] | a worker, which may sleep | everything that is `Send` |
//! | [`TimerSink`] | a timer, in hard interrupt context | everything that is `Send` |
//! | [`PollSink`] | a task that polls | what is [`Parkable`] |
//! | [`TaskWork`] | the task that has made it, on its way to user space | what is [`Parkable`] |
//! | [`InFlight::into_task_work`] | the same | a reference, and the drain is told |
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
//! Dropping a sink finishes what is in it, and waits until nothing of it runs any more: the module may
//! be unloaded then. `mem::forget` is not possible while it is pinned.
//!
//! [`Parkable`]: crate::drain::Parkable
//! [`InFlight::into_task_work`]: crate::drain::InFlight::into_task_work

mod poll;
mod queue;
mod task_work;
mod timer;
mod work;

pub use poll::PollSink;
pub use task_work::{
    Errand,
    ParkedWork,
    TaskWork, //
};
pub use timer::TimerSink;
pub use work::WorkSink;

/// Something that is finished once, in the context of its sink.
pub trait Finish: Send + 'static {
    /// Finishes it.
    ///
    /// Context: that of the sink. It must not sleep in a [`TimerSink`] or a [`PollSink`], and must not
    /// hand anything to the same sink.
    fn finish(self);
}
