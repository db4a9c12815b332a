// SPDX-License-Identifier: GPL-2.0

//@ link-fail
//! because: an error that is passed on leaves the function, and the request with it.
//! hazard: f18

use baton::block::Queued;
use kernel::prelude::*;

fn serve(request: &Queued) -> Result {
    if request.start_byte() == 0 {
        return Err(EINVAL);
    }
    Ok(())
}

pub fn queue_rq(request: Queued) -> Result {
    let result = Ok(serve(&request)?);
    request.end(result);
    Ok(())
}
