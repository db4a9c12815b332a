# SPDX-License-Identifier: GPL-2.0
"""Keeps the last run of each engine in one report, and draws it as one HTML page."""

import html
import json
import math
import os

FORMAT = 2                          # of the report; another one is started anew
WIDTH, LEFT, RIGHT, ROW = 860, 330, 150, 22
COLOURS = {"c": "#c0392b", "c-active": "#e59866", "condvar": "#2471a3", "sixteen": "#1e8449",
           "percpu-ref": "#8e44ad", "c-heap": "#2e86c1", "c-again": "#999999", "null_blk": "#c0392b", "null_blk-cache": "#e59866",
           "brd": "#2471a3", "rnull": "#1e8449", "null_blk-again": "#999999", "baton-plain": "#7d6608",
           "baton-xxh64": "#117a65", "baton-through": "#a04000"}
NAMES = {"c": "over the C way", "c-active": "over C with waitqueue_active() under the lock",
         "condvar": "over CondVar", "sixteen": "over 16 of them",
         "percpu-ref": "over percpu_ref", "c-heap": "over C on the heap", "c-again": "C over C: the noise floor",
         "null_blk": "over null_blk", "null_blk-cache": "over null_blk with a cache", "brd": "over brd",
         "rnull": "over rnull, which copies nothing", "null_blk-again": "null_blk over null_blk: the noise floor",
         "baton-plain": "without checksums, over null_blk",
         "baton-xxh64": "with XXH64 as checksum, over null_blk",
         "baton-through": "without a write cache, over null_blk"}
for count in (2, 4, 8):             # see scales.py
    for disk, colour, said in (("baton", "#1e8449", "this disk"), ("null_blk", "#c0392b", "null_blk")):
        COLOURS[f"{disk}-{count}"] = colour
        NAMES[f"{disk}-{count}"] = f"{said} with {count} over 1"
TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0 }
th, td { text-align: right; padding: .15em .7em; border-bottom: 1px solid #ddd; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left }
svg text { font: 12px system-ui, sans-serif }
.bad { color: #c0392b; font-weight: bold }
"""


def merge(path, part, engine, facts, rows, results):
    """Adds a run to the report, in the place of the last one on the same engine."""
    try:
        with open(path, encoding="utf-8") as stream:
            report = json.load(stream)
    except (OSError, ValueError):
        report = {}
    if report.get("format") != FORMAT:
        report = {"format": FORMAT, "engines": {}}
    report.setdefault(part, {})[engine] = {
        "facts": facts, "cases": rows,
        "checks": [{"name": name, "passed": passed, "why": "" if passed else why} for name, passed, why in results]}
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(report, stream, indent=1)
    return report


def scale(value):
    """The place of a ratio on the logarithmic axis."""
    low, high = math.log(TICKS[0]), math.log(TICKS[-1])
    at = (math.log(min(max(value, TICKS[0]), TICKS[-1])) - low) / (high - low)
    return LEFT + at * (WIDTH - LEFT - RIGHT)


def plot(rows):
    """Ratio with interval, one line per comparison; 1 is a line, the aim a mark."""
    lines, y = [], 30
    for row in rows:
        lines.append(f'<text x="0" y="{y + 4}" font-weight="bold">{html.escape(row["title"])}</text>')
        for name, ratio in row["ratios"].items():
            y += ROW
            colour = COLOURS[name]
            lines.append(f'<text x="14" y="{y + 4}" fill="#555">{html.escape(NAMES[name])}</text>')
            lines.append(f'<line x1="{scale(ratio["low"]):.1f}" x2="{scale(ratio["high"]):.1f}" y1="{y}" y2="{y}" '
                         f'stroke="{colour}" stroke-width="3"/>')
            lines.append(f'<circle cx="{scale(ratio["median"]):.1f}" cy="{y}" r="5" fill="{colour}"/>')
            if name == row.get("over", "c") and row["aim"]:
                x = scale(row["aim"])
                lines.append(f'<path d="M{x:.1f} {y - 8}v16" stroke="#222" stroke-width="2" stroke-dasharray="3 2"/>')
            lines.append(f'<text x="{WIDTH - RIGHT + 12}" y="{y + 4}">{ratio["median"]:.3f} '
                         f'[{ratio["low"]:.3f}, {ratio["high"]:.3f}]</text>')
        y += ROW + 8
    axis = []
    for tick in TICKS:
        x = scale(tick)
        axis.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="18" y2="{y}" stroke="{"#222" if tick == 1 else "#ddd"}"/>'
                    f'<text x="{x:.1f}" y="12" text-anchor="middle">{tick:g}</text>')
    return (f'<svg viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" role="img" '
            f'aria-label="ratios of this library to the other ways">{"".join(axis)}{"".join(lines)}</svg>')


def table(rows, unit):
    """Cost per operation of each way, and how often threads went to sleep."""
    if "ns" not in next(iter(rows[0]["ways"].values())):
        return disk_table(rows, unit)
    cells = [f"<tr><th>case</th><th>way</th><th>{unit} per operation, median</th><th>fastest slice</th>"
             "<th>sleeps of the other threads</th><th>sleeps of the caller</th></tr>"]
    for row in rows:
        for name, way in row["ways"].items():
            cells.append(f'<tr><td>{html.escape(row["case"])}</td><td>{html.escape(name)}</td><td>{way["ns"]:.0f}</td><td>{way["best_ns"]:.0f}</td>'
                         f'<td>{way["switches"]:.2f}</td><td>{way["own_switches"]:.2f}</td></tr>')
    return f"<table>{''.join(cells)}</table>"


def disk_table(rows, unit):
    """IOPS of each disk, and what a page costs in it."""
    per = "1e9 instructions" if unit == "insn" else "second"
    cells = [f"<tr><th>case</th><th>disk</th><th>requests per {per}, median</th><th>99th percentile, {unit}</th></tr>"]
    for row in rows:
        for name, way in row["ways"].items():
            figures = (f"<td>{way['iops']:.0f}</td><td>{way['p99_ns']:.0f}</td>" if "iops" in way
                       else f"<td colspan='2'>{way['overhead']:.1f} bytes besides a page's own</td>")
            cells.append(f"<tr><td>{html.escape(row['case'])}</td><td>{html.escape(name)}</td>{figures}</tr>")
    return f"<table>{''.join(cells)}</table>"


def section(name, run):
    facts, host = run["facts"], run["facts"]["host"]
    passed = sum(check["passed"] for check in run["checks"])
    lines = [f"<h2>{html.escape(facts['engine_text'])}</h2>",
             f"<p>Kernel {html.escape(facts['kernel'] or 'unknown')}, {facts['cpus']} CPUs; "
             f"{html.escape(facts['compilers']['c'])}; {html.escape(facts['compilers']['rust'])}; helpers "
             f"{'inline' if facts['compilers']['inline_helpers'] else 'out of line'}. "
             f"Revision {html.escape(facts['revision'])}, {facts['date']}. {facts['blocks']} {facts.get('called', 'blocks per case')} in one boot. "
             f"Host {host['busy_percent']} % busy, load {host['load_before']} to {host['load_after']}, "
             f"{host['steal_percent']} % stolen.</p>", plot(run["cases"]), table(run["cases"], facts["unit"]) if run["cases"] else "",
             f"<p>Counts: {passed} of {len(run['checks'])} checks passed.</p>"]
    lines += [f'<p class="bad">{html.escape(check["name"])}: {html.escape(check["why"])}</p>'
              for check in run["checks"] if not check["passed"]]
    return f'<section id="{html.escape(name)}">{"".join(lines)}</section>'


def write(path, report):
    """The page: plot and table per engine."""
    body = "".join(section(name, run) for name, run in report["engines"].items())
    if report.get("disks"):
        body += ("<h1>Requests of this disk over those of other disks</h1>"
                 "<p>Above 1 is faster. fio works on one disk after the other, in turn by chance, all in one boot; a ratio is "
                 "that of two of the same round. rnull keeps nothing.</p>"
                 + "".join(section("disk-" + name, run) for name, run in report["disks"].items()))
    if report.get("scale"):
        body += ("<h1>What more queues and more jobs come to</h1>"
                 "<p>Requests over those with one queue, or one job; 8 virtual CPUs, of which two are real ones where the host has two.</p>"
                 + "".join(section("scale-" + name, run) for name, run in report["scale"].items()))
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(
            f"<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>baton: ratios</title><style>{STYLE}</style>"
            "<h1>Time of this library over the time of other ways</h1>"
            "<p>Below 1 is faster. Slices of all ways alternate within one boot, mirrored within each block; the dot is the "
            "median of the paired ratios of the blocks, the bar its 95 % bootstrap interval, the dashed mark the aim. "
            "Nanoseconds are those of the engine and mean nothing outside it.</p>"
            f"{body}</html>\n")
