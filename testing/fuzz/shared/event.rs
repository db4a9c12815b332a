// SPDX-License-Identifier: GPL-2.0

//! The reference of `Event`: credits under a lock, and those who wait for so many of them.

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
    /// Adds to the first event.
    Add = "add", 5, 1 to 3;
    /// The same; who is served is told after the unlock.
    Later = "later", 3, 1 to 3;
    /// Adds to the second event.
    Other = "other", 2, 1 to 2;
    /// Takes so many of the first event, and waits for them.
    Wait = "wait", 5, 1 to 3;
    /// The same, until a signal comes.
    Waiti = "waiti", 4, 1 to 3;
    /// The same, with a limit that is over once it sleeps.
    Short = "short", 2, 1 to 3;
    /// The same, with a limit that is over.
    Once = "once", 2, 1 to 3;
    /// Takes so many if they are there.
    Claim = "claim", 2, 1 to 3;
    /// Takes one of the second event, or so many of the first, and waits for either.
    Either = "either", 4, 1 to 3;
    /// Ends the present waits for the first event.
    End = "end", 1;
    /// Closes the first event.
    Close = "close", 1;
    /// Sends the task a signal.
    Signal = "signal", 3, outside true;
    /// Says what there is of the first event.
    Look = "look", 1;
}

/// What one takes of the second event is told by that.
pub(crate) const OTHER: u32 = 100;

#[derive(Clone, Copy)]
struct Waiter {
    task: usize,
    /// How many of each event; 0: it does not wait for that.
    want: [u32; 2],
    how: How,
}

/// Two events.
#[derive(Clone)]
pub(crate) struct Event {
    tasks: Tasks,
    /// Nobody overtakes.
    fifo: bool,
    credits: [u32; 2],
    /// The first one was closed.
    closed: bool,
    line: Line<Waiter>,
}

impl Event {
    /// What is said by who got so many of an event.
    fn got(event: usize, amount: u32) -> Said {
        Said::Got(match event {
            0 => amount,
            _ => OTHER + amount,
        })
    }

    /// Whether a newcomer may take so many of an event.
    fn may_take(&self, event: usize, want: u32) -> bool {
        let first = !self.line.iter().any(|waiter| waiter.want[event] > 0);
        want > 0 && self.credits[event] >= want && (first || !self.fifo)
    }

    fn wait(&mut self, task: usize, want: [u32; 2], how: How) {
        // The second one comes first.
        for event in [1, 0] {
            if event == 0 && self.closed {
                return self.tasks.say(task, Said::Closed);
            }
            if self.may_take(event, want[event]) {
                self.credits[event] -= want[event];
                return self.tasks.say(task, Self::got(event, want[event]));
            }
        }
        if self.tasks.waits(task, how) {
            self.line.push(Waiter { task, want, how });
        }
    }

    /// Serves those who wait for an event, oldest first. Returns whether there were any.
    fn serve(&mut self, event: usize) -> bool {
        let (mut at, mut served) = (0, false);
        while let Some(Waiter { task, want, .. }) = self.line.get(at) {
            let want = want[event];
            if want > 0 && self.credits[event] >= want {
                self.credits[event] -= want;
                self.tasks.say(task, Self::got(event, want));
                self.line.remove(at);
                served = true;
                continue;
            }
            if want > 0 && self.fifo {
                break;
            }
            at += 1;
        }
        served
    }

    /// There is more of an event, or somebody has left. Whoever is served leaves the other event as well,
    /// where somebody may have been behind it.
    fn changed(&mut self, event: usize) {
        let mut event = event;
        while self.serve(event) && self.fifo {
            event = 1 - event;
        }
    }

    fn end_all(&mut self, said: Said) {
        while let Some(waiter) = self.line.take(|waiter| waiter.want[0] > 0) {
            self.tasks.say(waiter.task, said);
        }
    }
}

impl Reference for Event {
    type Op = Op;

    const NAME: &'static str = "event";
    const KINDS: &'static [&'static str] = &["any", "fifo"];

    fn new(kind: usize) -> Self {
        Self {
            tasks: Tasks::new(),
            fifo: kind == 1,
            credits: [0; 2],
            closed: false,
            line: Line::new(),
        }
    }

    fn tasks(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    fn act(&mut self, step: Step<Op>) -> bool {
        let (task, number) = (step.task, u32::from(step.number));
        match step.op {
            Op::Add | Op::Later => {
                self.tasks.say(task, Said::Done);
                self.credits[0] += number;
                self.changed(0);
            }
            Op::Other => {
                self.tasks.say(task, Said::Done);
                self.credits[1] += number;
                self.changed(1);
            }
            Op::Wait => self.wait(task, [number, 0], How::Patient),
            Op::Waiti => self.wait(task, [number, 0], How::Signals),
            Op::Short => self.wait(task, [number, 0], How::Short),
            Op::Once => self.wait(task, [number, 0], How::Over),
            Op::Either => self.wait(task, [number, 1], How::Patient),
            Op::Claim if !self.closed && self.may_take(0, number) => {
                self.credits[0] -= number;
                self.tasks.say(task, Self::got(0, number));
            }
            Op::Claim => self.tasks.say(task, Said::Nothing),
            Op::End => {
                self.tasks.say(task, Said::Done);
                self.end_all(Said::Ended);
            }
            Op::Close => {
                self.tasks.say(task, Said::Done);
                self.closed = true;
                self.end_all(Said::Closed);
            }
            Op::Look => self.tasks.say(task, Said::Got(self.credits[0])),
            Op::Signal => {
                self.tasks.signal(task);
                let waits = |waiter: &Waiter| waiter.task == task && waiter.how == How::Signals;
                if self.line.take(waits).is_some() {
                    self.tasks.say(task, Said::Signal);
                    self.changed(0);
                }
            }
        }
        true
    }
}
