// SPDX-License-Identifier: GPL-2.0

//! Programs of a seed, or of a text, and what is said of one that fails.

use super::{
    completion,
    count,
    counted,
    drain,
    entries,
    event,
    keyed,
    phased,
    pool,
    slot,
    stage::{
        play,
        Odd,
        Scene, //
    }, //
};
use crate::shared::{
    program::Text,
    reference::Reference,
    whole::Program,
    wrong::Wrong, //
};
use baton::{
    testing,
    MaySleep, //
};
use core::{
    fmt::Display,
    str, //
};
use kernel::{
    prelude::*,
    time::{
        Delta,
        Instant,
        Monotonic, //
    },
};

/// How long a step may take.
const DEADLINE: Delta = Delta::from_secs(10);

/// The same of a program that is made shorter and fails by that; and how long is waited for such ones in all.
const SHORT_DEADLINE: Delta = Delta::from_millis(500);
const SHORTENS: Delta = Delta::from_secs(10);

/// How long a step may take that has to fail by that: it is waited for.
const CONTROL_DEADLINE: Delta = Delta::from_millis(200);

/// How many steps a program may have that was made shorter, where the reference is wrong.
const CONTROL_STEPS: usize = 8;

/// Where else programs come from: a line that says `SEED CASES`, and over what if not over all, then programs.
const FILE: &CStr = c"/baton/fuzz";

/// Programs of the short form. Where each lock is checked and counted, so many take minutes.
const SHORT: u64 = if cfg!(CONFIG_PROVE_LOCKING) { 25 } else { 100 };

/// What is tried.
pub(crate) struct Settings {
    text: KVec<u8>,
    pub(crate) seed: u64,
    pub(crate) cases: u64,
}

impl Settings {
    /// Reads them; without a file it is the short form.
    pub(crate) fn read(cx: &mut MaySleep) -> Result<Self> {
        let mut settings = Self {
            text: KVec::new(),
            seed: 1,
            cases: SHORT,
        };
        match testing::read(cx, FILE) {
            Err(ENOENT) => return Ok(settings),
            text => settings.text = text?,
        }
        let line = settings.lines()?.next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let mut number = || words.next().and_then(|word| word.parse().ok());
        let (Some(seed), Some(cases)) = (number(), number()) else {
            pr_err!("{}: has to begin with two numbers\n", line);
            return Err(EINVAL);
        };
        (settings.seed, settings.cases) = (seed, cases);
        Ok(settings)
    }

    /// Whether programs over this are wanted.
    fn wants(&self, primitive: &str) -> Result<bool> {
        let line = self.lines()?.next().unwrap_or_default();
        let wanted = line.split_ascii_whitespace().nth(2);
        Ok(wanted.is_none_or(|wanted| wanted == primitive))
    }

    fn lines(&self) -> Result<str::Lines<'_>> {
        str::from_utf8(&self.text)
            .map(str::lines)
            .map_err(|_| EINVAL)
    }

    /// Returns the programs that were given.
    pub(crate) fn programs(&self) -> Result<impl Iterator<Item = &str>> {
        Ok(self.lines()?.skip(1))
    }
}

/// Returns the programs that are always replayed.
pub(crate) fn kept() -> impl Iterator<Item = &'static str> {
    let lines = include_str!("../programs.txt").lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// What programs are over.
