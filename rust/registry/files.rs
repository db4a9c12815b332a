// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/baton_registry`.

use super::{
    report::Report,
    switch::{
        is_on,
        switch, //
    },
};
use crate::{
    level::Level,
    MaySleep, //
};
use core::fmt;
use kernel::{
    debugfs::{
        Dir,
        File, //
    },
    prelude::*,
    str::BStr,
    uaccess::UserSliceReader, //
};

/// The files, which go when this is dropped.
#[pin_data]
pub(crate) struct Files {
    _dir: Dir,
    #[pin]
    enabled: File<()>,
    #[pin]
    sleepers: File<()>,
}

impl Files {
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        let dir = Dir::new(c"baton_registry");
        try_pin_init!(Self {
            enabled <- dir.read_write_callback_file(c"enabled", (), &show_enabled, &store_enabled),
            sleepers <- dir.read_callback_file(c"sleepers", (), &show_sleepers),
            _dir: dir.clone(),
        }? Error)
    }
}

fn show_enabled((): &(), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "{}", u8::from(is_on()))
}

fn store_enabled((): &(), reader: &mut UserSliceReader) -> Result {
    let mut buffer = [0; 16];
    let len = reader.len().min(buffer.len());
    reader.read_slice(&mut buffer[..len])?;
    // ENTRY: a write to the file.
    set(&mut MaySleep::assert(), &buffer[..len])
}

/// Switches the registry by what is written to `enabled`: 0 or 1, with or without white space.
///
/// Context: as [`switch`].
///
/// # Errors
///
/// `EINVAL` for anything else, and a line in the log that says so. Nothing has changed then.
pub fn set<L: Level>(cx: &mut MaySleep<L>, text: &[u8]) -> Result {
    match text.trim_ascii() {
        b"0" => switch(cx, false),
        b"1" => switch(cx, true),
        other => {
            pr_warn!(
                "baton_registry/enabled: '{}' is neither 0 nor 1\n",
                BStr::from_bytes(other)
            );
            return Err(EINVAL);
        }
    }
    Ok(())
}

fn show_sleepers((): &(), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // What is left of the formatter's errors is that there is more to say than fits, and then it is
    // called again.
    //
    // ENTRY: the file is read.
    match Report::new(&mut MaySleep::assert()) {
        Ok(report) => write!(f, "{report}"),
        Err(_) => writeln!(f, "no memory for the report"),
    }
}
