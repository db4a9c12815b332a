// SPDX-License-Identifier: GPL-2.0

//! The twin of `parked_as_a_number.fail.rs`: one line apart, and it compiles.

use baton::{
    drain::InFlight,
    parkable, //
};

pub struct Tag(InFlight);

impl core::ops::Deref for Tag {
    type Target = u32;

    fn deref(&self) -> &u32 {
        &0
    }
}

pub mod other {
    pub struct Done {
        pub tag: super::Tag,
    }
}
use other::*;

parkable! {
    #[cfg(all())]
    pub struct Done {
        tag: u32,
    }
}
