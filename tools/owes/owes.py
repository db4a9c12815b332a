#!/usr/bin/env drgn
# SPDX-License-Identifier: GPL-2.0
"""Prints who sleeps on what in baton, since when, and who owes the wake: from a dump or the live kernel.

Usage: drgn tools/owes/owes.py                 of the kernel that runs, as root
       drgn -c DUMP tools/owes/owes.py         of a dump
       ... --address ADDRESS                   of baton_registry_anchor, where it is not found

It needs no debug info: the layout is that of rust/registry.h, which has to be the one
that baton.ko was built with, and is refused if it is not. The registry has to have been on
(insmod baton.ko registry=1). Times are those of /sys/kernel/debug/baton_registry/sleepers where
the kernel runs; of a dump, they are seconds since its boot, as in its log.

From drgn's prompt, with this folder in sys.path:

    >>> import owes
    >>> registry = owes.Registry(prog)
    >>> registry.show()
    >>> [(sleeper.comm, sleeper.place) for sleeper in registry.sleepers()]
"""

import argparse
import os
import re
import struct
import sys
import time

import drgn

HEADER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "rust", "registry.h")
ANCHOR = "baton_registry_anchor"
KINDS = ("event", "entry", "drain", "completion", "run", "pin", "key", "count")
WINDOW = 32                             # as in rust/registry/ledger.rs
MOST = 100_000                          # sleepers: a list that is longer has been read while it changed

# Where modules are, on x86-64.
MODULES = (0xFFFF_FFFF_A000_0000, 0xFFFF_FFFF_FF00_0000)
PAGE = 4096
CHUNK = 1 << 20

SIZES = {"char": ("c", 1), "unsigned char": ("B", 1), "int": ("i", 4), "unsigned int": ("I", 4),
         "unsigned long": ("Q", 8), "unsigned long long": ("Q", 8)}
MEMBER = re.compile(r"\s*(?:const )?((?:struct |unsigned )?\w+(?: long)*) (\*?)(\w+)(?:\[(\w+)\])?;")


class Error(Exception):
    """The registry cannot be read; the text says why."""


