// SPDX-License-Identifier: GPL-2.0

//! The two engines, under the same names, and what a case is.
//!
//! loom tries every interleaving, and every value that the memory model lets a load return. shuttle
//! tries random schedules of larger populations, sequentially consistent.

mod case;

pub use case::{
    Case,
    Fault,
    Job, //
};

/// The explorer: loom.
pub mod explorer {
    pub use loom::{
        sync::{
            atomic::{fence, AtomicU32, AtomicU64},
            Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
        },
        thread::JoinHandle,
        thread_local,
    };

    /// Starts a thread. Boxed, so that the engine's part is compiled once and not for each variant.
    pub fn spawn(body: Box<dyn FnOnce() + Send>) -> JoinHandle<()> {
        loom::thread::spawn(body)
    }

    /// Memory that is accessed without atomics: two accesses that nothing orders are reported.
    pub struct Plain(loom::cell::UnsafeCell<u32>);

    // SAFETY: loom runs one thread at a time, and reports what would be a race.
    unsafe impl Send for Plain {}
    // SAFETY: As above.
    unsafe impl Sync for Plain {}

    impl Plain {
        pub fn new() -> Self {
            Self(loom::cell::UnsafeCell::new(0))
        }

        pub fn read(&self) -> u32 {
            // SAFETY: loom reports a race before the access.
            self.0.with(|value| unsafe { *value })
        }

        pub fn write(&self) {
            // SAFETY: As above.
            self.0.with_mut(|value| unsafe { *value += 1 });
        }
    }
}

/// The stress: shuttle.
pub mod stress {
    pub use shuttle::{
        sync::{
            atomic::{fence, AtomicU32, AtomicU64},
            Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
        },
        thread::JoinHandle,
        thread_local,
    };

    /// Starts a thread. Boxed, so that the engine's part is compiled once and not for each variant.
    pub fn spawn(body: Box<dyn FnOnce() + Send>) -> JoinHandle<()> {
        shuttle::thread::spawn(body)
    }

    /// Memory that is accessed without atomics. Races are not looked for.
    pub struct Plain(std::sync::atomic::AtomicU32);

    impl Plain {
        pub fn new() -> Self {
            Self(0.into())
        }

        pub fn read(&self) -> u32 {
            self.0.load(std::sync::atomic::Ordering::Relaxed)
        }

        pub fn write(&self) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}
