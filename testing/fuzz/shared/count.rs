// SPDX-License-Identifier: GPL-2.0

//! The reference of `Count`: how many each task has counted or set aside, and who waits for which number.

use super::{
    program::{
        operations,
        Step,
        TASKS, //
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
    /// Counts one more.
    Up = "up", 7;
    /// Counts one of the task's less.
    Down = "down", 9;
    /// Sets one of the task's aside.
    Aside = "aside", 2;
    /// Counts one again that was set aside.
    Resume = "resume", 2;
    /// Drops one that was set aside.
    End = "end", 1;
    /// Waits until there are at most so many.
    Wait = "wait", 5, 0 to 3;
    /// The same, until a signal comes.
    Waiti = "waiti", 4, 0 to 3;
    /// The same, with a limit that is over once it sleeps.
    Short = "short", 2, 0 to 3;
    /// Counts one more as soon as there are at most so many.
    When = "when", 4, 0 to 2;
    /// The same, until a signal comes.
    Wheni = "wheni", 2, 0 to 2;
    /// Says how many there are, and which number is asked for.
    Look = "look", 2;
    /// The count goes away, with some left or without.
    Go = "go", 1;
    /// Sends the task a signal.
    Signal = "signal", 3, outside true;
}

/// How many a task has at most, of either sort.
pub(crate) const MOST: usize = 2;

/// How many there is room for in the kind that is full almost.
const ROOM: u32 = 3;

/// How many are counted from the beginning.
pub(crate) fn base(kind: usize) -> u32 {
    match kind {
        0 => 0,
        _ => (1 << 30) - ROOM,
    }
}

/// What `look` says of so many, and of the number that is asked for.
pub(crate) fn looks(counted: u32, asked: Option<u32>) -> Said {
    Said::Got(100 * counted + asked.map_or(0, |most| most + 1))
}

#[derive(Clone, Copy)]
struct Waiter {
    task: usize,
    most: u32,
    /// It counts one more then.
    up: bool,
    how: How,
}

/// A count.
#[derive(Clone)]
pub(crate) struct Count {
    tasks: Tasks,
    room: u32,
    counted: [usize; TASKS],
    aside: [usize; TASKS],
    gone: bool,
    line: Line<Waiter>,
    /// Several tasks are awake that want to count, and there is no room for all of them.
    racy: bool,
}

impl Count {
    fn get(&self) -> u32 {
        // CAST: There are few.
        self.counted.iter().sum::<usize>() as u32
    }

    fn up(&mut self, task: usize) {
        self.counted[task] += 1;
        self.tasks.say(task, Said::Done);
    }

    fn come(&mut self, task: usize, most: u32, up: bool, how: How) {
        if self.get() > most {
            if self.tasks.waits(task, how) {
                self.line.push(Waiter {
                    task,
                    most,
                    up,
                    how,
                });
            }
        } else if up {
            self.up(task);
        } else {
            self.tasks.say(task, Said::Done);
        }
    }

    /// There is one less: those go on whose number it is.
    fn fell(&mut self) {
        let count = self.get();
        let (mut ups, mut least) = (0, u32::MAX);
        while let Some(waiter) = self.line.take(|waiter| count <= waiter.most) {
            if waiter.up {
                ups += 1;
                least = least.min(waiter.most);
                self.up(waiter.task);
            } else {
                self.tasks.say(waiter.task, Said::Done);
            }
        }
        // Whoever is last finds the others counted.
        self.racy |= ups > 1 && count + ups - 1 > least;
    }

    fn down(&mut self, task: usize) {
        self.tasks.say(task, Said::Done);
        self.counted[task] -= 1;
        self.fell();
    }
}

impl Reference for Count {
    type Op = Op;

    const NAME: &'static str = "count";
    const KINDS: &'static [&'static str] = &["plain", "full"];

    fn new(kind: usize) -> Self {
        Self {
            tasks: Tasks::new(),
            room: if kind == 0 { u32::MAX } else { ROOM },
            counted: [0; TASKS],
            aside: [0; TASKS],
            gone: false,
            line: Line::new(),
            racy: false,
        }
    }

    fn tasks(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    fn act(&mut self, step: Step<Op>) -> bool {
        let (task, number) = (step.task, u32::from(step.number));
        let possible = match step.op {
            Op::Up | Op::When | Op::Wheni => !self.gone && self.counted[task] < MOST,
            Op::Wait | Op::Waiti | Op::Short | Op::Look => !self.gone,
            Op::Down => self.counted[task] > 0,
            Op::Aside => self.counted[task] > 0 && self.aside[task] < MOST,
            Op::Resume => self.aside[task] > 0 && self.counted[task] < MOST,
            Op::End => self.aside[task] > 0,
            // Nobody can wait for what is not there, and the other kind does not get rid of what it has.
            Op::Go => !self.gone && self.line.len() == 0 && self.room > ROOM,
            Op::Signal => true,
        };
        if !possible {
            return false;
        }
        match step.op {
            Op::Up if self.get() == self.room => self.tasks.say(task, Said::Busy),
            Op::Up => self.up(task),
            Op::Down => self.down(task),
            Op::Aside => {
                self.aside[task] += 1;
                self.down(task);
            }
            Op::Resume if self.gone || self.get() == self.room => self.tasks.say(task, Said::Busy),
            Op::Resume => {
                self.aside[task] -= 1;
                self.up(task);
            }
            Op::End => {
                self.aside[task] -= 1;
                self.tasks.say(task, Said::Done);
            }
            Op::Wait => self.come(task, number, false, How::Patient),
            Op::Waiti => self.come(task, number, false, How::Signals),
            Op::Short => self.come(task, number, false, How::Short),
            Op::When => self.come(task, number, true, How::Patient),
            Op::Wheni => self.come(task, number, true, How::Signals),
            Op::Look => {
                let asked = self.line.iter().map(|waiter| waiter.most).max();
                self.tasks.say(task, looks(self.get(), asked));
            }
            Op::Go => {
                self.gone = true;
                self.tasks.say(task, Said::Done);
            }
            Op::Signal => {
                self.tasks.signal(task);
                let waits = |waiter: &Waiter| waiter.task == task && waiter.how == How::Signals;
                if self.line.take(waits).is_some() {
                    self.tasks.say(task, Said::Signal);
                }
            }
        }
        !self.racy
    }
}
