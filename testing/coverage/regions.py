# SPDX-License-Identifier: GPL-2.0
"""Which pieces of the source were executed: what llvm-cov says, by file, function and region.

A region is a piece of source text that is executed as a whole: (line, column,
line, column), the last two being its end. The '?' of an operator has one of its
own, which is executed when the operator returns. Of what is generic, or in a
macro, the instances are added up. A closure is a part of the function around it.
"""

import collections
import dataclasses
import hashlib
import json
import os
import re
import subprocess

import counters

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCOPE = ("rust/", "samples/")


@dataclasses.dataclass
class Function:
    """A function of the source, with the closures in it."""

    file: str
    name: str
    regions: set

    @property
    def begin(self):
        return min(self.regions)

    @property
    def end(self):
        return max(region[2:] for region in self.regions)

    @property
    def line(self):
        return self.begin[0]


@dataclasses.dataclass
class Covered:
    """What one or several runs have executed."""

    hashes: dict = dataclasses.field(default_factory=dict)      # {file: of its text}
    counts: dict = dataclasses.field(default_factory=dict)      # {file: {region: how often}}
    functions: dict = dataclasses.field(default_factory=dict)   # {(file, line, column): Function}

    def add(self, other):
        """Adds what another run has executed; returns the files that were other ones then."""
        stale = {file for file, digest in other.hashes.items() if self.hashes.get(file, digest) != digest}
        for file, digest in other.hashes.items():
            self.hashes.setdefault(file, digest)
        for file, counts in other.counts.items():
            if file in stale:
                continue
            mine = self.counts.setdefault(file, {})
            for region, count in counts.items():
                mine[region] = mine.get(region, 0) + count
        for key, function in other.functions.items():
            if function.file in stale:
                continue
            if key in self.functions:
                self.functions[key].regions |= function.regions
            else:
                self.functions[key] = Function(function.file, function.name, set(function.regions))
        return stale

    def reached(self, file, region):
        return self.counts[file].get(region, 0) > 0


def digest_of(file):
    """Of its text; "" if there is none."""
    if not os.path.exists(os.path.join(TOP, file)):
        return ""
    with open(os.path.join(TOP, file), "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()[:16]


def file_of(path):
    """The path in this checkout, or "" for what is none of ours."""
    path = os.path.normpath(path)
    if os.path.isabs(path):
        if not path.startswith(TOP + os.sep):
            return ""
        path = os.path.relpath(path, TOP)
    return path if path.startswith(SCOPE) and os.path.exists(os.path.join(TOP, path)) else ""


def plain(names):
    """{mangled: as a reader writes it}, without the tests that stand beside what they are for."""
    names = sorted(names)
    done = subprocess.run(["llvm-cxxfilt"], input="\n".join(names), capture_output=True, text=True, check=True)
    return {name: shorter(text) for name, text in zip(names, done.stdout.splitlines()) if not is_test(text)}


def shorter(name):
    """The end of the path of a demangled name."""
    return "::".join(parts(name)[-2:])


def is_test(name):
    """Whether a demangled name is of something in a `mod tests`; what is instantiated there is not."""
    return "tests" in parts(name)


def parts(name):
    """The path of a demangled name, without hashes and parameters of types."""
    name = re.sub(r"\[[0-9a-f]{8,}\]", "", name).replace("->", "")
    # <A>::f and <A as B>::f are functions of A.
    while name.startswith("<"):
        depth, cut = 0, None
        for at, char in enumerate(name):
            depth += (char == "<") - (char == ">")
            if depth == 1 and cut is None and name.startswith(" as ", at):
                cut = at
            if not depth:
                break
        name = name[1:cut or at].lstrip("&").removeprefix("mut ") + name[at + 1:]
    while (less := re.sub(r"(?:::)?<[^<>]*>", "", name)) != name:
        name = less
    return [part for part in name.split("::") if not part.startswith("{")]


def parsed(text):
    """Covered of what `llvm-cov export` has printed."""
    found = Covered()
    known, closures = {}, []
    said = json.loads(text)["data"][0]["functions"]
    names = plain({function["name"].rpartition(":")[2] for function in said})
    for function in said:
        mangled = function["name"].rpartition(":")[2]
        if mangled not in names:
            continue
        by_file = collections.defaultdict(set)
        for *region, count, file, _, kind in function["regions"]:
            path = function["filenames"][file]
            if path not in known:
                known[path] = file_of(path)
            if kind or not known[path]:
                continue
            region = tuple(region)
            by_file[known[path]].add(region)
            counts = found.counts.setdefault(known[path], {})
            counts[region] = counts.get(region, 0) + count
        for file, regions in by_file.items():
            one = Function(file, names[mangled], regions)
            if is_closure(function["name"]):
                closures.append(one)
                continue
            key = (file, *one.begin[:2])
            if key in found.functions:
                one.regions |= found.functions[key].regions
                one.name = min(one.name, found.functions[key].name, key=lambda name: (len(name), name))
            found.functions[key] = one
    for one in closures:
        around(found, one).regions.update(one.regions)
    found.hashes = {file: digest_of(file) for file in found.counts}
    return found


def is_closure(mangled):
    """Whether that is the name of a closure, as of version 0: NC, and what is around it."""
    return re.match(r"_R(?:INv|I)?NC", mangled.rpartition(":")[2]) is not None


def around(found, closure):
    """The smallest function that the closure is in, or the closure itself."""
    inside = [function for function in found.functions.values()
              if function.file == closure.file and function.begin[:2] <= closure.begin[:2] and closure.end <= function.end]
    if inside:
        return max(inside, key=lambda function: function.begin)
    key = (closure.file, *closure.begin[:2])
    return found.functions.setdefault(key, closure)


def read(profile, objects):
    """Covered of a profile and of the files that were counted."""
    more = [word for path in objects[1:] for word in ("-object", path)]
    return parsed(counters.run("llvm-cov", "export", "--format=text", "--skip-expansions", "--skip-branches",
                               f"-instr-profile={profile}", objects[0], *more))


def save(path, covered):
    with open(path, "w", encoding="utf-8") as stream:
        json.dump({
            "hashes": covered.hashes,
            "counts": {file: [[*region, count] for region, count in sorted(counts.items())]
                       for file, counts in covered.counts.items()},
            "functions": [[function.file, function.name, sorted(function.regions)]
                          for function in covered.functions.values()],
        }, stream)


def load(path):
    with open(path, encoding="utf-8") as stream:
        content = json.load(stream)
    functions = (Function(file, name, {tuple(region) for region in regions}) for file, name, regions in content["functions"])
    return Covered(content["hashes"],
                   {file: {tuple(region): count for *region, count in counts} for file, counts in content["counts"].items()},
                   {(function.file, *function.begin[:2]): function for function in functions})
