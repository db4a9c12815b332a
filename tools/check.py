# SPDX-License-Identifier: GPL-2.0
"""Runs the checks of tools/check and prints KTAP."""

import os
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TOP, folder) for folder in ("tools", "testing/qemu", "testing/litmus")]

import api
import check_imports
import check_readmes
import check_rules
import doc
import doc_examples
import from_c
import library_map
import orderings_plants
import patience
import report_guarantees
import report_plants
import report_splat_plants
import rust_analyzer

# Rules of the kernel's checkpatch that a file here breaks for a reason.
CHECKPATCH_IGNORED = ",".join((
    "EMBEDDED_FILENAME",            # exports.c names the file of the kernel that it imitates
    "EXPORT_SYMBOL",                # exports.c has the macro that the generated list uses
    "MACRO_WITH_FLOW_CONTROL",      # bench: a case returns from its function
    "NAKED_SSCANF",                 # bench: the caller checks the count
    "YIELD",                        # bench: who has a contended entry lets others run, once
))


def sources():
    """Every file of the tree but what is generated. The builder root has no git."""
    found = []
    for parent, directories, files in os.walk(TOP):
        if parent == TOP:
            directories[:] = [name for name in directories if name not in ("out", ".git")]
        directories[:] = sorted(name for name in directories if name not in ("__pycache__", "target"))
        found += [os.path.relpath(os.path.join(parent, name), TOP) for name in sorted(files) if name != ".git"]
    return found


def text_of(name):
    with open(os.path.join(TOP, name), encoding="utf-8", errors="replace") as stream:
        return stream.read()


def command(*words, **keywords):
    """What the command complains about; nothing if it succeeds."""
    done = subprocess.run(words, cwd=TOP, capture_output=True, text=True, **keywords)
    if done.returncode == 0:
        return []
    return (done.stdout + done.stderr).splitlines() or [f"{words[0]}: status {done.returncode}"]


def first_line_of(name):
    return text_of(name).partition("\n")[0]


def is_shell(name):
    return name.endswith(".sh") or first_line_of(name).startswith(("#!/bin/sh", "#!/bin/bash", "#!/bin/busybox sh"))


def is_python(name):
    return name.endswith(".py") or first_line_of(name).startswith("#!/usr/bin/env python3")


def rustfmt(files):
    return command("rustfmt", "--check", "--edition", "2021", *[name for name in files if name.endswith(".rs")])


def clippy(_files):
    """Warnings too: a clean build is silent. In an output of its own, and from
    scratch, because what is up to date does not warn again. Nothing of it is run: there is
    no code in it, so modpost only warns of what it misses."""
    output = os.path.join(TOP, "out", "clippy")
    shutil.rmtree(output, ignore_errors=True)
    done = subprocess.run(["nice", "-n", "5", os.path.join(TOP, "tools", "build"), "test", f"MO={output}", "CLIPPY=1",
                           f"CLIPPY_DRIVER={os.path.join(TOP, 'tools', 'clippy-driver')}", "KBUILD_MODPOST_WARN=1"],
                          cwd=TOP, capture_output=True, text=True)
    said = (done.stdout + done.stderr).splitlines()
    kept, keep = [], False
    for line in said:
        # A message ends with an empty line; the rule that it names is in its last lines.
        keep = line.startswith(("warning:", "error")) and "emitted" not in line or keep and bool(line.strip())
        if keep:
            kept.append(line)
    return kept or (said[-40:] if done.returncode else [])


def shellcheck(files):
    return command("shellcheck", "-x", *[name for name in files if is_shell(name)])


def checkpatch(files):
    """The kernel's own opinion of C; it has none of Rust."""
    source = os.environ["LINUX_SOURCE"]
    said = command("perl", os.path.join(source, "scripts", "checkpatch.pl"), "--no-tree", "--terse", "--quiet",
                   "--show-types", "--ignore", CHECKPATCH_IGNORED, "-f",
                   *[name for name in files if name.endswith((".c", ".h"))])
    return [line for line in said if not line.startswith("total:")]


def python(files):
    """Syntax only."""
    wrong = []
    for name in files:
        if is_python(name):
            try:
                compile(text_of(name), name, "exec")
            except SyntaxError as error:
                wrong.append(f"{name}:{error.lineno}: {error.msg}")
    return wrong


def console(_files):
    """A splat that was not expected, and one that was and did not come, fail a boot."""
    return command("python3", "-B", os.path.join("testing", "qemu", "console_plants.py"))


def spelling(files):
    return command("codespell", "--builtin", "clear,rare", "--ignore-words-list", "crate,inout,lockin", *[
        name for name in files if name.endswith((".md", ".rs", ".c", ".h", ".sh", ".py", ".txt", ".fragment"))])


def licence(files):
    wanted = (".rs", ".c", ".h", ".sh", ".py", ".fragment")
    return [f"{name}: the first lines have no SPDX-License-Identifier" for name in files
            if (name.endswith(wanted) or is_shell(name) or is_python(name))
            and "SPDX-License-Identifier:" not in "".join(text_of(name).splitlines(True)[:2])]


def bench(_files):
    """What the benchmark compares and adds up, with planted reports."""
    return command("python3", "-B", os.path.join("testing", "bench", "plants.py"))


def coverage(_files):
    """What the coverage concludes from what was counted, with planted bytes and sources."""
    return command("python3", "-B", os.path.join("testing", "coverage", "plants.py"))


def clock(_files):
    """Deadlines grow on a busy machine, and are still there."""
    return patience.check()


def imports(_files):
    """No two files of rust/ import each other in a circle."""
    return check_imports.check(check_imports.read(os.path.join(TOP, "rust")))


