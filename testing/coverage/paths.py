# SPDX-License-Identifier: GPL-2.0
"""The pieces that nothing has executed: which of them are paths of an error, and why some may stay.

unreached.txt has a line for each that stays: FILE: FUNCTION: TEXT # why: REASON. TEXT is the
line of the source, of a '?' too; line numbers would change with every edit above.
"""

import dataclasses
import os
import re

import regions
import report_cases

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "unreached.txt")

# What a region has in it, or directly before it, that is an error.
INSIDE = re.compile(r"^\?$|\bErr\(|\breturn Err\b|\bE(?!POLL|XPORT)[A-Z0-9]{2,}\b(?!\s*=>)|\bError\b"
                    r"|\bgoto \w*(?:err|fail|out|free|undo)\w*")
BEFORE = re.compile(r"\bErr\([^()]*(?:\([^()]*\))?[^()]*\)(?: if .*)? =>\s*$|\b(?:map_err|or_else|ok_or_else|inspect_err)\((?:move )?\|[^|]*\|\s*$"
                    r"|\bif let Err\([^()]*\) = .*$|\bis_err\(\) *$")


@dataclasses.dataclass
class Piece:
    """A region that nothing has executed."""

    file: str
    function: str
    line: int
    text: str
    error: bool
    why: str = ""

    @property
    def key(self):
        return self.file, self.function, self.text


class Sources:
    """The lines of the files."""

    def __init__(self, top=regions.TOP):
        self.top, self.known = top, {}

    def lines(self, file):
        if file not in self.known:
            with open(os.path.join(self.top, file), encoding="utf-8") as stream:
                self.known[file] = stream.read().splitlines()
        return self.known[file]

    def text(self, file, region):
        """The text of a region. Columns are counted in bytes, from 1."""
        begin, first, end, last = region
        lines = [line.encode() for line in self.lines(file)[begin - 1:end]]
        if not lines:
            return ""
        lines[-1] = lines[-1][:last - 1]
        lines[0] = lines[0][first - 1:]
        return "\n".join(line.decode(errors="replace") for line in lines)

    def before(self, file, region):
        return self.lines(file)[region[0] - 1].encode()[:region[1] - 1].decode(errors="replace")


def shown(sources, file, region):
    """The line that stands for a region: that of a '?', else the first one with something to say."""
    text = sources.text(file, region)
    if text == "?":
        return sources.lines(file)[region[0] - 1].strip()
    lines = [line.strip() for line in text.splitlines()]
    return next((line for line in lines if line.strip("{}() ") and not line.startswith("//")), lines[0] if lines else "")


def is_error(sources, file, region):
    text = "\n".join(line.partition("//")[0] for line in sources.text(file, region).splitlines())
    return bool(INSIDE.search(text) or BEFORE.search(sources.before(file, region)))


def indent(lines, region):
    line = lines[region[0] - 1]
    return len(line) - len(line.lstrip())


def unreached(covered, sources):
    """([Function that nothing has executed], [Piece of the others])."""
    whole, pieces = [], []
    for function in sorted(covered.functions.values(), key=lambda each: (each.file, each.begin)):
        if not any(covered.reached(function.file, region) for region in function.regions):
            whole.append(function)
            continue
        lines, first, before, last = sources.lines(function.file), None, None, None
        for region in sorted(function.regions):
            if covered.reached(function.file, region):
                first = None
                continue
            # What is inside of what was not executed, or follows it directly, is not told again.
            inside = first and (region[:2] <= before[2:] or indent(lines, region) > indent(lines, first))
            # In C a region is a line.
            inside = inside or first and function.file.endswith((".c", ".h")) and region[0] == before[2] + 1
            # A map_err() and the '?' behind it are one path.
            inside = inside or last and region[0] == last[2] and sources.text(function.file, region) == "?" != sources.text(function.file, last)
            before = region
            if inside:
                continue
            first = last = region
            pieces.append(Piece(function.file, function.name, region[0], shown(sources, function.file, region),
                                is_error(sources, function.file, region)))
    return whole, pieces


def listed(path=LIST):
    """{(file, function, text): why} of the list, and what is wrong with it."""
    found, wrong = {}, []
    for number, text, why in report_cases.read_listing(path, "skips"):
        parts = text.split(": ", 2)
        if len(parts) != 3:
            wrong.append(f"{os.path.basename(path)}:{number}: want 'FILE: FUNCTION: TEXT  # why: reason', got '{text}'")
            continue
        found[tuple(parts)] = why
    return found, wrong


def judge(covered, pieces, whole, reasons):
    """Puts the reasons to the pieces; returns the entries of the list of which there is nothing unreached."""
    # What was not built has not been reached.
    used = {key for key in reasons if key[0] not in covered.hashes}
    for piece in pieces:
        if piece.key in reasons:
            piece.why = reasons[piece.key]
            used.add(piece.key)
    # A function that nothing reaches at all: its text is "fn".
    used |= {key for function in whole if (key := (function.file, function.name, "fn")) in reasons}
    return [key for key in reasons if key not in used]
