// SPDX-License-Identifier: GPL-2.0

//! The log: its thread, who is told what, and its end.

use crate::{
    journal::{
        Answer,
        Record, //
    },
    log::Log,
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

    /// Gives the log a write of 512 bytes. Returns what it is told, unless it waits.
    fn write(&self, fua: bool, cx: &mut MaySleep) -> Option<Result> {
        let record = Record {
            start: 0,
            bytes: 512,
        };
        match self.log.write(record, fua, 0, &self.stats, cx) {
            Answer::Waits => None,
            Answer::Over(_, result) => Some(result),
        }
    }

    fn flush(&self, cx: &mut MaySleep) -> Option<Result> {
        match self.log.flush(0, &self.stats, cx) {
            Answer::Waits => None,
            Answer::Over(_, result) => Some(result),
        }
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
        let answers = [
            scene.write(false, cx),
            scene.write(true, cx),
            scene.flush(cx),
        ];
        let held = (scene.all_told(), scene.store.bytes());
        let waiting = scene.log.summary(cx).stable_sleepers;
        scene.log.hold(false, cx);
        let told = until(|| scene.all_told() == [2, 0, 0]);
        let summary = scene.log.summary(cx);
        scene.shut_down(cx);
        let returned = Scene::returns(thread, cx);
        let stats = &scene.stats;
        assert_eq!(answers, [Some(Ok(())), None, None]);
        assert_eq!((held, waiting), (([0, 0, 0], 0), 2));
        assert!(told);
        assert_eq!((summary.position, summary.stable), (2, 2));
        assert_eq!(scene.store.bytes(), 1024);
        assert_eq!((stats.log_waits.get(), stats.log_full.get()), (2, 0));
        assert_eq!((stats.log_records.get(), stats.written_back.get()), (2, 2));
        assert_eq!(stats.log_commits.get(), stats.checkpoints.get());
        assert!(returned);
        Ok(())
    }

    #[test]
    fn shutting_it_down_ends_what_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        scene.log.hold(true, cx);
        let thread = scene.start(cx)?;
        let answers = [scene.write(true, cx), scene.flush(cx)];
        scene.shut_down(cx);
        // Nobody else tells them: the thread returns at once.
        let told = scene.all_told();
        let returned = Scene::returns(thread, cx);
        let later = [
            scene.write(false, cx),
            scene.write(true, cx),
            scene.flush(cx),
        ];
        let audit = scene.log.audit(cx);
        assert_eq!(answers, [None, None]);
        assert_eq!(told, [0, 2, 0]);
        assert!(returned);
        assert_eq!(later, [Some(Err(ESHUTDOWN)); 3]);
        assert_eq!((audit.sleeping, audit.lost), (0, 0));
        assert_eq!(scene.store.bytes(), 0);
        Ok(())
    }

    #[test]
    fn a_log_that_fails_shuts_itself_down() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        scene.store.fail();
        let thread = scene.start(cx)?;
        let answer = scene.write(true, cx);
        let returned = Scene::returns(thread, cx);
        let told = scene.all_told();
        let later = scene.write(false, cx);
        assert_eq!(answer, None);
        assert!(returned);
        assert_eq!(told, [0, 1, 0]);
        assert_eq!(later, Some(Err(ESHUTDOWN)));
        // It was never said to be stable.
        assert_eq!(scene.log.summary(cx).stable, 0);
        Ok(())
    }

    #[test]
    fn a_full_log_is_counted_and_goes_on() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        let mut entered = 0;
        let waits = loop {
            match scene.write(false, cx) {
                Some(Ok(())) if entered < 10_000 => entered += 1,
                other => break other,
            }
        };
        let sleepers = scene.log.summary(cx).room_sleepers;
        let full = (scene.stats.log_full.get(), scene.stats.log_waits.get());
        let thread = scene.start(cx)?;
        let told = until(|| scene.all_told() == [1, 0, 0]);
        scene.shut_down(cx);
        let returned = Scene::returns(thread, cx);
        assert!(entered > 0);
        assert_eq!(waits, None);
        assert_eq!((sleepers, full), (1, (1, 0)));
        assert!(told);
        assert!(returned);
        Ok(())
    }
}
