// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//! because: a group keeps its objects, or borrows them.

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
    drop(request); //~ E0505
    let on = lock
        .lock_in(cx)
        .on_any_of(&mut group, |request| &request.answered)?;
    on.until(is_open).wait(Killable)?;
    Ok(())
}
