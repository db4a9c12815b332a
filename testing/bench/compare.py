# SPDX-License-Identifier: GPL-2.0
"""Compares the ratios of a run with those of an earlier report, row by row.

A count of instructions is not quite exact where tasks sleep: timers tick, caches of the
allocator are empty or full. So a ratio is worse if the median is, and that of the fastest
slices as well, and more than C over C in the same row is off.

Usage: compare.py REPORT ENGINE      says why REPORT has nothing to compare with, with status 2
"""

import dataclasses
import json
import sys

import page

WORSE = 0.02                        # of a ratio of instructions: more than that is a failure
SAME = 0.005                        # of a ratio of instructions: less than that has not changed
PLANTED = 0.03                      # the control: so much worse has to be noticed

# What an engine that was asked for may turn out to be.
ENGINES = {"qemu": ("kvm", "tcg")}


class Incomparable(Exception):
    """There is nothing to compare with; the text says why."""


def load(path, engine):
    """{(case, over): ratio} of that engine, and what it was measured at."""
    try:
        with open(path, encoding="utf-8") as stream:
            report = json.load(stream)
    except OSError as error:
        raise Incomparable(f"COMPARE={path}: {error.strerror}; has to be a report.json of an earlier 'make bench'") from error
    except ValueError as error:
        raise Incomparable(f"COMPARE={path}: it is no JSON; has to be a report.json of an earlier 'make bench'") from error
    if not isinstance(report, dict) or report.get("format") != page.FORMAT or not isinstance(report.get("engines"), dict):
        raise Incomparable(f"COMPARE={path}: it is no report of this bench, or one of another format; "
                           "has to be a report.json of an earlier 'make bench'")
    names = sorted(set(report["engines"]) | set(report.get("disks", {})))
    found = next((name for name in ENGINES.get(engine, (engine,)) if name in names), None)
    if found is None:
        raise Incomparable(f"COMPARE={path}: it has no run of the engine {engine}; it has: {' '.join(names) or 'none'}")
    parts = [report[part][found] for part in ("engines", "disks") if found in report.get(part, {})]
    try:
        ratios = {key: value for part in parts for key, value in ratios_of(part["cases"]).items()}
        about = "; ".join(f"revision {part['facts']['revision']}, {part['facts']['date']}" for part in parts)
    except (KeyError, TypeError, AttributeError) as error:
        raise Incomparable(f"COMPARE={path}: its run of {found} is not complete: {error}") from error
    return ratios, about


@dataclasses.dataclass
class Ratio:
    """One ratio of a report."""

    median: float
    low: float
    high: float
    best: float                     # of the fastest slices, where there are some
    noise: float                    # how far what is compared with itself is off
    more: bool                      # whether more is better

    def scaled(self, factor):
        return dataclasses.replace(self, median=self.median * factor, low=self.low * factor, high=self.high * factor,
                                   best=self.best * factor)


def ratios_of(rows):
    """{(case, over): ratio}; what is compared with itself is the noise of its row."""
    found = {}
    for row in rows:
        again = [ratio for name, ratio in row["ratios"].items() if name.endswith("-again")]
        noise = max((abs(ratio.get(key, 1) - 1) for ratio in again for key in ("median", "best")), default=0)
        for name, ratio in row["ratios"].items():
            if not name.endswith("-again"):
                found[row["case"], name] = Ratio(*(float(ratio[key]) for key in ("median", "low", "high")),
                                                 float(ratio.get("best", ratio["median"])), noise, row.get("better") == "more")
    return found


def worse(old, new):
    """By which part `new` is worse than `old`; below zero if it is better."""
    def by(before, after):
        return (before / after if new.more else after / before) - 1
    both = by(old.median, new.median), by(old.best, new.best)
    return min(both, key=abs) if min(both) * max(both) > 0 else 0


def changes(old, new, exact):
    """[(case, over, old, new, worse)] of what has changed: by more than the noise, which is nearly none if `exact`."""
    found = []
    for key, ratio in new.items():
        if key not in old:
            continue
        before = old[key]
        by = worse(before, ratio)
        apart = ratio.low > before.high or ratio.high < before.low
        if abs(by) >= SAME if exact else apart:
            found.append((*key, before, ratio, by))
    return found


def failures(changed, exact):
    """(name, passed, why) of each ratio of instructions that has become worse by more than is allowed."""
    found = []
    for case, over, old, new, by in changed:
        allowed = WORSE + max(old.noise, new.noise)
        if exact and by > allowed:
            found.append((f"compare: {case} over {over}", False,
                          f"{new.median:.3f}, was {old.median:.3f}: {by:.1%} worse, at most {allowed:.1%} is allowed"))
    return found


def control(new, exact):
    """A report in which every ratio was better has to make every ratio fail."""
    planted = {key: ratio.scaled((1 + PLANTED + ratio.noise) ** (1 if ratio.more else -1)) for key, ratio in new.items()}
    failed = len(failures(changes(planted, new, exact), exact))
    return ("control: a ratio that is 3 % worse than it was is noticed", failed == len(new),
            f"{failed} of {len(new)} were noticed")


def text(old, new, changed, about):
    """The lines that are printed."""
    lines = [f"compared with {about}:"]
    lines += [f"{case:<24} over {over:<14} {before.median:7.3f} -> {after.median:7.3f}   {abs(by):6.1%} {'worse' if by > 0 else 'better'}"
              for case, over, before, after, by in changed]
    both = sum(key in old for key in new)
    lines.append(f"{both - len(changed)} of {both} ratios are as they were")
    for what, keys in (("new", set(new) - set(old)), ("not measured this time", set(old) - set(new))):
        if keys:
            lines.append(f"{what}: " + ", ".join(f"{case} over {over}" for case, over in sorted(keys)))
    return lines


def main():
    try:
        load(*sys.argv[1:3])
    except Incomparable as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
