// SPDX-License-Identifier: GPL-2.0

//! What one task has done.

use crate::spread::Spread;
use kernel::{
    str::CString,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

/// What a task is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It gives, or makes something so that others wait for.
    Writer,
    /// It waits and takes.
    Waiter,
}

/// A number that one task writes, and others read.
pub(crate) struct Number(Atomic<u64>);

impl Number {
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(0))
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn set(&self, to: u64) {
        self.0.store(to, Relaxed);
    }

    pub(crate) fn add(&self, more: u64) {
        self.set(self.get().wrapping_add(more));
    }
}

/// How many values, and their sum.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stock {
    pub(crate) count: u64,
    pub(crate) sum: u64,
}

impl Stock {
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            count: self.count.wrapping_add(other.count),
            sum: self.sum.wrapping_add(other.sum),
        }
    }
}

/// What a task has done so far. The task writes it, but for the last three, which are of those who look after it.
pub(crate) struct Tally {
    pub(crate) title: CString,
    pub(crate) role: Role,
    /// How many turns have ended as they should.
    good: Number,
    pub(crate) handed: Number,
    pub(crate) gave_up: Number,
    pub(crate) slept: Number,
    /// In nanoseconds.
    pub(crate) longest: Number,
    /// Of the turns that have ended as they should.
    pub(crate) spread: Spread,
    given: [Number; 2],
    taken: [Number; 2],
    seen: Number,
    looks: Number,
    mark: Number,
}

impl Tally {
    pub(crate) fn new(title: CString, role: Role) -> Self {
        Self {
            title,
            role,
            good: Number::new(),
            handed: Number::new(),
            gave_up: Number::new(),
            slept: Number::new(),
            longest: Number::new(),
            spread: Spread::new(),
            given: [Number::new(), Number::new()],
            taken: [Number::new(), Number::new()],
            seen: Number::new(),
            looks: Number::new(),
            mark: Number::new(),
        }
    }

    /// A turn ended with so many hand-overs.
    pub(crate) fn done(&self, hands: u64, ns: u64) {
        self.good.add(1);
        self.handed.add(hands);
        self.longest.set(self.longest.get().max(ns));
        self.spread.add(ns);
    }

    pub(crate) fn gave_up(&self) {
        self.gave_up.add(1);
    }

    pub(crate) fn slept(&self, times: u64) {
        self.slept.set(times);
    }

    pub(crate) fn gave(&self, value: u64) {
        self.given[0].add(1);
        self.given[1].add(value);
    }

    pub(crate) fn took(&self, value: u64) {
        self.taken[0].add(1);
        self.taken[1].add(value);
    }

    pub(crate) fn given(&self) -> Stock {
        Stock {
            count: self.given[0].get(),
            sum: self.given[1].get(),
        }
    }

    pub(crate) fn taken(&self) -> Stock {
        Stock {
            count: self.taken[0].get(),
            sum: self.taken[1].get(),
        }
    }

    /// Returns in how many looks in succession no turn of the task has ended as it should.
    ///
    /// A turn that was given up does not count: a signal that ends a wait does not make good that the wake-up was
    /// lost. What is counted are looks, not time: while the machine stands still, the monitor does so as well.
    pub(crate) fn look(&self) -> u64 {
        let good = self.good.get();
        if good != self.seen.get() {
            self.seen.set(good);
            self.looks.set(0);
        } else {
            self.looks.add(1);
        }
        self.looks.get()
    }

    /// Marks how far the task is.
    pub(crate) fn mark(&self) {
        self.mark.set(self.good.get());
    }

    /// Returns whether a turn has ended as it should since then.
    pub(crate) fn is_past_mark(&self) -> bool {
        self.good.get() != self.mark.get()
    }
}
