// SPDX-License-Identifier: GPL-2.0

//! What a disk can be told to be, and what is allowed.

use baton::block::SECTOR_SHIFT;
use core::ops::RangeInclusive;
use kernel::{
    cpu::nr_cpu_ids,
    page::PAGE_SIZE,
    prelude::*,
    str::BStr, //
};

/// The largest disk, in MiB: 1 TiB, for which the table of its pages takes some 20 MiB.
const MAX_SIZE: i64 = 1 << 20;

/// The deepest queue.
const MAX_DEPTH: i64 = 1024;

/// The names of the settings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// The capacity in MiB.
    Size,
    /// The logical block size in bytes.
    BlockSize,
    /// The number of hardware queues.
    SubmitQueues,
    /// The number of requests in flight for each of them.
    QueueDepth,
    /// Whether discard is offered.
    Discard,
}

/// What a disk is told to be; always valid.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    size: i64,
    blocksize: i64,
    submit_queues: i64,
    queue_depth: i64,
    discard: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            size: 1024,
            blocksize: PAGE_SIZE as i64,
            submit_queues: 1,
            queue_depth: 64,
            discard: 1,
        }
    }
}

/// Returns `value` if it is in `allowed`; otherwise `EINVAL`, and the log says what is.
pub(crate) fn check(
    who: &CStr,
    what: &str,
    value: i64,
    allowed: RangeInclusive<i64>,
) -> Result<i64> {
    if allowed.contains(&value) {
        return Ok(value);
    }
    pr_err!(
        "{}: {} {} is invalid, allowed: {} to {}\n",
        who,
        what,
        value,
        allowed.start(),
        allowed.end()
    );
    Err(EINVAL)
}

impl Field {
    /// Returns the name of the file and of the parameter.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::BlockSize => "blocksize",
            Self::SubmitQueues => "submit_queues",
            Self::QueueDepth => "queue_depth",
            Self::Discard => "discard",
        }
    }

    /// Returns the allowed values; a block size must be a power of two besides.
    fn allowed(self) -> RangeInclusive<i64> {
        match self {
            Self::Size => 1..=MAX_SIZE,
            Self::BlockSize => 512..=PAGE_SIZE as i64,
            Self::SubmitQueues => 1..=i64::from(nr_cpu_ids()),
            Self::QueueDepth => 1..=MAX_DEPTH,
            Self::Discard => 0..=1,
        }
    }
}

impl Settings {
    fn field(&mut self, field: Field) -> &mut i64 {
        match field {
            Field::Size => &mut self.size,
            Field::BlockSize => &mut self.blocksize,
            Field::SubmitQueues => &mut self.submit_queues,
            Field::QueueDepth => &mut self.queue_depth,
            Field::Discard => &mut self.discard,
        }
    }

    /// Returns the value of one setting.
    pub(crate) fn get(mut self, field: Field) -> i64 {
        *self.field(field)
    }

    /// Changes one setting; an invalid value changes nothing and leaves a line in the log.
    pub(crate) fn set(&mut self, who: &CStr, field: Field, value: i64) -> Result {
        if field == Field::BlockSize && !u64::try_from(value).is_ok_and(u64::is_power_of_two) {
            pr_err!(
                "{}: blocksize {} is invalid, allowed: a power of two from 512 to {}\n",
                who,
                value,
                PAGE_SIZE
            );
            return Err(EINVAL);
        }
        *self.field(field) = check(who, field.name(), value, field.allowed())?;
        Ok(())
    }

    /// As [`Settings::set`], from what was written to a file.
    pub(crate) fn set_text(&mut self, who: &CStr, field: Field, text: &[u8]) -> Result {
        let trimmed = text.trim_ascii();
        match core::str::from_utf8(trimmed).map(str::parse::<i64>) {
            Ok(Ok(value)) => self.set(who, field, value),
            _ => {
                let allowed = field.allowed();
                pr_err!(
                    "{}: {} {:?} is invalid, allowed: {} to {}\n",
                    who,
                    field.name(),
                    BStr::from_bytes(trimmed),
                    allowed.start(),
                    allowed.end()
                );
                Err(EINVAL)
            }
        }
    }

    // CAST: `set()` lets only small and positive values in.

    /// Returns the capacity in sectors.
    pub(crate) fn sectors(&self) -> u64 {
        (self.size as u64) << (20 - SECTOR_SHIFT)
    }

    /// Returns the capacity in pages.
    pub(crate) fn pages(&self) -> usize {
        ((self.size as u64) << 20).div_ceil(PAGE_SIZE as u64) as usize
    }

    /// Returns the logical block size in bytes.
    pub(crate) fn block_size(&self) -> u32 {
        self.blocksize as u32
    }

    /// Returns the number of hardware queues.
    pub(crate) fn hw_queues(&self) -> u32 {
        self.submit_queues as u32
    }

    /// Returns the number of requests in flight for each queue.
    pub(crate) fn depth(&self) -> u32 {
        self.queue_depth as u32
    }

    /// Returns whether discard is offered.
    pub(crate) fn discard(&self) -> bool {
        self.discard != 0
    }
}
