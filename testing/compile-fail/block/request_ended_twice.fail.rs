// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: ending a request consumes it.
//! hazard: f19

use baton::block::Request;
use kernel::prelude::*;

pub fn serve(request: Request, other: Request) {
    request.end(Ok(()));
    request.end(Err(EIO)); //~ E0382
}
