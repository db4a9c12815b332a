// SPDX-License-Identifier: GPL-2.0

//! Numbers that fall, without a lock, and who waits for that.

use crate::{
    row::{
        made,
        Me,
        Row, //
    },
    waited_killable, //
};
use baton::{
    count::{
        new_count,
        Count,
        Counted, //
    },
    sink::{
        Context,
        Finish,
        WorkSink, //
    },
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
};

/// As many as there can be waiters: each has a count of its own.
const COUNTS: usize = 16;

/// How many pieces a waiter waits for at a time, at most.
const PIECES: u64 = 4;

/// A count, and how much of what it counts was not done yet.
#[pin_data]
struct Pieces {
    #[pin]
    count: Count,
    left: Atomic<i32>,
}

struct Piece {
    counted: Counted,
    of: Arc<Pieces>,
}

impl Piece {
    fn done(self) {
        self.of.left.fetch_add(-1, Full);
        self.counted.down();
    }
}

impl<C: Context> Finish<C> for Piece {
    fn finish(self, _cx: &mut C) {
        self.done();
    }
}

/// A waiter hands out pieces, and waits until all are done. Writers count as well.
struct CountRow {
    pieces: KVec<Arc<Pieces>>,
    sink: WorkSink<Piece>,
}

impl CountRow {
    fn pieces(&self, index: usize) -> Result<&Arc<Pieces>> {
        self.pieces.get(index).ok_or(ENOENT)
    }

    fn hand_out(&self, of: &Arc<Pieces>) -> Result {
        let counted = of.count.up()?;
        of.left.fetch_add(1, Full);
        let of = of.clone();
        if let Err(piece) = self.sink.push(Piece { counted, of }) {
            piece.done();
        }
        Ok(())
    }
}

impl Row for CountRow {
    /// Counts, or waits for another number than who waits until all are done.
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let index = me.random.below(me.waiters() as u64) as usize;
        let count = &self.pieces(index)?.count;
        if me.random.below(2) == 0 {
            waited_killable!(me.how_killable(), |mode| count.wait_for(cx, 1, mode))?;
        } else {
            count.up()?.down();
        }
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let mine = self.pieces(me.index)?;
        // What was given up is waited for once more.
        if mine.left.load(Relaxed) == 0 {
            for _ in 0..=me.random.below(PIECES) {
                self.hand_out(mine)?;
            }
        }
        waited_killable!(me.how_killable(), |mode| mine.count.wait_for(cx, 0, mode))?;
        if mine.left.load(Relaxed) != 0 {
            me.fail("the count is down, and a piece is not done");
        }
        Ok(1)
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        if self.sink.close(cx).is_err() {
            return Err("the sink could not be closed");
        }
        let quiet = |of: &Arc<Pieces>| of.count.get() == 0 && of.count.waiters() == 0;
        if self.pieces.iter().all(quiet) {
            Ok(())
        } else {
            Err("something is counted, or somebody waits")
        }
    }
}

pub(super) fn count(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let mut pieces = KVec::with_capacity(COUNTS, GFP_KERNEL)?;
    for _ in 0..COUNTS {
        let of = try_pin_init!(Pieces {
            count <- new_count!("torture"),
            left: Atomic::new(0),
        }? Error);
        pieces.push(Arc::pin_init(of, GFP_KERNEL)?, GFP_KERNEL)?;
    }
    let sink = WorkSink::new(cx, c"baton_torture", 64)?;
    let row = Arc::new(CountRow { pieces, sink }, GFP_KERNEL)?;
    Ok(row)
}

/// So many may be in at a time.
const MOST: u32 = 2;

/// A throttle: no more than so many are in at a time.
#[pin_data]
struct ThrottleRow {
    #[pin]
    count: Count,
    inside: Atomic<u32>,
}

impl ThrottleRow {
    fn turn(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let counted = waited_killable!(me.how_killable(), |mode| self.count.up_when(
            cx,
            MOST - 1,
            mode
        ))?;
        if self.inside.fetch_add(1, Full) >= MOST {
            me.fail("more are in than may be");
        }
        // Long enough, now and then, for all others to come in.
        if me.random.below(64) == 0 {
            me.random.sleep_us(cx, 20);
        }
        self.inside.fetch_sub(1, Full);
        counted.down();
        Ok(1)
    }
}

impl Row for ThrottleRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        self.turn(cx, me)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        self.turn(cx, me)
    }

    fn end(&self, _cx: &mut MaySleep) -> Result<(), &'static str> {
        if self.count.get() == 0 && self.count.waiters() == 0 {
            Ok(())
        } else {
            Err("something is counted, or somebody waits")
        }
    }
}

pub(super) fn throttle(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = try_pin_init!(ThrottleRow {
        count <- new_count!("torture"),
        inside: Atomic::new(0),
    }? Error);
    made(row)
}