def examples(_files):
    """The examples of the documentation are found; the KUnit layer compiles and runs them."""
    return doc_examples.check()


def library(_files):
    """rust/README.md has a line for each file of the library, as the file says it."""
    return library_map.check()


def interface(_files):
    """What may sleep asks for the capability, and the documentation says what tools/api collects."""
    return api.check(check_imports.read(os.path.join(TOP, "rust")))


def refusals(_files):
    """What cannot be built against is refused with a sentence, and leaves nothing behind."""
    return command(os.path.join("testing", "refusals", "run"))


def kernels(_files):
    """The table of the README is made from what the tools refuse by."""
    return command(os.path.join("tools", "kernels"), "readme", "README.md")


def from_c_table(_files):
    """Each macro of the kernel's headers of waits has a row in samples/README.md, whose program KUnit runs."""
    return from_c.check(os.environ["LINUX_SOURCE"])


def torture(_files):
    """Each wait of the library is in a row of the torture, and each row has found a fault."""
    return (command("python3", "-B", os.path.join("testing", "torture", "waits.py"))
            + command("python3", "-B", os.path.join("testing", "mutants", "torture.py"), "--check"))


def mutants(_files):
    """Each mutant has its text once where it says, and a test that is there."""
    return (command("python3", "-B", os.path.join("testing", "mutants", "lists.py"))
            + command("python3", "-B", os.path.join("testing", "mutants", "host.py"), "--check"))


def orders(_files):
    """Each barrier has the same order in the source, in its litmus tests and in the model; what has no letter is listed."""
    return orderings_plants.check(os.environ["LINUX_SOURCE"])


def guarantees(_files):
    """Each case that the sources say there is speaks for a guarantee or, with a reason, for none; no line is dead."""
    return report_guarantees.check(CASES)


def merged(_files):
    """What 'make report' makes of planted results, and of a planted trace of a module."""
    return report_plants.check() + report_splat_plants.check()


def targets(text):
    """The targets of a Makefile."""
    return {name for line in re.findall(r"^\.PHONY:(.*)$", text, re.M) for name in line.split()}


def targets_without_help(text):
    """What 'make help' does not show of a Makefile, or shows and is not there; and the targets in no group."""
    phony = targets(text)
    shown = set(re.findall(r"^([a-z-]+):[ \t]*## ", text.partition("##@ ")[2], re.M))
    return ([f"'make {name}' is not in make help, under a group (##@)" for name in sorted(phony - shown)]
            + [f"'make {name}' is in make help, and not in .PHONY" for name in sorted(shown - phony)]
            + [f"a rule of the Makefile runs {tool}, which is not there"
               for tool in sorted(set(re.findall(r"^\t@(tools/[\w-]+)", text, re.M)))
               if not os.path.exists(os.path.join(TOP, tool))])


HELP_PLANT = """\
.PHONY: a b
.PHONY: c
a:	## above the groups
##@ Group
b:	## shown
	@tools/no-such-tool
d:	## not a target
"""
HELP_PLANTED = ["'make a' is not in make help, under a group (##@)", "'make c' is not in make help, under a group (##@)",
                "'make d' is in make help, and not in .PHONY",
                "a rule of the Makefile runs tools/no-such-tool, which is not there"]


def make_help(_files):
    """Every target is in 'make help', in a group."""
    found = targets_without_help(HELP_PLANT)
    if found != HELP_PLANTED:
        return [f"the check finds {found} in the planted Makefile, wants {HELP_PLANTED}"]
    return targets_without_help(text_of("Makefile"))


def readmes(files):
    """What a README names is there: files, headings, targets, tools."""
    return check_readmes.check(TOP, files, targets(text_of("Makefile")))


def documentation(_files):
    """rustdoc renders the library without a warning, and every link leads somewhere."""
    return doc.check()


def editors(_files):
    """What tools/rust-analyzer writes names files that exist, and every crate of this checkout."""
    return rust_analyzer.check()


def rule(name, say, find, plants):
    def check(files):
        return check_rules.check(name, find, say, plants,
                                 [check_rules.Source(file, text_of(file)) for file in files])
    return check


CASES = {
    "licence": licence, "rustfmt": rustfmt, "shellcheck": shellcheck, "checkpatch": checkpatch,
    "python": python, "help": make_help, "readmes": readmes, "console": console, "bench": bench, "coverage": coverage, "patience": clock,
    "imports": imports, "examples": examples, "api": interface, "map": library, "spelling": spelling,
    "from-c": from_c_table, "mutants": mutants, "torture": torture, "orderings": orders, "kernels": kernels, "refusals": refusals,
    "guarantees": guarantees, "report": merged,
    **{f"boundary-{each[0]}": rule(*each) for each in check_rules.RULES}, "clippy": clippy,
    # Takes its flags from the build for clippy, if there is no other.
    "doc": documentation, "rust-analyzer": editors,
}


def main():
    chosen = sys.argv[1:] or list(CASES)
    unknown = [name for name in chosen if name not in CASES]
    if unknown:
        print(f"check: there is no case '{unknown[0]}'; there are: {' '.join(CASES)}", file=sys.stderr)
        return 2
    files = sources()
    failed = 0
    print("KTAP version 1")
    print(f"1..{len(chosen)}")
    for number, name in enumerate(chosen, 1):
        begin = time.monotonic()
        wrong = CASES[name](files)
        for line in wrong[:40]:
            print(f"# {line}")
        if wrong:
            failed += 1
            print(f"# again: tools/check {name}")
        print(f"{'not ok' if wrong else 'ok'} {number} {name} # {time.monotonic() - begin:.1f} s", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
