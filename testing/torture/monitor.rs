// SPDX-License-Identifier: GPL-2.0

//! Who looks after the rows: deadlines, audits, statistics, signals.

use crate::{
    board::Board,
    shim::{
        self,
        Body,
        Random, //
    },
    tally::Role,
};
use baton::MaySleep;
use kernel::{
    prelude::*,
    sync::Arc,
    time::{
        Instant,
        Monotonic, //
    },
};

/// How often the tasks are looked at.
const PERIOD_MS: u64 = 50;

/// Every so many looks, the events are audited.
const AUDIT: u64 = 10;

/// Looks for tasks that wait for too long, and for sleepers that were forgotten; prints statistics.
pub(crate) struct Monitor {
    pub(crate) boards: KVec<Arc<Board>>,
    pub(crate) deadline_ms: u64,
    /// In seconds; zero for none but those at the end.
    pub(crate) stat_interval: u64,
    pub(crate) freezer: bool,
}

impl Body for Monitor {
    /// It counts looks: there are none while those that it looks at are frozen.
    fn freezer(&self) -> bool {
        self.freezer
    }

    fn run(&self, cx: &mut MaySleep, _title: &CStr) {
        shim::hurry();
        let (mut random, mut looks) = (Random::new(), 0);
        let most = self.deadline_ms / PERIOD_MS;
        while !shim::must_stop() {
            random.sleep_us(cx, PERIOD_MS as u32 * 1000);
            cx.try_to_freeze();
            looks += 1;
            for board in &self.boards {
                board.look(cx, most, PERIOD_MS);
                if looks % AUDIT == 0 {
                    board.audit(cx);
                }
            }
            if self.stat_interval > 0 && looks % (self.stat_interval * 1000 / PERIOD_MS) == 0 {
                for board in &self.boards {
                    board.statistics();
                }
            }
        }
    }
}

/// Sends signals: at any time to one task of each role of a row, and then to another one.
///
/// If all of them were interrupted, a wake-up that one of them has swallowed would be made good by the next signal.
pub(crate) struct Signaller {
    pub(crate) boards: KVec<Arc<Board>>,
    pub(crate) interval_ms: u32,
    /// For how long the others of a role are left alone.
    pub(crate) term_ms: u64,
}

impl Body for Signaller {
    /// A signal for a task that is frozen is for later.
    fn freezer(&self) -> bool {
        false
    }

    fn run(&self, cx: &mut MaySleep, _title: &CStr) {
        shim::hurry();
        let mut random = Random::new();
        let (mut victim, mut ends) = (0, 0);
        let begin = Instant::<Monotonic>::now();
        while !shim::must_stop() {
            random.sleep_us(cx, self.interval_ms * 1000);
            let now = begin.elapsed().as_millis() as u64;
            if now >= ends {
                (victim, ends) = (random.below(1 << 16) as usize, now + self.term_ms);
            }
            let number = random.below(self.boards.len() as u64) as usize;
            if let Some(board) = self.boards.get(number).filter(|board| !board.is_closed()) {
                let role = if random.below(2) == 0 {
                    Role::Writer
                } else {
                    Role::Waiter
                };
                board.interrupt(cx, role, victim, random.below(4) == 0);
            }
        }
    }
}
