// SPDX-License-Identifier: GPL-2.0

//! Finished by a task, on its way to user space.
//!
//! C header: [`include/linux/task_work.h`](srctree/include/linux/task_work.h)
//!
//! # Why the module stays
//!
//! Task work cannot be cancelled by a module, and runs at some time. So each piece has a file of its
//! own, whose operations belong to the module that the code is in. The last thing that the callback
//! does is `fput()`, which does not drop it there and then: that is task work again, which the core
//! runs when the callback has returned. The module cannot go before.

use super::finish::{
    Context,
    Finish, //
};
use crate::{
    drain::{
        InFlight,
        Parkable,
        Parked, //
    },
    ffi,
    level::Level,
    MaySleep, //
};
use core::{
    marker::PhantomData,
    mem::{
        self,
        ManuallyDrop, //
    },
    ptr::NonNull,
};
use kernel::{
    bindings,
    error::from_err_ptr,
    prelude::*,
    sync::aref::ARef,
    task::Task, //
};

/// Something that a task does on its way to user space.
///
/// Implement it with `#[vtable]`, which also records which module the implementation lives in.
#[vtable]
pub trait Errand: Parkable {
    /// Does it.
    ///
    /// Context: the task that has made the [`TaskWork`]; or whoever drops that, or queues it when the
    /// task has exited, which may be an interrupt. It must not sleep.
    fn run(self);
}

/// What the core is given.
///
/// # Invariants
///
/// `anchor` is a reference to a file whose operations belong to the module of `E`.
#[repr(C)]
struct Node<E> {
    head: bindings::callback_head,
    errand: E,
    anchor: NonNull<bindings::file>,
}

/// The operations of the files that keep the module of `E`.
struct Anchor<E>(PhantomData<E>);

impl<E: Errand> Anchor<E> {
    const FOPS: bindings::file_operations = bindings::file_operations {
        owner: kernel::module::this_module::<E::OwnerModule>().as_ptr(),
        // SAFETY: All fields may be zero: they are optional functions and pointers.
        ..unsafe { mem::zeroed() }
    };

    const fn fops() -> &'static bindings::file_operations {
        &Self::FOPS
    }
}

/// An errand of the task that has made this, which [`queue`](Self::queue) sends it on.
///
/// Dropping it does the errand there and then, also from within another errand: none waits for itself.
/// `mem::forget` leaks it, and keeps the module.
#[must_use = "the errand is done immediately when this is unused"]
#[doc(alias("task_work_add", "callback_head"))]
pub struct TaskWork<E: Errand> {
    node: ManuallyDrop<KBox<Node<E>>>,
    task: ARef<Task>,
}

// SAFETY: An errand is `Send`, the rest is not tied to a task.
unsafe impl<E: Errand> Send for TaskWork<E> {}

impl<E: Errand> TaskWork<E> {
    /// Makes an errand of the calling task.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// The errand, with `EINVAL` for a kernel thread, which never comes to user space, or `ENOMEM`.
    pub fn new<C: Level>(_cx: &mut MaySleep<C>, errand: E) -> Result<Self, (E, Error)> {
        Self::make(errand)
    }

    fn make(errand: E) -> Result<Self, (E, Error)> {
        let task = Task::current_raw();
        // SAFETY: The calling task is valid.
        if unsafe { (*task).flags } & bindings::PF_KTHREAD != 0 {
            return Err((errand, EINVAL));
        }
        // SAFETY: The operations live as long as the module, to which the file has a reference.
        let anchor = match from_err_ptr(unsafe { ffi::baton_anchor(Anchor::<E>::fops()) }) {
            // SAFETY: `from_err_ptr()` let only a valid pointer through.
            Ok(anchor) => unsafe { NonNull::new_unchecked(anchor) },
            Err(error) => return Err((errand, error)),
        };
        let Ok(node) = KBox::new_uninit(GFP_KERNEL) else {
            // SAFETY: The reference is ours.
            unsafe { bindings::fput(anchor.as_ptr()) };
            return Err((errand, ENOMEM));
        };
        // INVARIANT: The file was made with these operations.
        let node = KBox::write(
            node,
            Node {
                head: bindings::callback_head {
                    func: Some(Self::run),
                    ..Default::default()
                },
                errand,
                anchor,
            },
        );
        Ok(Self {
            node: ManuallyDrop::new(node),
            // SAFETY: The calling task is valid, and `Task` is transparent.
            task: ARef::from(unsafe { &*task.cast::<Task>() }),
        })
    }

