# SPDX-License-Identifier: GPL-2.0
"""The cases that there are, as far as the sources say so: (layer, suite, name) of each.

testing/guarantees.txt is compared with it. Where only a script or a suite is known, one name stands for
all of its cases.
"""

import glob
import os
import re
import sys
import tomllib

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TESTING = os.path.join(TOP, "testing")
sys.path[:0] = [path for path in (os.path.join(TESTING, "torture"),) if path not in sys.path]

import scenarios

# What a layer says of itself: tools/ktap, tools/report, the boots.
OF_LAYERS = ("layer", "command", "summary", "output.log", "boot-1", "boot-1 while PLAIN")
# What testing/compile-fail/run.py and tools/intree have besides their files.
CONTROLS = ("before", "hazards")
SEEDS = ("xfs", "dax", "md", "dio", "bcache")
SERIES = ("rules_and_anchors", "a_wrong_anchor_is_refused", "the_series_is_written", "git_am_takes_it", "the_series_compiles_in_tree")


def text_of(*path):
    with open(os.path.join(*path), encoding="utf-8") as stream:
        return stream.read()


def stems(pattern):
    """The names of these files, up to the first dot."""
    return sorted(os.path.basename(path).partition(".")[0] for path in glob.glob(os.path.join(TESTING, pattern)))


def model_families():
    """{case: family} of the model; a fault is "fault.NAME"."""
    sources = {}
    for path in glob.glob(os.path.join(TESTING, "model", "src", "*.rs")):
        sources[os.path.basename(path)] = re.findall(r'Case::(?:explore|bounded|stress)\(\s*"(\w+)"', text_of(path))
    # build.rs says which file a module is: ("phases_cases", "testing/model/src/phases_cases.rs").
    modules = dict(re.findall(r'\("(\w+)", "testing/model/src/([\w.]+)"\)', text_of(TESTING, "model", "build.rs")))
    found = {}
    for path in glob.glob(os.path.join(TESTING, "model", "families", "*", "faults.rs")):
        family, text = os.path.basename(os.path.dirname(path)), text_of(path)
        listed = re.search(r"const CASES: &\[&str\] = &\[(.*?)\];", text, re.S)
        for module in re.findall(r'"(\w+)"', listed[1] if listed else ""):
            found.update({name: family for name in sources.get(modules.get(module, module + ".rs"), ())})
        found.update({f"fault.{name}": family for name in re.findall(r'^        name: "(\w+)"', text, re.M)})
    return found


def kunit():
    for line in text_of(TESTING, "kunit", "manifest.txt").splitlines():
        words = line.partition("#")[0].lstrip("! ").split()
        if len(words) > 1:
            yield "kunit-uml", words[0], words[1]
    # testing/kunit/edges.py has one for each line of lockdep-edges.txt.
    yield "kunit-debug", "-", "lockdep: edge from a to b"
    # tools/doc_examples.py makes these.
    yield "kunit-uml", "baton_doc", "x"


def torture():
    rows = scenarios.table()
    for name in (*scenarios.lines("CFLIST"), *scenarios.CONTROLS):
        yield from (("torture", name, row.name) for row in scenarios.read(name).rows(rows))
        yield "torture", name, "*"
        yield "torture", name, "boot-1 while " + name
    yield "torture", "JITTER", "stops"


def mutants():
    for path in glob.glob(os.path.join(TESTING, "mutants", "*.toml")):
        area = os.path.basename(path).removesuffix(".toml")
        yield from (("mutants", area, entry["name"]) for entry in tomllib.loads(text_of(path)).get("mutant", ()))
    for line in text_of(TESTING, "torture", "mutants.txt").splitlines():
        words = line.partition("#")[0].split()
        if words:
            yield "mutants-torture", words[0], words[1]
    # What they are says cargo-mutants; see testing/mutants/host.py.
    yield from (("mutants-host", family, "a mutant") for family in sorted(set(model_families().values())))


def scripts(layer, area):
    """One case of each script of an area of the selftests."""
    listed = re.findall(r"^TEST_PROGS .*$", text_of(TESTING, "selftests", area, "Makefile"), re.M)
    wanted = re.findall(r"\b[\w-]+\.sh\b", "\n".join(listed))
    yield from ((layer, area, f"{name}: a case") for name in wanted if name != "busted.sh")
    # testing/selftests/blk/blk.sh ends each with these.
    yield from ((layer, area, f"load.sh: {end}") for end in ("the module can be unloaded", "the kernel did not complain"))
    # The scenarios of the seeds, in each way; and the fixes taken for bugs.
    for seed in sorted(SEEDS) if area == "bugs" else ():
        yield from ((layer, area, f"{seed}.sh: {seed}.x.{way}") for way in ("c_buggy", "c_fixed", "rust"))
        yield layer, area, f"busted.sh: {seed} inverted"


def known(checks=()):
    """All of them. `checks` are the names of the rules, which only tools/check.py has."""
    found = [("check", "-", name) for name in checks]
    for folder in sorted(glob.glob(os.path.join(TESTING, "compile-fail", "*", ""))):
        area = os.path.basename(os.path.dirname(folder))
        names = {os.path.basename(path).split(".")[0] for kind in ("fail", "accepted", "same", "differ")
                 for path in glob.glob(os.path.join(folder, f"*.{kind}.rs"))}
        found += [("compile-fail", area, name) for name in sorted(names)]
    found += [("compile-fail", "control", name) for name in CONTROLS]
    for name in stems("litmus/*.litmus"):
        found += [("litmus", name, "with"), ("litmus", name, "without_A")]
    found.append(("litmus", "controls", "no_answer"))
    found += [("model", family, name) for name, family in sorted(model_families().items())]
    programs = [line.strip() for line in text_of(TESTING, "fuzz", "programs.txt").splitlines() if line.strip() and line[0] != "#"]
    found += [("fuzz", "host", f"kept.{line}") for line in programs]
    for primitive in sorted({line.split()[0] for line in programs}):
        found += [("fuzz", "host", name) for name in (primitive, f"guest.{primitive}", f"fault.{primitive}.x")]
    found += [*kunit(), *torture(), *mutants()]
    for makefile in sorted(glob.glob(os.path.join(TESTING, "selftests", "*", "Makefile"))):
        found += scripts("selftests", os.path.basename(os.path.dirname(makefile)))
    found += [("outside", f"{name}.sh", "a case") for name in stems("selftests/outside/*.sh") if name != "lib"]
    found += [("intree", "-", name) for name in SERIES] + [("bench", "a case", "in a way"), ("coverage", "a file", "a function")]
    # Of each layer what it says of itself.
    found += [(layer, "-", name) for layer in sorted({layer for layer, _, _ in found}) for name in OF_LAYERS]
    return found
