// SPDX-License-Identifier: GPL-2.0

//! The request that a device works on, where its interrupt handler finds it.

use super::{
    cell::Abandoned,
    obligation::{
        start_at,
        Completer, //
    },
    wait::Completion, //
};
use crate::{
    context::MaySleep,
    level::{
        Level,
        Unordered, //
    },
};
use kernel::{
    prelude::*,
    static_lock_class,
    sync::{
        LockClassKey,
        SpinLockIrq, //
    },
};

/// Which request of a [`Slot`] an answer is for.
///
/// A device that returns what it was given can be told the number: see [`Tag::number`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(u64);

impl Tag {
    /// Returns the number, which no other request of the slot has.
    ///
    /// Context: any.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Returns the tag with this number, which a device has returned.
    ///
    /// Context: any.
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }
}

struct Current<T: Send, E: Level> {
    tag: Tag,
    completer: Completer<T, E>,
}

struct State<T: Send, E: Level> {
    /// How many requests there have been.
    tags: u64,
    current: Option<Current<T, E>>,
}

/// The one request that a device works on.
///
/// The request is in the slot before the device is told, so that the interrupt that answers it finds it
/// however early it comes. It stays there until it is answered, or the slot is [reset](Self::reset),
/// also when nobody waits any more: as long as an answer may come, no other request can be taken for
/// the one that it belongs to.
///
/// Dropping it drops the completer in it, if there is one: its waiter gets `ECANCELED`. Forgetting the
/// box or the `Arc` that it is in leaks memory, and leaves the waiter to its mode. A request that is started
/// while one of the slot itself is being started is `EBUSY`; it may be answered there.
///
/// # Examples
///
/// ```
/// use baton::completion::{Slot, Tag};
/// use baton::event::{Killable, Mode};
/// use baton::MaySleep;
/// use kernel::prelude::*;
///
/// let cx = &mut MaySleep::assert();
/// let slot = KBox::pin_init(Slot::<u32>::new(), GFP_KERNEL)?;
/// let mut answer = slot.start(cx, |tag, _| {
///     // Writes to the device, which answers at once.
///     let told = slot.complete(tag, Ok(7));
///     assert!(told.is_ok());
///     Ok(())
/// })?;
/// assert_eq!(answer.wait(cx, Killable)?, 7);
/// // An interrupt that nobody has asked for.
/// assert!(slot.complete_current(Ok(8)).is_err());
/// # Ok::<(), Error>(())
/// ```
#[pin_data]
pub struct Slot<T: Send, E: Level = Unordered> {
    #[pin]
    state: SpinLockIrq<State<T, E>>,
}

/// The lockdep class of the lock, and its name.
// Not generic, never inlined: one key with one name at one address, for all users.
#[inline(never)]
fn lock_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"baton_completion_slot", static_lock_class!())
}

impl<T: Send, E: Level> Slot<T, E> {
    /// Makes a slot with no request in it.
    ///
    /// Context: any; it only initialises.
    pub fn new() -> impl PinInit<Self> {
        let (name, key) = lock_class();
        let state = State {
            tags: 0,
            current: None,
        };
        pin_init!(Self { state <- SpinLockIrq::new(state, name, key) })
    }

    /// Starts a request, and returns what its answer can be waited for by.
    ///
    /// `start` tells the device. It is called when the request is in the slot.
    ///
    /// Context: may sleep. Nothing is waited for.
    ///
    /// # Errors
    ///
    /// `EBUSY` while an earlier request was not answered, whether somebody waits for it or not;
    /// `ENOMEM`; that of `start`, after which the slot is empty again.
    #[track_caller]
    pub fn start<C: Level>(
        &self,
        cx: &mut MaySleep<C>,
        start: impl FnOnce(Tag, &mut MaySleep<C>) -> Result,
    ) -> Result<Completion<T, E>> {
        start_at(cx, |completer, cx| {
            let tag = self.put(completer.hand_over())?;
            start(tag, cx).inspect_err(|_| drop(self.take(Some(tag))))
        })
    }

    /// Answers the request `tag`, and wakes who waits.
    ///
    /// Context: any, hard interrupts included.
    ///
    /// # Errors
    ///
    /// What was to be told, if that is not the current request, or nobody waits for it any more. The
    /// slot is empty afterwards in the latter case.
    pub fn complete(&self, tag: Tag, result: Result<T>) -> Result<(), Abandoned<T>> {
        Self::tell(self.take(Some(tag)), result)
    }

    /// As [`Slot::complete`], for a device that does not say which request it answers.
    ///
    /// Context: any, hard interrupts included.
    ///
    /// # Errors
    ///
    /// What was to be told, if there is no request, or nobody waits for it any more. The slot is empty
    /// afterwards.
    pub fn complete_current(&self, result: Result<T>) -> Result<(), Abandoned<T>> {
        Self::tell(self.take(None), result)
    }

    /// Empties the slot: the device was reset, and no answer comes to what it was asked before.
    ///
    /// Who waits gets `ECANCELED`. With tags the device need not be reset: a late answer has another one.
    ///
    /// Context: any.
    pub fn reset(&self) {
        let _ = self.complete_current(Err(ECANCELED));
    }

    fn tell(completer: Option<Completer<T, E>>, result: Result<T>) -> Result<(), Abandoned<T>> {
        match completer {
            Some(completer) => completer.complete(result),
            None => Err(Abandoned(result)),
        }
    }

    fn put(&self, completer: Completer<T, E>) -> Result<Tag> {
        let mut state = self.state.lock();
        if state.current.is_some() {
            // Its drop is for others to see, who may run in an interrupt: not with the lock held.
            drop(state);
            drop(completer);
            return Err(EBUSY);
        }
        state.tags += 1;
        let tag = Tag(state.tags);
        state.current = Some(Current { tag, completer });
        Ok(tag)
    }

    /// Takes the completer of the current request, if it is this one.
    fn take(&self, tag: Option<Tag>) -> Option<Completer<T, E>> {
        let mut state = self.state.lock();
        let current = state
            .current
            .take_if(|current| tag.is_none_or(|tag| tag == current.tag))?;
        Some(current.completer)
    }
}
