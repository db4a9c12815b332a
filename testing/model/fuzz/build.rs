// SPDX-License-Identifier: GPL-2.0

//! Makes the variants of the protocols that programs are tried on: for each primitive the sources as they
//! stand, and one for each fault that has to be found. The faults are those of `../families`.

#![allow(dead_code, reason = "what a case says of a fault is for the model")]

use std::{
    collections::BTreeSet,
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

include!("../src/fault.rs");
include!("faults.rs");

fn main() {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap());
    let top = here.join("../../..").canonicalize().unwrap();
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    let mut seen = BTreeSet::new();
    let (mut text, mut targets) = (String::new(), String::new());
    for primitive in PRIMITIVES {
        let mut add = |name: &str, fault: Option<&Fault>| {
            writeln!(
                text,
                "#[allow(unused, private_interfaces, clippy::all)]\nmod {name} {{\n    use baton_model_engine::stress as sync;"
            )
            .unwrap();
            let mut found = false;
            for (module, source) in primitive.modules.iter().chain(COMMON) {
                let mut path = top.join(source);
                seen.insert(path.clone());
                if let Some(fault) = fault.filter(|fault| fault.file == *source) {
                    path = broken(name, fault, &path, &out);
                    found = true;
                }
                text += &declared(module, &path);
            }
            let fault = fault.map(|fault| {
                assert!(found, "{name}: {} is none of its sources", fault.file);
                fault.name
            });
            let scene = here.join("src").join(format!("{}.rs", primitive.name));
            writeln!(text, "    #[path = {scene:?}]\n    pub mod scene;\n}}").unwrap();
            writeln!(
                targets,
                "    Target::new::<{name}::scene::Scene>({fault:?}),"
            )
            .unwrap();
        };
        add(primitive.name, None);
        for wanted in primitive.finds {
            let fault = primitive.faults.iter().find(|fault| fault.name == *wanted);
            let fault =
                fault.unwrap_or_else(|| panic!("{}: no fault is called {wanted}", primitive.name));
            add(&format!("{}_{}", primitive.name, fault.name), Some(fault));
        }
    }
    writeln!(
        text,
        "/// What programs are tried on.\npub(crate) const TARGETS: &[Target] = &[\n{targets}];"
    )
    .unwrap();
    fs::write(out.join("variants.rs"), text).unwrap();
    for path in seen {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    for path in ["build.rs", "faults.rs", "../families", "../src/fault.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
}

/// Declares a module; what is part of the drains has their protocol beside it.
fn declared(module: &str, source: &Path) -> String {
    match module.split_once("::") {
        None => format!("    #[path = {source:?}]\n    pub mod {module};\n"),
        Some((outer, module)) => format!(
            "    pub mod {outer} {{\n        use super::drain_protocol as protocol;\n        \
             #[path = {source:?}]\n        pub mod {module};\n    }}\n"
        ),
    }
}

/// Writes the source with the fault in it, as the variant of this name has it.
fn broken(name: &str, fault: &Fault, source: &Path, out: &Path) -> PathBuf {
    let text = fs::read_to_string(source).unwrap();
    let times = text.matches(fault.from).count();
    assert_eq!(
        times, 1,
        "fault {}: what it replaces occurs {times} times",
        fault.name
    );
    let path = out.join(format!("{name}.rs"));
    fs::write(&path, text.replace(fault.from, fault.to)).unwrap();
    path
}
