# SPDX-License-Identifier: GPL-2.0
"""Puts faults into the library and the driver, and sees that the tests notice each.

Each *.toml here lists mutants:

    [[mutant]]
    name = "closed_event_still_serves"
    promise = "who waits for a closed event is told so"    # a sentence of the docs
    file = "rust/event/queue.rs"
    from = '''...'''        # stands in the file once
    to = '''...'''          # the word MUTANT in it is a condition: this mutant is switched on
    test = "baton_event*"   # what has to notice: KUnit suites, suite.test or area:script.sh[:case]

All are compiled together, in a copy of the sources, each behind a switch: one build, and then
a few seconds for each. KUnit runs on UML, the selftests under QEMU.

A mutant is red if a test fails by an assertion, or if the kernel reports something on its
console; one that only a time limit ends is red too, and marked. With none switched on the same
tests must pass, which also shows that a mutant can survive.

Runs in the builder root; tools/mutants starts it.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True

from lists import (                  # noqa: E402
    ListError,
    SCRIPT,
    placed,
    read_lists,
)

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
TREE = TOP / "out" / "mutants" / "tree"
RESULTS = TOP / "out" / "results" / "mutants"
COPIED = ("rust", "samples", "testing", "tools", "Kbuild", "Makefile", ".config.fragment", "COPYING", "README.md")
NONE = 0x4D757461_6E742100           # as in switch.rs
LAST_LINES = 15
# How a case begins to say that nothing was asserted; see testing/kunit/boots.py and tools/report_cases.py.
LATE = ("hung: ", "crashed: ", "not run: ", "missing", "TIMEOUT", "INFRA")


@dataclasses.dataclass
class Verdict:
    red: bool
    how: str                        # by an assertion, by a report, by a time limit; why it is not red
    test: str = ""                  # the first that noticed
    log: list = dataclasses.field(default_factory=list)
    seconds: float = 0.0


def copy(mutants):
    """Brings the copy of the sources up to date; what did not change keeps its date, for make."""
    wanted = {}
    for name in COPIED:
        start = TOP / name
        for path in [start] if start.is_file() else (p for p in start.rglob("*") if p.is_file()):
            if "__pycache__" not in path.parts:
                wanted[str(path.relative_to(TOP))] = path.read_bytes()
    texts = placed(mutants, lambda file: wanted[file].decode() if file in wanted else None)
    wanted.update({file: text.encode() for file, text in texts.items()})
    root = wanted["rust/baton.rs"].decode()
    wanted["rust/baton.rs"] = root.replace("\npub mod owner;", "\npub mod mutant;\npub mod owner;", 1).encode()
    wanted["rust/mutant.rs"] = (HERE / "switch.rs").read_bytes()
    for name, content in wanted.items():
        path = TREE / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            shutil.copymode(TOP / name if (TOP / name).exists() else HERE / "switch.rs", path)
    for name in COPIED:
        for path in (p for p in (TREE / name).rglob("*") if p.is_file()):
            if str(path.relative_to(TREE)) not in wanted and "__pycache__" not in path.parts:
                path.unlink()


def build(kernel, parts=None):
    """Builds the copy for one kernel; the last lines of the log if that fails."""
    parts = parts or ("kunit doc" if kernel == "uml" else "samples")
    log = RESULTS / f"build-{kernel}.log"
    command = [TREE / "tools/build", kernel, f"parts={parts}"]
    with log.open("wb") as stream:
        status = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, cwd=TREE, check=False).returncode
    return [] if not status else log.read_text(errors="replace").splitlines()[-LAST_LINES * 3:]


def shadow(kernel, number, name=""):
    """A folder like the build's, whose baton.ko is that mutant (0: none); with a name if there are several of it."""
    output = TREE / "out" / kernel
    made = TOP / "out" / "mutants" / f"{name or number}-{kernel}" / kernel
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    names = (output / "modules.order").read_text().split()
    shutil.copy(output / "modules.order", made)
    for name in names:
        module = name.removesuffix(".o") + ".ko"
        (made / module).parent.mkdir(parents=True, exist_ok=True)
        (made / module).symlink_to(output / module)
    library = made / "baton.ko"
    content = library.read_bytes()
    magic = NONE.to_bytes(8, "little")
    if content.count(magic) != 1:
        raise ListError(f"{output}/baton.ko: has {content.count(magic)} switches, wants one")
    library.unlink()
    library.write_bytes(content.replace(magic, (number or NONE).to_bytes(8, "little")))
    return made


