// SPDX-License-Identifier: GPL-2.0

//! Finished by a worker.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use super::{
    queue::Queue,
    Finish, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    container_of,
    prelude::*,
    static_lock_class,
    str::CStr,
    sync::LockClassKey,
    types::Opaque, //
};

/// A sink whose contents a worker finishes, which may sleep.
///
/// It has a workqueue of its own that memory reclaim may wait for (`WQ_MEM_RECLAIM`).
///
/// # Invariants
///
/// `work` is initialised with [`Self::run`], and only ever queued on `workqueue`, which is valid.
#[doc(alias("work_struct", "s_dio_done_wq"))]
#[pin_data(PinnedDrop)]
pub struct WorkSink<P: Finish> {
    #[pin]
    queue: Queue<P>,
    #[pin]
    work: Opaque<bindings::work_struct>,
    workqueue: NonNull<bindings::workqueue_struct>,
}

// SAFETY: What is handed over is `Send`; the workqueue is not tied to a task.
unsafe impl<P: Finish> Send for WorkSink<P> {}

// SAFETY: The queue has a lock, and work may be queued by any task.
unsafe impl<P: Finish> Sync for WorkSink<P> {}

/// The lock class of the work of all sinks.
// Not generic and never inlined: there is one key, with one name.
#[inline(never)]
fn class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"baton_sink_work", static_lock_class!())
}

impl<P: Finish> WorkSink<P> {
    /// Makes a sink for up to `room` things at a time; `name` is that of its workqueue.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(name: &CStr, room: usize) -> impl PinInit<Self, Error> + '_ {
        try_pin_init!(Self {
            queue <- Queue::new(room),
            work <- Opaque::ffi_init(|work| {
                let (name, key) = class();
                // SAFETY: `work` is valid for writes and will not move; name and key are static.
                unsafe {
                    bindings::init_work_with_key(
                        work,
                        Some(Self::run),
                        false,
                        name.as_char_ptr(),
                        key.as_ptr(),
                    )
                }
            }),
            workqueue: {
                // SAFETY: The format takes one string.
                let workqueue = unsafe {
                    bindings::alloc_workqueue_noprof(
                        c"%s".as_char_ptr(),
                        bindings::wq_flags_WQ_UNBOUND | bindings::wq_flags_WQ_MEM_RECLAIM,
                        0,
                        name.as_char_ptr(),
                    )
                };
                NonNull::new(workqueue).ok_or(ENOMEM)?
            },
        }? Error)
    }

    /// Hands something over.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// What was handed over, if the sink is full.
    pub fn push(&self, payload: P) -> Result<(), P> {
        if self.queue.push(payload)? {
            // Either the work is not pending, or it will look at the queue from here on.
            // SAFETY: By the type invariants. CAST: It stands for no CPU.
            unsafe {
                bindings::queue_work_on(
                    bindings::wq_misc_consts_WORK_CPU_UNBOUND as i32,
                    self.workqueue.as_ptr(),
                    self.work.get(),
                )
            };
        }
        Ok(())
    }

    /// # Safety
    ///
    /// `work` must be that of a sink.
    unsafe extern "C" fn run(work: *mut bindings::work_struct) {
        let work = Opaque::cast_from(work);
        // SAFETY: By the safety requirements; the sink lives until its workqueue is destroyed.
        let this = unsafe { &*container_of!(work, Self, work) };
        this.queue.finish();
    }
}

#[pinned_drop]
impl<P: Finish> PinnedDrop for WorkSink<P> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants; nobody queues work any more. It waits for what is pending.
        unsafe { bindings::destroy_workqueue(self.workqueue.as_ptr()) };
    }
}
