# SPDX-License-Identifier: GPL-2.0
"""The boots of the benchmark: what each needs, and what came of it."""

import dataclasses
import os
import re
import shutil
import subprocess
import time

import cases
import disks
import engine as engines
import figures
import machine
import modules
import plan
import profiles
import scales
import show

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(TOP, "out", "bench")


def library_payload(output, kernel_directory, plan_path):
    """What the guest needs: the modules in load order, the script, the plan."""
    order = modules.load_order(["bench_c", "bench_rust"], modules.built(output), modules.built(kernel_directory))
    listing = os.path.join(OUT, "order")
    with open(listing, "w", encoding="utf-8") as stream:
        stream.writelines(os.path.basename(path) + "\n" for path in order)
    return [("modules/" + os.path.basename(path), path) for path in order] + [
        ("modules/order", listing), ("bench/guest.sh", os.path.join(HERE, "guest.sh")), ("bench/plan", plan_path)]


def disk_payload(output, kernel_directory, jobs, *more):
    """The same for the disks: their modules, and a job file for each round."""
    wanted = ["null_blk", "rnull_mod", "brd", "baton_blk", *more]
    order = modules.load_order(wanted, modules.built(output), modules.built(kernel_directory))
    return ([("modules/" + os.path.basename(path), path) for path in order]
            + [("bench/jobs/" + os.path.basename(path), path) for path in jobs]
            + [("bench/" + name, os.path.join(HERE, name)) for name in ("disk_lib.sh", "disk.sh", "scale.sh")])


def choose(kernel_directory):
    """(wanted, kind, image, engine): ENGINE of the environment, and what it comes to."""
    wanted = os.environ.get("ENGINE") or "qemu"
    if wanted == "icount":
        version = engines.qemu_version()
        engine = engines.Engine("icount", f"QEMU {version}", "single", "counts instructions")
        plain = engines.qemu_command
        engines.qemu_command = lambda *about: plain(*about) + ["-icount", "shift=0,sleep=off"]
        return wanted, "icount", os.path.join(kernel_directory, "arch/x86/boot/bzImage"), engine
    wanted = engines.requested()
    kind = "uml" if wanted == "uml" else "qemu"
    image = os.path.join(kernel_directory, "linux" if kind == "uml" else "arch/x86/boot/bzImage")
    return wanted, kind, image, engines.choose(wanted, image, machine.probe(image))


def weather():
    """Load of the host and the time that was stolen from it or used on it, in ticks."""
    with open("/proc/stat", encoding="ascii") as stream:
        ticks = [int(word) for word in stream.readline().split()[1:9]]
    return {"load": os.getloadavg()[0], "total": sum(ticks), "idle": ticks[3] + ticks[4], "steal": ticks[7]}


def weather_between(before, after):
    total = max(after["total"] - before["total"], 1)
    return {"load_before": round(before["load"], 2), "load_after": round(after["load"], 2),
            "busy_percent": round(100 - 100 * (after["idle"] - before["idle"]) / total, 1),
            "steal_percent": round(100 * (after["steal"] - before["steal"]) / total, 2)}


def compilers(kernel_directory):
    """What the kernel and the modules were compiled with, from the kernel's configuration."""
    with open(os.path.join(kernel_directory, ".config"), encoding="utf-8") as stream:
        config = stream.read()

    def value(name):
        found = re.search(f'^CONFIG_{name}="?([^"\n]*)', config, re.M)
        return found[1] if found else ""
    return {"c": value("CC_VERSION_TEXT"), "rust": value("RUSTC_VERSION_TEXT"),
            "inline_helpers": value("RUST_INLINE_HELPERS") == "y", "preempt": value("PREEMPT") == "y",
            "optimise": "performance" if value("CC_OPTIMIZE_FOR_PERFORMANCE") == "y" else "size"}


def place(engine, kernel_directory):
    """Where the report has it: under the engine, and apart where C is inlined into Rust."""
    return engine.name + ("-inline" if compilers(kernel_directory)["inline_helpers"] else "")


