# SPDX-License-Identifier: GPL-2.0
"""Reads what the module has logged, and judges it."""

import dataclasses
import re

import report_cases

RUNNING = re.compile(r"baton: (running|ended) (\S+)")
TOTAL = re.compile(r"(\w+)-torture: Total: (\d+)  Max/Min: (\d+)/(\d+)( \?\?\?)?  Fail: (\d+)  Longest: (\d+) us  "
                   r"Slept: (\d+)  Gave up: (\d+)")
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
    end: str = ""
    why: list = dataclasses.field(default_factory=list)

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
        for pattern in (TOTAL, END, FAIL) if scenario else ():
            match = pattern.search(line)
            if not match:
                continue
            told = found.setdefault((scenario, match[1]), Told(scenario, match[1]))
            if pattern is TOTAL:
                numbers = [int(number) for number in match.groups()[1:] if number and number.isdigit()]
                (told.total, told.most, told.least, told.fails, told.longest_us, told.slept, told.gave_up) = numbers
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
    else:
        case.status = "pass"
    return case
