# SPDX-License-Identifier: GPL-2.0
"""Which file of rust/ imports which: no circles, so that a reader can go from the bottom up.

A name counts for the file that defines it. What a parent passes on (pub use
child::Name) is the child's; the parent imports it only if it uses it itself.

Alone, it prints the files from the bottom up, each with what it imports.
"""

import os
import re
import sys

import check_rules

ROOT = "baton.rs"

USE = re.compile(r"\b(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);")


def tree(text):
    """The paths of a use declaration: 'a::{b, c::d as e}' is [('a', 'b'), ...], as (path, name it gets)."""
    text = re.sub(r"\s+", " ", text).strip()
    tokens = re.findall(r"::|[{},*]|\$?\w+", text)
    found = []

    def walk(at, prefix):
        path = list(prefix)
        while at < len(tokens):
            token = tokens[at]
            if token == "{":
                at += 1
                while tokens[at] != "}":
                    at = walk(at, path)
                    if tokens[at] == ",":
                        at += 1
                return at + 1
            if token in (",", "}"):
                break
            if token == "as":
                found.append((tuple(path), tokens[at + 1]))
                return at + 2
            if token != "::":
                path.append(token.lstrip("$"))
            at += 1
        if path[-1] == "self" and len(path) > 1:
            path.pop()
        found.append((tuple(path), path[-1]))
        return at

    walk(0, ())
    return found


class Crate:
    """The files of a crate, as {path: text}, and who imports what."""

    def __init__(self, files):
        self.code = {path: "\n".join(check_rules.Source(path, text).code) for path, text in files.items()}
        self.modules = {self._module(path): path for path in files}
        self.macros = {name: path for path, code in self.code.items() for name in re.findall(
            r"#\[macro_export\]\s*(?:#\[[^\]]*\]\s*)*macro_rules!\s*(\w+)", code)}
        self.given = {path: self._given(path) for path in files}

    @staticmethod
    def _module(path):
        return () if path == ROOT else tuple(path.removesuffix(".rs").split("/"))

    def _given(self, path):
        """{name: path} of what a file passes on from elsewhere."""
        own = self._module(path)
        return {name: self._absolute(own, target) for visible, target, name in self._uses(path) if visible}

    def _uses(self, path):
        for visible, body in USE.findall(self.code[path]):
            for target, name in tree(body):
                yield bool(visible), target, name

    def _absolute(self, own, target):
        """The path from the root of the crate, or None for another crate's."""
        at = list(own)
        parts = list(target)
        if parts[0] == "crate":
            at, parts = [], parts[1:]
        elif parts[0] in ("self", "super"):
            while parts and parts[0] in ("self", "super"):
                if parts.pop(0) == "super":
                    at = at[:-1]
        elif own + (parts[0],) not in self.modules:
            return None
        return tuple(at + parts)

    def uses(self, path):
        """(whether it is passed on, path, name) of what a file imports."""
        return self._uses(path)

    def absolute(self, path, target):
        """The path from the root of the crate of what a file calls `target`; None: it is another crate's."""
        return self._absolute(self._module(path), target)

    def owner(self, target, seen=()):
        """The file that defines what an absolute path names, or None."""
        if target is None or target in seen:
            return None
        for cut in range(len(target), -1, -1):
            if target[:cut] in self.modules:
                break
        file, rest = self.modules[target[:cut]], target[cut:]
        if file == ROOT and rest and rest[0] in self.macros:
            return self.macros[rest[0]]
        if rest and rest[0] in self.given[file]:
            through = self.owner((self.given[file][rest[0]] or ()) + rest[1:], (*seen, target))
            return through or file
        return file

    def imports(self, path):
        """{file: name by which it is imported} of one file."""
        own = self._module(path)
        code = self.code[path]
        body = USE.sub("", code)
        found = {}

        def add(target, name):
            file = self.owner(target)
            if file and file != path:
                found.setdefault(file, name)

        for visible, target, name in self._uses(path):
            absolute = self._absolute(own, target)
            if absolute is None:
                continue
            if visible and not re.search(rf"\b{re.escape(name)}\b", body):
                continue
            if absolute in self.modules and absolute:
                # A module: what counts is what is used of it.
                members = set(re.findall(rf"(?<![\w:]){re.escape(name)}\s*::\s*(\w+)", body))
                for member in members:
                    add(absolute + (member,), f"{name}::{member}")
                if not members:
                    add(absolute, name)
            else:
                add(absolute, name)
        # Paths that are written where they are used; of a child also without "self".
        children = "|".join(name[-1] for name in self.modules if name and name[:-1] == own)
        inline = re.findall(r"(?<![\w:])\$?((?:crate|super|self)(?:\s*::\s*\w+)+)", body)
        if children:
            inline += re.findall(rf"(?<![\w:.])((?:{children})(?:\s*::\s*\w+)+)", body)
        for text in inline:
            target = tuple(re.split(r"\s*::\s*", text))
            add(self._absolute(own, target), text)
        return found


def circles(graph):
    """The strongly connected components with more than one file."""
    index, low, stack, result = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = []
            while True:
                group.append(stack.pop())
                if group[-1] == node:
                    break
            if len(group) > 1:
                result.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return result


