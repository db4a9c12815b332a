#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes the files of the series in-tree: see tools/intree, which runs this in the builder root.

Usage: intree.py --linux DIR --output DIR [--folder DIR]   each patch's files, in DIR/PATCH
       intree.py --self-test                               anchors and rules that have to be refused

A folder, tools/series/PATCH, describes one patch. Its `patch.toml` has the subject, the message, and

  [[move]]   files of this repository, to the folder `to`, by a rule: see RULES in intree_edits.py
  [[new]]    a file of the folder, to `to` as it is, but for a line with @suite@: that is repeated for
             each suite that the patch has moved to where the file goes
  [[edit]]   a change of a file of the kernel, or of an earlier patch

No text of the kernel is stored: an edit says where by the name of an item and by a short anchor, a
line or a part of it, that occurs there exactly once.

  file     = the file
  within   = the head of an item or block, e.g. "fn drop(&mut self)"; a list: outermost first
  at       = an anchor; without it, the edit is for all of `within`
  through  = the anchor of the last line that is meant; without it, the line of `at` alone
  put      = what comes there
  how      = "replace" (default), "before", "after", "body" (what is between the braces of `within`),
             "text" (the anchor alone, which is part of a line)
"""

import argparse
import concurrent.futures
import fnmatch
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tools"))

import intree_edits
import intree_report
import intree_selftest
from intree_edits import IntreeError

FOLDER = os.path.join(TOP, "tools", "series")

HOW = ("replace", "before", "after", "body", "text")
KEYS = {
    "": {"subject", "message", "move", "new", "edit"},
    "move": {"from", "to", "rule", "except"},
    "new": {"from", "to"},
    "edit": {"file", "within", "at", "through", "put", "how"},
}


# --- patches


def check_keys(table, kind, where):
    unknown = sorted(set(table) - KEYS[kind])
    if unknown:
        raise IntreeError(f"{where}: unknown key '{unknown[0]}'; allowed are {' '.join(sorted(KEYS[kind]))}")


def read_patch(folder):
    where = os.path.relpath(os.path.join(folder, "patch.toml"), TOP)
    try:
        with open(os.path.join(folder, "patch.toml"), "rb") as stream:
            patch = tomllib.load(stream)
    except FileNotFoundError:
        raise IntreeError(f"{where}: there is no such file") from None
    except tomllib.TOMLDecodeError as error:
        raise IntreeError(f"{where}: {error}") from None
    check_keys(patch, "", where)
    for kind in ("move", "new", "edit"):
        for table in patch.setdefault(kind, []):
            check_keys(table, kind, f"{where}: [[{kind}]]")
    for edit in patch["edit"]:
        if edit.get("how", "replace") not in HOW:
            raise IntreeError(f"{where}: how = '{edit['how']}'; has to be one of {' '.join(HOW)}")
        if not {"file", "put"} <= set(edit) or not {"at", "within"} & set(edit):
            raise IntreeError(f"{where}: an edit wants 'file', 'put', and 'at' or 'within' or both")
    return patch


class Tree:
    """The kernel's files, and over them those of the patches so far."""

    def __init__(self, linux, output):
        self.layers, self.output, self.patch = [linux], output, None

    def begin(self, name):
        self.patch = os.path.join(self.output, name)
        self.layers.insert(0, self.patch)

    def read(self, path):
        for layer in self.layers:
            found = os.path.join(layer, path)
            if os.path.isfile(found):
                with open(found, encoding="utf-8") as stream:
                    return stream.read()
        raise IntreeError(f"{path}: this Linux has no such file")

    def of_suites(self, text, folder):
        """The text with the lines of @suite@ repeated."""
        if "@suite@" not in text:
            return text
        suites = sorted(os.path.basename(path)[:-3] for path in glob.glob(os.path.join(self.patch, folder, "*_kunit.rs")))
        return "".join("".join(line.replace("@suite@", suite) for suite in suites) if "@suite@" in line else line
                       for line in text.splitlines(keepends=True))

    def write(self, path, text):
        path = os.path.join(self.patch, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)