pub(crate) struct Primitive {
    pub(crate) name: &'static str,
    /// Tries the programs of a seed.
    pub(crate) random: fn(&mut MaySleep, &Settings) -> Result,
    replay: fn(&mut MaySleep, Text<'_>) -> Result,
    /// Looks for a program that fails if nobody who waits goes on, by the reference. Returns how short it is.
    pub(crate) lost: fn(&mut MaySleep) -> Result<usize>,
    /// Whether this fails if whoever waits goes on at once, by the reference.
    hangs: fn(&mut MaySleep, Text<'_>) -> Result<bool>,
}

/// Each of them.
pub(crate) static PRIMITIVES: [Primitive; 10] = [
    Primitive::of::<event::Scene>(),
    Primitive::of::<keyed::Scene>(),
    Primitive::of::<entries::Scene>(),
    Primitive::of::<drain::Scene>(),
    Primitive::of::<phased::Scene>(),
    Primitive::of::<count::Scene>(),
    Primitive::of::<completion::Scene>(),
    Primitive::of::<counted::Scene>(),
    Primitive::of::<slot::Scene>(),
    Primitive::of::<pool::Scene>(),
];

impl Primitive {
    const fn of<S: Scene>() -> Self {
        Self {
            name: S::Reference::NAME,
            random: random::<S>,
            replay: replay::<S>,
            lost: lost::<S>,
            hangs: hangs::<S>,
        }
    }

    /// Returns the one with this name.
    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        let found = PRIMITIVES.iter().find(|primitive| primitive.name == name);
        found.ok_or(ENOENT)
    }

    fn read(line: &str) -> Result<(&'static Self, Text<'_>)> {
        let text = Text::read(line).ok_or(EINVAL)?;
        Ok((Self::named(text.primitive)?, text))
    }

    /// Replays a program.
    pub(crate) fn replay(cx: &mut MaySleep, line: &str) -> Result {
        let (primitive, text) = Self::read(line).inspect_err(|_| {
            pr_err!("{}: has to be 'PRIMITIVE KIND: STEP, STEP, ...'\n", line);
        })?;
        (primitive.replay)(cx, text)
    }

    /// Returns whether a program fails if whoever waits goes on at once, by the reference.
    pub(crate) fn hangs(cx: &mut MaySleep, line: &str) -> Result<bool> {
        let (primitive, text) = Self::read(line)?;
        (primitive.hangs)(cx, text)
    }
}

/// Says that a program has failed, and prints it as a test.
fn tell(why: &CStr, program: &dyn Display) {
    pr_err!("FAILED: {}\n", format_args!("{program}"));
    pr_err!("{}\n", why);
    pr_err!("as a test of testing/kunit/fuzz_kunit.rs:\n");
    pr_err!("    #[test]\n");
    pr_err!("    fn failed_program() -> Result {{\n");
    pr_err!(
        "        ends_as_the_reference_says(\"{}\")\n",
        format_args!("{program}")
    );
    pr_err!("    }}\n");
}

/// Replays a program, makes it shorter if it fails, and says so.
fn check<S: Scene>(cx: &mut MaySleep, program: Program<S::Reference>) -> Result<usize> {
    let odd = match play::<S, _>(cx, &program, DEADLINE)? {
        Ok(steps) => return Ok(steps),
        Err(odd) => odd,
    };
    tell(&odd.why, &program);
    // Its tasks are still there if they hang: nothing that comes would mean anything.
    if !odd.hangs {
        let (short, odd) = shorten::<S, _>(cx, program, odd.late)?;
        if let Some(odd) = odd {
            tell(&odd.why, &short);
        }
    }
    Err(EBADE)
}

/// Makes a program shorter that fails, by its deadline if that is how it has failed. Returns what it fails with
/// then, if it does.
fn shorten<S: Scene, R: Reference<Op = super::stage::Op<S>>>(
    cx: &mut MaySleep,
    program: Program<R>,
    late: bool,
) -> Result<(Program<R>, Option<Odd>)> {
    let deadline = if late { SHORT_DEADLINE } else { DEADLINE };
    let (mut waited, mut gone) = (Delta::ZERO, false);
    let short = program.shorter(|program| {
        if gone || waited > SHORTENS {
            return false;
        }
        let begin = Instant::<Monotonic>::now();
        let Ok(Err(odd)) = play::<S, R>(cx, program, deadline) else {
            return false;
        };
        gone = odd.hangs;
        if odd.late {
            waited += begin.elapsed();
        }
        !gone && odd.late == late
    });
    if gone {
        return Ok((short, None));
    }
    let odd = play::<S, R>(cx, &short, DEADLINE)?.err();
    Ok((short, odd))
}

fn random<S: Scene>(cx: &mut MaySleep, settings: &Settings) -> Result {
    let (mut steps, name) = (0, S::Reference::NAME);
    if !settings.wants(name)? {
        return Ok(());
    }
    for number in 0..settings.cases {
        let program = Program::of_seed(settings.seed, number);
        steps += check::<S>(cx, program).inspect_err(|_| {
            pr_err!("program {} of seed {}\n", number, settings.seed);
        })?;
    }
    pr_info!(
        "{}: {} programs of seed {}, {} steps\n",
        name,
        settings.cases,
        settings.seed,
        steps
    );
    Ok(())
}

fn replay<S: Scene>(cx: &mut MaySleep, text: Text<'_>) -> Result {
    let program = Program::read(text).ok_or(EINVAL)?;
    let wanted = program.steps().count();
    let steps = check::<S>(cx, program)?;
    // One that cannot be made is left out.
    if steps < wanted {
        return Err(EINVAL);
    }
    Ok(())
}

fn lost<S: Scene>(cx: &mut MaySleep) -> Result<usize> {
    for number in 0..100 {
        let program = Program::<S::Reference>::of_seed(1, number);
        let kind = Wrong::<S::Reference>::kind(false, program.kind);
        let program = program.with::<Wrong<S::Reference>>(kind);
        match play::<S, _>(cx, &program, DEADLINE)? {
            Ok(_) => continue,
            Err(odd) if odd.hangs || odd.late => return Err(ETIMEDOUT),
            Err(_) => {}
        }
        let (short, odd) = shorten::<S, _>(cx, program, false)?;
        let Some(Odd { why, .. }) = odd else {
            pr_err!(
                "control: {}: does not fail again\n",
                format_args!("{short}")
            );
            return Err(EAGAIN);
        };
        pr_info!("control: {}: {}\n", format_args!("{short}"), &*why);
        return Ok(short.steps().count());
    }
    Err(ENOENT)
}

fn hangs<S: Scene>(cx: &mut MaySleep, text: Text<'_>) -> Result<bool> {
    let program = Program::<S::Reference>::read(text).ok_or(EINVAL)?;
    let kind = Wrong::<S::Reference>::kind(true, program.kind);
    let program = program.with::<Wrong<S::Reference>>(kind);
    match play::<S, _>(cx, &program, CONTROL_DEADLINE)? {
        Ok(_) => Ok(false),
        Err(odd) if odd.hangs => Err(ETIMEDOUT),
        Err(odd) => {
            pr_info!("control: {}: {}\n", format_args!("{program}"), &*odd.why);
            Ok(true)
        }
    }
}

/// Whether a program is as short as one is that was made shorter.
pub(crate) const fn is_short(steps: usize) -> bool {
    steps <= CONTROL_STEPS
}