def run_tests(kernel, number, test, places):
    """Runs `test` with that mutant; its cases, and what was printed."""
    output = shadow(kernel, number)
    layer = f"mutants/{number}-{kernel}"
    cases = TREE / "out/results" / layer / "cases.json"
    cases.unlink(missing_ok=True)
    # It leaves its results in the copy, beside it.
    runner = TREE / "testing" / ("kunit" if kernel == "uml" else "selftests") / "run"
    command = [runner, "--output", output, "--kernel", places[kernel], "--linux", places["linux"], "--layer", layer]
    command += ["--disk", places["disk"]] if kernel == "test" else ["--once"]
    environment = {**os.environ, "TEST": test, "ENGINE": "uml" if kernel == "uml" else os.environ.get("ENGINE", "qemu")}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, check=False)
    text = done.stdout.decode(errors="replace")
    log = RESULTS / f"{number}-{kernel}.log"
    log.write_text(text)
    shutil.rmtree(output.parent, ignore_errors=True)
    if not cases.exists():
        return None, text
    return json.loads(cases.read_text())["cases"], text


def judge(cases, text):
    """What the tests made of a mutant."""
    if cases is None:
        return Verdict(False, "its tests did not run", log=text.splitlines()[-LAST_LINES:])
    failed = [case for case in cases if case["status"] == "fail"]
    # A boot is a case without a suite in KUnit, and called so in the selftests: it fails if the console has a splat.
    tests = [case for case in failed if not case["name"].startswith("boot-")]
    boots = [case for case in failed if case["name"].startswith("boot-")]
    title = lambda case: f"{case['suite']}.{case['name']}".lstrip(".")
    for case in tests:
        if not case["reason"].startswith(LATE):
            return Verdict(True, "by an assertion", title(case), case["log"])
    for case in boots + tests:
        if case["reason"].startswith(("CRASH", "crashed: ")):
            return Verdict(True, "by a report of the kernel", title(case), case["log"])
    for case in boots:
        # Nothing was late, and the kernel has nothing to say: a module cannot be unloaded.
        if case["reason"].startswith("FAIL: "):
            return Verdict(True, "by the end of the boot", title(case), case["log"])
    if failed:
        return Verdict(True, "only by a time limit", title(failed[0]), failed[0]["log"])
    if not [case for case in cases if case["status"] == "pass" and not case["name"].startswith("boot-")]:
        return Verdict(False, "none of its tests ran")
    return Verdict(False, "survived")


def tried(mutant, places):
    begin = time.monotonic()
    verdict = judge(*run_tests(mutant.kernel, mutant.number, mutant.test, places))
    verdict.seconds = time.monotonic() - begin
    return verdict


def without(mutants, places):
    """The same tests with no mutant switched on: [(what, whether they pass, log)]."""
    found = []
    kernels = {mutant.kernel for mutant in mutants}
    # Of a script all cases at once.
    scripts = sorted({":".join(mutant.test.split(":")[:2]) for mutant in mutants if mutant.kernel == "test"})
    for kernel, test in ([("uml", "*")] if "uml" in kernels else []) + [("test", script) for script in scripts]:
        cases, text = run_tests(kernel, 0, test, places)
        failed = cases is None or any(case["status"] == "fail" for case in cases)
        found.append((test, not failed, text.splitlines()[-LAST_LINES:] if failed else []))
    return found


