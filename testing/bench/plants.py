#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests what the benchmark concludes from, with planted reports and slices: 'tools/check bench' runs it.

Each test plants one fault, which has to be found, beside a twin without it.
"""

import copy
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import compare
import page


def row(case, median, better="less", over="c", noise=0):
    ratio = {"median": median, "low": median * 0.999, "high": median * 1.001, "best": median}
    again = {"median": 1 - noise, "low": 1 - noise, "high": 1, "best": 1}
    return {"case": case, "better": better, "ratios": {over: ratio, f"{over}-again": again}}


REPORT = {"format": page.FORMAT, "engines": {"icount": {
    "facts": {"revision": "planted", "date": "today"}, "cases": [row("update", 0.3), row("entry", 0.9), row("keyed", 0.9, noise=0.05)]}},
    "disks": {"icount": {
        "facts": {"revision": "planted", "date": "today"}, "cases": [row("disk-read", 0.8, "more", "null_blk")]}}}


def with_ratio(part, number, factor, keys=("median", "low", "high", "best")):
    """REPORT with one ratio multiplied by `factor`."""
    report = copy.deepcopy(REPORT)
    found = report[part]["icount"]["cases"][number]
    for name, ratio in found["ratios"].items():
        if not name.endswith("-again"):
            ratio.update({key: ratio[key] * factor for key in keys})
    return report


def loaded(report, engine="icount"):
    """What load() makes of a file with this in it; text is written as it stands."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "old.json")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(report if isinstance(report, str) else json.dumps(report))
        return compare.load(path, engine)[0]


def failed(new, exact=True):
    """The cases that fail if REPORT was the earlier one."""
    old, new = loaded(REPORT), loaded(new)
    return [name for name, _, _ in compare.failures(compare.changes(old, new, exact), exact)]


def refused(report, engine="icount"):
    try:
        loaded(report, engine)
    except compare.Incomparable as error:
        return str(error).partition(": ")[2]
    return None


def compared():
    yield "the same report", failed(REPORT), []
    yield "3 % worse", failed(with_ratio("engines", 1, 1.03)), ["compare: entry over c"]
    yield "1 % worse", failed(with_ratio("engines", 1, 1.01)), []
    yield "3 % better", failed(with_ratio("engines", 1, 0.97)), []
    yield "3 % worse, but for the fastest slices", failed(with_ratio("engines", 1, 1.03, ["median"])), []
    yield "3 % worse where C over C is 5 % off", failed(with_ratio("engines", 2, 1.03)), []
    yield "8 % worse where C over C is 5 % off", failed(with_ratio("engines", 2, 1.08)), ["compare: keyed over c"]
    yield "a disk that does 3 % less", failed(with_ratio("disks", 0, 0.97)), ["compare: disk-read over null_blk"]
    yield "a disk that does 3 % more", failed(with_ratio("disks", 0, 1.03)), []
    yield "3 % worse in time", failed(with_ratio("engines", 1, 1.03), exact=False), []
    changed = compare.changes(loaded(REPORT), loaded(with_ratio("engines", 0, 0.9)), True)
    yield "what has changed", [case for case, *_ in changed], ["update"]
    yield "the control", compare.control(loaded(REPORT), True)[1], True
    # Of time nothing fails, so that the control must not pass.
    yield "the control of what does not judge", compare.control(loaded(REPORT), False)[1], False


def reports():
    foreign = "it is no report of this bench, or one of another format"
    for what, report, engine, why in (
            ("a report", REPORT, "icount", None),
            ("no JSON", "ratios: 1", "icount", "it is no JSON"),
            ("a list", [1, 2], "icount", foreign),
            ("another format", {**REPORT, "format": page.FORMAT + 1}, "icount", foreign),
            ("another engine", REPORT, "tcg", "it has no run of the engine tcg; it has: icount"),
            ("any QEMU", REPORT, "qemu", "it has no run of the engine qemu; it has: icount"),
            ("half a report", {**REPORT, "engines": {"icount": {"cases": []}}}, "icount", "its run of icount is not complete")):
        said = refused(report, engine)
        yield what, said if said is None or why is None else said.startswith(why), why if why is None else True
    try:
        compare.load("/nowhere/old.json", "icount")
        yield "no file", None, "refused"
    except compare.Incomparable as error:
        yield "no file", "No such file" in str(error), True


def main():
    failures = count = 0
    for test in (compared, reports):
        for what, found, wanted in test():
            count += 1
            if found != wanted:
                failures += 1
                print(f"{test.__name__}: {what}: finds {found}, wants {wanted}")
    print(f"{count - failures} passed, {failures} failed, 0 skipped")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
