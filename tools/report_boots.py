# SPDX-License-Identifier: GPL-2.0
"""The boots of a layer: their logs, and the first splat of each, decoded where tools/decode has done so."""

import dataclasses
import glob
import html
import json
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = ("console.log", "results.log", "output.log", "build.log", "env.json", "verdict.json", "splat.txt")


@dataclasses.dataclass
class Boot:
    """One that has left a verdict."""

    layer: str
    folder: str                     # relative to the results
    reason: str
    excerpt: str                    # of its first splat; "" if it had none
    expected: bool                  # whether it is a positive control, which has to have one
    decoded: str = ""
    repeat: str = ""


def read(results, folder):
    try:
        with open(os.path.join(results, folder, "verdict.json"), encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return {}


def decoded(results, folder):
    """What tools/decode has made of this boot, and of no earlier one in the same folder."""
    path, verdict = (os.path.join(results, folder, name) for name in ("splat.txt", "verdict.json"))
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(verdict):
        return ""
    with open(path, encoding="utf-8") as stream:
        return stream.read().rstrip("\n")


def of_layer(results, layer, cases):
    """Its boots: the layer's own folder, or one for each."""
    found = []
    for path in sorted(glob.glob(os.path.join(results, layer, "**", "verdict.json"), recursive=True)):
        folder = os.path.relpath(os.path.dirname(path), results)
        verdict, name = read(results, folder), os.path.basename(folder)
        own = [case for case in cases if not case.suite and case.name == name or case.name.startswith(f"{name} while ")]
        repeat = next((case.repeat for case in own + [case for case in cases if case.status == "fail"] if case.repeat), "")
        found.append(Boot(layer, folder, verdict.get("reason", ""), verdict.get("excerpt", ""), any(case.control for case in own),
                          decoded(results, folder), repeat))
    return found


def unexpected(boots):
    """The first boot with a splat that it should not have, or None."""
    return next((boot for boot in boots if boot.excerpt and not boot.expected), None)


def decode(results, layers):
    """Has tools/decode look at the first splat of each layer that should have none; says what did not go."""
    for layer, cases, _ in layers:
        boot = unexpected(of_layer(results, layer, cases))
        if boot is None or boot.decoded:
            continue
        done = subprocess.run([os.path.join(TOP, "tools", "decode"), os.path.join(results, boot.folder)],
                              stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            yield f"the splat of {boot.folder} was not decoded: tools/decode out/results/{boot.folder}"


def block(boot, opened=True):
    """The first splat of a boot."""
    if not boot.excerpt:
        return ""
    text = html.escape(boot.decoded or boot.excerpt)
    how = "" if boot.decoded else f'<p class="dim">to files and lines: <code>tools/decode out/results/{html.escape(boot.folder)}</code></p>'
    what = "what a positive control has caused, as it has to" if boot.expected else "first splat"
    return (f'<details{" open" if opened and not boot.expected else ""}><summary>{what}, on the console of {html.escape(boot.folder)}</summary>'
            f"<pre>{text}</pre>{how}</details>")


def document(results, layers):
    """For report.json: the splats that should not be there."""
    return [{"layer": boot.layer, "boot": boot.folder, "reason": boot.reason, "repeat": boot.repeat, "excerpt": boot.excerpt, "decoded": boot.decoded}
            for layer, cases, _ in layers for boot in of_layer(results, layer, cases) if boot.excerpt and not boot.expected]


def first(results, layers):
    """The first splat of all that should not be there, with the command that repeats it; "" if there is none."""
    for layer, cases, _ in layers:
        boot = unexpected(of_layer(results, layer, cases))
        if boot:
            again = f"<p>again: <code>{html.escape(boot.repeat)}</code></p>" if boot.repeat else ""
            return f'<p><a href="#{layer}">{html.escape(layer)}</a>: <span class="fail">{html.escape(boot.reason)}</span></p>{block(boot)}{again}'
    return ""


def links(results, folder):
    found = []
    for name in LOGS:
        if os.path.exists(os.path.join(results, folder, name)):
            found.append(f'<a href="{folder}/{name}">{folder}/{name}</a>')
    return " ".join(found)
