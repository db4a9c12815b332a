# SPDX-License-Identifier: GPL-2.0
"""What lies in out/: the results of the layers and of what is no layer of 'make test', and what is missing.

What is not there is not an error: the page says which command makes it.
"""

import dataclasses
import json
import os
import sys
import time

import report_cases

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [path for path in (os.path.join(TOP, "testing", "torture"),) if path not in sys.path]

import report_inventory
import state

# Those of 'make test', in its order, and what makes each.
LAYERS = {
    "check": "make check", "compile-fail": "make compile-fail", "litmus": "make litmus", "model": "make model",
    "fuzz": "tools/test fuzz", "kunit-uml": "ENGINE=uml make kunit", "torture": "make torture", "kunit-qemu": "make kunit",
    "outside": "make outside", "intree": "tools/intree --compile", "kunit-debug": "tools/test kunit-debug",
    "selftests": "make selftests", "selftests-debug": "tools/test selftests-debug", "bench": "make bench",
}
MUTANTS = {"mutants": "make mutants", "mutants-torture": "tools/mutants --torture", "mutants-host": "tools/mutants --host"}


class SourceError(Exception):
    """A file that was asked for cannot be used; the text says which and why."""


@dataclasses.dataclass
class Sources:
    """All that was found."""

    layers: list = dataclasses.field(default_factory=list)      # (name, cases, facts)
    dates: dict = dataclasses.field(default_factory=dict)       # {name: when}
    missing: list = dataclasses.field(default_factory=list)     # (what, the command that makes it)
    torture: dict | None = None     # report.json of the last run
    soak: dict | None = None        # the sums of state.py
    soaks: list = dataclasses.field(default_factory=list)       # the files that are in these sums
    mutants: list = dataclasses.field(default_factory=list)
    litmus: dict | None = None
    coverage: dict | None = None
    bench: dict | None = None


def load(path):
    """A JSON file, or None if there is none that can be read."""
    try:
        with open(path, encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None


def date_of(path):
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(os.path.getmtime(path)))


def repeat_of(layer):
    """The command that makes a layer; of 'make debug' and others, the layer's name says it."""
    return LAYERS.get(layer) or MUTANTS.get(layer) or f"tools/test {layer}"


def layers(sources, results):
    """The layers that have left cases, those of 'make test' first."""
    # What is run with counters are layers that are there already; the coverage has a part of its own.
    there = [name for name in sorted(os.listdir(results)) if os.path.exists(os.path.join(results, name, "cases.json"))
             and not name.startswith("coverage")] \
        if os.path.isdir(results) else []
    for layer in [name for name in LAYERS if name in there] + [name for name in there if name not in LAYERS]:
        path = os.path.join(results, layer, "cases.json")
        try:
            cases, facts = report_cases.load(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            cases, facts = [report_cases.Case(layer, "", "layer", "fail", f"{path} cannot be read: {error}", repeat=repeat_of(layer))], {}
        # Of a layer that was run as another one, e.g. that of the series.
        for case in cases:
            case.layer = layer
        sources.layers.append((layer, cases, facts))
        sources.dates[layer] = date_of(path)
    sources.missing += [(layer, command) for layer, command in LAYERS.items() if layer not in there]


def mutants_as_cases(found):
    """A mutant that a test has noticed is a control that was found."""
    for entry in found:
        noticed = entry["verdict_test"] and ": " + entry["verdict_test"]
        yield report_cases.Case("mutants", entry["area"], entry["name"], "pass" if entry["verdict_red"] else "fail",
                                f"{entry['verdict_how']}{noticed}, {entry['verdict_seconds']:.1f} s", entry["verdict_log"][-report_cases.LAST_LINES:],
                                f"tools/mutants {entry['name']}", True)


def tries_as_cases(found):
    for entry in found:
        yield report_cases.Case("mutants-torture", entry["row"], entry["mutant"], "pass" if entry["red"] else "fail",
                                f"{entry['how']}, {entry['seconds']:.1f} s", entry["log"][-report_cases.LAST_LINES:],
                                f"tools/mutants --torture {entry['mutant']}", True)


def host_as_cases(found):
    for entry in found:
        yield report_cases.Case("mutants-host", entry["family"], entry["name"], "pass" if entry["red"] else "fail",
                                f"{entry['how']}, {entry['seconds']:.1f} s", [], f"tools/mutants --host {entry['file']}", True)


def mutants(sources, results):
    """The mutants as three layers more."""
    known = [layer for layer, _, _ in report_inventory.mutants()]
    for layer, name, made in (("mutants", "mutants.json", mutants_as_cases), ("mutants-torture", "torture.json", tries_as_cases),
                              ("mutants-host", "host.json", host_as_cases)):
        path = os.path.join(results, "mutants", name)
        found = load(path)
        try:
            cases = list(made(found)) if found else []
        except (KeyError, TypeError):
            cases = []
        if not cases:
            sources.missing.append((layer, MUTANTS[layer]))
            continue
        note = f"{len(cases)} of {known.count(layer)} were tried" if len(cases) < known.count(layer) else ""
        sources.layers.append((layer, cases, {"note": note} if note else {}))
        sources.dates[layer] = date_of(path)
        if note:
            sources.missing.append((f"{layer}: {note}", MUTANTS[layer]))
        if layer == "mutants":
            sources.mutants = found


def soaks(sources, out, more):
    """The sums of the soak here, and of those that were given: state.json, or report.json of a run."""
    own = os.path.join(out, "soak", "state.json")
    found = state.EMPTY
    for path in ([own] if os.path.exists(own) else []) + list(more):
        try:
            found = state.add(found, state.load(path))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if path != own:
                raise SourceError(f"SOAK={path}: it is neither a state.json nor a report.json: {type(error).__name__}: {error}") from error
            continue
        sources.soaks.append(path)
    sources.soak = found if sources.soaks else None
    if not sources.soaks:
        sources.missing.append(("soak", "make soak HOURS=1"))


def collect(out, more=()):
    """All that is there, below that folder; `more` are files of soaks elsewhere."""
    sources, results = Sources(), os.path.join(out, "results")
    layers(sources, results)
    mutants(sources, results)
    soaks(sources, out, more)
    sources.torture = load(os.path.join(results, "torture", "report.json"))
    sources.litmus = load(os.path.join(results, "litmus", "report.json"))
    sources.coverage = load(os.path.join(out, "coverage", "report.json"))
    if not sources.coverage:
        sources.missing.append(("coverage", "make coverage"))
    sources.bench = load(os.path.join(out, "bench", "report.json"))
    return sources
