# SPDX-License-Identifier: GPL-2.0
"""Writes one static page: no scripts, no files beside it but the linked logs."""

import glob
import html
import json
import os

STYLE = """
body { font: 15px/1.45 sans-serif; margin: 2em auto; max-width: 62em; padding: 0 1em; color: #222; }
table { border-collapse: collapse; } td, th { padding: .15em .8em; text-align: left; border-bottom: 1px solid #ddd; }
td.n { text-align: right; } .fail { color: #b00020; } .skip { color: #8a6d00; } .pass { color: #176b2c; }
pre { background: #f4f4f4; padding: .6em; overflow-x: auto; font-size: 13px; } summary { cursor: pointer; }
"""

COLOURS = {"pass": "#3a9a52", "fail": "#c62839", "skip": "#d9a514"}


def bar(numbers, width=260, height=14):
    """A bar of passed, failed and skipped, as inline SVG."""
    total = sum(numbers.values()) or 1
    parts, x = [], 0.0
    for status in ("pass", "fail", "skip"):
        share = width * numbers[status] / total
        if numbers[status]:
            parts.append(f'<rect x="{x:.1f}" y="0" width="{share:.1f}" height="{height}" fill="{COLOURS[status]}">'
                         f"<title>{numbers[status]} {status}</title></rect>")
        x += share
    return f'<svg width="{width}" height="{height}" role="img">{"".join(parts)}</svg>'


def numbers_of(cases):
    return {status: sum(case.status == status for case in cases) for status in ("pass", "fail", "skip")}


def case_block(case):
    text = html.escape
    log = f"<pre>{text(chr(10).join(case.log))}</pre>" if case.log else ""
    again = f"<p>again: <code>{text(case.repeat)}</code></p>" if case.repeat else ""
    return (f'<details open><summary class="{case.status}">{case.status} <b>{text(case.title)}</b> '
            f"{text(case.reason)}</summary>{log}{again}</details>")


def boots(results, layer):
    """Folders with the logs of a boot, relative to the page: the layer's own, or one per boot."""
    found = glob.glob(os.path.join(results, layer, "**", "verdict.json"), recursive=True)
    return sorted(os.path.relpath(os.path.dirname(path), results) for path in found)


def splat_block(results, folder):
    """The excerpt of the first splat of a boot, if it had one."""
    try:
        with open(os.path.join(results, folder, "verdict.json"), encoding="utf-8") as stream:
            verdict = json.load(stream)
    except (OSError, ValueError):
        return ""
    if not verdict.get("excerpt"):
        return ""
    return f"<h4>first splat on the console of {folder}</h4><pre>{html.escape(verdict['excerpt'])}</pre>"


def links(results, folder):
    found = []
    for name in ("console.log", "results.log", "output.log", "build.log", "env.json", "verdict.json"):
        if os.path.exists(os.path.join(results, folder, name)):
            found.append(f'<a href="{folder}/{name}">{folder}/{name}</a>')
    return " ".join(found)


def layer_block(layer, cases, facts, results):
    text = html.escape
    parts = [f'<h2 id="{layer}">{text(layer)}</h2>']
    if facts.get("engine"):
        parts.append(f"<p>engine {text(facts['engine'])} ({text(str(facts.get('version', '')))}), "
                     f"kernel {text(str(facts.get('kernel', '')))}, boots {facts.get('attempts', 1)}, "
                     f"{facts.get('seconds', 0)} s. {text(str(facts.get('note', '')))}</p>")
    folders = sorted({layer, *boots(results, layer)})
    parts += [f"<p>{links(results, folder)}</p>" for folder in folders]
    parts += [case_block(case) for case in cases if case.status != "pass"]
    parts += [splat_block(results, folder) for folder in folders]
    passed = [case for case in cases if case.status == "pass"]
    rows = "".join(f'<tr><td>{text(case.suite or "-")}</td><td>{text(case.name)}</td><td>{text(case.reason)}</td></tr>'
                   for case in passed)
    parts.append(f"<details><summary>{len(passed)} passed</summary><table>{rows}</table></details>")
    return "\n".join(parts)


def write(path, layers, results, times=""):
    every = [case for _, cases, _ in layers for case in cases]
    total = numbers_of(every)
    rows = []
    for layer, cases, facts in layers:
        number = numbers_of(cases)
        rows.append(f'<tr><td><a href="#{layer}">{html.escape(layer)}</a></td><td>{bar(number)}</td>'
                    f'<td class="n">{number["pass"]}</td><td class="n">{number["fail"]}</td>'
                    f'<td class="n">{number["skip"]}</td><td>{html.escape(str(facts.get("engine", "host")))}</td></tr>')
    body = "\n".join(layer_block(layer, cases, facts, results) for layer, cases, facts in layers)
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>baton: test report</title><style>{STYLE}</style></head><body>
<h1>baton: test report</h1>
<p><b>{total['pass']} passed, {total['fail']} failed, {total['skip']} skipped</b></p>
<table><tr><th>layer</th><th></th><th>passed</th><th>failed</th><th>skipped</th><th>engine</th></tr>
{''.join(rows)}</table>
{times}
{body}
</body></html>
"""
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(page)
