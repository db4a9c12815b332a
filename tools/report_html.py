# SPDX-License-Identifier: GPL-2.0
"""Writes one static page: no scripts, no files beside it but the linked logs."""

import html

import report_boots
import report_svg

STYLE = """
:root { --ink: #222; --dim: #666; --line: #ddd; --box: #f4f5f7; --page: #fff; --link: #1b5fa8; --fail: #b00020;
  --skip: #8a6d00; --pass: #176b2c; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --dim: #999; --line: #444; --box: #26292d; --page: #1b1d20; --link: #7fb3e8;
  --fail: #ff7a85; --skip: #e2bd4a; --pass: #6cc985; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 66em; padding: 0 1em; color: var(--ink); background: var(--page); }
a { color: var(--link); } h2 { margin-top: 2em; border-bottom: 1px solid var(--line); padding-bottom: .15em; }
.wide { overflow-x: auto; } table { border-collapse: collapse; margin: .6em 0; }
td, th { padding: .18em .8em; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } tr.sum td { font-weight: 600; border-top: 2px solid var(--line); }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.fail { color: var(--fail); } .skip { color: var(--skip); } .pass { color: var(--pass); } .dim { color: var(--dim); } small { color: var(--dim); }
td.fail, td small.fail { color: var(--fail); }
pre { background: var(--box); padding: .6em; overflow-x: auto; font-size: 12.5px; line-height: 1.35; } code { font-size: 92%; }
summary { cursor: pointer; } .box { background: var(--box); padding: .5em 1em; border-radius: 4px; margin: 1em 0; }
.big { font-size: 1.15em; } nav { line-height: 1.9; } svg { vertical-align: middle; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } svg .small { font-size: 10.5px; fill: var(--dim); }
"""


def numbers_of(cases):
    return {status: sum(case.status == status for case in cases) for status in ("pass", "fail", "skip")}


def case_block(case):
    text = html.escape
    log = f"<pre>{text(chr(10).join(case.log))}</pre>" if case.log else ""
    again = f"<p>again: <code>{text(case.repeat)}</code></p>" if case.repeat else ""
    return (f'<details open><summary class="{case.status}">{case.status} <b>{text(case.title)}</b> '
            f"{text(case.reason)}</summary>{log}{again}</details>")


def passed_block(passed):
    """What has passed, closed."""
    text = html.escape
    rows = "".join(f'<tr><td>{text(case.suite or "-")}</td><td>{text(case.name)}</td><td>{text(case.reason)}</td></tr>'
                   for case in passed)
    return f'<details><summary>{len(passed)} passed</summary><div class="wide"><table>{rows}</table></div></details>' if passed else ""


def layer_block(layer, cases, facts, results):
    text = html.escape
    parts = [f'<h2 id="{layer}">{text(layer)}</h2>']
    if facts.get("engine"):
        parts.append(f"<p>engine {text(facts['engine'])} ({text(str(facts.get('version', '')))}), "
                     f"kernel {text(str(facts.get('kernel', '')))}, boots {facts.get('attempts', 1)}, "
                     f"{facts.get('seconds', 0)} s. {text(str(facts.get('note', '')))}</p>")
    elif facts.get("note"):
        parts.append(f"<p>{text(str(facts['note']))}</p>")
    boots = report_boots.of_layer(results, layer, cases)
    logs = [report_boots.links(results, folder) for folder in sorted({layer, *(boot.folder for boot in boots)})]
    parts += [f"<p>{linked}</p>" for linked in logs if linked]
    parts += [case_block(case) for case in cases if case.status != "pass"]
    parts += [report_boots.block(boot) for boot in boots]
    parts.append(passed_block([case for case in cases if case.status == "pass"]))
    return "\n".join(part for part in parts if part)


def layer_row(layer, cases, facts, date):
    number = numbers_of(cases)
    counted = "".join(f'<td class="n {status if number[status] else "dim"}">{number[status]}</td>' for status in ("pass", "fail", "skip"))
    return (f'<tr><td><a href="#{layer}">{html.escape(layer)}</a></td><td>{report_svg.bar(number)}</td>{counted}'
            f'<td>{html.escape(str(facts.get("engine", "host")))}</td><td class="dim">{html.escape(date)}</td></tr>')


def write(path, sources, results, parts, times=""):
    """`parts`: (anchor, title, HTML) of what is told besides the layers."""
    layers = sources.layers
    total = numbers_of([case for _, cases, _ in layers for case in cases])
    rows = "".join(layer_row(layer, cases, facts, sources.dates.get(layer, "")) for layer, cases, facts in layers)
    named = " · ".join(f'<a href="#{anchor}">{html.escape(title.lower())}</a>' for anchor, title, _ in parts)
    blocks = "\n".join(f'<h2 id="{anchor}">{html.escape(title)}</h2>\n{block}' for anchor, title, block in parts)
    body = "\n".join(layer_block(layer, cases, facts, results) for layer, cases, facts in layers)
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>baton: test report</title><style>{STYLE}</style></head><body>
<h1>baton: test report</h1>
<p class="big"><b class="{'fail' if total['fail'] else 'pass'}">{total['pass']} passed, {total['fail']} failed, {total['skip']} skipped</b></p>
<nav>{named}</nav>
<div class="wide"><table><tr><th>layer</th><th></th><th class="n">passed</th><th class="n">failed</th><th class="n">skipped</th><th>engine</th><th></th></tr>
{rows}</table></div>
{blocks}
{times}
{body}
</body></html>
"""
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(page)
