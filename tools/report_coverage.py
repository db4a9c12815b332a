# SPDX-License-Identifier: GPL-2.0
"""What was run of the library and the driver, by folder and function; `make coverage` measures it.

out/coverage/report.json: {"functions": [{"name", "file", "line", "instructions", "covered"}...], "engine", "kernel", "date"}
"""

import collections
import html
import os

import report_svg

LISTED = 300                        # of the functions that nothing has reached, so many are named


def by_folder(functions):
    """{folder: [instructions, covered, functions, functions reached]}"""
    found = collections.defaultdict(lambda: [0, 0, 0, 0])
    for function in functions:
        folder = "/".join(os.path.dirname(function["file"]).split("/")[:2]) or "."
        for key in (folder, "all"):
            counted = found[key]
            counted[0] += function["instructions"]
            counted[1] += function["covered"]
            counted[2] += 1
            counted[3] += function["covered"] > 0
    return {key: found[key] for key in sorted(found, key=lambda key: (key == "all", key))}


def usable(report):
    """The functions, without those that do not say enough."""
    wanted = ("name", "file", "instructions", "covered")
    listed = report.get("functions", ()) if isinstance(report, dict) else ()
    return [function for function in listed if all(key in function for key in wanted)]


def document(report):
    """For report.json."""
    names = ("instructions", "covered", "functions", "reached")
    return {"date": report.get("date"), "folders": {key: dict(zip(names, counted)) for key, counted in by_folder(usable(report)).items()}}


def page(report, table):
    functions = usable(report)
    rows = [(f"<code>{html.escape(folder)}</code>", report_svg.share(covered, instructions), f"{covered / (instructions or 1):.1%}", covered, instructions,
             reached, count) for folder, (instructions, covered, count, reached) in by_folder(functions).items()]
    unreached = sorted((function for function in functions if not function["covered"]), key=lambda each: -each["instructions"])
    named = table(("function", "where", "instructions"), [(f"<code>{html.escape(each['name'])}</code>", html.escape(f"{each['file']}:{each.get('line', '?')}"),
                  each["instructions"]) for each in unreached[:LISTED]], (2,))
    more = f"<p>and {len(unreached) - LISTED} more</p>" if len(unreached) > LISTED else ""
    about = ", ".join(html.escape(str(report[key])) for key in ("engine", "kernel", "date") if report.get(key))
    return (f"<p>{about}</p>" + table(("folder", "", "", "instructions run", "of", "functions reached", "of"), rows, range(2, 7))
            + f"<details><summary>{len(unreached)} functions that nothing reaches</summary>{named}{more}</details>")
