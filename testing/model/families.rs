// SPDX-License-Identifier: GPL-2.0

//! Makes the list of the families for the runner: each folder in `families/`. A family that is not among
//! the dependencies does not build, and cases that are of no family do not either.

use std::{
    env,
    fmt::Write,
    fs,
    path::{
        Path,
        PathBuf, //
    },
};

fn main() {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap());
    let mut families: Vec<_> = files(&here.join("families"))
        .map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    families.sort();

    let mut text = String::from("const FAMILIES: &[fn() -> Vec<Job>] = &[");
    let mut said = String::new();
    for family in families {
        said += &fs::read_to_string(here.join("families").join(&family).join("faults.rs")).unwrap();
        write!(text, "baton_model_{family}::jobs, ").unwrap();
    }
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    fs::write(out.join("families.rs"), text + "];\n").unwrap();

    let sources = fs::read_to_string(here.join("build.rs")).unwrap();
    for file in files(&here.join("src")) {
        let name = format!(
            "testing/model/src/{}",
            file.file_name().unwrap().to_str().unwrap()
        );
        if !fs::read_to_string(&file)
            .unwrap()
            .contains("pub const fn cases()")
        {
            continue;
        }
        let module = sources
            .lines()
            .filter_map(|line| line.trim().strip_suffix(&format!(", {name:?}),")))
            .find_map(|line| line.strip_prefix('('))
            .unwrap_or_else(|| {
                panic!("{name} has cases, and is not among the sources of build.rs")
            });
        let times = said.matches(module).count();
        assert_eq!(
            times, 1,
            "{name} has cases, and is in {times} families: {module}"
        );
    }
    for folder in ["families", "src", "build.rs", "families.rs"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
}
