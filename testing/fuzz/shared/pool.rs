// SPDX-License-Identifier: GPL-2.0

//! The reference of `Pool`: which nodes there are, how old, which generation, who uses them, and who waits.

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
    /// Adds the node, and pins it.
    Insert = "insert", 4, 1 to 3;
    /// Pins the node.
    Pin = "pin", 6, 1 to 3;
    /// Drops the pin.
    Unpin = "unpin", 7, 1 to 3;
    /// Takes the node over, if nobody uses it.
    Own = "own", 3, 1 to 3;
    /// The same with the oldest that nobody uses.
    Oldest = "oldest", 2;
    /// Waits until nobody uses the node, and takes it over.
    Wait = "wait", 4, 1 to 3;
    /// The same, until a signal comes.
    Waiti = "waiti", 4, 1 to 3;
    /// The same, with a limit that is over once it sleeps.
    Short = "short", 2, 1 to 3;
    /// Gives the node back that the task owns.
    Back = "back", 5, 1 to 3;
    /// Frees it.
    Free = "free", 2, 1 to 3;
    /// Makes the next one of it.
    Reuse = "reuse", 3, 1 to 3;
    /// Pins the two oldest, says which these are, and drops the pins.
    Select = "select", 2;
    /// Says how many there are, and how many tasks wait.
    Look = "look", 1;
    /// Sends the task a signal.
    Signal = "signal", 3, outside true;
}

/// How many nodes there can be.
pub(crate) const NODES: usize = 3;

/// Which one is made of a node.
pub(crate) fn next(at: usize) -> usize {
    (at + 1) % NODES
}

/// What two numbers look like that are told at once.
pub(crate) fn both(first: usize, second: usize) -> Said {
    // CAST: They are small.
    Said::Got(100 * first as u32 + second as u32)
}

#[derive(Clone, Copy)]
struct Waiter {
    task: usize,
    how: How,
}

#[derive(Clone, Copy)]
struct Node {
    generation: u32,
    /// When it became the youngest.
    since: u32,
    owner: Option<usize>,
    pins: [bool; TASKS],
    line: Line<Waiter>,
}

/// A pool.
#[derive(Clone)]
pub(crate) struct Pool {
    tasks: Tasks,
    /// The nodes stay, and are there from the beginning.
    fixed: bool,
    nodes: [Option<Node>; NODES],
    generations: u32,
    clock: u32,
}

impl Node {
    fn is_idle(&self) -> bool {
        self.owner.is_none() && !self.pins.contains(&true)
    }
}

impl Pool {
    fn now(&mut self) -> u32 {
        self.clock += 1;
        self.clock
    }

    /// Adds a node, and says which generation it is.
    fn add(&mut self, task: usize, at: usize) {
        self.generations += 1;
        if self.nodes[at].is_some() {
            return self.tasks.say(task, Said::Busy);
        }
        let mut pins = [false; TASKS];
        pins[task] = true;
        self.nodes[at] = Some(Node {
            generation: self.generations,
            since: self.now(),
            owner: None,
            pins,
            line: Line::new(),
        });
        self.tasks.say(task, Said::Got(self.generations));
    }

    /// The node is not there any more, and those who wait for it are told.
    fn gone(&mut self, at: usize) {
        let Some(mut node) = self.nodes[at].take() else {
            return;
        };
        while let Some(waiter) = node.line.remove(0) {
            self.tasks.say(waiter.task, Said::Nothing);
        }
    }

    /// A use has ended; who has waited longest gets the node if that was the last one.
    fn ended(&mut self, at: usize) {
        if let Some(node) = self.nodes[at].as_mut().filter(|node| node.is_idle()) {
            if let Some(waiter) = node.line.remove(0) {
                node.owner = Some(waiter.task);
                self.tasks.say(waiter.task, Said::Got(node.generation));
            }
        }
    }

    /// Takes the node over. Returns whether that could be.
    fn own(&mut self, task: usize, at: usize) -> bool {
        let said = match &mut self.nodes[at] {
            None => Said::Nothing,
            Some(node) if !node.is_idle() => return false,
            Some(node) => {
                node.owner = Some(task);
                Said::Got(node.generation)
            }
        };
        self.tasks.say(task, said);
        true
    }

    fn wait(&mut self, task: usize, at: usize, how: How) {
        if !self.own(task, at) && self.tasks.waits(task, how) {
            if let Some(node) = &mut self.nodes[at] {
                node.line.push(Waiter { task, how });
            }
        }
    }

