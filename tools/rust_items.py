# SPDX-License-Identifier: GPL-2.0
"""The items of a Rust file, as far as tools/api.py needs them.

Not a parser of Rust: it looks for the words that begin an item and matches
brackets, in code that has no comments and no strings any more. It knows nothing
of what a macro makes.
"""

import dataclasses
import re

import check_rules

ITEM = re.compile(
    r"(?P<macro>\bmacro_rules!\s*\w+\s*\{)|(?P<call>^[\w:]+!\s*\{)|\bmod\s+(?P<mod>\w+)\s*\{"
    r"|(?P<impl>^[ ]*(?:unsafe\s+)?impl\b[^;{]*)\{|\btrait\s+(?P<trait>\w+)(?P<bounds>[^;{]*)\{"
    r"|\b(?P<kind>struct|enum|union)\s+(?P<type>\w+)|^pub type (?P<alias>\w+)|\bfn\s+(?P<fn>\w+)", re.M)
OPEN, CLOSE = "([{", ")]}"


@dataclasses.dataclass
class Item:
    """A type, a trait or a function."""

    kind: str                       # struct, enum, union, trait, type (another name), fn
    name: str
    path: str
    line: int
    public: bool
    docs: str
    head: str                       # the declaration, up to its body
    body: str
    attributes: str = ""
    of: str = ""                    # fn: the type or trait that it belongs to
    by: str = ""                    # fn: the trait that it implements
    within: str = ""                # fn: the header of its impl

    @property
    def hidden(self):
        return "doc(hidden)" in self.attributes


def matching(code, at):
    """The index behind the bracket that closes the one at `at`."""
    depth = 0
    while at < len(code):
        if code[at] in OPEN:
            depth += 1
        elif code[at] in CLOSE:
            depth -= 1
            if not depth:
                return at + 1
        at += 1
    return len(code)


def generics(text):
    """`text` without the <...> at its beginning."""
    if not text.startswith("<"):
        return text
    depth = 0
    for at, char in enumerate(text):
        if char == "<":
            depth += 1
        elif char == ">" and text[at - 1] != "-":
            depth -= 1
            if not depth:
                return text[at + 1:].strip()
    return text


def name_of(text):
    """The last name of a path: 'a::B<C>' is B."""
    found = re.match(r"\s*(?:&\s*(?:'\w+\s*)?(?:mut\s+)?)?(?:\w+\s*::\s*)*(\w+)", text)
    return found[1] if found else text.strip()


def implementation(head):
    """(trait or "", type) of an impl."""
    text = generics(re.sub(r"^\s*(unsafe\s+)?impl\s*", "", head).strip())
    text = re.split(r"\bwhere\b", text)[0]
    depth, cut = 0, None
    for match in re.finditer(r"[<(\[]|->|[>)\]]|\bfor\s", text):
        if match[0] in "<([":
            depth += 1
        elif match[0] in (">", ")", "]"):
            depth -= 1
        elif match[0].startswith("for") and not depth:
            cut = match
            break
    if cut:
        return name_of(text[:cut.start()].lstrip("!? ")), name_of(text[cut.end():])
    return "", name_of(text)


class File:
    def __init__(self, path, text):
        source = check_rules.Source(path, text)
        self.path, self.lines = path, source.lines
        self.code = "\n".join(source.code)
        self.items = []
        self.implemented = []       # (trait, type)
        self._within = ""
        self._scan(0, len(self.code), "", "", False)

    def _line(self, at):
        return self.code.count("\n", 0, at) + 1

    def _above(self, number):
        """(docs, attributes) above a line."""
        docs, attributes = [], []
        while number > 1:
            line = self.lines[number - 2].strip()
            if line.startswith("///"):
                docs.append(line[3:].removeprefix(" "))
            elif line.startswith("//"):
                pass
            elif not line or line.endswith((";", "{", "}")) and not line.startswith("#["):
                break
            else:
                attributes.append(line)
            number -= 1
        return "\n".join(reversed(docs)), "\n".join(reversed(attributes))

    def _body(self, at, end):
        """(where the declaration that goes on at `at` ends, its body)."""
        while at < end:
            if self.code[at] in "([":
                at = matching(self.code, at)
                continue
            if self.code[at] == ";":
                return at, ""
            if self.code[at] == "{":
                return at, self.code[at:matching(self.code, at)]
            at += 1
        return end, ""

    def _scan(self, at, end, of, by, public):
        while match := ITEM.search(self.code, at, end):
            at = match.end()
            if match["macro"] or match["call"]:
                at = matching(self.code, match.end() - 1)
            elif match["mod"]:
                close = matching(self.code, match.end() - 1)
                self._scan(at, close, "", "", False)
                at = close
            elif match["impl"]:
                trait, name = implementation(match["impl"])
                if trait:
                    self.implemented.append((trait, name))
                close = matching(self.code, match.end() - 1)
                self._within = match["impl"]
                self._scan(at, close, name, trait, False)
                self._within = ""
                at = close
            else:
                at = self._item(match, end, of, by, public)

    def _item(self, match, end, of, by, public):
        start = self.code.rfind("\n", 0, match.start()) + 1
        before = self.code[start:match.start()]
        line = self._line(match.start())
        docs, attributes = self._above(line)
        seen = public or bool(match["alias"]) or bool(re.search(r"\bpub\s+(?!\()", before + " ")) and "pub(" not in before
        if match["trait"]:
            close = matching(self.code, match.end() - 1)
            self.items.append(Item("trait", match["trait"], self.path, line, seen, docs,
                                   before + match[0], self.code[match.end():close], attributes))
            self._scan(match.end(), close, match["trait"], match["trait"] + "::", seen)
            return close
        at, body = self._body(match.end(), end)
        kind = match["kind"] or ("type" if match["alias"] else "fn")
        if kind in ("struct", "type") and not body:
            body = self.code[match.end():at]
        self.items.append(Item(kind, match["type"] or match["alias"] or match["fn"], self.path, line, seen, docs,
                               before + self.code[match.start():at], body, attributes, of, by, self._within))
        return at + len(body) if self.code[at:at + 1] == "{" else at
