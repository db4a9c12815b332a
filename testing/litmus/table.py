# SPDX-License-Identifier: GPL-2.0
"""The table of the letters: what each is, where it stands in the source, in which tests."""

import os

import litmus
import orderings
import orderings_check

BEGIN, END = "<!-- begin: tools/litmus --table -->", "<!-- end: tools/litmus --table -->"
README = os.path.join(orderings.TOP, orderings.HERE, "README.md")
ORDERS = {"mb": "full barrier", "full": "fully ordered operation", "acquire": "acquire", "release": "release",
          "-": "ordered by a lock"}


def sources(folders=("rust", os.path.join("testing", "model", "src"))):
    """The sources by path."""
    found = {}
    for folder in folders:
        for parent, _, files in os.walk(os.path.join(orderings.TOP, folder)):
            for name in files:
                if name.endswith((".rs", ".c", ".h")):
                    path = os.path.relpath(os.path.join(parent, name), orderings.TOP)
                    found[path] = orderings_check.read(path)
    return found


def places(sites):
    """Where they stand, as FILE: FUNCTION(), FUNCTION() 2 times."""
    files = {}
    for site in sorted(sites, key=lambda site: (site.path, site.line)):
        functions = files.setdefault(site.path.removeprefix("rust/"), {})
        functions[site.function] = functions.get(site.function, 0) + 1
    return "; ".join(f"{path}: " + ", ".join(f"{name}()" + (f" {times} times" if times > 1 else "") for name, times in found.items())
                     for path, found in files.items())


def letters(sites, tests):
    """(key, order, pairs, where, names of the tests) of each letter, by protocol."""
    for key in sorted({site.key for site in sites}):
        mine = [site for site in sites if site.key == key]
        pairs = sorted({letter for site in mine for letter in site.pairs})
        named = [test.name for test in tests if any(mark.key(test.protocol) == key for mark in test.marks)]
        yield key, mine[0].order, ", ".join(pairs), places(mine), named


def rows(sites, tests):
    """The lines of the table in the README."""
    yield "| letter | is | pairs with | stands in `rust/` | tests |"
    yield "|---|---|---|---|---|"
    for key, order, pairs, where, named in letters(sites, tests):
        where = "; ".join(f"`{part}`" for part in where.split("; "))
        linked = ", ".join(f"[{name}]({name}.litmus)" for name in named)
        yield f"| {key} | {ORDERS[order]} | {pairs} | {where} | {linked} |"


def written(text, sites, tests):
    """The README with the table between the marks."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return head + BEGIN + "\n" + "\n".join(rows(sites, tests)) + "\n" + END + tail


def check(sites, tests):
    """What is wrong with the README."""
    with open(README, encoding="utf-8") as stream:
        text = stream.read()
    if BEGIN not in text or END not in text:
        return [f"{orderings.HERE}/README.md has no '{BEGIN}'"]
    if written(text, sites, tests) != text:
        return [f"{orderings.HERE}/README.md: the table is not that of the source: tools/litmus --table writes it"]
    return []


def write():
    """Puts the table into the README; returns what is wrong with the source."""
    tests = litmus.read(os.path.join(orderings.TOP, orderings.HERE))
    wrong, sites = orderings_check.compare(orderings.read_table(), sources(), tests)
    with open(README, encoding="utf-8") as stream:
        text = stream.read()
    with open(README, "w", encoding="utf-8") as stream:
        stream.write(written(text, sites, tests))
    return wrong
