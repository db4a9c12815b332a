# SPDX-License-Identifier: GPL-2.0
"""The cases: what is compared with what, on which CPUs, how many operations a slice has."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to do a case: the module directory and the name that it knows the case by."""

    name: str                       # baton, c, c-active, condvar
    directory: str                  # bench_<directory> in debugfs
    case: str                       # the module's name of the case
    threads: str = "-"              # prefix of the threads whose switches are counted


@dataclasses.dataclass(frozen=True)
class Case:
    """One line of the table."""

    name: str
    title: str
    ways: tuple
    ops: dict                       # engine kind -> operations of a slice
    aim: dict                       # engine kind -> ratio to the C way that is aimed at
    place: tuple = ()               # (prefix, CPU) before the first slice


def ways(baton, plain, prefix="", active=False, condvar=True):
    """Ours, the C way, and CondVar; `prefix` names the threads of the case, "%s/trip/0"."""
    def threads(way):
        return prefix % way if prefix else "-"
    found = [Way("baton", "baton", baton, threads("baton").replace("trip", baton.partition("-")[0])),
             Way("c", "c", plain, threads("c"))]
    if condvar:
        found.append(Way("condvar", "condvar", plain, threads("condvar")))
    if active:
        found.append(Way("c-active", "c", plain + "-active"))
    return tuple(found)


def pair(case, kind, cpu, title, aim):
    """A case with a partner thread, which is bound to `cpu`."""
    number = {"spin": 0, "mutex": 1}[kind]
    members = ways(f"{case}-{kind}", f"trip-{kind}", f"%s/trip/{number}")
    return Case(f"{case}-{kind}" + ("" if cpu else "-same-cpu"), title, members,
                TRIP_OPS if cpu else {"qemu": 500, "uml": 1000}, aim, tuple((way.threads, cpu) for way in members))


def partner(case, cpu, title, ours=None, aim=None):
    """A case with the partner thread "%s/<ours>/0", which is bound to `cpu`."""
    members = tuple(Way(way, way, case, f"{way}/{ours or case}/0") for way in ("baton", "c"))
    return Case(case + ("" if cpu else "-same-cpu"), title, members,
                TRIP_OPS if cpu else {"qemu": 500, "uml": 1000}, aim or {}, tuple((way.threads, cpu) for way in members))


def crowd(case, title, ours, aim):
    """A case whose threads "%s/<ours>/" run on all CPUs in turn, and sleep before and after a slice."""
    members = tuple(Way(way, way, case, f"{way}/{ours}/") for way in ("baton", "c"))
    return Case(case, title, members, {"qemu": 400, "uml": 400}, {"qemu": aim, "uml": aim, "icount": aim},
                tuple((way.threads, -1) for way in members))


# Wake-ups across CPUs need both CPUs of a host that may be busy: short slices, so that some of
# them find it idle.
TRIP_OPS = {"qemu": 20, "uml": 20}
UPDATE_OPS = {"qemu": 10000, "uml": 10000}
UPDATE_AIM = {"qemu": 1.0, "uml": 0.5}
TRIP_AIM = {"qemu": 1.0, "uml": 0.5}
EVEN = {"qemu": 1.0, "uml": 1.0, "icount": 1.0}
CLAIM_AIM = {"qemu": 0.55, "uml": 0.55}

CASES = (
    Case("update-spin", "change state, nobody waits (spinlock)",
         ways("update-spin", "update-spin", active=True), UPDATE_OPS, UPDATE_AIM),
    Case("update-mutex", "change state, nobody waits (mutex)",
         ways("update-mutex", "update-mutex", active=True), UPDATE_OPS, UPDATE_AIM),
    pair("trip", "spin", 1, "round trip, each acts in its context (spinlock)", TRIP_AIM),
    pair("trip", "mutex", 1, "round trip, each acts in its context (mutex)", TRIP_AIM),
    pair("trip", "spin", 0, "round trip on one CPU (spinlock)", {}),
    pair("trip", "mutex", 0, "round trip on one CPU (mutex)", {}),
    pair("claim", "spin", 1, "round trip, the reaction is a claim (spinlock)", CLAIM_AIM),
    pair("claim", "mutex", 1, "round trip, the reaction is a claim (mutex)", CLAIM_AIM),
    pair("claim", "spin", 0, "the same on one CPU (spinlock)", {}),
    Case("herd", "64 waiters, the condition of one becomes true", ways("herd", "herd", "%s/herd/"),
         {"qemu": 16, "uml": 16}, {"qemu": 0.2, "uml": 0.2},
         tuple((f"{way}/herd/", -1) for way in ("baton", "c", "condvar"))),
    Case("entry", "lock and unlock an entry of a map, nobody waits", ways("entry", "entry", condvar=False),
         {"qemu": 10000, "uml": 10000}, {"qemu": 0.9, "uml": 0.9}),
    Case("count", "count up and down, nobody waits", ways("count", "count", active=True, condvar=False),
         {"qemu": 10000, "uml": 10000}, {"qemu": 1.0, "uml": 1.0}),
    crowd("entry-one", "4 tasks lock one entry, who has it lets others run", "one", 0.6),
    crowd("entry-bucket", "8 tasks lock 4 entries of one bucket, who has one lets others run", "bucket", 0.9),
    Case("drain", "begin and end, nobody waits",
         ways("drain", "drain", condvar=False) + (Way("percpu-ref", "c", "drain-percpu"),),
         {"qemu": 10000, "uml": 10000}, EVEN),
    partner("drain-wait", 1, "wait for what another task ends, the gate shut", "drain", EVEN),
    partner("drain-wait", 0, "the same on one CPU", "drain", EVEN),
    partner("run", 1, "start a run of a thread and wait for its end", aim=EVEN),
    partner("run", 0, "the same on one CPU", aim=EVEN),
    Case("pin", "find, pin and unpin a node, nobody waits", ways("pin", "pin", condvar=False),
         {"qemu": 4000, "uml": 4000}, EVEN),
    Case("completion", "complete, then wait: a completion each time",
         ways("completion", "completion", condvar=False) + (Way("c-heap", "c", "completion-heap"),),
         {"qemu": 4000, "uml": 4000}, EVEN),
    Case("completion-counted", "complete, then wait: one completion all the time",
         ways("completion-counted", "completion-counted", condvar=False), {"qemu": 4000, "uml": 4000}, EVEN),
    partner("completion-trip", 1, "another task completes, and is waited for", "done", EVEN),
    partner("completion-trip", 0, "the same on one CPU", "done", EVEN),
    # The last one: its waiters stay in the hashed queues of the kernel, which the cases above look into.
    Case("keyed", "1024 wait under a key each, the condition of one becomes true",
         (Way("baton", "baton", "keyed", "baton/keyed/"), Way("c", "c", "keyed", "c/keyed/"),
          Way("sixteen", "baton", "keyed-few", "baton/few/")),
         {"qemu": 16, "uml": 16}, {}),
)


def of(kind):
    """The cases that this kind of engine can run: with one CPU nothing runs on a second one."""
    return [case for case in CASES if kind != "icount" or not any(cpu > 0 for _, cpu in case.place)]


def ops(case, kind):
    return case.ops["uml" if kind == "uml" else "qemu"]
