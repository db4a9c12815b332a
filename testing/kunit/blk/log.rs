// SPDX-License-Identifier: GPL-2.0

//! The log: its thread, who is told what, and its end.

use crate::{
    journal::Writer,
    log::Log,
    ring::{
        Done,
        Record, //
    },
    stats::Stats,
    store::Store,
    suite::until, //
};
use baton::{
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};

/// The requests that can wait.
const REQUESTS: usize = 4;

/// A log, what it makes stable, and how many of those who waited were told what.
#[pin_data]
struct Scene {
    #[pin]
    log: Log<u32>,
    store: Store,
    stats: Stats,
    good: Atomic<usize>,
    shut: Atomic<usize>,
    wrong: Atomic<usize>,
}

impl Scene {
    fn new() -> Result<Arc<Self>> {
        let scene = try_pin_init!(Self {
            log <- Log::new(REQUESTS),
            store: Store::new(),
            stats: Stats::new(),
            good: Atomic::new(0),
            shut: Atomic::new(0),
            wrong: Atomic::new(0),
        });
        Arc::pin_init(scene, GFP_KERNEL)
    }

    /// Starts the log thread.
    fn start(self: &Arc<Self>, cx: &mut MaySleep) -> Result<Thread> {
        let own = self.clone();
        Thread::spawn(cx, c"blk_kunit_log", move |cx, _stop| {
            let end = |_, result| own.told(result);
            own.log.run(&own.store, &own.stats, cx, end);
        })
    }

    fn told(&self, result: Result) {
        let count = match result {
            Ok(()) => &self.good,
            Err(e) if e == ESHUTDOWN => &self.shut,
            Err(_) => &self.wrong,
        };
        count.fetch_add(1, Relaxed);
    }

    /// How many were told that it is done, that the log is shut down, and anything else.
    fn all_told(&self) -> [usize; 3] {
        [&self.good, &self.shut, &self.wrong].map(|count| count.load(Relaxed))
    }

    /// Gives the log a write of 512 bytes.
    fn write(&self, fua: bool, cx: &mut MaySleep) {
        let writer = Writer {
            record: Record {
                start: 0,
                bytes: 512,
                done: Done::Gone,
            },
            fua,
            request: 0,
        };
        let end = |_, result| self.told(result);
        self.log.write(writer, &self.store, &self.stats, cx, end);
    }

    fn flush(&self, cx: &mut MaySleep) {
        let end = |_, result| self.told(result);
        self.log.flush(0, &self.store, &self.stats, cx, end);
    }

    fn shut_down(&self, cx: &mut MaySleep) {
        self.log.shut_down(cx, |_, result| self.told(result));
    }

    /// Joins the log thread, which must have seen the end of the log by itself.
    fn returns(thread: Thread, cx: &mut MaySleep) -> bool {
        let returned = until(|| thread.is_finished(cx));
        returned && thread.join(cx).is_ok()
    }
}

