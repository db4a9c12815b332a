// SPDX-License-Identifier: GPL-2.0

//! Makes the variants of the protocols that the explorers run, for one family.
//!
//! A variant is the shared sources as modules: `rust/event/protocol.rs` and the others, as they
//! stand. `explored` runs under loom, `stressed` under shuttle. The others are positive controls:
//! under loom, with one fault put into one of the sources. The text that a fault replaces must occur
//! exactly once, so that a fault cannot get lost when a source changes.
//!
//! The variant of a fault has modules of its own where the fault makes a difference: the one that it is
//! put into, and those that use it, as far as the case that is to find it uses them. The others are
//! those of `explored`, and of its cases it has that one. Else most of what is compiled would be copies.

use std::{
    collections::{
        BTreeMap,
        BTreeSet, //
    },
    env,
    fmt::Write,
    fs,
    path::{
        Path,
        PathBuf, //
    },
};

include!("src/fault.rs");

// `CASES`, the modules of this family that have its cases, and `FAULTS`.
include!(concat!(env!("CARGO_MANIFEST_DIR"), "/faults.rs"));

/// The modules that a variant is made of, and where their sources are.
const SOURCES: &[(&str, &str)] = &[
    ("claim", "rust/event/claim.rs"),
    ("gift", "rust/event/gift.rs"),
    ("needs", "rust/event/needs.rs"),
    ("queue", "rust/event/queue.rs"),
    ("leave", "rust/event/leave.rs"),
    ("serve", "rust/event/serve.rs"),
    ("chosen", "rust/event/chosen.rs"),
    ("called", "rust/event/called.rs"),
    ("waiter", "rust/event/waiter.rs"),
    ("protocol", "rust/event/protocol.rs"),
    ("monitor", "rust/event/monitor.rs"),
    ("returning", "rust/event/returning.rs"),
    ("several", "rust/event/several.rs"),
    ("slots", "rust/event/slots.rs"),
    ("index", "rust/event/index.rs"),
    ("indexed", "rust/event/indexed.rs"),
    ("shared", "rust/event/shared.rs"),
    ("rw", "testing/model/src/rw.rs"),
    ("state", "rust/entry_map/state.rs"),
    ("word", "rust/entry_map/word.rs"),
    ("wait", "rust/entry_map/wait.rs"),
    ("host", "testing/model/src/host.rs"),
    ("event_gate", "testing/model/src/event_gate.rs"),
    ("event", "testing/model/src/event.rs"),
    ("called_cases", "testing/model/src/called.rs"),
    ("claims", "testing/model/src/claims.rs"),
    ("keyed_host", "testing/model/src/keyed_host.rs"),
    ("keyed", "testing/model/src/keyed.rs"),
    ("index_cases", "testing/model/src/index_cases.rs"),
    ("event_any", "testing/model/src/event_any.rs"),
    ("queue_cases", "testing/model/src/queue_cases.rs"),
    ("entry_host", "testing/model/src/entry_host.rs"),
    ("entry_map", "testing/model/src/entry_map.rs"),
    ("entry_words", "testing/model/src/entry_words.rs"),
    ("drain_protocol", "rust/drain/protocol.rs"),
    ("drain_parts::phases", "rust/drain/phases.rs"),
    ("drain_host", "testing/model/src/drain_host.rs"),
    ("drain", "testing/model/src/drain.rs"),
    ("phases_cases", "testing/model/src/phases_cases.rs"),
    ("count_word", "rust/count/word.rs"),
    ("count_host", "testing/model/src/count_host.rs"),
    ("count", "testing/model/src/count.rs"),
    ("completion_word", "rust/completion/word.rs"),
    ("completion_host", "testing/model/src/completion_host.rs"),
    ("completion", "testing/model/src/completion.rs"),
    ("pool_word", "rust/pool/word.rs"),
    ("pool_host", "testing/model/src/pool_host.rs"),
    ("pool", "testing/model/src/pool.rs"),
    ("stop_protocol", "rust/stop/protocol.rs"),
    ("stop", "testing/model/src/stop.rs"),
];

/// Modules that have methods for the types of another one: who uses that one uses them.
const PARTS: &[(&str, &str)] = &[("queue", "leave"), ("queue", "serve")];

/// A module: its source, and the other modules that they use.
struct Module {
    /// As it is called where others use it.
    path: &'static str,
    source: PathBuf,
    text: String,
    uses: BTreeSet<&'static str>,
}

