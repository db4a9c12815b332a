# SPDX-License-Identifier: GPL-2.0
"""Runs scenarios one after the other, on the engines in turn, for so many hours; keeps sums.

Runs in the builder root; tools/torture starts it. ^C ends it after the guest was stopped; what that guest
has done is not counted. The next call does what is left of the hours, or begins with new ones.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import scenarios
import state

STATE = os.path.join(TOP, "out", "soak", "state.json")
REPORT = os.path.join(TOP, "out", "results", "torture", "report.json")
DURATION = 120                      # seconds for each scenario
# UML has most hand-overs, QEMU other interleavings: so many scenarios there for one here.
TURNS = ("uml", "uml", "uml", "tcg")


def plan():
    """(engine, scenario) for ever; each engine goes through its own scenarios."""
    each = {engine: [s.name for s in scenarios.chosen("*", engine)[0] if s.name not in scenarios.CONTROLS] for engine in set(TURNS)}
    turn = {engine: 0 for engine in each}
    while True:
        for engine in TURNS:
            names = each[engine]
            yield engine, names[turn[engine] % len(names)]
            turn[engine] += 1


def interrupted(_number, _frame):
    raise KeyboardInterrupt


def one(engine, name, seconds, arguments):
    """One run; its report, or None if it left none."""
    if os.path.exists(REPORT):
        os.unlink(REPORT)
    config = "uml" if engine == "uml" else arguments.config
    command = [os.path.join(HERE, "run"), "--output", os.path.join("out", config), "--scenario", name, "--duration", str(seconds),
               "--kernel", arguments.uml if engine == "uml" else arguments.qemu]
    log = os.path.join(TOP, "out", "soak", "last.log")
    with open(log, "wb") as stream:
        # A session of its own: ^C is for this process, which ends the other one in order.
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, cwd=TOP, start_new_session=True,
                                   env={**os.environ, "ENGINE": engine})
        try:
            process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise
    if not os.path.exists(REPORT):
        with open(log, encoding="utf-8", errors="replace") as stream:
            print("".join(stream.readlines()[-15:]), end="")
        return None
    with open(REPORT, encoding="utf-8") as stream:
        return json.load(stream)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, required=True)
    parser.add_argument("--uml", required=True, help="build directory of the kernel for UML")
    parser.add_argument("--qemu", required=True, help="the same for QEMU")
    parser.add_argument("--config", required=True, help="the build for QEMU: test, debug, rt, kasan or kcsan")
    arguments = parser.parse_args()

    sums = state.load(STATE) if os.path.exists(STATE) else {**state.EMPTY}
    left = sums.pop("left", 0) or arguments.hours * 3600
    turn = sums.pop("turn", 0)
    print(f"soak: {left / 3600:.2f} hours, {sums['hand_overs']} hand-overs so far; state {os.path.relpath(STATE, TOP)}", flush=True)
    os.makedirs(os.path.dirname(STATE), exist_ok=True)
    signal.signal(signal.SIGTERM, interrupted)
    begin, failed = time.monotonic(), 0
    turns = plan()
    for _ in range(turn):
        next(turns)
    try:
        while left > 0:
            engine, name = next(turns)
            start = time.monotonic()
            report = one(engine, name, min(DURATION, max(10, round(left))), arguments)
            left -= time.monotonic() - start
            turn += 1
            if report is None:
                print(f"soak: {engine} {name}: it left no report; log out/soak/last.log")
                return 1
            sums = state.add(sums, state.of_report(report))
            state.save(STATE, {**sums, "left": max(0, round(left)), "turn": turn})
            failed += report["counts"]["fail"]
            print(f"    {time.monotonic() - begin:7.0f} s  {engine:4} {name:10} {report['hand_overs']:11} hand-overs, "
                  f"{report['counts']['fail']} failed; {sums['hand_overs']} in all", flush=True)
    except KeyboardInterrupt:
        state.save(STATE, {**sums, "left": max(0, round(left)), "turn": turn})
        print(f"soak: stopped; {max(0, left) / 3600:.2f} hours are left: make soak HOURS={arguments.hours} goes on")
    status = state.show(sums)
    return 1 if failed else status


if __name__ == "__main__":
    sys.exit(main())
