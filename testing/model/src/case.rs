// SPDX-License-Identifier: GPL-2.0

//! Cases, and what is expected of them.

/// A case: a population and what must hold for it.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub run: fn(),
    pub stress: bool,
    pub preemptions: Option<usize>,
}

impl Case {
    /// A case of which every interleaving is tried.
    pub const fn explore(name: &'static str, run: fn()) -> Self {
        Self {
            name,
            run,
            stress: false,
            preemptions: None,
        }
    }

    /// A case of which every interleaving with so many preemptions is tried.
    pub const fn bounded(name: &'static str, preemptions: usize, run: fn()) -> Self {
        Self {
            name,
            run,
            stress: false,
            preemptions: Some(preemptions),
        }
    }

    /// A case of which random schedules are tried.
    pub const fn stress(name: &'static str, run: fn()) -> Self {
        Self {
            name,
            run,
            stress: true,
            preemptions: None,
        }
    }

    /// The same with so many preemptions at most.
    pub fn at_most(self, preemptions: usize) -> Self {
        let most = self
            .preemptions
            .map_or(preemptions, |own| own.min(preemptions));
        Self {
            preemptions: Some(most),
            ..self
        }
    }

    /// The case of that name. A constant, so that of a fault's variant the other cases are not compiled.
    pub const fn named(cases: &[Self], name: &str) -> Self {
        let mut at = 0;
        while at < cases.len() {
            if same(cases[at].name, name) {
                return cases[at];
            }
            at += 1;
        }
        panic!("no case has that name");
    }

    pub fn bound(&self) -> String {
        match self.preemptions {
            Some(bound) => format!(" with at most {bound} preemptions"),
            None => String::new(),
        }
    }
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// A fault that was put in, and what the case must say that finds it.
#[derive(Clone, Copy)]
pub struct Fault {
    pub name: &'static str,
    pub says: &'static str,
}

/// Something to run in a process of its own, and what is expected of it.
#[derive(Clone, Copy)]
pub struct Job {
    pub case: Case,
    pub fault: Option<Fault>,
}

impl Job {
    /// The job has no fault in it: the case holds.
    pub const fn sound(case: Case) -> Self {
        Self { case, fault: None }
    }

    /// The job has a fault in it, which the case finds.
    pub const fn faulty(case: Case, name: &'static str, says: &'static str) -> Self {
        Self {
            case,
            fault: Some(Fault { name, says }),
        }
    }

    /// What the job is called in the results, and by who repeats it.
    pub fn title(&self) -> String {
        match self.fault {
            Some(fault) => format!("fault.{}", fault.name),
            None => self.case.name.into(),
        }
    }
}
