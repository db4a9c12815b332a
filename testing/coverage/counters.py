# SPDX-License-Identifier: GPL-2.0
"""What has been counted in a guest, out of what coverage.c has sent.

rustc puts three things into a module (-Cinstrument-coverage): counters, a record
for each function that says where its counters are and how many (__llvm_prf_data),
and the names of the functions (__llvm_prf_names). The first two are data, and are
found in what was sent by the first record, whose 16 bytes no others have.
"""

import hashlib
import os
import re
import struct
import subprocess
import zlib

HEAD = re.compile(rb"MODULE (\S+) ([0-9a-f]+) (\d+)\n")
END = b"END\n"
RECORD = struct.Struct("<QQqqqqIHHHxx4x")   # name, hash, counters from here, (three), how many
SIZE = 64


class CoverageError(Exception):
    """What was counted cannot be read; the text says why."""


def sections(path):
    """{name: bytes} of the sections of an ELF file of 64 bits."""
    with open(path, "rb") as stream:
        data = stream.read()
    if data[:6] != b"\x7fELF\x02\x01":
        raise CoverageError(f"{path}: it is no ELF file of 64 bits")
    at, = struct.unpack_from("<Q", data, 0x28)
    size, count, names_at = struct.unpack_from("<HHH", data, 0x3a)
    heads = [struct.unpack_from("<IIQQQQ", data, at + number * size) for number in range(count)]
    names = heads[names_at][4]
    found = {}
    for name, kind, _, _, offset, length in heads:
        text = data[names + name:data.index(b"\0", names + name)].decode()
        if kind != 8:               # SHT_NOBITS
            found[text] = found.get(text, b"") + data[offset:offset + length]
    return found


def uleb(data, at):
    """(number, where it ends) of a number in LEB128."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def names_in(section):
    """{number: name} of the functions: the records have the number, which is a part of the MD5."""
    found, at = {}, 0
    while at < len(section):
        if not section[at]:         # between what was linked together
            at += 1
            continue
        plain, at = uleb(section, at)
        packed, at = uleb(section, at)
        text = zlib.decompress(section[at:at + packed]) if packed else section[at:at + plain]
        at += packed or plain
        for name in text.split(b"\1"):
            found[int.from_bytes(hashlib.md5(name).digest()[:8], "little")] = name.decode()
    return found


def sent(path):
    """[(module, address of its data, its data)] in the order in which they were sent, and whether that was to the end."""
    with open(path, "rb") as stream:
        data = stream.read()
    found, at = [], 0
    while at < len(data):
        if data[at:] == END:
            return found, True
        head = HEAD.match(data, at)
        if not head:
            raise CoverageError(f"{path}: neither a module nor the end is at {at}")
        begin = head.end()
        at = begin + int(head[3])
        if at > len(data):
            break
        found.append((head[1].decode(), int(head[2], 16), data[begin:at]))
    return found, False


def counted(data, records, names):
    """{(function, hash): counters} of the data of one module; `records` and `names` are of its file."""
    at = data.find(records[:16])
    if at < 0 or data.find(records[:16], at + 1) >= 0:
        raise CoverageError("the records of its functions are not in its data, or twice")
    found = {}
    for record in range(at, at + len(records), SIZE):
        number, version, there, _, _, _, count, *_ = RECORD.unpack_from(data, record)
        begin = record + there
        if number not in names or not 0 <= begin <= len(data) - 8 * count:
            raise CoverageError(f"the record at {record} is of no function, or has no counters")
        found[names[number], version] = struct.unpack_from(f"<{count}Q", data, begin)
    return found


def add(total, found):
    """Adds counters to those of other loads and other modules: what is generic is in several."""
    for key, counters in found.items():
        old = total.get(key)
        total[key] = [a + b for a, b in zip(old, counters)] if old else list(counters)


def write(total, path):
    """A profile as the tools of LLVM read it."""
    text = path + ".proftext"
    with open(text, "w", encoding="utf-8") as stream:
        for (name, version), counters in sorted(total.items()):
            stream.write(f"{name}\n{version}\n{len(counters)}\n")
            stream.writelines(f"{count}\n" for count in counters)
            stream.write("\n")
    merge([text], path)
    os.remove(text)


def merge(profiles, path):
    run("llvm-profdata", "merge", "-o", path, *profiles)


def run(*words):
    """What a tool of LLVM says."""
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise CoverageError(f"{' '.join(words[:2])}: status {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout
