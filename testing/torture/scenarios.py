# SPDX-License-Identifier: GPL-2.0
"""The scenarios, as configs/ has them, and the rows, as rows.rs has them.

As with rcutorture, CFLIST names the scenarios, NAME says what they need, and NAME.boot has the
parameters. NAME has lines of these, and comments with #:

    CPUS=2                  of the guest
    ENGINES=tcg kvm         where it can run; everywhere, if it is not there
    GUEST=failslab          what the guest does beside it: failslab, drop_caches, modules, freezer
    HOST=jitter             what the host does beside it
    KERNEL=CONFIG_FREEZER   what the kernel has to have

The BUSTED ones are in no list: they run whatever is asked for.
"""

import dataclasses
import fnmatch
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGS = os.path.join(HERE, "configs")
CONTROLS = ("BUSTED", "BUSTED_SIGNAL")
CONTROL_ROW = "boxes"           # broken rows without their faults: there is nothing of the library in it
ENGINES = ("uml", "tcg", "kvm")
ALLOWED = {"CPUS": ("1", "2", "4", "8"), "ENGINES": ENGINES, "GUEST": ("failslab", "drop_caches", "modules", "freezer"), "HOST": ("jitter",),
           "KERNEL": ("CONFIG_FREEZER",)}


class ScenarioError(Exception):
    """A scenario that is not there, or says what means nothing; the text says so."""


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    busted: bool


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    parameters: tuple
    cpus: int = 2
    engines: tuple = ENGINES
    guest: tuple = ()
    host: tuple = ()
    kernel: tuple = ()

    def lacks(self, options):
        """What the kernel would have to have besides the `options` of its configuration."""
        return [option for option in self.kernel if option + "=y" not in options]

    def rows(self, table):
        """The rows that it tortures, as settings.rs picks them."""
        asked = dict(parameter.split("=", 1) for parameter in self.parameters).get("torture_type", "*").split(",")
        return [row for row in table if row.name in asked or ("busted" if row.busted else "*") in asked]

    def place(self):
        """Those with the same one can share a boot."""
        return self.cpus, self.host


def table():
    """Every row."""
    with open(os.path.join(HERE, "rows.rs"), encoding="utf-8") as stream:
        found = re.findall(r'^\s+row!\("(\w+)",(.*)\),$', stream.read(), re.M)
    return [Row(name, "busted," in rest) for name, rest in found]


def lines(name):
    with open(os.path.join(CONFIGS, name), encoding="utf-8") as stream:
        return [line for text in stream if (line := text.partition("#")[0].strip())]


def read(name):
    """The scenario with that name."""
    wanted = {}
    for line in lines(name):
        key, _, value = line.partition("=")
        wrong = [word for word in value.split() if word not in ALLOWED.get(key, ())]
        if key not in ALLOWED or wrong or not value:
            raise ScenarioError(f"{CONFIGS}/{name}: '{line}': allowed are " + ", ".join(f"{k}={'|'.join(v)}" for k, v in ALLOWED.items()))
        wanted[key.lower()] = tuple(value.split())
    cpus = int(wanted.pop("cpus", ("2",))[0])
    return Scenario(name, tuple(" ".join(lines(name + ".boot")).split()), cpus, **wanted)


def chosen(pattern, engine, rows=()):
    """(those that match and can run there, those that match and cannot), and the controls with the first.

    With `rows`, they torture these and no others, and the controls do not run.
    """
    unknown = [row for row in rows if row not in (each.name for each in table())]
    if unknown:
        raise ScenarioError(f"ROWS={','.join(rows)}: there is no row '{unknown[0]}'; there are: {' '.join(row.name for row in table())}")
    names = lines("CFLIST")
    found = [read(name) for name in names if fnmatch.fnmatchcase(name, pattern)]
    if not found and not pattern.startswith(CONTROLS[0]):
        raise ScenarioError(f"SCENARIO={pattern}: there is no such scenario; there are: {' '.join((*names, *CONTROLS))}")
    fit = [scenario for scenario in found if engine in scenario.engines]
    if found and not fit:
        raise ScenarioError(f"SCENARIO={pattern}: it does not run on {engine}; allowed are: "
                            + " ".join(sorted({name for scenario in found for name in scenario.engines})))
    if rows:
        return [dataclasses.replace(each, parameters=(*each.parameters, "torture_type=" + ",".join(rows))) for each in fit], []
    return fit + [read(name) for name in CONTROLS], [scenario for scenario in found if engine not in scenario.engines]


def boots(scenarios):
    """The scenarios of each boot."""
    places = {}
    for scenario in scenarios:
        places.setdefault(scenario.place(), []).append(scenario)
    return list(places.values())
