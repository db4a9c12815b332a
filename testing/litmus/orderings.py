# SPDX-License-Identifier: GPL-2.0
"""The orders that the source asks for: what each lettered operation is.

In rust/, a barrier has a letter, in a comment at the operation: "A, pairs with C". Here
the operations are found, with the order that each has, whether it is asked for there or
in a function that stands for it (orderings.toml: calls), down to the helper in C and to
what the kernel's own function does.

Not a parser of either language: comments and strings are taken out, and functions are
found by their braces.
"""

import dataclasses
import os
import re
import sys
import tomllib

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tools"), os.path.join(TOP, "testing", "litmus")]

import check_rules

HERE = os.path.join("testing", "litmus")

# Rust names the order of an operation: kernel::sync::atomic, and core's in the model.
RUST = re.compile(r"(?P<fence>\bfence\s*\(\s*SeqCst\s*\)|\bsmp_(?:mb|rmb|wmb)\s*\()"
                  r"|\b(?P<order>Acquire|Release|Full|AcqRel|SeqCst)\b")
RUST_CLASS = {"Acquire": "acquire", "Release": "release", "Full": "full", "AcqRel": "acqrel", "SeqCst": "seqcst"}
USE = re.compile(r"^\s*(?:pub(?:\([^)]*\))?\s+)?use\s[^;]*;", re.M)

# C has the order in the name, and none means fully ordered for what returns a value.
C_FULL = r"(?:atomic(?:64|_long)?_)?(?:try_)?(?:cmp)?xchg|atomic(?:64|_long)?_(?:fetch_\w+|\w+_return|\w+_and_test)"
C = re.compile(r"\b(?:(?P<named>smp_store_release|smp_load_acquire|smp_mb(?:__\w+)?|smp_rmb|smp_wmb|rcu_assign_pointer)"
               rf"|(?P<atomic>{C_FULL})(?P<suffix>_acquire|_release|_relaxed)?)\s*\(")
C_CLASS = {"smp_store_release": "release", "smp_load_acquire": "acquire", "rcu_assign_pointer": "release"}

LETTERS = re.compile(r"\b(?P<letters>[A-Z](?:, [A-Z])*)(?P<event> of the protocol)?, pairs? with (?P<with>[A-Z](?:, [A-Z])*)\b")


@dataclasses.dataclass
class Op:
    """An operation that has an order."""

    line: int
    name: str
    order: str                      # acquire, release, full, mb; "-" if it is one that only has a letter
    quiet: bool = False             # a call that needs no letter: what is in the function has one
    lettered: bool = False


@dataclasses.dataclass
class Site:
    """A letter in the source."""

    key: str                        # event.A
    pairs: list                     # [C]
    path: str
    function: str
    line: int
    order: str


def kinds(text, is_rust):
    """The text without comments and strings, with the same lines."""
    code = check_rules.strip(text)
    if is_rust:
        code = USE.sub(lambda match: "\n" * match[0].count("\n"), code)
    return code


