# SPDX-License-Identifier: GPL-2.0
"""What 'make report' makes of planted results; tools/check runs it."""

import dataclasses
import html.parser
import json
import os
import sys
import tempfile

import report_boots
import report_guarantees
import report_html
import report_parts
import report_sources
import told                         # report_sources.py knows where it is

# What the module says, as testing/torture/told.py reads it; the statistics come several times.
CONSOLE = """\
baton: running PLAIN
[    9.1] baton_torture: entry-torture: Total: 3  Max/Min: 2/1  Fail: 0  Longest: 1500 us  Slept: 1  Gave up: 0
[   19.1] baton_torture: entry-torture: Total: 7  Max/Min: 4/3  Fail: 0  Longest: 1500 us  Slept: 1  Gave up: 0
[   19.1] baton_torture: entry-torture: Spread: 0 5 0 2
[   19.1] baton_torture: entry-torture:--- End of test: SUCCESS: nwriters=2 nwaiters=2
[   19.1] baton_torture: pool-torture: Spread:
baton: ended PLAIN
"""
ROW = dataclasses.asdict(told.read(CONSOLE)[0]["PLAIN", "entry"])
RUN = {"facts": {"engine": "uml", "kernel": "7.3.4", "seconds": 20.0}, "duration": 10, "date": "2026-11-27 01:00 UTC", "hand_overs": 7,
       "counts": {"pass": 1, "fail": 0, "skip": 0}, "jitter": 0, "rows": [ROW]}
# As soaks have left them before there were histograms.
SOAK = {"runs": 2, "seconds": 7200.0, "hand_overs": 1000, "slept": 10, "lost": 0, "passed": 9, "failed": 0, "busted_found": 3, "busted_missed": 0,
        "longest_us": 2000, "rows": {"entry": 600, "pool": 400}, "failures": [], "left": 60, "turn": 3}


def case(layer, suite, name, status="pass", **more):
    return {"layer": layer, "suite": suite, "name": name, "status": status, **more}


def layer(name, *cases, **facts):
    return {f"results/{name}/cases.json": {"facts": facts, "cases": list(cases)}}


FILES = {
    **layer("kunit-uml", case("kunit-uml", "baton_event_serve", "update_serves_a_sleeper"),
            case("kunit-uml", "baton_pool", "<b>", "fail", reason="a & b", log=["<pre>"], repeat="make kunit TEST=baton_pool"),
            case("kunit-uml", "baton_busted", "fails", control=True), case("kunit-uml", "", "boot-1", control=True),
            case("kunit-uml", "", "boot-2 while pool_kunit", "fail", repeat="make kunit TEST=baton_pool.again"), engine="uml", kernel="7.3.4"),
    **layer("model", case("model", "", "update_against_enqueue"), case("model", "", "fault.wake_forgotten")),
    **layer("later", case("other", "baton_event_end", "x", "skip"), case("later", "nothing", "speaks for this")),
    "results/kunit-uml/boot-1/verdict.json": {"reason": "wanted", "excerpt": "a splat that is wanted"},
    "results/kunit-uml/boot-2/verdict.json": {"reason": "console line 9", "excerpt": "f+0x1/0x2 <raw>"},
    "results/kunit-uml/boot-2/splat.txt": "f (<planted>.c:7)",
    "results/kunit-uml/boot-3/verdict.json": {"reason": "", "excerpt": ""},
    "results/litmus/cases.json": "no JSON",
    "results/torture/report.json": RUN,
    "results/mutants/mutants.json": [
        {"area": "event", "name": name, "promise": "p", "verdict_red": red, "verdict_how": how, "verdict_test": "", "verdict_log": [], "verdict_seconds": 1.0}
        for name, red, how in (("one", True, "by an assertion"), ("two", False, "survived"))],
    "soak/state.json": SOAK,
    "coverage/report.json": {"engine": "uml", "error_paths_not_reached": [{"file": "rust/a.rs", "line": 3, "function": "f<T>", "why": ""}], "functions": [
        {"name": "Event::update", "file": "rust/event/serve.rs", "line": 7, "regions": 10, "covered": 4},
        {"name": "<Pool as Drop>::drop", "file": "rust/pool.rs", "line": 9, "regions": 30, "covered": 0}]},
}
MISSING = [("check", "make check"), ("mutants: 2 of {mutants} were tried", "make mutants"), ("mutants-torture", "tools/mutants --torture"),
           ("mutants-host", "tools/mutants --host")]
COUNTED = {
    ("kunit-uml", "G1"): (1, 0, 0, 0), ("kunit-uml", "G5"): (0, 1, 0, 0), ("kunit-uml", "none"): (0, 1, 0, 2),
    ("model", "G1"): (1, 0, 0, 1), ("later", "G1"): (0, 0, 1, 0), ("litmus", "none"): (0, 1, 0, 0), ("mutants", "G1"): (0, 1, 0, 1),
}
UNTAKEN = [("later", "nothing", "speaks for this")]
# What the page has to have, and what it must not.
SHOWN = ["1 µs to 2 µs: 5", "half of them &lt; 2 µs", "99 % &lt; 8 µs", "&lt;b&gt;", "a &amp; b", "make kunit TEST=baton_pool", "1,007", "make check", "survived", "later nothing speaks for this",
         "&lt;Pool as Drop&gt;::drop", "10.0%", "f&lt;T&gt;", "1 of them without a reason"]
