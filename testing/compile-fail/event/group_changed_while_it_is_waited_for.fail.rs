// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: the objects of a group, and the entries in it, stay as long as the wait.

#[path = "../common.rs"]
mod common;
use baton::event::Group;
use common::*;

#[pin_data]
pub struct Request {
    #[pin]
    answered: Tied<bool>,
}

pub fn first(lock: &Mutex<()>, cx: &mut MaySleep, group: Group<Arc<Request>>) -> Result {
    let mut group = group;
    let held = lock.lock_in(cx);
    let on = held.on_any_of(&mut group, |request| &request.answered)?;
    group.clear(); //~ E0499
    on.until(is_open).wait(Killable)?;
    Ok(())
}
