# SPDX-License-Identifier: GPL-2.0
"""Puts faults into the library, and sees that the rows of the torture find each.

testing/torture/mutants.txt has the rows, each with mutants of the lists here. For each of these UML is booted
with that fault switched on, and the row is tortured alone. It has to fail: by what it checks, or by
a task that gets nothing. With none switched on, all of the rows pass.

Runs in the builder root; tools/mutants --torture starts it. Alone it says what is wrong with the table,
which tools/check does.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "torture")]

import lists                         # noqa: E402
import run                           # noqa: E402
import scenarios                     # noqa: E402

TABLE = HERE.parent / "torture" / "mutants.txt"
SECONDS = 3                          # of each run: a task that gets nothing is waited for


@dataclasses.dataclass(frozen=True)
class Try:
    row: str
    mutant: str
    scenario: str

    @property
    def name(self):
        return f"{self.row}/{self.mutant}"


def table(mutants):
    """The tries; ListError if one of them cannot be done, or a row has none."""
    sound = {row.name for row in scenarios.table() if not row.busted and row.name != scenarios.CONTROL_ROW}
    known = {mutant.name for mutant in mutants}
    found = []
    for number, line in enumerate(TABLE.read_text(encoding="utf-8").splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 3:
            raise lists.ListError(f"{TABLE.name}:{number}: wants a row, a mutant and a scenario")
        for word, what, there in zip(words, ("row", "mutant", "scenario"), (sound, known, set(scenarios.lines("CFLIST")))):
            if word not in there:
                raise lists.ListError(f"{TABLE.name}:{number}: there is no {what} '{word}'")
        found.append(Try(*words))
    missing = sorted(sound - {each.row for each in found})
    if missing:
        raise lists.ListError(f"{TABLE.name}: no mutant is tried on {', '.join(missing)}")
    return found


def torture(number, scenario, rows, places, seconds):
    """Tortures these rows with that mutant switched on (0: none); the cases, and what was printed."""
    name = f"torture-{number}-{rows[0]}"
    output, layer = run.shadow("uml", number, name), f"mutants/{name}"
    cases = run.TREE / "out/results" / layer / "cases.json"
    cases.unlink(missing_ok=True)
    command = [run.TREE / "testing/torture/run", "--output", output, "--kernel", places["uml"], "--layer", layer,
               "--scenario", scenario, "--rows", ",".join(rows), "--duration", str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "ENGINE": "uml"}, check=False)
    text = done.stdout.decode(errors="replace")
    (run.RESULTS / f"{name}.log").write_text(text)
    shutil.rmtree(output.parent, ignore_errors=True)
    return (json.loads(cases.read_text())["cases"] if cases.exists() else None), text


def judge(cases, text):
    """What the row made of a mutant."""
    if cases is None:
        return run.Verdict(False, "it did not run", log=text.splitlines()[-run.LAST_LINES:])
    failed = [case for case in cases if case["status"] == "fail"]
    for case in failed:
        if not case["name"].startswith("boot-") and not case["reason"].startswith("missing"):
            return run.Verdict(True, f"found: {case['reason']}")
    for case in failed:
        if case["reason"].startswith("CRASH"):
            return run.Verdict(True, "by a report of the kernel")
    if failed:
        return run.Verdict(True, "only by the time limit of the boot", log=failed[0]["log"])
    return run.Verdict(False, "survived", log=text.splitlines()[-run.LAST_LINES:])


def without(tries, places):
    """(scenario, whether all rows pass with no mutant switched on, log)."""
    for scenario in sorted({each.scenario for each in tries}):
        rows = list(dict.fromkeys(each.row for each in tries if each.scenario == scenario))
        cases, text = torture(0, scenario, rows, places, SECONDS)
        bad = cases is None or any(case["status"] == "fail" for case in cases)
        yield scenario, not bad, text.splitlines()[-run.LAST_LINES:]


def tried(each, number, places):
    begin = time.monotonic()
    verdict = judge(*torture(number, each.scenario, [each.row], places, SECONDS))
    verdict.seconds = time.monotonic() - begin
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say what is wrong with the table")
    parser.add_argument("--kernel-uml")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    parser.add_argument("--no-control", action="store_true", help="do not torture without a mutant first")
    parser.add_argument("word", nargs="*", help="a row, or a mutant")
    arguments = parser.parse_args()
    try:
        mutants = lists.read_lists()
        tries = table(mutants)
        if arguments.check:
            return 0
        for word in arguments.word:
            if not any(word in (each.row, each.mutant) for each in tries):
                raise lists.ListError(f"{word}: neither a row nor a mutant of {TABLE.name} is called so")
        tries = [each for each in tries if not arguments.word or each.row in arguments.word or each.mutant in arguments.word]
        if arguments.list:
            for each in tries:
                print(f"{each.row:20} {each.mutant:44} {each.scenario}")
            return 0
        run.RESULTS.mkdir(parents=True, exist_ok=True)
        run.copy(mutants)
    except (lists.ListError, scenarios.ScenarioError) as error:
        print(f"tools/mutants --torture: {error}", file=sys.stderr)
        print("0 passed, 1 failed, 0 skipped")
        return 1

    begin = time.monotonic()
    log = run.build("uml", "torture")
    print(f"# build uml: {time.monotonic() - begin:.0f} s, log out/results/mutants/build-uml.log", flush=True)
    if log:
        print("\n".join(log))
        print("0 passed, 1 failed, 0 skipped")
        return 1
    places = {"uml": arguments.kernel_uml}
    numbers = {mutant.name: mutant.number for mutant in mutants}
    controls = [] if arguments.no_control else list(without(tries, places))
    report = run.Report(len(controls) + len(tries))
    for scenario, good, log in controls:
        report.line(good, f"without/{scenario}", "no mutant is switched on", log)
    results, begin = [], time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as several:
        futures = [(each, several.submit(tried, each, numbers[each.mutant], places)) for each in tries]
        for each, future in futures:
            verdict = future.result()
            results.append({**dataclasses.asdict(each), **dataclasses.asdict(verdict)})
            report.line(verdict.red, each.name, f"{verdict.how}, {verdict.seconds:.1f} s", verdict.log,
                        f"tools/mutants --torture {each.mutant}")
    (run.RESULTS / "torture.json").write_text(json.dumps(results, indent=1))
    print(f"# {len({each.row for each in tries})} rows; {time.monotonic() - begin:.0f} s; out/results/mutants/torture.json")
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
