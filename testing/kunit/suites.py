# SPDX-License-Identifier: GPL-2.0
"""What a KUnit suite has said: read by the kernel's own parser, tools/testing/kunit.

A suite that did not come to its end has fewer results than its plan. Of one that
hangs, debugfs has what it has so far; of one that took the guest with it, the
console has. (The kselftest layer keeps a parser of ours, tools/ktap_parser.py:
the kernel's takes a result that a runner has prefixed with "# " for a comment.)
"""

import dataclasses
import glob
import os
import re
import sys

STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ")
SUBTEST = re.compile(r"^    # Subtest: (\S+)$")
# The function that #[kunit_tests] makes of a test, in a stack trace.
WRAPPER = re.compile(r"kunit_rust_wrapper_(\w+?)\+0x")


@dataclasses.dataclass
class Result:
    name: str
    status: str                     # pass, fail, skip
    reason: str
    log: list


@dataclasses.dataclass
class Suite:
    """The results of a suite, in the order of its tests."""

    name: str
    planned: int
    results: list
    failed: bool = False            # the suite itself, although no test of it did

    @property
    def ended(self):
        return len(self.results) >= self.planned


class Parser:
    """The kernel's parser, from its source tree."""

    def __init__(self, linux):
        sys.path.append(os.path.join(linux, "tools", "testing", "kunit"))
        import kunit_parser
        import kunit_printer
        self._parser, self._printer = kunit_parser, kunit_printer.null_printer

    def suites(self, text):
        """The suites of one document."""
        top = self._parser.parse_run_tests(text.splitlines(), self._printer)
        return [self._suite(test) for test in top.subtests if test.name]

    def _suite(self, test):
        # What is planned and has no result is a subtest without a name.
        results = [self._result(inner) for inner in test.subtests if inner.name]
        planned = max(test.expected_count or 0, len(results))
        failed = (test.status == self._parser.TestStatus.FAILURE and len(results) >= planned
                  and all(result.status != "fail" for result in results))
        return Suite(test.name, planned, results, failed)

    def _result(self, test):
        kinds = self._parser.TestStatus
        status = {kinds.SUCCESS: "pass", kinds.SKIPPED: "skip"}.get(test.status, "fail")
        return Result(test.name, status, test.skip_reason, list(test.log))

    def unfinished(self, console):
        """The suite that was running when the console ended, or None."""
        lines = [STAMP.sub("", line.rstrip("\r")) for line in console.splitlines()]
        starts = [number for number, line in enumerate(lines) if SUBTEST.match(line)]
        if not starts:
            return None
        rest = lines[starts[-1]:]
        name = SUBTEST.match(rest[0])[1]
        if any(re.match(rf"^(not )?ok \d+ {name}\b", line) for line in rest):
            return None
        # Among its results stands what the kernel has to say; only they are wanted.
        wanted = re.compile(r"^    (# Subtest: |1\.\.\d+$|(not )?ok \d+ |# \w+: )")
        kept = [line for line in rest if wanted.match(line)]
        found = self.suites("\n".join(["KTAP version 1", "1..1", "    KTAP version 1", *kept, f"not ok 1 {name}"]))
        return found[0] if found else Suite(name, 1, [])


def order(*folders):
    """{suite: its tests in the order in which they run, which is that of the source}."""
    found = {}
    for folder in folders:
        for path in sorted(glob.glob(os.path.join(folder, "**", "*.rs"), recursive=True)):
            with open(path, encoding="utf-8") as stream:
                parts = re.split(r"#\[kunit_tests\((\w+)\)\]", stream.read())
            for suite, body in zip(parts[1::2], parts[2::2]):
                found[suite] = re.findall(r"#\[test\]\s+(?:#\[[^\n]*\n\s*)*fn (\w+)", body)
    return found


def running(text):
    """The test whose function is in the first stack trace of `text`, or ""."""
    found = WRAPPER.search(text)
    return found[1] if found else ""
