# SPDX-License-Identifier: GPL-2.0
"""Reads KTAP as the layers write it, nested or flattened.

A KTAP document nests by indentation. kselftest's runner flattens what a test
printed by prefixing "# ", one level per runner; such lines are taken out of
the comments again and parsed as the children of the result that follows.
"""

import dataclasses
import re

VERSION = re.compile(r"^(?:KTAP version \d+|TAP version 1[34])\s*$")
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*SKIP\s*(?P<reason>.*))?\s*$", re.IGNORECASE)
RESULT = re.compile(
    r"^(?P<no>not )?ok (?P<number>\d+)\s*-?\s*(?P<name>.*?)"
    r"(?:\s*#\s*(?P<directive>SKIP|XFAIL|TODO|TIMEOUT|ERROR)\b\s*(?P<reason>.*))?\s*$", re.IGNORECASE)
SUBTEST = re.compile(r"^# Subtest: (.*)$")


@dataclasses.dataclass
class Test:
    """One result line and what stood above it."""

    name: str
    status: str                     # pass, fail, skip
    reason: str = ""
    log: list = dataclasses.field(default_factory=list)
    children: list = dataclasses.field(default_factory=list)

    def leaves(self, path=()):
        """(path of names, test) of every test that has no tests inside it."""
        here = path + (self.name,)
        if not self.children:
            yield here, self
            return
        for child in self.children:
            yield from child.leaves(here)
        # A parent that failed although no child did: the exit status of a
        # script, a failed suite_init.
        if self.status == "fail" and not any(t.status == "fail" for _, t in self.inner()):
            yield here, self

    def inner(self):
        for child in self.children:
            yield from child.leaves()


@dataclasses.dataclass
class Document:
    """All results at one level."""

    tests: list = dataclasses.field(default_factory=list)
    planned: int | None = None
    skipped: str = ""               # reason, for a plan of 1..0 # SKIP
    name: str = ""
    log: list = dataclasses.field(default_factory=list)

    @property
    def missing(self):
        """Planned, but without a result."""
        return max(0, (self.planned or 0) - len(self.tests))


def parse(text):
    """The first document in `text`, empty if there is none."""
    documents = parse_all(text)
    return documents[0] if documents else Document()


def parse_all(text):
    """The documents in `text`, one after the other; what stands before the first is ignored."""
    lines = [line.rstrip("\r") for line in text.splitlines()]
    starts = [number for number, line in enumerate(lines) if VERSION.match(line)]
    ends = starts[1:] + [len(lines)]
    return [_level(lines[start + 1:end]) for start, end in zip(starts, ends)]


def status_of(match):
    directive = (match["directive"] or "").upper()
    if directive == "SKIP":
        return "skip"
    if directive in ("XFAIL", "TODO"):
        return "pass"
    return "fail" if match["no"] or directive == "TIMEOUT" else "pass"


def _level(lines):
    document = Document()
    pending = []
    for line in lines:
        if line.startswith("    "):
            pending.append(line)
            continue
        subtest = SUBTEST.match(line)
        if subtest and not document.name and document.planned is None:
            document.name = subtest[1].strip()
            continue
        plan = PLAN.match(line)
        if plan and document.planned is None:
            document.planned = int(plan[1])
            document.skipped = plan["reason"] or ""
            continue
        result = RESULT.match(line)
        if not result:
            pending.append(line)
            continue
        document.tests.append(_test(result, pending))
        pending = []
    document.log = pending
    # Results of a test that never got its own line: the guest died in it.
    inner = _inside(pending)
    if inner and inner.tests:
        document.tests.append(Test(inner.name or "?", "fail", "ended without a result", pending, inner.tests))
    return document


def _test(result, above):
    status = status_of(result)
    # What stands behind a "#" that is no directive says more about the result, e.g. "# exit=1".
    name, _, remark = result["name"].strip().partition(" # ")
    reason = (result["reason"] or "").strip() or remark.strip()
    test = Test(name.strip() or f"test {result['number']}", status, reason, above)
    if (result["directive"] or "").upper() == "TIMEOUT":
        test.reason = f"time limit: {test.reason}"
    inner = _inside(above)
    if inner:
        test.children = inner.tests
        if inner.skipped and not inner.tests and status != "fail":
            test.status, test.reason = "skip", inner.skipped
        if inner.missing and inner.planned:
            test.children.append(Test("plan", "fail", f"{inner.planned} planned, {len(inner.tests)} reported", above[-20:]))
    return test


def _inside(above):
    """The document nested in the lines above a result, by either convention."""
    indented = [line[4:] for line in above if line.startswith("    ")]
    unprefixed = [line[2:] if line.startswith("# ") else line[1:] for line in above if line.startswith("#")]
    for candidate in (indented, unprefixed):
        for start, line in enumerate(candidate):
            if VERSION.match(line) or SUBTEST.match(line):
                rest = candidate[start:]
                return _level(rest[1:] if VERSION.match(line) else rest)
    return None