class Layout:
    """The structures of registry.h: where each member is, as a C compiler of a 64-bit machine puts it."""

    def __init__(self, path=HEADER):
        with open(path, encoding="ascii") as stream:
            text = stream.read()
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        self.magic = re.search(r'#define BATON_REGISTRY_MAGIC "(.*)"', text)[1].encode()
        self.numbers = {name: int(value) for name, value in re.findall(r"#define (\w+) (\d+)", text)}
        self.structs = {}
        for name, body in re.findall(r"struct (\w+) \{(.*?)\};", text, flags=re.DOTALL):
            self.add(name, body)

    def add(self, name, body):
        members, at, widest = {}, 0, 1
        for line in filter(str.strip, body.split("\n")):
            found = MEMBER.fullmatch(line)
            if not found:
                raise Error(f"{HEADER}: '{line.strip()}' is not a member that this understands")
            kind, pointer, member, count = found.groups()
            inner = "" if pointer else kind.removeprefix("struct ")
            code, size = ("Q", 8) if pointer else SIZES.get(inner) or ("", self.structs[inner]["size"])
            align = size if code else self.structs[inner]["align"]
            at = -(-at // align) * align
            number = int(self.numbers.get(count, count) or 1) if count else 1
            members[member] = (at, code, size, number if count else 0, inner)
            at += size * number
            widest = max(widest, align)
        self.structs[name] = {"members": members, "align": widest, "size": -(-at // widest) * widest}

    def size(self, name):
        return self.structs[name]["size"]

    def read(self, name, data, at=0):
        """The structure as a dictionary; text as bytes, arrays of structures left out."""
        found = {}
        for member, (offset, code, size, number, inner) in self.structs[name]["members"].items():
            here = at + offset
            if code == "c":
                found[member] = data[here:here + number]
            elif code:
                found[member] = struct.unpack_from("<" + code, data, here)[0]
            elif not number:
                found[member] = self.read(inner, data, here)
        return found

    def offset(self, name, member):
        return self.structs[name]["members"][member][0]


def text(data):
    return data.split(b"\0")[0].decode("utf-8", "replace")


class Time:
    """A time of ktime_get_ns(), against now if that is known."""

    def __init__(self, now):
        self.now = now

    def ago(self, then, word=""):
        if self.now is None:
            return f"since {seconds(then)}"
        return f"{word}{max(0, self.now - then) // 1_000_000} ms"


def seconds(nanoseconds):
    return f"{nanoseconds // 1_000_000_000}.{nanoseconds // 1000 % 1_000_000:06}"


class Sleeper:
    """A task that sleeps: object, kind, name, comm, pid, since, place, claim, task."""

    def __init__(self, registry, record):
        self.address, self.index = record["object"]["address"], record["object"]["part"]
        self.object = (self.address, self.index)
        self.kind = KINDS[record["kind"]] if record["kind"] < len(KINDS) else "?"
        self.name = registry.text(record["name"])
        self.pid, self.comm = record["who"]["pid"], text(record["who"]["comm"])
        self.since, self.claim, self.task = record["since"], record["claim"], record["task"]
        self.place = f"{registry.text(record['file'])}:{record['line']}"
        self.behind = None
        self.time = registry.time

    def heading(self):
        part = {"entry": f" index {self.index}", "key": f" key {self.index}"}.get(self.kind, "")
        return f"{self.kind} {self.name} {self.address:#x}{part}"

    def __str__(self):
        behind = f", behind {self.behind}, whose claim fails" if self.behind is not None else ""
        return f"{self.comm} {self.pid} {self.time.ago(self.since, 'for ')} at {self.place} sleeps{behind}"


class Debtor:
    """Who owes a wake-up, or has changed an event: object, kind, comm, pid, count, since, last, place, has_changed."""

    def __init__(self, registry, row):
        self.object = (row["object"]["address"], row["object"]["part"])
        self.kind = KINDS[row["kind"]] if row["kind"] < len(KINDS) else "?"
        self.count, self.since, self.last = row["count"], row["since"], row["last"]
        self.pid, self.comm = row["who"]["pid"], text(row["who"]["comm"])
        self.place = f"{text(row['file']['bytes'][:row['file']['len']])}:{row['line']}"
        self.has_changed = bool(row["changes"])
        self.time = registry.time

    def __str__(self):
        who = f"{self.comm} {self.pid}"
        if self.has_changed:
            when = f"{self.time.ago(self.last)} ago" if self.time.now is not None else f"at {seconds(self.last)}"
            return f"{who} changed it last, {when}, {self.count} in all, at {self.place}"
        return f"{who} owes {self.count} {self.kind} {self.time.ago(self.since, 'for ')}, from {self.place}"


class Registry:
    """What the registry of `prog` knows; see the functions that do not begin with an underscore."""

    def __init__(self, prog, address=None, header=HEADER):
        self.prog = prog
        self.layout = Layout(header)
        live = bool(prog.flags & drgn.ProgramFlags.IS_LIVE)
        self.time = Time(time.clock_gettime_ns(time.CLOCK_MONOTONIC) if live else None)
        if address is None:
            address = self._symbol() or (self._listed() if live else self._searched())
        if not address:
            raise Error(f"{ANCHOR} is not found: is baton.ko loaded? Else --address says where it is")
        anchor = self._read("baton_registry_anchor", address)
        if anchor["magic"].rstrip(b"\0") != self.layout.magic:
            raise Error(f"at {address:#x} is '{text(anchor['magic'])}', "
                        f"not '{self.layout.magic.decode()}': {os.path.relpath(header)} is not that of this baton.ko")
        self._at = anchor["state"]
        state = self._read("baton_registry", self._at)
        self.is_on, self.is_late = bool(state["on"]), not state["from_the_start"]
        self.since, self.lost, self._head = state["since"], state["lost"], state["head"]
        rows = self._at + self.layout.offset("baton_registry", "rows")
        count, size = self.layout.numbers["BATON_REGISTRY_ROWS"], self.layout.size("baton_row")
        data = prog.read(rows, count * size)
        self._rows = [self.layout.read("baton_row", data, at * size) for at in range(count)]

    def _read(self, name, address):
        return self.layout.read(name, self.prog.read(address, self.layout.size(name)))

    def _symbol(self):
        """By what drgn knows, if it has debug info."""
        try:
            return self.prog.symbol(ANCHOR).address
        except LookupError:
            return None

    @staticmethod
    def _listed():
        """By what the kernel says of itself."""
        with open("/proc/kallsyms", encoding="ascii") as stream:
            for line in stream:
                if f" {ANCHOR}\t" in line:
                    return int(line.split()[0], 16)
        return None

    def _searched(self):
        """By its first words, where modules are."""
        at, end = MODULES
        while at < end:
            try:
                data = self.prog.read(at, CHUNK)
                step = CHUNK
            except drgn.FaultError:
                data, step = self._pages(at), CHUNK
            for found in re.finditer(re.escape(self.layout.magic), data):
                address = at + found.start()
                if not address % 8 and self._is_there(address):
                    return address
            at += step
        return None

    def _pages(self, at):
        """That chunk, with nothing where there is no page."""
        data = bytearray(CHUNK)
        for offset in range(0, CHUNK, PAGE):
            try:
                data[offset:offset + PAGE] = self.prog.read(at + offset, PAGE)
            except drgn.FaultError:
                pass
        return bytes(data)

    def _is_there(self, address):
        try:
            state = self._read("baton_registry_anchor", address)["state"]
            return state % 8 == 0 and state >= MODULES[0] and bool(self.prog.read(state, 1))
        except drgn.FaultError:
            return False

    def text(self, what):
        return text(self.prog.read(what["bytes"], min(what["len"], 256))) if what["len"] else ""

    def sleepers(self):
        """Who sleeps; those who sleep on one object together, the longest first."""
        found, at = [], self._head
        try:
            while at:
                record = self._read("baton_record", at)
                found.append(Sleeper(self, record))
                at = record["next"]
                if len(found) > MOST:
                    raise Error("the list has changed while it was read; once more")
        except drgn.FaultError as error:
            raise Error(f"the list has changed while it was read, or is damaged: {error}") from error
        found.sort(key=lambda sleeper: (sleeper.object, sleeper.since))
        for number, sleeper in enumerate(found):
            ahead = [other for other in found[:number] if (other.object, other.claim) == (sleeper.object, sleeper.claim)]
            if sleeper.claim and ahead:
                sleeper.behind = ahead[0].pid
        return found

    def debtors(self, address, index=0):
        """Who owes for that object, or has changed it."""
        mixed = address ^ (index << 32 | index >> 32) & (1 << 64) - 1
        first = mixed * 0x61C8864680B583EB % (1 << 64) >> 32
        rows = [self._rows[(first + step) % len(self._rows)] for step in range(WINDOW)]
        return [Debtor(self, row) for row in rows
                if row["count"] and (row["object"]["address"], row["object"]["part"]) == (address, index)]

    def summary(self, asleep):
        end = f", {self.lost} not noted"
        if not self.is_on:
            return f"registry off: who sleeps is not counted, {asleep} asleep from before{end}"
        on = f"registry on {self.time.ago(self.since, 'for ')}, "
        if not self.is_late:
            return f"{on}since it was loaded: {asleep} asleep{end}"
        return (f"{on}since {seconds(self.since)}: {asleep} asleep since, "
                f"who was asleep before is not counted{end}")

    def show(self, stream=sys.stdout):
        """Prints what /sys/kernel/debug/baton_registry/sleepers shows."""
        found = self.sleepers()
        print(self.summary(len(found)), file=stream)
        before = None
        for sleeper in found:
            if sleeper.object != before:
                print(sleeper.heading(), file=stream)
                # A change is one of the whole event, whatever key it had.
                for debtor in self.debtors(sleeper.address, sleeper.index if sleeper.kind != "key" else 0) or ["nobody is known to owe it"]:
                    print(f"  {debtor}", file=stream)
                before = sleeper.object
            print(f"  {sleeper}", file=stream)


def main(prog):
    parser = argparse.ArgumentParser(prog="owes.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", type=lambda number: int(number, 16), help=f"of {ANCHOR}, hexadecimal")
    arguments = parser.parse_args()
    try:
        Registry(prog, arguments.address).show()
    except (Error, drgn.FaultError) as error:
        print(f"owes.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(drgn.get_default_prog()))
