#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests what the coverage concludes from, with planted bytes and sources: 'tools/check coverage' runs it."""

import hashlib
import json
import os
import struct
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools")]

import control
import counters
import gcov
import model
import paths
import regions

FILE = "rust/planted.rs"
SOURCE = """\
fn first(x: u32) -> Result {
    let y = second(x)?;
    match y {
        Ok(z) => third(z),
        Err(_) => fourth(),
    }
    if x > 3 {
        pr_info!("more");
        if y { pr_info!("most"); }
    }
    other(y)
        .map_err(|_| closed())?;
    if y < 0 {
        return Err(EINVAL);
    }
    Ok(())
}
fn never() { none() }
"""
# (region, how often)
FIRST = (((1, 1, 2, 22), 5), ((2, 22, 2, 23), 0), ((4, 18, 4, 26), 5), ((5, 19, 5, 27), 0), ((7, 14, 9, 13), 0), ((9, 14, 9, 35), 0),
         ((10, 6, 12, 18), 5), ((12, 30, 12, 31), 5), ((12, 31, 12, 32), 0), ((14, 16, 14, 27), 0), ((16, 5, 17, 2), 5))
CLOSURE = (((12, 22, 12, 30), 0),)
NEVER = (((18, 1, 18, 22), 0),)


def said(*functions):
    """What llvm-cov says of functions: (name, regions)."""
    return json.dumps({"data": [{"functions": [
        {"name": name, "filenames": [os.path.join(regions.TOP, FILE)],
         "regions": [[*region, count, 0, 0, 0] for region, count in found]} for name, found in functions]}]})


def covered(*functions):
    """Covered of that, without the tools and the files."""
    names, of, digest = regions.plain, regions.file_of, regions.digest_of
    regions.plain = lambda found: {name: name.rpartition("_")[2] for name in found}
    regions.file_of = lambda path: FILE if path.endswith(FILE) else ""
    regions.digest_of = lambda file: "same"
    try:
        return regions.parsed(said(*functions))
    finally:
        regions.plain, regions.file_of, regions.digest_of = names, of, digest


def planted():
    sources = paths.Sources()
    sources.known[FILE] = SOURCE.splitlines()
    return sources


def number(name):
    return int.from_bytes(hashlib.md5(name).digest()[:8], "little")


def module(one, two):
    """(data, records, names) of a module: two functions with one and two counters, as they are in memory."""
    names = zlib.compress(b"a\1b")
    section = b"\0" + bytes([3, len(names)]) + names + b"\0"
    def records(first, second):
        return b"".join(counters.RECORD.pack(number(name), version, there, 0, 0, 0, count, 0, 0, 0)
                        for name, version, there, count in ((b"a", 7, first, 1), (b"b", 8, second, 2)))
    # Three counters, then the records, whose first points 40 bytes back.
    data = b"x" * 16 + struct.pack("<3Q", one, *two) + b"y" * 16 + records(-40, -40 - 64 + 8)
    return data, records(0, 0), section


def dumped():
    data, records, section = module(5, (0, 2))
    names = counters.names_in(section)
    found = counters.counted(data, records, names)
    yield "counters", found, {("a", 7): (5,), ("b", 8): (0, 2)}
    counters.add(total := {}, found)
    counters.add(total, found)
    yield "two loads", total, {("a", 7): [10], ("b", 8): [0, 4]}
    for what, broken in (("no records", data.replace(records[:16], b"z" * 16)), ("records twice", data + records)):
        yield what, refused(lambda broken=broken: counters.counted(broken, records, names)), True
    yield "another function", refused(lambda: counters.counted(data, records, {})), True
    head = f"MODULE a ffff {len(data)}\n".encode()
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "dump")
        for what, text, wants in (("a dump", head + data + b"END\n", ([("a", 0xffff)], True)), ("a guest that was killed", head + data, ([("a", 0xffff)], False)),
                                  ("in the middle", head + data[:-3], ([], False)), ("nothing", b"", ([], False))):
            with open(path, "wb") as stream:
                stream.write(text)
            modules, ended = counters.sent(path)
            yield what, ([each[:2] for each in modules], ended), wants
        with open(path, "wb") as stream:
            stream.write(head + data + b"rubbish")
        yield "something else behind it", refused(lambda: counters.sent(path)), True


def in_c():
    """A source with two functions, as gcc lays its counters out, at address 0x1000."""
    data = b"x" * 8 + gcov.FUNCTION.pack(0, 1, 2, 3, 2, 0x1000 + 128) + b"y" * 40
    data += struct.pack("<Q", 0x1000 + 8) + b"z" * (128 - len(data) - 8) + struct.pack("<2Q", 0, 9)
    info = gcov.INFO.pack(0x42343241, 0, 77, 5, 0, *[1] + [0] * 8, 1, 0x1000 + 88)
    known = [(info[:gcov.FOUND_BY], "a")]
    wants = {"a": (0x42343241, 77, [((1, 2, 3), [0, 9])])}
    found = gcov.counted(data + info, 0x1000, known)
    yield "counters", found, wants
    gcov.add(total := {}, found)
    gcov.add(total, found)
    yield "two loads", total["a"][2], [((1, 2, 3), [0, 18])]
    yield "no counters", refused(lambda: gcov.counted(data, 0x1000, known)), True
    yield "a pointer that leads out", refused(lambda: gcov.counted(data + info, 0x2000, known)), True
    yield "a file for gcov", gcov.gcda(1, 2, [((3, 4, 5), [6])]), struct.pack(
        "<11IQ", gcov.MAGIC, 1, 2, 0, gcov.TAG_FUNCTION, 12, 3, 4, 5, gcov.TAG_ARCS, 8, 6)


