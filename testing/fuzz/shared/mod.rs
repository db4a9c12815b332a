// SPDX-License-Identifier: GPL-2.0

//! Programs, the references, and how both are compared.

pub(crate) mod drain;
pub(crate) mod entries;
pub(crate) mod event;
pub(crate) mod program;
pub(crate) mod reference;
pub(crate) mod replay;
