// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/config/baton`: a folder for each disk, in the manner of `null_blk`.
//!
//! - A disk is described while its power is off, and exists while it is on. Its size and the number of
//!   its queues can be changed then.
//! - `scrub`, `freeze`, `zero_out` and `log_hold` are for a disk that is on: `ENODEV` otherwise.
//! - Who writes while somebody else changes the disk waits, and can be interrupted. Nobody waits for
//!   long, because configfs holds a lock that `rmdir` needs: `EBUSY` if requests in flight do not end.
//! - `power` 0 is refused with `EBUSY` while the disk is open or mounted; programs that look at every
//!   new disk have a moment to close it.
//! - `rmdir` cannot be refused by a driver: it removes a disk that is on as if it had been pulled.

mod attributes;

use crate::{
    controls::Controls,
    disk::Disk,
    patience::Patience,
    settings::{
        Field,
        Settings, //
    },
};
use baton::{
    event::{
        Interruptible,
        Mode,
        WaitError, //
    },
    new_event,
    Event,
    LockIn,
    MaySleep, //
};
use core::mem;
use kernel::{
    configfs,
    configfs_attrs,
    debugfs::Dir,
    fmt,
    new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    str::{
        kstrtobool_bytes,
        BStr,
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
impl configfs::AttributeOperations<0> for Config {
    type Data = Config;

    fn show(_this: &Config, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        line(
            page,
            fmt!("size,blocksize,submit_queues,queue_depth,discard,write_cache,checksums,completion,completion_nsec,power,log_hold,scrub,scrub_progress,freeze,zero_out\n"),
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
                completion: 7,
                scrub: 8,
                scrub_progress: 9,
                freeze: 10,
                zero_out: 11,
                completion_nsec: 12,
                checksums: 13,
                write_cache: 14,
            ],
        };
        let debugfs = self.debugfs.clone();
        Ok(configfs::Group::new(
            name.try_into()?,
            item_type,
            try_pin_init!(Item {
                name: name.try_into()?,
                debugfs,
                state <- new_mutex!(pin_init!(State {
                    settings: Settings::default(),
                    controls: None,
                    frozen: false,
                    power <- new_event!(Power::Off),
                })),
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

#[pin_data]
struct State {
    settings: Settings,
    /// Of the disk, if there is one.
    controls: Option<Controls>,
    frozen: bool,
    // Who wants to change it waits while somebody else does.
    #[pin]
    power: Event<Power>,
}

/// Whether there is a disk. Making and removing one sleeps, so the lock is not held meanwhile.
enum Power {
    Off,
    /// Somebody changes it; whether there is a disk meanwhile.
    Changing(bool),
    On(Disk),
}

impl Power {
    /// Whether somebody changes it.
    fn is_changing(&self) -> bool {
        matches!(self, Self::Changing(_))
    }

    /// Takes it, to change it.
    fn take(&mut self) -> Self {
        let on = self.is_on();
        mem::replace(self, Self::Changing(on))
    }

    /// Returns whether there is a disk.
    fn is_on(&self) -> bool {
        match self {
            Self::Off => false,
            Self::Changing(on) => *on,
            Self::On(_) => true,
        }
    }
}

impl Item {
    fn busy(&self, why: &str) -> Error {
        pr_err!("{}: busy, {}\n", &*self.name, why);
        EBUSY
    }

    /// Waits until nobody changes the power, sets it to `Changing` and returns what it was.
    fn begin_change(&self, patience: &Patience, cx: &mut MaySleep) -> Result<(Power, Settings)> {
        let held = self.state.lock_in(cx);
        let mode = Interruptible.timeout(patience.left());
        let before = held
            .on(|state| &state.power)
            .when(|power| !power.is_changing(), Power::take)
            .wait(mode)
            .map_err(|e| match e {
                WaitError::TimedOut => self.busy("somebody else changes it"),
                e => e.into(),
            })?;
        Ok((before, self.state.lock_in(cx).settings))
    }

    fn end_change(&self, power: Power, cx: &mut MaySleep) {
        let (controls, frozen) = match &power {
            Power::On(disk) => (Some(disk.controls()), disk.is_frozen()),
            Power::Off | Power::Changing(_) => (None, false),
        };
        let mut held = self.state.lock_in(cx);
        let state = held.as_mut().project();
        let before = mem::replace(state.controls, controls);
        *state.frozen = frozen;
        state.power.update(|now| *now = power);
        drop(held);
        // Without the lock: these may be the last ones.
        drop(before);
    }

    /// Returns the controls of the disk. `ENODEV` if the power is off.
    fn controls(&self, cx: &mut MaySleep) -> Result<Controls> {
        self.state.lock_in(cx).controls.clone().ok_or(ENODEV)
    }

    /// Makes the disk; does nothing if there is one.
    fn power_on(&self, cx: &mut MaySleep) -> Result {
        let (before, settings) = self.begin_change(&Patience::new(), cx)?;
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
        let patience = &Patience::new();
        let (before, _) = self.begin_change(patience, cx)?;
        let controls = self.state.lock_in(cx).as_mut().project().controls.take();
        // Without the lock: they may be the last ones.
        drop(controls);
        let (now, result) = match before {
            Power::On(disk) => match disk.try_remove(patience, cx) {
                Ok(()) => (Power::Off, Ok(())),
                Err((disk, e)) => (Power::On(disk), Err(e)),
            },
            _ => (Power::Off, Ok(())),
        };
        self.end_change(now, cx);
        result.map_err(|_| self.busy("the disk is open or mounted"))
    }

    /// Does something with the disk that nothing else may be done with meanwhile. `ENODEV` if the power is off.
    fn with_disk<R>(
        &self,
        cx: &mut MaySleep,
        f: impl FnOnce(&mut Disk, &Patience, &mut MaySleep) -> Result<R>,
    ) -> Result<R> {
        let patience = &Patience::new();
        let (mut power, _) = self.begin_change(patience, cx)?;
        let result = match &mut power {
            Power::On(disk) => f(disk, patience, cx).map_err(|e| self.not_drained(e)),
            Power::Off | Power::Changing(_) => Err(ENODEV),
        };
        self.end_change(power, cx);
        result
    }

    /// Says why a control was refused, with what is allowed.
    fn invalid(&self, what: &str, text: &[u8], allowed: &str) -> Error {
        pr_err!(
            "{}: {} {:?} is invalid, allowed: {}\n",
            &*self.name,
            what,
            BStr::from_bytes(text.trim_ascii()),
            allowed
        );
        EINVAL
    }

    /// Reads a 0 or 1.
    fn flag(&self, what: &str, text: &[u8]) -> Result<bool> {
        kstrtobool_bytes(text).map_err(|_| self.invalid(what, text, "0 and 1"))
    }

    fn settings(&self, cx: &mut MaySleep) -> Settings {
        self.state.lock_in(cx).settings
    }

    fn store_field(&self, field: Field, text: &[u8]) -> Result {
        // ENTRY: a write to the attribute.
        let cx = &mut MaySleep::assert();
        let patience = &Patience::new();
        let (mut power, mut settings) = self.begin_change(patience, cx)?;
        let result = match &mut power {
            Power::On(disk) if matches!(field, Field::Size | Field::SubmitQueues) => settings
                .set_text(&self.name, field, text)
                .and_then(|()| match field {
                    Field::Size => disk.resize(&settings, patience, cx),
                    _ => disk.set_queues(&settings, patience, cx),
                })
                .map_err(|e| self.not_drained(e)),
            Power::On(_) | Power::Changing(_) => Err(self.busy("switch its power off first")),
            Power::Off => settings.set_text(&self.name, field, text),
        };
        if result.is_ok() {
            *self.state.lock_in(cx).as_mut().project().settings = settings;
        }
        self.end_change(power, cx);
        result
    }

    /// Says why something that needs a disk with nothing in flight was not done.
    fn not_drained(&self, error: Error) -> Error {
        if error == EBUSY {
            self.busy("the disk is frozen: thaw it first")
        } else if error == ETIMEDOUT {
            self.busy("requests in flight do not end")
        } else {
            error
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Item {
    fn drop(self: Pin<&mut Self>) {
        // ENTRY: the directory is removed.
        let cx = &mut MaySleep::assert();
        let mut held = self.state.lock_in(cx);
        let state = held.as_mut().project();
        let controls = state.controls.take();
        let power = state.power.update(|power| mem::replace(power, Power::Off));
        drop(held);
        drop(controls);
        if let Power::On(disk) = power {
            disk.pull(cx);
        }
    }
}
