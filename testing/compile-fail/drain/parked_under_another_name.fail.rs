// SPDX-License-Identifier: GPL-2.0

//! error: error
//! because: the attribute leaves out the structure that is declared, and the name is that of another one.
//! hazard: f12

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

parkable! { //~ error
    #[cfg(any())]
    pub struct Done {}
}
