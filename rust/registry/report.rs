// SPDX-License-Identifier: GPL-2.0

//! What the registry knows, as a copy that can be looked at and printed.

use super::{
    ledger::{
        now,
        Locked,
        State, //
    },
    record::{
        File,
        Record,
        Row,
        Who, //
    },
};
use crate::{
    about::{
        Kind,
        Object, //
    },
    ffi,
    level::Level,
    MaySleep, //
};
use core::fmt;
use kernel::{
    prelude::*,
    time::Delta, //
};

/// How many sleepers a report has room for beyond those that were counted before.
const SLACK: usize = 16;

/// How many obligations a report has room for.
const DEBTORS: usize = 256;

/// A task that sleeps.
///
/// Context of its functions: any, unless they say otherwise.
#[derive(Clone, Copy)]
pub struct Sleeper {
    object: Object,
    kind: Kind,
    name: File,
    who: Who,
    /// How long, in nanoseconds.
    time: u64,
    /// Its state, as the letter that `ps` shows.
    state: u8,
    /// Whether its sleep counts as waiting for I/O.
    io: bool,
    file: File,
    line: u32,
    /// What claim it makes, as in [`About`](crate::about::About).
    class: usize,
    /// Whom it is behind.
    behind: Option<i32>,
}

impl Sleeper {
    /// What is known of who has made `record`.
    ///
    /// # Safety
    ///
    /// `record` must be on the list, and the lock of the registry held.
    pub(super) unsafe fn new(record: &Record, now: u64) -> Self {
        let mut io = false;
        // SAFETY: By the safety requirements the task has not returned from its wait, so it exists.
        let state = unsafe { ffi::baton_registry_task_state(record.task, &raw mut io) };
        Self {
            object: record.object,
            kind: record.kind,
            name: File::new(record.name.as_str()),
            who: record.who,
            time: now.saturating_sub(record.since),
            // CAST: A letter.
            state: state as u8,
            io,
            file: File::new(record.file.as_str()),
            line: record.line,
            class: record.class,
            behind: None,
        }
    }

    /// Returns what it sleeps on.
    pub fn object(&self) -> Object {
        self.object
    }

    /// Returns the kind of that.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns what changes of it are noted under: a key has none of its own.
    pub(super) fn changed_as(&self) -> Object {
        let part = if self.kind == Kind::Key {
            0
        } else {
            self.object.part
        };
        Object {
            part,
            ..self.object
        }
    }

    /// Returns the name of that.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Returns the number of the task.
    pub fn pid(&self) -> i32 {
        self.who.pid
    }

    /// Returns the state of the task, as the letter that `ps` shows: `D`, `S` or `I`; `R` if it was woken and
    /// has not returned yet, or is about to sleep.
    pub fn state(&self) -> char {
        char::from(self.state)
    }

    /// Returns whether its sleep counts as waiting for I/O.
    #[doc(alias = "in_iowait")]
    pub fn waits_for_io(&self) -> bool {
        self.io
    }

    /// Returns the number of the task that it is behind, if it waits for a [`Fifo`](crate::Fifo) event.
    ///
    /// Both make the same claim, and that of the other task, which came first, fails.
    pub fn behind(&self) -> Option<i32> {
        self.behind
    }

    /// Returns where it waits: the end of the name of the file, and the line.
    pub fn place(&self) -> (&str, u32) {
        (self.file.as_str(), self.line)
    }
}

impl fmt::Display for Sleeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} for {} ms at {}:{}",
            self.who,
            self.time / 1_000_000,
            self.file.as_str(),
            self.line
        )?;
        f.write_str(" sleeps")?;
        match self.behind {
            Some(pid) => write!(f, ", behind {pid}, whose claim fails"),
            None => Ok(()),
        }
    }
}

/// What somebody sleeps on, as a line.
pub(super) struct Heading<'a>(pub(super) &'a Sleeper);

impl fmt::Display for Heading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sleeper { object, kind, .. } = *self.0;
        write!(f, "{kind} {} {:#x}", self.0.name(), object.address)?;
        match kind {
            Kind::Entry => write!(f, " index {}", object.part),
            Kind::Key => write!(f, " key {}", object.part),
            _ => Ok(()),
        }
    }
}

