// SPDX-License-Identifier: GPL-2.0

//! Finished by a worker.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use super::{
    finish::Finish,
    life::Life,
    queue::Queue, //
};
use crate::{
    level::{
        After,
        Class,
        Level,
        Unordered, //
    },
    owner::{
        Owned,
        Teardown, //
    },
    MaySleep, //
};
use core::{
    marker::PhantomData,
    panic::Location,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    container_of,
    prelude::*,
    static_lock_class,
    str::CStr,
    types::Opaque, //
};

/// A sink whose contents a worker finishes, which may sleep.
///
/// It has a workqueue of its own that memory reclaim may wait for (`WQ_MEM_RECLAIM`), and a level `L`:
/// what its worker takes or waits for stands below.
///
/// Dropping it frees it if it was closed, and leaves it to a worker that closes it otherwise; it never
/// sleeps. `mem::forget` leaks it until its module is unloaded, which closes it. From within its own
/// [`Finish::finish`], dropping it is left to the worker as well, and closing it is `EDEADLK`: see
/// [the module](crate::sink).
///
/// # Examples
///
/// ```
/// use baton::{sink::{Finish, WorkSink}, level::levels, MaySleep, Ordered};
/// use kernel::{new_mutex, prelude::*, sync::{Arc, Mutex}};
///
/// levels! {
///     /// What the worker takes stands below its sink.
///     mod order {
///         /// The sink.
///         Done,
///         /// The totals.
///         Totals,
///     }
/// }
///
/// type Totals = Ordered<order::Totals, Mutex<u64>>;
///
/// struct Bytes(u64, Arc<Totals>);
///
/// impl Finish<MaySleep<order::Done>> for Bytes {
///     fn finish(self, cx: &mut MaySleep<order::Done>) {
///         *self.1.lock_in(cx) += self.0;
///     }
/// }
///
/// let cx = &mut MaySleep::assert();
/// let totals: Arc<Totals> = Arc::pin_init(Ordered::new(new_mutex!(0)), GFP_KERNEL)?;
/// let sink = WorkSink::<Bytes, order::Done>::ordered(cx, c"example", 8)?;
/// sink.push(Bytes(512, totals.clone())).map_err(|_| EBUSY)?;
/// sink.close(cx)?;
/// assert_eq!(*totals.lock_in(cx), 512);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("work_struct", "s_dio_done_wq"))]
pub struct WorkSink<P: Finish<MaySleep<L>>, L: Level = Unordered> {
    core: Owned<Core<P, L>>,
}

/// What runs.
///
/// # Invariants
///
/// `work` is initialised with [`Self::run`], and only ever queued on `workqueue`, which is valid.
#[pin_data(PinnedDrop)]
struct Core<P: Finish<MaySleep<L>>, L: Level> {
    #[pin]
    queue: Queue<P>,
    #[pin]
    work: Opaque<bindings::work_struct>,
    #[pin]
    life: Life,
    workqueue: NonNull<bindings::workqueue_struct>,
    _level: PhantomData<fn() -> L>,
}

// SAFETY: What is handed over is `Send`; the workqueue is not tied to a task.
unsafe impl<P: Finish<MaySleep<L>>, L: Level> Send for Core<P, L> {}

// SAFETY: The queue has a lock, and work may be queued by any task.
unsafe impl<P: Finish<MaySleep<L>>, L: Level> Sync for Core<P, L> {}

/// The lock class of the work of sinks that are in nobody's order.
// Not generic and never inlined: there is one key, with one name.
#[inline(never)]
fn unordered_class() -> Class {
    (c"baton_sink_work", static_lock_class!())
}

impl<P: Finish<MaySleep<Unordered>>> WorkSink<P> {
    /// Makes a sink for up to `room` things at a time; `name` is that of its workqueue.
    ///
    /// It is in nobody's order: see [`WorkSink::ordered`].
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `ESHUTDOWN` if the module is being unloaded.
    #[track_caller]
    #[inline]
    pub fn new<C: Level>(cx: &mut MaySleep<C>, name: &CStr, room: usize) -> Result<Self> {
        Self::ordered(cx, name, room)
    }
}