/// The modules, by the first part of their path.
struct Modules(BTreeMap<&'static str, Module>);

fn main() {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let top = here.join("../../../..").canonicalize().unwrap();
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    let modules = Modules::read(&top);
    let all: BTreeSet<_> = CASES
        .iter()
        .flat_map(|cases| modules.used_by(cases))
        .collect();

    let mut text = String::new();
    writeln!(
        text,
        "mod explored {{\n    use baton_model_engine::explorer as sync;"
    )
    .unwrap();
    text += &modules.declared(&all);
    let mut jobs = String::new();
    for (engine, stress) in [("explored", false), ("stressed", true)] {
        for cases in CASES {
            writeln!(
                jobs,
                "    all.extend({engine}::{cases}::cases().iter().filter(|case| case.stress == {stress}).copied().map(Job::sound));"
            )
            .unwrap();
        }
    }
    for fault in FAULTS {
        let cases = modules.cases_with(fault);
        text += &modules.variant(fault, cases, &out);
        writeln!(
            jobs,
            "    const {0}: Case = Case::named(explored::{0}::{cases}::cases(), {1:?});\n    all.push(Job::faulty({0}, {0:?}, {2:?}));",
            fault.name, fault.case, fault.says
        )
        .unwrap();
    }
    writeln!(
        text,
        "}}\nmod stressed {{\n    use baton_model_engine::stress as sync;"
    )
    .unwrap();
    text += &modules.declared(&all);
    writeln!(
        text,
        "}}\n\n/// What there is to run.\n#[allow(non_upper_case_globals)]\npub fn jobs() -> Vec<Job> {{\n    let mut all = Vec::new();\n{jobs}    all\n}}"
    )
    .unwrap();
    fs::write(out.join("family.rs"), text).unwrap();

    for module in all {
        println!(
            "cargo::rerun-if-changed={}",
            modules.0[module].source.display()
        );
    }
}

impl Modules {
    fn read(top: &Path) -> Self {
        let name = |path: &'static str| path.split("::").next().unwrap();
        let names: Vec<_> = SOURCES.iter().map(|(path, _)| name(path)).collect();
        let module = |&(path, source): &(&'static str, &'static str)| {
            let source = top.join(source);
            let text = fs::read_to_string(&source).unwrap();
            let mut uses = used(&text, &names);
            if path.contains("::") {
                uses.insert("drain_protocol");
            }
            uses.extend(
                PARTS
                    .iter()
                    .filter(|(of, _)| *of == path)
                    .map(|(_, part)| *part),
            );
            uses.remove(name(path));
            let module = Module {
                path,
                source,
                text,
                uses,
            };
            (name(path), module)
        };
        Self(SOURCES.iter().map(module).collect())
    }

    /// The module, and all that it uses.
    fn used_by(&self, module: &'static str) -> BTreeSet<&'static str> {
        let (mut found, mut next) = (BTreeSet::new(), vec![module]);
        while let Some(module) = next.pop() {
            if found.insert(module) {
                next.extend(&self.0[module].uses);
            }
        }
        found
    }

    /// Where the case is that is to find the fault.
    fn cases_with(&self, fault: &Fault) -> &'static str {
        let case = format!("{:?}", fault.case);
        let has = |cases: &&&'static str| self.0[**cases].text.contains(&case);
        match CASES.iter().filter(has).collect::<Vec<_>>()[..] {
            [cases] => cases,
            ref found => panic!(
                "fault {}: the case {case} is in {found:?}, has to be in one of {CASES:?}",
                fault.name
            ),
        }
    }

    /// Declares modules as their sources stand.
    fn declared(&self, modules: &BTreeSet<&'static str>) -> String {
        modules
            .iter()
            .map(|module| declared(self.0[module].path, &self.0[module].source))
            .collect()
    }

    /// The variant with the fault. Inside of `explored`, whose modules it has for the others: there is
    /// nothing that they may see and it may not.
    fn variant(&self, fault: &Fault, cases: &'static str, out: &Path) -> String {
        let (at, _) = self
            .0
            .iter()
            .find(|(_, module)| module.source.ends_with(fault.file))
            .unwrap_or_else(|| panic!("fault {}: no module is {}", fault.name, fault.file));
        let used = self.used_by(cases);
        assert!(
            used.contains(at),
            "fault {}: {cases} does not use {}",
            fault.name,
            fault.file
        );
        let mut text = format!(
            "    pub mod {} {{\n    use baton_model_engine::explorer as sync;\n",
            fault.name
        );
        for module in used {
            let Module { path, source, .. } = &self.0[module];
            if module == *at {
                let broken = out.join(format!("{}-{module}.rs", fault.name));
                fs::write(&broken, self.0[module].broken(fault)).unwrap();
                text += &declared(path, &broken);
            } else if self.used_by(module).contains(at) {
                text += &declared(path, source);
            } else {
                writeln!(text, "    use super::{module};").unwrap();
            }
        }
        text + "    }\n"
    }
}

impl Module {
    /// Returns the source with the fault in it.
    fn broken(&self, fault: &Fault) -> String {
        let times = self.text.matches(fault.from).count();
        assert_eq!(
            times, 1,
            "fault {}: what it replaces occurs {times} times in {}",
            fault.name, fault.file
        );
        self.text.replace(fault.from, fault.to)
    }
}

fn declared(path: &str, source: &Path) -> String {
    match path.split_once("::") {
        None => format!("    #[path = {source:?}]\n    pub mod {path};\n"),
        // Its `protocol` is that of the drain.
        Some((outer, path)) => format!(
            "    pub mod {outer} {{\n        use super::drain_protocol as protocol;\n        \
             #[path = {source:?}]\n        pub mod {path};\n    }}\n"
        ),
    }
}

/// The modules beside it that a source uses: what stands behind `super::`, in the outermost braces if
/// there are some. One that is missed would be that of `explored`, and the fault not found.
fn used(text: &str, names: &[&'static str]) -> BTreeSet<&'static str> {
    let code = text.lines().filter_map(|line| line.split("//").next());
    let code = code.collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for used in code.split("super::").skip(1) {
        let (mut depth, mut word) = (0, String::new());
        for c in used.chars() {
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            if depth < 2 {
                found.extend(names.iter().copied().filter(|name| *name == word));
            }
            word.clear();
            match c {
                '{' => depth += 1,
                '}' if depth > 1 => depth -= 1,
                '}' => break,
                _ if depth == 0 => break,
                _ => {}
            }
        }
    }
    found
}
