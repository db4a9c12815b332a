// SPDX-License-Identifier: GPL-2.0

//! Where requests are ended: as soon as they are served, by a worker, by a timer, or by who polls.

use crate::{
    settings::Completion,
    stats::Stats, //
};
use baton::{
    block::{
        Polled,
        Request, //
    },
    drain::InFlight,
    sink::{
        Finish,
        PollSink,
        TimerSink,
        WorkSink, //
    },
};
use kernel::{
    prelude::*,
    time::Delta, //
};

/// How long the timer takes.
const DELAY: Delta = Delta::from_micros(50);

/// A request that was served. It is in flight until it has ended.
pub(crate) struct Served {
    request: Request,
    result: Result,
    in_flight: InFlight,
}

impl Finish for Served {
    fn finish(self) {
        self.request.end(self.result);
        self.in_flight.end();
    }
}

baton::parkable! {
    /// A request that was served, and whose submitter polls for it. It is not in flight any more:
    /// whoever waits for what is must not depend on who polls.
    pub(crate) struct Pollable {
        request: Polled,
        result: Result,
    }
}

impl Finish for Pollable {
    fn finish(self) {
        self.request.end(self.result);
    }
}

/// How the requests of one disk are ended.
pub(crate) enum Finisher {
    Inline,
    Work(Pin<KBox<WorkSink<Served>>>),
    Timer(Pin<KBox<TimerSink<Served>>>),
    Poll(Pin<KBox<PollSink<Pollable>>>),
}

impl Finisher {
    /// Makes one with room for `requests` requests.
    pub(crate) fn new(completion: Completion, requests: usize) -> Result<Self> {
        Ok(match completion {
            Completion::Inline => Self::Inline,
            Completion::Workqueue => Self::Work(KBox::pin_init(
                WorkSink::new(c"baton_blk", requests),
                GFP_KERNEL,
            )?),
            Completion::Timer => {
                Self::Timer(KBox::pin_init(TimerSink::new(DELAY, requests), GFP_KERNEL)?)
            }
            Completion::Polled => Self::Poll(KBox::pin_init(PollSink::new(requests), GFP_KERNEL)?),
        })
    }

    /// Ends a request, or sees to it that it is ended.
    pub(crate) fn finish(
        &self,
        request: Request,
        result: Result,
        in_flight: InFlight,
        stats: &Stats,
    ) {
        let served = Served {
            request,
            result,
            in_flight,
        };
        let unfinished = match self {
            Self::Inline => Err(served),
            Self::Work(sink) => sink.push(served).inspect(|()| stats.ended_by_work.inc()),
            Self::Timer(sink) => sink.push(served).inspect(|()| stats.ended_by_timer.inc()),
            Self::Poll(sink) => return Self::offer(sink, served, stats),
        };
        if let Err(served) = unfinished {
            stats.ended_inline.inc();
            served.finish();
        }
    }

    /// Leaves a request to who polls for it, if anybody does.
    fn offer(sink: &PollSink<Pollable>, served: Served, stats: &Stats) {
        let Served {
            request,
            result,
            in_flight,
        } = served;
        let pollable = match request.into_polled() {
            Ok(request) => {
                in_flight.end();
                Pollable { request, result }
            }
            Err(request) => {
                stats.ended_inline.inc();
                request.end(result);
                in_flight.end();
                return;
            }
        };
        match sink.push(pollable) {
            Ok(()) => stats.ended_by_poll.inc(),
            Err(pollable) => {
                stats.ended_inline.inc();
                pollable.finish();
            }
        }
    }

    /// Ends what somebody polls for; returns how many requests that were.
    pub(crate) fn poll(&self) -> usize {
        match self {
            Self::Poll(sink) => sink.poll(),
            Self::Inline | Self::Work(_) | Self::Timer(_) => 0,
        }
    }
}
