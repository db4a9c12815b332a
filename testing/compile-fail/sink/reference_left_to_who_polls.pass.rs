// SPDX-License-Identifier: GPL-2.0

//! The twin of `reference_left_to_who_polls.fail.rs`: one line apart, and it compiles.

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
    pub polled: WorkSink<Io>,
    pub worker: WorkSink<Io>,
}