/// Who owes a wake-up, or has changed an event.
///
/// Context of its functions: any, unless they say otherwise.
#[derive(Clone, Copy)]
pub struct Debtor {
    row: Row,
    now: u64,
}

impl Debtor {
    /// The one with that number of those that owe for `object`, or have changed it.
    pub(super) fn nth(object: Object, at: usize) -> Option<Self> {
        let state = Locked::new();
        let row = *state.rows_of(object).nth(at)?;
        Some(Self { row, now: now() })
    }

    /// Tells the log where the task is, if it is there.
    pub(super) fn show(&self) {
        self.row.who.show();
    }

    /// Returns for what.
    pub fn object(&self) -> Object {
        self.row.object
    }

    /// Returns whether it has changed the event, and owes nothing that is known.
    pub fn has_changed(&self) -> bool {
        self.row.changes
    }

    /// Returns the number of the task, of the last one if there were several.
    pub fn pid(&self) -> i32 {
        self.row.who.pid
    }

    /// Returns how many obligations, or changes, there are from this place.
    pub fn count(&self) -> u64 {
        self.row.count
    }

    /// Returns the place: the end of the name of the file, and the line.
    pub fn place(&self) -> (&str, u32) {
        (self.row.file.as_str(), self.row.line)
    }
}

impl fmt::Display for Debtor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { who, count, .. } = self.row;
        let ms = |then: u64| self.now.saturating_sub(then) / 1_000_000;
        let (file, line) = self.place();
        if self.row.changes {
            let last = ms(self.row.last);
            return write!(
                f,
                "{who} changed it last, {last} ms ago, {count} in all, at {file}:{line}"
            );
        }
        let since = ms(self.row.since);
        let kind = self.row.kind;
        write!(
            f,
            "{who} owes {count} {kind} for {since} ms, from {file}:{line}"
        )
    }
}

/// What puts those who sleep on one object together.
fn key(sleeper: &Sleeper) -> (usize, usize) {
    (sleeper.object.address, sleeper.object.part)
}

/// Who sleeps, longest first, and who owes them the wake-up.
///
/// It is a copy: dropping it, or `mem::forget`, changes nothing about what it says. The task that makes
/// it does not sleep in this library meanwhile, and is not in it itself.
///
/// Context of its functions: any, unless they say otherwise.
pub struct Report {
    summary: Summary,
    left_out: usize,
    sleepers: KVVec<Sleeper>,
    debtors: KVVec<Debtor>,
}

