// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of what happens when there is no memory: every allocation of every constructor fails
//! once, one per call.
//!
//! The allocations are counted by the kernel's own fault injection, not by a list in here: one that is
//! added tomorrow is refused as well. What a constructor was given is shared with the test, which sees
//! after it has failed that nobody has kept it.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    agent::{
        Current,
        Operations,
        Runs, //
    },
    block::{
        GenDisk,
        GenDiskBuilder,
        Operations as BlockOperations,
        PagePool,
        Queued,
        TagSet, //
    },
    completion::{
        self,
        LocalCompleter, //
    },
    drain::{
        new_drain,
        Drain,
        InFlight, //
    },
    fault::nth_allocation,
    level::levels,
    owner,
    parkable,
    pool::{
        new_pool,
        Batch,
        Pool, //
    },
    shrinker::{
        Reclaim,
        Scanned,
        Seeks,
        Shrink,
        Shrinker, //
    },
    sink::{
        Context,
        Finish,
        PollSink,
        TimerSink,
        WorkSink, //
    },
    Agent,
    MaySleep,
    Ordered, //
    Thread,
};
use kernel::{
    new_mutex,
    prelude::*,
    static_lock_class,
    sync::{
        Arc,
        ArcBorrow,
        Mutex, //
    },
    time::Delta, //
};

#[path = "memory/gone.rs"]
mod gone;
#[path = "memory/queues.rs"]
mod queues;
#[path = "memory/waits.rs"]
mod waits;

suite!("memory_kunit", "KUnit suite of baton without memory");

/// No constructor needs as many allocations.
const MANY: u32 = 10_000;

/// What came of refusing every allocation of a constructor once.
#[derive(Debug)]
struct Tally {
    /// It has failed with `ENOMEM`.
    failed: u32,
    /// It has done without.
    survived: u32,
}

/// Calls `make` until none of its allocations is left to be refused; what it makes is dropped.
///
/// # Errors
///
/// The error that is not `ENOMEM`, or came without a reason; `ERANGE` if there is no end.
fn refuse_each<T>(make: impl FnMut() -> Result<T>) -> Result<Tally> {
    refuse_every(1, make)
}

/// As [`refuse_each`], but only the first allocation, and every one that is `step` behind another.
fn refuse_every<T>(step: usize, mut make: impl FnMut() -> Result<T>) -> Result<Tally> {
    let mut tally = Tally {
        failed: 0,
        survived: 0,
    };
    for nth in (1..MANY).step_by(step) {
        let (made, refused) = nth_allocation(nth, &mut make);
        match (made, refused) {
            (Ok(_), true) => tally.survived += 1,
            (Err(e), true) if e == ENOMEM => tally.failed += 1,
            (Ok(_), false) => return Ok(tally),
            (Err(e), _) => {
                pr_err!("allocation {}: {:?}\n", nth, e);
                return Err(e);
            }
        }
    }
    Err(ERANGE)
}

/// Whether the kernel gets memory of its own for each allocation, which it can do without.
const WATCHED: bool = cfg!(CONFIG_DEBUG_KMEMLEAK);

/// Whether it has failed at least so often, and never did without.
fn always_told(tally: Tally, at_least: u32) -> bool {
    pr_info!("{:?}\n", tally);
    tally.failed >= at_least && (tally.survived == 0 || WATCHED)
}

/// What constructors are given, to see whether they keep it.
type Witness = Arc<()>;

fn witness() -> Result<Witness> {
    Ok(Arc::new((), GFP_KERNEL)?)
}

fn is_last<T>(shared: Arc<T>) -> bool {
    Arc::into_unique_or_drop(shared).is_some()
}

levels! {
    /// What the tests hold, outermost first.
    mod order {
        /// A run.
        Work needs [State],
        /// The state of the agent.
        State,
    }
}

#[pin_data]
struct Data {
    #[pin]
    runs: Runs<order::Work, order::State>,
}

#[pin_data]
struct Worker {
    #[pin]
    state: Ordered<order::State, Mutex<Data>>,
}

impl Operations for Worker {
    type Level = order::Work;
    type LockLevel = order::State;
    type Data = Data;
    type Backend = kernel::sync::lock::mutex::MutexBackend;

    fn lock(&self) -> &Ordered<order::State, Mutex<Data>> {
        &self.state
    }

    fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
        data.project().runs
    }

    fn run(&self, _current: &Current<'_, Self>, _cx: &mut MaySleep<order::Work>) {}
}

