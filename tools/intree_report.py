# SPDX-License-Identifier: GPL-2.0
"""What was measured of the series, for the terminal and the cover letter; what checkpatch says: see intree.py."""

import os
import re
import statistics

HEAD = ("patch", "builds", "KUnit", "its test", "vmlinux", "kernel.o", "binder.o", "insn/transaction")


def show_rows(path):
    """The table of `make intree`, of the tab-separated rows that were measured."""
    with open(path, encoding="utf-8") as stream:
        rows = [HEAD] + [tuple(line.rstrip("\n").split("\t")) for line in stream]
    print("passed/failed/skipped; code and constants in bytes")
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())


def show_speed(rows, path):
    """What a transaction costs on the converted kernel, over what it costs on the other."""
    with open(rows, encoding="utf-8") as stream:
        counts = {line.split("\t")[0]: line.rstrip("\n").split("\t")[-1] for line in stream}
    if counts.get("base", "").isdigit() and counts.get("binder", "").isdigit():
        before, after = int(counts["base"]), int(counts["binder"])
        print(f"instructions of a transaction (icount): {before} before, {after} after: {after / before:.3f}")
    taken, engine = {}, ""
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            kernel, nanoseconds, engine = line.rstrip("\n").split("\t")
            taken.setdefault(kernel, []).append(int(nanoseconds))
    if len(taken) == 2:
        before, after = (1e9 / statistics.median(taken[kernel]) for kernel in ("base", "binder"))
        boots = len(taken["base"])
        print(f"transactions per second ({engine}; median of {boots} boots each, in turn): "
              f"{before:.0f} before, {after:.0f} after: {after / before:.3f}")


def show_cover(path, table, folder):
    with open(os.path.join(folder, "cover.txt"), encoding="utf-8") as stream:
        subject, _, text = stream.read().partition("\n\n")
    with open(table, encoding="utf-8") as stream:
        figures = stream.read().strip() or "(Not measured yet: make intree.)"
    with open(path, encoding="utf-8") as stream:
        letter = stream.read()
    letter = letter.replace("*** SUBJECT HERE ***", subject).replace("*** BLURB HERE ***", text.strip())
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(letter.replace("@table@", figures))


# What checkpatch says of ours that is not so: (type, line, why).
KNOWN = [
    ("FILE_PATH_CHANGES", r"", "the first patch adds the folders to MAINTAINERS"),
    ("LONG_LINE", r'^\+\s*(?:\w+ = )?"(?:[^"\\]|\\.)*",?$', "a message for users is not broken"),
    ("LONG_LINE_STRING", r'^\+\s*(?:\w+ = )?"(?:[^"\\]|\\.)*",?$', "a message for users is not broken"),
    ("TYPO_SPELLING", r"\bUpTo\b", "the name of a type"),
    ("EXPORT_SYMBOL", r"^\+EXPORT_SYMBOL_GPL\(baton_registry_key\)", "it follows the static key that it exports"),
]


def checkpatch(text):
    """What checkpatch has said, less what is known not to be so."""
    left = []
    for found in re.finditer(r"^(WARNING|ERROR|CHECK):(\w+): .*\n(?:(?!WARNING:|ERROR:|CHECK:|total:).*\n)*", text, re.M):
        line = re.search(r"^[+].*$", found[0], re.M)
        if not any(found[2] == kind and re.search(pattern, line[0] if line else "") for kind, pattern, _ in KNOWN):
            left.append(found[0].rstrip())
    return left