impl Report {
    /// Looks at the registry now. It may have changed when this returns.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new<L: Level>(_cx: &mut MaySleep<L>) -> Result<Self> {
        Self::look()
    }

    // Not generic and never inlined: what it calls is not exported.
    #[inline(never)]
    fn look() -> Result<Self> {
        let count = Summary::now().asleep;
        let mut report = Self {
            summary: Summary::default(),
            left_out: 0,
            sleepers: KVVec::with_capacity(count + SLACK, GFP_KERNEL)?,
            debtors: KVVec::with_capacity(DEBTORS, GFP_KERNEL)?,
        };
        let state = Locked::new();
        let now = now();
        report.summary = Summary::new(&state, now);
        state.records(|record| {
            // SAFETY: It is on the list, and the lock is held.
            let sleeper = unsafe { Sleeper::new(record, now) };
            if report.sleepers.push_within_capacity(sleeper).is_err() {
                report.left_out += 1;
            }
            true
        });
        drop(state);
        // Objects together, the one with the longest sleeper first; what was owed is copied then.
        report.sort();
        report.line_up();
        for at in 0..report.sleepers.len() {
            let object = report.sleepers[at].changed_as();
            if at > 0 && report.sleepers[at - 1].changed_as() == object {
                continue;
            }
            let state = Locked::new();
            for row in state.rows_of(object) {
                if report
                    .debtors
                    .push_within_capacity(Debtor { row: *row, now })
                    .is_err()
                {
                    report.left_out += 1;
                }
            }
        }
        Ok(report)
    }

    fn sort(&mut self) {
        self.sleepers
            .sort_unstable_by_key(|sleeper| (key(sleeper), u64::MAX - sleeper.time));
    }

    /// Finds out who is behind whom; those who sleep on one object are together, the longest first.
    fn line_up(&mut self) {
        for at in 1..self.sleepers.len() {
            let (before, rest) = self.sleepers.split_at_mut(at);
            let Some(sleeper) = rest.first_mut() else {
                return;
            };
            if sleeper.class == 0 {
                continue;
            }
            let start = before.partition_point(|other| key(other) < key(sleeper));
            let mut ahead = before.iter().skip(start);
            let ahead = ahead.find(|other| other.class == sleeper.class);
            sleeper.behind = ahead.map(|other| other.who.pid);
        }
    }

    /// Returns who sleeps.
    pub fn sleepers(&self) -> &[Sleeper] {
        &self.sleepers
    }

    /// Returns who owes for `object`, or has changed it; of objects that somebody sleeps on, and as far as there was room.
    pub fn debtors(&self, object: Object) -> impl Iterator<Item = &Debtor> {
        self.debtors.iter().filter(move |debtor| {
            let row = &debtor.row;
            // A change is one of the whole event, whatever key it had.
            row.object.address == object.address && (row.changes || row.object.part == object.part)
        })
    }

    /// Returns for how long the registry has been on, or [`None`] if it is off.
    ///
    /// What began before that is not noted: neither who went to sleep, nor what is owed.
    pub fn on_for(&self) -> Option<Delta> {
        // CAST: Nanoseconds since the boot.
        self.summary.on.map(|time| Delta::from_nanos(time as i64))
    }

    /// Returns how many obligations did not fit into the registry since it was switched on.
    pub fn lost(&self) -> u64 {
        self.summary.lost
    }
}

/// Since when it counts, as a line.
#[derive(Default)]
pub(super) struct Summary {
    /// For how long the registry has been on, in nanoseconds.
    on: Option<u64>,
    /// When it was switched on, if somebody may have slept before: in nanoseconds since the boot.
    late: Option<u64>,
    lost: u64,
    asleep: usize,
}

impl Summary {
    fn new(state: &State, now: u64) -> Self {
        let mut asleep = 0;
        state.records(|_| {
            asleep += 1;
            true
        });
        Self {
            on: state.since().map(|since| now.saturating_sub(since)),
            late: state.since().filter(|_| !state.is_from_the_start()),
            lost: state.lost,
            asleep,
        }
    }

    pub(super) fn now() -> Self {
        let state = Locked::new();
        Self::new(&state, now())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.asleep;
        let ms = self.on.map_or(0, |time| time / 1_000_000);
        match (self.on, self.late) {
            (Some(_), None) => write!(
                f,
                "registry on for {ms} ms, since it was loaded: {count} asleep"
            )?,
            // The time is that of the log.
            (Some(_), Some(since)) => write!(
                f,
                "registry on for {ms} ms, since {}.{:06}: {count} asleep since, \
                 who was asleep before is not counted",
                since / 1_000_000_000,
                since / 1_000 % 1_000_000
            )?,
            (None, _) => write!(
                f,
                "registry off: who sleeps is not counted, {count} asleep from before"
            )?,
        }
        write!(f, ", {} not noted", self.lost)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary)?;
        let mut before = None;
        for sleeper in self.sleepers.iter() {
            let object = sleeper.object;
            if before != Some(object) {
                writeln!(f, "{}", Heading(sleeper))?;
                for debtor in self.debtors(object) {
                    writeln!(f, "  {debtor}")?;
                }
                let nobody = self.debtors(object).next().is_none();
                // Who does may be among what is left out.
                if nobody && self.left_out == 0 {
                    writeln!(f, "  nobody is known to owe it")?;
                }
                before = Some(object);
            }
            writeln!(f, "  {sleeper}")?;
        }
        if self.left_out > 0 {
            writeln!(f, "{} more", self.left_out)?;
        }
        Ok(())
    }
}
