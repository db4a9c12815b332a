# SPDX-License-Identifier: GPL-2.0
"""Writes the order of the slices: each way and an A/A control, mirrored within a block."""

import random

import cases

CONTROL = "c-again"                 # the C way under a second name: its ratio is the noise floor
LOSSY = "lossy"                     # a slice that does not do what it says: its check must go red


def members(case):
    """(name, way) of all that takes part in a block."""
    return [(way.name, way) for way in case.ways] + [(CONTROL, case.ways[1])]


PROFILED = 10                       # so many times the operations of a slice: who starts it and looks at it costs as well


def profile(path, kind, chosen):
    """One warm slice and a profiled one of each (case, way): tags are CASE:WAY:-1 and CASE:WAY:0."""
    lines = []
    for case, name, way in chosen:
        lines.append(f"block {case.name} {name}")
        lines += [f"place {prefix} {cpu}" for prefix, cpu in case.place if prefix == way.threads]
        ops = cases.ops(case, kind)
        for verb, block, times in (("run", -1, 1), ("profile", 0, PROFILED)):
            lines.append(f"{verb} {case.name}:{name}:{block} {way.directory} {way.case} {ops * times} {way.threads}")
    lines.append("symbols")
    with open(path, "w", encoding="utf-8") as stream:
        stream.writelines(line + "\n" for line in lines)


def write(path, kind, blocks, warm, seed):
    """One line per action; see guest.sh. Tags are CASE:WAY:BLOCK, warm-up blocks are negative."""
    draw = random.Random(seed)
    lines = []
    for case in cases.of(kind):
        lines.append(f"block {case.name}")
        lines += [f"place {prefix} {cpu}" for prefix, cpu in case.place]
        for block in range(-warm, blocks):
            order = members(case)
            draw.shuffle(order)
            # Mirrored, so that a drift within the block hits all ways alike.
            for name, way in order + order[::-1]:
                lines.append(f"run {case.name}:{name}:{block} {way.directory} {way.case} "
                             f"{cases.ops(case, kind)} {way.threads}")
    lines.append("block controls")
    lines.append(f"run {LOSSY}:c:0 c update-lossy 1000 -")
    with open(path, "w", encoding="utf-8") as stream:
        stream.writelines(line + "\n" for line in lines)
