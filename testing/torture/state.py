#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sums over runs: hand-overs of each row, and what went wrong. On several machines, --merge adds them up."""

import json
import os
import sys

from scenarios import CONTROL_ROW

EMPTY = {"runs": 0, "seconds": 0.0, "hand_overs": 0, "slept": 0, "lost": 0, "passed": 0, "failed": 0, "busted_found": 0,
         "busted_missed": 0, "longest_us": 0, "rows": {}, "spread": {}, "failures": []}


def sums(one, other):
    """Both spreads together, see told.py; one may be longer."""
    long = max(len(one), len(other))
    return [a + b for a, b in zip(*(each + [0] * (long - len(each)) for each in (one, other)))]


def of_report(report):
    """What one run has added."""
    state = json.loads(json.dumps(EMPTY))
    state.update(runs=1, seconds=report["facts"]["seconds"], passed=report["counts"]["pass"], failed=report["counts"]["fail"])
    for row in report["rows"]:
        if row["row"].startswith("busted"):
            state["busted_found" if row["end"] == "FAILURE" else "busted_missed"] += 1
            continue
        # Nothing of the library is in that one: it must not fail, and is not counted.
        if row["row"] != CONTROL_ROW:
            state["rows"][row["row"]] = state["rows"].get(row["row"], 0) + row["total"]
            # By engine: what is quick on one of them is not on the other.
            spread = state["spread"].setdefault(report["facts"]["engine"], {})
            spread[row["row"]] = sums(spread.get(row["row"], []), row.get("spread", []))
            state["hand_overs"] += row["total"]
            state["slept"] += row["slept"]
        state["lost"] += row["fails"]
        state["longest_us"] = max(state["longest_us"], row["longest_us"])
        if row["end"] != "SUCCESS":
            why = (row["why"] or ["it did not come to its end"])[0]
            state["failures"].append(f"{report['date']} {report['facts']['engine']} {row['scenario']} {row['row']}: {why}")
    return state


def add(one, other):
    """Both together."""
    found = json.loads(json.dumps(EMPTY))
    for state in (one, other):
        for name, value in state.items():
            if name == "rows":
                for row, total in value.items():
                    found["rows"][row] = found["rows"].get(row, 0) + total
            elif name == "spread":
                for engine, rows in value.items():
                    into = found["spread"].setdefault(engine, {})
                    into.update({row: sums(into.get(row, []), turns) for row, turns in rows.items()})
            elif name == "longest_us":
                found[name] = max(found[name], value)
            elif name in EMPTY:
                found[name] += value
    return found


def load(path):
    with open(path, encoding="utf-8") as stream:
        state = json.load(stream)
    state = of_report(state) if "counts" in state else state
    missing = [name for name in ("runs", "hand_overs", "rows") if name not in state]
    if missing:
        raise ValueError(f"it has no '{missing[0]}'")
    # It was counted once.
    state["hand_overs"] -= state["rows"].pop(CONTROL_ROW, 0)
    return state


def save(path, state):
    """Whoever is stopped meanwhile has the old file, or the new one."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as stream:
        json.dump(state, stream, indent=1)
        stream.write("\n")
    os.rename(path + ".new", path)


def show(state):
    """Prints the sums and the last line; returns the exit status."""
    for row, total in sorted(state["rows"].items(), key=lambda item: -item[1]):
        print(f"{row:20} {total:14} hand-overs")
    for line in state["failures"]:
        print(f"FAIL  {line}")
    hours = state["seconds"] / 3600
    print(f"{state['hand_overs']} hand-overs in {state['runs']} runs and {hours:.1f} hours of guests, {state['slept']} sleeps; {state['lost']} lost "
          f"or wrong; longest wait {state['longest_us'] / 1000:.1f} ms; broken rows: {state['busted_found']} found, "
          f"{state['busted_missed']} missed")
    print(f"{state['passed']} passed, {state['failed']} failed, 0 skipped")
    return 1 if state["failed"] or not state["runs"] else 0


def main():
    if len(sys.argv) < 3 or sys.argv[1] != "--merge":
        sys.exit("state.py: wants --merge FILE...")
    state = EMPTY
    for path in sys.argv[2:]:
        try:
            state = add(state, load(path))
        except (OSError, ValueError, KeyError, TypeError) as error:
            sys.exit(f"tools/torture: --merge {path}: it is neither a state.json nor a report.json: {type(error).__name__}: {error}")
    return show(state)


if __name__ == "__main__":
    sys.exit(main())