#[kunit_tests(baton_blk_log)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_told_when_it_is_stable() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        scene.log.hold(true, cx);
        let thread = scene.start(cx)?;
        scene.write(false, cx);
        scene.write(true, cx);
        scene.flush(cx);
        let held = (scene.all_told(), scene.store.bytes());
        let waiting = scene.log.summary(cx).stable_sleepers;
        // Nobody comes for it but the thread.
        scene.log.hold(false, cx);
        let told = until(|| scene.all_told() == [3, 0, 0]);
        let summary = scene.log.summary(cx);
        scene.shut_down(cx);
        let returned = Scene::returns(thread, cx);
        let stats = &scene.stats;
        assert_eq!((held, waiting), (([1, 0, 0], 0), 2));
        assert!(told);
        assert_eq!((summary.position, summary.stable), (2, 2));
        assert_eq!(scene.store.bytes(), 1024);
        assert_eq!((stats.log_waits.get(), stats.log_full.get()), (2, 0));
        assert_eq!((stats.log_records.get(), stats.written_back.get()), (2, 2));
        assert_eq!(stats.log_commits.get(), 1);
        assert!(returned);
        Ok(())
    }

    #[test]
    fn whoever_waits_makes_it_stable() -> Result {
        let cx = &mut MaySleep::assert();
        // There is no thread.
        let scene = Scene::new()?;
        let commits = || scene.stats.log_commits.get();
        let mut found = [(0, [0; 3]); 5];
        scene.flush(cx);
        found[0] = (commits(), scene.all_told());
        scene.write(false, cx);
        found[1] = (commits(), scene.all_told());
        scene.flush(cx);
        found[2] = (commits(), scene.all_told());
        scene.write(true, cx);
        found[3] = (commits(), scene.all_told());
        scene.flush(cx);
        found[4] = (commits(), scene.all_told());
        let summary = scene.log.summary(cx);
        scene.shut_down(cx);
        let wanted = [
            // There is nothing to be waited for.
            (0, [1, 0, 0]),
            (0, [2, 0, 0]),
            (1, [3, 0, 0]),
            (2, [4, 0, 0]),
            (2, [5, 0, 0]),
        ];
        assert_eq!(found, wanted);
        assert_eq!((summary.position, summary.stable), (2, 2));
        Ok(())
    }

    #[test]
    fn many_records_are_made_stable_by_whoever_finds_them() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        for _ in 0..1000 {
            scene.write(false, cx);
        }
        let summary = scene.log.summary(cx);
        let told = scene.all_told();
        scene.shut_down(cx);
        assert_eq!(told, [1000, 0, 0]);
        assert_eq!(summary.position, 1000);
        // Not each of them, and never so many that there is no room.
        let stats = &scene.stats;
        assert_eq!((stats.log_commits.get(), stats.log_records.get()), (7, 896));
        assert_eq!(scene.stats.log_full.get(), 0);
        Ok(())
    }

    #[test]
    fn the_thread_writes_checksums_out_when_they_are_old() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        let thread = scene.start(cx)?;
        scene.store.grow_old();
        scene.write(true, cx);
        // It was made stable without them.
        let told = scene.all_told();
        let written = until(|| scene.stats.checkpoints.get() > 0);
        scene.shut_down(cx);
        let returned = Scene::returns(thread, cx);
        assert_eq!(told, [1, 0, 0]);
        assert!(written);
        assert!(returned);
        assert_eq!(scene.stats.checkpoints.get(), 1);
        Ok(())
    }

    #[test]
    fn shutting_it_down_ends_what_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        scene.log.hold(true, cx);
        let thread = scene.start(cx)?;
        scene.write(true, cx);
        scene.flush(cx);
        let early = scene.all_told();
        scene.shut_down(cx);
        // Nobody else tells them: the thread returns at once.
        let told = scene.all_told();
        let returned = Scene::returns(thread, cx);
        scene.write(false, cx);
        scene.write(true, cx);
        scene.flush(cx);
        let later = scene.all_told();
        let audit = scene.log.audit(cx);
        assert_eq!(early, [0, 0, 0]);
        assert_eq!(told, [0, 2, 0]);
        assert!(returned);
        assert_eq!(later, [0, 5, 0]);
        assert_eq!((audit.sleeping, audit.lost), (0, 0));
        assert_eq!(scene.store.bytes(), 0);
        Ok(())
    }

    #[test]
    fn a_log_that_fails_shuts_itself_down() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        scene.store.fail();
        scene.write(true, cx);
        // It is not for good: the thread tries it once more.
        let early = (scene.all_told(), scene.log.summary(cx).stable_sleepers);
        let thread = scene.start(cx)?;
        let returned = Scene::returns(thread, cx);
        let told = scene.all_told();
        scene.write(false, cx);
        assert_eq!(early, ([0, 0, 0], 1));
        assert!(returned);
        assert_eq!(told, [0, 1, 0]);
        assert_eq!(scene.all_told(), [0, 2, 0]);
        // It was never said to be stable.
        assert_eq!(scene.log.summary(cx).stable, 0);
        Ok(())
    }

    #[test]
    fn a_full_log_is_counted_and_goes_on() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        scene.log.hold(true, cx);
        for _ in 0..257 {
            scene.write(false, cx);
        }
        let entered = scene.all_told();
        let sleepers = scene.log.summary(cx).room_sleepers;
        let full = (scene.stats.log_full.get(), scene.stats.log_waits.get());
        scene.log.hold(false, cx);
        // Whoever comes next works for all.
        scene.write(true, cx);
        let told = scene.all_told();
        scene.shut_down(cx);
        assert_eq!(entered, [256, 0, 0]);
        assert_eq!((sleepers, full), (1, (1, 0)));
        assert_eq!(told, [258, 0, 0]);
        Ok(())
    }
}
