// SPDX-License-Identifier: GPL-2.0

//! Misc devices: a character device whose files share something, wait, and can be polled.
//!
//! C header: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h)
//!
//! The `kernel` crate has [`MiscDevice`](kernel::miscdevice::MiscDevice) as well, with more operations. It has
//! no `poll`, its files find nothing that they share, and its registration is not ended when it is forgotten.
//!
//! # When its module goes
//!
//! An open file keeps the module: unloading it is refused with `EBUSY`. So nobody is in an operation, asleep
//! or polling, when the module goes. There is one way around that in C: an `init` that fails after it has
//! registered a device, which somebody has opened meanwhile. Here a device cannot be opened before the `init`
//! of its module has succeeded.

mod operations;
mod registration;
mod table;

pub use operations::Operations;

use crate::{
    level::{
        After,
        Level,
        Unordered, //
    },
    owner::{
        Owned,
        TeardownError, //
    },
    MaySleep, //
};
use core::panic::Location;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use registration::Core;
use table::Table;

/// A registered misc device, `/dev/NAME`.
///
/// [`Device::deregister`] ends the registration. Dropping it has that done by a worker, in any context; nothing
/// is waited for, so that is in order, too. Files that are open stay so, and keep the data, and the module.
///
/// `mem::forget`, or a device in a `static`, leaves it there until its module goes, which deregisters it. From
/// its own [`Operations::open`], deregistering it is `EDEADLK`.
///
/// # Examples
///
/// ```
/// use baton::misc::{Device, Operations};
/// use baton::MaySleep;
/// use kernel::{fs::File, iov::IovIterDest, prelude::*, sync::Arc};
///
/// struct Zeroes;
///
/// #[vtable]
/// impl Operations for Zeroes {
///     type Data = ();
///
///     fn open(_data: &Arc<()>, _file: &File) -> Result<Self> {
///         Ok(Self)
///     }
///
///     fn read(
///         &self,
///         _cx: &mut MaySleep,
///         _file: &File,
///         to: &mut IovIterDest<'_>,
///     ) -> Result<usize> {
///         Ok(to.copy_to_iter(&[0; 8]))
///     }
/// }
///
/// let cx = &mut MaySleep::assert();
/// let device = Device::<Zeroes>::register(cx, c"baton-example", Arc::new((), GFP_KERNEL)?)?;
/// device.deregister(cx)?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "struct miscdevice")]
pub struct Device<T: Operations> {
    core: Owned<Core<T>>,
}

impl<T: Operations> Device<T> {
    /// Registers a device whose files share `data`.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `EEXIST` if a device has that name already; `EBUSY` if there is no number left for it; `ENOMEM`;
    /// `ESHUTDOWN` if the module is being unloaded.
    #[doc(alias = "misc_register")]
    #[track_caller]
    pub fn register<C: Level>(
        _cx: &mut MaySleep<C>,
        name: &'static CStr,
        data: Arc<T::Data>,
    ) -> Result<Self>
    where
        Unordered: After<C>,
    {
        let place = Location::caller();
        let core = Core::new(name, Table::<T>::fops(), data);
        let core = Owned::new(name, Table::<T>::code(), place, core)?;
        if let Err(e) = core.register() {
            // Here and now: what has failed keeps nothing.
            core.tear_down()?;
            return Err(e);
        }
        Ok(Self { core })
    }

    /// Deregisters the device: it cannot be opened any more.
    ///
    /// Context: may sleep; nothing is held that an [`Operations::open`] takes.
    ///
    /// # Errors
    ///
    /// The device, with `EDEADLK`, from its own [`Operations::open`].
    #[doc(alias = "misc_deregister")]
    pub fn deregister<C: Level>(self, _cx: &mut MaySleep<C>) -> Result<(), TeardownError<Self>>
    where
        Unordered: After<C>,
    {
        self.core
            .tear_down()
            .map_err(|refused| refused.map(|core| Self { core }))
    }
}
