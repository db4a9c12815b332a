# SPDX-License-Identifier: GPL-2.0
"""How long waits took, as a histogram: the spread that the torture prints for each row (testing/torture/spread.rs).

A spread is a list: so many turns took less than 1 microsecond, so many less than 2, less than 4, and so on.
"""

import html
import math

import report_svg
import state

STEPS = 27                          # as in spread.rs: the last is for all that took longer
AXIS = 'stroke="#8a8f96" stroke-opacity=".5" fill="none"'
MARKS = ((0, "1 µs"), (10, "1 ms"), (20, "1 s"))


def time_of(step):
    """The end of a step, for people."""
    us = 2 ** step
    for unit, size in (("s", 10 ** 6), ("ms", 10 ** 3)):
        if us >= size:
            return f"{us / size:.3g} {unit}"
    return f"{us} µs"


def below(turns, part):
    """A time that so many of the turns were below, e.g. 0.99 of them; the end of a step."""
    wanted, seen = part * sum(turns), 0
    for step, number in enumerate(turns):
        seen += number
        if number and seen >= wanted:
            return f"< {time_of(step)}" if step < STEPS - 1 else f"> {time_of(STEPS - 2)}"
    return ""


def height_of(number, most, height):
    """By the logarithm: a single late turn among millions is to be seen."""
    return height * math.log(number + 1) / math.log(most + 1) if number else 0


def drawing(turns, wide=8, height=26, axis=False):
    """The histogram; with `axis`, what is where stands below it."""
    most, parts = max(turns, default=0), []
    for step, number in enumerate(turns[:STEPS]):
        if number:
            high = max(1.0, height_of(number, most, height))
            begin = f"{time_of(step - 1)} to " if step else "less than "
            said = f"more than {time_of(step - 1)}" if step == STEPS - 1 else begin + time_of(step)
            parts.append(f'<rect x="{step * wide}" y="{height - high:.1f}" width="{wide - 1}" height="{high:.1f}" fill="{report_svg.LEVEL}">'
                         f"<title>{html.escape(f'{said}: {number:,}')}</title></rect>")
    # Where a step ends that is one of these.
    marks = "".join(f'<path {AXIS} d="M{(step + 1) * wide - .5} 0V{height}"/>' for step, _ in MARKS)
    named = "".join(f'<text class="small" x="{(step + 1) * wide - .5}" y="{height + 12}" text-anchor="middle">{name}</text>' for step, name in MARKS) if axis else ""
    base = f'<path {AXIS} d="M0 {height}H{STEPS * wide}"/>'
    return (f'<svg width="{STEPS * wide + 16}" height="{height + (16 if axis else 1)}" viewBox="-8 0 {STEPS * wide + 16} {height + (16 if axis else 1)}" role="img">'
            f"{marks}{''.join(parts)}{base}{named}</svg>")


def of_sources(sources):
    """{engine: {row: turns}} of the soak, or else of the last run."""
    found = (sources.soak or {}).get("spread") or {}
    if not any(any(rows.values()) for rows in found.values()) and sources.torture:
        found = state.of_report(sources.torture).get("spread", {})
    return {engine: {row: turns for row, turns in rows.items() if sum(turns)} for engine, rows in found.items() if any(sum(turns) for turns in rows.values())}


def all_of(rows):
    """The turns of all rows."""
    turns = []
    for each in rows.values():
        turns = state.sums(turns, each)
    return turns


def page(sources, table):
    """A histogram for each engine, and those of its rows."""
    found, parts = of_sources(sources), []
    if not found:
        return "<p>How long the waits took was not counted by the module that has run: <code>make torture</code>.</p>"
    for engine, rows in sorted(found.items()):
        turns = all_of(rows)
        parts.append(f"<h4>How long a turn took, {html.escape(engine)}: {sum(turns):,} turns</h4>{drawing(turns, 22, 110, True)}"
                     f"<p><small>by the logarithm of their number; half of them {html.escape(below(turns, .5))}, 99 % {html.escape(below(turns, .99))}, "
                     f"all {html.escape(below(turns, 1))}</small></p>")
        listed = [(f"<code>{html.escape(row)}</code>", drawing(each), f"{sum(each):,}", *(html.escape(below(each, part)) for part in (.5, .99, 1)))
                  for row, each in sorted(rows.items())]
        parts.append(f"<details><summary>each of {len(rows)} rows</summary>"
                     + table(("row", "1 µs, 1 ms, 1 s", "turns", "half of them", "99 %", "all"), listed, (2, 3, 4, 5)) + "</details>")
    return "".join(parts)
