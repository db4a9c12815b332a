// SPDX-License-Identifier: GPL-2.0

//! Several that poll at once, and one that polls from within.

use super::probe::until;
use baton::{
    parkable,
    sink::{
        AtomicContext,
        Finish,
        PollSink, //
    },
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Release, //
        },
        Arc, //
    },
};

parkable! {
    /// Notes that it is finished, and stays there if it is asked to.
    struct Stays {
        stays: bool,
    }
}

/// How many were finished, how many stay, and whether they may go. One test at a time uses them.
static FINISHED: Atomic<u32> = Atomic::new(0);
static STAYS: Atomic<u32> = Atomic::new(0);
static GO: Atomic<u32> = Atomic::new(0);

impl Finish<AtomicContext> for Stays {
    fn finish(self, _cx: &mut AtomicContext) {
        if self.stays {
            STAYS.fetch_add(1, Full);
            // It may: who polls here is a thread.
            until(|| GO.load(Acquire) == 1);
        }
        FINISHED.fetch_add(1, Full);
    }
}

fn start() {
    FINISHED.store(0, Release);
    STAYS.store(0, Release);
    GO.store(0, Release);
}

fn push(sink: &PollSink<Stays>, stays: bool) -> bool {
    sink.push(Stays { stays }).is_ok()
}

/// Starts a thread that polls, and returns once it stays in what it finishes.
fn poller(cx: &mut MaySleep, sink: &Arc<PollSink<Stays>>, count: u32) -> Result<(Thread, bool)> {
    let sink = sink.clone();
    let thread = Thread::spawn(cx, c"sink_kunit", move |_, _| {
        sink.poll();
    })?;
    Ok((thread, until(|| STAYS.load(Acquire) == count)))
}

#[kunit_tests(baton_sink_poll)]
mod tests {
    use super::*;

    /// What is handed over while somebody finishes what was there is finished by others.
    #[test]
    fn several_poll_at_once() -> Result {
        let cx = &mut MaySleep::assert();
        start();
        let sink = Arc::new(PollSink::new(cx, 2)?, GFP_KERNEL)?;
        let pushed = push(&sink, true) && push(&sink, false);
        let (first, stays) = poller(cx, &sink, 1)?;
        let nothing = sink.poll();
        let second = push(&sink, false) && push(&sink, false) && !push(&sink, false);
        let two = sink.poll();
        let third = push(&sink, false);
        let one = sink.poll();
        let finished = FINISHED.load(Acquire);
        GO.store(1, Release);
        let _ = first.join(cx);
        // As much room as before.
        let again = push(&sink, false) && push(&sink, false) && !push(&sink, false);
        let last = sink.poll();
        sink.close(cx);
        assert!(pushed && stays);
        assert_eq!(nothing, 0);
        assert!(second && third && again);
        assert_eq!((two, one, last), (2, 1, 2));
        assert_eq!(finished, 3);
        assert_eq!(FINISHED.load(Acquire), 7);
        Ok(())
    }

    /// Two have a buffer each, so a third one leaves none behind until one of them is done.
    #[test]
    fn while_three_poll_what_is_handed_over_comes_back() -> Result {
        let cx = &mut MaySleep::assert();
        start();
        let sink = Arc::new(PollSink::new(cx, 1)?, GFP_KERNEL)?;
        let mut pushed = push(&sink, true);
        let (first, one) = poller(cx, &sink, 1)?;
        pushed &= push(&sink, true);
        let (second, two) = poller(cx, &sink, 2)?;
        let refused = !push(&sink, false);
        let nothing = sink.poll();
        GO.store(1, Release);
        let _ = first.join(cx);
        let _ = second.join(cx);
        let again = push(&sink, false);
        let last = sink.poll();
        sink.close(cx);
        assert!(pushed && one && two);
        assert!(refused);
        assert!(again);
        assert_eq!((nothing, last), (0, 1));
        assert_eq!(FINISHED.load(Acquire), 3);
        Ok(())
    }

    #[test]
    fn what_is_left_in_a_dropped_sink_is_finished_by_a_worker() -> Result {
        let cx = &mut MaySleep::assert();
        start();
        let sink = PollSink::new(cx, 2)?;
        let pushed = [push(&sink, false), push(&sink, false)];
        drop(sink);
        let finished = until(|| FINISHED.load(Acquire) == 2);
        assert_eq!(pushed, [true; 2]);
        assert!(finished);
        Ok(())
    }
}
