# SPDX-License-Identifier: GPL-2.0
"""What the report says besides the layers: the guarantees, what is missing, hand-overs, mutants, barriers, coverage, cost."""

import collections
import html

import report_boots
import report_coverage
import report_guarantees
import report_torture

text_of = html.escape


def table(head, rows, numbers=()):
    """A table; `numbers` are the columns that are counted. A cell may have HTML."""
    kind = lambda column: ' class="n"' if column in numbers else ""
    top = "".join(f"<th{kind(column)}>{cell}</th>" for column, cell in enumerate(head))
    body = "".join("<tr>" + "".join(f"<td{kind(column)}>{cell}</td>" for column, cell in enumerate(row)) + "</tr>\n" for row in rows)
    return f'<div class="wide"><table><tr>{top}</tr>\n{body}</table></div>'


def missing(sources):
    rows = [(text_of(what), f"<code>{text_of(command)}</code>") for what, command in sources.missing]
    return table(("what is not there", "what makes it"), rows)


def cell(count):
    """What a layer says of a guarantee."""
    if count is None:
        return '<td class="n dim">-</td>'
    more = []
    if count.found:
        more.append(f"<small>{count.found} found</small>")
    if count.skipped:
        more.append(f'<small class="skip">{count.skipped} skipped</small>')
    if count.failed:
        more.append(f'<small class="fail">{count.failed} failed</small>')
    return f'<td class="n{" fail" if count.failed else ""}">{"<br>".join([str(count.passed), *more])}</td>'


def guarantees(found):
    """Guarantee x layer."""
    groups = [*found.texts, report_guarantees.NONE]
    says = "".join(f"<tr><td><b>{group}</b></td><td>{text_of(text)}</td></tr>" for group, text in found.texts.items())
    head = "<th>layer</th>" + "".join(f'<th class="n">{group}</th>' for group in groups)
    rows = "".join(f'<tr><td><a href="#{layer}">{text_of(layer)}</a></td>{"".join(cell(row.get(group)) for group in groups)}</tr>\n'
                   for layer, row in found.counts.items())
    total = "".join(cell(found.total(group)) for group in groups)
    why = table(("cases", "what they are about"), [(number, text_of(reason)) for reason, number in
                sorted(found.reasons.items(), key=lambda item: -item[1])], (0,))
    left = ("<p class=\"fail\">No line of testing/guarantees.txt takes these:</p><pre>"
            + text_of("\n".join(" ".join(at) for at in found.untaken)) + "</pre>") if found.untaken else ""
    return (f'<table>{says}</table><p>Cases that passed; <small>found</small>: positive controls and faults that were put in, which had to '
            "be noticed. A case that speaks for two counts in both. <code>testing/guarantees.txt</code> says which is which.</p>"
            f'{left}<div class="wide"><table><tr>{head}</tr>\n{rows}<tr class="sum"><td>all</td>{total}</tr></table></div>'
            f"<details><summary>what speaks for none</summary>{why}</details>")


def mutants(sources):
    """How each list was noticed."""
    kinds = collections.defaultdict(collections.Counter)
    for entry in sources.mutants:
        kinds[entry["area"]][entry["verdict_how"]] += 1
    named = sorted({how for counted in kinds.values() for how in counted}, key=lambda how: -sum(counted[how] for counted in kinds.values()))
    rows = [(text_of(area), sum(counted.values()), *(counted[how] or "" for how in named)) for area, counted in sorted(kinds.items())]
    rows.append(("<b>all</b>", len(sources.mutants), *(sum(counted[how] for counted in kinds.values()) for how in named)))
    late = [entry for entry in sources.mutants if not entry["verdict_red"] or "time limit" in entry["verdict_how"]]
    listed = table(("mutant", "promise", "what came of it"), [(f"<code>{text_of(entry['name'])}</code>", text_of(entry["promise"]),
                   text_of(entry["verdict_how"])) for entry in late]) if late else ""
    return table(("list", "mutants", *map(text_of, named)), rows, range(1, len(named) + 2)) + listed


