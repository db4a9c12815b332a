# SPDX-License-Identifier: GPL-2.0
"""What the READMEs say is there: the files that they link to, the targets and the tools that they name."""

import os
import re

LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)|\]\((#[^)]+)\)")
TARGET = re.compile(r"\bmake ((?:[A-Z_]+=\S+ )*)([a-z][a-z-]*)")
# Words that follow "make" and are none.
ENGLISH = {"it", "of", "sure"}
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.S)


def anchors(text):
    """The anchors of the headings, as a forge makes them."""
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
            for title in re.findall(r"^#+ (.*)$", text, re.M)}


def wrong(path, text, exists, targets, text_of):
    """What is wrong in one README, as lines."""
    said, folder = [], os.path.dirname(path)
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    for file, anchor, own in LINK.findall(prose):
        if re.match(r"\w+:", file):
            continue
        other = os.path.normpath(os.path.join(folder, file)) if file else path
        if file and not exists(other):
            said.append(f"{path}: the link to '{file}' leads nowhere")
        elif (own or anchor) and other.endswith(".md") and (own or anchor)[1:] not in anchors(text if other == path else text_of(other)):
            said.append(f"{path}: there is no heading '{own or anchor}' in {other}")
    for code in CODE.findall(text):
        for _, target in TARGET.findall(code):
            if target not in targets and target not in ENGLISH:
                said.append(f"{path}: there is no 'make {target}'")
        for tool in re.findall(r"(?<![\w/.-])tools/[\w.-]+\w", code):
            if not exists(tool):
                said.append(f"{path}: there is no {tool}")
    return sorted(set(said))


PLANT = """\
# A title: of `it`
[a](b.rs) [c](none.rs) [d](#a-title-of-it) [e](#none) [f](../x/g.md#none) [h](https://host/)
`make test` `make TEST=x none` make it, `make -C /dir x`
```
make nothing        # tools/check, tools/none
```
"""
PLANTED = ["x/y.md: the link to 'none.rs' leads nowhere", "x/y.md: there is no 'make none'", "x/y.md: there is no 'make nothing'",
           "x/y.md: there is no heading '#none' in x/g.md", "x/y.md: there is no heading '#none' in x/y.md",
           "x/y.md: there is no tools/none"]


def check(top, files, targets):
    """What is wrong: with this tool, or with a README."""
    there = {"x/b.rs", "x/g.md", "tools/check"}
    found = wrong("x/y.md", PLANT, there.__contains__, {"test"}, lambda _: "# Other\n")
    if found != PLANTED:
        return [f"tools/check_readmes.py finds {found} in the planted README, wants {PLANTED}"]

    def text_of(name):
        with open(os.path.join(top, name), encoding="utf-8") as stream:
            return stream.read()

    return [line for name in files if name.endswith(".md")
            for line in wrong(name, text_of(name), lambda path: os.path.exists(os.path.join(top, path)), targets, text_of)]
