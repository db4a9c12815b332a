# SPDX-License-Identifier: GPL-2.0
"""Runs one guest to its sentinel or to its deadline, and judges the boot."""

import dataclasses
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import arch
import console
import counted
import engine as engines
import initramfs
from patience import Patience
from results import Results

POWER_OFF_GRACE = 10


@dataclasses.dataclass
class Boot:
    """What to boot and where its logs go."""

    directory: str                  # console.log, results.log, files of the guest, verdict.json
    kernel: str                     # image for QEMU, or UML's "linux"
    script: str                     # name under testing/qemu/guest, or ../path under /baton
    deadline: float                 # seconds until the guest is killed, see patience.py
    silence: float = 0              # seconds without a word from the guest until it is killed; 0: any
    tier: str = "small"             # small: busybox; big: the guest root
    disk: str = ""                  # image of the guest root
    payload: list = dataclasses.field(default_factory=list)
    environment: dict = dataclasses.field(default_factory=dict)
    parameters: list = dataclasses.field(default_factory=list)
    cpus: int = 2
    memory: str = "1024M"
    options: list = dataclasses.field(default_factory=list)     # more for QEMU, e.g. a firmware
    initramfs: str = ""
    quiet: bool = False
    beside: object = None           # made with the process of the guest, and ended before that is

    @property
    def console(self):
        return os.path.join(self.directory, "console.log")

    @property
    def results(self):
        return os.path.join(self.directory, "results.log")


@dataclasses.dataclass
class Outcome:
    """How a boot ended. `verdict` is about the boot, not about the tests in it."""

    verdict: str                    # PASS, INFRA, CRASH, TIMEOUT, FAIL
    reason: str
    rc: int | None
    release: str
    seconds: float
    engine: dict
    attempts: int = 1
    splats: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)
    excerpt: str = ""
    step: str = ""
    console: str = ""
    steps: list = dataclasses.field(default_factory=list)
    slowdown: float = 1.0           # how busy the machine was with something else, at worst

    def running(self):
        """What the guest was running when the first splat, or else the end, came."""
        if not self.splats:
            return self.step
        with open(self.console, encoding="utf-8", errors="replace") as stream:
            lines = stream.read().splitlines()[:self.splats[0][0]]
        marks = [line.partition("baton: running ")[2].strip() for line in lines if "baton: running " in line]
        return marks[-1] if marks else ""


def show_line(start, quiet):
    def show(text):
        if not quiet:
            print(f"    {time.monotonic() - start:6.1f} s  {text}", flush=True)
    return show


def copy_stream(source, path):
    """A pipe to a file; UML cannot wait for a regular file to be writable."""
    def work():
        with open(path, "ab", buffering=0) as target:
            while data := os.read(source, 65536):
                target.write(data)
        os.close(source)
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def start(engine, boot, work):
    """Starts the guest. Returns the process and the threads that copy its output."""
    log = open(os.path.join(boot.directory, "engine.log"), "ab")
    for path in (boot.console, boot.results):
        open(path, "wb").close()
    if engine.name != "uml":
        command = engines.qemu_command(engine, boot)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=work)
        return command, process, []
    console_in, console_out = os.pipe()
    results_in, results_out = os.pipe()
    command = engines.uml_command(boot, results_out)
    # Its own session: UML's helper threads and processes end with the group.
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=console_out, stderr=console_out,
        pass_fds=(results_out,), cwd=work, start_new_session=True,
        env={**os.environ, "TMPDIR": work},
    )
    os.close(console_out)
    os.close(results_out)
    return command, process, [copy_stream(console_in, boot.console), copy_stream(results_in, boot.results)]


def stop(process, engine):
    """Kills exactly this guest."""
    if engine.name == "uml":
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
    elif process.poll() is None:
        process.kill()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        print(f"engine: process {process.pid} does not die; left behind", file=sys.stderr)


def follow(process, threads, boot, results, patience):
    """Reads the result port until the guest is done; the deadline that came first, or 0."""
    done_at = None
    said, said_at = results.lines, 0.0
    with open(boot.results, encoding="utf-8", errors="replace") as stream:
        while True:
            ended = process.poll() is not None
            if ended:
                for thread in threads:
                    thread.join(timeout=5)
            results.feed(stream.read())
            now = time.monotonic()
            if ended:
                return 0
            if results.lines != said:
                said, said_at = results.lines, patience.seconds()
            if results.rc is not None:
                done_at = done_at or now
                if now - done_at > POWER_OFF_GRACE:
                    results.notes.append(("POWEROFF", f"the guest did not power off within {POWER_OFF_GRACE} s"))
                    return 0
            elif patience.seconds() > boot.deadline:
                return boot.deadline
            elif boot.silence and patience.seconds() - said_at > boot.silence:
                return boot.silence
            # The period of looking, not a wait for something to be ready.
            time.sleep(0.02)