/// A cache without anything in it.
struct Empty(#[allow(dead_code, reason = "is counted")] Witness);

impl Shrink for Empty {
    fn count(&self) -> usize {
        0
    }

    fn scan(&self, _reclaim: &mut Reclaim, _target: usize) -> Scanned {
        Scanned::Stop
    }
}

struct Io(#[allow(dead_code, reason = "is ended by its drop")] InFlight);

impl<C: Context> Finish<C> for Io {
    fn finish(self, _cx: &mut C) {}
}

parkable! {
    struct Note {
        number: u32,
    }
}

impl<C: Context> Finish<C> for Note {
    fn finish(self, _cx: &mut C) {}
}

/// A disk that nobody reads.
struct Nothing;

#[vtable]
impl BlockOperations for Nothing {
    type Data = Witness;

    fn queue_rq(_: ArcBorrow<'_, ()>, request: Queued, _cx: &mut MaySleep) {
        request.end(Err(EIO));
    }
}

/// Adds a disk without a sector: the block layer does not look for partitions.
fn disk(name: &CStr, data: Witness, cx: &mut MaySleep) -> Result<GenDisk<Nothing>> {
    let tags = Arc::pin_init(TagSet::new(1, 0, 4), GFP_KERNEL)?;
    GenDiskBuilder::new()
        .capacity_sectors(0)
        .build(name, tags, data, static_lock_class!(), cx)
}

#[kunit_tests(baton_memory)]
mod tests {
    use super::*;

    #[test]
    fn the_control_sees_what_does_without() -> Result {
        // Positive control of `refuse_each`: the second allocation is dispensable, the first is not.
        let tally = refuse_each(|| {
            let first = witness()?;
            Ok((first, witness().ok()))
        })?;
        let wrong = refuse_each(|| witness().map_err(|_| EIO).map(drop));
        assert_eq!(tally.failed, 1);
        assert!(tally.survived == 1 || (WATCHED && tally.survived > 1));
        assert!(wrong.is_err_and(|e| e == EIO));
        Ok(())
    }

    #[test]
    fn a_completion() -> Result {
        let cx = &mut MaySleep::assert();
        let tally = refuse_each(|| {
            completion::start(cx, |completer: LocalCompleter<u32>, _| {
                drop(completer);
                Ok(())
            })
        })?;
        assert!(always_told(tally, 1));
        Ok(())
    }

    #[test]
    fn a_thread() -> Result {
        let cx = &mut MaySleep::assert();
        let mine = witness()?;
        let tally = refuse_each(|| {
            let theirs = mine.clone();
            let thread = Thread::spawn(cx, c"memory_kunit", move |_cx, _stop| drop(theirs))?;
            let _ = thread.join(cx);
            Ok(())
        })?;
        assert!(always_told(tally, 3));
        assert!(is_last(mine));
        Ok(())
    }

    #[test]
    fn an_agent() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Arc::pin_init(
            try_pin_init!(Worker {
                state <- Ordered::new(new_mutex!(pin_init!(Data { runs <- Runs::new() }))),
            }? Error),
            GFP_KERNEL,
        )?;
        let mut made = false;
        let mut retired = true;
        let tally = refuse_each(|| {
            // More than one is made if a refusal is survived: what is dropped ends later.
            let agent = Agent::spawn(cx, c"memory_kunit", worker.clone())?;
            made = true;
            retired &= agent.retire(cx).is_ok();
            Ok(())
        })?;
        assert!(always_told(tally, 3));
        assert!(made && retired);
        assert!(is_last(worker));
        Ok(())
    }

    #[test]
    fn a_drain() -> Result {
        let make = || -> Result<Pin<KBox<Drain>>> {
            KBox::pin_init(new_drain!("memory_kunit"), GFP_KERNEL)
        };
        let tally = refuse_each(make)?;
        assert!(always_told(tally, 2));
        Ok(())
    }

    #[test]
    fn a_node_of_a_pool() -> Result {
        let cx = &mut MaySleep::assert();
        let mine = witness()?;
        let pool: Pin<KBox<Pool<u32, Witness, ()>>> =
            KBox::pin_init(new_pool!("memory_kunit"), GFP_KERNEL)?;
        let mut key = 0;
        let tally = refuse_each(|| {
            key += 1;
            drop(pool.insert(cx, key, (), mine.clone(), GFP_KERNEL)?);
            Ok(())
        })?;
        let nodes = pool.len();
        let mut used = 0;
        pool.leaks(|_| used += 1);
        drop(pool);
        // What could not be made is in nobody's hands.
        assert_eq!(used, 0);
        // The calls that did without, and the last one, of which nothing was refused.
        assert_eq!(nodes, tally.survived as usize + 1);
        assert!(always_told(tally, 2));
        assert!(is_last(mine));
        Ok(())
    }

    #[test]
    fn a_node_that_becomes_another_one() -> Result {
        let cx = &mut MaySleep::assert();
        let pool: Pin<KBox<Pool<u32, u32>>> =
            KBox::pin_init(new_pool!("memory_kunit"), GFP_KERNEL)?;
        drop(pool.insert(cx, 0, (), 7, GFP_KERNEL)?);
        let mut node = Some(pool.lock_in(cx).try_exclusive(0)?);
        let (mut same, mut key) = (true, 0);
        let tally = refuse_each(|| {
            let Some(old) = node.take() else {
                return Err(EINVAL);
            };
            let was = (old.key(), old.generation());
            match old.reuse(cx, key + 1, (), GFP_KERNEL) {
                Ok(pin) => {
                    drop(pin);
                    key += 1;
                    node = pool.lock_in(cx).try_exclusive(key).ok();
                    Ok(())
                }
                Err((old, error)) => {
                    same &= (old.key(), old.generation()) == was;
                    node = Some(old);
                    Err(error)
                }
            }
        });
        drop(node);
        let mut used = 0;
        pool.leaks(|_| used += 1);
        let (len, old) = (pool.len(), pool.lock_in(cx).pin(0).map(drop));
        let new = pool.lock_in(cx).pin(key)?;
        let payload = *new.lock_in(cx);
        assert!(always_told(tally?, 1));
        // As long as it was refused, it was what it was.
        assert!(same);
        assert_eq!((used, len, payload), (0, 1, 7));
        assert!(old.is_err());
        Ok(())
    }

    #[test]
    fn a_batch() -> Result {
        type Pins<'p> = Batch<'p, u32, u32, ()>;
        let cx = &mut MaySleep::assert();
        let tally = refuse_each(|| Pins::with_capacity(cx, 8, GFP_KERNEL).map(drop))?;
        assert!(always_told(tally, 1));
        Ok(())
    }

    #[test]
    fn a_shrinker() -> Result {
        let cx = &mut MaySleep::assert();
        let mine = witness()?;
        let seeks = Seeks::new(2)?;
        let tally = refuse_each(|| {
            let cache = Arc::new(Empty(mine.clone()), GFP_KERNEL)?;
            Shrinker::register(cx, c"memory_kunit", seeks, cache)?.unregister(cx)?;
            Ok(())
        })?;
        pr_info!("{:?}\n", tally);
        // Its files in debugfs are dispensable.
        assert!(tally.failed >= 3);
        assert!(is_last(mine));
        Ok(())
    }

    #[test]
    fn a_sink() -> Result {
        let cx = &mut MaySleep::assert();
        let poll = refuse_each(|| {
            PollSink::<Note>::new(cx, 4)?.close(cx);
            Ok(())
        })?;
        let delay = Delta::from_millis(1);
        let timer = refuse_each(|| TimerSink::<Io>::new(cx, delay, 4)?.close(cx))?;
        let work = refuse_each(|| WorkSink::<Io>::new(cx, c"memory_kunit", 4)?.close(cx))?;
        assert!(always_told(poll, 3));
        assert!(always_told(timer, 3));
        pr_info!("{:?}\n", work);
        // The workqueue does without a second worker.
        assert!(work.failed >= 4);
        Ok(())
    }

    #[test]
    fn pages() -> Result {
        let cx = &mut MaySleep::assert();
        let new = refuse_each(|| KBox::pin_init(PagePool::new(cx, 1024, 4096)?, GFP_KERNEL))?;
        let pool = KBox::pin_init(PagePool::new(cx, 1024, 4096)?, GFP_KERNEL)?;
        let page = refuse_each(|| pool.alloc(cx).map(|page| page.free()))?;
        let in_use = pool.in_use();
        pr_info!("{:?}, {:?}\n", new, page);
        // What `kmalloc()` refuses, `vmalloc()` may have.
        assert!(new.failed >= 1);
        assert!(page.failed >= 1);
        assert_eq!(in_use, 0);
        Ok(())
    }

    #[test]
    fn a_tag_set() -> Result {
        let tally = refuse_each(|| KBox::pin_init(TagSet::<Nothing>::new(1, 0, 4), GFP_KERNEL))?;
        pr_info!("{:?}\n", tally);
        // The block layer tries again with fewer requests.
        assert!(tally.failed >= 4);
        Ok(())
    }

    #[test]
    fn a_disk() -> Result {
        let cx = &mut MaySleep::assert();
        let mine = witness()?;
        let before = owner::dropped();
        // Has the slabs that disks share: the kernel tells at length that it could not make them.
        let other = disk(c"memory_kunit0", mine.clone(), cx)?;
        // There are some 200, and after each the block layer waits for RCU; all of them are the turn
        // of a selftest of the driver.
        let tally = refuse_every(17, || {
            // The block layer calls some of them `EINVAL`.
            let disk = disk(c"memory_kunit1", mine.clone(), cx).map_err(|_| ENOMEM)?;
            disk.remove(cx)?;
            Ok(())
        })?;
        other.remove(cx)?;
        pr_info!("{:?}\n", tally);
        // What it does without, such as a file in debugfs, is its own affair.
        assert!(tally.failed >= 5);
        // What could not be added was taken back by who has tried, and not dropped.
        assert_eq!(owner::dropped(), before);
        assert!(is_last(mine));
        Ok(())
    }
}
