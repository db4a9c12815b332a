// SPDX-License-Identifier: GPL-2.0

//! The loop that serves waiters: whom it tries, how often, and what becomes of who was served.
//!
//! This file has no kernel paths: see [`protocol`](super::protocol), which has the argument.

use super::{
    chosen::Chosen,
    needs::{
        Platform,
        Waker, //
    },
    queue::{
        Entry,
        Head,
        Queue,
        CHOSEN,
        LOOK,
        SERVED, //
    },
};
use core::ptr;

/// A part of a list: those that a change concerns.
pub(super) trait Span<W, P: Platform> {
    /// Returns the first of them; null if there is none.
    fn first(&self, queue: &Queue<W, P>, w: &W) -> *const Entry<W, P>;

    /// Returns whether an entry behind the first one is one of them.
    ///
    /// # Safety
    ///
    /// `entry` must be on the list.
    unsafe fn has(&self, entry: *const Entry<W, P>, w: &W) -> bool;
}

/// All that are on the list.
struct All;

impl<W, P: Platform> Span<W, P> for All {
    #[inline]
    fn first(&self, queue: &Queue<W, P>, _: &W) -> *const Entry<W, P> {
        queue.first()
    }

    #[inline]
    unsafe fn has(&self, _: *const Entry<W, P>, _: &W) -> bool {
        true
    }
}

impl<W, P: Platform> Queue<W, P> {
    /// Changes the data, then completes every waiter whose claim succeeds.
    #[inline]
    pub(crate) fn update<R>(&self, w: &mut W, change: impl FnOnce(&mut W) -> R) -> R {
        let result = change(w);
        if !self.is_empty() {
            self.consider(w);
        }
        result
    }

    /// As [`Queue::update`], by a task that is about to sleep.
    #[inline]
    pub(crate) fn update_sync<R>(&self, w: &mut W, change: impl FnOnce(&mut W) -> R) -> R {
        let result = change(w);
        if !self.is_empty() {
            self.consider_sync(w);
        }
        result
    }

    /// Completes every waiter whose claim succeeds, oldest first.
    ///
    /// All that may be tried are tried, again and again until a whole pass has changed nothing: one
    /// claim may have made another one possible. Returns how many were served.
    // Not part of an update for which nobody waits.
    #[inline(never)]
    pub(crate) fn consider(&self, w: &mut W) -> usize {
        match self.only() {
            Some(entry) => usize::from(self.consider_only(entry, w, Waker::GoesOn)),
            None => self.consider_all(w),
        }
    }

    /// As [`Queue::consider`], by a task that is about to sleep.
    #[inline(never)]
    fn consider_sync(&self, w: &mut W) {
        match self.only() {
            Some(entry) => {
                self.consider_only(entry, w, Waker::Sleeps);
            }
            None => self.consider_all_sync(w),
        }
    }

    #[inline(never)]
    fn consider_all_sync(&self, w: &mut W) {
        let at = ptr::from_ref(self).cast();
        self.consider_span(
            w,
            &All,
            Self::now(|task| P::served(at, task), Waker::Sleeps),
        );
    }

    #[inline(never)]
    fn consider_all(&self, w: &mut W) -> usize {
        let queue = ptr::from_ref(self).cast();
        self.consider_and_tell(w, |task| P::served(queue, task))
    }

    /// As [`Queue::consider`], for the [only](Queue::only) waiter: when it is served, nobody is left to try.
    #[inline(always)]
    fn consider_only(&self, entry: *const Entry<W, P>, w: &mut W, waker: Waker) -> bool {
        // SAFETY: The entry is on the list, hence live with its head, and its `ops` are those of its waiter. It is
        // the only one, and not used after it was completed.
        unsafe {
            let served = ((*(*entry).ops.get()).serve)(entry, w);
            if served {
                P::served(ptr::from_ref(self).cast(), (*(*entry).head.get()).task);
                self.complete_only(entry, SERVED, waker);
            }
            served
        }
    }

    /// As [`Queue::consider`], and returns how many of them should have been served before: not those who
    /// have yet to [look](LOOK).
    pub(crate) fn rescue(&self, w: &mut W) -> usize {
        let mut looking = 0;
        let served = self.consider_span(w, &All, |queue, entry| {
            // SAFETY: `entry` is on the list, hence live with its head, and not used afterwards.
            unsafe {
                let head = &*(*entry).head.get();
                looking += usize::from(head.status() == LOOK);
                P::served(ptr::from_ref(queue).cast(), head.task);
                queue.complete(entry, SERVED, Waker::GoesOn);
            }
        });
        served - looking
    }

    /// As [`Queue::consider`], with `tell` in the place of [`Platform::served`].
    pub(crate) fn consider_and_tell(&self, w: &mut W, tell: impl FnMut(P::Task)) -> usize {
        self.consider_span(w, &All, Self::now(tell, Waker::GoesOn))
    }

