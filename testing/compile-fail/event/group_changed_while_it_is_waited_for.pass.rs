// SPDX-License-Identifier: GPL-2.0

//! The twin of `group_changed_while_it_is_waited_for.fail.rs`: one line apart, and it compiles.

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
    let _ = ();
    on.until(is_open).wait(Killable)?;
    Ok(())
}
