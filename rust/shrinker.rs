// SPDX-License-Identifier: GPL-2.0

//! Shrinkers: giving memory back when the kernel asks for it.
//!
//! C header: [`include/linux/shrinker.h`](srctree/include/linux/shrinker.h)
//!
//! Reclaim runs in whatever task has asked for memory, with the locks that it holds. In C nothing
//! says so in a scan function: `bcache`'s spun in it with two locks held until up to eight nodes were
//! written. Here a scan has a [`Reclaim`] and no [`MaySleep`], and everything that sleeps wants one.

mod scans;

use crate::{
    ffi,
    level::{
        After,
        Level,
        Unordered, //
    },
    owner::{
        Owned,
        Teardown,
        TeardownError, //
    },
    MaySleep, //
};
use core::{
    panic::Location,
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
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full, //
        },
        Arc, //
    },
    types::NotThreadSafe, //
};
use scans::Scans;

/// The context of reclaim, which must not sleep: it offers what tries, and nothing that waits.
///
/// It exists during [`Shrink::scan`] only. Dropping it does nothing, nor does `mem::forget`: it owns nothing.
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
///
/// Whoever implements it can make reclaim slow or useless, by a wrong count or a scan that takes long,
/// and nothing worse.
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
    /// Context: any.
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

/// A registered shrinker.
///
/// [`Shrinker::unregister`] waits until no scan runs. Dropping it instead never sleeps, so it may happen
/// anywhere, in a scan, with a lock that scans take, or in an RCU section: a worker unregisters it, and
/// the log names it and where it was made. The cache must not own its own shrinker: they would keep each
/// other.
///
/// `mem::forget`, or a shrinker in a `static`, leaks memory. It is unregistered, and named, when its
/// module is unloaded, before the code goes; then the cache is dropped, unless others have it.
///
/// # Examples
///
/// ```
/// use baton::shrinker::{Reclaim, Scanned, Seeks, Shrink, Shrinker};
/// use baton::MaySleep;
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
/// let cx = &mut MaySleep::assert();
/// let cache = Arc::new(Nothing, GFP_KERNEL)?;
/// let shrinker = Shrinker::register(cx, c"baton-example", Seeks::DEFAULT, cache)?;
/// shrinker.unregister(cx)?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("shrinker_alloc", "shrinker_register"))]
pub struct Shrinker<S: Shrink> {
    core: Owned<Core<S>>,
}

/// What is asked.
///
/// # Invariants
///
/// - `shrinker` was allocated, with the callbacks for `S` and `self` as its `private_data`. It is null
///   once it was freed.
/// - `cache` is a reference from [`Arc::into_raw`], which is given back when `shrinker` was freed.
#[pin_data(PinnedDrop)]
struct Core<S: Shrink> {
    shrinker: Atomic<*mut bindings::shrinker>,
    cache: *const S,
    #[pin]
    scans: Scans,
}

// SAFETY: A shrinker may be freed by any task, and the reference is `Send`, since `S` is `Send` and
// `Sync`.
unsafe impl<S: Shrink> Send for Core<S> {}

// SAFETY: As above; what is shared of it is atomic or has a lock, and `S` is `Sync`.
unsafe impl<S: Shrink> Sync for Core<S> {}

impl<S: Shrink> Shrinker<S> {
    /// Registers a shrinker of `cache`.
    ///
    /// `name` is what shrinker debugfs shows.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `ESHUTDOWN` if the module is being unloaded.
    #[track_caller]
    pub fn register<C: Level>(
        _cx: &mut MaySleep<C>,
        name: &CStr,
        seeks: Seeks,
        cache: Arc<S>,
    ) -> Result<Self> {
        let place = Location::caller();
        let core = Owned::new(
            name,
            Core::<S>::scan as *const (),
            place,
            Core::new(name, seeks, cache),
        )?;
        core.register();
        Ok(Self { core })
    }

    /// Unregisters it, and waits until no scan runs.
    ///
    /// Scans run in tasks that ask for memory, whatever they hold. So this is an acquisition that is in
    /// nobody's order: nothing may be held.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// The shrinker, with `EDEADLK` from its own scan or count.
    #[doc(alias = "shrinker_free")]
    pub fn unregister<C: Level>(self, _cx: &mut MaySleep<C>) -> Result<(), TeardownError<Self>>
    where
        Unordered: After<C>,
    {
        self.core
            .tear_down()
            .map_err(|refused| refused.map(|core| Self { core }))
    }
}

