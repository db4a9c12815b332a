// SPDX-License-Identifier: GPL-2.0

//! What the event protocol needs from its surroundings: a platform, and a way to sleep.
//!
//! This file has no kernel paths, like the protocol: the kernel's side is in `platform.rs`, that of
//! the model in `testing/model/`.

/// What the protocol needs from its surroundings.
///
/// Context of its functions: that of the update or the wait that calls them.
///
/// # Safety
///
/// - [`Platform::store_release`] and [`Platform::load_acquire`] must be atomic accesses with these
///   orderings.
/// - A task that was returned by [`Platform::current`] and read while its entry was on the list must
///   stay valid for [`Platform::wake`] as long as a [`Platform::Live`], made before the entry's last
///   access, exists.
pub unsafe trait Platform: 'static {
    /// A handle of a task that can be woken.
    type Task: Copy;
    /// An atomic word.
    type Status;
    /// Keeps tasks in memory while it exists.
    type Live;

    /// Returns an atomic word with the value [`WAITING`](super::protocol::WAITING).
    fn status() -> Self::Status;
    /// Reads the word; pairs with [`Platform::store_release`].
    fn load_acquire(status: &Self::Status) -> u32;
    /// Writes the word; pairs with [`Platform::load_acquire`].
    fn store_release(status: &Self::Status, value: u32);
    /// Returns the calling task.
    fn current() -> Self::Task;
    /// Begins a section in which no task goes away.
    fn live() -> Self::Live;
    /// Keeps the tasks that are woken from now on from running in place of the caller.
    fn begin_batch() {}
    /// Ends that.
    fn end_batch() {}
    /// Makes the task run if it is asleep. A full barrier precedes the look at its state.
    fn wake(task: Self::Task, live: &Self::Live);
    /// Publishes how the wait of `task` has ended, and makes the task run: B and C of the protocol.
    ///
    /// The platform may do it in one step, in this order.
    ///
    /// # Safety
    ///
    /// `status` and `task` must be those of a waiter that does not go away before it has seen `value`. Nobody
    /// uses the waiter afterwards.
    #[inline]
    unsafe fn tell(status: *const Self::Status, value: u32, task: Self::Task) {
        let live = Self::live();
        // SAFETY: By the safety requirements; this is the last access to the waiter.
        Self::store_release(unsafe { &*status }, value); // B, pairs with D
        Self::wake(task, &live); // C, pairs with A
    }
    /// As [`Platform::tell`], by a task that is about to sleep.
    ///
    /// # Safety
    ///
    /// As for [`Platform::tell`].
    #[inline]
    unsafe fn tell_sync(status: *const Self::Status, value: u32, task: Self::Task) {
        // SAFETY: By the safety requirements.
        unsafe { Self::tell(status, value, task) };
    }
    /// Somebody has claimed on behalf of `task`, in the queue at `queue`, and not told it yet. For
    /// reports.
    #[inline]
    fn served(_queue: *const (), _task: Self::Task) {}
}

/// What a task that completes a waiter does next: a hint to the scheduler.
#[derive(Clone, Copy)]
pub(super) enum Waker {
    GoesOn,
    Sleeps,
}

/// How a wait form sleeps.
pub(crate) trait Sleeper {
    /// Why a wait can end without having been completed.
    type GaveUp;

    /// Publishes that this task is about to sleep. A full barrier follows.
    fn publish(&mut self);
    /// Returns why the wait must end now, if it must: a signal, the end of the time.
    fn give_up(&mut self) -> Option<Self::GaveUp>;
    /// Sleeps, unless somebody has made this task run since [`Sleeper::publish`].
    fn sleep(&mut self);
    /// Publishes that this task runs.
    fn running(&mut self);
    /// Lets nothing but completion end the wait from now on.
    fn insist(&mut self);
}
