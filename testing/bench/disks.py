# SPDX-License-Identifier: GPL-2.0
"""The disks that are compared: what fio does to them, and what that comes to."""

import dataclasses
import json
import os
import random
import statistics

import figures

OURS = "baton"
OVER = "null_blk"                   # the disk that the aims are ratios to
CONTROL = "null_blk-again"          # a second one: its ratio is the noise floor
CACHED = "null_blk-cache"           # one with a volatile cache, which a flush empties
PLAIN = "baton-plain"               # one of ours without checksums: its ratio is over OVER as well
HASHED = "baton-xxh64"               # one of ours with another checksum: the same
THROUGH = "baton-through"           # one of ours without a write cache, as OVER has none: so is its

# What is compared with OURS, by the name of its ratio, and the device that disk.sh makes.
DEVICES = {OURS: "/dev/baton-bench", OVER: "/dev/bench-null", CONTROL: "/dev/bench-again", "brd": "/dev/ram0",
           "rnull": "/dev/bench-rnull", CACHED: "/dev/bench-cache", PLAIN: "/dev/baton-plain",
           HASHED: "/dev/baton-xxh64", THROUGH: "/dev/baton-through"}
OVER_THE_SAME = (CONTROL, PLAIN, HASHED, THROUGH)
STORES = (OURS, OVER, "brd")        # what keeps what it was given: rnull does not
MIB = 128                           # of each disk
AREA = 32                           # MiB of it that fio reads and writes


@dataclasses.dataclass(frozen=True)
class Work:
    """One line of the table."""

    name: str
    title: str
    fio: str                        # its options, apart from those of all
    aim: dict                       # engine kind -> IOPS over OVER that are aimed at
    cached: bool = False            # also on the disk with a cache, and on ours without one
    plain: bool = False             # also without checksums, and with another one

    @property
    def others(self):
        return [name for name in DEVICES
                if name != OURS and (name not in (CACHED, THROUGH) or self.cached) and (name not in (PLAIN, HASHED) or self.plain)]


def random_io(direction, depth, jobs, aim):
    words = f"depth {depth}" + (f", {jobs} jobs" if jobs > 1 else "")
    return Work(f"disk-rand{direction}-{depth}" + (f"x{jobs}" if jobs > 1 else ""), f"random {direction} 4 KiB, {words}",
                f"rw=rand{direction} bs=4k ioengine=io_uring iodepth={depth} numjobs={jobs}", aim,
                plain=direction == "write")


READ = {"icount": 1.0, "qemu": 1.0}
WRITE = {"icount": 0.9, "qemu": 0.9}
WORKS = (
    random_io("read", 1, 1, READ), random_io("read", 32, 1, READ), random_io("read", 32, 4, READ),
    random_io("write", 1, 1, WRITE), random_io("write", 32, 1, WRITE), random_io("write", 32, 4, WRITE),
    Work("disk-read", "sequential read 1 MiB", "rw=read bs=1m ioengine=io_uring iodepth=4", {"icount": 1.0, "qemu": 1.1}),
    Work("disk-write", "sequential write 1 MiB", "rw=write bs=1m ioengine=io_uring iodepth=4", {"icount": 0.8, "qemu": 0.8},
         plain=True),
    Work("disk-fsync", "write 4 KiB, then fsync", "rw=randwrite bs=4k ioengine=psync fsync=1", {"icount": 0.8, "qemu": 0.4},
         cached=True),
)


def header(milliseconds):
    return ["[global]", "direct=1", f"size={AREA}m", "time_based=1", f"runtime={milliseconds}ms", "thread=1",
            "group_reporting=1", "norandommap=1", "random_generator=tausworthe", "invalidate=0", "lat_percentiles=1", "clat_percentiles=0",
            "percentile_list=50:99"]


def job(work, name):
    return [f"[{work.name}:{name}]", "stonewall", f"filename={DEVICES[name]}", *work.fio.split()]


def jobs(path, works, draw, milliseconds):
    """The jobs of one round: each disk once for each work, in turn by chance; one after the other."""
    lines = header(milliseconds)
    for work in works:
        names = [OURS, *work.others]
        draw.shuffle(names)
        for name in names:
            lines += job(work, name)
    with open(path, "w", encoding="utf-8") as stream:
        stream.writelines(line + "\n" for line in lines)


