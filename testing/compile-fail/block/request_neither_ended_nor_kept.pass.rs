// SPDX-License-Identifier: GPL-2.0

//! The twin of `request_neither_ended_nor_kept.fail.rs`: one line apart, and it compiles.

use baton::block::Queued;
use baton::block::Request;
use kernel::prelude::*;

pub fn queue_rq(mut request: Queued, waits: &mut Option<Request>) {
    let start = request.start_byte();
    if start == 0 {
        request.end(Ok(()));
        return;
    }
    if request.sink().is_none() {
        *waits = Some(request.keep());
        return;
    }
    request.end(Err(EIO));
}
