# SPDX-License-Identifier: GPL-2.0
"""What the guests of some boots have counted, in Rust and in C."""

import dataclasses

import counters
import gcov


@dataclasses.dataclass
class Counted:
    """What some boots have counted."""

    rust: dict = dataclasses.field(default_factory=dict)        # see counted()
    c: dict = dataclasses.field(default_factory=dict)           # see gcov.counted()
    loads: dict = dataclasses.field(default_factory=dict)       # {module: how often it was loaded}
    wrong: list = dataclasses.field(default_factory=list)


class Known:
    """What is needed of the file of a module to find the counters."""

    def __init__(self, path):
        parts = counters.sections(path)
        self.records = parts.get("__llvm_prf_data", b"")
        self.names = counters.names_in(parts.get("__llvm_prf_names", b""))
        self.infos = gcov.infos(path, parts)


def read(dumps, modules):
    """Counted of the files of some boots; `modules` is {name: path}."""
    all_counted, known = Counted(), {}
    for dump in dumps:
        try:
            found, ended = counters.sent(dump)
        except (OSError, counters.CoverageError) as error:
            all_counted.wrong.append(str(error))
            continue
        if not ended:
            all_counted.wrong.append(f"{dump}: the guest was killed before it had sent everything")
        for module, base, data in found:
            try:
                if module in modules and module not in known:
                    known[module] = Known(modules[module])
                if module in modules:
                    take(all_counted, known[module], base, data)
                    all_counted.loads[module] = all_counted.loads.get(module, 0) + 1
            except counters.CoverageError as error:
                all_counted.wrong.append(f"{dump}: {module}: {error}")
    return all_counted


def take(all_counted, known, base, data):
    if known.records:
        counters.add(all_counted.rust, counters.counted(data, known.records, known.names))
    if known.infos:
        gcov.add(all_counted.c, gcov.counted(data, base, known.infos))
