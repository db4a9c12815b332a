# SPDX-License-Identifier: GPL-2.0
"""The map of the library in rust/README.md: a line for each file, and how far it has to be trusted.

It is made of the files: their first sentence, whether there is unsafe code in them, and
whether testing/model/ includes them. tools/check refuses a map that is not up to date.

Usage: tools/inside python3 -B tools/library_map.py          writes the map into rust/README.md
"""

import os
import re
import sys

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tools"))

import check_rules

README = os.path.join(TOP, "rust", "README.md")
BEGIN, END = "<!-- the map: tools/library_map.py writes it -->\n", "<!-- the end of the map -->\n"
UNSAFE = re.compile(r'\bunsafe\s*\{|\bunsafe\s+(?:impl|fn|trait|extern)\b|\bextern\s+"C"')


def modelled():
    """The files that are also compiled for the host, where every interleaving is tried."""
    with open(os.path.join(TOP, "testing/model/build.rs"), encoding="utf-8") as stream:
        return set(re.findall(r'"rust/([^"]+)"', stream.read()))


def level(path, text, models):
    if not path.endswith(".rs"):
        return "C"
    unsafe = any(UNSAFE.search(line) for line in check_rules.strip(text).splitlines())
    return ", ".join((["model"] if path in models else []) + (["unsafe"] if unsafe else [])) or "safe"


def sentence(path, text):
    """What the file says of itself, first."""
    if path.endswith(".rs"):
        found = re.search(r"^//! ((?:.+\n//! )*.+)", text, re.M)
    else:
        found = re.search(r"/\*\n \* ((?:.+\n \* )*.+)", text)
    said = re.sub(r"\n(?://!| \*) ", " ", found[1]) if found else ""
    said = re.match(r"(.*?\.)(?:\s|$)", said + " ")
    return re.sub(r"\[(`[^`]+`)\]\([^)]*\)", r"\1", said[1] if said else "").replace("|", "\\|")


def order(path):
    """A module before its parts, and C after Rust."""
    return not path.endswith(".rs"), path != "baton.rs", path.removesuffix(".rs").split("/")


def lines(files, models):
    yield "| file | trust | |\n"
    yield "|---|---|---|\n"
    for path in sorted(files, key=order):
        yield f"| [`{path}`]({path}) | {level(path, files[path], models)} | {sentence(path, files[path])} |\n"


def read(top):
    """{path below `top`: text} of the sources there."""
    found = {}
    for parent, _, names in os.walk(top):
        for name in names:
            if name.endswith((".rs", ".c", ".h")):
                path = os.path.join(parent, name)
                with open(path, encoding="utf-8") as stream:
                    found[os.path.relpath(path, top)] = stream.read()
    return found


PLANT = {
    "a/b.rs": "// SPDX\n\n//! Does [`it`](super::it)\n//! all. And more.\nfn f() { unsafe { g() } }\n",
    "a.rs": "//! A.\n// unsafe { }\n",
    "c.h": "/* SPDX */\n/*\n * Of c,\n * and d.\n */\n",
    "baton.rs": "//! Root\n",
}
PLANTED = [
    "| [`baton.rs`](baton.rs) | safe |  |\n",
    "| [`a.rs`](a.rs) | safe | A. |\n",
    "| [`a/b.rs`](a/b.rs) | model, unsafe | Does `it` all. |\n",
    "| [`c.h`](c.h) | C | Of c, and d. |\n",
]


def current():
    """(what stands before the map, the map, what stands behind it)."""
    with open(README, encoding="utf-8") as stream:
        text = stream.read()
    before, _, rest = text.partition(BEGIN)
    had, _, behind = rest.partition(END)
    return before, had, behind


def check():
    """What is wrong: with this tool, or with the map."""
    found = list(lines(PLANT, {"a/b.rs"}))[2:]
    if found != PLANTED:
        return [f"tools/library_map.py makes {found} of the planted files, wants {PLANTED}"]
    had = current()[1].splitlines(True)
    wants = list(lines(read(os.path.join(TOP, "rust")), modelled()))
    said = [f"rust/README.md has not: {line.rstrip()}" for line in wants if line not in had]
    said += [f"rust/README.md has: {line.rstrip()}" for line in had if line not in wants]
    said += [f"{line.split('`')[1]}: its first sentence is missing" for line in wants if line.endswith("|  |\n")]
    if not said and had != wants:
        said = ["rust/README.md: the lines of the map are in another order"]
    return said + (["put right by: tools/inside python3 -B tools/library_map.py"] if said else [])


def main():
    before, _, behind = current()
    with open(README, "w", encoding="utf-8") as stream:
        stream.write(before + BEGIN + "".join(lines(read(os.path.join(TOP, "rust")), modelled())) + END + behind)


if __name__ == "__main__":
    main()
