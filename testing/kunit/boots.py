# SPDX-License-Identifier: GPL-2.0
"""Runs a list of suites in as many boots as it takes, and tells what became of each."""

import dataclasses
import glob
import os

import console
import machine
import modules
import patience
import report_cases
import suites

MODULE_LIMIT = 90                   # seconds for one insmod, which runs all tests of the module
CONTROL_LIMIT = 3                   # the same for a positive control, which hangs on purpose
GRACE = 60                          # seconds without a word from a guest, on top of that
EXTRA = 24                          # boots at most for what was behind a crash or a hang
TEST_LIMIT = 45                     # seconds for one test, on a machine that does nothing else

HOW = ("crash", "hang", "lost")     # what a positive control is for, see manifest.txt


def holds(path, suite):
    """Whether the module at `path` has that suite: KUnit keeps its name in an array."""
    with open(path, "rb") as stream:
        return suite.encode() + b"\0" in stream.read()


def limit_of(module):
    return CONTROL_LIMIT if module.startswith("busted") else MODULE_LIMIT


@dataclasses.dataclass
class Told:
    """One boot, and what the suites in it have said."""

    directory: str
    outcome: machine.Outcome
    suites: dict                    # {name: Suite}
    culprit: str = ""               # the module that ended the boot
    kind: str = ""                  # how: crash or hang
    where: list = dataclasses.field(default_factory=list)
    begun: tuple = ("", "")         # the test that ended it: suite and name, as far as that is known

    @property
    def name(self):
        return os.path.basename(self.directory)