def profile(directory, work, names, milliseconds):
    """The job file of a profile: each disk once, between two markers. Its path, in a list."""
    path = os.path.join(directory, "0.fio")
    with open(path, "w", encoding="utf-8") as stream:
        stream.writelines(line + "\n" for line in header(milliseconds))
        for name in names:
            # fio appends where the output is to go.
            marks = [f"exec_{when}=sh -c 'echo {mark} >/sys/kernel/debug/bench_c/profile'"
                     for when, mark in (("prerun", "begin"), ("postrun", "end"))]
            stream.writelines(line + "\n" for line in [*job(work, name), "numjobs=1", *marks])
    return [path]


def plan(directory, works, rounds, milliseconds, seed):
    """Writes the job files of all rounds; the first one is warm-up. Returns their paths."""
    draw = random.Random(seed)
    paths = [os.path.join(directory, f"{number}.fio") for number in range(rounds + 1)]
    for path in paths:
        jobs(path, works, draw, milliseconds)
    return paths


@dataclasses.dataclass
class Slice:
    work: str
    disk: str
    round: int
    iops: float
    p99: float                      # ns
    done: int                       # requests
    error: int


def read(path, number):
    """The slices of one round, from fio's JSON. What it complains of stands in front of it."""
    with open(path, encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    slices = []
    for job in json.loads(text[text.index("{"):])["jobs"]:
        work, _, disk = job["jobname"].partition(":")
        sides = [job[side] for side in ("read", "write") if job[side]["total_ios"]]
        done = sum(side["total_ios"] for side in sides)
        # fio rounds the time up to a millisecond.
        seconds = max((side["runtime"] - 0.5 for side in sides), default=0.5) / 1000
        ends = job["sync"]["lat_ns"] if job.get("sync", {}).get("total_ios") else sides[0]["lat_ns"] if sides else {}
        slices.append(Slice(work, disk, number, done / seconds, ends.get("percentile", {}).get("99.000000", 0), done, job["error"]))
    return slices


def evaluate(slices, works, kind):
    """A row for each work: IOPS and the 99th percentile of each disk, and ratios of the IOPS to those of the others."""
    rows = []
    for work in works:
        rounds = {name: {s.round: s for s in slices if s.work == work.name and s.disk == name and s.round > 0}
                  for name in (OURS, *work.others)}
        if not all(rounds.values()):
            continue
        row = {"case": work.name, "title": work.title, "better": "more", "over": OVER, "aim": work.aim.get(kind),
               "blocks": len(rounds[OURS]), "ways": {}, "ratios": {}}
        for name, found in rounds.items():
            row["ways"][name] = {"iops": statistics.median(s.iops for s in found.values()),
                                 "p99_ns": statistics.median(s.p99 for s in found.values())}
            if name != OURS:
                over, under = (OVER, name) if name in OVER_THE_SAME else (name, OURS)
                row["ratios"][name] = figures.interval(
                    [rounds[under][each].iops / rounds[over][each].iops for each in sorted(found) if each in rounds[over]])
        rows.append(row)
    return rows


def memory(path):
    """A row of what a page costs beyond its own 4096 bytes: lines DISK PAGES BYTES, BYTES less free than before."""
    found = {}
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            disk, pages, used = line.split()
            found.setdefault(disk, []).append(int(used) / int(pages) - 4096)
    if OURS not in found:
        return []
    cost = {name: statistics.median(values) for name, values in found.items()}
    ratios = {name: {"median": (4096 + cost[OURS]) / (4096 + value)} for name, value in cost.items() if name != OURS}
    for ratio in ratios.values():
        ratio["low"] = ratio["high"] = ratio["median"]
    return [{"case": "disk-memory", "title": "memory for a stored page", "better": "less", "over": "brd", "aim": None,
             "blocks": len(found[OURS]), "ways": {name: {"overhead": value} for name, value in cost.items()}, "ratios": ratios}]


def checks(slices, works, rounds):
    """(name, passed, why) of what must hold whatever the figures are."""
    found = []
    for work in works:
        for name in (OURS, *work.others):
            mine = [s for s in slices if s.work == work.name and s.disk == name]
            why = ("" if len(mine) == rounds + 1 else f"{len(mine)} of {rounds + 1} rounds came")
            why = why or next((f"round {s.round}: fio's error {s.error}, {s.done} requests" for s in mine
                               if s.error or not s.done), "")
            found.append((f"{work.name} {name}: every round did I/O without an error", not why, why))
    # Positive control: what rnull does not do is seen, else nothing was measured but the block layer.
    reads = {name: [s.iops for s in slices if s.disk == name and s.work == "disk-read"] for name in ("rnull", OVER)}
    if all(reads.values()):
        found.append(("control: a disk that copies nothing is faster, and that is noticed",
                      statistics.median(reads["rnull"]) > statistics.median(reads[OVER]), "rnull is not faster"))
    return found
