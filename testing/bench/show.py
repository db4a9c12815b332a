# SPDX-License-Identifier: GPL-2.0
"""Prints the tables."""

import disks
import plan
import scales


def run_of(facts):
    """The lines under a table: what ran where."""
    host, compilers = facts["host"], facts["compilers"]
    print(f"\n{facts['engine_text']}; kernel {facts['kernel']}; {compilers['c']}; {compilers['rust']}; "
          f"helpers {'inline' if compilers['inline_helpers'] else 'out of line'}; {facts['cpus']} CPUs")
    print(f"{facts['blocks']} {facts['called']} in one boot, {facts['seconds']:.0f} s; host: {host['busy_percent']} % busy, "
          f"load {host['load_before']} to {host['load_after']}, {host['steal_percent']} % stolen"
          + ("  -- too much stolen to believe intervals" if host["steal_percent"] > 2 else ""))


def library(rows, facts):
    """One line per comparison: cost per operation, ratio, interval, aim."""
    unit = facts["unit"]
    print(f"\n{'case':<20} {'baton':>12} {'over':<11}{'its cost':>12}   ratio  95 % interval  best/best   aim   "
          "sleeps of the other threads, ours/theirs")
    for row in rows:
        ours = row["ways"]["baton"]
        for name, ratio in row["ratios"].items():
            other = row["ways"][name]
            if name == plan.CONTROL:
                cost, over, aim = row["ways"]["c"]["ns"], "(c over c)", ""
                counts = ""
            else:
                cost, over = other["ns"], name
                aim = f"{row['aim']:.2f}" if row["aim"] and name == "c" else ""
                counts = f"{ours['switches']:.2f} / {other['switches']:.2f}" if other["switches"] else ""
            first = name == next(iter(row["ratios"]))
            mine = f"{ours['ns']:.0f} {unit}" if first else ""
            print(f"{row['case'] if first else '':<20} {mine:>12} {over:<11}{cost:>9.0f} {unit}  "
                  f"{ratio['median']:6.3f}  {ratio['low']:.3f}..{ratio['high']:.3f}  {ratio['best']:9.3f}  "
                  f"{aim:>4}   {counts}".rstrip())
    run_of(facts)


def number(value):
    """IOPS and nanoseconds, short enough for a column."""
    return f"{value:.0f}" if value < 1e6 else f"{value / 1e6:.2f}M"


def disk(rows, facts):
    """One line per comparison: IOPS and 99th percentile of each, ratio, interval, aim."""
    if facts["unit"] == "insn":
        print("\nIOPS: requests in 1e9 instructions; p99 in instructions")
    print(f"\n{'disks':<18} {'baton':>9} {'p99':>9}  {'over':<24}{'its IOPS':>9} {'p99':>9}   ratio  interval      aim")
    for row in rows:
        if "iops" not in row["ways"][disks.OURS]:
            continue
        ours = row["ways"][disks.OURS]
        for name, ratio in row["ratios"].items():
            first = name == next(iter(row["ratios"]))
            mine = f"{number(ours['iops']):>9} {number(ours['p99_ns']):>9}" if first else f"{'':>19}"
            if name in disks.OVER_THE_SAME:
                over, other = f"({name} over {disks.OVER})", row["ways"][name]
            else:
                over, other = name, row["ways"][name]
            aim = f"{row['aim']:.2f}" if row["aim"] and name == disks.OVER else ""
            print(f"{row['case'] if first else '':<18} {mine}  {over:<24}{number(other['iops']):>9} {number(other['p99_ns']):>9}  "
                  f"{ratio['median']:6.3f}  {ratio['low']:.3f}..{ratio['high']:.3f}  {aim:>4}".rstrip())
    for row in rows:
        if row["case"] == "disk-memory":
            print("\nmemory for a stored page of 4096 bytes, besides itself: "
                  + ", ".join(f"{name} {way['overhead']:.1f} bytes" for name, way in row["ways"].items()))
    run_of(facts)


def scale(rows, facts):
    """One line for each disk: its IOPS with one, and what more of them come to."""
    print(f"\n{'scale':<20} {'disk':<10} {'IOPS of 1':>10}   over that, with 2, 4 and 8")
    for row in rows:
        for name in scales.DISKS:
            ratios = [row["ratios"][f"{name}-{count}"] for count in scales.COUNTS[1:]]
            print(f"{row['case'] if name == disks.OURS else '':<20} {name:<10} {number(row['ways'][f'{name}-1']['iops']):>10}   "
                  + "   ".join(f"{ratio['median']:.3f} ({ratio['low']:.3f}..{ratio['high']:.3f})" for ratio in ratios))
    run_of(facts)
