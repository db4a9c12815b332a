// SPDX-License-Identifier: GPL-2.0

//! The twin of `object_gone_before_the_wait_for_its_group.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use baton::event::Group;
use common::*;

#[pin_data]
pub struct Request {
    #[pin]
    answered: Tied<bool>,
}

pub fn first(lock: &Mutex<()>, cx: &mut MaySleep, request: Pin<KBox<Request>>) -> Result {
    let mut group = Group::with_capacity(1, GFP_KERNEL)?;
    group.push(&request).map_err(|_| E2BIG)?;
    drop(());
    let on = lock
        .lock_in(cx)
        .on_any_of(&mut group, |request| &request.answered)?;
    on.until(is_open).wait(Killable)?;
    Ok(())
}
