# SPDX-License-Identifier: GPL-2.0
"""Which cases speak for which of the five guarantees: testing/guarantees.txt, which has the format.

Counts the cases of all layers by guarantee, and says which are taken by no line. check() sees that no line is
dead: of what the sources say there is (report_inventory.py), each line takes something.
"""

import dataclasses
import fnmatch
import os
import re

import report_cases
import report_inventory

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LISTING = os.path.join(TOP, "testing", "guarantees.txt")
NONE = "none"


class ListingError(Exception):
    """A listing cannot be used; the text says where and why."""


@dataclasses.dataclass(frozen=True)
class Line:
    """One pattern of the listing."""

    number: int
    groups: tuple                   # of guarantees; ("none",) for those that speak for none
    patterns: tuple                 # of layer, suite and name, as regular expressions
    text: str
    why: str = ""

    def takes(self, place):
        return all(pattern.match(word) for pattern, word in zip(self.patterns, place))


@dataclasses.dataclass
class Listing:
    texts: dict                     # {guarantee: what it says}
    lines: list
    controls: list

    def line(self, place):
        """The line that takes a case, or None."""
        return next((line for line in self.lines if line.takes(place)), None)

    def is_control(self, place):
        return any(line.takes(place) for line in self.controls)


def parse(text, path="testing/guarantees.txt"):
    """The listing, or ListingError."""
    listing = Listing({}, [], [])
    for number, line in enumerate(text.splitlines(), 1):
        line, _, why = line.partition("# why:")
        line = line.partition("#")[0].strip()
        named = re.fullmatch(r"(G\d+): (.*)", line)
        if named:
            listing.texts[named[1]] = named[2].strip()
            continue
        if not line:
            continue
        words = line.split(None, 3)
        if len(words) != 4:
            raise ListingError(f"{path}:{number}: want 'GUARANTEES LAYER SUITE NAME', got '{line}'")
        groups = tuple(words[0].split(","))
        wrong = [group for group in groups if group not in listing.texts] if words[0] not in ("!", NONE) else []
        if wrong:
            raise ListingError(f"{path}:{number}: '{wrong[0]}' is no guarantee; there are {', '.join(listing.texts)}, none and !")
        if words[0] == NONE and not why.strip():
            raise ListingError(f"{path}:{number}: 'none' without '# why:'")
        made = Line(number, groups, tuple(re.compile(fnmatch.translate(word)) for word in words[1:]), line, why.strip())
        (listing.controls if words[0] == "!" else listing.lines).append(made)
    return listing


def read(path=LISTING):
    with open(path, encoding="utf-8") as stream:
        return parse(stream.read(), os.path.relpath(path, TOP))


def place(case, families):
    """(layer, suite, name) as the listing has it: the family of a case of the model, the folder of one of compile-fail."""
    suite, name = case.suite or "-", case.name
    if case.layer == "model" and not case.suite:
        suite = families.get(name, suite)
    elif case.layer == "compile-fail" and "/" in name and not case.suite:
        suite, _, name = name.partition("/")
    return case.layer, suite, name


