// SPDX-License-Identifier: GPL-2.0

//! The twin of `request_lost_by_a_question_mark.fail.rs`: one line apart, and it compiles.

use baton::block::Queued;
use kernel::prelude::*;

fn serve(request: &Queued) -> Result {
    if request.start_byte() == 0 {
        return Err(EINVAL);
    }
    Ok(())
}

pub fn queue_rq(request: Queued) -> Result {
    let result = serve(&request);
    request.end(result);
    Ok(())
}
