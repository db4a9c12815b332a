# SPDX-License-Identifier: GPL-2.0
"""Reads what the module has logged, and judges it."""

import dataclasses
import re

import report_cases

RUNNING = re.compile(r"baton: (running|ended) (\S+)")
TOTAL = re.compile(r"(\w+)-torture: Total: (\d+)  Max/Min: (\d+)/(\d+)( \?\?\?)?  Fail: (\d+)  Longest: (\d+) us  "
                   r"Slept: (\d+)  Gave up: (\d+)")
# How many turns took less than 1, 2, 4, ... microseconds, see spread.rs.
STEPS = 27
SPREAD = re.compile(r"(\w+)-torture: Spread:((?: \d+)*)")
END = re.compile(r"(\w+)-torture:--- End of test: (SUCCESS|FAILURE)")
FAIL = re.compile(r"(\w+)-torture: Fail: (.*)")


@dataclasses.dataclass
class Told:
    """What came of one row in one scenario."""

    scenario: str
    row: str
    total: int = 0
    most: int = 0
    least: int = 0
    fails: int = 0
    longest_us: int = 0
    slept: int = 0
    gave_up: int = 0
    spread: list = dataclasses.field(default_factory=list)
    end: str = ""
    why: list = dataclasses.field(default_factory=list)

    def spread_fits(self):
        """Whether the last of the spread is the longest turn: the module counts both of the same turns."""
        return len(self.spread) == min(self.longest_us.bit_length() + 1, STEPS) and sum(self.spread) > 0

    @property
    def starved(self):
        """How much more the luckiest task had than the unluckiest."""
        return self.most / self.least if self.least else float("inf") if self.most else 1.0


def read(text):
    """{(scenario, row): Told}, and which scenarios have begun and ended."""
    found, begun, ended, scenario = {}, [], set(), ""
    for line in text.splitlines():
        mark = RUNNING.search(line)
        if mark:
            (begun.append if mark[1] == "running" else ended.add)(mark[2])
            scenario = mark[2] if mark[1] == "running" else ""
        for pattern in (TOTAL, SPREAD, END, FAIL) if scenario else ():
            match = pattern.search(line)
            if not match:
                continue
            told = found.setdefault((scenario, match[1]), Told(scenario, match[1]))
            if pattern is TOTAL:
                numbers = [int(number) for number in match.groups()[1:] if number and number.isdigit()]
                (told.total, told.most, told.least, told.fails, told.longest_us, told.slept, told.gave_up) = numbers
            elif pattern is SPREAD:
                told.spread = [int(number) for number in match[2].split()]
            elif pattern is END:
                told.end = match[2]
            else:
                told.why.append(match[2].strip())
    return found, begun, ended


def judge(layer, told, scenario, row, again):
    """The case of a row; `told` is None if it has said nothing."""
    case = report_cases.Case(layer, scenario.name, row.name, "fail", repeat=again, control=row.busted)
    if told is None or not told.end:
        case.reason = "missing: it did not come to its end"
        case.log = told.why if told else []
    elif row.busted:
        if told.end == "FAILURE":
            case.status, case.reason = "pass", "found, as a broken row has to be: " + (told.why or ["?"])[0]
        else:
            case.reason = f"a BUSTED row has passed: nothing was found in {told.total} hand-overs"
    elif told.end == "FAILURE":
        case.reason, case.log = (told.why or ["?"])[0], told.why
    elif not told.spread_fits():
        case.reason = f"the longest turn took {told.longest_us} us, which its spread does not have: {told.spread}"
    else:
        case.status = "pass"
    return case
