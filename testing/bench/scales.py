# SPDX-License-Identifier: GPL-2.0
"""How the disk scales: IOPS with 1 to 8 queues and with 1 to 8 jobs, beside null_blk."""

import dataclasses
import os
import random
import statistics

import disks
import figures

COUNTS = (1, 2, 4, 8)
CPUS = max(COUNTS)                  # of the guest, whatever the host has
MIB = 48                            # of each disk
DISKS = {disks.OURS: "/dev/scale-", disks.OVER: "/dev/scale-null-"}


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the table: what grows, while the other one stays."""

    name: str
    title: str
    direction: str
    grows: str                      # queues, jobs

    def job(self, name, number):
        queues, count = (number, CPUS) if self.grows == "queues" else (CPUS, number)
        return [f"[{self.name}:{name}-{number}]", "stonewall", f"filename={DISKS[name]}{queues}",
                *f"rw=rand{self.direction} bs=4k ioengine=io_uring iodepth=8 numjobs={count}".split()]


LINES = tuple(Line(f"scale-{direction}-{grows}", f"random {direction} 4 KiB, 1 to {CPUS} {grows}, {CPUS} {others}", direction, grows)
              for direction in ("read", "write") for grows, others in (("jobs", "queues"), ("queues", "jobs")))


def plan(directory, lines, rounds, milliseconds, seed):
    """Writes the jobs of each round: each count of each disk, in turn by chance. Returns their paths."""
    # There are many of them.
    milliseconds //= 2
    draw = random.Random(seed)
    paths = [os.path.join(directory, f"{number}.fio") for number in range(rounds + 1)]
    for path in paths:
        text = disks.header(milliseconds)
        for line in lines:
            each = [(name, number) for name in DISKS for number in COUNTS]
            draw.shuffle(each)
            for name, number in each:
                text += line.job(name, number)
        with open(path, "w", encoding="utf-8") as stream:
            stream.writelines(word + "\n" for word in text)
    return paths


def evaluate(slices, lines):
    """A row for each line: IOPS and 99th percentile of each count; ratios to those of one, and of null_blk."""
    rows = []
    for line in lines:
        rounds = {}
        for s in slices:
            if s.work == line.name and s.round > 0:
                rounds.setdefault(s.disk, {})[s.round] = s
        if len(rounds) < len(DISKS) * len(COUNTS):
            continue
        row = {"case": line.name, "title": line.title, "better": "more", "over": f"{disks.OURS}-1", "aim": None,
               "blocks": len(rounds[f"{disks.OURS}-1"]), "ways": {}, "ratios": {}}
        for name, found in rounds.items():
            row["ways"][name] = {"iops": statistics.median(s.iops for s in found.values()),
                                 "p99_ns": statistics.median(s.p99 for s in found.values())}
        for name in DISKS:
            one = rounds[f"{name}-1"]
            for number in COUNTS[1:]:
                many = rounds[f"{name}-{number}"]
                row["ratios"][f"{name}-{number}"] = figures.interval(
                    [many[each].iops / one[each].iops for each in sorted(many) if each in one])
        rows.append(row)
    return rows


def checks(slices, lines, rounds):
    """(name, passed, why) of what must hold whatever the figures are."""
    found = []
    for line in lines:
        for name in (f"{disk}-{number}" for disk in DISKS for number in COUNTS):
            mine = [s for s in slices if s.work == line.name and s.disk == name]
            why = "" if len(mine) == rounds + 1 else f"{len(mine)} of {rounds + 1} rounds came"
            why = why or next((f"round {s.round}: fio's error {s.error}, {s.done} requests" for s in mine
                               if s.error or not s.done), "")
            found.append((f"{line.name} {name}: every round did I/O without an error", not why, why))
    return found
