# SPDX-License-Identifier: GPL-2.0
"""A litmus test with marked lines, and what remains of it without one of them.

A mark is a comment at the end of a line of the test:

    smp_mb();       // A else
    smp_mb();       // event.A else barrier();
    r0 = READ_ONCE(*x);     // B

It says that the line is what the source has at this letter: of the protocol that the
name of the test begins with, or of another one. What follows "else" stands there in the
test without it, which must find what the whole test does not. Letters that one
operation has alone and the other one could do without are left out together, if the
head of the test says so:

    * Together: C D

A mark that is no letter says so of an operation of the kernel, or of several lines.
"""

import dataclasses
import os
import re

MARK = re.compile(r"^(?P<indent>\s*)(?P<code>\S.*?)\s*//\s*(?P<who>[\w.]+)(?P<other>\s+else(?:\s+(?P<instead>.*))?)?\s*$")
LETTER = re.compile(r"^(?:([a-z]+)\.)?([A-Z])$")

NONE = "-"


class Wrong(Exception):
    """A test that says nothing as it is written."""


# What LKMM has of an operation, the first that matches.
CLASSES = (
    (r"\bsmp_store_release\b|\w_release\(", "release"),
    (r"\bsmp_load_acquire\b|\w_acquire\(", "acquire"),
    (r"\w_relaxed\(", NONE),
    (r"\bsmp_store_mb\b|\bsmp_mb(?:__\w+)?\(", "mb"),
    (r"\b(?:atomic_)?(?:try_)?(?:cmp)?xchg\(|\batomic_fetch_\w+\(|\batomic_\w+_return\(", "full"),
)


def class_of(code):
    """The order that a line of a test has."""
    return next((name for pattern, name in CLASSES if re.search(pattern, code)), NONE)


@dataclasses.dataclass
class Mark:
    """A marked line."""

    line: int
    who: str                        # A, event.A, or a word
    code: str
    instead: str | None             # what is there without it; None if it always is

    def key(self, protocol):
        """PROTOCOL.LETTER, or None if it is no letter."""
        match = LETTER.match(self.who)
        return f"{match[1] or protocol}.{match[2]}" if match else None


class Test:
    """A .litmus file."""

    def __init__(self, path, text=None):
        self.name = os.path.basename(path).removesuffix(".litmus")
        if text is None:
            with open(path, encoding="utf-8") as stream:
                text = stream.read()
        self.text, self.lines = text, text.splitlines()
        self.protocol = self.name.partition("-")[0]
        self.marks = [Mark(number, match["who"], match["code"], (match["instead"] or "").strip() if match["other"] else None)
                      for number, line in enumerate(self.lines) if (match := MARK.match(line))]
        together = re.search(r"^ \* Together: (.*)$", text, re.M)
        self.together = together[1].split() if together else []
        self.check()

    def check(self):
        """Raises Wrong if a part of it is not what it seems to be."""
        if self.lines[:1] != [f"C {self.name}"]:
            raise Wrong(f"{self.name}: its first line is not 'C {self.name}'")
        if not re.search(r"^ \* Result: Never$", self.text, re.M):
            raise Wrong(f"{self.name}: it does not say ' * Result: Never'")
        if not re.search(r"^exists ", self.text, re.M):
            raise Wrong(f"{self.name}: it has no 'exists'")
        for mark in self.marks:
            if mark.instead is None:
                continue
            if class_of(mark.instead) != NONE:
                raise Wrong(f"{self.name}:{mark.line + 1}: '{mark.instead}' has an order as well")
            if mark.instead == mark.code:
                raise Wrong(f"{self.name}:{mark.line + 1}: with and without {mark.who} are the same")
        left_out = {mark.who for mark in self.marks if mark.instead is not None}
        if not left_out:
            raise Wrong(f"{self.name}: nothing in it can be left out: no '// LETTER else'")
        unknown = [who for who in self.together if who not in left_out]
        if unknown:
            raise Wrong(f"{self.name}: Together: {unknown[0]}: there is no '// {unknown[0]} else'")

    def groups(self):
        """What is left out at a time."""
        alone = dict.fromkeys(mark.who for mark in self.marks
                              if mark.instead is not None and mark.who not in self.together)
        groups = [(who,) for who in alone]
        return groups + [tuple(self.together)] if self.together else groups

    def without(self, group):
        """The name and the text of the test without these."""
        name = f"{self.name}-without-{'-'.join(group)}"
        lines = list(self.lines)
        for mark in self.marks:
            if mark.who in group and mark.instead is not None:
                indent = MARK.match(self.lines[mark.line])["indent"]
                lines[mark.line] = indent + mark.instead if mark.instead else ""
        lines[0] = f"C {name}"
        return name, "\n".join(lines).replace(" * Result: Never", " * Result: Sometimes") + "\n"


def read(folder):
    """All tests of a folder, by name."""
    return [Test(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if name.endswith(".litmus")]
