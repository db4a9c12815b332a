# SPDX-License-Identifier: GPL-2.0
"""Replays rustc as Kbuild ran it, on sources that must not compile, and on
their twins that must.

NAME.fail.rs    begins with "//! error: CODE..." and "//! because: ...", and has
                "//~ CODE" at the end of each line that must be refused, or
                "//~^ CODE" alone on the next line. The errors of the compiler
                must be exactly these: code and line. An error without a code
                counts as "error". "//! says: TEXT" asks for a part of what the
                compiler says, "//! says not: TEXT" forbids one.
NAME.pass.rs    is the same but for one line (header and markers aside), and
                compiles.

"//@ link-fail" in the header: the compiler accepts it, but the object refers to
rust_build_error, so that no module can be made of it; the twin's does not.

NAME.accepted.rs  compiles, and should not: what is out of reach of the types. Has
                "//! because: ...".

NAME.same.rs    compiles, and the machine code of its functions `ours` and
                `plain` is the same, instruction for instruction.
NAME.differ.rs  the same, and the code is not: shows that the comparison can tell.
"""

import concurrent.futures
import difflib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tools"))

import recorded
from recorded import Broken

# Any crate that uses the library will do: Kbuild compiles them all alike.
RECORDED = TOP / "out/test/testing/kunit/.event_kunit.o.cmd"
# Test cases are not documented, and do not use all that they declare.
ALLOWED = ["missing_docs", "dead_code", "unused", "unreachable_pub"]
BUILD_ERROR = "rust_build_error"
LAST_LINES = 15
# How many the list has that the table in testing/README.md is about.
HAZARDS = 21


def recorded_command():
    """The flags, environment and directory of a user of the library, as Kbuild has it."""
    program, flags, env = recorded.command(RECORDED)
    for wanted in ("--extern", "baton", "--crate-type"):
        if wanted not in flags:
            raise Broken(f"{RECORDED.relative_to(TOP)} has no '{wanted}'")
    return program, flags, env, TOP / "out/test"


class Compiler:
    """rustc, as Kbuild ran it for a user of the library."""

    def __init__(self):
        self.program, self.flags, self.env, self.cwd = recorded_command()

    def run(self, source, emit, output):
        argv = [self.program, *self.flags, "--error-format=json", "--crate-name=case",
                "-Zwrite-long-types-to-disk=no",
                f"--out-dir={output.parent}", f"--emit={emit}={output}", *(f"-A{lint}" for lint in ALLOWED), str(source)]
        done = subprocess.run(argv, cwd=self.cwd, env=self.env, capture_output=True, text=True,
                              timeout=60, check=False)
        errors, rendered = [], []
        for line in done.stderr.splitlines():
            try:
                message = json.loads(line)
            except json.JSONDecodeError:
                raise Broken(f"rustc said: {line}") from None
            if message.get("level") != "error":
                continue
            rendered.append(message["rendered"])
            spans = [s for s in message["spans"] if s["is_primary"]]
            if not spans:
                # "aborting due to 2 previous errors"
                continue
            code = (message["code"] or {}).get("code", "error")
            errors.append((outermost(spans[0], source), code))
        if (done.returncode == 0) != (not rendered):
            raise Broken(f"rustc ended with {done.returncode} and {len(rendered)} errors")
        return errors, "".join(rendered)

    def metadata(self, source):
        """The errors of `source` as (line, code), and what the compiler said."""
        with tempfile.TemporaryDirectory() as scratch:
            return self.run(source, "metadata", pathlib.Path(scratch) / "case.rmeta")

    def object(self, source):
        """As `metadata`, and whether the object refers to the build error."""
        # A directory for each run, by --out-dir: rustc names its temporary files after the
        # crate, and puts them into the current one otherwise.
        with tempfile.TemporaryDirectory() as scratch:
            output = pathlib.Path(scratch) / "case.o"
            errors, text = self.run(source, "obj", output)
            if errors:
                return errors, text, False
            symbols = subprocess.run(["nm", "-u", output], capture_output=True, text=True,
                                     check=True)
            return errors, text, BUILD_ERROR in symbols.stdout.split()


    def code(self, source, names):
        """The instructions of some functions in the object of `source`, one list for each."""
        with tempfile.TemporaryDirectory() as scratch:
            output = pathlib.Path(scratch) / "case.o"
            errors, text = self.run(source, "obj", output)
            if errors:
                return None, text
            return [instructions(output, name) for name in names], text


