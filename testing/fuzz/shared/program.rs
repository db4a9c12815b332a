// SPDX-License-Identifier: GPL-2.0

//! Programs: what some tasks do with a primitive, one step after the other.
//!
//! The files of this folder allocate nothing: a kernel has them as well.
//!
//! A program is a line of text, which is what is generated, printed, kept and replayed:
//!
//! ```text
//! event fifo: 0 wait 2, 1 wait 1, 2 add 1, 0 signal
//! ```
//!
//! The primitive, its kind, and the steps: the task, what it does, and a number if that has one.

use core::{
    fmt,
    marker::PhantomData, //
};

/// How many tasks there are in a program.
pub(crate) const TASKS: usize = 4;

/// How many steps the longest program has.
pub(crate) const STEPS: usize = 40;

/// What can be done with a primitive.
pub(crate) trait Ops: Copy + fmt::Debug + PartialEq + Send + Sync + Unpin + 'static {
    /// Each of them.
    const ALL: &'static [Operation<Self>];
}

/// What is known of an operation.
pub(crate) struct Operation<O> {
    pub(crate) op: O,
    pub(crate) name: &'static str,
    /// The numbers that it takes; none if the largest is 0.
    pub(crate) least: u8,
    pub(crate) most: u8,
    /// How often it is among the steps of a program, compared with others.
    pub(crate) often: u32,
    /// Whether it is done to the task, and not by it.
    pub(crate) outside: bool,
}

/// Declares the operations on a primitive: their names, how often they come, and their numbers.
macro_rules! operations {
    ($($(#[$doc:meta])* $op:ident = $name:literal, $often:literal $(, $least:literal to $most:literal)? $(, outside $outside:literal)?;)*) => {
        /// What a task can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Op {
            $($(#[$doc])* $op,)*
        }

        impl $crate::shared::program::Ops for Op {
            const ALL: &'static [$crate::shared::program::Operation<Self>] = &[$(
                $crate::shared::program::Operation {
                    op: Op::$op,
                    name: $name,
                    least: 0 $(+ $least)?,
                    most: 0 $(+ $most)?,
                    often: $often,
                    outside: false $(|| $outside)?,
                },
            )*];
        }
    };
}
pub(crate) use operations;

/// A step of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step<O> {
    pub(crate) task: usize,
    pub(crate) op: O,
    pub(crate) number: u8,
}

impl<O: Ops> Step<O> {
    fn operation(&self) -> Option<&'static Operation<O>> {
        O::ALL.iter().find(|operation| operation.op == self.op)
    }

    /// Whether it is done to the task, and not by it.
    pub(crate) fn is_outside(&self) -> bool {
        self.operation().is_some_and(|operation| operation.outside)
    }

    /// Reads a step; `None` if it is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let task = words.next()?.parse().ok().filter(|task| *task < TASKS)?;
        let name = words.next()?;
        let operation = O::ALL.iter().find(|operation| operation.name == name)?;
        let number = match words.next() {
            None => 0,
            Some(word) => word.parse().ok()?,
        };
        let fits = (operation.least..=operation.most).contains(&number);
        (fits && words.next().is_none()).then_some(Self {
            task,
            op: operation.op,
            number,
        })
    }
}

impl<O: Ops> fmt::Display for Step<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(operation) = self.operation() else {
            return f.write_str("?");
        };
        write!(f, "{} {}", self.task, operation.name)?;
        match operation.most {
            0 => Ok(()),
            _ => write!(f, " {}", self.number),
        }
    }
}

/// A program as text: `PRIMITIVE KIND: STEP, STEP, ...`.
#[derive(Clone, Copy)]
pub(crate) struct Text<'t> {
    pub(crate) primitive: &'t str,
    pub(crate) kind: &'t str,
    steps: &'t str,
}

impl<'t> Text<'t> {
    /// Takes a line apart; `None` if it is not the text of a program.
    pub(crate) fn read(line: &'t str) -> Option<Self> {
        let (head, steps) = line.split_once(':')?;
        let mut words = head.split_ascii_whitespace();
        let text = Self {
            primitive: words.next()?,
            kind: words.next()?,
            steps,
        };
        words.next().is_none().then_some(text)
    }

    /// Returns the steps, each of them `None` if it is no step.
    pub(crate) fn steps<O: Ops>(self) -> Steps<'t, O> {
        Steps(self.steps.split(','), PhantomData)
    }
}

/// The steps of a text.
#[derive(Clone)]
pub(crate) struct Steps<'t, O>(core::str::Split<'t, char>, PhantomData<O>);

impl<O: Ops> Iterator for Steps<'_, O> {
    type Item = Option<Step<O>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(Step::read)
    }
}
