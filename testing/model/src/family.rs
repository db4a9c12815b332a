// SPDX-License-Identifier: GPL-2.0

//! A family of protocols: its cases, and the faults that they find. What is in it says `build.rs`.

// The variants are the same sources; not each uses all of them.
#![allow(unused, clippy::all)]

use baton_model_engine::{
    Case,
    Job, //
};

include!(concat!(env!("OUT_DIR"), "/family.rs"));
