// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who waits for the reference may be the task that would have to poll.

use baton::drain::InFlight;
use baton::sink::{
    Context,
    Finish,
    PollSink,
    WorkSink, //
};

pub struct Io {
    pub in_flight: InFlight,
}

impl<C: Context> Finish<C> for Io {
    fn finish(self, _cx: &mut C) {
        self.in_flight.end();
    }
}

pub struct Device {
    pub polled: PollSink<Io>, //~ E0277
    pub worker: WorkSink<Io>,
}
