// SPDX-License-Identifier: GPL-2.0

//! Random programs over the primitives, on the host: the sources of the library, real waits, and a
//! reference that says what has to come of each step.
//!
//! Usage: baton-fuzz [--seed N] [--cases N] [--primitive NAME] [--kept FILE] [--programs FILE]
//!        baton-fuzz --replay 'PROGRAM'
//!
//!   --kept FILE      programs, one a line, that are replayed first
//!   --programs FILE  writes those that were tried there
//!
//! Each fault of `faults.rs` has to be found as well, and a short program of it has to be made.

#[path = "../../../fuzz/shared/mod.rs"]
mod shared;

mod generate;
mod stage;

use generate::{Fuzz, Target};
use shared::{counted::Counted, pool::Pool, program::Text, reference::Reference, slot::Slot};
use std::{
    env,
    fs::{self, File},
    io::Write,
    panic,
    process::exit,
    time::Instant,
};

include!(concat!(env!("OUT_DIR"), "/variants.rs"));

/// How many programs may go by until a fault is found, and how long the one that is made of it may be.
const CONTROL_CASES: u32 = 3000;
const CONTROL_STEPS: usize = 8;

/// Of which seed these are: always the same, since a fault may make a task look for ever.
const CONTROL_SEED: u64 = 1;

/// How many seconds there are between two lines that say how far it is.
const PROGRESS: u64 = 5;

struct Settings {
    seed: u64,
    cases: u32,
    primitive: String,
    kept: String,
    programs: String,
    replay: String,
}

fn refuse(why: &str) -> ! {
    eprintln!("baton-fuzz: {why}");
    exit(2)
}

fn number<N: std::str::FromStr>(name: &str, value: &str, allowed: &str) -> N {
    value
        .parse()
        .unwrap_or_else(|_| refuse(&format!("{name} {value}: has to be {allowed}")))
}

fn settings() -> Settings {
    let mut settings = Settings {
        seed: 1,
        cases: 400,
        primitive: String::new(),
        kept: String::new(),
        programs: String::new(),
        replay: String::new(),
    };
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .unwrap_or_else(|| refuse(&format!("{name}: has to have a value")));
        match name.as_str() {
            "--seed" => settings.seed = number(&name, &value, "a number below 2^64"),
            "--cases" => settings.cases = number(&name, &value, "a number below 2^32"),
            "--primitive" => settings.primitive = value,
            "--kept" => settings.kept = value,
            "--programs" => settings.programs = value,
            "--replay" => settings.replay = value,
            _ => refuse(&format!("there is no option '{name}'")),
        }
    }
    let known: Vec<_> = sound().map(|target| target.primitive).collect();
    if !settings.primitive.is_empty() && !known.contains(&settings.primitive.as_str()) {
        refuse(&format!(
            "--primitive {}: has to be one of {}",
            settings.primitive,
            known.join(", ")
        ));
    }
    settings
}

fn sound() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().filter(|target| target.fault.is_none())
}

/// Whether the host does not have what a program is over.
fn is_for_a_guest(text: &Text<'_>) -> bool {
    match text.primitive {
        Counted::NAME | Slot::NAME => true,
        Pool::NAME => text.kind == Pool::KINDS[1],
        _ => false,
    }
}

/// Replays a program; returns how many steps it has.
fn replay(line: &str) -> Result<usize, String> {
    let text = Text::read(line).ok_or("has to be 'PRIMITIVE KIND: STEP, STEP, ...'")?;
    if is_for_a_guest(&text) {
        return Err("it is for a guest alone".into());
    }
    let target = sound().find(|target| target.primitive == text.primitive);
    let target = target.ok_or_else(|| format!("there is no primitive '{}'", text.primitive))?;
    (target.replay)(&text)
}

/// The results, one line each.
#[derive(Default)]
struct Results {
    passed: usize,
    failed: usize,
}

impl Results {
    fn add(&mut self, name: &str, result: Result<String, Vec<String>>) {
        let number = self.passed + self.failed + 1;
        match result {
            Ok(what) => {
                self.passed += 1;
                println!("ok {number} {name} # {what}");
            }
            Err(why) => {
                self.failed += 1;
                why.iter().for_each(|line| println!("# {line}"));
                println!("not ok {number} {name}");
            }
        }
    }
}

fn again(program: &str) -> String {
    format!("repeat: tools/fuzz --program '{program}'")
}

