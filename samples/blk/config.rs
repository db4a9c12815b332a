// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/config/baton`: a folder for each disk, in the manner of `null_blk`.
//!
//! - A disk is described while its power is off, and exists while it is on.
//! - `power` 0 is refused with `EBUSY` while the disk is open or mounted.
//! - `rmdir` cannot be refused by a driver: it removes a disk that is on as if it had been pulled.

use crate::{
    disk::Disk,
    settings::{
        Field,
        Settings, //
    },
};
use baton::{
    LockIn,
    MaySleep, //
};
use core::mem;
use kernel::{
    configfs::{
        self,
        AttributeOperations, //
    },
    configfs_attrs,
    debugfs::Dir,
    fmt,
    new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    str::{
        kstrtobool_bytes,
        CString,
        Formatter, //
    },
    sync::Mutex, //
};

/// The longest name of a disk, as of `DISK_NAME_LEN`.
const MAX_NAME: usize = 31;

/// The folder of all disks.
#[pin_data]
pub(crate) struct Config {
    debugfs: Dir,
}

/// Makes the folder of all disks.
pub(crate) fn subsystem(debugfs: Dir) -> impl PinInit<configfs::Subsystem<Config>, Error> {
    let item_type = configfs_attrs! {
        container: configfs::Subsystem<Config>,
        data: Config,
        child: Item,
        attributes: [
            features: 0,
        ],
    };
    configfs::Subsystem::new(c"baton", item_type, try_pin_init!(Config { debugfs }))
}

/// Writes one line to an attribute's page; returns its length.
fn line(page: &mut [u8; PAGE_SIZE], text: fmt::Arguments<'_>) -> Result<usize> {
    let mut writer = Formatter::new(page);
    fmt::Write::write_fmt(&mut writer, text)?;
    Ok(writer.bytes_written())
}

#[vtable]
impl AttributeOperations<0> for Config {
    type Data = Config;

    fn show(_this: &Config, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        line(
            page,
            fmt!("size,blocksize,submit_queues,queue_depth,discard,power,log_hold\n"),
        )
    }
}

/// Returns whether a disk can be called so: it becomes a file in `/dev` and folders elsewhere.
///
/// `baton0`, `baton1` and so on are for the disks that are made at load.
fn check_name(name: &CStr) -> Result {
    let bytes = name.to_bytes();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-';
    if bytes.len() > MAX_NAME || !bytes.iter().all(plain) {
        pr_err!(
            "{}: name is invalid, allowed: up to {} letters, digits, '_' and '-'\n",
            name,
            MAX_NAME
        );
        return Err(EINVAL);
    }
    if let Some(rest) = bytes.strip_prefix(b"baton") {
        if !rest.is_empty() && rest.iter().all(u8::is_ascii_digit) {
            pr_err!(
                "{}: name is invalid, it is kept for the disks made at load\n",
                name
            );
            return Err(EINVAL);
        }
    }
    Ok(())
}

#[vtable]
impl configfs::GroupOperations for Config {
    type Child = Item;

    fn make_group(&self, name: &CStr) -> Result<impl PinInit<configfs::Group<Item>, Error>> {
        check_name(name)?;
        let item_type = configfs_attrs! {
            container: configfs::Group<Item>,
            data: Item,
            attributes: [
                size: 0,
                blocksize: 1,
                submit_queues: 2,
                queue_depth: 3,
                discard: 4,
                power: 5,
                log_hold: 6,
            ],
        };
        let debugfs = self.debugfs.clone();
        Ok(configfs::Group::new(
            name.try_into()?,
            item_type,
            try_pin_init!(Item {
                name: name.try_into()?,
                debugfs,
                state <- new_mutex!(State {
                    settings: Settings::default(),
                    power: Power::Off,
                }),
            }),
        ))
    }
}

/// The folder of one disk.
#[pin_data(PinnedDrop)]
pub(crate) struct Item {
    name: CString,
    debugfs: Dir,
    #[pin]
    state: Mutex<State>,
}

struct State {
    settings: Settings,
    power: Power,
}

/// Whether there is a disk. Making and removing one sleeps, so the lock is not held meanwhile.
enum Power {
    Off,
    Changing,
    On(Disk),
}

impl Item {
    fn busy(&self, why: &str) -> Error {
        pr_err!("{}: busy, {}\n", &*self.name, why);
        EBUSY
    }

