// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who waits for the reference may be the task that would have to poll.

use baton::drain::InFlight;
use baton::sink::{
    Finish,
    PollSink,
    WorkSink, //
};

pub struct Io {
    pub in_flight: InFlight,
}

impl Finish for Io {
    fn finish(self) {
        self.in_flight.end();
    }
}

pub struct Device {
    pub polled: PollSink<Io>, //~ E0277
    pub worker: WorkSink<Io>,
}
