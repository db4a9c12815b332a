// SPDX-License-Identifier: GPL-2.0

//! Shrinkers: giving memory back when the kernel asks for it.
//!
//! C header: [`include/linux/shrinker.h`](srctree/include/linux/shrinker.h)
//!
//! Reclaim runs in whatever task has asked for memory, with the locks that it holds. In C nothing
//! says so in a scan function: `bcache`'s spun in it with two locks held until up to eight nodes were
//! written. Here a scan has a [`Reclaim`] and no [`MaySleep`], and everything that sleeps wants one.

use crate::{
    ffi,
    MaySleep, //
};
use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    ffi::{
        c_int,
        c_ulong, //
    },
    prelude::*,
    sync::Arc,
    types::NotThreadSafe, //
};

/// The context of reclaim, which must not sleep: it offers what tries, and nothing that waits.
///
/// It exists during [`Shrink::scan`] only. `mem::forget` does nothing: it owns nothing.
///
/// A scan that makes a [`MaySleep`] by `MaySleep::assert()` states something false. No type prevents
/// that; with `CONFIG_LOCKDEP` the locks that it then takes are reported if they are also held around
/// allocations.
pub struct Reclaim(NotThreadSafe);

/// How much a scan has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// That many objects were freed.
    Freed(usize),
    /// There is no point in asking again now (`SHRINK_STOP`).
    #[doc(alias = "SHRINK_STOP")]
    Stop,
}

/// A cache that can give memory back.
pub trait Shrink: Send + Sync + 'static {
    /// Returns how many objects could be freed, roughly.
    ///
    /// Context: any task, with any locks; must not sleep.
    #[doc(alias = "count_objects")]
    fn count(&self) -> usize;

    /// Frees up to `target` objects.
    ///
    /// Context: any task, with any locks; must not sleep.
    #[doc(alias = "scan_objects")]
    fn scan(&self, reclaim: &mut Reclaim, target: usize) -> Scanned;
}

/// What is registered: how costly it is to make an object again.
#[derive(Clone, Copy, Debug)]
pub struct Seeks(c_int);

impl Seeks {
    /// What most caches have (`DEFAULT_SEEKS`).
    #[doc(alias = "DEFAULT_SEEKS")]
    pub const DEFAULT: Self = Self(2);

    /// As many disk seeks as it takes to make an object again.
    ///
    /// # Errors
    ///
    /// `EINVAL` unless `seeks` is from 0 to 1024. 0 stands for objects that cost nothing.
    pub fn new(seeks: u32) -> Result<Self> {
        if seeks > 1024 {
            return Err(EINVAL);
        }
        // CAST: At most 1024.
        Ok(Self(seeks as c_int))
    }
}

/// A registered shrinker; it is unregistered when this is dropped.
///
/// The drop waits until no scan runs. So it must not happen in a scan, nor with a lock that one takes.
/// The cache must not own its own shrinker: they would keep each other.
///
/// `mem::forget` leaves it registered and its cache alive; the module must not be unloaded any more.
///
/// # Invariants
///
/// `shrinker` is registered with the callbacks for `S`, and its `private_data` is a reference from
/// [`Arc::into_raw`] that this owns.
///
/// # Examples
///
/// ```
/// use baton::shrinker::{Reclaim, Scanned, Seeks, Shrink, Shrinker};
/// use kernel::prelude::*;
/// use kernel::sync::Arc;
///
/// struct Nothing;
///
/// impl Shrink for Nothing {
///     fn count(&self) -> usize {
///         0
///     }
///
///     fn scan(&self, _reclaim: &mut Reclaim, _target: usize) -> Scanned {
///         Scanned::Stop
///     }
/// }
///
/// let cache = Arc::new(Nothing, GFP_KERNEL)?;
/// let _shrinker = Shrinker::register(c"baton-example", Seeks::DEFAULT, cache)?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("shrinker_alloc", "shrinker_register", "shrinker_free"))]
pub struct Shrinker<S: Shrink> {
    shrinker: *mut bindings::shrinker,
    cache: *const S,
    _owns: PhantomData<Arc<S>>,
}

// SAFETY: `shrinker_free()` may be called by any task, and the reference is `Send`, since `S` is `Send`
// and `Sync`.
unsafe impl<S: Shrink> Send for Shrinker<S> {}

