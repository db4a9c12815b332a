# SPDX-License-Identifier: GPL-2.0
"""Writes the initramfs of one boot: busybox, /init and what is to be run.

The format is cpio "newc", which the kernel unpacks by itself; writing it here
takes milliseconds and needs neither root nor a staging directory.
"""

import os
import stat

BUSYBOX = "/bin/busybox"
HERE = os.path.dirname(os.path.abspath(__file__))


class Archive:
    """An archive under construction: a path is added once, parents first."""

    def __init__(self):
        self.parts = []
        self.seen = set()
        self.inode = 0

    def _entry(self, name, mode, data=b"", rdev=(0, 0)):
        self.inode += 1
        head = "070701" + "".join(
            "%08X" % field
            for field in (
                self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(name) + 1, 0,
            )
        )
        record = head.encode() + name.encode() + b"\0"
        record += b"\0" * (-len(record) % 4)
        self.parts.append(record + data + b"\0" * (-len(data) % 4))

    def directory(self, name):
        if name in ("", ".") or name in self.seen:
            return
        self.directory(os.path.dirname(name))
        self.seen.add(name)
        self._entry(name, stat.S_IFDIR | 0o755)

    def data(self, name, data, mode=0o644):
        if name in self.seen:
            raise ValueError(f"two files of the payload are called /{name}")
        self.directory(os.path.dirname(name))
        self.seen.add(name)
        self._entry(name, stat.S_IFREG | mode, data)

    def file(self, name, source):
        with open(source, "rb") as stream:
            self.data(name, stream.read(), stat.S_IMODE(os.stat(source).st_mode))

    def tree(self, name, source):
        """Adds a file, or a directory with all that is in it."""
        if not os.path.isdir(source):
            self.file(name, source)
            return
        self.directory(name)
        for parent, directories, files in os.walk(source):
            directories[:] = sorted(d for d in directories if d != "__pycache__")
            under = os.path.normpath(os.path.join(name, os.path.relpath(parent, source)))
            self.directory(under)
            for file in sorted(files):
                self.tree(os.path.join(under, file), os.path.join(parent, file))

    def node(self, name, major, minor):
        self.directory(os.path.dirname(name))
        self.seen.add(name)
        self._entry(name, stat.S_IFCHR | 0o600, rdev=(major, minor))

    def bytes(self):
        self._entry("TRAILER!!!", 0)
        return b"".join(self.parts)


def build(path, environment, payload):
    """Writes the initramfs to `path`.

    `environment`: dict, becomes /baton/env, which /init and the guest scripts source.
    `payload`: list of (name under /baton, file or directory of the host).
    """
    archive = Archive()
    for directory in ("bin", "dev", "proc", "sys", "tmp", "root", "run"):
        archive.directory(directory)
    archive.node("dev/console", 5, 1)
    archive.file("bin/busybox", BUSYBOX)
    archive.file("init", os.path.join(HERE, "guest", "init"))
    archive.tree("baton/guest", os.path.join(HERE, "guest"))
    lines = "".join(f"{name}='{value}'\n" for name, value in sorted(environment.items()))
    archive.data("baton/env", lines.encode())
    for name, source in payload:
        archive.tree(os.path.join("baton", name), source)
    with open(path, "wb") as stream:
        stream.write(archive.bytes())
