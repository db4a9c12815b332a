// SPDX-License-Identifier: GPL-2.0

//! The table through which the kernel calls the operations of a driver.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h) (`struct file_operations`)

use super::{
    operations::Operations,
    registration::Core, //
};
use crate::{
    poll::{
        self,
        Heads, //
    },
    MaySleep, //
};
use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::{
    bindings,
    container_of,
    fs::File,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    module::this_module,
    prelude::*,
    types::{
        ForeignOwnable,
        Opaque, //
    }, //
};

/// What the private data of an open file points to.
#[pin_data]
struct Opened<T: Operations> {
    // First: its destructor still changes sources.
    file: T,
    #[pin]
    heads: Heads,
}

/// What the private data is made of.
type Private<T> = Pin<KBox<Opened<T>>>;

/// The `struct file_operations` of a driver.
pub(super) struct Table<T: Operations>(PhantomData<T>);

impl<T: Operations> Table<T> {
    const FOPS: bindings::file_operations = bindings::file_operations {
        open: Some(Self::open),
        release: Some(Self::release),
        read_iter: if T::HAS_READ {
            Some(Self::read_iter)
        } else {
            None
        },
        write_iter: if T::HAS_WRITE {
            Some(Self::write_iter)
        } else {
            None
        },
        poll: if T::HAS_POLL { Some(Self::poll) } else { None },
        // Whoever has a file open pins the module.
        owner: this_module::<T::OwnerModule>().as_ptr(),
        ..pin_init::zeroed()
    };

    pub(super) const fn fops() -> &'static bindings::file_operations {
        &Self::FOPS
    }

    /// Returns where code of the driver is.
    pub(super) fn code() -> *const () {
        Self::open as *const ()
    }

    /// Returns whether the `init` of the driver's module has succeeded.
    fn is_live() -> bool {
        let module = this_module::<T::OwnerModule>().as_ptr();
        if module.is_null() {
            // It is built in.
            return true;
        }
        // SAFETY: The module exists, because its code runs, and the file that is being opened has a reference.
        let state = unsafe { ptr::read_volatile(&raw const (*module).state) };
        state == bindings::module_state_MODULE_STATE_LIVE
    }

    /// # Safety
    ///
    /// `inode` and `file` must be those of a file that is being opened, whose private data is the `misc` of a
    /// core, with the lock of the misc devices held.
    unsafe extern "C" fn open(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        if !Self::is_live() {
            return ENXIO.to_errno();
        }
        // SAFETY: By the safety requirements; this never fails.
        unsafe { bindings::stream_open(inode, file) };
        // SAFETY: By the safety requirements; the core is not freed before it was deregistered.
        let core = unsafe {
            let misc = Opaque::cast_from((*file).private_data.cast::<bindings::miscdevice>());
            &*container_of!(misc, Core<T>, misc)
        };
        // SAFETY: By the safety requirements.
        let opened = unsafe {
            core.opening(|data| {
                let opened = T::open(data, Self::file(file))?;
                KBox::pin_init(
                    pin_init!(Opened {
                        file: opened,
                        heads <- Heads::new(),
                    }),
                    GFP_KERNEL,
                )
            })
        };
        match opened {
            Ok(opened) => {
                // SAFETY: Who opens a file owns its private data.
                unsafe { (*file).private_data = opened.into_foreign() };
                0
            }
            Err(error) => error.to_errno(),
        }
    }

    /// # Safety
    ///
    /// `file` must be valid, and opened by [`Self::open`] or about to be.
    unsafe fn file<'a>(file: *const bindings::file) -> &'a File {
        // SAFETY: By the safety requirements. It is a stream, so that there is no position that anybody
        // would have to lock.
        unsafe { File::from_raw_file(file) }
    }

    /// # Safety
    ///
    /// `file` must have been opened by [`Self::open`], and not be released before `'a` has ended.
    unsafe fn opened<'a>(file: *const bindings::file) -> Pin<&'a Opened<T>> {
        // SAFETY: By the safety requirements: the private data came from `into_foreign()`.
        unsafe { Private::<T>::borrow((*file).private_data) }
    }

    /// # Safety
    ///
    /// `file` must have been opened by [`Self::open`], and is not used afterwards.
    unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: By the safety requirements: the private data came from `into_foreign()`. Nobody is
        // registered with the heads any more: whoever polls has a reference to the file, and epoll has let
        // go of it before.
        drop(unsafe { Private::<T>::from_foreign((*file).private_data) });
        0
    }

    /// # Safety
    ///
    /// `iocb` must be that of a file which was opened by [`Self::open`], and `to` a valid destination.
    unsafe extern "C" fn read_iter(
        iocb: *mut bindings::kiocb,
        to: *mut bindings::iov_iter,
    ) -> isize {
        // SAFETY: By the safety requirements.
        let (opened, file, to) = unsafe {
            let file = (*iocb).ki_filp;
            (
                Self::opened(file),
                Self::file(file),
                IovIterDest::from_raw(to),
            )
        };
        // ENTRY: a system call.
        let cx = &mut MaySleep::assert();
        result(opened.file.read(cx, file, to))
    }

    /// # Safety
    ///
    /// `iocb` must be that of a file which was opened by [`Self::open`], and `from` a valid source.
    unsafe extern "C" fn write_iter(
        iocb: *mut bindings::kiocb,
        from: *mut bindings::iov_iter,
    ) -> isize {
        // SAFETY: By the safety requirements.
        let (opened, file, from) = unsafe {
            let file = (*iocb).ki_filp;
            (
                Self::opened(file),
                Self::file(file),
                IovIterSource::from_raw(from),
            )
        };
        // ENTRY: a system call.
        let cx = &mut MaySleep::assert();
        result(opened.file.write(cx, file, from))
    }

    /// # Safety
    ///
    /// `file` must have been opened by [`Self::open`], and `table` be null or valid.
    unsafe extern "C" fn poll(
        file: *mut bindings::file,
        table: *mut bindings::poll_table_struct,
    ) -> bindings::__poll_t {
        // SAFETY: By the safety requirements.
        let (opened, file) = unsafe { (Self::opened(file), Self::file(file)) };
        let heads = &opened.get_ref().heads;
        // SAFETY: As above; the heads are dropped when the file is released.
        let table = unsafe { poll::Table::new(table, file, heads) };
        // ENTRY: a system call.
        let cx = &mut MaySleep::assert();
        opened.file.poll(cx, &table).into_raw()
    }
}

/// Returns what a system call returns.
fn result(result: Result<usize>) -> isize {
    match result {
        // CAST: An iterator has no more bytes than that.
        Ok(len) => len as isize,
        // CAST: Errors are small.
        Err(error) => error.to_errno() as isize,
    }
}
