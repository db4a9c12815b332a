# SPDX-License-Identifier: GPL-2.0
"""The lists of mutants: reads them, and puts them into the texts that they are about; run.py has the format.

Alone it says what is wrong with them, which tools/check does: a mutant whose text has moved is not noticed
before somebody runs it.

Usage: python3 -B testing/mutants/lists.py
"""

import collections
import dataclasses
import fnmatch
import pathlib
import re
import sys
import tomllib

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
FIELDS = {"name", "promise", "file", "from", "to", "test"}
WORD = re.compile(r"\bMUTANT\b")
SCRIPT = re.compile(r"^[\w-]+:[\w.-]+(:\w+)?$")


class ListError(Exception):
    """A list cannot be used; the text says where and why."""


@dataclasses.dataclass
class Mutant:
    number: int
    area: str
    name: str
    promise: str
    file: str
    old: str
    new: str
    test: str

    @property
    def kernel(self):
        return "test" if SCRIPT.match(self.test) else "uml"


def read_lists():
    """All mutants of all lists, numbered."""
    found, seen = [], {}
    for path in sorted(HERE.glob("*.toml")):
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", [])
        except tomllib.TOMLDecodeError as error:
            raise ListError(f"{path.name}: {error}") from error
        for entry in entries:
            name = entry.get("name", "?")
            if set(entry) != FIELDS:
                raise ListError(f"{path.name}: {name}: has {', '.join(sorted(entry))}; wants {', '.join(sorted(FIELDS))}")
            if name in seen:
                raise ListError(f"{path.name}: {name}: the name is taken in {seen[name]}")
            if not WORD.search(entry["to"]):
                raise ListError(f"{path.name}: {name}: there is no MUTANT in its 'to'")
            seen[name] = path.name
            found.append(Mutant(len(found) + 1, path.stem, name, entry["promise"], entry["file"],
                                entry["from"], entry["to"], entry["test"]))
    return found


def switch(mutant):
    """The condition that stands for MUTANT."""
    if mutant.file.endswith((".c", ".h")):
        return f"({{ extern u64 baton_mutant; READ_ONCE(baton_mutant) == {mutant.number}; }})"
    crate = "crate" if mutant.file.startswith("rust/") else "baton"
    return f"{crate}::mutant::on({mutant.number})"


def edited(path, text, mutants):
    """The text of one file with all of its mutants in it."""
    places = []
    for mutant in mutants:
        count = text.count(mutant.old)
        if count != 1:
            raise ListError(f"{mutant.area}.toml: {mutant.name}: its 'from' stands {count} times in {path}, wants once")
        places.append((text.index(mutant.old), mutant))
    places.sort(key=lambda place: place[0])
    for (at, mutant), (behind, other) in zip(places, places[1:]):
        if at + len(mutant.old) > behind:
            raise ListError(f"{path}: {mutant.name} and {other.name} change the same text")
    for at, mutant in reversed(places):
        text = text[:at] + WORD.sub(lambda _: switch(mutant), mutant.new) + text[at + len(mutant.old):]
    return text


def placed(mutants, read):
    """The texts of the files that have mutants, with these in them; `read` returns one as it stands, or None."""
    of_file = collections.defaultdict(list)
    for mutant in mutants:
        of_file[mutant.file].append(mutant)
    texts = {}
    for file, members in of_file.items():
        text = read(file)
        if text is None:
            raise ListError(f"{members[0].area}.toml: {members[0].name}: there is no {file}")
        texts[file] = edited(file, text, members)
    return texts


def without_test(mutants):
    """The mutants whose test is not there."""
    manifest = (TOP / "testing/kunit/manifest.txt").read_text(encoding="utf-8").splitlines()
    tests = [".".join(line.lstrip("! ").split()[:2]) for line in manifest if line and not line.startswith("#")]
    tests += {test.partition(".")[0] for test in tests}
    for mutant in mutants:
        area, _, script = mutant.test.partition(":")
        if SCRIPT.match(mutant.test):
            name, _, case = script.partition(":")
            folder = TOP / "testing/selftests" / area
            # Scripts of an area share cases.
            texts = (path.read_text(encoding="utf-8") for path in folder.glob("*.sh"))
            there = (folder / name).is_file() and any(re.search(rf"\b{case}\b", text) for text in texts)
        else:
            there = fnmatch.filter(tests, mutant.test)
        if not there:
            yield mutant


def main():
    def read(file):
        path = TOP / file
        return path.read_text(encoding="utf-8") if path.is_file() else None

    try:
        mutants = read_lists()
        placed(mutants, read)
    except ListError as error:
        print(error)
        return 1
    missing = list(without_test(mutants))
    for mutant in missing:
        print(f"{mutant.area}.toml: {mutant.name}: there is no test '{mutant.test}'")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