    /// Changes the power to `Changing` and returns what it was.
    fn begin_change(&self, cx: &mut MaySleep) -> Result<(Power, Settings)> {
        let mut held = self.state.lock_in(cx);
        match held.power {
            Power::Changing => Err(EBUSY),
            _ => {
                let before = mem::replace(&mut held.power, Power::Changing);
                Ok((before, held.settings))
            }
        }
    }

    fn end_change(&self, power: Power, cx: &mut MaySleep) {
        self.state.lock_in(cx).power = power;
    }

    /// Makes the disk; does nothing if there is one.
    fn power_on(&self, cx: &mut MaySleep) -> Result {
        let (before, settings) = self.begin_change(cx)?;
        let (now, result) = match before {
            Power::On(disk) => (Power::On(disk), Ok(())),
            _ => match Disk::new(&self.name, settings, &self.debugfs, cx) {
                Ok(disk) => (Power::On(disk), Ok(())),
                Err(e) => (Power::Off, Err(e)),
            },
        };
        self.end_change(now, cx);
        result
    }

    /// Removes the disk if nobody has it open; does nothing if there is none.
    fn power_off(&self, cx: &mut MaySleep) -> Result {
        let (before, _) = self.begin_change(cx)?;
        let (now, result) = match before {
            Power::On(disk) => match disk.try_remove(cx) {
                Ok(()) => (Power::Off, Ok(())),
                Err((disk, e)) => (Power::On(disk), Err(e)),
            },
            _ => (Power::Off, Ok(())),
        };
        self.end_change(now, cx);
        result.map_err(|_| self.busy("the disk is open or mounted"))
    }

    /// Does something with the disk. `ENODEV` if the power is off, `EBUSY` if it is changing.
    fn with_disk<R>(
        &self,
        cx: &mut MaySleep,
        f: impl FnOnce(&Disk, &mut MaySleep) -> R,
    ) -> Result<R> {
        let (power, _) = self.begin_change(cx)?;
        let result = match &power {
            Power::On(disk) => Ok(f(disk, cx)),
            Power::Off | Power::Changing => Err(ENODEV),
        };
        self.end_change(power, cx);
        result
    }

    fn show_field(&self, field: Field, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        let value = self
            .state
            // ENTRY: a read of the attribute.
            .lock_in(&mut MaySleep::assert())
            .settings
            .get(field);
        line(page, fmt!("{value}\n"))
    }

    fn store_field(&self, field: Field, text: &[u8]) -> Result {
        // ENTRY: a write to the attribute.
        let cx = &mut MaySleep::assert();
        let mut held = self.state.lock_in(cx);
        match held.power {
            Power::Off => held.settings.set_text(&self.name, field, text),
            _ => Err(self.busy("switch its power off first")),
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Item {
    fn drop(self: Pin<&mut Self>) {
        // ENTRY: the directory is removed.
        let cx = &mut MaySleep::assert();
        let power = mem::replace(&mut self.state.lock_in(cx).power, Power::Off);
        if let Power::On(disk) = power {
            disk.pull(cx);
        }
    }
}

macro_rules! field_attributes {
    ($($id:literal: $field:expr,)*) => { $(
        #[vtable]
        impl AttributeOperations<$id> for Item {
            type Data = Item;

            fn show(this: &Item, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
                this.show_field($field, page)
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
}

#[vtable]
impl AttributeOperations<5> for Item {
    type Data = Item;

    fn show(this: &Item, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        let on = matches!(
            this.state.lock_in(&mut MaySleep::assert()).power,
            Power::On(_)
        );
        line(page, fmt!("{}\n", u8::from(on)))
    }

    fn store(this: &Item, page: &[u8]) -> Result {
        let cx = &mut MaySleep::assert();
        let on = kstrtobool_bytes(page).inspect_err(|_| {
            pr_err!("{}: power is invalid, allowed: 0 and 1\n", &*this.name);
        })?;
        if on {
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
        let held = this.with_disk(cx, |disk, cx| disk.is_log_held(cx));
        line(page, fmt!("{}\n", u8::from(held.unwrap_or(false))))
    }

    fn store(this: &Item, page: &[u8]) -> Result {
        let cx = &mut MaySleep::assert();
        let hold = kstrtobool_bytes(page).inspect_err(|_| {
            pr_err!("{}: log_hold is invalid, allowed: 0 and 1\n", &*this.name);
        })?;
        this.with_disk(cx, |disk, cx| disk.hold_log(hold, cx))
    }
}
