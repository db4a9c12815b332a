// SPDX-License-Identifier: GPL-2.0

//! What [`word`](super::word) needs of the event protocol, under the name by which it knows it: the
//! model has another module of this name.

pub(super) use crate::event::protocol::{
    sleep_until_completed,
    unlink_all,
    Chosen,
    Claim,
    Head,
    Platform,
    Queue,
    Sealed,
    Sleeper,
    Waiter,
    WAITING, //
};
