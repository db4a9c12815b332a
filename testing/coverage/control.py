# SPDX-License-Identifier: GPL-2.0
"""Compares what was counted in control.rs and coverage.c with what stands there."""

import re

import regions

FILE = "testing/coverage/control.rs"
FILES = FILE, "testing/coverage/coverage.c"
WORDS = re.compile(r"(?://|/\*) (\? )?(not )?reached(?: \*/)?$")


def wanted(lines):
    """{line: (whether it is about the '?', whether that is reached)}."""
    found = {}
    for number, line in enumerate(lines, 1):
        match = WORDS.search(line)
        if match and not line.lstrip().startswith("//"):
            found[number] = bool(match[1]), not match[2]
    return found


def wrong(covered, sources, file):
    """[(line, what is wrong)] of all that is said there; and how many lines say something."""
    found, said = [], wanted(sources.lines(file))
    counts = covered.counts.get(file, {})
    for line, (operator, reached) in said.items():
        here = [region for region in counts if region[0] <= line <= region[2]
                and (sources.text(file, region) == "?") == operator]
        if not here:
            found.append((line, "nothing is counted there"))
        elif any((counts[region] > 0) != reached for region in here):
            found.append((line, f"is {'not ' if reached else ''}counted as reached"))
    return found, len(said)


def functions_wrong(covered):
    """What is wrong about functions: one that nobody calls is not reached, one that is called is."""
    reached = {function.name.rpartition("::")[2]: any(covered.reached(FILE, region) for region in function.regions)
               for function in covered.functions.values() if function.file == FILE}
    wants = {"never_called": False, "never_instantiated": False, "inlined": True, "fails": True, "called": True}
    return [f"{name} is {'missing' if name not in reached else 'reached' if reached[name] else 'not reached'}"
            for name, want in wants.items() if reached.get(name) != want]


def take_out(covered):
    """The control is in no report."""
    for file in FILES:
        covered.hashes.pop(file, None)
        covered.counts.pop(file, None)
    for key in [key for key in covered.functions if key[0] in FILES]:
        del covered.functions[key]


regions.SCOPE += FILES
