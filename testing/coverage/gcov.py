# SPDX-License-Identifier: GPL-2.0
"""What has been counted in the C of a module: gcc's counters, and what gcov makes of them.

With -fprofile-info-section nothing of gcc's runtime is needed: the section .gcov_info
points to a struct gcov_info for each source, which is data as the counters are. From
there the pointers in what was sent are followed: kernel/gcov/gcc_4_7.c has the layout.
gcov has lines, and no smaller regions: a region is a line here.
"""

import json
import os
import shutil
import struct

import counters
import regions

INFO = struct.Struct("<I4xQIIQ9QI4xQ")      # version, next, stamp, checksum, file, merge, functions, where they are
FUNCTION = struct.Struct("<QIII4xI4xQ")     # info, three numbers, how many counters, where they are
FOUND_BY = 24                               # bytes of a gcov_info that no other has
COLUMNS = 10000                             # a line is not longer
MAGIC, TAG_FUNCTION, TAG_ARCS = 0x67636461, 0x01000000, 0x01a10000


def infos(path, parts):
    """[(the first bytes of a gcov_info, the name of its file without .gcda)] of a module."""
    if ".rela.gcov_info" not in parts:
        return []
    strings = {at: addend for at, addend in relocated(parts.get(".rela.data", b""))}
    found = []
    for _, at in relocated(parts[".rela.gcov_info"]):
        if at + INFO.size > len(parts[".data"]) or at + FOUND_BY not in strings:
            raise counters.CoverageError(f"{path}: its .gcov_info does not point to what gcc 14 makes")
        # Which section the name is in is not looked at: it is recognized.
        begin = strings[at + FOUND_BY]
        names = [text for name, part in parts.items() if name.startswith(".rodata")
                 and (text := part[begin:part.find(b"\0", begin)]).endswith(b".gcda")]
        if len(names) != 1:
            raise counters.CoverageError(f"{path}: the name of a source is not found")
        found.append((parts[".data"][at:at + FOUND_BY], names[0].decode().removesuffix(".gcda")))
    return found


def relocated(section):
    """(where, addend) of each entry of a .rela section."""
    return [(where, addend) for where, _, addend in struct.iter_unpack("<QQq", section)]


def counted(data, base, known):
    """{name of a file: (version, stamp, [(three numbers of a function, its counters)])} of what was sent."""
    def at(address, layout):
        if not 0 <= address - base <= len(data) - layout.size:
            raise counters.CoverageError("a pointer of gcc's leads out of the data")
        return layout.unpack_from(data, address - base)

    found = {}
    for first, name in known:
        where = data.find(first)
        if where < 0 or data.find(first, where + 1) >= 0:
            raise counters.CoverageError(f"the counters of {name} are not in the data, or twice")
        version, _, stamp, *_, count, functions = INFO.unpack_from(data, where)
        one = []
        for number in range(count):
            pointer, = at(functions + 8 * number, struct.Struct("<Q"))
            _, *numbers, how_many, values = at(pointer, FUNCTION)
            one.append((tuple(numbers), list(at(values, struct.Struct(f"<{how_many}Q")))))
        found[name] = version, stamp, one
    return found


def add(total, found):
    """Adds what another load has counted."""
    for name, (version, stamp, functions) in found.items():
        old = total.get(name)
        if old:
            functions = [(numbers, [a + b for a, b in zip(values, before)])
                         for (numbers, values), (_, before) in zip(functions, old[2])]
        total[name] = version, stamp, functions


def gcda(version, stamp, functions):
    """The bytes of the file that gcov reads."""
    parts = [struct.pack("<IIII", MAGIC, version, stamp, 0)]
    for numbers, values in functions:
        parts.append(struct.pack("<IIIII", TAG_FUNCTION, 12, *numbers))
        parts.append(struct.pack(f"<II{len(values)}Q", TAG_ARCS, 8 * len(values), *values))
    return b"".join(parts)


def read(total, directory):
    """Covered of all that was counted."""
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    found = regions.Covered()
    for number, (name, what) in enumerate(sorted(total.items())):
        source = os.path.join(directory, str(number))
        shutil.copy(name + ".gcno", source + ".gcno")
        with open(source + ".gcda", "wb") as stream:
            stream.write(gcda(*what))
        for line in counters.run("gcov", "--json-format", "--stdout", source + ".gcda").splitlines():
            if line.startswith("{"):
                take(found, json.loads(line))
    found.hashes = {file: regions.digest_of(file) for file in found.counts}
    return found


def take(found, said):
    """Adds what gcov says of one source and the headers in it."""
    for file in said["files"]:
        path = regions.file_of(os.path.join(said["current_working_directory"], file["file"]))
        if not path:
            continue
        counts = found.counts.setdefault(path, {})
        lines = {}
        for line in file["lines"]:
            region = line["line_number"], 1, line["line_number"], COLUMNS
            counts[region] = counts.get(region, 0) + line["count"]
            lines.setdefault(line.get("function_name"), set()).add(region)
        for function in file["functions"]:
            mine = lines.get(function["name"], set()) | {(function["start_line"], 1, function["start_line"], COLUMNS)}
            counts.setdefault(min(mine), function["execution_count"])
            key = path, *min(mine)[:2]
            if key in found.functions:
                found.functions[key].regions |= mine
            else:
                found.functions[key] = regions.Function(path, function["demangled_name"], mine)
