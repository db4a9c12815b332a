# SPDX-License-Identifier: GPL-2.0
"""What takes the time: the steps of each layer, when they began and how long they took.

tools/test writes out/results/LAYER/times, a line for each step: its beginning and its
end in seconds since 1970, the CPU time that its processes have used, its name. Layers
overlap, so a layer's share is of the CPU time of all; the CPU time of a step that another
layer was waited for in is none.
"""

import dataclasses
import html
import os

COLOURS = ("#4878a8", "#e09b3d", "#5a9a68", "#a05a8c", "#8a8a8a")


@dataclasses.dataclass
class Step:
    """A part of a layer's work."""

    layer: str
    name: str
    begin: float                    # seconds since the run began
    seconds: float
    cpu: float


def read(results, layers):
    """The steps of these layers, in the order in which they began."""
    found = []
    for layer in layers:
        try:
            with open(os.path.join(results, layer, "times"), encoding="ascii") as stream:
                for line in stream:
                    begin, end, cpu, name = line.split(None, 3)
                    found.append(Step(layer, name.strip(), float(begin), float(end) - float(begin), float(cpu)))
        except OSError:
            continue
    start = min((step.begin for step in found), default=0)
    for step in found:
        step.begin -= start
    return sorted(found, key=lambda step: step.begin)


def totals(steps):
    """{layer: (begin, end, CPU time, share of all CPU time)}"""
    cpu = sum(step.cpu for step in steps) or 1
    found = {}
    for layer in dict.fromkeys(step.layer for step in steps):
        own = [step for step in steps if step.layer == layer]
        used = sum(step.cpu for step in own)
        found[layer] = (min(step.begin for step in own), max(step.begin + step.seconds for step in own), used, used / cpu)
    return found


def document(steps):
    """For report.json."""
    return {
        "seconds": round(max((step.begin + step.seconds for step in steps), default=0), 1),
        "cpu_seconds": round(sum(step.cpu for step in steps), 1),
        "layers": {layer: {"begin": round(begin, 1), "seconds": round(end - begin, 1), "cpu_seconds": round(cpu, 1),
                           "share": round(share, 3)} for layer, (begin, end, cpu, share) in totals(steps).items()},
        "steps": [{"layer": step.layer, "step": step.name, "begin": round(step.begin, 1), "seconds": round(step.seconds, 1),
                   "cpu_seconds": round(step.cpu, 1)} for step in steps],
    }


def print_table(steps):
    """A line for each layer: from when on, how long, its share of the CPU time, and its steps."""
    found = totals(steps)
    if not found:
        return
    wide = max(map(len, found))
    print(f"{'layer':{wide}}   began    took     CPU  share  steps")
    for layer, (begin, end, cpu, share) in found.items():
        parts = ", ".join(f"{step.name} {step.seconds:.0f} s" for step in steps if step.layer == layer)
        print(f"{layer:{wide}} {begin:5.0f} s {end - begin:5.0f} s {cpu:5.0f} s {share:6.0%}  {parts}")
    whole = document(steps)
    print(f"{'all':{wide}} {0:5.0f} s {whole['seconds']:5.0f} s {whole['cpu_seconds']:5.0f} s")


def page(steps, width=560, row=20):
    """The same as a drawing, a row for each layer."""
    found = totals(steps)
    if not found:
        return ""
    whole = document(steps)
    scale, names = width / (whole["seconds"] or 1), list(found)
    parts = []
    for layer, (begin, end, cpu, share) in found.items():
        y = names.index(layer) * row
        parts.append(f'<text x="0" y="{y + 14}" font-size="13">{html.escape(layer)}</text>')
        for number, step in enumerate(step for step in steps if step.layer == layer):
            parts.append(f'<rect x="{140 + step.begin * scale:.1f}" y="{y + 3}" width="{max(1, step.seconds * scale):.1f}" '
                         f'height="{row - 6}" fill="{COLOURS[number % len(COLOURS)]}"><title>{html.escape(step.name)}: '
                         f"{step.seconds:.0f} s, CPU time {step.cpu:.0f} s</title></rect>")
        parts.append(f'<text x="{145 + width}" y="{y + 14}" font-size="13">{end - begin:.0f} s, {share:.0%} of the CPU time</text>')
    return (f"<h2>What takes the time</h2><p>{whole['seconds']:.0f} s, CPU time {whole['cpu_seconds']:.0f} s</p>"
            f'<svg width="{340 + width}" height="{len(names) * row}" role="img">{"".join(parts)}</svg>')
