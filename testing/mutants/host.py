# SPDX-License-Identifier: GPL-2.0
"""cargo-mutants on what the host builds: the sources of the protocols, with the model's cases as their tests.

testing/model compiles the protocols out of the library's own files, through a build script, where
cargo-mutants finds no source. So a workspace of them is laid out in out/mutants/host: a package for each
family of the model, whose library has its sources as modules, and whose test is its cases. cargo-mutants
does the rest: it replaces bodies of functions and operators, one at a time, builds and tests.

A case is tried with few preemptions and few schedules, which is enough for most mutants; what survives that is
tried again with as many as the model tries.

testing/mutants/equal.txt has the mutants that change nothing that could be seen, each with the reason. They are
tried with the few only. One that is found nevertheless, or that is no mutant any more, fails.

Runs in the builder root; tools/mutants --host starts it.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import run                           # noqa: E402

TOP = HERE.parent.parent
MODEL = TOP / "testing" / "model"
TREE = TOP / "out" / "mutants" / "host"
RESULTS = TOP / "out" / "results" / "mutants"
EQUAL = HERE / "equal.txt"
# Whose cases are for what: a folder of the library, or one file of it.
FAMILIES = {
    "rust/event/index.rs": "keyed",
    "rust/event/indexed.rs": "keyed",
    "rust/event": "event",
    "rust/entry_map": "entries",
    "rust/drain": "drain",
    "rust/count": "count",
    "rust/completion": "completion",
    "rust/pool": "pool",
    "rust/stop": "stop",
}
# A list of waiters is what keyed waits and entries are made of as well.
MORE_CASES = {"event": ("keyed", "entries")}
LAST_LINES = 20
SECONDS, THOROUGH_SECONDS = 120, 900    # of a mutant's tests; those of the slowest family take 6 without one
CASE_SECONDS, THOROUGH_CASE_SECONDS = 60, 600   # of one case, which takes 2 at most, and 60 with all preemptions
FOUND, LATE, UNBUILT, SURVIVED = "found", "only by a time limit", "does not build", "survived"
LIMIT = re.compile(r"^(\w+) has not ended for \d+ s$", re.M)      # as the tests say it
HOW = {"CaughtMutant": FOUND, "Timeout": LATE, "Unviable": UNBUILT, "MissedMutant": SURVIVED}

LIBRARY = """\
#![allow(unused, clippy::all)]
use baton_model_engine::Case;
macro_rules! beside {{ ($($declared:item)*) => {{ $($declared)* }} }}
pub mod explored {{
    use baton_model_engine::explorer as sync;
{mutated}    beside! {{ {beside} }}
}}
// Behind a macro, where cargo-mutants does not look: the same files, which are mutated once.
beside! {{
    pub mod stressed {{
        use baton_model_engine::stress as sync;
{stressed}    }}
}}
#[cfg(test)]
mod tests {{
    use super::*;
    use std::{{io::{{self, Write}}, process, sync::mpsc, thread, time::Duration}};
    // Which case it is that does not end: a loop that turns for ever asserts nothing.
    fn within(case: &Case, seconds: u64, run: impl FnOnce()) {{
        let (name, (ended, end)) = (case.name, mpsc::channel::<()>());
        let watch = thread::spawn(move || {{
            if let Err(mpsc::RecvTimeoutError::Timeout) = end.recv_timeout(Duration::from_secs(seconds)) {{
                // Past the capture of the tests, which is lost.
                let _ = writeln!(io::stderr(), "{{name}} has not ended for {{seconds}} s");
                process::exit(1);
            }}
        }});
        run();
        drop(ended);
        watch.join().unwrap();
    }}
    #[test]
    fn cases() {{
        let thorough = std::env::var_os("BATON_THOROUGH").is_some();
        let seconds = if thorough {{ {thorough_case} }} else {{ {case} }};
        let explored: &[&[Case]] = &[{explored_cases}];
        let stressed: &[&[Case]] = &[{stressed_cases}];
        for case in explored.iter().copied().flatten().filter(|case| !case.stress) {{
            println!("explored {{}}", case.name);
            let mut builder = baton_model_engine::loom::model::Builder::new();
            builder.preemption_bound = if thorough {{ case.preemptions }} else {{ Some(2) }};
            builder.max_branches = 10_000;
            within(case, seconds, || builder.check(case.run));
        }}
        for case in stressed.iter().copied().flatten().filter(|case| case.stress) {{
            println!("stressed {{}}", case.name);
            let schedules = if thorough {{ 2000 }} else {{ 200 }};
            within(case, seconds, || {{
                baton_model_engine::shuttle::check_random(case.run, schedules);
                baton_model_engine::shuttle::check_pct(case.run, schedules, 3);
            }});
        }}
    }}
}}
"""

PACKAGE = """\
[package]
name = "baton-model-{family}"
version.workspace = true
edition.workspace = true
license.workspace = true
publish.workspace = true
[lib]
doctest = false
[dependencies]
baton-model-engine.workspace = true
"""


class HostError(Exception):
    """The workspace cannot be laid out; the text says why."""


def sources():
    """{module: its file}, as the build script of the model has them."""
    text = (MODEL / "build.rs").read_text(encoding="utf-8")
    found = dict(re.findall(r'^\s+\("([\w:]+)", "([\w/]+\.rs)"\),$', text, re.M))
    if "protocol" not in found:
        raise HostError("testing/model/build.rs: no SOURCES as they were")
    return found


def cases_of(family):
    text = (MODEL / "families" / family / "faults.rs").read_text(encoding="utf-8")
    listed = re.search(r"const CASES: &\[&str\] = &\[([^\]]*)\];", text)
    if not listed:
        raise HostError(f"testing/model/families/{family}/faults.rs: no CASES as they were")
    return re.findall(r'"(\w+)"', listed[1])


def family_of(file):
    """Whose cases are for a file of the library; nobody's for the model's own."""
    return FAMILIES.get(file) or FAMILIES.get(str(pathlib.PurePosixPath(file).parent))


def place(module):
    return f"{module.replace('::', '/')}.rs"


def declared(module, path=""):
    """Declares a module, at that path if it is not where Rust looks for it."""
    at = f'#[path = "{path}/{place(module)}"] ' if path else ""
    if "::" not in module:
        return f"    {at}pub mod {module};\n"
    outer, inner = module.split("::")
    at = f'#[path = "../{path}/{place(module)}"] ' if path else ""
    return f"    pub mod {outer} {{ use super::drain_protocol as protocol; {at}pub mod {inner}; }}\n"


def lay_out():
    """Writes the workspace; {file in it: file of the library} of what is mutated."""
    modules, mutated = sources(), {}
    files = {}
    for file in modules.values():
        if file.startswith("rust/") and not family_of(file):
            raise HostError(f"{file}: the model has it, and it is of no family here")
    for family in sorted(set(FAMILIES.values())):
        cases = [name for each in (family, *MORE_CASES.get(family, ())) for name in cases_of(each)]
        own = [module for module, file in modules.items() if family_of(file) == family]
        if not own:
            raise HostError(f"{family}: none of the model's sources is of this family")
        source = f"families/{family}/src"
        for module, file in modules.items():
            files[f"{source}/explored/{place(module)}"] = (TOP / file).read_text(encoding="utf-8")
            if module in own:
                mutated[f"{source}/explored/{place(module)}"] = file
        others = [module for module in modules if module not in own]
        # A path begins in the folder of its module, which has to be there.
        files[f"{source}/stressed/drain_parts/empty"] = ""
        files[f"{source}/lib.rs"] = LIBRARY.format(
            mutated="".join(declared(module) for module in own),
            beside="".join(declared(module) for module in others).strip(),
            stressed="".join("    " + declared(module, "../explored") for module in modules),
            case=CASE_SECONDS, thorough_case=THOROUGH_CASE_SECONDS,
            explored_cases=", ".join(f"explored::{name}::cases()" for name in cases),
            stressed_cases=", ".join(f"stressed::{name}::cases()" for name in cases))
        files[f"families/{family}/Cargo.toml"] = PACKAGE.format(family=family)
    root = (MODEL / "Cargo.toml").read_text(encoding="utf-8")
    workspace = root[root.index("[workspace.package]"):root.index("[package]")]
    profiles = root[root.index("[profile.dev]"):]
    files["Cargo.toml"] = f'[workspace]\nresolver = "2"\nmembers = ["engine", "families/*"]\n\n{workspace}{profiles}'
    for name in ("Cargo.lock", "engine/Cargo.toml", "src/engine.rs", "src/case.rs"):
        files[name] = (MODEL / name).read_text(encoding="utf-8")
    # The tests start the engines; what the packages depend on is what Cargo.lock says.
    files["src/engine.rs"] += "\npub use {loom, shuttle};\n"
    # What cargo has built of what the engines depend on is kept.
    for path in TREE.glob("*") if TREE.exists() else ():
        if path.name == "target":
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, text in files.items():
        (TREE / name).parent.mkdir(parents=True, exist_ok=True)
        (TREE / name).write_text(text, encoding="utf-8")
    return mutated


def equal():
    """{mutant: why nothing can be seen of it}."""
    found = {}
    for number, line in enumerate(EQUAL.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        name, mark, reason = line.partition("  # ")
        if not mark or not reason.strip() or name.strip() in found:
            raise HostError(f"{EQUAL.name}:{number}: wants a mutant, which is there once, '  # ' and the reason")
        found[name.strip()] = reason.strip()
    return found


def titles(mutants, mutated):
    """What the mutants are called, in their order: by the library's file, the function, the line, and what is put there."""
    seen, named = {}, []
    for mutant in mutants:
        lines = (TREE / mutant["file"]).read_text(encoding="utf-8").splitlines()
        begin, end = mutant["span"]["start"], mutant["span"]["end"]
        function = re.sub(r"^<impl (.*)>::", r"\1::", (mutant.get("function") or {}).get("function_name", "-"))
        new = " ".join(mutant["replacement"].split())
        if mutant["genre"] == "FnValue":
            what = "does nothing" if new == "()" else f"returns {new}"
        elif begin["line"] == end["line"]:
            line = lines[begin["line"] - 1]
            before, old, after = (line[:begin["column"] - 1], line[begin["column"] - 1:end["column"] - 1], line[end["column"] - 1:])
            what = f"{before.lstrip()}[{old} -> {new}]{after}"
        else:
            what = f"{lines[begin['line'] - 1].strip()} .. -> {new}"
        name = f"{mutated[mutant['file']]}: {function}: {' '.join(what.split())}"
        seen[name] = seen.get(name, 0) + 1
        named.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return named