def moved(move, modules):
    """(path, text) of the files of one [[move]]."""
    sources = []
    for pattern in move["from"] if isinstance(move["from"], list) else [move["from"]]:
        found = sorted(glob.glob(os.path.join(TOP, pattern), recursive=True))
        if not found:
            raise IntreeError(f"[[move]]: nothing is called '{pattern}' here")
        base = os.path.join(TOP, re.split(r"[*?]", pattern)[0])
        base = base if os.path.isdir(base) else os.path.dirname(base)
        sources += [(path, os.path.relpath(path, base)) for path in found if os.path.isfile(path)]
    skipped = move.get("except", [])
    for path, name in sources:
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in skipped):
            continue
        with open(path, encoding="utf-8") as stream:
            text = intree_edits.RULES[move["rule"]](stream.read(), modules)
        try:
            yield os.path.join(move["to"], name), intree_edits.narrow(text)
        except IntreeError as error:
            raise IntreeError(f"{os.path.relpath(path, TOP)}: {error}") from None


def rustfmt(paths, linux, cache):
    """As `make rustfmt` of the kernel would; from standard input, so that no other file is read.

    What was formatted once is in the folder `cache`, by what it was before.
    """
    with open(os.path.join(linux, ".rustfmt.toml"), encoding="utf-8") as stream:
        settings = stream.read()
    if cache:
        os.makedirs(cache, exist_ok=True)

    def one(path):
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        known = os.path.join(cache, hashlib.sha256((settings + text).encode()).hexdigest()) if cache else ""
        if cache and os.path.exists(known):
            shutil.copyfile(known, path)
            return
        done = subprocess.run(["rustfmt", "--edition", "2021", "--config-path", os.path.join(linux, ".rustfmt.toml")],
                              input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise IntreeError(f"{path}: rustfmt: {done.stderr.strip()}")
        if done.stdout != text:
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(done.stdout)
        if cache:
            # Whole or not at all: two checkouts may do this at the same time.
            shutil.copyfile(path, f"{known}.{os.getpid()}")
            os.replace(f"{known}.{os.getpid()}", known)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, paths))


def names(folder):
    with open(os.path.join(folder, "series"), encoding="utf-8") as stream:
        return [line.strip() for line in stream if line.strip() and not line.startswith("#")]


def write(linux, output, folder, cache):
    modules = {os.path.splitext(name)[0] for name in os.listdir(os.path.join(TOP, "rust")) if name.endswith(".rs")}
    tree = Tree(linux, os.path.join(output))
    for name in names(folder):
        patch = read_patch(os.path.join(folder, name))
        tree.begin(name)
        for move in patch["move"]:
            for path, text in moved(move, modules):
                tree.write(path, text)
        for new in patch["new"]:
            with open(os.path.join(folder, name, new["from"]), encoding="utf-8") as stream:
                tree.write(new["to"], tree.of_suites(stream.read(), os.path.dirname(new["to"])))
        for number, edit in enumerate(patch["edit"], 1):
            try:
                tree.write(edit["file"], intree_edits.apply(tree.read(edit["file"]), edit))
            except IntreeError as error:
                raise IntreeError(f"tools/series/{name}/patch.toml: edit {number}: {error}") from None
        rustfmt(glob.glob(os.path.join(tree.patch, "**", "*.rs"), recursive=True), linux, cache)
        with open(tree.patch + ".message", "w", encoding="utf-8") as stream:
            stream.write(f"{patch['subject']}\n\n{patch['message'].strip()}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--linux")
    parser.add_argument("--output")
    parser.add_argument("--folder", default=FOLDER)
    parser.add_argument("--cache", help="folder of what rustfmt has done")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--rows", help="prints the table of what was measured")
    parser.add_argument("--speed", help="with --rows: and what became of the speed of Binder")
    parser.add_argument("--cover", help="finishes this cover letter")
    parser.add_argument("--table", default=os.devnull, help="what was measured")
    parser.add_argument("--checkpatch", action="store_true", help="judges what checkpatch says, from standard input")
    arguments = parser.parse_args()
    if arguments.self_test:
        return intree_selftest.run()
    if arguments.rows:
        intree_report.show_rows(arguments.rows)
        if arguments.speed:
            intree_report.show_speed(arguments.rows, arguments.speed)
        return 0
    if arguments.cover:
        intree_report.show_cover(arguments.cover, arguments.table, arguments.folder)
        return 0
    if arguments.checkpatch:
        text = sys.stdin.read()
        left = intree_report.checkpatch(text)
        print("\n\n".join(left))
        if not re.search(r"^total: ", text, re.M):
            left.append("checkpatch has not run")
        return 1 if left else 0
    if not arguments.linux or not arguments.output:
        parser.error("--linux and --output say where")
    try:
        write(arguments.linux, arguments.output, arguments.folder, arguments.cache)
    except IntreeError as error:
        print(f"tools/intree: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
