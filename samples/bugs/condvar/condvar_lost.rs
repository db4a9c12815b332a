// SPDX-License-Identifier: GPL-2.0

//! A notification that `CondVar` loses, by hand: two readers wait for an item, the first one is killed.
//!
//! Safe code, of the `kernel` crate alone. In `/sys/kernel/debug/condvar_lost/`, for a mutex and for a
//! spinlock:
//!
//! - `take`: a read waits for an item, takes it, and says so;
//! - `give`: a write puts one there, and notifies one who waits. `now` does just that. `signal` keeps the lock
//!   until a signal is pending for the first who waits: it comes after the notification, and before that task
//!   has the lock again. `late` keeps the lock before that until `go` is written: the signal comes first, and the
//!   task waits for the lock when it is notified. `notify` puts nothing there;
//! - `state`: what is there, and how many wait. It takes the lock;
//! - `kept`: whether the lock is kept.
//!
//! The script `run` plays it. Nothing is timed.

mod items;

use items::Items;
use kernel::{
    debugfs::{
        Dir,
        File, //
    },
    fmt,
    prelude::*,
    static_lock_class,
    str::CStr,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        lock::{
            mutex::MutexBackend,
            spinlock::SpinLockBackend,
            Backend, //
        },
        new_mutex,
        Arc,
        LockClassKey,
        Mutex, //
    },
    task::Task,
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
    uaccess::UserSliceReader, //
};

module! {
    type: CondvarLost,
    name: "condvar_lost",
    authors: ["The baton authors"],
    description: "A notification that CondVar loses",
    license: "GPL",
}

/// How long the lock is kept for what does not come.
const LIMIT: Delta = Delta::from_secs(10);

/// A kind of lock: how a task that has one lets others run, and its class.
trait Pause: Backend {
    const IS_ASLEEP: bool;

    fn class() -> (&'static CStr, Pin<&'static LockClassKey>);
}

impl Pause for MutexBackend {
    const IS_ASLEEP: bool = true;

    // Not inlined: there is one key.
    #[inline(never)]
    fn class() -> (&'static CStr, Pin<&'static LockClassKey>) {
        (c"condvar_lost_mutex", static_lock_class!())
    }
}

impl Pause for SpinLockBackend {
    const IS_ASLEEP: bool = false;

    #[inline(never)]
    fn class() -> (&'static CStr, Pin<&'static LockClassKey>) {
        (c"condvar_lost_spinlock", static_lock_class!())
    }
}

/// One of the two: items, and what the script waits for.
#[pin_data]
struct Bench<B: Backend> {
    #[pin]
    items: Items<B>,
    /// Who was the first to wait.
    #[pin]
    first: Mutex<Option<ARef<Task>>>,
    go: Atomic<bool>,
    kept: Atomic<bool>,
}

impl<B: Pause + 'static> Bench<B> {
    fn new() -> Result<Arc<Self>> {
        let (name, key) = B::class();
        Arc::pin_init(
            pin_init!(Self {
                items <- Items::new(name, key),
                first <- new_mutex!(None),
                go: Atomic::new(false),
                kept: Atomic::new(false),
            }),
            GFP_KERNEL,
        )
    }

    /// Keeps the lock, which the caller has, until it is so.
    fn keep(&self, so: impl Fn() -> bool) {
        let start = Instant::<Monotonic>::now();
        self.kept.store(true, Relaxed);
        while !so() && start.elapsed() < LIMIT {
            if B::IS_ASLEEP {
                fsleep(Delta::from_micros(500));
            } else {
                kernel::processor::cpu_relax();
            }
        }
        self.kept.store(false, Relaxed);
    }

    fn take(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // IRQ: none; this module is not one of baton.
        let mut first = self.first.lock();
        first.get_or_insert_with(|| ARef::from(&**kernel::current!()));
        drop(first);
        match self.items.take(None, false) {
            Ok(()) => writeln!(f, "taken"),
            Err(_) => writeln!(f, "interrupted"),
        }
    }

    fn give(&self, reader: &mut UserSliceReader) -> Result {
        let mut bytes = KVec::new();
        reader.clone_reader().read_all(&mut bytes, GFP_KERNEL)?;
        let none = || ();
        match bytes.trim_ascii() {
            b"now" => self.items.give(none, none),
            b"signal" => {
                // IRQ: none.
                let first = self.first.lock().take().ok_or(EINVAL)?;
                self.items
                    .give(none, || self.keep(|| first.signal_pending()));
            }
            b"late" => {
                self.go.store(false, Relaxed);
                // IRQ: none.
                self.first.lock().take();
                self.items
                    .give(|| self.keep(|| self.go.load(Relaxed)), none);
            }
            b"go" => self.go.store(true, Relaxed),
            b"notify" => self.items.notify(),
            _ => return Err(EINVAL),
        }
        Ok(())
    }

    fn state(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.items.look();
        writeln!(f, "items {} waiting {}", inner.items, inner.waiting)
    }

    fn kept(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.kept.load(Relaxed))
    }
}

/// The files of one of the two.
#[pin_data]
struct Files<B: Backend> {
    #[pin]
    take: File<Arc<Bench<B>>>,
    #[pin]
    give: File<Arc<Bench<B>>>,
    #[pin]
    state: File<Arc<Bench<B>>>,
    #[pin]
    kept: File<Arc<Bench<B>>>,
    dir: Dir,
}

impl<B: Pause + 'static> Files<B>
where
    Bench<B>: Send + Sync,
{
    fn new<'a>(dir: Dir) -> impl PinInit<Self, Error> + 'a {
        pin_init::pin_init_scope(move || {
            let bench = Bench::<B>::new()?;
            let files = dir.clone();
            Ok(try_pin_init!(Self {
                take <- files.read_callback_file(
                    c"take", bench.clone(), &|bench: &Arc<Bench<B>>, f: &mut fmt::Formatter<'_>| bench.take(f)),
                give <- files.write_callback_file(
                    c"give", bench.clone(), &|bench: &Arc<Bench<B>>, reader: &mut UserSliceReader| bench.give(reader)),
                state <- files.read_callback_file(
                    c"state", bench.clone(), &|bench: &Arc<Bench<B>>, f: &mut fmt::Formatter<'_>| bench.state(f)),
                kept <- files.read_callback_file(
                    c"kept", bench.clone(), &|bench: &Arc<Bench<B>>, f: &mut fmt::Formatter<'_>| bench.kept(f)),
                dir,
            }? Error))
        })
    }
}

/// The module; the files go before the directories.
#[pin_data]
struct CondvarLost {
    #[pin]
    mutex: Files<MutexBackend>,
    #[pin]
    spinlock: Files<SpinLockBackend>,
    top: Dir,
}

impl kernel::InPlaceModule for CondvarLost {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(|| {
            let top = Dir::new(c"condvar_lost");
            Ok(try_pin_init!(Self {
                mutex <- Files::new(top.subdir(c"mutex")),
                spinlock <- Files::new(top.subdir(c"spinlock")),
                top,
            }? Error))
        })
    }
}