@dataclasses.dataclass
class Series:
    """All boots of one run."""

    engine: object
    image: str
    ours: dict                      # {name: path} of our modules
    kernel: dict                    # the same of the kernel's
    only: str | None
    directory: str
    parser: suites.Parser
    manifest: dict
    order: dict                     # {suite: its tests, in their order}
    slow: bool = False              # the kernel looks at everything
    files: list = dataclasses.field(default_factory=list)   # (name under /baton, path) of what a suite reads
    boots: list = dataclasses.field(default_factory=list)
    release: str = ""
    seconds: float = 0.0
    attempts: int = 0

    def run(self, names, once=False):
        """Loads these modules, in as many boots as it takes, or in one."""
        while names:
            told = self._boot(names)
            self.boots.append(told)
            self.release = told.outcome.release or self.release
            self.seconds += told.outcome.seconds
            self.attempts += told.outcome.attempts
            started = {step.removeprefix("insmod ").removesuffix(".ko") for step in told.outcome.steps
                       if step.startswith("insmod ")}
            left = [name for name in names if name not in started]
            if once or len(left) == len(names):
                break
            names = left

    def rerun(self):
        """Runs what was behind a crash or a hang: a suite alone, and what is left of one test by test."""
        tried = set()
        while len(tried) < EXTRA and (left := [item for item in self._lost() if item not in tried]):
            module, suite, name = left[0]
            tried.add(left[0])
            print(f"kunit: {suite}{name and '.' + name} alone, because {module} has ended a boot", flush=True)
            everything, self.only = self.only, suite + (name and "." + name)
            self.run([module])
            self.only = everything

    def _lost(self):
        """[(module, suite, test, or "" for the whole suite)] of what has no result and should."""
        known = {(suite.name, result.name) for boot in self.boots for suite in boot.suites.values()
                 for result in suite.results}
        found = []
        for boot in self.boots:
            for suite, names in self.order.items() if boot.culprit else ():
                if not holds(self.ours[boot.culprit], suite):
                    continue
                wanted = [name for name in names if self.manifest.get((suite, name)) not in HOW
                          and (self.only is None or report_cases.chosen(self.only, suite, name))]
                left = [name for name in wanted if (suite, name) not in known
                        and not any((suite, name) == other.begun for other in self.boots)]
                alone = [""] if left == names and self.only is None else left
                found += [(boot.culprit, suite, name) for name in alone]
        return found

    def suites(self):
        return {name for boot in self.boots for name in boot.suites}

    def _boot(self, names):
        directory = os.path.join(self.directory, f"boot-{len(self.boots) + 1}")
        order = modules.load_order(names, self.ours, self.kernel)
        listing = os.path.join(self.directory, "order")
        busy = patience.slowdown(sample=0.2) * patience.DRIFT * (patience.DEBUG if self.slow else 1)
        limits = [round(busy * limit_of(modules.name_of(path))) for path in order]
        with open(listing, "w", encoding="utf-8") as stream:
            stream.writelines(f"{os.path.basename(path)} {limit}\n" for path, limit in zip(order, limits))
        boot = machine.Boot(
            directory=directory, kernel=self.image, script="run-kunit.sh", deadline=GRACE + 2 * sum(limits),
            silence=GRACE + max(limits),
            payload=[("modules/" + os.path.basename(path), path) for path in order] + [("modules/order", listing)] + self.files,
            parameters=[f"kunit.timeout={round(TEST_LIMIT * busy)}"] + ([f"kunit.filter_glob={self.only}"] if self.only else []),
            memory="512M" if self.engine.name == "uml" else "1024M")
        return self._read(directory, machine.run(self.engine, boot))

    def _read(self, directory, outcome):
        told = Told(directory, outcome, {})
        for path in sorted(glob.glob(os.path.join(directory, "ktap", "*.ktap"))):
            with open(path, encoding="utf-8", errors="replace") as stream:
                told.suites.update((suite.name, suite) for suite in self.parser.suites(stream.read()))
        with open(outcome.console, encoding="utf-8", errors="replace") as stream:
            text = stream.read()
        if outcome.rc is None:
            told.kind = "hang" if outcome.verdict == "TIMEOUT" else "crash"
        elif any(kind == "TIMEOUT" for kind, _ in outcome.notes):
            told.kind = "hang"
        if not told.kind or not outcome.step.startswith("insmod "):
            return told
        told.culprit = outcome.step.removeprefix("insmod ").removesuffix(".ko")
        if outcome.rc is None:
            partial = self.parser.unfinished(text)
            if partial:
                told.suites[partial.name] = partial
        if told.kind == "hang":
            told.where = console.dump(text)
        else:
            told.where = outcome.excerpt.splitlines()
        unfinished = next((suite for suite in told.suites.values() if not suite.ended), None)
        if unfinished:
            left = [name for name in self.order.get(unfinished.name, ()) if name not in
                    {result.name for result in unfinished.results}
                    and (self.only is None or report_cases.chosen(self.only, unfinished.name, name))]
            # The first without a result is the one that had begun; its stack agrees, where there is one.
            seen = suites.running("\n".join(told.where))
            told.begun = unfinished.name, seen if seen in left else left[0] if left else "*"
        return told

    def fate(self, suite):
        """Why a suite of the manifest has no results."""
        for boot in self.boots:
            if boot.culprit and holds(self.ours[boot.culprit], suite):
                return f"not run: {boot.culprit} has ended {boot.name} by a {boot.kind}"
        return ""

    def cases(self, layer, again):
        found = []
        known = {(suite.name, result.name) for boot in self.boots for suite in boot.suites.values()
                 for result in suite.results} | {boot.begun for boot in self.boots}
        for boot in self.boots:
            for suite in boot.suites.values():
                found += self._suite_cases(layer, boot, suite, again, known)
            found.append(self._boot_case(layer, boot, again))
        return found

    def _suite_cases(self, layer, boot, suite, again, known):
        def case(name, status, reason="", log=()):
            return report_cases.Case(layer, suite.name, name, status, reason, list(log),
                                     f"{again} TEST={suite.name}.{name}")

        found = [case(result.name, result.status, result.reason, result.log[-report_cases.LAST_LINES:])
                 for result in suite.results]
        if suite.failed:
            found.append(case("*", "fail", "the suite failed, and no test of it"))
        if suite.ended:
            return found
        begun = boot.begun[1]
        verb = "hung" if boot.kind == "hang" else "crashed"
        found.append(case(begun, "fail", f"{verb}: {boot.outcome.reason}", where(boot.where)))
        # What is known has run in another boot.
        found += [case(name, "fail", f"not run: {begun} {verb}") for name in self.order.get(suite.name, ())
                  if (suite.name, name) not in known
                  and (self.only is None or report_cases.chosen(self.only, suite.name, name))]
        known |= {(suite.name, name) for name in self.order.get(suite.name, ())}
        return found

    def _boot_case(self, layer, boot, again):
        """The boot itself is a case: a splat fails the layer even if all tests passed."""
        outcome = boot.outcome
        if outcome.verdict == "PASS":
            return report_cases.Case(layer, "", boot.name, "pass")
        if boot.culprit and any(kind == boot.kind and holds(self.ours[boot.culprit], suite)
                                for (suite, _), kind in self.manifest.items()):
            return report_cases.Case(layer, "", boot.name, "pass", control=True)
        log = outcome.excerpt.splitlines()[:report_cases.LAST_LINES] or [f"{kind}: {text}" for kind, text in outcome.notes]
        return report_cases.Case(layer, "", f"{boot.name} while {outcome.running() or 'booting'}", "fail",
                                 f"{outcome.verdict}: {outcome.reason}", log, again)


def where(lines):
    """The part of a report that names the test: from the top of its stack on."""
    at = next((number for number, line in enumerate(lines) if suites.WRAPPER.search(line)), None)
    if at is None:
        return lines[:report_cases.LAST_LINES]
    return lines[max(0, at - report_cases.LAST_LINES + 3):at + 3]