def instructions(output, name):
    """The function without addresses; jumps count from its beginning, calls by their symbol."""
    said = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", f"--disassemble={name}", output],
                          capture_output=True, text=True, check=True).stdout
    lines = [line.split(":", 1)[1] for line in said.splitlines() if re.match(r"\s+[0-9a-f]+:\s", line)]
    # Where a relocation follows, the operand is what the linker puts there: it says nothing yet.
    lines = [re.sub(r"\b[0-9a-f]+ <[^>]*>", "", line) if "R_X86_64" in after else line
             for line, after in zip(lines, lines[1:] + [""])]
    return [re.sub(r"\b[0-9a-f]+ <" + name + r"(\+0x[0-9a-f]+)?>", r"\1", line).strip() for line in lines]


def outermost(span, source):
    """The line in the case itself, also if the error is in a macro that it calls; 0 elsewhere."""
    while span:
        if pathlib.Path(span["file_name"]).resolve() == source.resolve():
            return span["line_start"]
        span = (span.get("expansion") or {}).get("span")
    return 0


def header(text):
    """The codes, the reason and the mode that a case declares."""
    codes = re.search(r"^//! error: (.+)$", text, re.M)
    because = re.search(r"^//! because: (.+)$", text, re.M)
    return (set(codes[1].split()) if codes else None, because and because[1],
            "//@ link-fail" in text.splitlines())