def take_engines(model):
    """What the model has built of its engines is the same here."""
    target = TREE / "target"
    if (target / "debug").exists():
        return
    target.mkdir(parents=True, exist_ok=True)
    shutil.copytree(model, target / "debug", symlinks=True,
                    ignore=shutil.ignore_patterns("baton[-_]*", "libbaton*", "incremental", ".cargo-lock"))


class Runner:
    """Starts cargo-mutants in workspaces of their own, side by side: each has a part of the files."""

    def __init__(self, arguments, files):
        self.environment = {**os.environ, "CARGO_HOME": arguments.cargo_home,
                            "PATH": f"{arguments.cargo_mutants}/bin:{os.environ['PATH']}"}
        self.files = files
        self.parts = []                 # (workspace, its files)

    def command(self, files):
        # Nothing that the machine is configured to says what is tried.
        command = ["cargo", "mutants", "--no-config", "--colors", "never", "--exclude", "src/**"]
        for file in files:
            command += ["--file", file]
        return command

    def listed(self):
        done = subprocess.run([*self.command(self.files), "--list", "--json"], cwd=TREE, env=self.environment,
                              stdout=subprocess.PIPE, check=False)
        if done.returncode:
            raise HostError(f"cargo-mutants does not list the mutants: it ended with {done.returncode}")
        return json.loads(done.stdout)

    def build(self):
        """Builds the tests once; the last lines of the log if that fails."""
        log = RESULTS / "build-host.log"
        with log.open("wb") as stream:
            status = subprocess.run(["cargo", "test", "--no-run", "--workspace"], cwd=TREE, env=self.environment,
                                    stdout=stream, stderr=subprocess.STDOUT, check=False).returncode
        return log.read_text(errors="replace").splitlines()[-LAST_LINES:] if status else []

    def split(self, mutants):
        """Gives each CPU a workspace, with what is built, and about as many mutants."""
        sizes = {}
        for mutant in mutants:
            sizes[mutant["file"]] = sizes.get(mutant["file"], 0) + 1
        parts = [[] for _ in range(min(os.cpu_count(), len(sizes)))]
        for file in sorted(sizes, key=sizes.get, reverse=True):
            min(parts, key=lambda part: sum(map(sizes.get, part))).append(file)
        for number, files in enumerate(parts):
            place = TREE.parent / f"host-{number}"
            shutil.rmtree(place, ignore_errors=True)
            # With the dates, by which cargo knows what is built.
            shutil.copytree(TREE, place / "tree", symlinks=True)
            self.parts.append((place, files))

    def run(self, thorough, without=()):
        """Tries all of them but some; those that were found before are not tried again. The outcomes."""
        environment = {**self.environment, **({"BATON_THOROUGH": "1"} if thorough else {})}
        running = []
        for number, (place, files) in enumerate(self.parts):
            log = RESULTS / f"host{'-thorough' if thorough else ''}-{number}.log"
            command = [*self.command(files), *(f"--exclude-re={pattern(mutant)}" for mutant in without),
                       "--output", place, "--in-place", "--no-times", "--iterate",
                       "--timeout", str(THOROUGH_SECONDS if thorough else SECONDS)]
            with log.open("wb") as stream:
                running.append((subprocess.Popen(command, cwd=place / "tree", env=environment, stdout=stream,
                                                 stderr=subprocess.STDOUT), place / "mutants.out", log))
        begin = said = time.monotonic()
        try:
            while any(process.poll() is None for process, _, _ in running):
                time.sleep(1)       # The period of the look.
                if time.monotonic() - said > 60:
                    said = time.monotonic()
                    print(f"# {said - begin:.0f} s, {count([output for _, output, _ in running])}", flush=True)
        finally:
            # Who is interrupted leaves nobody behind.
            for process, _, _ in running:
                process.terminate()
                process.wait()
        outcomes = []
        for process, output, log in running:
            # 2: some were missed; 3: some ran into the limit.
            if process.returncode not in (0, 2, 3):
                lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
                raise HostError("\n".join([f"cargo-mutants ended with {process.returncode}", *lines]))
            # There are none if nothing was left to be tried there; what is in none was not tried.
            if (output / "outcomes.json").exists():
                for outcome in json.loads((output / "outcomes.json").read_text())["outcomes"]:
                    outcomes.append({**outcome, "late": not_ended(output / outcome["log_path"])})
        return {key(outcome["scenario"]["Mutant"]): outcome for outcome in outcomes if outcome["scenario"] != "Baseline"}