def revision():
    """The commit, as far as git can be had here."""
    try:
        return subprocess.run(["git", "-C", TOP, "describe", "--always", "--dirty"],
                              capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("BATON_REVISION", "unknown")


@dataclasses.dataclass
class Part:
    """What came of one boot."""

    facts: dict
    rows: list
    results: list                   # (name, passed, why)
    outcome: machine.Outcome


def library_boot(engine, kind, image, plan_path, arguments, options=()):
    return machine.Boot(
        directory=os.path.join(TOP, "out", "results", f"bench-{engine.name}"), kernel=image,
        script="../bench/guest.sh", deadline=arguments.deadline,
        payload=library_payload(arguments.output, arguments.kernel, plan_path), options=list(options),
        memory="512M" if kind == "uml" else "1024M", cpus=1 if kind == "icount" else 2)


def disk_boot(engine, kind, image, jobs, arguments, *more, options=()):
    return machine.Boot(
        directory=os.path.join(TOP, "out", "results", f"bench-disk-{engine.name}"), kernel=image,
        script="../bench/disk.sh", deadline=3 * arguments.deadline, tier="big", disk=arguments.disk,
        environment={"mib": str(disks.MIB), "profiled": "yes" if more else ""}, options=list(options),
        payload=disk_payload(arguments.output, arguments.kernel, jobs, *more),
        memory="1792M", cpus=1 if kind == "icount" else 2)


def scale_boot(engine, image, jobs, arguments):
    return machine.Boot(
        directory=os.path.join(TOP, "out", "results", f"bench-scale-{engine.name}"), kernel=image,
        script="../bench/scale.sh", deadline=3 * arguments.deadline, tier="big", disk=arguments.disk,
        environment={"mib": str(scales.MIB), "queues": " ".join(map(str, scales.COUNTS))},
        payload=disk_payload(arguments.output, arguments.kernel, jobs), memory="1536M", cpus=scales.CPUS)


def run(engine, kind, boot, called, arguments, seed):
    """Boots; returns the outcome and what is to be known about the run."""
    print(f"bench: {engine}, {getattr(arguments, called.split()[0])} {called}", flush=True)
    before = weather()
    outcome = machine.run(engine, boot)
    facts = {**outcome.engine, "unit": "insn" if kind == "icount" else "ns", "engine_text": str(engine),
             "kernel": outcome.release, "cpus": boot.cpus, "compilers": compilers(arguments.kernel), "revision": revision(),
             "host": weather_between(before, weather()), "blocks": getattr(arguments, called.split()[0]), "called": called,
             "warm": arguments.warm, "seed": seed, "seconds": round(outcome.seconds, 1),
             "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}
    return outcome, facts


def library(engine, kind, image, arguments, seed):
    """The library's cases, in slices of some milliseconds."""
    plan_path = os.path.join(OUT, f"plan-{engine.name}")
    plan.write(plan_path, kind, arguments.blocks, arguments.warm, seed)
    boot = library_boot(engine, kind, image, plan_path, arguments)
    outcome, facts = run(engine, kind, boot, "blocks per case", arguments, seed)
    path = os.path.join(boot.directory, "slices")
    slices = figures.read(path) if os.path.exists(path) else []
    rows = figures.evaluate(slices, kind)
    show.library(rows, facts)
    return Part(facts, rows, figures.checks(slices, kind), outcome)


def slices_of(boot, rounds):
    """What fio says of each round, and (name, passed, why) of the rounds of which it says nothing."""
    slices, broken = [], []
    for number in range(rounds + 1):
        path = os.path.join(boot.directory, "fio", str(number))
        try:
            slices += disks.read(path, number)
        except (OSError, ValueError, KeyError) as error:
            broken.append((f"disks: round {number} is there", False, f"{type(error).__name__}: {error}"))
    return slices, broken


def empty(name):
    """A directory for job files."""
    directory = os.path.join(OUT, name)
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    return directory


def disk(engine, kind, image, works, arguments, seed):
    """The disks, under fio."""
    jobs = disks.plan(empty(f"jobs-{engine.name}"), works, arguments.rounds, arguments.milliseconds, seed)
    boot = disk_boot(engine, kind, image, jobs, arguments)
    outcome, facts = run(engine, kind, boot, "rounds of fio", arguments, seed)
    slices, broken = slices_of(boot, arguments.rounds)
    memory = os.path.join(boot.directory, "memory")
    rows = disks.evaluate(slices, works, "icount" if kind == "icount" else "qemu")
    rows += disks.memory(memory) if os.path.exists(memory) else []
    show.disk(rows, facts)
    return Part(facts, rows, broken + disks.checks(slices, works, arguments.rounds), outcome)


def scale(engine, kind, image, lines, arguments, seed):
    """Disks of several queues, under several jobs of fio."""
    jobs = scales.plan(empty(f"scale-{engine.name}"), lines, arguments.rounds, arguments.milliseconds, seed)
    boot = scale_boot(engine, image, jobs, arguments)
    outcome, facts = run(engine, kind, boot, "rounds of fio", arguments, seed)
    slices, broken = slices_of(boot, arguments.rounds)
    rows = scales.evaluate(slices, lines)
    show.scale(rows, facts)
    return Part(facts, rows, broken + scales.checks(slices, lines, arguments.rounds), outcome)


def tables(name, found, symbols, exact):
    """Prints and keeps the tables of [(way, path, ops, unit, ns)]; returns what failed of it."""
    results = []
    for way, path, ops, unit, ns in found:
        if not os.path.exists(path):
            results.append((f"profile {name} {way}: is there", False, "the plugin wrote nothing: was the marker executed?"))
            continue
        counts = profiles.counted(path)
        lines = profiles.table(f"{name} {way}", profiles.by_symbol(counts, symbols), ops, unit)
        kept = os.path.join(OUT, f"profile-{name}-{way}.txt")
        with open(kept, "w", encoding="utf-8") as stream:
            stream.writelines(line + "\n" for line in lines)
        print()
        print("\n".join(lines[:2 + profiles.SHOWN]))
        print(f"all {len(lines) - 2} symbols: {os.path.relpath(kept, TOP)}")
        results.append(profiles.check(f"{name} {way}", counts, ns, exact))
    return results


def symbols_of(boot):
    path = os.path.join(boot.directory, "symbols")
    if not os.path.exists(path):
        return profiles.Symbols([])
    with open(path, encoding="utf-8") as stream:
        return profiles.Symbols(stream)


def profiled_library(engine, kind, image, chosen, arguments):
    """Profiles (case, name, way), each in a slice of its own; returns results, and how the boot ended."""
    plan_path, out = (os.path.join(OUT, f"{what}-{engine.name}") for what in ("plan", "profile"))
    plan.profile(plan_path, kind, chosen)
    boot = library_boot(engine, kind, image, plan_path, arguments, profiles.options(profiles.build(OUT), out))
    outcome = machine.run(engine, boot)
    path = os.path.join(boot.directory, "slices")
    slices = {(s.case, s.way): s for s in (figures.read(path) if os.path.exists(path) else []) if s.block == 0}
    found = []
    for number, (case, name, _) in enumerate(chosen):
        mine = slices.get((case.name, name))
        found.append((name, f"{out}.{number}", mine.ops if mine else 0, "operation", mine.ns if mine else 0))
    return tables(chosen[0][0].name, found, symbols_of(boot), kind == "icount"), outcome


def profiled_disk(engine, kind, image, work, arguments):
    """Profiles ours and the one that it is compared with under fio."""
    directory, out = empty(f"jobs-{engine.name}"), os.path.join(OUT, f"profile-{engine.name}")
    names = (disks.OURS, disks.OVER)
    jobs = disks.profile(directory, work, names, arguments.milliseconds)
    boot = disk_boot(engine, kind, image, jobs, arguments, "bench_c", options=profiles.options(profiles.build(OUT), out))
    outcome = machine.run(engine, boot)
    path = os.path.join(boot.directory, "fio", "0")
    done = {s.disk: s.done for s in disks.read(path, 0)} if os.path.exists(path) else {}
    found = [(name, f"{out}.{number}", done.get(name, 0), "request", 0) for number, name in enumerate(names)]
    return tables(work.name, found, symbols_of(boot), False), outcome