NOT_SHOWN = ["<b>: ", "was not counted", "<script", "http://", "https://"]
FIRST = ["f (&lt;planted&gt;.c:7)", "console line 9", "make kunit TEST=baton_pool.again", 'href="#kunit-uml"']
EMPTY = {"br", "meta", "rect", "line", "path", "circle"}


class Balanced(html.parser.HTMLParser):
    """Sees that what is opened is closed, in order, and that links within the page lead somewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.names, self.wanted = [], [], set(), set()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in EMPTY:
            self.open.append(tag)
        if "id" in attrs:
            if attrs["id"] in self.names:
                self.wrong.append(f"two have the id '{attrs['id']}'")
            self.names.add(attrs["id"])
        if attrs.get("href", "").startswith("#"):
            self.wanted.add(attrs["href"][1:])

    def handle_endtag(self, tag):
        if tag not in EMPTY and (not self.open or self.open.pop() != tag):
            self.wrong.append(f"</{tag}> at line {self.getpos()[0]} closes nothing")


def page_faults(page):
    """What is wrong with the structure of a page."""
    reader = Balanced()
    reader.feed(page)
    reader.close()
    yield from reader.wrong
    yield from (f"<{tag}> is not closed" for tag in reader.open)
    yield from (f"'#{name}' leads nowhere" for name in sorted(reader.wanted - reader.names))


def plant(out, files):
    for name, content in files.items():
        path = os.path.join(out, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(content if isinstance(content, str) else json.dumps(content))


def splat_faults(results, layers):
    """What is wrong with the first splat."""
    boots = report_boots.of_layer(results, *next((name, cases) for name, cases, _ in layers if name == "kunit-uml"))
    yield from compared("boots", [(os.path.basename(boot.folder), boot.expected, bool(boot.excerpt)) for boot in boots],
                        [("boot-1", True, True), ("boot-2", False, True), ("boot-3", False, False)])
    first = report_boots.first(results, layers)
    yield from (f"the first splat does not have '{text}': {first}" for text in FIRST if text not in first)
    # What is decoded is of this boot: it is not older than the verdict.
    os.utime(os.path.join(results, boots[1].folder, "splat.txt"), (1, 1))
    if "raw" not in report_boots.first(results, layers):
        yield "what was decoded of an earlier boot is shown"


def compared(what, got, wanted):
    if got != wanted:
        yield f"{what}: got {got!r}, wants {wanted!r}"


def faults(out):
    """What is wrong with the report of the planted results."""
    results = os.path.join(out, "results")
    elsewhere = os.path.join(out, "elsewhere.json")
    plant(out, {**FILES, "elsewhere.json": RUN, "nonsense.json": {"a": 1}})
    try:
        report_sources.collect(out, [os.path.join(out, "nonsense.json")])
        yield "a file that is no soak is taken for one"
    except report_sources.SourceError as error:
        if "nonsense.json" not in str(error):
            yield f"a file that is no soak is refused without its name: {error}"
    sources = report_sources.collect(out, [elsewhere])
    table = report_guarantees.tabulate(sources.layers, report_guarantees.read())
    yield from compared("layers", [name for name, _, _ in sources.layers], ["litmus", "model", "kunit-uml", "later", "mutants"])
    number = sum(name == "mutants" for name, _, _ in report_sources.report_inventory.mutants())
    there = [(what.format(mutants=number), command) for what, command in MISSING]
    yield from compared("missing", [each for each in sources.missing if each in there], there)
    for (name, group), wanted in COUNTED.items():
        count = table.counts[name].get(group, report_guarantees.Count())
        yield from compared(f"{name} {group}", (count.passed, count.failed, count.skipped, count.found), wanted)
    yield from compared("taken by no line", table.untaken, UNTAKEN)
    yield from compared("spread", sources.soak["spread"], {"uml": {"entry": [0, 5, 0, 2]}})
    yield from compared("sums", (sources.soak["hand_overs"], sources.soak["rows"]), (1007, {"entry": 607, "pool": 400}))
    path = os.path.join(out, "index.html")
    report_html.write(path, sources, results, report_parts.page(sources, table, results))
    with open(path, encoding="utf-8") as stream:
        page = stream.read()
    yield from page_faults(page)
    yield from (f"the page does not have '{text}'" for text in SHOWN if text not in page)
    yield from (f"the page has '{text}'" for text in NOT_SHOWN if text in page)
    yield from splat_faults(results, sources.layers)
    json.dumps(report_parts.document(sources))


def check():
    """What is wrong; it must be able to find something."""
    found = list(page_faults('<p id="a"><b></p></b><a href="#c"></a><i id="a">'))
    if len(found) != 5:
        return [f"the check finds {found} in a page that has five faults"]
    with tempfile.TemporaryDirectory(prefix="baton-report-") as out:
        report_sources.collect(out)         # nothing is there
        return [f"planted results: {what}" for what in faults(out)]


if __name__ == "__main__":
    sys.exit("\n".join(check()) or 0)