    /// Sends the task on its errand, and wakes it if it sleeps interruptibly.
    ///
    /// Context: any.
    #[doc(alias = "TWA_SIGNAL")]
    pub fn queue(self) {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used for these afterwards, and not dropped.
        let (node, task) = unsafe {
            (
                KBox::into_raw(ManuallyDrop::take(&mut this.node)),
                core::ptr::read(&this.task),
            )
        };
        // SAFETY: The task is valid; the node is on the heap, belongs to the core from here on, and
        // starts with its head.
        let error = unsafe {
            bindings::task_work_add(
                task.as_ptr(),
                node.cast(),
                bindings::task_work_notify_mode_TWA_SIGNAL,
            )
        };
        if error != 0 {
            // SAFETY: The task has exited, and the core has not taken the node.
            unsafe { Self::run(node.cast()) };
        }
    }

    /// # Safety
    ///
    /// `head` must be that of a node on the heap, which nobody uses any more.
    unsafe extern "C" fn run(head: *mut bindings::callback_head) {
        // SAFETY: By the safety requirements; the head comes first in the node.
        let node = unsafe { KBox::from_raw(head.cast::<Node<E>>()) };
        let Node { errand, anchor, .. } = KBox::into_inner(node);
        errand.run();
        // The last thing, see the module documentation.
        // SAFETY: The reference is ours, by the type invariants.
        unsafe { bindings::fput(anchor.as_ptr()) };
    }
}

impl<E: Errand> Drop for TaskWork<E> {
    fn drop(&mut self) {
        // SAFETY: This is the end of `self`.
        let node = KBox::into_raw(unsafe { ManuallyDrop::take(&mut self.node) });
        // SAFETY: The node was not queued.
        unsafe { Self::run(node.cast()) };
    }
}

/// The end of a reference.
struct End(Parked);

// SAFETY: The drain knows whom it is parked on, and refuses the wait of that task.
unsafe impl Parkable for End {}

#[vtable]
impl Errand for End {
    fn run(self) {
        self.0.take().end();
    }
}

/// The end of a reference as an errand of the task that has made this: see
/// [`InFlight::into_task_work`].
///
/// It is [`Finish`]ed by being queued, so that an interrupt can be what the task waits for. Dropping it
/// ends the reference there and then. `mem::forget` leaks the reference: who waits for the drain then is
/// told `EDEADLK` if it is the same task, and waits for ever if it is another.
#[must_use = "the reference ends immediately when this is unused"]
pub struct ParkedWork(TaskWork<End>);

impl InFlight {
    /// Leaves the end of the reference to the calling task, on its way to user space.
    ///
    /// For completions whose context is known at run time only. As with [`InFlight::park`], a wait for
    /// the drain by this task fails at once, from here on.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// The reference: the caller is a kernel thread, there is no memory, or as many are parked as the
    /// drain can keep in mind.
    #[inline]
    #[track_caller]
    #[doc(alias = "IOCB_DIO_CALLER_COMP")]
    pub fn into_task_work<C: Level>(self, _cx: &mut MaySleep<C>) -> Result<ParkedWork, Self> {
        self.make_task_work()
    }

    // Not generic and never inlined: the callback is code of this module, which is what is kept.
    #[inline(never)]
    #[track_caller]
    fn make_task_work(self) -> Result<ParkedWork, Self> {
        let parked = self.park()?;
        match TaskWork::make(End(parked)) {
            Ok(work) => Ok(ParkedWork(work)),
            Err((End(parked), _)) => Err(parked.take()),
        }
    }
}

impl ParkedWork {
    // As above.
    #[inline(never)]
    fn queue(self) {
        self.0.queue();
    }
}

impl<C: Context> Finish<C> for ParkedWork {
    #[inline]
    fn finish(self, _cx: &mut C) {
        self.queue();
    }
}
