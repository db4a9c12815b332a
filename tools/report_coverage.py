# SPDX-License-Identifier: GPL-2.0
"""What was run of the library and the driver, by folder and function; `make coverage` measures it.

out/coverage/report.json: {"functions": [{"name", "file", "line", "regions", "covered"}...], "error_paths_not_reached": [{"file", "line",
"function", "why"}...], "engine", "kernel", "date"}; instead of regions, instructions may be counted.
"""

import collections
import html
import os

import report_svg

LISTED = 300                        # of the functions that nothing has reached, so many are named


def unit_of(functions):
    """What is counted."""
    return "instructions" if functions and "instructions" in functions[0] else "regions"


def size_of(function):
    return function.get("regions", function.get("instructions", 0))


def by_folder(functions):
    """{folder: [regions, covered, functions, functions reached]}"""
    found = collections.defaultdict(lambda: [0, 0, 0, 0])
    for function in functions:
        folder = "/".join(os.path.dirname(function["file"]).split("/")[:2]) or "."
        for key in (folder, "all"):
            counted = found[key]
            counted[0] += size_of(function)
            counted[1] += function["covered"]
            counted[2] += 1
            counted[3] += function["covered"] > 0
    return {key: found[key] for key in sorted(found, key=lambda key: (key == "all", key))}


def usable(report):
    """The functions, without those that do not say enough."""
    wanted = ("name", "file", "covered")
    listed = report.get("functions", ()) if isinstance(report, dict) else ()
    return [function for function in listed if all(key in function for key in wanted) and size_of(function)]


def document(report):
    """For report.json."""
    names = ("size", "covered", "functions", "reached")
    return {"date": report.get("date"), "folders": {key: dict(zip(names, counted)) for key, counted in by_folder(usable(report)).items()}}


def errors(report, table):
    """Paths of errors that nothing reaches, in functions that are reached."""
    found = [each for each in report.get("error_paths_not_reached", ()) if {"file", "line", "function"} <= set(each)]
    if not found:
        return ""
    bare = sum(not each.get("why") for each in found)
    rows = [(f"<code>{html.escape(each['function'])}</code>", html.escape(f"{each['file']}:{each['line']}"), html.escape(each.get("why") or "")) for each in found]
    return (f"<details><summary>{len(found)} paths of errors that nothing reaches, {bare} of them without a reason</summary>"
            + table(("function", "where", "why"), rows) + "</details>")


def page(report, table):
    functions = usable(report)
    rows = [(f"<code>{html.escape(folder)}</code>", report_svg.share(covered, size), f"{covered / (size or 1):.1%}", covered, size,
             reached, count) for folder, (size, covered, count, reached) in by_folder(functions).items()]
    unreached = sorted((function for function in functions if not function["covered"]), key=lambda each: -size_of(each))
    unit = unit_of(functions)
    named = table(("function", "where", unit), [(f"<code>{html.escape(each['name'])}</code>", html.escape(f"{each['file']}:{each.get('line', '?')}"),
                  size_of(each)) for each in unreached[:LISTED]], (2,))
    more = f"<p>and {len(unreached) - LISTED} more</p>" if len(unreached) > LISTED else ""
    about = ", ".join(html.escape(str(report[key])) for key in ("engine", "kernel", "date") if report.get(key))
    return (f"<p>{about}</p>" + table(("folder", "", "", f"{unit} run", "of", "functions reached", "of"), rows, range(2, 7))
            + f"<details><summary>{len(unreached)} functions that nothing reaches</summary>{named}{more}</details>{errors(report, table)}")