def refused(action):
    try:
        action()
    except counters.CoverageError:
        return True
    return False


def missed():
    sources = planted()
    one = covered(("_RNv_first", FIRST), ("_RNCNv_first", CLOSURE), ("_RNv_never", NEVER))
    whole, pieces = paths.unreached(one, sources)
    yield "functions", sorted(function.name for function in one.functions.values()), ["first", "never"]
    yield "functions that nothing reaches", [function.name for function in whole], ["never"]
    yield "pieces", [(piece.line, piece.error, piece.text) for piece in pieces], [
        (2, True, "let y = second(x)?;"), (5, True, "fourth()"), (7, False, 'pr_info!("more");'),
        (12, True, "closed()"), (14, True, "Err(EINVAL)")]
    # An instance that reaches it, and a run that does.
    more = covered(("_RNv_first", FIRST), ("_RINv_first", (((14, 16, 14, 27), 1),)))
    yield "another instance", [piece.line for piece in paths.unreached(more, sources)[1]], [2, 5, 7, 12]
    other = covered(("_RNv_first", (((2, 22, 2, 23), 1), ((5, 19, 5, 27), 3))))
    yield "nothing is stale", one.add(other), set()
    yield "another run", [piece.line for piece in paths.unreached(one, sources)[1]], [7, 12, 14]
    other.hashes[FILE] = "an older one"
    other.counts[FILE][14, 16, 14, 27] = 1
    yield "of another source", one.add(other), {FILE}
    yield "and is not added", [piece.line for piece in paths.unreached(one, sources)[1]], [7, 12, 14]


def reasons():
    sources = planted()
    one = covered(("_RNv_first", FIRST), ("_RNv_never", NEVER))
    whole, pieces = paths.unreached(one, sources)
    stays, gone = (FILE, "first", "Err(EINVAL)"), (FILE, "first", "Ok(())")
    elsewhere, function = ("rust/other.rs", "f", "Err(EINVAL)"), (FILE, "never", "fn")
    said = {key: "because" for key in (stays, gone, elsewhere, function)}
    yield "what is reached must not be listed", paths.judge(one, pieces, whole, said), [gone]
    yield "what is listed has its reason", [piece.text for piece in pieces if piece.why], ["Err(EINVAL)"]


def controls():
    lines = ["// reached, in a comment", "fn f() // reached", "{", "    g()?; // ? not reached", "    h(); // not reached", "}"]
    sources = paths.Sources()
    sources.known[control.FILE] = lines
    one = regions.Covered(counts={control.FILE: {(2, 1, 4, 8): 1, (4, 8, 4, 9): 0, (5, 5, 5, 8): 0}})
    yield "the control", control.wrong(one, sources, control.FILE), ([], 3)
    for what, region, count, line in (("a '?' that is reached", (4, 8, 4, 9), 1, 4), ("a line that is", (5, 5, 5, 8), 2, 5),
                                      ("one that is not", (2, 1, 4, 8), 0, 2)):
        other = regions.Covered(counts={control.FILE: {**one.counts[control.FILE], region: count}})
        yield what, [at for at, _ in control.wrong(other, sources, control.FILE)[0]], [line]
    yield "nothing is counted", [at for at, _ in control.wrong(regions.Covered(), sources, control.FILE)[0]], [2, 4, 5]
    yield "functions that are missing", len(control.functions_wrong(regions.Covered())), 5


def names():
    for mangled, wants in (("<baton[ab12345678]::event::queue::Queue<core::foo::Bar<u8>>>::enqueue", "Queue::enqueue"),
                           ("<baton::drain::Gate<T> as kernel::Foo<u8>>::drop::<X>", "Gate::drop"),
                           ("<&mut baton::q::R as core::fmt::Display>::fmt", "R::fmt"),
                           ("baton::event::wait::<u32, fn(u8) -> u9>", "event::wait"),
                           ("<baton::a::Map<T>>::look::<u8, bugs::dax::scan::{closure#0}>::{closure#1}", "Map::look"),
                           ("<<baton::a::Map as b::C>::D as b::E>::f", "D::f"),
                           ("baton::x::top::{closure#0}::{closure#1}", "x::top")):
        yield mangled, regions.shorter(mangled), wants
    yield "a test", [regions.is_test(name) for name in (
        "waits::any::tests::it_waits::{closure#0}", "<waits::any::tests::Shared as core::ops::Drop>::drop",
        "<baton::a::Map<waits::any::tests::T>>::look", "baton::tests_of::f")], [True, True, False, False]
    yield "a closure", [regions.is_closure(name) for name in ("_RNCNvCs1_1b3top0B3_", "_RINCNvC1x", "_RNvNCNvC1x1y", "_RINvCs1_1b3topE")], [
        True, True, False, False]
    yield "the cases of the model are found", len(model.cases()) > 50, True


def main():
    wrong = [f"{group.__name__}: {what}: got {got!r}, wants {wants!r}"
             for group in (dumped, in_c, missed, reasons, controls, names) for what, got, wants in group() if got != wants]
    _, malformed = paths.listed()
    print("\n".join(wrong + malformed))
    return 1 if wrong or malformed else 0


if __name__ == "__main__":
    sys.exit(main())
