// SPDX-License-Identifier: GPL-2.0

//! The files in the folder of a disk.

use super::{
    line,
    Item, //
};
use crate::{
    scrub::Command,
    settings::Field, //
};
use baton::{
    LockIn,
    MaySleep, //
};
use kernel::{
    configfs::AttributeOperations,
    page::PAGE_SIZE,
    prelude::*, //
};

macro_rules! field_attributes {
    ($($id:literal: $field:expr,)*) => { $(
        #[vtable]
        impl AttributeOperations<$id> for Item {
            type Data = Item;

            fn show(this: &Item, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
                // ENTRY: a read of the attribute.
                let cx = &mut MaySleep::assert();
                let settings = this.settings(cx);
                match settings.word($field) {
                    Some(word) => line(page, fmt!("{word}\n")),
                    None => line(page, fmt!("{}\n", settings.get($field))),
                }
            }

            fn store(this: &Item, page: &[u8]) -> Result {
                this.store_field($field, page)
            }
        }
    )* };
}

field_attributes! {
    0: Field::Size,
    1: Field::BlockSize,
    2: Field::SubmitQueues,
    3: Field::QueueDepth,
    4: Field::Discard,
    7: Field::Completion,
    12: Field::CompletionNsec,
    13: Field::Checksums,
    14: Field::WriteCache,
}

#[vtable]
impl AttributeOperations<5> for Item {
    type Data = Item;

    fn show(this: &Item, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        let held = &mut MaySleep::assert();
        let on = this.state.lock_in(held).power.is_on();
        line(page, fmt!("{}\n", u8::from(on)))
    }

    fn store(this: &Item, page: &[u8]) -> Result {
        let cx = &mut MaySleep::assert();
        if this.flag("power", page)? {
            this.power_on(cx)
        } else {
            this.power_off(cx)
        }
    }
}

/// For tests: while it is 1, nothing becomes stable, so that FLUSH and FUA do not return.
#[vtable]
impl AttributeOperations<6> for Item {
    type Data = Item;

    fn show(this: &Item, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        let cx = &mut MaySleep::assert();
        let held = this.controls(cx).is_ok_and(|disk| disk.is_log_held(cx));
        line(page, fmt!("{}\n", u8::from(held)))
    }

    fn store(this: &Item, page: &[u8]) -> Result {
        let cx = &mut MaySleep::assert();
        let hold = this.flag("log_hold", page)?;
        this.controls(cx)?.hold_log(hold, cx);
        Ok(())
    }
}

/// What the scrub does, and is to do.
#[vtable]
impl AttributeOperations<8> for Item {
    type Data = Item;

    fn show(this: &Item, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        let cx = &mut MaySleep::assert();
        let state = this.controls(cx)?.scrub_state(cx);
        line(page, fmt!("{state}\n"))
    }

    fn store(this: &Item, page: &[u8]) -> Result {
        let cx = &mut MaySleep::assert();
        let command =
            Command::parse(page).ok_or_else(|| this.invalid("scrub", page, Command::ALLOWED))?;
        this.controls(cx)?.scrub(command, cx)
    }
}

/// How far the scrub is, and what it has found.
#[vtable]
impl AttributeOperations<9> for Item {
    type Data = Item;

    fn show(this: &Item, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        let cx = &mut MaySleep::assert();
        let progress = this.controls(cx)?.scrub_progress(cx);
        line(page, fmt!("{progress}\n"))
    }
}

/// While it is 1, nothing is in flight, and requests wait.
#[vtable]
impl AttributeOperations<10> for Item {
    type Data = Item;

    fn show(this: &Item, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        let cx = &mut MaySleep::assert();
        let frozen = this.state.lock_in(cx).frozen;
        line(page, fmt!("{}\n", u8::from(frozen)))
    }

    fn store(this: &Item, page: &[u8]) -> Result {
        let cx = &mut MaySleep::assert();
        let freeze = this.flag("freeze", page)?;
        this.with_disk(cx, |disk, patience, cx| disk.freeze(freeze, patience, cx))
    }
}

/// A 1 forgets all data, with nothing in flight.
#[vtable]
impl AttributeOperations<11> for Item {
    type Data = Item;

    fn show(_this: &Item, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        line(page, fmt!("0\n"))
    }

    fn store(this: &Item, page: &[u8]) -> Result {
        let cx = &mut MaySleep::assert();
        if !this.flag("zero_out", page)? {
            return Ok(());
        }
        this.with_disk(cx, |disk, patience, cx| disk.zero_out(patience, cx))
    }
}
