// SPDX-License-Identifier: GPL-2.0

//! Programs, the references, and how both are compared: the same on the host and in a guest.

pub(crate) mod completion;
pub(crate) mod count;
#[allow(dead_code, reason = "in a guest alone")]
pub(crate) mod counted;
pub(crate) mod drain;
pub(crate) mod entries;
pub(crate) mod event;
pub(crate) mod keyed;
pub(crate) mod phased;
pub(crate) mod pool;
pub(crate) mod program;
pub(crate) mod reference;
pub(crate) mod replay;
#[allow(dead_code, reason = "in a guest alone")]
pub(crate) mod slot;
pub(crate) mod whole;
#[allow(dead_code, reason = "the host puts faults into the library instead")]
pub(crate) mod wrong;