    /// As [`Queue::consider`], but leaves it to `chosen` to complete who was served.
    #[inline(never)]
    pub(crate) fn choose(&self, w: &mut W, chosen: &mut Chosen<P>) {
        let queue = ptr::from_ref(self).cast();
        self.choose_and_tell(w, chosen, |task| P::served(queue, task));
    }

    /// As [`Queue::choose`], with `tell` in the place of [`Platform::served`].
    #[inline]
    pub(crate) fn choose_and_tell(
        &self,
        w: &mut W,
        chosen: &mut Chosen<P>,
        tell: impl FnMut(P::Task),
    ) {
        self.consider_span(w, &All, Self::later(chosen, tell));
    }

    /// Completes who was served, right away.
    #[inline]
    pub(super) fn now(
        mut tell: impl FnMut(P::Task),
        waker: Waker,
    ) -> impl FnMut(&Self, *const Entry<W, P>) {
        move |queue, entry| {
            // SAFETY: `entry` is on the list, hence live with its head.
            tell(unsafe { (*(*entry).head.get()).task });
            // SAFETY: `entry` is on the list and not used afterwards.
            unsafe { queue.complete(entry, SERVED, waker) }
        }
    }

    /// Leaves it to `chosen` to complete who was served.
    #[inline]
    fn later<'c>(
        chosen: &'c mut Chosen<P>,
        mut tell: impl FnMut(P::Task) + 'c,
    ) -> impl FnMut(&Self, *const Entry<W, P>) + 'c {
        move |queue, entry| {
            // SAFETY: `entry` is on the list, and live until it is completed: its owner does not
            // return while the status is `CHOSEN`. CAST: `Entry` is `repr(C)`, and `W` is only
            // behind pointers in it.
            unsafe {
                let head = (*entry).head.get();
                tell((*head).task);
                Head::leave_others(head, ptr::from_ref(queue).cast());
                P::store_release(&(*head).status, CHOSEN);
                chosen.push(entry.cast());
            }
        }
    }

    /// Has `done` for every waiter of `span` whose claim succeeds.
    // Not part of an update for which nobody waits.
    #[inline(never)]
    pub(super) fn consider_span(
        &self,
        w: &mut W,
        span: &impl Span<W, P>,
        mut done: impl FnMut(&Self, *const Entry<W, P>),
    ) -> usize {
        let mut served = 0;
        let mut next: *const Entry<W, P> = ptr::null();
        // The first waiter that was tried, in vain, since the data last changed: when its turn comes
        // again, so have all others been.
        let mut settled: *const Entry<W, P> = ptr::null();
        loop {
            // SAFETY: `next` is on the list: see below.
            if next.is_null() || !unsafe { span.has(next, w) } {
                next = span.first(self, w);
                if next.is_null() {
                    return served;
                }
            }
            if next == settled {
                return served;
            }
            let entry = next;
            // SAFETY: `entry` is on the list, hence live, and its `ops` are those of its waiter. The
            // successor is read before the entry can go away; it cannot go away itself, since that
            // takes the lock.
            let served_now = unsafe {
                next = (*entry).next.get();
                if !(*entry).first.get() {
                    self.call(entry, w)
                } else if ((*(*entry).ops.get()).serve)(entry, w) {
                    // Another entry of this waiter goes away with it.
                    while !next.is_null() && (*next).head.get() == (*entry).head.get() {
                        next = (*next).next.get();
                    }
                    done(self, entry);
                    true
                } else {
                    false
                }
            };
            if served_now {
                served += 1;
                settled = ptr::null();
            } else if settled.is_null() {
                settled = entry;
            }
        }
    }

    /// Serves an entry that is not the first with its claim, if it need not be: it is served by a call.
    ///
    /// # Safety
    ///
    /// `entry` must be on the list of this queue, and not be `first`.
    #[cold]
    #[inline(never)]
    unsafe fn call(&self, entry: *const Entry<W, P>, w: &mut W) -> bool {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe {
            let served = self.is_called(entry) && ((*(*entry).ops.get()).serve)(entry, w);
            if served {
                ((*(*entry).ops.get()).tell)(entry, SERVED);
            }
            served
        }
    }

    /// Calls `f` for each waiter whose condition holds and who is behind another one whose claim fails:
    /// with the task, and that of the one that it is behind.
    pub(crate) fn behind(&self, w: &W, mut f: impl FnMut(P::Task, P::Task)) {
        if !self.is_fifo() {
            return;
        }
        let mut next = self.first();
        // SAFETY: What is on the list is live by the type invariants, and so is what it refers to.
        while let Some(entry) = unsafe { next.as_ref() } {
            // SAFETY: As above.
            unsafe {
                let ops = &*entry.ops.get();
                if !entry.first.get() && (ops.holds)(entry, w) {
                    let ahead = &*self.first_of(ops.class);
                    f((*entry.head.get()).task, (*ahead.head.get()).task);
                }
            }
            next = entry.next.get();
        }
    }
}
