# SPDX-License-Identifier: GPL-2.0
"""Hand-overs, and how long they took, as the torture and the soak have counted them."""

import html

import report_spread
import report_svg


def headline(sources):
    """What all runs together have done."""
    parts = []
    if sources.soak:
        soak = sources.soak
        parts.append(f'<p class="big"><b>{soak["hand_overs"]:,}</b> hand-overs in {soak["runs"]} runs and {soak["seconds"] / 3600:.1f} hours of guests; '
                     f'{soak["lost"]} lost or wrong; longest wait {soak["longest_us"] / 1000:.1f} ms; broken rows: {soak["busted_found"]} found, '
                     f'{soak["busted_missed"]} missed. <small>{html.escape(", ".join(sources.soaks))}</small></p>')
        parts += [f'<p class="fail">{html.escape(line)}</p>' for line in soak["failures"]]
    if sources.torture:
        run = sources.torture
        parts.append(f'<p>The last run: {run["hand_overs"]:,} hand-overs on {html.escape(str(run["facts"].get("engine")))}, kernel '
                     f'{html.escape(str(run["facts"].get("kernel")))}, {run["duration"]} s for each scenario, {html.escape(run["date"])}.</p>')
    return "".join(parts)


def totals(sources):
    """{row: (in the soak, in the last run, longest wait there in microseconds)} of the sound rows."""
    found = {row: [total, 0, 0] for row, total in (sources.soak or {}).get("rows", {}).items()}
    for row in (sources.torture or {}).get("rows", ()):
        if not row["row"].startswith("busted"):
            counted = found.setdefault(row["row"], [0, 0, 0])
            counted[1] += row["total"]
            counted[2] = max(counted[2], row["longest_us"])
    return found


def page(sources, table):
    found = totals(sources)
    column = 0 if sources.soak else 1
    most = max((counted[column] for counted in found.values()), default=0)
    shown = [number for number, there in enumerate((sources.soak, sources.torture)) if there]
    rows = [(f"<code>{html.escape(row)}</code>", report_svg.length(counted[column], most, said=f"{counted[column]:,} hand-overs"),
             *(f"{counted[number]:,}" for number in shown), *([f"{counted[2] / 1000:.1f} ms"] if sources.torture else []))
            for row, counted in sorted(found.items(), key=lambda item: -item[1][column])]
    head = ("row", "", *(("in all runs", "last run")[number] for number in shown), *(["longest wait"] if sources.torture else []))
    return (headline(sources) + f"<details><summary>hand-overs of each of {len(rows)} rows</summary>"
            + table(head, rows, (2, 3, 4)) + "</details>" + report_spread.page(sources, table))
