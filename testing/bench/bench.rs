// SPDX-License-Identifier: GPL-2.0

//! Benchmark: the same cases with this library's events and with `CondVar`.
//!
//! `bench_baton/run` and `bench_condvar/run` in debugfs: write "CASE OPS", read "CASE OPS NS DONE".
//! `bench_c/run` of the other module is the same for C. A case does a fixed number of operations in
//! the context of the writer, and counts in its data what was done.

mod baton_completion;
mod baton_contended;
mod baton_count;
mod baton_drain;
mod baton_entry;
mod baton_errand;
mod baton_keyed;
mod baton_pin;
mod baton_rig;
mod baton_run;
mod baton_way;
mod condvar_way;

use baton::MaySleep;
use core::str::FromStr;
use kernel::{
    debugfs::{
        Dir,
        File, //
    },
    fmt, new_mutex,
    prelude::*,
    sync::Mutex,
    time::{
        Instant,
        Monotonic, //
    },
    uaccess::UserSliceReader,
};

module! {
    type: Bench,
    name: "bench_rust",
    authors: ["The baton authors"],
    description: "Benchmark: events and condition variables",
    license: "GPL",
}

/// How many tasks wait in the herd.
const HERD: usize = 64;

#[derive(Clone, Copy)]
enum Case {
    UpdateSpin,
    UpdateMutex,
    TripSpin,
    TripMutex,
    ClaimSpin,
    ClaimMutex,
    Herd,
    Entry,
    Keyed,
    KeyedFew,
    Count,
    EntryOne,
    EntryBucket,
    Drain,
    DrainWait,
    Run,
    Pin,
    Completion,
    CompletionCounted,
    CompletionTrip,
}

const CASES: &[(&str, Case)] = &[
    ("update-spin", Case::UpdateSpin),
    ("update-mutex", Case::UpdateMutex),
    ("trip-spin", Case::TripSpin),
    ("trip-mutex", Case::TripMutex),
    ("claim-spin", Case::ClaimSpin),
    ("claim-mutex", Case::ClaimMutex),
    ("herd", Case::Herd),
    ("entry", Case::Entry),
    ("keyed", Case::Keyed),
    ("keyed-few", Case::KeyedFew),
    ("count", Case::Count),
    ("entry-one", Case::EntryOne),
    ("entry-bucket", Case::EntryBucket),
    ("drain", Case::Drain),
    ("drain-wait", Case::DrainWait),
    ("run", Case::Run),
    ("pin", Case::Pin),
    ("completion", Case::Completion),
    ("completion-counted", Case::CompletionCounted),
    ("completion-trip", Case::CompletionTrip),
];

struct Command {
    name: &'static str,
    case: Case,
    ops: u64,
}

impl FromStr for Command {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut words = text.split_whitespace();
        let (Some(wanted), Some(ops), None) = (words.next(), words.next(), words.next()) else {
            return Err(EINVAL);
        };
        let &(name, case) = CASES
            .iter()
            .find(|(name, _)| *name == wanted)
            .ok_or(EINVAL)?;
        Ok(Self {
            name,
            case,
            ops: ops.parse().map_err(|_| EINVAL)?,
        })
    }
}

struct Outcome {
    name: &'static str,
    ops: u64,
    ns: i64,
    done: u64,
}

/// A way to write the cases.
trait Way: Send + Unpin + 'static {
    /// Does `ops` operations of a case.
    fn run(&self, cx: &mut MaySleep, case: Case, ops: u64) -> Result;

    /// Returns how many operations of a case the data says were done so far.
    fn done(&self, cx: &mut MaySleep, case: Case) -> u64;
}

/// A way and what its last case came to.
struct Runner<R> {
    rig: R,
    last: Option<Outcome>,
}

impl<R: Way> Runner<R> {
    fn run(&mut self, cx: &mut MaySleep, command: Command) -> Result {
        let Command { name, case, ops } = command;
        self.last = None;
        let before = self.rig.done(cx, case);
        let start = Instant::<Monotonic>::now();
        self.rig.run(cx, case, ops)?;
        let ns = start.elapsed().as_nanos();
        let done = self.rig.done(cx, case) - before;
        self.last = Some(Outcome {
            name,
            ops,
            ns,
            done,
        });
        Ok(())
    }
}

fn write<R: Way>(runner: &Mutex<Runner<R>>, from: &mut UserSliceReader) -> Result {
    let mut text = [0; 64];
    let text = text.get_mut(..from.len()).ok_or(EINVAL)?;
    from.read_slice(text)?;
    let text = core::str::from_utf8(text).map_err(|_| EINVAL)?;
    // ENTRY: a write to the file.
    let cx = &mut MaySleep::assert();
    // The lock is held all along: one case at a time.
    runner.lock().run(cx, text.parse()?)
}

fn show<R: Way>(runner: &Mutex<Runner<R>>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match &runner.lock().last {
        Some(Outcome {
            name,
            ops,
            ns,
            done,
        }) => writeln!(f, "{name} {ops} {ns} {done}"),
        None => Ok(()),
    }
}

/// The files of one way, in their directory.
#[pin_data]
struct Files<R: Way> {
    #[pin]
    run: File<Mutex<Runner<R>>>,
    dir: Dir,
}

impl<R: Way> Files<R> {
    fn new(name: &CStr, rig: R) -> Result<Pin<KBox<Self>>> {
        let dir = Dir::new(name);
        KBox::try_pin_init(
            try_pin_init!(Self {
                run <- dir.read_write_callback_file(
                    c"run",
                    new_mutex!(Runner { rig, last: None }),
                    &show::<R>,
                    &write::<R>,
                ),
                dir: dir.clone(),
            }? Error),
            GFP_KERNEL,
        )
    }
}

struct Bench {
    _baton: Pin<KBox<Files<baton_rig::Rig>>>,
    _condvar: Pin<KBox<Files<condvar_way::Rig>>>,
}

impl kernel::Module for Bench {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let cx = &mut MaySleep::assert();
        Ok(Self {
            _baton: Files::new(c"bench_baton", baton_rig::Rig::new(cx)?)?,
            _condvar: Files::new(c"bench_condvar", condvar_way::Rig::new(cx)?)?,
        })
    }
}
