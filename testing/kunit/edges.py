# SPDX-License-Identifier: GPL-2.0
"""What lockdep must know, and must not, once the suites have run: lockdep-edges.txt."""

import os

import report_cases

LISTING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lockdep-edges.txt")


def edges_of(text):
    """{(first, second)} of what /proc/lockdep says: a class, and under it those that were taken with it held."""
    found, first = set(), ""
    for line in text.splitlines():
        name = line.split()[-1] if line.strip() else ""
        if line.startswith(" -> "):
            found.add((first, name))
        elif name:
            first = name
    return found


def cases(layer, series, again):
    """One case for each line of the listing whose suite has run."""
    found, known = set(), set()
    for boot in series.boots:
        path = os.path.join(boot.directory, "lockdep.txt")
        if os.path.exists(path):
            known |= set(boot.suites)
            with open(path, encoding="utf-8") as stream:
                found |= edges_of(stream.read())
    result = []
    for _, text, _ in report_cases.read_listing(LISTING, "edges"):
        suite, first, second = text.lstrip("!").split()
        if suite not in series.suites():
            continue
        wanted, there = not text.startswith("!"), (first, second) in found
        why = ("the guest ended before it could say" if suite not in known
               else "" if wanted == there else "there is none" if wanted else "there is one")
        result.append(report_cases.Case(
            layer, "", f"lockdep: {'' if wanted else 'no '}edge from {first} to {second}",
            "fail" if why else "pass", why, repeat=f"{again} TEST={suite}"))
    return result
