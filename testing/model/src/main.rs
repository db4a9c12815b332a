// SPDX-License-Identifier: GPL-2.0

//! Runs the protocols of the library on the host: every interleaving of small populations with
//! loom, random schedules of larger ones with shuttle, and faults that must be found.
//!
//! Usage: baton-model [--short] [NAME...]   cases and faults whose name contains one of these
//!
//! With `--short` a case has three preemptions at most, and so has one with a fault: all are found with them. With two,
//! two of 120 are not.
//!
//! Each case is a process of its own, with a deadline: what a fault does to memory or to the engine
//! stays there.

include!(concat!(env!("OUT_DIR"), "/families.rs"));

use baton_model_engine::{
    Case,
    Job, //
};
use std::{
    env,
    fs::File,
    io::{Read, Seek},
    process::{exit, Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

/// How long one case may compute. It does nothing else: a machine that is busy otherwise ends no case. The longest
/// takes 60 s, and twice that where two threads share a core.
const DEADLINE: Duration = Duration::from_secs(400);
/// How long one case may take, should it do nothing at all.
const PATIENCE: Duration = Duration::from_secs(2000);
const SHORT: &str = "--short";
/// How many preemptions a case has with `--short`.
const FEW: usize = 3;
/// How many random schedules of a stress case are tried, in each of the two ways.
const SCHEDULES: usize = 2000;
/// How many lines of a failed case are shown.
const LAST_LINES: usize = 15;

/// All that there is to run: sound cases, those that are stressed, faults.
fn jobs(short: bool) -> Vec<Job> {
    let mut jobs: Vec<_> = FAMILIES.iter().flat_map(|family| family()).collect();
    if short {
        for job in &mut jobs {
            job.case = job.case.at_most(FEW);
        }
    }
    jobs.sort_by_key(|job| (job.fault.is_some(), job.case.stress));
    let mut titles: Vec<_> = jobs.iter().map(Job::title).collect();
    titles.sort();
    for two in titles.windows(2) {
        assert!(two[0] != two[1], "{} stands for two", two[0]);
    }
    jobs
}

/// Runs one case in this process, and prints how much of it there was.
fn child(title: &str, short: bool) {
    static TRIED: AtomicU64 = AtomicU64::new(0);
    let jobs = jobs(short);
    let job = jobs.iter().find(|job| job.title() == title);
    let Case {
        run,
        stress,
        preemptions,
        ..
    } = job.expect("a job of that title").case;
    let counted = move || {
        TRIED.fetch_add(1, Relaxed);
        run();
    };
    if stress {
        shuttle::check_random(counted, SCHEDULES);
        shuttle::check_pct(counted, SCHEDULES, 3);
    } else {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = preemptions;
        builder.max_branches = 10_000;
        builder.check(counted);
    }
    println!("tried {}", TRIED.load(Relaxed));
}

/// A job under way.
struct Running {
    number: usize,
    process: Child,
    output: File,
    begin: Instant,
}

impl Running {
    fn start(number: usize, job: &Job, short: bool) -> Self {
        let output = tempfile();
        let process = Command::new(env::current_exe().expect("the path of this program"))
            .args(["--child", &job.title()])
            .args(short.then_some(SHORT))
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output.try_clone().expect("a second handle"))
            .spawn()
            .expect("a second process of this program");
        Self {
            number,
            process,
            output,
            begin: Instant::now(),
        }
    }

    /// Returns whether it has ended well and what it has said, once it has ended.
    fn poll(&mut self) -> Option<(bool, String)> {
        let ended = self.process.try_wait().expect("the status of a child");
        let late = ended.is_none()
            && (computed(&self.process) > DEADLINE || self.begin.elapsed() > PATIENCE);
        if late {
            let _ = self.process.kill();
            let _ = self.process.wait();
        } else if ended.is_none() {
            return None;
        }
        let mut said = Vec::new();
        self.output.rewind().expect("the beginning of the output");
        self.output
            .read_to_end(&mut said)
            .expect("the output of a child");
        let mut said = String::from_utf8_lossy(&said).into_owned();
        match ended {
            Some(status) if status.success() => return Some((true, said)),
            Some(status) => said += &format!("ended: {status}\n"),
            None => {
                said += &format!("no end within {DEADLINE:?} of CPU time, {PATIENCE:?} in all\n")
            }
        }
        Some((false, said))
    }
}

/// Returns the CPU time that a process has used so far.
fn computed(process: &Child) -> Duration {
    // proc_pid_stat(5): behind the name, utime and stime are the 12th and 13th word, in ticks of 10 ms.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
    let words = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace();
    let ticks = words
        .skip(11)
        .take(2)
        .filter_map(|word| word.parse::<u64>().ok())
        .sum::<u64>();
    Duration::from_millis(10 * ticks)
}

/// Returns an empty file that has no name.
fn tempfile() -> File {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Relaxed);
    let path = env::temp_dir().join(format!("baton-model-{}-{number}", std::process::id()));
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .expect("a temporary file");
    let _ = std::fs::remove_file(path);
    file
}

