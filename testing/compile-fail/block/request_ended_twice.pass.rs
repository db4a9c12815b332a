// SPDX-License-Identifier: GPL-2.0

//! The twin of `request_ended_twice.fail.rs`: one line apart, and it compiles.

use baton::block::Request;
use kernel::prelude::*;

pub fn serve(request: Request, other: Request) {
    request.end(Ok(()));
    other.end(Err(EIO));
}
