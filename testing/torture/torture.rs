// SPDX-License-Identifier: GPL-2.0

//! Torture: every way to wait, with tasks that check themselves, while everything around is perturbed.
//!
//! It stands on the kernel's `torture.ko`, as `locktorture` does, which it is modelled on: a [row](row::Kind) for
//! each primitive and form of waiting, and rows that are broken, to see that this is found. Several rows
//! run side by side. What may be given as `torture_type` is the [table](rows::TABLE).
//!
//! ```text
//! insmod baton_torture.ko torture_type=event_spin,entry nwaiters=4
//! rmmod baton_torture
//! baton_torture: event_spin-torture: Total: 812345  Max/Min: 203411/202902  Fail: 0  Longest: 803 us ...
//! baton_torture: event_spin-torture: Spread: 0 0 17 20981 790112 1244 9
//! baton_torture: event_spin-torture:--- End of test: SUCCESS: nwriters=2 ...
//! ```
//!
//! `Spread` says how many turns took less than 1, 2, 4, 8, ... microseconds.
//!
//! A task that gets nothing for longer than `deadline` is a failure; it is named, and all waits of the row are
//! ended, so that the other rows go on.

mod board;
mod monitor;
mod row;
mod rows;
mod settings;
mod spread;
mod tally;

#[path = "../../rust/torture/bottom.rs"]
mod bottom;
#[path = "../../rust/torture/boxes.rs"]
mod boxes;
#[path = "../../rust/torture/shim.rs"]
mod shim;

use baton::MaySleep;
use board::{
    Board,
    Boards, //
};
use kernel::prelude::*;
use monitor::{
    Monitor,
    Signaller, //
};
use settings::Settings;
use shim::{
    Kthread,
    Random,
    Test, //
};

module! {
    type: Torture,
    name: "baton_torture",
    authors: ["The baton authors"],
    description: "Torture: every way to wait",
    license: "GPL",
}

/// What runs. Dropped in this order.
struct Running {
    _signaller: Option<Kthread<Signaller>>,
    _monitor: Kthread<Monitor>,
    boards: Boards,
}

/// Starts the perturbations, the tasks, and who looks after them.
fn start(cx: &mut MaySleep, settings: &Settings) -> Result<Running> {
    let given = &settings.given;
    shim::perturb(given.shuffle_interval, given.stutter, given.onoff_interval)?;
    let mut boards = Boards::new();
    for &kind in &settings.rows {
        let board = Board::new(cx, kind, settings.load)?;
        boards.start(cx, board)?;
    }
    let listed = || {
        let mut list = KVec::with_capacity(boards.list.len(), GFP_KERNEL)?;
        for board in &boards.list {
            list.push(board.clone(), GFP_KERNEL)?;
        }
        Ok::<_, Error>(list)
    };
    // CAST: They were checked.
    let monitor = Monitor {
        boards: listed()?,
        deadline_ms: given.deadline as u64,
        stat_interval: given.stat_interval as u64,
        freezer: settings.load.freezer,
    };
    let signaller = match given.signals {
        0 => None,
        interval => Some(Kthread::new(
            c"torture_signals".try_into()?,
            Signaller {
                boards: listed()?,
                interval_ms: interval as u32,
                term_ms: 3 * given.deadline as u64,
            },
        )?),
    };
    Ok(Running {
        _signaller: signaller,
        _monitor: Kthread::new(c"torture_monitor".try_into()?, monitor)?,
        boards,
    })
}

/// Lets every task get something once more, or be found out by the monitor: a test is not over while somebody
/// may wait for what is lost.
fn settle(cx: &mut MaySleep, boards: &Boards) {
    let mut random = Random::new();
    boards.list.iter().for_each(|board| board.mark());
    while !boards.list.iter().all(|board| board.is_past_mark()) {
        random.sleep_us(cx, 10_000);
    }
}

struct Torture {
    test: Test,
    running: Option<Running>,
    onoff: bool,
}

impl kernel::Module for Torture {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let settings = Settings::read()?;
        let cx = &mut MaySleep::assert();
        let (test, running) = Test::begin(settings.given.verbose, || start(cx, &settings))?;
        Ok(Self {
            test,
            running: Some(running),
            onoff: settings.given.onoff_interval > 0,
        })
    }
}

impl Drop for Torture {
    fn drop(&mut self) {
        // ENTRY: the module is unloaded.
        let cx = &mut MaySleep::assert();
        if let Some(running) = &self.running {
            settle(cx, &running.boards);
        }
        self.test.stop();
        let Some(running) = self.running.take() else {
            return;
        };
        let Running {
            _signaller,
            _monitor,
            boards,
        } = running;
        drop((_signaller, _monitor));
        for board in &boards.list {
            board.stop(cx);
        }
        if self.onoff {
            shim::onoff_stats();
        }
        for board in &boards.list {
            board.judge(cx);
        }
    }
}