impl<P: Finish<MaySleep<L>>, L: Level> WorkSink<P, L> {
    /// As [`WorkSink::new`], with a place in the order of the module.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// As for [`WorkSink::new`].
    #[track_caller]
    pub fn ordered<C: Level>(_cx: &mut MaySleep<C>, name: &CStr, room: usize) -> Result<Self> {
        Ok(Self {
            core: Owned::new(
                name,
                Core::<P, L>::run as *const (),
                Location::caller(),
                Core::new(name, room),
            )?,
        })
    }

    /// Hands something over.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// What was handed over, if the sink is full or was closed.
    pub fn push(&self, payload: P) -> Result<(), P> {
        let core = &*self.core;
        core.queue.push(payload, || {
            // Either the work is not pending, or it will look at the queue from here on.
            // SAFETY: By the type invariants. CAST: It stands for no CPU.
            unsafe {
                bindings::queue_work_on(
                    bindings::wq_misc_consts_WORK_CPU_UNBOUND as i32,
                    core.workqueue.as_ptr(),
                    core.work.get(),
                )
            };
        })
    }

    /// Finishes what is there, and lets nothing run any more.
    ///
    /// What is handed over afterwards is returned. If somebody else closes it already, this waits for
    /// that; if somebody has, this returns at once.
    ///
    /// Context: may sleep, until the worker has finished everything.
    ///
    /// # Errors
    ///
    /// `EDEADLK` from what it finishes. Nothing has happened then.
    #[doc(alias("flush_work", "destroy_workqueue"))]
    pub fn close<C: Level>(&self, _cx: &mut MaySleep<C>) -> Result
    where
        L: After<C>,
    {
        if self.core.is_current() {
            return Err(EDEADLK);
        }
        Teardown::tear_down(&*self.core);
        Ok(())
    }
}

impl<P: Finish<MaySleep<L>>, L: Level> Core<P, L> {
    fn new(name: &CStr, room: usize) -> impl PinInit<Self, Error> + '_ {
        try_pin_init!(Self {
            queue <- Queue::new(room),
            work <- Opaque::ffi_init(|work| {
                let (name, key) = L::class().unwrap_or_else(unordered_class);
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
            life <- Life::new(),
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
            _level: PhantomData,
        }? Error)
    }

    /// # Safety
    ///
    /// `work` must be that of a core.
    unsafe extern "C" fn run(work: *mut bindings::work_struct) {
        let work = Opaque::cast_from(work);
        // SAFETY: By the safety requirements; the core lives until its work was waited for.
        let this = unsafe { &*container_of!(work, Self, work) };
        this.life.finishing(|| {
            // The worker has nothing, and what it takes stands below the sink.
            this.queue.finish(&mut MaySleep::<L>::while_held())
        });
    }
}

impl<P: Finish<MaySleep<L>>, L: Level> Teardown for Core<P, L> {
    const KIND: &'static str = "work sink";
    const IN_ORDER: &'static str = "`close(cx)`";

    fn tear_down(&self) {
        self.life.close(&mut || {
            self.queue.close();
            // What is in the queue has its work queued, under the lock of the queue, and none is queued
            // any more. Lockdep sees this as an acquisition of the class of the work.
            // SAFETY: By the type invariants.
            unsafe { bindings::flush_work(self.work.get()) };
        });
    }

    fn is_current(&self) -> bool {
        self.life.is_finisher()
    }

    fn is_down(&self) -> bool {
        self.life.is_down()
    }
}

#[pinned_drop]
impl<P: Finish<MaySleep<L>>, L: Level> PinnedDrop for Core<P, L> {
    // SLEEPS: The ledger drops a core where it may sleep, after it was torn down.
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants. It was torn down, or nothing was ever queued.
        unsafe { bindings::destroy_workqueue(self.workqueue.as_ptr()) };
    }
}
