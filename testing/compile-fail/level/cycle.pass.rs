// SPDX-License-Identifier: GPL-2.0

//! The twin of `cycle.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use shared::*;

levels! {
    mod cyclic {
        Config needs [Metadata],
        Resync needs [Metadata],
        Metadata,
    }
}
