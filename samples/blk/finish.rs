// SPDX-License-Identifier: GPL-2.0

//! Where requests are ended: as soon as they are served, by a worker, by a timer, or by who polls.

use crate::{
    settings::{
        Completion,
        Settings, //
    },
    stats::Stats, //
};
use baton::{
    block::{
        Op,
        Polled,
        Request, //
    },
    drain::InFlight,
    sink::{
        AtomicContext,
        Context,
        Finish,
        PollSink,
        TimerSink,
        WorkSink, //
    },
    MaySleep, //
};
use kernel::prelude::*;

/// A request whose data was read or written. It is in flight until it has ended.
pub(crate) struct Served {
    request: Request,
    in_flight: InFlight,
    /// What the statistics count.
    op: Op,
    bytes: u64,
    fua: bool,
}

impl Served {
    pub(crate) fn new(request: Request, in_flight: InFlight) -> Self {
        Self {
            op: request.op(),
            bytes: u64::from(request.bytes()),
            fua: request.is_fua(),
            request,
            in_flight,
        }
    }

    /// Returns whether it may be acknowledged only when it is stable.
    pub(crate) fn is_fua(&self) -> bool {
        self.fua
    }
}

/// A request with its result.
pub(crate) struct Ended {
    served: Served,
    result: Result,
}

impl Ended {
    fn end(self) {
        self.served.request.end(self.result);
        self.served.in_flight.end();
    }
}

impl<C: Context> Finish<C> for Ended {
    fn finish(self, _cx: &mut C) {
        self.end();
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

impl Finish<AtomicContext> for Pollable {
    fn finish(self, _cx: &mut AtomicContext) {
        self.request.end(self.result);
    }
}

/// How the requests of one disk are ended.
pub(crate) enum Finisher {
    Inline,
    Work(WorkSink<Ended>),
    Timer(TimerSink<Ended>),
    Poll(PollSink<Pollable>),
}

impl Finisher {
    /// Makes what `settings` ask for, with room for as many requests as there can be.
    pub(crate) fn new(settings: &Settings, cx: &mut MaySleep) -> Result<Self> {
        let requests = settings.requests();
        Ok(match settings.completion() {
            Completion::Inline => Self::Inline,
            Completion::Workqueue => Self::Work(WorkSink::new(cx, c"baton_blk", requests)?),
            Completion::Timer => Self::Timer(TimerSink::new(cx, settings.delay(), requests)?),
            Completion::Polled => Self::Poll(PollSink::new(cx, requests)?),
        })
    }

    /// Ends what is left, and lets nothing be left here any more.
    pub(crate) fn close(&self, cx: &mut MaySleep) -> Result {
        match self {
            Self::Inline => Ok(()),
            Self::Work(sink) => sink.close(cx),
            Self::Timer(sink) => sink.close(cx),
            Self::Poll(sink) => {
                sink.close(cx);
                Ok(())
            }
        }
    }

    /// Ends a request, or sees to it that it is ended.
    pub(crate) fn finish(&self, served: Served, result: Result, stats: &Stats) {
        match result {
            Ok(()) => stats.served(served.op, served.bytes, served.fua),
            Err(_) => stats.errors.inc(),
        }
        let ended = Ended { served, result };
        let unfinished = match self {
            Self::Inline => Err(ended),
            Self::Work(sink) => sink.push(ended).inspect(|()| stats.ended_by_work.inc()),
            Self::Timer(sink) => sink.push(ended).inspect(|()| stats.ended_by_timer.inc()),
            Self::Poll(sink) => return Self::offer(sink, ended, stats),
        };
        if let Err(ended) = unfinished {
            stats.ended_inline.inc();
            ended.end();
        }
    }

    /// Leaves a request to who polls for it, if anybody does.
    fn offer(sink: &PollSink<Pollable>, ended: Ended, stats: &Stats) {
        let Ended { served, result } = ended;
        let in_flight = served.in_flight;
        let pollable = match served.request.into_polled() {
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
                pollable.request.end(pollable.result);
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
