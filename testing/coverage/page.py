# SPDX-License-Identifier: GPL-2.0
"""Writes the page of the coverage: by file, and by function in it. No scripts, no files beside it."""

import html

import report
import report_html
import report_svg

STYLE = report_html.STYLE + "body { max-width: 76em; } tr.none td { background: #fbe9ec; }"


def numbers(each, *names):
    return "".join(f'<td class="n">{each[name]}</td>' for name in names)


def file_block(file, said):
    text = html.escape
    functions = [each for each in said["functions"] if each["file"] == file["file"]]
    rows = "".join(f'<tr{"" if each["covered"] else " class=none"}><td>{each["line"]}</td><td><code>{text(each["name"])}</code></td>'
                   f'{numbers(each, "lines", "lines_covered", "regions", "covered")}<td>{text(", ".join(each["by"]))}</td></tr>'
                   for each in functions)
    pieces = "".join(f'<tr><td>{each["line"]}</td><td>{text(each["function"])}</td><td><code>{text(each["text"])}</code></td>'
                     f'<td>{"error" if each["error"] else ""}</td><td>{text(each["why"])}</td></tr>'
                     for each in sorted(said["error_paths_not_reached"] + said["not_reached"], key=lambda each: each["line"])
                     if each["file"] == file["file"])
    missed = (f"<h4>not reached, in functions that are</h4><table><tr><th>line</th><th>function</th><th>text</th><th></th>"
              f"<th>why</th></tr>{pieces}</table>") if pieces else ""
    return (f'<details id="{text(file["file"])}"><summary><b>{text(file["file"])}</b> {report_svg.share(file["covered"], file["regions"])} '
            f'{report.share(file["covered"], file["regions"])} of the regions, {file["functions_covered"]} of {file["functions"]} functions</summary>'
            f"<table><tr><th>line</th><th>function</th><th>lines</th><th>reached</th><th>regions</th><th>reached</th><th>by</th></tr>{rows}</table>"
            f"{missed}</details>")


def layer_line(name, facts):
    return (f"{html.escape(name)}: engine {html.escape(str(facts.get('engine', '')))}"
            f"{', kernel ' + html.escape(facts['kernel']) if facts.get('kernel') else ''}, {facts.get('seconds', 0)} s, {html.escape(facts.get('date', ''))}")


def write(path, said):
    all_files = report.total(said["files"])
    errors = said["error_paths_not_reached"]
    listed = "".join(f'<tr><td>{html.escape(each["file"])}:{each["line"]}</td><td>{html.escape(each["function"])}</td>'
                     f'<td><code>{html.escape(each["text"])}</code></td><td>{html.escape(each["why"])}</td></tr>' for each in errors)
    whole = "".join(f'<tr><td>{html.escape(each["file"])}:{each["line"]}</td><td>{html.escape(each["name"])}</td></tr>'
                    for each in said["functions_not_reached"])
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>baton: coverage</title><style>{STYLE}</style></head><body>
<h1>baton: coverage of rust/ and samples/</h1>
<p>{said['date']}. {'; '.join(layer_line(name, facts) for name, facts in said['layers'].items())}.</p>
<p><b>{report.share(all_files.get('covered', 0), all_files.get('regions', 0))} of {all_files.get('regions', 0)} regions,
{all_files.get('functions_covered', 0)} of {all_files.get('functions', 0)} functions.</b>
A region is a piece of source text that is executed as a whole; the '?' of an operator is one that is executed when it returns.</p>
<h2>Paths of errors that nothing reaches</h2>
<table><tr><th>where</th><th>function</th><th>text</th><th>why it stays</th></tr>{listed}</table>
<h2>Functions that nothing reaches</h2><table>{whole}</table>
<h2>By file</h2>
{''.join(file_block(file, said) for file in said['files'])}
<p>Without counters: {html.escape(', '.join(said['without_code'])) or 'none'}.</p>
</body></html>
"""
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(page)
