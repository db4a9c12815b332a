// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the end of a resync needs the configuration, which stands above it: declared, this is a cycle.

#[path = "order.rs"]
mod shared;
use shared::*;

levels! { //~ E0277
    mod cyclic {
        Config needs [Metadata],
        Resync needs [Config],
        Metadata,
    }
}
