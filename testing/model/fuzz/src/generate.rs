// SPDX-License-Identifier: GPL-2.0

//! Makes programs of a seed, and makes short ones of those that fail.

use crate::{
    shared::{
        program::{Ops, Step, Text, STEPS, TASKS},
        reference::Reference,
        replay::made,
        whole::Program,
    },
    stage::{perform, Op, World},
};
use proptest::{
    collection::vec,
    strategy::{BoxedStrategy, Just, Strategy, Union},
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use std::{cell::Cell, fmt::Display};

/// How often a program that fails is made shorter, at most.
const SHRINKS: u32 = 1000;

/// A program that fails.
pub(crate) struct Found {
    /// As text, without what is left out.
    pub(crate) program: String,
    pub(crate) steps: usize,
    pub(crate) why: String,
}

/// What was tried.
#[derive(Default)]
pub(crate) struct Tried {
    pub(crate) programs: u32,
    pub(crate) steps: usize,
    pub(crate) found: Option<Found>,
}

/// How programs of a primitive are tried, and one of them.
pub(crate) type Fuzz = fn(u64, u32, &mut dyn FnMut(u32, &str)) -> Tried;
type Replay = fn(&Text<'_>) -> Result<usize, String>;

/// A primitive, as it is or with a fault.
pub(crate) struct Target {
    pub(crate) primitive: &'static str,
    pub(crate) fault: Option<&'static str>,
    /// Tries so many programs that come of a seed, up to the first that fails. Each is told before.
    pub(crate) fuzz: Fuzz,
    /// The same, of programs that a guest makes of the seed as well.
    pub(crate) guests: Fuzz,
    pub(crate) replay: Replay,
}

impl Target {
    pub(crate) const fn new<W: World>(fault: Option<&'static str>) -> Self {
        Self {
            primitive: W::Reference::NAME,
            fault,
            fuzz: fuzz::<W>,
            guests: guests::<W>,
            replay: replay::<W>,
        }
    }
}

/// All programs of a primitive.
fn programs<W: World>() -> impl Strategy<Value = (usize, Vec<Step<Op<W>>>)> {
    let operations = <Op<W> as Ops>::ALL.iter().map(|operation| {
        let op = (Just(operation.op), operation.least..=operation.most);
        (operation.often, op.boxed())
    });
    let operations: Vec<(u32, BoxedStrategy<_>)> = operations.collect();
    let step = (0..TASKS, Union::new_weighted(operations));
    let step = step.prop_map(|(task, (op, number))| Step { task, op, number });
    (0..W::KINDS, vec(step, 1..=STEPS))
}

/// A program as text.
fn text<R: Reference>(kind: usize, steps: &[Step<R::Op>]) -> String
where
    Step<R::Op>: Display,
{
    let steps: Vec<_> = steps.iter().map(Step::to_string).collect();
    format!("{} {}: {}", R::NAME, R::KINDS[kind], steps.join(", "))
}

/// The generator of a seed.
fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        failure_persistence: None,
        max_shrink_iters: SHRINKS,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

fn fuzz<W: World>(seed: u64, cases: u32, tell: &mut dyn FnMut(u32, &str)) -> Tried {
    let (mut runner, programs) = (runner(seed), programs::<W>());
    let mut tried = Tried::default();
    let steps_made = Cell::new(0);
    while tried.programs < cases {
        let Ok(tree) = programs.new_tree(&mut runner) else {
            break;
        };
        let (kind, steps) = proptest::strategy::ValueTree::current(&tree);
        let steps: Vec<_> = made::<W::Reference>(kind, steps).collect();
        tell(tried.programs, &text::<W::Reference>(kind, &steps));
        tried.programs += 1;
        let ended = runner.run_one(tree, |(kind, steps)| {
            let steps = perform::<W>(kind, &steps).map_err(TestCaseError::fail)?;
            steps_made.set(steps_made.get() + steps);
            Ok(())
        });
        if let Err(TestError::Fail(_, (kind, steps))) = ended {
            let steps: Vec<Step<Op<W>>> = made::<W::Reference>(kind, steps).collect();
            tried.found = Some(Found {
                program: text::<W::Reference>(kind, &steps),
                steps: steps.len(),
                why: perform::<W>(kind, &steps)
                    .err()
                    .unwrap_or_else(|| "not again".into()),
            });
            break;
        }
    }
    tried.steps = steps_made.get();
    tried
}

fn guests<W: World>(seed: u64, cases: u32, tell: &mut dyn FnMut(u32, &str)) -> Tried {
    let mut tried = Tried::default();
    let perform = |program: &Program<W::Reference>| {
        let steps: Vec<_> = program.steps().collect();
        perform::<W>(program.kind, &steps)
    };
    while tried.programs < cases {
        let program = Program::<W::Reference>::of_seed(seed, tried.programs.into());
        if program.kind >= W::KINDS {
            tried.programs += 1;
            continue;
        }
        tell(tried.programs, &program.to_string());
        tried.programs += 1;
        match perform(&program) {
            Ok(steps) => tried.steps += steps,
            Err(_) => {
                let short = program.shorter(|program| perform(program).is_err());
                tried.found = Some(Found {
                    program: short.to_string(),
                    steps: short.steps().count(),
                    why: perform(&short).err().unwrap_or_default(),
                });
                break;
            }
        }
    }
    tried
}

/// Performs one program. An error says what is wrong with it, or with its text.
fn replay<W: World>(text: &Text<'_>) -> Result<usize, String> {
    let kinds = &W::Reference::KINDS[..W::KINDS];
    let kind = kinds.iter().position(|kind| *kind == text.kind);
    let kind = kind.ok_or_else(|| format!("kind '{}': has to be one of {kinds:?}", text.kind))?;
    let steps: Option<Vec<_>> = text.steps::<Op<W>>().collect();
    let steps = steps.ok_or("one of its steps is none")?;
    if made::<W::Reference>(kind, steps.iter().copied()).count() < steps.len() {
        return Err("one of its steps cannot be made as things are".into());
    }
    perform::<W>(kind, &steps)
}