def chosen(mutants, words):
    for word in words:
        if not any(word in (mutant.area, mutant.name) for mutant in mutants):
            areas = sorted({mutant.area for mutant in mutants})
            raise ListError(f"{word}: no mutant and no list is called so; the lists are: {' '.join(areas)}")
    return [mutant for mutant in mutants if not words or mutant.area in words or mutant.name in words]


class Report:
    """KTAP on standard output, the last line with the counts."""

    def __init__(self, planned):
        self.number = self.failed = 0
        print(f"KTAP version 1\n1..{planned}", flush=True)

    def line(self, good, name, remark, log=(), again=""):
        self.number += 1
        self.failed += not good
        if not good:
            for text in log:
                print(f"# {text}")
            if again:
                print(f"# again: {again}")
        print(f"{'ok' if good else 'not ok'} {self.number} {name} # {remark}", flush=True)

    def end(self):
        print(f"{self.number - self.failed} passed, {self.failed} failed, 0 skipped")
        return 1 if self.failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel-uml", required=True)
    parser.add_argument("--kernel-test", required=True)
    parser.add_argument("--linux", required=True)
    parser.add_argument("--disk", required=True)
    parser.add_argument("--no-control", action="store_true", help="do not run the tests without a mutant first")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    parser.add_argument("word", nargs="*", help="a mutant, or a list (event, drain, ...)")
    arguments = parser.parse_args()
    places = {"uml": arguments.kernel_uml, "test": arguments.kernel_test, "linux": arguments.linux, "disk": arguments.disk}

    try:
        mutants = read_lists()
        picked = chosen(mutants, arguments.word)
        if arguments.list:
            for mutant in picked:
                print(f"{mutant.area:12} {mutant.name:44} {mutant.test:28} {mutant.promise}")
            return 0
        RESULTS.mkdir(parents=True, exist_ok=True)
        # All of them, so that picking one builds nothing anew.
        copy(mutants)
    except ListError as error:
        print(f"tools/mutants: {error}", file=sys.stderr)
        print("0 passed, 1 failed, 0 skipped")
        return 1

    kernels = sorted({mutant.kernel for mutant in picked}, reverse=True)
    for kernel in kernels:
        begin = time.monotonic()
        log = build(kernel)
        print(f"# build {kernel}: {time.monotonic() - begin:.0f} s, log out/results/mutants/build-{kernel}.log", flush=True)
        if log:
            print("\n".join(log))
            print("0 passed, 1 failed, 0 skipped")
            return 1

    results = []
    controls = [] if arguments.no_control else without(picked, places)
    report = Report(len(controls) + len(picked))
    for test, good, log in controls:
        report.line(good, f"without/{test}", "no mutant is switched on", log)
    # Several guests of UML at once; QEMU's guests, which take both CPUs for themselves, behind each other.
    begin, done = time.monotonic(), 0
    order = sorted(picked, key=lambda mutant: mutant.kernel, reverse=True)
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as several, \
            concurrent.futures.ThreadPoolExecutor(max_workers=1) as single:
        running = [(mutant, (several if mutant.kernel == "uml" else single).submit(tried, mutant, places)) for mutant in order]
        for mutant, future in running:
            verdict = future.result()
            results.append({**dataclasses.asdict(mutant), **{f"verdict_{k}": v for k, v in dataclasses.asdict(verdict).items()}})
            remark = f"{verdict.how}{verdict.test and ': ' + verdict.test}, {verdict.seconds:.1f} s"
            report.line(verdict.red, f"{mutant.area}/{mutant.name}", remark, verdict.log + [f"promise: {mutant.promise}"],
                        f"tools/mutants {mutant.name}")
    (RESULTS / "mutants.json").write_text(json.dumps(results, indent=1))
    kinds = collections.Counter(result["verdict_how"] for result in results)
    print("# " + ", ".join(f"{count} {how}" for how, count in kinds.most_common())
          + f"; {time.monotonic() - begin:.0f} s; out/results/mutants/")
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
