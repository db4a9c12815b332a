# SPDX-License-Identifier: GPL-2.0
"""Where the instructions go: what the plugin has counted between the markers, by symbol."""

import bisect
import glob
import os
import re
import subprocess

PLUGIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "profile.c")
USER, LOST = 0, 1                   # addresses that stand for something else, see profile.c
SHOWN = 25                          # symbols that are printed; all of them are in the file
NEAR = 0.05                         # how far the sum may be from what the clock has counted


def build(directory):
    """Compiles the plugin; returns its path."""
    path = os.path.join(directory, "profile.so")
    subprocess.run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", path, PLUGIN], check=True)
    return path


def options(plugin, out):
    """What QEMU is started with besides; what an earlier run has left is removed."""
    for old in glob.glob(glob.escape(out) + ".*"):
        os.remove(old)
    return ["-plugin", f"{plugin},out={out}"]


class Symbols:
    """The functions of the guest's kernel and of its modules, by address: lines ADDRESS NAME [MODULE]."""

    def __init__(self, lines):
        self.found = sorted((int(words[0], 16), words[1], words[2].strip("[]") if len(words) > 2 else "")
                            for words in (line.split() for line in lines) if len(words) > 1)
        self.addresses = [address for address, *_ in self.found]

    def at(self, address):
        if address == USER:
            return "(user space)", ""
        at = bisect.bisect_right(self.addresses, address) - 1
        if address == LOST or at < 0:
            return "(not known)", ""
        return self.found[at][1:]


def counted(path):
    """{address: instructions} of one profile."""
    with open(path, encoding="ascii") as stream:
        return {int(address, 16): int(count) for address, count in (line.split() for line in stream)}


def by_symbol(counts, symbols):
    """[(symbol, module, instructions)], most of them first."""
    sums = {}
    for address, count in counts.items():
        where = symbols.at(address)
        sums[where] = sums.get(where, 0) + count
    return sorted(((*where, count) for where, count in sums.items()), key=lambda each: (-each[2], each[:2]))


def readable(names):
    """{mangled: demangled} of the names of Rust; others stay as they are."""
    mangled = sorted({name for name in names if name.startswith("_R")})
    said = subprocess.run(["c++filt", "-s", "rust"], input="\n".join(mangled), capture_output=True, text=True, check=True).stdout
    return {name: shorter(plain) for name, plain in zip(mangled, said.splitlines())}


def shorter(name):
    """A demangled name without the paths of its crates."""
    name = re.sub(r"\[[0-9a-f]{8,}\]", "", name)
    return re.sub(r"\b(?:[a-z_][a-z0-9_]*::)+(?=[A-Z])", "", name)


def table(title, found, ops, unit="operation"):
    """The lines of one profile."""
    total = sum(count for *_, count in found)
    names = readable(name for name, *_ in found)
    lines = [f"{title}: {total} instructions, {ops} {unit}s, {total / max(ops, 1):.1f} each", f"{'%':>6} {'of each':>10}  symbol"]
    for name, module, count in found:
        where = f" [{module}]" if module else ""
        lines.append(f"{count / total:6.1%} {count / max(ops, 1):10.1f}  {names.get(name, name)}{where}")
    return lines


def check(name, counts, ns, exact):
    """Whether a profile has the instructions that the clock has counted in the same time."""
    total = sum(counts.values())
    why = f"{total} instructions, the clock says {ns}"
    return f"profile {name}: adds up", not exact or abs(total / max(ns, 1) - 1) < NEAR, why
