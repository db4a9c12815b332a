# SPDX-License-Identifier: GPL-2.0
"""Looks for splats on the console of a guest.

The pattern is that of rcutorture's console-badness.sh plus what it leaves to
others (hung tasks, lockdep, KASAN, panics). What is let through stands in
console-allow.txt, each line with its reason; who has to cause a report, and which,
in console-expect.txt.
"""

import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))

BAD = re.compile(
    r"Badness|WARNING:|Warn|BUG|===========|Call [Tt]race:|Oops|detected stalls on CPUs/tasks:"
    r"|self-detected stall on CPU|Stall ended before state dump start"
    r"|\?\?\? Writer stall state|rcu_.*kthread starved for|!!!"
    r"|blocked for more than|INFO: task |INFO: possible|INFO: trying to register"
    r"|Kernel panic|general protection fault|Unable to handle|KASAN:|unreferenced object"
    r"|refcount_t:|soft lockup|workqueue lockup|debug_locks: 0"
)

# A stale translation of the emulator, not a fault of the kernel.
INT3 = re.compile(r"Oops: int3|int3: 0000")

# What stands between these two was asked for.
DUMP = re.compile(r"baton: (begin|end) of blocked tasks")

# What the guest says before each test.
RUNNING = re.compile(r"baton: running (\S+)")

# Between these two, a test of console-expect.txt causes its report.
MARK = re.compile(r"baton: (begin|end) of the expected report$")

# Besides the line that matters, a report has each of these once: the line above its heading, the trace.
FRAME = (re.compile(r"^(\[[ .0-9]*\] )?=+$"), re.compile(r"Call Trace:$"))


def listing(path):
    """The lines of a list; one without a reason is refused."""
    with open(path, encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            text, mark, reason = line.partition("# why:")
            if not mark or not reason.strip():
                raise SystemExit(f"{path}:{number}: a line without '# why:'")
            yield text.strip()


def allowed():
    """The patterns that are let through."""
    return [re.compile(line) for line in listing(os.path.join(HERE, "console-allow.txt"))]


def expected():
    """{test: pattern of the one report that it has to cause}."""
    pairs = (line.split(None, 1) for line in listing(os.path.join(HERE, "console-expect.txt")))
    return {test: re.compile(pattern) for test, pattern in pairs}


class Expectation:
    """Judges the marks of an expected report, and what stands between them."""

    def __init__(self, wanted):
        self.wanted = wanted        # {test: pattern}
        self.test = ""
        self.began = None           # the line of the mark, if it is open
        self.left = []              # what the report may still have
        self.came = False           # a report, in this boot

    def wrong(self, number, line):
        """Why this line fails the boot, whatever it says; nothing if it does not."""
        running, mark = RUNNING.search(line), MARK.search(line)
        if running:
            self.test = running[1]
            return "a test after a report: lockdep is off" if self.came or self.began else None
        if not mark:
            return None
        if mark[1] == "begin":
            if self.began or self.came or self.test not in self.wanted:
                return "no report is expected here"
            self.began = number
            self.left = [self.wanted[self.test], *FRAME]
            return None
        if not self.began:
            return "no report is expected here"
        self.began = None
        return None if self.came else "the expected report did not come"

    def takes(self, line):
        """Whether a bad line is part of the report; each part comes once."""
        if not self.began:
            return False
        for pattern in self.left:
            if pattern.search(line):
                self.came = self.came or pattern is self.wanted[self.test]
                self.left.remove(pattern)
                return True
        return False


def splats(text, patterns=None, wanted=None):
    """The bad lines, as (line number from 1, line).

    What the guest printed itself to say who waits (guest/lib.sh: who_waits) is
    left out: it has call traces, and is reported as a timeout.
    """
    patterns = allowed() if patterns is None else patterns
    expectation = Expectation(expected() if wanted is None else wanted)
    found = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if DUMP.search(line):
            inside = DUMP.search(line)[1] == "begin"
        if inside:
            continue
        why = expectation.wrong(number, line)
        if why:
            found.append((number, f"{line.strip()}: {why}"))
        if BAD.search(line) and not any(p.search(line) for p in patterns) and not expectation.takes(line):
            found.append((number, line.strip()))
    if expectation.began:
        found.append((expectation.began, "the expected report has no end"))
    return found


def dump(text):
    """What the guest printed itself to say who waits."""
    found, inside = [], False
    for line in text.splitlines():
        mark = DUMP.search(line)
        inside = mark[1] == "begin" if mark else inside
        if inside and not mark:
            found.append(line)
    return found


def excerpt(text, splat, before=2, after=25):
    """The lines around the first splat, for a report."""
    lines = text.splitlines()
    at = splat[0] - 1
    return "\n".join(lines[max(0, at - before):at + after])
