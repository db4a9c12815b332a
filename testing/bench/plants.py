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
import disks
import page
import profiles


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


def fio(iops, error=0, lost=""):
    """What fio says of each disk in one round; `iops` of a second, of the null_blks half of that."""
    works = [work for work in disks.WORKS if work.name in ("disk-randread-1", "disk-read", "disk-fsync")]
    found = []
    for work in works:
        for name in (disks.OURS, *work.others):
            done = iops if name in (disks.OURS, "rnull") else iops // 2
            side = {"total_ios": done, "runtime": 1000.5, "lat_ns": {"percentile": {"99.000000": 7}}}
            nothing = {"total_ios": 0, "runtime": 0, "lat_ns": {}}
            sync = {"total_ios": done, "lat_ns": {"percentile": {"99.000000": 9}}} if work.name == "disk-fsync" else {}
            if name != lost:
                found.append({"jobname": f"{work.name}:{name}", "error": error, "read": side, "write": nothing, "sync": sync})
    return works, "fio: a complaint\n" + json.dumps({"jobs": found})


def measured(*rounds):
    """Slices of rounds that fio() made."""
    slices = []
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "round")
        for number, said in enumerate(rounds):
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(said)
            slices += disks.read(path, number)
    return slices


def written():
    works, said = fio(1000)
    slices = measured(said, said, said)
    rows = disks.evaluate(slices, works, "icount")
    yield "the ratios", [round(row["ratios"]["null_blk"]["median"], 6) for row in rows], [2.0] * 3
    yield "the control", [row["ratios"][disks.CONTROL]["median"] for row in rows], [1.0] * 3
    yield "99th percentiles", [row["ways"]["baton"]["p99_ns"] for row in rows], [7, 7, 9]
    yield "nothing is wrong", [name for name, passed, _ in disks.checks(slices, works, 2) if not passed], []
    slices_of_a_round = sum(1 + len(work.others) for work in works)
    for what, rest, count in (("an error of fio", fio(1000, error=5)[1], slices_of_a_round), ("a disk that is not there", fio(1000, lost="brd")[1], 3)):
        wrong = [name for name, passed, _ in disks.checks(measured(said, said, rest), works, 2) if not passed]
        yield what, len(wrong), count
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "memory")
        with open(path, "w", encoding="ascii") as stream:
            stream.write("brd 10 41060\nbaton 10 42960\n")
        ways = disks.memory(path)[0]["ways"]
        yield "memory", {name: way["overhead"] for name, way in ways.items()}, {"brd": 10.0, "baton": 200.0}


def attributed():
    symbols = profiles.Symbols(["ffffffff81000000 one", "ffffffff81000100 two", "ffffffffa0000000 three\t[mod]"])
    counts = {profiles.USER: 5, 0xffffffff81000010: 30, 0xffffffff810000ff: 10, 0xffffffff81000100: 50, 0xffffffffa0000008: 5}
    wanted = [("two", "", 50), ("one", "", 40), ("(user space)", "", 5), ("three", "mod", 5)]
    yield "by symbol", profiles.by_symbol(counts, symbols), wanted
    yield "no symbols", profiles.by_symbol({0xffffffff81000010: 1}, profiles.Symbols([]))[0][0], "(not known)"
    yield "it adds up", profiles.check("planted", counts, 100, True)[1], True
    yield "a tenth is missing", profiles.check("planted", counts, 111, True)[1], False
    yield "time is not instructions", profiles.check("planted", counts, 111, False)[1], True
    yield "generics", profiles.shorter("<baton::entry_map::EntryMap<u64>>::lock::<baton::level::Top>::{closure#0}"), \
        "<EntryMap<u64>>::lock::<Top>::{closure#0}"
    yield "crates", profiles.shorter("<baton[0123456789abcdef]::event::queue::Queue<u64>>::serve"), "<Queue<u64>>::serve"


def main():
    failures = count = 0
    for test in (compared, reports, written, attributed):
        for what, found, wanted in test():
            count += 1
            if found != wanted:
                failures += 1
                print(f"{test.__name__}: {what}: finds {found}, wants {wanted}")
    print(f"{count - failures} passed, {failures} failed, 0 skipped")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
