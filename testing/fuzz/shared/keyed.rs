// SPDX-License-Identifier: GPL-2.0

//! The reference of `KeyedEvent` and of `ThresholdEvent`: credits under two keys, or a level that some of it
//! is taken from.

use super::{
    program::{
        operations,
        Step, //
    },
    reference::{
        How,
        Line,
        Reference,
        Said,
        Tasks, //
    },
};

operations! {
    /// Adds so many: see [`Amount`].
    Add = "add", 8, 1 to 6;
    /// Takes so many, and waits for them.
    Wait = "wait", 7, 1 to 6;
    /// The same, until a signal comes.
    Waiti = "waiti", 5, 1 to 6;
    /// The same, with a limit that is over once it sleeps.
    Short = "short", 2, 1 to 6;
    /// Takes so many if they are there.
    Claim = "claim", 2, 1 to 6;
    /// Takes one under the first key, or else under the second one, and waits for either.
    Either = "either", 4;
    /// Closes the event.
    Close = "close", 1;
    /// Says what there is.
    Look = "look", 1;
    /// Sends the task a signal.
    Signal = "signal", 3, outside true;
}

/// What the number of a step means: a key, and how many; or, without keys, how many.
#[derive(Clone, Copy)]
pub(crate) struct Amount {
    pub(crate) key: usize,
    pub(crate) of: u32,
}

impl Amount {
    pub(crate) fn new(keys: bool, number: u8) -> Self {
        let number = u32::from(number);
        if !keys {
            return Self { key: 0, of: number };
        }
        match number {
            0..=3 => Self { key: 0, of: number },
            _ => Self {
                key: 1,
                of: number - 3,
            },
        }
    }

    /// What is said by who has got it.
    pub(crate) fn got(self) -> Said {
        // CAST: There are two keys.
        Said::Got(100 * self.key as u32 + self.of)
    }
}

/// What there is of each key.
pub(crate) fn looks(credits: [u32; 2]) -> Said {
    Said::Got(1000 * credits[0] + credits[1])
}

#[derive(Clone, Copy)]
struct Waiter {
    task: usize,
    /// What it wants of each key; none: it does not wait for that.
    wants: [Option<u32>; 2],
    how: How,
}

/// An event whose waiters are found by a key.
#[derive(Clone)]
pub(crate) struct Keyed {
    tasks: Tasks,
    keys: bool,
    credits: [u32; 2],
    closed: bool,
    line: Line<Waiter>,
}

impl Keyed {
    fn take(&mut self, task: usize, amount: Amount) -> bool {
        let there = self.credits[amount.key] >= amount.of;
        if there {
            self.credits[amount.key] -= amount.of;
            self.tasks.say(task, amount.got());
        }
        there
    }

    fn wait(&mut self, task: usize, wants: [Option<u32>; 2], how: How) {
        if self.closed {
            return self.tasks.say(task, Said::Closed);
        }
        for (key, of) in wants.into_iter().enumerate() {
            if of.is_some_and(|of| self.take(task, Amount { key, of })) {
                return;
            }
        }
        if self.tasks.waits(task, how) {
            self.line.push(Waiter { task, wants, how });
        }
    }

    fn one(&mut self, task: usize, amount: Amount, how: How) {
        let mut wants = [None; 2];
        wants[amount.key] = Some(amount.of);
        self.wait(task, wants, how);
    }

    /// Who is served next under a key: the oldest whose claim holds, or, without keys, who wants least.
    fn next(&self, key: usize) -> Option<(Waiter, u32)> {
        let wants = self
            .line
            .iter()
            .filter_map(|waiter| Some((*waiter, waiter.wants[key]?)));
        let mut can = wants.filter(|(_, of)| *of <= self.credits[key]);
        if self.keys {
            can.next()
        } else {
            // Of those who want the same, the first is the oldest.
            can.min_by_key(|(_, of)| *of)
        }
    }

    fn changed(&mut self, key: usize) {
        while let Some((waiter, of)) = self.next(key) {
            self.line.take(|other| other.task == waiter.task);
            self.take(waiter.task, Amount { key, of });
        }
    }
}

impl Reference for Keyed {
    type Op = Op;

    const NAME: &'static str = "keyed";
    const KINDS: &'static [&'static str] = &["keys", "threshold"];

    fn new(kind: usize) -> Self {
        Self {
            tasks: Tasks::new(),
            keys: kind == 0,
            credits: [0; 2],
            closed: false,
            line: Line::new(),
        }
    }

    fn tasks(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    fn act(&mut self, step: Step<Op>) -> bool {
        let (task, amount) = (step.task, Amount::new(self.keys, step.number));
        match step.op {
            Op::Add => {
                self.tasks.say(task, Said::Done);
                self.credits[amount.key] += amount.of;
                self.changed(amount.key);
            }
            Op::Wait => self.one(task, amount, How::Patient),
            Op::Waiti => self.one(task, amount, How::Signals),
            Op::Short => self.one(task, amount, How::Short),
            Op::Claim if self.closed || !self.take(task, amount) => {
                self.tasks.say(task, Said::Nothing);
            }
            Op::Claim => {}
            Op::Either if self.keys => self.wait(task, [Some(1); 2], How::Patient),
            Op::Either => return false,
            Op::Close => {
                self.tasks.say(task, Said::Done);
                self.closed = true;
                while let Some(waiter) = self.line.remove(0) {
                    self.tasks.say(waiter.task, Said::Closed);
                }
            }
            Op::Look => self.tasks.say(task, looks(self.credits)),
            Op::Signal => {
                self.tasks.signal(task);
                let waits = |waiter: &Waiter| waiter.task == task && waiter.how == How::Signals;
                if self.line.take(waits).is_some() {
                    self.tasks.say(task, Said::Signal);
                }
            }
        }
        true
    }
}