    fn pin(&mut self, task: usize, at: usize) {
        let now = self.now();
        let said = match &mut self.nodes[at] {
            None => Said::Nothing,
            Some(node) if node.owner.is_some() => Said::Busy,
            Some(node) => {
                node.pins[task] = true;
                node.since = now;
                Said::Got(node.generation)
            }
        };
        self.tasks.say(task, said);
    }

    /// Returns the oldest after `since` that is so, and when it became the youngest.
    fn oldest(&self, since: u32, so: impl Fn(&Node) -> bool) -> Option<(usize, u32)> {
        let nodes = self.nodes.iter().enumerate();
        let found = nodes.filter_map(|(at, node)| node.as_ref().map(|node| (at, node)));
        let found = found.filter(|(_, node)| node.since > since && so(node));
        found
            .map(|(at, node)| (at, node.since))
            .min_by_key(|(_, since)| *since)
    }

    /// Which are the two oldest that nobody owns, by number from 1 on.
    fn select(&self) -> Said {
        let shared = |node: &Node| node.owner.is_none();
        let first = self.oldest(0, shared);
        let second = first.and_then(|(_, since)| self.oldest(since, shared));
        let number = |found: Option<(usize, u32)>| found.map_or(0, |(at, _)| at + 1);
        both(number(first), number(second))
    }

    fn signal(&mut self, task: usize) {
        self.tasks.signal(task);
        for node in self.nodes.iter_mut().flatten() {
            let waits = |waiter: &Waiter| waiter.task == task && waiter.how == How::Signals;
            if node.line.take(waits).is_some() {
                self.tasks.say(task, Said::Signal);
            }
        }
    }

    fn is_possible(&self, step: Step<Op>, at: usize) -> bool {
        let node = self.nodes[at].as_ref();
        let pins = node.is_some_and(|node| node.pins[step.task]);
        let owns = node.is_some_and(|node| node.owner == Some(step.task));
        match step.op {
            Op::Insert => !self.fixed && !pins && !owns,
            // It would wait for itself.
            Op::Pin | Op::Own | Op::Wait | Op::Waiti | Op::Short => !pins && !owns,
            Op::Unpin => pins,
            Op::Back => owns,
            Op::Free | Op::Reuse => owns && !self.fixed,
            Op::Oldest | Op::Select | Op::Look => !self.fixed,
            Op::Signal => true,
        }
    }
}

impl Reference for Pool {
    type Op = Op;

    const NAME: &'static str = "pool";
    const KINDS: &'static [&'static str] = &["fixed", "table"];

    fn new(kind: usize) -> Self {
        let mut pool = Self {
            tasks: Tasks::new(),
            fixed: kind == 0,
            nodes: [None; NODES],
            generations: 0,
            clock: 0,
        };
        for at in (0..NODES).filter(|_| kind == 0) {
            pool.add(0, at);
            if let Some(node) = &mut pool.nodes[at] {
                node.pins = [false; TASKS];
            }
        }
        pool.tasks = Tasks::new();
        pool
    }

    fn tasks(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    fn act(&mut self, step: Step<Op>) -> bool {
        let (task, at) = (step.task, usize::from(step.number).saturating_sub(1));
        if !self.is_possible(step, at) {
            return false;
        }
        match step.op {
            Op::Insert => self.add(task, at),
            Op::Pin => self.pin(task, at),
            Op::Own if !self.own(task, at) => self.tasks.say(task, Said::Busy),
            Op::Own => {}
            Op::Oldest => match self.oldest(0, Node::is_idle) {
                Some((at, _)) => {
                    self.own(task, at);
                }
                None => self.tasks.say(task, Said::Nothing),
            },
            Op::Wait => self.wait(task, at, How::Patient),
            Op::Waiti => self.wait(task, at, How::Signals),
            Op::Short => self.wait(task, at, How::Short),
            Op::Unpin | Op::Back => {
                if let Some(node) = &mut self.nodes[at] {
                    node.pins[task] = false;
                    node.owner = None;
                }
                self.tasks.say(task, Said::Done);
                self.ended(at);
            }
            Op::Free => {
                self.tasks.say(task, Said::Done);
                self.gone(at);
            }
            Op::Reuse => {
                let free = self.nodes[next(at)].is_none();
                self.add(task, next(at));
                if free {
                    self.gone(at);
                }
            }
            Op::Select => self.tasks.say(task, self.select()),
            Op::Look => {
                let nodes = self.nodes.iter().flatten();
                let waiting = nodes.clone().map(|node| node.line.len()).sum();
                self.tasks.say(task, both(nodes.count(), waiting));
            }
            Op::Signal => self.signal(task),
        }
        true
    }
}