def markers(text):
    """What is expected, as (line, code)."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        marker = re.search(r"//~(\^?) (.+)$", line)
        if marker:
            found += [(number - len(marker[1]), code) for code in marker[2].split()]
    return found


def body(text):
    """The lines in which the twins may differ: header and markers aside."""
    lines = [re.sub(r"\s*//~ .*$", "", line) for line in text.splitlines()]
    return [line for line in lines
            if not line.startswith(("//!", "//@")) and not line.lstrip().startswith("//~^")]


def wrong_text(text, said):
    """Why what the compiler says is not what the case asks for, or nothing."""
    words = " ".join(said.split())
    for no, wanted in re.findall(r"^//! says( not)?: (.+)$", text, re.M):
        if (wanted in words) == bool(no):
            return f"text: the compiler {'says' if no else 'does not say'} '{wanted}'"
    return None


def lines_apart(one, other):
    changes = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return sum(max(b - a, d - c) for tag, a, b, c, d in changes if tag != "equal")


def judge(compiler, fail):
    """Why the case fails, or nothing; and what the compiler said."""
    twin = fail.with_name(fail.name.replace(".fail.rs", ".pass.rs"))
    text = fail.read_text()
    codes, because, link = header(text)
    expected = markers(text)
    if not because or (codes is None) != link:
        return "header: wants '//! error: CODE' (or '//@ link-fail') and '//! because: ...'", ""
    if link and expected:
        return "header: a link-fail case has no '//~' markers", ""
    if codes is not None and codes != {code for _, code in expected}:
        return "header: '//! error:' and the '//~' markers name different codes", ""
    if not twin.exists():
        return f"twin: {twin.name} is missing", ""
    apart = lines_apart(body(text), body(twin.read_text()))
    if apart != 1:
        return f"twin: {twin.name} is {apart} lines apart, wants 1", ""

    if link:
        errors, said, refers = compiler.object(fail)
        if errors or not refers:
            return f"accepted: the object does not refer to {BUILD_ERROR}", said
        errors, said, refers = compiler.object(twin)
        if refers:
            return f"twin: the object of {twin.name} refers to {BUILD_ERROR}", said
    else:
        errors, said = compiler.metadata(fail)
        if set(errors) != set(expected):
            if not errors:
                return "accepted: it compiles", said
            return f"wrong: wants {pretty(expected)}, got {pretty(errors)}", said
        why = wrong_text(text, said)
        if why:
            return why, said
        errors, said = compiler.metadata(twin)
    if errors:
        return f"twin: {twin.name} does not compile", said
    return None, said


def judge_accepted(compiler, source):
    """Why the case fails: it is refused, so that it is not out of reach any more."""
    if not header(source.read_text())[1]:
        return "header: wants '//! because: ...'", ""
    errors, said = compiler.metadata(source)
    return (f"refused: {pretty(errors)}" if errors else None), said


def judge_code(compiler, source):
    """Why the functions `ours` and `plain` are not as the name of the file says, and the difference."""
    codes, said = compiler.code(source, ("ours", "plain"))
    if codes is None:
        return "it does not compile", said
    ours, plain = codes
    if not ours or not plain:
        return "there is no code of 'ours' and 'plain'", ""
    apart = "\n".join(difflib.unified_diff(plain, ours, "plain", "ours", lineterm=""))
    if source.name.endswith(".same.rs"):
        return (f"'ours' has {len(ours)} lines of code, 'plain' has {len(plain)}" if apart else None), apart
    return (None if apart else "the code is the same"), ""


def pretty(errors):
    return ", ".join(f"{code} in line {line}" for line, code in sorted(set(errors)))


def cases(selected):
    found = sorted(p for p in HERE.glob("*/*.fail.rs") if p.parent.name != "self-test")
    orphans = [p for p in HERE.glob("*/*.pass.rs")
               if not p.with_name(p.name.replace(".pass.rs", ".fail.rs")).exists()]
    if orphans:
        raise Broken(f"{orphans[0].relative_to(TOP)} has no .fail.rs")
    found += sorted(p for p in HERE.glob("*/*.accepted.rs") if p.parent.name != "self-test")
    found += sorted(p for p in HERE.glob("*/*.rs") if p.name.endswith((".same.rs", ".differ.rs")))
    if selected:
        found = [p for p in found if any(part in title(p) for part in selected)]
        if not found:
            raise Broken(f"no case is called {' or '.join(selected)}")
    return found


def title(fail):
    return f"{fail.parent.name}/{fail.name.split('.', 1)[0]}"


# What the runner must not believe, and the beginning of what it must say.
SELF_TEST = {
    "compiles": "accepted:",
    "wrong_line": "wrong:",
    "wrong_code": "wrong:",
    "one_more_error": "wrong:",
    "twin_two_lines_apart": "twin:",
    "twin_is_the_same": "twin:",
    "twin_fails": "twin:",
    "twin_missing": "twin:",
    "no_reason": "header:",
    "wrong_text": "text:",
    "bad_text": "text:",
    "link_compiles": "accepted:",
    "link_twin_fails": "twin:",
    # Not a fault: shows that the mode accepts what it should.
    "link_good": None,
    "is_refused": "refused:",
}


def judge_of(source):
    """The judge for a file, by its name."""
    kind = source.name.split(".")[1]
    return {"fail": judge, "accepted": judge_accepted}.get(kind, judge_code)


def self_test(compiler, name):
    source = next((HERE / "self-test").glob(f"{name}.[fa]*.rs"))
    verdict, said = judge_of(source)(compiler, source)
    wanted = SELF_TEST[name]
    if (verdict is None) != (wanted is None) or verdict and not verdict.startswith(wanted):
        return f"the runner says '{verdict}', wants '{wanted}...'", said
    return None, said


def before(compiler):
    """The hazards against the plain kernel crate must compile: the language alone allows them."""
    source = HERE / "before.rs"
    if "#![forbid(unsafe_code)]" not in source.read_text().splitlines():
        return "before.rs does not forbid unsafe code", ""
    errors, said = compiler.metadata(source)
    return (f"before.rs is refused: {pretty(errors)}" if errors else None), said


def hazards():
    """The table of hazards in testing/README.md has all of them, and every case in it exists and is about its hazard."""
    text = (TOP / "testing/README.md").read_text()
    tests = {".".join(line.split()[:2]) for line in (TOP / "testing/kunit/manifest.txt").read_text().splitlines()}
    suites = {test.split(".")[0] for test in tests}
    wrong, found = [], []
    for row in re.findall(r"^\| (f\d\d) \|.*$", text, re.M):
        found.append(row)
    if found != [f"f{number:02}" for number in range(1, HAZARDS + 1)]:
        wrong.append(f"testing/README.md has the hazards {' '.join(found) or 'none'}, wants f01 to f{HAZARDS}")
    for line in text.splitlines():
        row = re.match(r"\| (f\d\d) \|.*\|([^|]*)\|$", line)
        if not row:
            continue
        for case in re.findall(r"`([a-z_]+/[a-z_]+)`", row[2]):
            source = next(HERE.glob(f"{case}.[fa]*.rs"), None)
            if not source:
                wrong.append(f"{row[1]}: there is no case {case}")
            elif not re.search(rf"^//! hazard:.* {row[1]}\b", source.read_text(), re.M):
                wrong.append(f"{row[1]}: {case} does not say '//! hazard: {row[1]}'")
        for area, script in re.findall(r"make selftests TEST=([a-z_]+):([a-z_]+\.sh)", row[2]):
            if not (TOP / "testing/selftests" / area / script).exists():
                wrong.append(f"{row[1]}: there is no selftest {area}:{script}")
        for test in re.findall(r"make kunit TEST=([a-z_.]+)", row[2]):
            if test not in tests and test not in suites:
                wrong.append(f"{row[1]}: there is no test {test} in testing/kunit/manifest.txt")
    return ("testing/README.md and the cases disagree" if wrong else None), "\n".join(wrong)


def main():
    arguments = sys.argv[1:]
    only_self = arguments == ["--self-test"]
    show = arguments[:1] == ["--show"]
    selected = [] if only_self else arguments[show:]
    if any(argument.startswith("-") for argument in selected):
        print("usage: tools/compile-fail [--self-test | --show] [CASE...]", file=sys.stderr)
        return 2
    begin = time.monotonic()
    compiler = Compiler()
    jobs = []
    if not selected:
        jobs += [(f"self-test/{name}", self_test, name) for name in SELF_TEST]
    if not selected and not only_self:
        jobs.append(("control/before", lambda c, _: before(c), None))
        jobs.append(("control/hazards", lambda _c, _: hazards(), None))
    if not only_self:
        jobs += [(title(case), judge_of(case), case) for case in cases(selected)]

    print(f"KTAP version 1\n1..{len(jobs)}")
    failed = 0
    workers = (os.cpu_count() or 1) + 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        results = pool.map(lambda job: job[1](compiler, job[2]), jobs)
        for number, ((name, _, case), (why, said)) in enumerate(zip(jobs, results), 1):
            if why is None:
                print(f"ok {number} {name}")
                if show:
                    print(compiler.metadata(case)[1], end="")
                continue
            failed += 1
            for line in [why, *said.splitlines()[:LAST_LINES]]:
                print(f"# {line}")
            own = "--self-test" if name.startswith("self-test/") else name
            again = "tools/compile-fail" if name.startswith("control/") else f"tools/compile-fail {own}"
            print(f"# repeat: {again}\nnot ok {number} {name}")
    print(f"# {time.monotonic() - begin:.1f} s")
    print(f"{len(jobs) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as error:
        print(f"tools/compile-fail: {error}", file=sys.stderr)
        print("0 passed, 1 failed, 0 skipped")
        sys.exit(1)
