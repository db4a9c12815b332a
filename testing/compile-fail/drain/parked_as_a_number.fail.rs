// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: the structure of this name has a field that can be used like a number, and is none.

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

parkable! { //~ E0308
    #[cfg(any())]
    pub struct Done {
        tag: u32,
    }
}
