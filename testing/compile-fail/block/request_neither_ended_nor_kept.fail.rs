// SPDX-License-Identifier: GPL-2.0

//@ link-fail
//! because: one path leaves without having ended the request or kept it.
//! hazard: f18

use baton::block::Queued;
use baton::block::Request;
use kernel::prelude::*;

pub fn queue_rq(mut request: Queued, waits: &mut Option<Request>) {
    let start = request.start_byte();
    if start == 0 {
        drop(request);
        return;
    }
    if request.sink().is_none() {
        *waits = Some(request.keep());
        return;
    }
    request.end(Err(EIO));
}
