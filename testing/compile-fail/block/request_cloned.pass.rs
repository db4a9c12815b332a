// SPDX-License-Identifier: GPL-2.0

//! The twin of `request_cloned.fail.rs`: one line apart, and it compiles.

use baton::block::Request;
use kernel::prelude::*;

pub fn serve(request: Request, keep: fn(Request)) {
    let kept = request;
    keep(kept);
}