/// Judges a job: what to say about it, or why it has failed.
fn judge(job: &Job, well: bool, said: &str) -> Result<String, String> {
    let Some(fault) = job.fault else {
        let tried = said
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("tried "));
        return match tried {
            Some(tried) if well => Ok(match job.case.stress {
                true => format!("{tried} random schedules"),
                false => format!("{tried} interleavings{}", job.case.bound()),
            }),
            _ => Err("the case does not hold".into()),
        };
    };
    if well {
        Err(format!("the fault was not found by {}", job.case.name))
    } else if !said.contains(fault.says) {
        Err(format!(
            "{} found something else than '{}'",
            job.case.name, fault.says
        ))
    } else {
        Ok(format!("found by {}: {}", job.case.name, fault.says))
    }
}

fn main() {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let short = arguments.iter().any(|argument| argument == SHORT);
    arguments.retain(|argument| argument != SHORT);
    if let [flag, title] = &arguments[..] {
        if flag == "--child" {
            return child(title, short);
        }
    }
    let selected = |job: &Job| {
        arguments.is_empty()
            || arguments
                .iter()
                .any(|part| job.title().contains(part.as_str()))
    };
    let jobs: Vec<Job> = jobs(short).into_iter().filter(selected).collect();
    if jobs.is_empty() {
        println!(
            "no case is called {}\n0 passed, 1 failed, 0 skipped",
            arguments.join(" or ")
        );
        exit(1);
    }

    println!("KTAP version 1\n1..{}", jobs.len());
    let slots = thread::available_parallelism().map_or(1, |n| n.get());
    let (mut next, mut running, mut failed) = (0, Vec::new(), 0);
    while next < jobs.len() || !running.is_empty() {
        while running.len() < slots && next < jobs.len() {
            running.push(Running::start(next, &jobs[next], short));
            next += 1;
        }
        // The period of the look, not a wait for something to happen.
        thread::sleep(Duration::from_millis(5));
        running.retain_mut(|child| {
            let Some((well, said)) = child.poll() else {
                return true;
            };
            let (number, job) = (child.number + 1, &jobs[child.number]);
            let seconds = child.begin.elapsed().as_secs_f32();
            match judge(job, well, &said) {
                Ok(what) => println!("ok {number} {} # {what}, {seconds:.1} s", job.title()),
                Err(why) => {
                    failed += 1;
                    println!("# {why}");
                    let lines: Vec<&str> = said.lines().collect();
                    for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
                        println!("# {line}");
                    }
                    println!("# repeat: tools/model {}", job.title());
                    println!("not ok {number} {}", job.title());
                }
            }
            false
        });
    }
    println!("{} passed, {failed} failed, 0 skipped", jobs.len() - failed);
    exit(i32::from(failed != 0));
}
