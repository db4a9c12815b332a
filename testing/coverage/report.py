# SPDX-License-Identifier: GPL-2.0
"""The figures of the coverage: by file, by function, and what nothing has executed."""

import dataclasses
import json
import os
import time

import paths
import regions


@dataclasses.dataclass
class Result:
    """All that the report says."""

    layers: dict                    # {name: facts}
    covered: regions.Covered
    by: dict                        # {name of the layer: Covered}
    whole: list                     # functions that nothing has executed
    pieces: list                    # regions of the others that nothing has
    stale: list                     # entries of unreached.txt of which nothing is unreached
    reasons: dict

    @property
    def errors(self):
        return [piece for piece in self.pieces if piece.error]

    def unexplained(self):
        return [piece for piece in self.errors if not piece.why]


def make(layers, sources, reasons):
    """`layers`: {name: (facts, Covered)}. Returns the result, and a word for each file that has changed meanwhile."""
    total, words = regions.Covered(), []
    # What was counted last is of the sources as they are.
    total.hashes = {file: regions.digest_of(file) for _, covered in layers.values() for file in covered.hashes}
    for name, (_, covered) in layers.items():
        old = total.add(covered)
        words += [f"{name} counted an older {file}: its figures are left out" for file in sorted(old)]
    whole, pieces = paths.unreached(total, sources)
    stale = paths.judge(total, pieces, whole, reasons)
    return Result({name: facts for name, (facts, _) in layers.items()}, total,
                  {name: covered for name, (_, covered) in layers.items()}, whole, pieces, stale, reasons), words


def lines_of(covered, function):
    """(lines with code, those of them that were reached)."""
    every, reached = set(), set()
    for region in function.regions:
        lines = range(region[0], region[2] + 1)
        every.update(lines)
        if covered.reached(function.file, region):
            reached.update(lines)
    return len(every), len(reached)


def row(result, function):
    """What report.json says of a function."""
    lines, lines_reached = lines_of(result.covered, function)
    covered = sum(result.covered.reached(function.file, region) for region in function.regions)
    by = [name for name, one in result.by.items()
          if any(one.counts.get(function.file, {}).get(region, 0) for region in function.regions)]
    return {"name": function.name, "file": function.file, "line": function.line, "regions": len(function.regions),
            "covered": covered, "lines": lines, "lines_covered": lines_reached, "by": by}


def files(rows):
    """The sums of the functions, by file."""
    found = {}
    for each in rows:
        file = found.setdefault(each["file"], {"file": each["file"], "functions": 0, "functions_covered": 0,
                                               "regions": 0, "covered": 0, "lines": 0, "lines_covered": 0})
        file["functions"] += 1
        file["functions_covered"] += each["covered"] > 0
        for name in ("regions", "covered", "lines", "lines_covered"):
            file[name] += each[name]
    return [found[file] for file in sorted(found)]


def without_code(rows):
    """Sources of Rust of which nothing was compiled with counters, or nothing has code."""
    have, found = {each["file"] for each in rows}, []
    for folder in regions.SCOPE:
        for parent, _, names in os.walk(os.path.join(regions.TOP, folder)):
            found += [os.path.relpath(os.path.join(parent, name), regions.TOP) for name in names if name.endswith(".rs")]
    return sorted(file for file in found if file not in have and file.startswith(("rust/", "samples/")))


def document(result):
    rows = [row(result, function) for function in sorted(result.covered.functions.values(), key=lambda each: (each.file, each.begin))]
    guests = [facts for facts in result.layers.values() if facts.get("kernel")]
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "engine": guests[0]["engine"] if guests else "host",
        "kernel": guests[0]["kernel"] if guests else "",
        "layers": result.layers,
        "files": files(rows),
        "functions": rows,
        "functions_not_reached": [each for each in rows if not each["covered"]],
        "error_paths_not_reached": [dataclasses.asdict(piece) for piece in result.errors],
        "not_reached": [dataclasses.asdict(piece) for piece in result.pieces if not piece.error],
        "without_code": without_code(rows),
    }


def share(part, of):
    return f"{100 * part / of:.1f} %" if of else "-"


def total(rows):
    found = {name: sum(each[name] for each in rows) for name in rows[0] if name != "file"} if rows else {}
    return {"file": "all", **found}


def table(said):
    """The lines for the terminal."""
    rows = said["files"] + ([total(said["files"])] if said["files"] else [])
    wide = max((len(each["file"]) for each in rows), default=4)
    lines = [f"{'file':{wide}}  functions reached  regions reached         lines reached"]
    for each in rows:
        lines.append(f"{each['file']:{wide}}  {each['functions']:9} {each['functions_covered']:7}  {each['regions']:7} {each['covered']:7} "
                     f"{share(each['covered'], each['regions']):>8}  {each['lines']:6} {each['lines_covered']:7}")
    lines += ["", f"functions that nothing reaches: {len(said['functions_not_reached'])}"]
    lines += [f"  {each['file']}:{each['line']}: {each['name']}" for each in said["functions_not_reached"]]
    errors = said["error_paths_not_reached"]
    lines += ["", f"paths of errors that nothing reaches, in functions that are reached: {len(errors)}; "
              f"{sum(not each['why'] for each in errors)} of them without a reason in testing/coverage/unreached.txt"]
    lines += [f"  {each['file']}:{each['line']}: {each['function']}: {each['text']}" for each in errors if not each["why"]]
    return lines


def save(path, said):
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(said, stream, indent=1)
        stream.write("\n")


def load(path):
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)
