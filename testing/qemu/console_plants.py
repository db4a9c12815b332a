# SPDX-License-Identifier: GPL-2.0
"""Positive control of console.py: planted consoles, and the lines that have to fail the boot.

Prints what is found wrongly, and ends with status 1 if anything is. Run by tools/check.
"""

import re
import sys

sys.dont_write_bytecode = True

import console

WANTED = {"bugs:a.sh": re.compile("WARNING: possible circular locking dependency detected$")}
RUNS, OTHER = "[    1.0] baton: running bugs:a.sh", "[    1.0] baton: running bugs:b.sh"
BEGIN = "[    2.0] baton: begin of the expected report"
END = "[    4.0] baton: end of the expected report"
# As bugs:md_lockdep.sh caused it, without what no pattern matches.
REPORT = [
    "[    3.1] ======================================================",
    "[    3.2] WARNING: possible circular locking dependency detected",
    "[    3.3] ------------------------------------------------------",
    "[    3.4]  *** DEADLOCK ***",
    "[    3.5] Call Trace:",
    "[    3.6]  <TASK>",
]
SLEEPS = "[    3.7] BUG: sleeping function called from invalid context at a.c:1"
RECURSIVE = "[    3.7] WARNING: possible recursive locking detected"

# What is planted, the console, the lines that must be found.
PLANTS = [
    ("nothing", [RUNS, "[    2.0] a line"], []),
    ("the report, expected", [RUNS, BEGIN, *REPORT, END], []),
    ("the report, not expected", [RUNS, *REPORT], [2, 3, 6]),
    ("the report after the marks", [RUNS, BEGIN, *REPORT, END, *REPORT], [10, 11, 14]),
    ("the report before the marks", [RUNS, *REPORT, BEGIN, END], [2, 3, 6, 9]),
    ("two reports", [RUNS, BEGIN, *REPORT, *REPORT, END], [9, 10, 13]),
    ("no report", [RUNS, BEGIN, END], [3]),
    ("another report", [RUNS, BEGIN, RECURSIVE, END], [3, 4]),
    ("one report more, of another kind", [RUNS, BEGIN, *REPORT, SLEEPS, END], [9]),
    ("marks of a test that may not", [OTHER, BEGIN, *REPORT, END], [2, 3, 4, 7, 9]),
    ("marks of nobody", [BEGIN, *REPORT, END], [1, 2, 3, 6, 8]),
    ("marks twice", [RUNS, BEGIN, *REPORT, END, BEGIN, *REPORT, END], [10, 11, 12, 15, 17]),
    ("no end", [RUNS, BEGIN, *REPORT], [2]),
    ("a test after it", [RUNS, BEGIN, *REPORT, END, OTHER], [10]),
    ("a test in it", [RUNS, BEGIN, *REPORT, OTHER, END], [9]),
    ("a splat in the list of blocked tasks, which was asked for",
     ["baton: begin of blocked tasks", "Call Trace:", "baton: end of blocked tasks"], []),
]


def main():
    wrong = 0
    for name, lines, wanted in PLANTS:
        found = sorted({number for number, _ in console.splats("\n".join(lines), wanted=WANTED)})
        if found != wanted:
            wrong += 1
            print(f"testing/qemu/console.py: planted {name}: finds lines {found}, wants {wanted}")
    console.expected()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
