# SPDX-License-Identifier: GPL-2.0
"""The results of one layer as a list of cases, judged the same for every layer.

A skip is a failure unless testing/skips.txt lists it with a reason; a case of
the manifest without a result is a failure; a positive control that passes is
a failure.
"""

import dataclasses
import fnmatch
import json
import os
import re
import sys

LAST_LINES = 15


@dataclasses.dataclass
class Case:
    """One line of the final table."""

    layer: str
    suite: str
    name: str
    status: str                     # pass, fail, skip
    reason: str = ""
    log: list = dataclasses.field(default_factory=list)
    repeat: str = ""                # the command that runs just this case
    control: bool = False           # a positive control: its failure was required

    @property
    def title(self):
        return f"{self.suite}: {self.name}" if self.suite else self.name


def from_documents(layer, documents, repeat):
    """Cases of KTAP documents. `repeat(suite, name)` is the command for one case."""
    cases = []
    for origin, document in documents:
        if document.skipped and not document.tests:
            cases.append(Case(layer, "", origin, "skip", document.skipped))
        for test in document.tests:
            for path, leaf in test.leaves():
                suite, name = names(path)
                cases.append(Case(layer, suite, name, leaf.status, leaf.reason,
                                  leaf.log[-LAST_LINES:], repeat(suite, name)))
        if document.missing:
            cases.append(Case(layer, document.name, origin, "fail",
                              f"ended early: {document.planned} planned, {len(document.tests)} reported",
                              document.log[-LAST_LINES:], repeat(document.name, origin)))
        if document.planned is None and not document.tests:
            cases.append(Case(layer, "", origin, "fail", "no KTAP in it"))
    return cases


def names(path):
    """kselftest says "selftests: blk: a.sh"; that is area "blk", test "a.sh"."""
    match = re.match(r"selftests: ([^:]+): (.*)$", path[0])
    if match:
        path = (match[1], match[2]) + path[1:]
    if len(path) == 1:
        return "", path[0]
    return path[0], ": ".join(path[1:])


def read_listing(path, what):
    """Lines of a listing without comments, as (line number, text, reason)."""
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            text, mark, reason = line.partition("# why:")
            if not mark:
                text = line.partition("#")[0]
            if text.strip():
                if what == "skips" and not reason.strip():
                    sys.exit(f"{path}:{number}: a skip without '# why:'")
                yield number, text.strip(), reason.strip()


def judge_skips(cases, path):
    """testing/skips.txt: `LAYER SUITE NAME  # why: reason`, shell patterns allowed."""
    allowed = []
    for number, text, reason in read_listing(path, "skips"):
        fields = text.split(None, 2)
        if len(fields) != 3:
            sys.exit(f"{path}:{number}: want 'LAYER SUITE NAME  # why: reason', got '{text}'")
        allowed.append((fields, reason))
    for case in cases:
        if case.status != "skip":
            continue
        for (layer, suite, name), reason in allowed:
            if (fnmatch.fnmatchcase(case.layer, layer) and fnmatch.fnmatchcase(case.suite or "-", suite)
                    and fnmatch.fnmatchcase(case.name, name)):
                case.reason = f"{case.reason} ({reason})" if case.reason else reason
                break
        else:
            case.status = "fail"
            case.reason = f"skipped, but testing/skips.txt does not list it: {case.reason}".rstrip(": ")


def chosen(only, suite, name):
    """Whether KUnit's filter `only`, SUITE or SUITE.NAME, takes a test: glob patterns, as the kernel reads them."""
    of, _, test = only.partition(".")
    return fnmatch.fnmatchcase(suite, of) and fnmatch.fnmatchcase(name, test or "*")


def read_manifest(path):
    """{(suite, name): how it has to fail, "" if it has to pass}.

    `SUITE NAME` per line; `!SUITE NAME [crash|hang|lost]` for a positive control.
    """
    wanted = {}
    for number, text, _ in read_listing(path, "manifest"):
        control = text.startswith("!")
        fields = text.lstrip("! ").split()
        if len(fields) != 2 and not (control and len(fields) == 3 and fields[2] in HOW):
            sys.exit(f"{path}:{number}: want 'SUITE NAME' or '!SUITE NAME [{'|'.join(HOW)}]', got '{text}'")
        wanted[fields[0], fields[1]] = (fields[2] if len(fields) == 3 else "fail") if control else ""
    return wanted


# How the reason of a control begins that has to fail in that way.
HOW = {"crash": "crashed: ", "hang": "hung: ", "lost": "not run: "}


def judge_manifest(cases, wanted, layer, only=None, fate=lambda suite: ""):
    """Compares with a manifest, as read_manifest() has read it.

    `only`: what was run of it, see chosen(), so that the rest is not missed.
    `fate(suite)`: why a suite may have no results.
    """
    known = {(case.suite, case.name) for case in cases}
    for case in cases:
        how = wanted.get((case.suite, case.name))
        if how is None:
            if case.suite and case.status != "fail":
                case.status, case.reason = "fail", f"not in the manifest: add '{case.suite} {case.name}'"
        elif how:
            case.control = True
            if case.status == "fail" and case.reason.startswith(HOW.get(how, "")) and (how in HOW or not case.reason):
                case.status, case.reason = "pass", f"{how}, as a positive control has to"
            else:
                case.reason = f"positive control: wants '{how}', got '{case.status}' {case.reason}".rstrip()
                case.status = "fail"
    for suite, name in wanted:
        if (suite, name) not in known and (only is None or chosen(only, suite, name)):
            why = fate(suite) or "missing: the manifest lists it, no result came"
            cases.append(Case(layer, suite, name, "fail", why))


def counts(cases):
    return {status: sum(case.status == status for case in cases) for status in ("pass", "fail", "skip")}


def last_line(cases):
    number = counts(cases)
    return f"{number['pass']} passed, {number['fail']} failed, {number['skip']} skipped"


def print_table(cases, out=sys.stdout):
    """One line per suite; each failure with its end of log and how to repeat it."""
    suites = {}
    for case in cases:
        suites.setdefault((case.layer, case.suite or "-"), []).append(case)
    if suites:
        wide = max(len(f"{layer} {suite}") for layer, suite in suites)
        print(f"{'layer suite':{wide}}  passed  failed skipped", file=out)
    for (layer, suite), members in suites.items():
        number = counts(members)
        controls = sum(case.control for case in members)
        remark = f"  {controls} positive controls" if controls else ""
        print(f"{f'{layer} {suite}':{wide}}  {number['pass']:6}  {number['fail']:6} {number['skip']:7}{remark}", file=out)
    print_others(cases, out)


def print_others(cases, out=sys.stdout):
    """What was skipped, and why; what failed, as in print_table()."""
    for case in cases:
        if case.status == "skip":
            print(f"skip  {case.layer} {case.title}: {case.reason}", file=out)
    for case in cases:
        if case.status != "fail":
            continue
        print(f"FAIL  {case.layer} {case.title}: {case.reason}".rstrip(": "), file=out)
        for line in case.log[-LAST_LINES:]:
            print(f"      | {line}", file=out)
        if case.repeat:
            print(f"      again: {case.repeat}", file=out)


def save(path, cases, facts):
    """cases.json of a layer: the cases and what they ran on."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        json.dump({"facts": facts, "cases": [dataclasses.asdict(case) for case in cases]}, stream, indent=1)


def load(path):
    with open(path, encoding="utf-8") as stream:
        content = json.load(stream)
    return [Case(**case) for case in content["cases"]], content["facts"]
