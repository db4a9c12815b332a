// SPDX-License-Identifier: GPL-2.0

//! Makes the variants of the protocols that the explorers run.
//!
//! A variant is the shared sources as modules: `rust/event/protocol.rs` and the others, as they
//! stand. `explored` runs under loom, `stressed` under shuttle. The others are positive controls:
//! under loom, with one fault put into one of the sources. The text that a fault replaces must occur
//! exactly once, so that a fault cannot get lost when a source changes.

use std::{
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

include!("src/faults.rs");

/// The modules of a variant, and where their sources are.
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
    ("keyed", "testing/model/src/keyed.rs"),
    ("event_any", "testing/model/src/event_any.rs"),
    ("entry_host", "testing/model/src/entry_host.rs"),
    ("entry_map", "testing/model/src/entry_map.rs"),
    ("drain_protocol", "rust/drain/protocol.rs"),
    ("drain_parts::phases", "rust/drain/phases.rs"),
    ("drain_host", "testing/model/src/drain_host.rs"),
    ("drain", "testing/model/src/drain.rs"),
    ("phases_cases", "testing/model/src/phases_cases.rs"),
    ("count_word", "rust/count/word.rs"),
    ("count", "testing/model/src/count.rs"),
    ("completion_word", "rust/completion/word.rs"),
    ("completion", "testing/model/src/completion.rs"),
    ("stop_protocol", "rust/stop/protocol.rs"),
    ("stop", "testing/model/src/stop.rs"),
];

fn main() {
    let top = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap())
        .join("../..")
        .canonicalize()
        .unwrap();
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    let mut text = String::new();

    let mut variant = |name: &str, engine: &str, fault: Option<&Fault>| {
        writeln!(
            text,
            "pub mod {name} {{\n    use crate::engine::{engine} as sync;"
        )
        .unwrap();
        for (module, source) in SOURCES {
            let mut path = top.join(source);
            if let Some(fault) = fault.filter(|fault| fault.file == *source) {
                path = out.join(format!("{name}-{}.rs", module.replace("::", "-")));
                fs::write(&path, broken(&top, fault)).unwrap();
            }
            match module.split_once("::") {
                None => writeln!(text, "    #[path = {path:?}]\n    pub mod {module};"),
                // Its `protocol` is that of the drain.
                Some((outer, module)) => writeln!(
                    text,
                    "    pub mod {outer} {{\n        use super::drain_protocol as protocol;\n        \
                     #[path = {path:?}]\n        pub mod {module};\n    }}"
                ),
            }
            .unwrap();
        }
        writeln!(text, "}}").unwrap();
    };

    variant("explored", "explorer", None);
    variant("stressed", "stress", None);
    for fault in FAULTS.iter().copied().flatten() {
        variant(fault.name, "explorer", Some(fault));
    }

    // The cases of a variant, by name.
    writeln!(
        text,
        "pub fn cases(variant: &str) -> Vec<Case> {{\n    match variant {{"
    )
    .unwrap();
    for name in ["explored", "stressed"]
        .into_iter()
        .chain(FAULTS.iter().copied().flatten().map(|fault| fault.name))
    {
        writeln!(
            text,
            "        {name:?} => [{name}::event::CASES, {name}::event_any::CASES, {name}::called_cases::CASES, {name}::keyed::CASES, {name}::entry_map::CASES, {name}::rw::CASES, {name}::drain::CASES, {name}::phases_cases::CASES, {name}::count::CASES, {name}::completion::CASES, {name}::stop::CASES].concat(),"
        )
        .unwrap();
    }
    writeln!(text, "        _ => Vec::new(),\n    }}\n}}").unwrap();

    fs::write(out.join("variants.rs"), text).unwrap();
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    for (_, source) in SOURCES {
        println!("cargo::rerun-if-changed={}", top.join(source).display());
    }
}

/// Returns the source with the fault in it.
fn broken(top: &Path, fault: &Fault) -> String {
    let text = fs::read_to_string(top.join(fault.file)).unwrap();
    let times = text.matches(fault.from).count();
    assert_eq!(
        times, 1,
        "fault {}: what it replaces occurs {times} times in {}",
        fault.name, fault.file
    );
    text.replace(fault.from, fault.to)
}
