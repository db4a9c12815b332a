# SPDX-License-Identifier: GPL-2.0
"""Drawings for the page, as inline SVG: no scripts, nothing to load."""

import html

COLOURS = {"pass": "#3a9a52", "fail": "#c62839", "skip": "#d9a514"}
LEVEL = "#5b8bbd"


def bar(numbers, width=260, height=14):
    """A bar of passed, failed and skipped."""
    total = sum(numbers.values()) or 1
    parts, x = [], 0.0
    for status in ("pass", "fail", "skip"):
        share = width * numbers[status] / total
        if numbers[status]:
            parts.append(f'<rect x="{x:.1f}" y="0" width="{share:.1f}" height="{height}" fill="{COLOURS[status]}">'
                         f"<title>{numbers[status]} {status}</title></rect>")
        x += share
    return f'<svg width="{width}" height="{height}" role="img">{"".join(parts)}</svg>'


def share(part, whole, width=160, height=12):
    """How much of something there is."""
    filled = width * part / whole if whole else 0
    return (f'<svg width="{width}" height="{height}" role="img"><rect width="{width}" height="{height}" rx="2" fill="#8a8f96" fill-opacity=".3"/>'
            f'<rect width="{filled:.1f}" height="{height}" rx="2" fill="{LEVEL}"/><title>{part} of {whole}</title></svg>')


def length(value, most, width=220, height=12, said=""):
    """A value beside others."""
    long = max(1.0, width * value / most) if most and value else 0
    return (f'<svg width="{width}" height="{height}" role="img"><rect width="{long:.1f}" height="{height}" rx="2" fill="{LEVEL}"/>'
            f"<title>{html.escape(said or str(value))}</title></svg>")