class File:
    """A source: its functions, and its operations."""

    def __init__(self, path, text, table):
        self.path, self.table = path, table
        self.is_rust = path.endswith(".rs")
        self.lines = text.splitlines()
        self.text = kinds(text, self.is_rust)
        self.code = self.text.splitlines()
        self.functions = list(self.find_functions())
        self.ops = sorted(self.find_ops(), key=lambda op: op.line)

    def line_of(self, at):
        return self.text.count("\n", 0, at) + 1

    def find_functions(self):
        """(name, first line, last line, of which type) of each that has a body."""
        pattern = r"\bfn\s+(\w+)" if self.is_rust else r"^(?!#|\s)[\w \t*]*?\b(\w+)\s*\("
        for match in re.finditer(pattern, self.text, re.M):
            depth, at = 0, match.end(1)
            while at < len(self.text):
                char = self.text[at]
                if char in "([":
                    depth += 1
                elif char in ")]":
                    depth -= 1
                elif char in ";{" and depth == 0:
                    break
                at += 1
            if at >= len(self.text) or self.text[at] == ";":
                continue
            end = at
            while end < len(self.text):
                depth += {"{": 1, "}": -1}.get(self.text[end], 0)
                if depth == 0:
                    break
                end += 1
            name, first = match[1], self.line_of(match.start(1))
            # The type that it is of, for those that have a name in common.
            of = next((line for line in reversed(self.code[:first]) if line.startswith("impl")), "")
            of = re.match(r"impl(?:<[^{]*?>)?\s+(?:[\w:]+(?:<[^{]*?>)?\s+for\s+)?(\w+)", of)
            yield name, first, self.line_of(end), of[1] if of else ""

    def function_at(self, line):
        """The innermost function that the line is in."""
        inside = [(first, name) for name, first, last, _ in self.functions if first <= line <= last]
        return max(inside)[1] if inside else "-"

    def find_ops(self):
        for match in (RUST if self.is_rust else C).finditer(self.text):
            line = self.line_of(match.start())
            if self.is_rust:
                order = "mb" if match["fence"] else RUST_CLASS[match["order"]]
                yield Op(line, re.sub(r"\s*\($", "", match[0]), order)
            elif match["named"]:
                yield Op(line, match["named"], C_CLASS.get(match["named"], "mb"))
            elif match["suffix"] != "_relaxed":
                yield Op(line, match["atomic"] + (match["suffix"] or ""), (match["suffix"] or "_full")[1:])
        for name, call in self.table["calls"].items():
            if not any(self.path.startswith(prefix) for prefix in call.get("in", [""])):
                continue
            for match in re.finditer(rf"(?<!\bfn )\b{name}\s*\(", self.text):
                # What defines it in C begins its line.
                if not self.is_rust and re.search(r"^\w[\w \t*]*$", self.text[self.text.rfind("\n", 0, match.start()) + 1:match.start()]):
                    continue
                for order in call["is"].split():
                    yield Op(self.line_of(match.start()), name, order, call.get("quiet", False))

    def body(self, function):
        """The operations of a function, in their order; None if there is no such function, or more than one."""
        found = [(first, last) for name, first, last, of in self.functions if function in (name, f"{of}::{name}")]
        if len(found) != 1:
            return None
        return [op for op in self.ops if found[0][0] <= op.line <= found[0][1]]

    def comments(self):
        """(line, letters, whether of the event protocol, pairs) of each comment with letters that is no documentation."""
        for number, line in enumerate(self.lines, 1):
            comment = re.search(r"(?://|/\*|^\s*\*)(?![/!*]).*", line)
            if not comment or line.lstrip().startswith(("//!", "///", "/**")):
                continue
            match = LETTERS.search(comment[0])
            if match:
                yield number, match["letters"].split(", "), bool(match["event"]), match["with"]

    def at(self, number):
        """The line of the operation that a comment in this line is about, or None."""
        lines = {op.line for op in self.ops}
        if number in lines:
            return number
        # In C a comment stands above; in Rust it may stand in the block that the operation begins.
        order = (1, 2, 3, -1) if not self.is_rust else (-1, -2)
        return next((number + step for step in order if number + step in lines), None)


def joined(ops):
    """What the orders are together: the model has a full operation as one between two fences."""
    text = " ".join(op.order for op in ops)
    return text.replace("mb acqrel mb", "full")


def read_table(path=os.path.join(TOP, HERE, "orderings.toml")):
    with open(path, "rb") as stream:
        return tomllib.load(stream)


def protocols_of(table, path):
    """The protocols whose letters a file has."""
    return [name for name, prefixes in table["protocols"].items()
            if any(path.startswith(prefix) for prefix in prefixes)]


def sites_of(file, table, wrong):
    """The letters of a file; `wrong` gets what is wrong with them."""
    protocols = protocols_of(table, file.path)
    for number, letters, of_event, pairs in file.comments():
        at = file.at(number)
        ops = [op for op in file.ops if op.line == at]
        where = f"{file.path}:{number}"
        if not ops:
            wrong.append(f"{where}: {', '.join(letters)}: there is no operation with an order here")
            continue
        if len(ops) != len(letters):
            wrong.append(f"{where}: {len(letters)} letters, and {len(ops)} operations: "
                         + ", ".join(f"{op.name} ({op.order})" for op in ops))
            continue
        taken = next((op for op in ops if op.lettered), None)
        if taken:
            wrong.append(f"{where}: {', '.join(letters)}: the operation there, {taken.name}, has a letter already")
            continue
        pairs = pairs.split(", ")
        # "B, C, pair with D, A": one by one.
        pairs = [[pair] for pair in pairs] if len(pairs) == len(ops) > 1 else [pairs] * len(ops)
        for letter, op, pair in zip(letters, ops, pairs):
            known = ["event"] if of_event else [name for name in protocols if letter in table["letters"].get(name, "")]
            if not known:
                wrong.append(f"{where}: {letter}: no protocol of this file has that letter, "
                             f"see [letters] of {HERE}/orderings.toml")
                continue
            op.lettered = True
            yield Site(f"{known[0]}.{letter}", pair, file.path, file.function_at(at), at, op.order)
