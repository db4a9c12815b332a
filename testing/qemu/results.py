# SPDX-License-Identifier: GPL-2.0
"""Reads what the guest sends on its result port.

    READY <nonce> <release>     /init runs
    STEP <nonce> text           what the guest does now
    NOTE <nonce> KIND text      an event that counts, e.g. TIMEOUT
    BEGIN <nonce> name          the lines up to END are the file `name`
    STREAM <nonce> name         the same, and its result lines are shown as they come
    SHOW <nonce> name           the same, and all of its lines are shown
    END <nonce> name
    RESULT <nonce> rc=N         the sentinel: the only thing that says "it ran to the end"

The nonce is drawn per boot, so that nothing a test prints can pass for one of these.
"""

import os

SHOWN = {"BEGIN": (), "STREAM": ("ok ", "not ok "), "SHOW": ("",)}


class Results:
    """The state of one boot as told by its result port; fed with raw text."""

    def __init__(self, nonce, directory, show):
        self.nonce = nonce
        self.directory = directory
        self.show = show
        self.rest = ""
        self.release = None
        self.rc = None
        self.step = ""
        self.steps = []
        self.lines = 0              # how much the guest has said
        self.notes = []
        self.files = []
        self.name = None
        self.stream = None
        self.shown = ()             # beginnings of the lines that are shown

    def feed(self, text):
        lines = (self.rest + text).split("\n")
        self.rest = lines.pop()
        self.lines += len(lines)
        for line in lines:
            self._line(line.rstrip("\r"))

    def finish(self):
        """No more will come: closes a file that was begun and not ended."""
        if self.stream:
            if self.rest:
                self.stream.write(self.rest)
            self.notes.append(("CUT", f"{self.name} was not sent to its end"))
            self._close()

    def _close(self):
        self.stream.close()
        self.stream = self.name = None

    def _line(self, line):
        kind, _, rest = line.partition(" ")
        nonce, _, rest = rest.partition(" ")
        if nonce != self.nonce:
            if self.stream:
                self.stream.write(line + "\n")
                if line.startswith(self.shown):
                    self.show(line)
            return
        if kind == "READY":
            self.release = rest
        elif kind == "STEP":
            self.step = rest
            self.steps.append(rest)
            self.show(rest)
        elif kind == "NOTE":
            what, _, text = rest.partition(" ")
            self.notes.append((what, text))
            self.show(f"{what}: {text}")
        elif kind in SHOWN:
            if self.stream:
                self.finish()
            self.name = rest
            self.shown = SHOWN[kind]
            path = os.path.join(self.directory, rest)
            if not os.path.realpath(path).startswith(os.path.realpath(self.directory) + os.sep):
                raise ValueError(f"the guest sent a file that does not belong into the results: {rest}")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self.stream = open(path, "w", encoding="utf-8")
            self.files.append(path)
        elif kind == "END":
            if self.stream:
                self._close()
        elif kind == "RESULT":
            self.rc = int(rest.removeprefix("rc="))
