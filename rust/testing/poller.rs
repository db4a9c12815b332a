// SPDX-License-Identifier: GPL-2.0

//! Who polls, without a user space.

use crate::{
    ffi,
    poll::{
        Heads,
        Mask,
        Table, //
    },
    MaySleep, //
};
use core::ptr;
use kernel::{
    bindings,
    container_of,
    error::from_err_ptr,
    ffi::c_void,
    fs::File,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    types::Opaque, //
};

/// Polls a source as `poll()` does, and counts how often it would have run.
///
/// The first question registers it, with one head; later ones only look, as those of a task that was woken.
///
/// Dropping it withdraws it from the head, and may be done by any task that may sleep. `mem::forget` leaves it
/// registered, and leaks its memory. It is not used from itself: while it asks it is borrowed.
///
/// # Examples
///
/// ```
/// use baton::poll::{new_source, Mask, Source};
/// use baton::testing::Poller;
/// use baton::{LockIn, MaySleep};
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, Mutex};
///
/// let cx = &mut MaySleep::assert();
/// let ready: Pin<KBox<Mutex<Source<bool>>>> =
///     KBox::pin_init(new_mutex!(new_source!(false)), GFP_KERNEL)?;
/// let lock = &*ready;
/// let mut poller = Poller::new(cx)?;
/// let seen = poller.ask(cx, |cx, table| {
///     table.watch(cx, lock, |ready| ready, |ready| Mask::when(*ready, Mask::IN))
/// });
/// assert_eq!((seen, poller.woken()), (Mask::NONE, 0));
/// lock.lock_in(cx).as_mut().update(|ready| *ready = true);
/// assert_eq!(poller.woken(), 1);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("pollwake", "poll_schedule_timeout"))]
pub struct Poller {
    core: Pin<KBox<Core>>,
    heads: Pin<KBox<Heads>>,
    file: *mut bindings::file,
}

/// # Invariants
///
/// `wait` is on the list of `head` unless that is null.
#[repr(C)]
#[pin_data]
struct Core {
    #[pin]
    table: Opaque<bindings::poll_table_struct>,
    #[pin]
    wait: Opaque<bindings::wait_queue_entry>,
    head: Atomic<*mut bindings::wait_queue_head>,
    woken: Atomic<usize>,
    before: Atomic<*mut Before<'static>>,
}

/// What is done before it registers.
struct Before<'a>(&'a mut dyn FnMut());

impl Poller {
    /// Makes one, with a file of its own.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `ENFILE` if there are too many files.
    pub fn new(_cx: &mut MaySleep) -> Result<Self> {
        static FOPS: FileOperations = FileOperations(pin_init::zeroed());

        let heads = KBox::pin_init(Heads::new(), GFP_KERNEL)?;
        let wait = bindings::wait_queue_entry {
            func: Some(Core::wake),
            ..pin_init::zeroed()
        };
        let table = bindings::poll_table_struct {
            _qproc: Some(Core::register),
            _key: !0,
        };
        // INVARIANT: It is on no list.
        let core = KBox::pin_init(
            pin_init!(Core {
                table: Opaque::new(table),
                wait: Opaque::new(wait),
                head: Atomic::new(ptr::null_mut()),
                woken: Atomic::new(0),
                before: Atomic::new(ptr::null_mut()),
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: The operations are static.
        let file = from_err_ptr(unsafe { ffi::baton_anchor(&raw const FOPS.0) })?;
        Ok(Self { core, heads, file })
    }

    /// Asks; `ask` has the table.
    ///
    /// Context: may sleep.
    pub fn ask(
        &mut self,
        cx: &mut MaySleep,
        ask: impl FnOnce(&mut MaySleep, &Table<'_>) -> Mask,
    ) -> Mask {
        self.ask_after(cx, || {}, ask)
    }

    /// Asks, and does `before` when it is about to be registered.
    ///
    /// Context: may sleep.
    pub fn ask_after(
        &mut self,
        cx: &mut MaySleep,
        mut before: impl FnMut(),
        ask: impl FnOnce(&mut MaySleep, &Table<'_>) -> Mask,
    ) -> Mask {
        let mut before = Before(&mut before);
        self.core.before.store((&raw mut before).cast(), Relaxed);
        // SAFETY: The file is ours, and not released before `self.heads` is dropped.
        let table = unsafe {
            let file = File::from_raw_file(self.file);
            Table::new(self.core.table.get(), file, &self.heads)
        };
        let mask = ask(cx, &table);
        self.core.before.store(ptr::null_mut(), Relaxed);
        // SAFETY: Nobody asks at this moment. This is what `do_poll()` does once it has asked.
        unsafe { (*self.core.table.get())._qproc = None };
        mask
    }

    /// Returns how often it was woken.
    ///
    /// Context: any.
    pub fn woken(&self) -> usize {
        self.core.woken.load(Relaxed)
    }
}

impl Core {
    /// # Safety
    ///
    /// `table` must be that of a core.
    unsafe extern "C" fn register(
        _file: *mut bindings::file,
        head: *mut bindings::wait_queue_head,
        table: *mut bindings::poll_table_struct,
    ) {
        // SAFETY: By the safety requirements; it comes first.
        let this = unsafe { &*table.cast::<Self>() };
        // SAFETY: `ask_after()` has put it there, and waits for this.
        if let Some(before) = unsafe { this.before.load(Relaxed).as_mut() } {
            (before.0)();
        }
        if this.head.load(Relaxed).is_null() {
            // INVARIANT: It is put on the list.
            this.head.store(head, Relaxed);
            // SAFETY: The entry is on no list, and stays where it is until it is withdrawn.
            unsafe { bindings::add_wait_queue(head, this.wait.get()) };
        }
    }

    /// # Safety
    ///
    /// `wait` must be that of a core.
    unsafe extern "C" fn wake(
        wait: *mut bindings::wait_queue_entry,
        _mode: u32,
        _flags: c_int,
        _key: *mut c_void,
    ) -> c_int {
        let wait = Opaque::cast_from(wait);
        // SAFETY: By the safety requirements.
        let this = unsafe { &*container_of!(wait, Self, wait) };
        this.woken.fetch_add(1, Relaxed);
        1
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        let head = self.core.head.load(Relaxed);
        if !head.is_null() {
            // SAFETY: By the invariants of `Core`; the heads are still kept.
            unsafe { bindings::remove_wait_queue(head, self.core.wait.get()) };
        }
        // SAFETY: The reference is ours.
        unsafe { bindings::fput(self.file) };
    }
}

/// Operations of a file that has none.
struct FileOperations(bindings::file_operations);

// SAFETY: They are not changed.
unsafe impl Sync for FileOperations {}