@dataclasses.dataclass
class Count:
    """Cases of a layer that speak for a guarantee."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    found: int = 0                  # positive controls that have gone wrong, as they have to

    def add(self, case, control):
        if case.status == "pass":
            self.passed += not control
            self.found += control
        elif case.status == "fail":
            self.failed += 1
        else:
            self.skipped += 1


@dataclasses.dataclass
class Table:
    """What all cases say, by layer and guarantee."""

    texts: dict
    counts: dict                    # {layer: {guarantee or "none": Count}}
    reasons: dict                   # {why a case speaks for none: how many}
    untaken: list                   # places that no line takes

    def total(self, group):
        of = [groups[group] for groups in self.counts.values() if group in groups]
        return Count(*(sum(getattr(count, field.name) for count in of) for field in dataclasses.fields(Count)))


def tabulate(layers, listing):
    """The table of these layers: [(name, cases, facts)]."""
    families = report_inventory.model_families()
    table = Table(listing.texts, {}, {}, [])
    for layer, cases, _ in layers:
        row = table.counts.setdefault(layer, {})
        for case in cases:
            at = place(case, families)
            line = listing.line(at)
            if line is None:
                table.untaken.append(at)
                continue
            if line.why:
                table.reasons[line.why] = table.reasons.get(line.why, 0) + 1
            control = case.control or listing.is_control(at)
            for group in line.groups:
                row.setdefault(group, Count()).add(case, control)
    return table


def document(table):
    """For report.json."""
    return {
        "guarantees": table.texts,
        "layers": {layer: {group: dataclasses.asdict(count) for group, count in sorted(row.items())} for layer, row in table.counts.items()},
        "none": table.reasons,
        "taken_by_no_line": [" ".join(at) for at in table.untaken],
    }


def faults(listing, known):
    """What is wrong with a listing, compared with the cases that there are."""
    used = set()
    for at in known:
        line = listing.line(at)
        if line is None:
            yield f"no line takes the case '{' '.join(at)}'"
        else:
            used.add(line.number)
        used.update(control.number for control in listing.controls if control.takes(at))
    for line in listing.lines + listing.controls:
        if line.number not in used:
            yield f"line {line.number} takes no case, or none that a line above it has not taken: {line.text}"
    spoken = {group for line in listing.lines for group in line.groups}
    yield from (f"nothing speaks for {group}" for group in listing.texts if group not in spoken)


PLANT = """\
G1: one
G2: two
G1 kunit-* first_* *
G2 kunit-* first_of_all *
none kunit-* third *  # why: of no interest
! kunit-* third lost
! kunit-* fourth *
"""
PLACES = [("kunit-uml", "first_of_all", "a"), ("kunit-uml", "second", "a"), ("kunit-uml", "third", "lost")]
PLANTED = ["no line takes the case 'kunit-uml second a'",
           "line 4 takes no case, or none that a line above it has not taken: G2 kunit-* first_of_all *",
           "line 7 takes no case, or none that a line above it has not taken: ! kunit-* fourth *"]
REFUSED = {
    "G1: one\nG1 kunit-* first\n": "want 'GUARANTEES LAYER SUITE NAME'",
    "G1: one\nG1,G2 kunit-* first *\n": "'G2' is no guarantee",
    "G1: one\nnone kunit-* first *\n": "'none' without '# why:'",
}


def planted_counts():
    """What the planted listing makes of planted cases."""
    cases = [report_cases.Case("kunit-uml", suite, name, status) for (_, suite, name), status in zip(PLACES, ("fail", "pass", "pass"))]
    cases.append(report_cases.Case("model", "", "fault.wake_forgotten", "pass"))
    table = tabulate([("kunit-uml", cases[:3], {}), ("model", cases[3:], {})], parse(PLANT))
    return table.counts["kunit-uml"], table.untaken, table.reasons


def check(checks):
    """What is wrong with testing/guarantees.txt; it is tried on a planted one first."""
    found = list(faults(parse(PLANT), PLACES))
    if found != PLANTED:
        return [f"the check finds {found} in the planted listing, wants {PLANTED}"]
    for text, wanted in REFUSED.items():
        try:
            parse(text)
            return [f"the listing {text!r} is taken, and should be refused: {wanted}"]
        except ListingError as error:
            if wanted not in str(error):
                return [f"the listing {text!r} is refused by '{error}', wants '{wanted}'"]
    wanted = ({"G1": Count(failed=1), NONE: Count(found=1)}, [PLACES[1], ("model", "event", "fault.wake_forgotten")], {"of no interest": 1})
    if planted_counts() != wanted:
        return [f"the planted cases are counted as {planted_counts()}, wants {wanted}"]
    try:
        return [f"testing/guarantees.txt: {what}" for what in faults(read(), report_inventory.known(checks))]
    except ListingError as error:
        return [str(error)]
