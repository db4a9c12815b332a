// SPDX-License-Identifier: GPL-2.0

//! What a row of the table is: something to wait for, and what its tasks do with it.

use crate::{
    board::Board,
    shim::{
        self,
        Random, //
    },
    tally::{
        Role,
        Stock,
        Tally, //
    },
};
use baton::MaySleep;
use kernel::{
    prelude::*,
    sync::Arc,
    time::Delta, //
};

/// A row of the table.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Whether the run has to find something wrong with it.
    pub(crate) busted: bool,
    /// Whether a waiter that gave up comes back only when another one was served: if it came back at once, it
    /// would itself take what it had swallowed.
    pub(crate) aside: bool,
    pub(crate) make: fn(&mut MaySleep) -> Result<Arc<dyn Row>>,
}

/// What is tortured, as its tasks see it.
///
/// A turn returns how often something was handed to its task. It ends with `ESHUTDOWN` once the row was
/// closed, and with `ERESTARTSYS`, `ETIMEDOUT`, `EAGAIN` or `ENOMEM` if the task gave up and has nothing; every other
/// error is a failure.
pub(crate) trait Row: Send + Sync {
    /// A turn of a writer.
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64>;

    /// A turn of a waiter.
    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64>;

    /// Ends all waits that end in no other way. The tasks are sent a fatal signal besides.
    fn close(&self, _cx: &mut MaySleep) {}

    /// Returns how many sleep although their condition holds, and lets them go.
    fn audit(&self, _cx: &mut MaySleep) -> usize {
        0
    }

    /// Returns what was given and not taken. No task runs any more.
    fn left(&self, _cx: &mut MaySleep) -> Stock {
        Stock::default()
    }

    /// Ends what runs beside the tasks, none of which does any more; says what is wrong with it.
    fn end(&self, _cx: &mut MaySleep) -> Result<(), &'static str> {
        Ok(())
    }
}

/// Makes a row.
pub(crate) fn made<R: Row + 'static, E>(init: impl PinInit<R, E>) -> Result<Arc<dyn Row>>
where
    Error: From<E>,
{
    let row = Arc::pin_init(init, GFP_KERNEL)?;
    Ok(row)
}

/// How a wait is to be done.
#[derive(Clone, Copy)]
pub(crate) enum How {
    Uninterruptible,
    Idle,
    Interruptible,
    Killable,
    /// Killably; the freezer may leave the task as it is.
    Freezable,
    Ticks(usize),
    Time(Delta),
}

/// The task that has its turn.
pub(crate) struct Me<'b> {
    board: &'b Board,
    tally: &'b Tally,
    /// Its number among those of its role.
    pub(crate) index: usize,
    /// How many there are of them.
    pub(crate) peers: usize,
    pub(crate) random: Random,
    /// What its last turn has left for the next one.
    pub(crate) last: u64,
    number: u64,
}

impl<'b> Me<'b> {
    pub(crate) fn new(board: &'b Board, tally: &'b Tally, index: usize, peers: usize) -> Self {
        Self {
            board,
            tally,
            index,
            peers,
            random: Random::new(),
            last: 0,
            number: 0,
        }
    }

    /// Returns a value that no other turn of any task has.
    pub(crate) fn value(&mut self) -> u64 {
        self.number += 1;
        let role = u64::from(self.tally.role == Role::Waiter);
        (self.index as u64 + 1) << 41 | role << 40 | self.number
    }

    /// Returns how many waiters the row has.
    pub(crate) fn waiters(&self) -> usize {
        self.board.waiters()
    }

    pub(crate) fn gave(&self, value: u64) {
        self.tally.gave(value);
    }

    pub(crate) fn took(&self, value: u64) {
        self.tally.took(value);
    }

    /// Returns how to wait for what the row can close.
    pub(crate) fn how(&mut self) -> How {
        match self.random.below(8) {
            _ if self.board.freezer() => self.how_killable(),
            0 => How::Idle,
            1 | 2 => How::Uninterruptible,
            _ => self.how_killable(),
        }
    }

    /// Returns how to wait for what only a signal ends.
    ///
    /// Every other task has no limits: it would make good what was lost. Where tasks are frozen, who is not
    /// would wait for who is.
    pub(crate) fn how_killable(&mut self) -> How {
        if self.board.freezer() {
            return How::Freezable;
        }
        if self.index % 2 == 1 && self.random.below(100) < self.board.limits() {
            return if self.random.below(4) == 0 {
                How::Ticks(self.random.below(2) as usize)
            } else {
                How::Time(Delta::from_micros(self.random.below(50) as i64))
            };
        }
        if self.random.below(2) == 0 {
            How::Interruptible
        } else {
            How::Killable
        }
    }

    /// Returns whether all waits were ended, or are about to be: for loops that no wait ends.
    pub(crate) fn is_over(&self) -> bool {
        self.board.is_closed() || shim::must_stop()
    }

    /// Something is wrong that must not be.
    pub(crate) fn fail(&self, what: &'static str) {
        self.board
            .fail(fmt!("{}: {}", self.board.title(self.tally), what));
    }
}

/// Waits in the way that `How` says: `waited!(how, |mode| lock.on(..).until(..).wait(mode))`.
#[macro_export]
macro_rules! waited {
    ($how:expr, |$mode:ident| $wait:expr) => {{
        match $how {
            $crate::row::How::Uninterruptible => {
                let $mode = ::baton::event::Uninterruptible;
                $wait.map_err(::kernel::error::Error::from)
            }
            $crate::row::How::Idle => {
                let $mode = ::baton::event::Idle;
                $wait.map_err(::kernel::error::Error::from)
            }
            how => $crate::waited_killable!(how, |$mode| $wait),
        }
    }};
}

/// As [`waited!`], where the mode must be one that a signal or the time can end.
#[macro_export]
macro_rules! waited_killable {
    ($how:expr, |$mode:ident| $wait:expr) => {{
        match $how {
            $crate::row::How::Freezable => {
                let $mode = ::baton::event::Mode::freezable(::baton::event::Killable);
                $wait.map_err(::kernel::error::Error::from)
            }
            how => $crate::waited_holding!(how, |$mode| $wait),
        }
    }};
}

/// As [`waited_killable!`], with something held, so that the task must not be frozen: nobody else is who has it.
#[macro_export]
macro_rules! waited_holding {
    ($how:expr, |$mode:ident| $wait:expr) => {{
        use ::baton::event::Mode as _;
        match $how {
            $crate::row::How::Ticks(ticks) => {
                let $mode = ::baton::event::Interruptible.timeout(ticks);
                $wait.map_err(::kernel::error::Error::from)
            }
            $crate::row::How::Time(time) => {
                let $mode = ::baton::event::Killable.timeout(time);
                $wait.map_err(::kernel::error::Error::from)
            }
            $crate::row::How::Interruptible => {
                let $mode = ::baton::event::Interruptible;
                $wait.map_err(::kernel::error::Error::from)
            }
            _ => {
                let $mode = ::baton::event::Killable;
                $wait.map_err(::kernel::error::Error::from)
            }
        }
    }};
}
