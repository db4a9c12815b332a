// SPDX-License-Identifier: GPL-2.0

//! What the registry says about a thread, looked at until it is there.

pub(crate) use crate::suite::until;
use baton::{
    event::{
        Mode,
        Timeout,
        Uninterruptible, //
    },
    registry::{
        Kind,
        Object,
        Report, //
    },
    MaySleep,
    Thread, //
};
use kernel::time::msecs_to_jiffies;

/// A wait that is sure to end, and ends at last if it does not.
pub(crate) fn limited() -> Timeout<Uninterruptible> {
    Uninterruptible.timeout(msecs_to_jiffies(10_000))
}

pub(crate) fn mine() -> i32 {
    kernel::current!().pid()
}

/// What the registry says about one sleeper.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) object: Object,
    pub(crate) kind: Kind,
    /// Whether it sleeps in a file of this suite.
    pub(crate) here: bool,
    /// How many obligations there are for that, and who has the last one.
    pub(crate) owed: u64,
    pub(crate) debtor: i32,
    pub(crate) line: u32,
    /// The same for changes.
    pub(crate) changes: u64,
    pub(crate) changer: i32,
    /// Whom it is behind.
    pub(crate) behind: Option<i32>,
}

/// What the registry says about the task, if it is there.
pub(crate) fn look(cx: &mut MaySleep, pid: i32) -> Option<Seen> {
    let report = Report::new(cx).ok()?;
    let sleeper = report
        .sleepers()
        .iter()
        .find(|sleeper| sleeper.pid() == pid)?;
    let mut seen = Seen {
        object: sleeper.object(),
        kind: sleeper.kind(),
        here: sleeper.place().0.contains("registry"),
        owed: 0,
        debtor: 0,
        line: 0,
        changes: 0,
        changer: 0,
        behind: sleeper.behind(),
    };
    for debtor in report.debtors(sleeper.object()) {
        if debtor.has_changed() {
            seen.changes += debtor.count();
            seen.changer = debtor.pid();
        } else {
            seen.owed += debtor.count();
            seen.debtor = debtor.pid();
            seen.line = debtor.place().1;
        }
    }
    Some(seen)
}

/// Looks until the thread sleeps.
pub(crate) fn asleep(cx: &mut MaySleep, thread: &Thread) -> Option<Seen> {
    let mut seen = None;
    until(|| {
        seen = look(cx, thread.task().pid());
        seen.is_some()
    });
    seen
}

/// Looks until `debtor` owes what the thread sleeps on.
pub(crate) fn owed_by(cx: &mut MaySleep, thread: &Thread, debtor: i32) -> bool {
    until(|| look(cx, thread.task().pid()).is_some_and(|seen| seen.debtor == debtor))
}
