// SPDX-License-Identifier: GPL-2.0

//! The twin of `parked_under_another_name.fail.rs`: one line apart, and it compiles.

use baton::{
    drain::InFlight,
    parkable, //
};

pub mod other {
    pub struct Done {
        pub reference: super::InFlight,
    }
}
use other::*;

parkable! {
    #[cfg(all())]
    pub struct Done {}
}
