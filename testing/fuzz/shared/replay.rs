// SPDX-License-Identifier: GPL-2.0

//! Makes the steps of a program with real tasks, and compares after each what all of them do with what
//! the reference says.
//!
//! No step is made before the one before it has come to an end everywhere: each task has said how its
//! step ended, or sleeps. So of a program there is one outcome, whatever the scheduler does.

use super::{
    program::{
        Ops,
        Step,
        TASKS, //
    },
    reference::{
        Now,
        Reference, //
    },
};
use core::{
    array,
    fmt, //
};

/// The tasks, wherever they are.
pub(crate) trait Stage<O> {
    /// Has the task make the step; or does it to the task.
    fn give(&mut self, step: Step<O>);
    /// What the task does.
    fn look(&mut self, task: usize) -> Now;
    /// What the task has said was heard.
    fn hear(&mut self, task: usize);
    /// Lets the tasks run. Returns whether there is any use in another look.
    fn pause(&mut self, seen: &[Now; TASKS]) -> bool;
}

/// What is not as the reference says.
pub(crate) struct Failure<O> {
    /// The number of the step after which it is so.
    pub(crate) number: usize,
    pub(crate) step: Step<O>,
    /// The last step of each task.
    steps: [Option<Step<O>>; TASKS],
    expected: [Now; TASKS],
    seen: [Now; TASKS],
}

/// Replays a program. Returns how many steps there were, without those that were left out.
pub(crate) fn replay<R: Reference>(
    stage: &mut impl Stage<R::Op>,
    kind: usize,
    steps: impl IntoIterator<Item = Step<R::Op>>,
) -> Result<usize, Failure<R::Op>> {
    let mut reference = R::new(kind);
    let (mut made, mut last) = (0, [None; TASKS]);
    for step in steps {
        if !reference.step(step) {
            continue;
        }
        made += 1;
        if !step.is_outside() {
            last[step.task] = Some(step);
        }
        stage.give(step);
        let expected = reference.tasks().now;
        settle(stage, &expected).map_err(|seen| Failure {
            number: made,
            step,
            steps: last,
            expected,
            seen,
        })?;
    }
    Ok(made)
}

/// Looks until all is as expected, twice: the tasks are looked at one after the other, and whoever was seen
/// first may have been woken by who was seen last.
fn settle<O>(stage: &mut impl Stage<O>, expected: &[Now; TASKS]) -> Result<(), [Now; TASKS]> {
    let mut once = false;
    loop {
        let seen: [Now; TASKS] = array::from_fn(|task| stage.look(task));
        let right = seen == *expected;
        if right && !once {
            once = true;
            continue;
        }
        once = false;
        if right {
            for (task, now) in expected.iter().enumerate() {
                if matches!(now, Now::Said(_)) {
                    stage.hear(task);
                }
            }
            return Ok(());
        }
        let mut each = seen.iter().zip(expected);
        if each.any(|(seen, expected)| is_wrong(seen, expected)) || !stage.pause(&seen) {
            return Err(seen);
        }
    }
}

/// The steps of a program that are not left out.
#[allow(dead_code, reason = "a guest has programs without such steps")]
pub(crate) fn made<R: Reference>(
    kind: usize,
    steps: impl IntoIterator<Item = Step<R::Op>>,
) -> impl Iterator<Item = Step<R::Op>> {
    let mut reference = R::new(kind);
    steps.into_iter().filter(move |step| reference.step(*step))
}

impl<O> Failure<O> {
    /// Whether it may be so yet: nobody has said anything else.
    pub(crate) fn is_late(&self) -> bool {
        let mut each = self.seen.iter().zip(&self.expected);
        !each.any(|(seen, expected)| is_wrong(seen, expected))
    }
}

/// A task that says something else will not say what is expected.
fn is_wrong(seen: &Now, expected: &Now) -> bool {
    matches!(seen, Now::Said(_)) && seen != expected
}

impl<O: Ops> fmt::Display for Failure<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after step {} ({}):", self.number, self.step)?;
        for task in (0..TASKS).filter(|task| self.seen[*task] != self.expected[*task]) {
            write!(f, " task {task}")?;
            if let Some(step) = &self.steps[task] {
                write!(f, ", which makes '{step}',")?;
            }
            let (expected, seen) = (self.expected[task], self.seen[task]);
            write!(f, " has to be {expected:?} and is {seen:?};")?;
        }
        Ok(())
    }
}