// SAFETY: Nothing can be done with a shared reference.
unsafe impl<S: Shrink> Sync for Shrinker<S> {}

impl<S: Shrink> Shrinker<S> {
    /// Registers a shrinker of `cache`.
    ///
    /// `name` is what shrinker debugfs shows.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn register(name: &CStr, seeks: Seeks, cache: Arc<S>) -> Result<Self> {
        // SAFETY: The format takes one string.
        let shrinker =
            unsafe { bindings::shrinker_alloc(0, c"%s".as_char_ptr(), name.as_char_ptr()) };
        if shrinker.is_null() {
            return Err(ENOMEM);
        }
        let cache = Arc::into_raw(cache);
        // SAFETY: `shrinker` was allocated and is not registered yet, so it is ours alone. The
        // callbacks fit `private_data`, which lives until `drop()` has unregistered it.
        unsafe {
            (*shrinker).count_objects = Some(Self::count);
            (*shrinker).scan_objects = Some(Self::scan);
            (*shrinker).seeks = seeks.0;
            (*shrinker).private_data = cache.cast_mut().cast();
            bindings::shrinker_register(shrinker);
        }
        // INVARIANT: It was registered just so.
        Ok(Self {
            shrinker,
            cache,
            _owns: PhantomData,
        })
    }

    /// # Safety
    ///
    /// `shrinker` must be registered by [`Self::register`].
    unsafe extern "C" fn count(
        shrinker: *mut bindings::shrinker,
        _control: *mut bindings::shrink_control,
    ) -> c_ulong {
        // SAFETY: By the safety requirements; the reference is kept until no callback runs.
        let cache = unsafe { &*(*shrinker).private_data.cast::<S>() };
        match cache.count() {
            0 => SHRINK_EMPTY,
            count => count.min(SHRINK_EMPTY - 1),
        }
    }

    /// # Safety
    ///
    /// `shrinker` must be registered by [`Self::register`], and `control` valid.
    unsafe extern "C" fn scan(
        shrinker: *mut bindings::shrinker,
        control: *mut bindings::shrink_control,
    ) -> c_ulong {
        // SAFETY: By the safety requirements; the reference is kept until no callback runs.
        let (cache, target) = unsafe {
            (
                &*(*shrinker).private_data.cast::<S>(),
                (*control).nr_to_scan,
            )
        };
        match cache.scan(&mut Reclaim(NotThreadSafe), target) {
            Scanned::Freed(count) => count.min(SHRINK_EMPTY - 1),
            Scanned::Stop => SHRINK_STOP,
        }
    }
}

const SHRINK_STOP: c_ulong = c_ulong::MAX;
const SHRINK_EMPTY: c_ulong = c_ulong::MAX - 1;

/// Asks every shrinker of the kernel to free what it can, for tests.
///
/// The same as `echo 2 >/proc/sys/vm/drop_caches`, which is how it is done: the kernel exports no
/// function for it.
///
/// Context: may sleep.
///
/// # Errors
///
/// Those of opening and writing the file, if there is no procfs for example.
#[doc(alias("drop_caches", "drop_slab"))]
pub fn shrink_all(_cx: &mut MaySleep) -> Result {
    // SAFETY: The name is a C string that lives for ever.
    let file = from_err_ptr(unsafe {
        ffi::baton_open_for_writing(c"/proc/sys/vm/drop_caches".as_char_ptr())
    })?;
    let mut position = 0;
    // SAFETY: `file` is open for writing, and the text has two bytes.
    let written =
        unsafe { bindings::kernel_write(file, c"2\n".as_char_ptr().cast(), 2, &mut position) };
    // SAFETY: `file` was opened above and is not used afterwards.
    unsafe { bindings::filp_close(file, ptr::null_mut()) };
    // CAST: A negative number is an error, and errors are small.
    to_result(written.min(0) as c_int)
}

impl<S: Shrink> Drop for Shrinker<S> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; it is not used afterwards.
        unsafe { bindings::shrinker_free(self.shrinker) };
        // SAFETY: By the type invariants. No callback runs any more.
        drop(unsafe { Arc::from_raw(self.cache) });
    }
}
