// SPDX-License-Identifier: GPL-2.0

//! What a driver implements for the files of its device.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h) (`struct file_operations`)

use crate::{
    poll::{
        self,
        Mask, //
    },
    MaySleep, //
};
use kernel::{
    error::VTABLE_DEFAULT_ERROR,
    fs::File,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*,
    sync::Arc, //
};

/// An open file of a misc device.
///
/// Implement it with `#[vtable]`, which also records which module the implementation lives in. Whoever
/// implements it can make a file useless, and nothing worse. When the file is released, by the last of those
/// who have it open, it is dropped: in a task, where it may sleep, with nothing held.
///
/// A file has no position: it cannot be seeked in.
#[vtable]
pub trait Operations: Sized + Send + Sync + 'static {
    /// What the files of one device share.
    type Data: Send + Sync + 'static;

    /// Opens a file.
    ///
    /// Every misc device of the system is opened under one lock, so nothing is waited for here; there is no
    /// capability for it.
    ///
    /// Context: a mutex is held.
    #[doc(alias = "file_operations.open")]
    fn open(data: &Arc<Self::Data>, file: &File) -> Result<Self>;

    /// Reads into `to`, and returns how much; nothing at the end.
    ///
    /// Any number of tasks may read and write at the same time. A wait that a signal ends returns
    /// [`ERESTARTSYS`], as the error of [`Interruptible`](crate::event::Interruptible) becomes; with
    /// [`O_NONBLOCK`](kernel::fs::file::flags::O_NONBLOCK) in `file.flags()` it is [`EAGAIN`] rather than a
    /// wait.
    ///
    /// Context: may sleep; a system call, with nothing held.
    #[doc(alias = "file_operations.read_iter")]
    fn read(&self, _cx: &mut MaySleep, _file: &File, _to: &mut IovIterDest<'_>) -> Result<usize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Writes what is in `from`, and returns how much of it: see [`Operations::read`].
    ///
    /// Context: may sleep; a system call, with nothing held.
    #[doc(alias = "file_operations.write_iter")]
    fn write(
        &self,
        _cx: &mut MaySleep,
        _file: &File,
        _from: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Returns what the file is ready for: see [`Table::watch`](poll::Table::watch).
    ///
    /// Without it, a file is always ready to be read and written.
    ///
    /// Context: may sleep; a system call. epoll holds a mutex of its own.
    #[doc(alias = "file_operations.poll")]
    fn poll(&self, _cx: &mut MaySleep, _table: &poll::Table<'_>) -> Mask {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}
