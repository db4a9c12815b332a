# SPDX-License-Identifier: GPL-2.0
"""Says which waits of the library are in no row of the torture; tools/check does.

A wait is a public function that takes a form of waiting, `M: ModeAt<..>`. A row has it if its file names the
module, and calls a function of that name.
"""

import pathlib
import re
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
PUBLIC = re.compile(r"\n    pub fn (\w+)(<[^(]*>)?\(([^{;]*?)[{;]")
FORM = re.compile(r"\bModeAt<|\bM: Mode\b|\bimpl ModeAt\b")


def waits(sources):
    """{(module, function)} of {path: text}."""
    return {(path.split("/")[1].removesuffix(".rs"), found[1])
            for path, text in sources.items() for found in PUBLIC.finditer(text) if FORM.search(found[0])}


def missing(wanted, rows):
    """Those that no row has; `rows` are texts."""
    for module, name in sorted(wanted):
        # What is waited for by a guard needs no import of the event's module.
        names = r"\bbaton\b" if module in ("event", "both") else rf"\b{module}\b"
        call = re.compile(rf"(\.\s*|::){name}\s*\(")
        if not any(re.search(names, text) and call.search(text) for text in rows):
            yield f"rust/{module}: {name}() is in no row of testing/torture/rows/"


def main():
    sources = {str(path.relative_to(TOP)): path.read_text(encoding="utf-8") for path in (TOP / "rust").rglob("*.rs")}
    rows = [path.read_text(encoding="utf-8") for path in (HERE / "rows").glob("*.rs")]
    wanted = waits(sources)
    # It must be able to find something.
    if not wanted or not list(missing({("agent", "waits_for_ever")}, rows)):
        print("testing/torture/waits.py finds no wait, or has each of them")
        return 1
    found = list(missing(wanted, rows))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
