// SPDX-License-Identifier: GPL-2.0

//! A change by a task that is about to sleep.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use super::{
    Event,
    Parts,
    Policy, //
};
use crate::level::Level;
use core::pin::Pin;

impl<W, P: Policy, E: Level> Event<W, P, E> {
    /// As [`Event::update`], by a task that is about to sleep: who is served can run in its place, on the same CPU.
    ///
    /// It is a hint to the scheduler, for who asks another task for something and then waits for the answer. If
    /// the caller goes on instead, whoever was served waits for its CPU.
    ///
    /// Context: as [`Event::update`].
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::event::{Interruptible, WaitError};
    /// use baton::{new_event, Event, LockIn, MaySleep, Thread};
    /// use core::mem;
    /// use kernel::prelude::*;
    /// use kernel::sync::{new_mutex, Arc, Mutex};
    ///
    /// #[pin_data]
    /// struct Call {
    ///     #[pin]
    ///     question: Event<u32>,
    ///     #[pin]
    ///     answer: Event<u32>,
    /// }
    ///
    /// fn ask(call: &Mutex<Call>, cx: &mut MaySleep, question: u32) -> Result<u32, WaitError> {
    ///     let mut held = call.lock_in(cx);
    ///     // This task does nothing but wait from here on.
    ///     held.as_mut().project().question.update_sync(|asked| *asked = question);
    ///     held.on(|call| &call.answer).when(|answer| *answer > 0, mem::take).wait(Interruptible)
    /// }
    ///
    /// fn answer(call: &Mutex<Call>, cx: &mut MaySleep) -> Result<(), WaitError> {
    ///     let held = call.lock_in(cx).on(|call| &call.question);
    ///     let asked = held.when(|asked| *asked > 0, mem::take).wait(Interruptible)?;
    ///     call.lock_in(cx).as_mut().project().answer.update(|answer| *answer = asked + 1);
    ///     Ok(())
    /// }
    ///
    /// let cx = &mut MaySleep::assert();
    /// let call = pin_init!(Call { question <- new_event!(0), answer <- new_event!(0) });
    /// let call = Arc::pin_init(new_mutex!(call), GFP_KERNEL)?;
    /// let theirs = call.clone();
    /// let thread = Thread::spawn(cx, c"answer", move |cx, _stop| {
    ///     let _ = answer(&theirs, cx);
    /// })?;
    /// assert_eq!(ask(&call, cx, 7)?, 8);
    /// thread.join(cx)?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias("wake_up_sync", "wake_up_interruptible_sync", "WF_SYNC"))]
    #[inline]
    #[track_caller]
    pub fn update_sync<R>(self: Pin<&mut Self>, change: impl FnOnce(&mut W) -> R) -> R {
        self.changes();
        let Parts { queue, data } = self.parts();
        queue.update_sync(data, change)
    }
}