def not_ended(log):
    """The case that its limit has ended, and nothing that it asserts; None if there is none."""
    said = LIMIT.search(log.read_text(errors="replace")) if log.exists() else None
    return said and said[1]


def count(outputs):
    """What cargo-mutants has found so far."""
    found = []
    for kind in ("caught", "missed", "timeout", "unviable"):
        paths = [output / f"{kind}.txt" for output in outputs]
        found.append(f"{sum(len(path.read_text().splitlines()) for path in paths if path.exists())} {kind}")
    return ", ".join(found)


def pattern(mutant):
    """What matches the name that cargo-mutants has for it, and no other."""
    begin, new = mutant["span"]["start"], mutant["replacement"]
    what = f"replace .* with {re.escape(new)}( in .*)?" if new else "delete .*"
    return f"^{re.escape(mutant['file'])}:{begin['line']}:{begin['column']}: {what}$"


def key(mutant):
    return json.dumps({name: mutant[name] for name in ("file", "span", "replacement")}, sort_keys=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say what is wrong with equal.txt")
    parser.add_argument("--cargo-home")
    parser.add_argument("--cargo-mutants", help="where it is installed")
    parser.add_argument("--model", help="where the model is built")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    parser.add_argument("file", nargs="*", help="a file of the library, or a folder of it")
    arguments = parser.parse_args()
    try:
        same = equal()
        for name in same:
            if family_of(name.partition(":")[0]) is None:
                raise HostError(f"{EQUAL.name}: {name}: the file is of no family of the model")
        if arguments.check:
            return 0
        RESULTS.mkdir(parents=True, exist_ok=True)
        mutated = lay_out()
        for word in arguments.file:
            if not any(file == word or file.startswith(f"{word.rstrip('/')}/") for file in mutated.values()):
                raise HostError(f"{word}: no source of the model is called so; there are: {' '.join(sorted(mutated.values()))}")
        files = [path for path, file in mutated.items()
                 if not arguments.file or any(file == word or file.startswith(f"{word.rstrip('/')}/") for word in arguments.file)]
        runner = Runner(arguments, files)
        mutants = runner.listed()
        names = dict(zip(map(key, mutants), titles(mutants, mutated)))
        if arguments.list:
            print("\n".join(names.values()))
            return 0
        begin = time.monotonic()
        take_engines(pathlib.Path(arguments.model))
        log = runner.build()
        print(f"# build: {time.monotonic() - begin:.0f} s, log out/results/mutants/build-host.log", flush=True)
        if log:
            raise HostError("\n".join(log))
        runner.split(mutants)
        outcomes = runner.run(False)
        left = [each for each, outcome in outcomes.items() if outcome["summary"] == "MissedMutant" and names[each] not in same]
        if left:
            print(f"# {len(left)} that survived once more, with all preemptions and schedules", flush=True)
            outcomes.update(runner.run(True, [mutant for mutant in mutants if names[key(mutant)] in same]))
    except HostError as error:
        print(f"tools/mutants --host: {error}", file=sys.stderr)
        print("0 passed, 1 failed, 0 skipped")
        return 1

    report = run.Report(len(names))
    results = []
    for each, name in names.items():
        outcome = outcomes.get(each)
        how = HOW.get(outcome["summary"], outcome["summary"]) if outcome else "not tried"
        good = how in (FOUND, LATE, UNBUILT)
        if how == FOUND and outcome["late"]:
            how = f"{LATE}, of {outcome['late']}"
        if how == SURVIVED and name in same:
            good, how = True, f"changes nothing: {same[name]}"
        elif good and name in same:
            good, how = False, f"{how}, and equal.txt says that it changes nothing"
        seconds = sum(phase["duration"] for phase in outcome["phase_results"]) if outcome else 0
        file = name.partition(":")[0]
        results.append({"family": family_of(file), "file": file, "name": name, "how": how, "red": good, "seconds": seconds})
        report.line(good, name, f"{how}, {seconds:.1f} s", [], f"tools/mutants --host {file}")
    for name in sorted(set(same) - set(names.values())):
        if not arguments.file:
            report.line(False, name, "equal.txt has it, and it is no mutant")
    (RESULTS / "host.json").write_text(json.dumps(results, indent=1))
    print(f"# {time.monotonic() - begin:.0f} s; out/results/mutants/host.json")
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