def attempt(engine, boot):
    """One boot, once."""
    nonce = secrets.token_hex(6)
    port = "tty1" if engine.name == "uml" else f"{arch.requested().ports}1"
    begin = time.monotonic()
    show = show_line(begin, boot.quiet)
    with tempfile.TemporaryDirectory(prefix="baton-") as work:
        boot.initramfs = os.path.join(work, "initramfs")
        environment = {"nonce": nonce, "port": port, "tier": boot.tier, "script": boot.script,
                       "engine": engine.name, **boot.environment}
        initramfs.build(boot.initramfs, environment, boot.payload)
        command, process, threads = start(engine, boot, work)
        results = Results(nonce, boot.directory, show)
        patience = Patience()
        beside = boot.beside(process) if boot.beside else None
        try:
            late = follow(process, threads, boot, results, patience)
        finally:
            patience.stop()
            if beside:
                beside.end()
            # Also when the run is interrupted: a guest does not outlive it.
            stop(process, engine)
        for thread in threads:
            thread.join(timeout=5)
        results.finish()
    seconds = time.monotonic() - begin
    outcome = judge(engine, boot, results, late, seconds, process.returncode)
    outcome.slowdown = round(patience.worst, 1)
    with open(os.path.join(boot.directory, "env.json"), "w", encoding="utf-8") as stream:
        json.dump({**engine.facts(), "kernel": outcome.release, "command": command, "cpus": boot.cpus,
                   "memory": boot.memory, "tier": boot.tier, "seconds": round(seconds, 2),
                   "slowdown": outcome.slowdown}, stream, indent=1)
    return outcome


def judge(engine, boot, results, late, seconds, status):
    """INFRA > CRASH > TIMEOUT > FAIL > PASS. The sentinel decides, never the engine's exit status."""
    with open(boot.console, encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    splats = console.splats(text)
    outcome = Outcome("PASS", "", results.rc, results.release or "", seconds, engine.facts(),
                      splats=splats, notes=results.notes, step=results.step,
                      console=boot.console, steps=results.steps)
    if splats:
        outcome.excerpt = console.excerpt(text, splats[0])
    timeouts = [note for kind, note in results.notes if kind == "TIMEOUT"]
    at = f" during '{results.step}'" if results.step else ""
    if console.INT3.search(text):
        outcome.verdict, outcome.reason = "INFRA", "Oops: int3: the engine ran stale code"
    elif splats:
        outcome.verdict, outcome.reason = "CRASH", f"console line {splats[0][0]}: {splats[0][1]}"
    elif results.rc is None and results.release is None:
        outcome.verdict = "INFRA"
        outcome.reason = (f"the guest did not reach /init within {late:.0f} s" if late
                          else f"the engine ended with status {status} before /init")
    elif results.rc is None and not late:
        outcome.verdict, outcome.reason = "INFRA", f"the engine ended with status {status}{at}, without a splat"
    elif results.rc is None:
        outcome.verdict, outcome.reason = "TIMEOUT", f"no end within {late:.0f} s{at}"
    elif timeouts:
        outcome.verdict, outcome.reason = "TIMEOUT", timeouts[0]
    elif results.rc != 0:
        outcome.verdict, outcome.reason = "FAIL", f"the guest script ended with status {results.rc}"
    return outcome


def end_by_signal(number, _frame):
    sys.exit(128 + number)


def run(engine, boot):
    """Boots; once more if the first boot did not say anything about the kernel.

    A guest that got stuck after /init is not tried again: that may be the lost
    wake-up that is looked for.
    """
    signal.signal(signal.SIGTERM, end_by_signal)
    if os.path.isdir(boot.directory):
        shutil.rmtree(boot.directory)
    os.makedirs(boot.directory)
    counted.add_to(boot)
    outcome = attempt(engine, boot)
    if outcome.verdict == "INFRA":
        print(f"    INFRA: {outcome.reason}; once more", flush=True)
        for name in ("console.log", "results.log"):
            os.rename(os.path.join(boot.directory, name), os.path.join(boot.directory, "first-" + name))
        first = outcome
        outcome = attempt(engine, boot)
        outcome.attempts = 2
        outcome.notes.append(("RETRY", f"the first boot: {first.reason}"))
    with open(os.path.join(boot.directory, "verdict.json"), "w", encoding="utf-8") as stream:
        json.dump(dataclasses.asdict(outcome), stream, indent=1)
    return outcome


def probe(kernel):
    """A function that says whether an engine boots `kernel` to the sentinel."""
    def boots(engine):
        with tempfile.TemporaryDirectory(prefix="baton-probe-") as directory:
            boot = Boot(directory=directory, kernel=kernel, script="probe.sh",
                        deadline=engines.PROBE_DEADLINE, quiet=True)
            return attempt(engine, boot).verdict == "PASS"
    return boots