def ring(graph, group):
    """A shortest circle in a component, as a list of files."""
    best = None
    for start in group:
        paths, seen = [[start]], {start}
        while paths:
            path = paths.pop(0)
            if start in graph[path[-1]]:
                if not best or len(path) < len(best):
                    best = path
                break
            for other in graph[path[-1]]:
                if other in group and other not in seen:
                    seen.add(other)
                    paths.append([*path, other])
    return [*best, best[0]]


def graph_of(files):
    crate = Crate(files)
    return {path: crate.imports(path) for path in files if path != ROOT}


def folders(graph):
    """The same between the modules of the crate's root, each with what lies under it."""
    def top(path):
        return path.split("/")[0].removesuffix(".rs")

    found = {top(path): {} for path in graph}
    for path, imports in graph.items():
        for other, name in imports.items():
            if other != ROOT and top(other) != top(path):
                found[top(path)].setdefault(top(other), f"{path}: {name}")
    return found


def wrong(files):
    """What is said about the circles of a crate."""
    graph = graph_of(files)
    said = []
    for path, imports in graph.items():
        if ROOT in imports:
            said.append(f"rust/{path}: imports {imports[ROOT]} from {ROOT}, which stands above everything")
    for level, what in ((graph, "files"), (folders(graph), "modules")):
        for group in circles({path: {other: name for other, name in imports.items() if other != ROOT}
                              for path, imports in level.items()}):
            way = ring(level, group)
            steps = [f"{a} -> {b} ({level[a][b]})" for a, b in zip(way, way[1:])]
            if any(set(group) <= set(known) for known in HALVES):
                continue
            said.append(f"a circle of {what} among {', '.join(group)}: {'; '.join(steps)}")
    return said


# Folders whose lower half is used by what their upper half uses; no two files of them are in a circle.
HALVES = [
    ("event", "held"),              # held.rs serves the waiters of an event; event/wait.rs takes what is held
]

# Planted crates, and how many complaints each has to cause.
PLANTS = [
    ("two files", {ROOT: "mod a;\nmod b;", "a.rs": "use crate::b::B;", "b.rs": "use super::a::A;"}, 2),
    ("one way", {ROOT: "", "a.rs": "use crate::b::{B, C};", "b.rs": "struct B;"}, 0),
    ("in a comment", {ROOT: "", "a.rs": "use crate::b::B;", "b.rs": "// use crate::a::A;"}, 0),
    ("written where it is used", {ROOT: "", "a.rs": "fn f() { crate::b::g() }", "b.rs": "use crate::a;\nfn g() { a::f() }"}, 2),
    ("a parent that passes on", {ROOT: "", "a.rs": "mod x;\npub use x::X;\nstruct A;", "a/x.rs": "use super::A;"}, 0),
    ("a parent that uses it", {ROOT: "", "a.rs": "mod x;\npub use x::X;\nstruct A(X);", "a/x.rs": "use super::A;"}, 1),
    ("a parent that uses it by its path", {ROOT: "", "a.rs": "mod x;\nstruct A(x::X);", "a/x.rs": "use super::A;"}, 1),
    ("a name that was passed on", {ROOT: "", "a.rs": "mod x;\nmod y;\npub use x::X;", "a/x.rs": "use super::Y;",
                                   "a/y.rs": "use super::X;"}, 0),
    ("siblings through their parent", {ROOT: "", "a.rs": "mod x;\nmod y;\npub use x::X;\npub use y::Y;",
                                       "a/x.rs": "use super::Y;", "a/y.rs": "use super::X;"}, 1),
    ("modules, although no two files", {ROOT: "", "a.rs": "", "a/x.rs": "use crate::b::B;", "b.rs": "",
                                        "b/y.rs": "use crate::a::A;"}, 1),
    ("a macro", {ROOT: "", "a.rs": "#[macro_export]\nmacro_rules! make {}\nuse crate::b::B;", "b.rs": "use crate::make;"}, 2),
    ("the root", {ROOT: "pub struct Baton;", "a.rs": "use crate::Baton;"}, 1),
    ("a name that the root passes on", {ROOT: "pub use b::B;", "a.rs": "use crate::B;", "b.rs": "struct B;"}, 0),
]


def check(files):
    """What is wrong: with this check, or with the crate."""
    said = [f"the check finds {found} in the planted crate '{name}', wants {count}"
            for name, planted, count in PLANTS if len(found := wrong(planted)) != count]
    return said + wrong(files)


def bottom_up(graph):
    """The files, each after what it imports; as far as there is such an order."""
    done, left = [], dict(graph)
    while left:
        ready = sorted(path for path, imports in left.items() if not any(other in left for other in imports))
        if not ready:
            return done, sorted(left)
        done += ready
        for path in ready:
            del left[path]
    return done, []


def main():
    top = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "rust")
    graph = graph_of(read(top))
    order, left = bottom_up(graph)
    for path in order:
        print(f"{path}: {' '.join(sorted(graph[path])) or '-'}")
    for path in left:
        print(f"{path} (in a circle): {' '.join(sorted(graph[path]))}")


def read(top):
    """{path below `top`: text} of the Rust files there."""
    found = {}
    for parent, _, names in os.walk(top):
        for name in names:
            if name.endswith(".rs"):
                path = os.path.join(parent, name)
                with open(path, encoding="utf-8") as stream:
                    found[os.path.relpath(path, top)] = stream.read()
    return found


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
