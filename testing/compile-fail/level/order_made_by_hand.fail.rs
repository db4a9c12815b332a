// SPDX-License-Identifier: GPL-2.0

//! error: E0200
//! because: the order is the list: nobody adds to it.

#[path = "order.rs"]
mod shared;
use shared::*;

impl baton::After<order::Metadata> for baton::level::Top {} //~ E0200

fn _nothing() {}
