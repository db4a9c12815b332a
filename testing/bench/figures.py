# SPDX-License-Identifier: GPL-2.0
"""From slices to ratios: paired per block, median with a bootstrap interval, and the count checks."""

import collections
import dataclasses
import math
import random
import statistics

import cases
import plan

RESAMPLES = 4000
KEYED_LIMIT = 1.2                   # 1024 keyed waiters over 16, in instructions


@dataclasses.dataclass
class Slice:
    case: str
    way: str
    block: int
    ops: int
    ns: int
    done: int
    switches: int                   # of the counted threads
    own: int                        # of the task that ran the slice


def read(path):
    """Slices of one boot: lines TAG CASE OPS NS DONE SWITCHES OWN."""
    slices = []
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            tag, _, ops, ns, done, switches, own = line.split()
            case, way, block = tag.split(":")
            slices.append(Slice(case, way, int(block), int(ops), int(ns), int(done), int(switches), int(own)))
    return slices


def interval(values, seed=1):
    """Median and its 95 % bootstrap interval."""
    draw = random.Random(seed)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return {"median": statistics.median(values),
            "low": medians[int(RESAMPLES * 0.025)], "high": medians[int(RESAMPLES * 0.975)]}


def per_block(slices, case, way):
    """{block: [ns, switches, own switches] per operation}; warm-up is left out."""
    sums = collections.defaultdict(lambda: [0, 0, 0, 0])
    for s in slices:
        if s.case == case and s.way == way and s.block >= 0:
            total = sums[s.block]
            total[0] += s.ns
            total[1] += s.switches
            total[2] += s.own
            total[3] += s.ops
    return {block: [value / total[3] for value in total[:3]] for block, total in sums.items()}


def best(slices, case, way):
    """Nanoseconds per operation of the fastest slice: what a busy host disturbs least."""
    return min(s.ns / s.ops for s in slices if s.case == case and s.way == way and s.block >= 0)


def evaluate(slices, kind):
    """The table: per case the cost of each way, and the ratios to them."""
    rows = []
    for case in cases.of(kind):
        blocks = {name: per_block(slices, case.name, name) for name, _ in plan.members(case)}
        if not all(blocks.values()):
            continue
        row = {"case": case.name, "title": case.title, "aim": case.aim.get(kind),
               "blocks": len(blocks["baton"]), "ops": cases.ops(case, kind), "ways": {}, "ratios": {}}
        for name, found in blocks.items():
            row["ways"][name] = {
                "ns": statistics.median(value[0] for value in found.values()),
                "best_ns": best(slices, case.name, name),
                "switches": statistics.fmean(value[1] for value in found.values()),
                "own_switches": statistics.fmean(value[2] for value in found.values())}
            if name != "baton":
                over = "c" if name == plan.CONTROL else name
                under = name if name == plan.CONTROL else "baton"
                row["ratios"][name] = interval(
                    [blocks[under][block][0] / blocks[over][block][0] for block in sorted(found)])
                row["ratios"][name]["best"] = best(slices, case.name, under) / best(slices, case.name, over)
        rows.append(row)
    return rows


def checks(slices, kind):
    """(name, passed, why) of what must hold whatever the times are."""
    found = []
    for case in cases.of(kind):
        for name, _ in plan.members(case):
            mine = [s for s in slices if s.case == case.name and s.way == name]
            wrong = [s for s in mine if s.done != s.ops]
            why = (f"{wrong[0].done} of {wrong[0].ops} operations done in block {wrong[0].block}" if wrong
                   else "" if mine else "no slice of it came")
            found.append((f"{case.name} {name}: does every operation", not why, why))
    if any(case.name == "herd" for case in cases.of(kind)):
        found += herd_checks(slices)
    if kind == "icount" and any(case.name == "keyed" for case in cases.of(kind)):
        found.append(keyed_check(slices))
    # Positive controls: what would not be seen otherwise is seen here.
    lossy = [s for s in slices if s.case == plan.LOSSY]
    found.append(("control: an operation that is left out is noticed",
                  bool(lossy) and all(s.done != s.ops for s in lossy), "the lossy slice passed for complete"))
    return found


def keyed_check(slices):
    """What an update costs follows whom it serves: instructions do not depend on the host."""
    many, few = (per_block(slices, "keyed", way) for way in ("baton", "sixteen"))
    ratio = statistics.median([many[block][0] / few[block][0] for block in many if block in few] or [math.inf])
    return (f"keyed baton: 1024 waiters cost at most {KEYED_LIMIT} times 16", ratio <= KEYED_LIMIT, f"{ratio:.3f} times")


def herd_checks(slices):
    """Ours wakes one waiter; that the C way wakes more shows that the counter counts."""
    found = []
    herd = [s for s in slices if s.case == "herd" and s.way == "baton"]
    wrong = [s for s in herd if s.switches != s.ops]
    why = f"{wrong[0].switches} wake-ups for {wrong[0].ops} operations in block {wrong[0].block}" if wrong else ""
    found.append(("herd baton: wakes exactly one waiter per operation", bool(herd) and not why, why))
    herd = [s for s in slices if s.case == "herd" and s.way == "c"]
    found.append(("control: the herd of the C way is noticed",
                  bool(herd) and all(s.switches > s.ops for s in herd), "no more wake-ups than operations were counted"))
    return found