impl<S: Shrink> Core<S> {
    fn new(name: &CStr, seeks: Seeks, cache: Arc<S>) -> impl PinInit<Self, Error> + '_ {
        // INVARIANT: It is allocated here, and gets its callbacks and `private_data` below.
        try_pin_init!(&this in Self {
            scans <- Scans::new(),
            shrinker: {
                // SAFETY: The format takes one string.
                let shrinker = unsafe {
                    bindings::shrinker_alloc(0, c"%s".as_char_ptr(), name.as_char_ptr())
                };
                if shrinker.is_null() {
                    return Err(ENOMEM);
                }
                // SAFETY: It was allocated and is not registered yet, so it is ours alone. The
                // callbacks fit `private_data`, which lives until it is freed.
                unsafe {
                    (*shrinker).count_objects = Some(Self::count);
                    (*shrinker).scan_objects = Some(Self::scan);
                    (*shrinker).seeks = seeks.0;
                    (*shrinker).private_data = this.as_ptr().cast();
                }
                Atomic::new(shrinker)
            },
            // The last one, so that nothing fails any more.
            cache: Arc::into_raw(cache),
        }? Error)
    }

    /// Makes it known to reclaim. Called once, before the end can begin.
    fn register(&self) {
        // SAFETY: By the type invariants; it is called once.
        unsafe { bindings::shrinker_register(self.shrinker.load(Acquire)) };
    }

    /// Frees what was allocated, and waits until no callback runs if it was registered.
    fn free(&self) {
        let shrinker = self.shrinker.xchg(ptr::null_mut(), Full);
        if !shrinker.is_null() {
            // SAFETY: By the type invariants; it is not used afterwards.
            unsafe { bindings::shrinker_free(shrinker) };
            // SAFETY: By the type invariants. No callback runs any more, and the pointer was not null
            // before, so this is the first time.
            drop(unsafe { Arc::from_raw(self.cache) });
        }
    }

    /// Calls `body` with the cache, as a callback.
    ///
    /// # Safety
    ///
    /// A callback of the shrinker must be running.
    unsafe fn during<R>(&self, body: impl FnOnce(&S) -> R) -> R {
        // SAFETY: By the safety requirements, `shrinker_free()` has not returned, so that the reference
        // was not given back.
        self.scans.during(|| body(unsafe { &*self.cache }))
    }

    /// # Safety
    ///
    /// `shrinker` must be that of a core.
    unsafe extern "C" fn count(
        shrinker: *mut bindings::shrinker,
        _control: *mut bindings::shrink_control,
    ) -> c_ulong {
        // SAFETY: By the safety requirements; the core lives until no callback runs.
        let this = unsafe { &*(*shrinker).private_data.cast::<Self>() };
        // SAFETY: This is one.
        match unsafe { this.during(S::count) } {
            0 => SHRINK_EMPTY,
            count => count.min(SHRINK_EMPTY - 1),
        }
    }

    /// # Safety
    ///
    /// `shrinker` must be that of a core, and `control` valid.
    unsafe extern "C" fn scan(
        shrinker: *mut bindings::shrinker,
        control: *mut bindings::shrink_control,
    ) -> c_ulong {
        // SAFETY: By the safety requirements; the core lives until no callback runs.
        let (this, target) = unsafe {
            (
                &*(*shrinker).private_data.cast::<Self>(),
                (*control).nr_to_scan,
            )
        };
        // SAFETY: This is one.
        match unsafe { this.during(|cache| cache.scan(&mut Reclaim(NotThreadSafe), target)) } {
            Scanned::Freed(count) => count.min(SHRINK_EMPTY - 1),
            Scanned::Stop => SHRINK_STOP,
        }
    }
}

impl<S: Shrink> Teardown for Core<S> {
    const KIND: &'static str = "shrinker";
    const IN_ORDER: &'static str = "`unregister(cx)`";

    fn tear_down(&self) {
        self.free();
    }

    fn is_current(&self) -> bool {
        self.scans.is_inside()
    }
}

#[pinned_drop]
impl<S: Shrink> PinnedDrop for Core<S> {
    // SLEEPS: The ledger drops a core where it may sleep, after it was torn down.
    fn drop(self: Pin<&mut Self>) {
        self.free();
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
        ffi::baton_open(
            c"/proc/sys/vm/drop_caches".as_char_ptr(),
            // CAST: A small number.
            bindings::O_WRONLY as c_int,
        )
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
