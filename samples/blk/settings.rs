// SPDX-License-Identifier: GPL-2.0

//! What a disk can be told to be, and what is allowed.

use crate::checksum::Checksum;
use baton::block::SECTOR_SHIFT;
use core::ops::RangeInclusive;
use kernel::{
    cpu::nr_cpu_ids,
    fmt,
    page::PAGE_SIZE,
    prelude::*,
    str::BStr,
    time::Delta, //
};

/// The largest disk, in MiB: 1 TiB, for which the table of its pages takes some 20 MiB.
const MAX_SIZE: i64 = 1 << 20;

/// The deepest queue.
const MAX_DEPTH: i64 = 1024;

/// The longest that the timer takes: a second.
const MAX_NSEC: i64 = 1_000_000_000;

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
    /// Whether there is a volatile write cache.
    WriteCache,
    /// The checksum that pages have.
    Checksums,
    /// Where requests are ended.
    Completion,
    /// How long the timer takes that ends them, in nanoseconds.
    CompletionNsec,
}

/// Where requests are ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    /// Where they are served.
    Inline,
    /// By a worker.
    Workqueue,
    /// In the interrupt of a timer.
    Timer,
    /// By who polls for them, if anybody does.
    Polled,
}

impl Completion {
    /// The words for it, in the order of their numbers.
    const WORDS: [&str; 4] = ["inline", "workqueue", "timer", "polled"];

    fn of_number(number: i64) -> Self {
        match number {
            1 => Self::Workqueue,
            2 => Self::Timer,
            3 => Self::Polled,
            _ => Self::Inline,
        }
    }
}

/// What a message says of the words that stand for values, in front of the numbers.
struct Words(&'static [&'static str]);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((last, others)) = self.0.split_last() else {
            return Ok(());
        };
        for (i, word) in others.iter().enumerate() {
            f.write_str(if i > 0 { ", " } else { "" })?;
            f.write_str(word)?;
        }
        write!(f, " and {last}, or ")
    }
}

/// What a disk is told to be; always valid.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    size: i64,
    blocksize: i64,
    submit_queues: i64,
    queue_depth: i64,
    discard: i64,
    write_cache: i64,
    checksums: i64,
    completion: i64,
    completion_nsec: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            size: 1024,
            blocksize: PAGE_SIZE as i64,
            submit_queues: 1,
            queue_depth: 64,
            discard: 1,
            write_cache: 1,
            checksums: 3,
            completion: 0,
            completion_nsec: 50_000,
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
            Self::WriteCache => "write_cache",
            Self::Checksums => "checksums",
            Self::Completion => "completion",
            Self::CompletionNsec => "completion_nsec",
        }
    }

    /// Returns the words that stand for its values, from 0 on; none if they are numbers.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Checksums => &Checksum::WORDS,
            Self::Completion => &Completion::WORDS,
            _ => &[],
        }
    }

    /// Returns the allowed values; a block size must be a power of two besides.
    fn allowed(self) -> RangeInclusive<i64> {
        match self {
            Self::Size => 1..=MAX_SIZE,
            Self::BlockSize => 512..=PAGE_SIZE as i64,
            Self::SubmitQueues => 1..=i64::from(nr_cpu_ids()),
            Self::QueueDepth => 1..=MAX_DEPTH,
            Self::Discard | Self::WriteCache => 0..=1,
            Self::Checksums => 0..=3,
            Self::Completion => 0..=3,
            Self::CompletionNsec => 1..=MAX_NSEC,
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
            Field::WriteCache => &mut self.write_cache,
            Field::Checksums => &mut self.checksums,
            Field::Completion => &mut self.completion,
            Field::CompletionNsec => &mut self.completion_nsec,
        }
    }

    /// Returns the value of one setting.
    pub(crate) fn get(mut self, field: Field) -> i64 {
        *self.field(field)
    }

    /// Returns the word for the value of a setting that has words.
    pub(crate) fn word(self, field: Field) -> Option<&'static str> {
        // CAST: `set()` lets only small and positive values in.
        field.words().get(self.get(field) as usize).copied()
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
        let word = core::str::from_utf8(trimmed).unwrap_or("");
        let words = field.words();
        let value = match words.iter().position(|known| *known == word) {
            // CAST: There are few.
            Some(at) => Ok(at as i64),
            None => word.parse::<i64>(),
        };
        match value {
            Ok(value) => self.set(who, field, value),
            Err(_) => {
                let allowed = field.allowed();
                pr_err!(
                    "{}: {} {:?} is invalid, allowed: {}{} to {}\n",
                    who,
                    field.name(),
                    BStr::from_bytes(trimmed),
                    Words(words),
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

    /// Returns where requests are ended.
    pub(crate) fn completion(&self) -> Completion {
        Completion::of_number(self.completion)
    }

    /// Returns how long the timer takes.
    pub(crate) fn delay(&self) -> Delta {
        Delta::from_nanos(self.completion_nsec)
    }

    /// Returns the number of queues for requests that are polled for.
    pub(crate) fn poll_queues(&self) -> u32 {
        match self.completion() {
            Completion::Polled => self.hw_queues(),
            _ => 0,
        }
    }

    /// Returns how many requests can be in flight.
    pub(crate) fn requests(&self) -> usize {
        (self.hw_queues() + self.poll_queues()) as usize * self.depth() as usize
    }

    /// Returns whether discard is offered.
    pub(crate) fn discard(&self) -> bool {
        self.discard != 0
    }

    /// Returns whether there is a volatile write cache: otherwise a write is over when it is stable.
    pub(crate) fn write_cache(&self) -> bool {
        self.write_cache != 0
    }

    /// Returns the checksum that pages have.
    pub(crate) fn checksum(&self) -> Checksum {
        Checksum::of_number(self.checksums)
    }
}
