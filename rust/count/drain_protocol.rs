// SPDX-License-Identifier: GPL-2.0

//! What [`word`](super::word) needs of the drains: an atomic word.

pub(super) use crate::drain::protocol::Word;