def litmus(sources):
    """Each letter, with and without it."""
    rows = [(text_of(", ".join(entry["letters"])), text_of(", ".join(entry["order"])), text_of(entry["test"]), text_of("; ".join(entry["where"])),
             text_of(entry["with"]), text_of(entry["without"])) for entry in sources.litmus.get("letters", ())]
    never = sum(entry["with"] == "Never" and entry["without"] == "Sometimes" for entry in sources.litmus.get("letters", ()))
    return (f"<p>What must not be seen is seen never with the barrier and sometimes without it: {never} of {len(rows)}, by herd7 "
            f"{text_of(str(sources.litmus.get('herd7', '')))} and the kernel's model.</p><details><summary>each letter</summary>"
            + table(("letter", "is", "test", "stands in <code>rust/</code>", "with", "without"), rows) + "</details>")


def bench(sources):
    """Ratios over the C way, of each engine."""
    parts = ['<p>More of it, with the noise: <a href="../bench/index.html">out/bench/index.html</a></p>']
    for engine, found in sources.bench.get("engines", {}).items():
        facts = found.get("facts", {})
        rows = [(text_of(row["title"]), *(f"{row['ratios'][way]['median']:.2f}" if way in row["ratios"] else "" for way in ("c", "condvar", "c-again")))
                for row in found.get("cases", ()) if row.get("ratios")]
        parts.append(f"<details><summary>{text_of(engine)} ({text_of(str(facts.get('version', '')))}), kernel {text_of(str(facts.get('kernel', '')))}: "
                     f"{len(rows)} cases</summary>" + table(("what", "over C", "over CondVar", "C over C"), rows, (1, 2, 3)) + "</details>")
    return "".join(parts)


def page(sources, found, results):
    """(anchor, title, HTML) of each part for which there is something."""
    parts = [("guarantees", "Guarantees", guarantees(found))]
    splat = report_boots.first(results, sources.layers)
    if splat:
        parts.insert(0, ("first-splat", "First splat", splat))
    if sources.missing:
        parts.append(("missing", "What is missing", missing(sources)))
    if sources.torture or sources.soak:
        parts.append(("hand-overs", "Hand-overs", report_torture.page(sources, table)))
    if sources.mutants:
        parts.append(("mutant-lists", "Mutants", mutants(sources)))
    if sources.litmus:
        parts.append(("barriers", "Barriers", litmus(sources)))
    if sources.coverage:
        parts.append(("coverage", "Coverage", report_coverage.page(sources.coverage, table)))
    if sources.bench:
        parts.append(("cost", "What it costs", bench(sources)))
    return parts


def document(sources):
    """For report.json."""
    return {"missing": [{"what": what, "command": command} for what, command in sources.missing], "dates": sources.dates,
            "torture": sources.torture, "soak": sources.soak,
            "coverage": report_coverage.document(sources.coverage) if sources.coverage else None}


def text(sources, found):
    """The same for a terminal, in short."""
    groups = [*found.texts, report_guarantees.NONE]
    wide = max([len("guarantee")] + [len(layer) for layer in found.counts])
    yield f"{'guarantee':{wide}} " + "".join(f"{group:>13}" for group in groups) + "   passed+found"
    for layer, row in found.counts.items():
        told = (row.get(group) for group in groups)
        yield f"{layer:{wide}} " + "".join(f"{short(count):>13}" for count in told)
    for what, command in sources.missing:
        yield f"not there: {what}: {command}"
    if sources.soak:
        yield f"hand-overs so far: {sources.soak['hand_overs']} in {sources.soak['runs']} runs, {sources.soak['lost']} lost or wrong"


def short(count):
    if count is None:
        return "-"
    return f"{count.passed}+{count.found}" + (f" {count.failed}!" if count.failed else "")
