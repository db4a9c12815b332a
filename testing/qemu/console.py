# SPDX-License-Identifier: GPL-2.0
"""Looks for splats on the console of a guest.

The pattern is that of rcutorture's console-badness.sh plus what it leaves to
others (hung tasks, lockdep, KASAN, panics). What is let through stands in
console-allow.txt, each line with its reason.
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


def allowed(path=os.path.join(HERE, "console-allow.txt")):
    """The patterns that are let through. A line without a reason is refused."""
    patterns = []
    with open(path, encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            pattern, mark, reason = line.partition("# why:")
            if not mark or not reason.strip():
                raise SystemExit(f"{path}:{number}: a pattern without '# why:'")
            patterns.append(re.compile(pattern.strip()))
    return patterns


def splats(text, patterns=None):
    """The bad lines, as (line number from 1, line).

    What the guest printed itself to say who waits (guest/lib.sh: who_waits) is
    left out: it has call traces, and is reported as a timeout.
    """
    patterns = allowed() if patterns is None else patterns
    found = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if DUMP.search(line):
            inside = DUMP.search(line)[1] == "begin"
        if inside:
            continue
        if BAD.search(line) and not any(p.search(line) for p in patterns):
            found.append((number, line.strip()))
    return found


def excerpt(text, splat, before=2, after=25):
    """The lines around the first splat, for a report."""
    lines = text.splitlines()
    at = splat[0] - 1
    return "\n".join(lines[max(0, at - before):at + after])