/// Tries programs on a primitive as it is.
fn try_sound(
    target: &Target,
    fuzz: Fuzz,
    settings: &Settings,
    kept: &mut Option<File>,
) -> Result<String, Vec<String>> {
    let begin = Instant::now();
    let mut said = 0;
    let tried = fuzz(settings.seed, settings.cases, &mut |number, program| {
        if let Some(file) = kept {
            let _ = writeln!(file, "{program}");
        }
        let seconds = begin.elapsed().as_secs();
        if seconds >= said + PROGRESS {
            said = seconds;
            println!(
                "# {}: {number} of {} programs, {seconds} s",
                target.primitive, settings.cases
            );
        }
    });
    match tried.found {
        None => Ok(format!(
            "{} programs, {} steps, {:.1} s",
            tried.programs,
            tried.steps,
            begin.elapsed().as_secs_f32()
        )),
        Some(found) => Err(vec![
            format!(
                "program {} of seed {}, made shorter: {} steps",
                tried.programs, settings.seed, found.steps
            ),
            found.why,
            "as a test: a line of testing/fuzz/programs.txt, or in testing/kunit/fuzz_kunit.rs"
                .into(),
            "    #[test]".into(),
            "    fn failed_program() -> Result {".into(),
            format!("        ends_as_the_reference_says({:?})", found.program),
            "    }".into(),
            again(&found.program),
        ]),
    }
}

/// Tries programs on a primitive with a fault.
fn try_faulty(target: &Target, seed: u64) -> Result<String, Vec<String>> {
    let tried = (target.fuzz)(seed, CONTROL_CASES, &mut |_, _| {});
    let Some(found) = tried.found else {
        return Err(vec![format!(
            "not found by {CONTROL_CASES} programs of seed {seed}"
        )]);
    };
    if found.steps > CONTROL_STEPS {
        return Err(vec![
            format!(
                "found, and made no shorter than {} steps; at most {CONTROL_STEPS}",
                found.steps
            ),
            found.program,
        ]);
    }
    Ok(format!(
        "found by program {}, {} steps: {}",
        tried.programs, found.steps, found.program
    ))
}

fn main() {
    let settings = settings();
    // What a fault does is told by who finds it.
    panic::set_hook(Box::new(|_| {}));
    if !settings.replay.is_empty() {
        let result = replay(&settings.replay);
        match &result {
            Ok(steps) => println!("ok 1 {} # {steps} steps", settings.replay),
            Err(why) => println!("# {why}\nnot ok 1 {}", settings.replay),
        }
        println!(
            "{} passed, {} failed, 0 skipped",
            i32::from(result.is_ok()),
            i32::from(result.is_err())
        );
        exit(i32::from(result.is_err()));
    }
    let mut results = Results::default();
    println!("KTAP version 1\n# seed {}", settings.seed);
    let mut file = (!settings.programs.is_empty()).then(|| {
        File::create(&settings.programs)
            .unwrap_or_else(|why| refuse(&format!("{}: {why}", settings.programs)))
    });
    let wanted = |primitive: &str| settings.primitive.is_empty() || settings.primitive == primitive;
    if !settings.kept.is_empty() {
        let text = fs::read_to_string(&settings.kept);
        let text = text.unwrap_or_else(|why| refuse(&format!("{}: {why}", settings.kept)));
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let lines =
            lines.filter(|line| !Text::read(line).is_some_and(|text| is_for_a_guest(&text)));
        for line in lines.filter(|line| line.split(' ').next().is_some_and(wanted)) {
            if let Some(file) = &mut file {
                let _ = writeln!(file, "{line}");
            }
            let result = replay(line).map_err(|why| vec![why, again(line)]);
            results.add(
                &format!("kept.{line}"),
                result.map(|steps| format!("{steps} steps")),
            );
        }
    }
    for target in TARGETS.iter().filter(|target| wanted(target.primitive)) {
        match target.fault {
            None => {
                let tried = try_sound(target, target.fuzz, &settings, &mut file);
                results.add(target.primitive, tried);
                let name = format!("guest.{}", target.primitive);
                let tried = try_sound(target, target.guests, &settings, &mut file);
                results.add(&name, tried);
            }
            Some(fault) => {
                let name = format!("fault.{}.{fault}", target.primitive);
                results.add(&name, try_faulty(target, CONTROL_SEED));
            }
        }
    }
    let Results { passed, failed } = results;
    println!("1..{}", passed + failed);
    println!("{passed} passed, {failed} failed, 0 skipped");
    exit(i32::from(failed != 0));
}
