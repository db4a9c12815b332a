// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: a request is ended once, so there is one of it.
//! hazard: f19

use baton::block::Request;
use kernel::prelude::*;

pub fn serve(request: Request, keep: fn(Request)) {
    let kept = request.clone(); //~ E0599
    keep(kept);
}
