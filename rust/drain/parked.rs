// SPDX-License-Identifier: GPL-2.0

//! References that only one task can end, and what may be handed to such a task.

use super::InFlight;
use core::{
    mem::ManuallyDrop,
    panic::Location, //
};
use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq,
    task::Task, //
};

/// How many parked references a drain keeps in mind.
const SLOTS: usize = 16;

/// A parked reference, as the table knows it.
#[derive(Clone, Copy)]
struct Slot {
    /// The address of the task.
    task: usize,
    pid: i32,
    place: &'static Location<'static>,
}

/// Who has parked references of one drain.
#[pin_data]
pub(super) struct Table {
    #[pin]
    slots: SpinLockIrq<[Option<Slot>; SLOTS]>,
}

impl Table {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            slots <- new_spinlock_irq!([None; SLOTS]),
        })
    }

    /// Enters a reference that the calling task will end; [`None`] if the table is full.
    pub(super) fn add(&self, place: &'static Location<'static>) -> Option<usize> {
        let task = Task::current_raw();
        let slot = Slot {
            task: task.addr(),
            // SAFETY: The calling task is valid.
            pid: unsafe { (*task).pid },
            place,
        };
        let mut slots = self.slots.lock();
        let free = slots.iter().position(Option::is_none)?;
        slots[free] = Some(slot);
        Some(free)
    }

    pub(super) fn remove(&self, slot: usize) {
        if let Some(entry) = self.slots.lock().get_mut(slot) {
            *entry = None;
        }
    }

    /// Returns whether one of them waits for the calling task.
    pub(super) fn is_mine(&self) -> bool {
        let mine = Task::current_raw().addr();
        let slots = self.slots.lock();
        slots.iter().flatten().any(|slot| slot.task == mine)
    }

    /// Says in the log who has parked what where.
    pub(super) fn report(&self, why: &str) {
        // A copy, because what prints takes locks of its own.
        let slots = *self.slots.lock();
        // SAFETY: The calling task is valid.
        let pid = unsafe { (*Task::current_raw()).pid };
        for slot in slots.iter().flatten() {
            pr_warn!(
                "task {} {}: a reference is parked on task {}, since {}:{}\n",
                pid,
                why,
                slot.pid,
                slot.place.file(),
                slot.place.line()
            );
        }
    }
}

/// A reference that one task has undertaken to end: see [`InFlight::park`].
///
/// Dropping it ends it, on whichever task that happens. `mem::forget` is as for [`InFlight`], and a
/// wait by the task that has parked it goes on to fail.
#[must_use = "the reference ends immediately when this is unused"]
pub struct Parked {
    reference: ManuallyDrop<InFlight>,
    slot: usize,
}

impl Parked {
    pub(super) fn new(reference: InFlight, slot: usize) -> Self {
        Self {
            reference: ManuallyDrop::new(reference),
            slot,
        }
    }

    /// Takes the reference up again, to end it, or to hand it on.
    pub fn take(self) -> InFlight {
        let mut this = ManuallyDrop::new(self);
        this.reference.cell.unpark(this.slot);
        // SAFETY: `this` is not used any more, and not dropped.
        unsafe { ManuallyDrop::take(&mut this.reference) }
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.reference.cell.unpark(self.slot);
        // SAFETY: This is the end of `self`.
        unsafe { ManuallyDrop::drop(&mut self.reference) };
    }
}

/// What may be handed to something that only one particular task runs.
///
/// Task work, a queue that its owner polls, a list that the caller completes: whatever is in there
/// waits for that task. If it is what somebody else waits for, and the task waits for them, or for
/// itself, then nobody goes on. So a payload is declared with [`parkable!`](crate::parkable), whose
/// fields have to be parkable in turn. Numbers are; [`InFlight`] and guards are not.
///
/// # Safety
///
/// Nobody waits for the payload, or for anything in it, to go away.
#[diagnostic::on_unimplemented(
    message = "`{Self}` must not be parked on a task",
    label = "somebody may wait for this, and the task that has to run it may be who waits",
    note = "end it where it completes, or hand it to a workqueue; `InFlight::park` is for contexts known at run time"
)]
pub unsafe trait Parkable: Send + 'static {}

macro_rules! plain {
    ($($type:ty),*) => { $(
        // SAFETY: Nobody waits for a number.
        unsafe impl Parkable for $type {}
    )* };
}

plain!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, bool, ());

// SAFETY: As what is in it.
unsafe impl<T: Parkable> Parkable for Option<T> {}

// SAFETY: As what is in it.
unsafe impl<T: Parkable, E: Parkable> Parkable for Result<T, E> {}

// SAFETY: Nobody waits for a number.
unsafe impl Parkable for Error {}

// SAFETY: As what is in it.
unsafe impl<T: Parkable> Parkable for KBox<T> {}

/// Declares a structure that can be parked on a task: all its fields can.
///
/// # Examples
///
/// ```
/// baton::parkable! {
///     /// What a completion reports.
///     pub struct Done {
///         /// Which request.
///         pub tag: u32,
///         /// How it ended.
///         pub result: i32,
///     }
/// }
/// ```
#[macro_export]
macro_rules! parkable {
    (
        $(#[$attribute:meta])*
        $vis:vis struct $name:ident {
            $($(#[$doc:meta])* $fvis:vis $field:ident: $type:ty),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        $vis struct $name {
            $($(#[$doc])* $fvis $field: $type,)*
        }
        // SAFETY: Every field is parkable, by the bounds.
        unsafe impl $crate::drain::Parkable for $name
        where
            $($type: $crate::drain::Parkable,)*
        {
        }
    };
}
