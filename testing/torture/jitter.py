# SPDX-License-Identifier: GPL-2.0
"""Stops single CPUs of a guest, for a while, in the middle of anything.

A CPU of the guest is a thread of QEMU. SIGSTOP would stop all threads of the process, and
nothing would be seen but that time has passed; ptrace stops one.
"""

import ctypes
import os
import random
import threading

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
EVENT_STOP = 128
WALL = 0x40000000
PERIOD = 0.02                       # seconds between two stops, on average
LONGEST = 0.01                      # seconds that a CPU is stopped

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


def cpus(pid):
    """The threads that are CPUs of the guest, by the names that QEMU gives them."""
    found = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm", encoding="ascii", errors="replace") as stream:
            if stream.read().startswith("CPU "):
                found.append(int(thread))
    return found


def stop(thread, seconds, wait):
    """Stops a thread for so long; returns whether that was done."""
    if LIBC.ptrace(SEIZE, thread, None, None):
        return False
    signal = 0
    try:
        if LIBC.ptrace(INTERRUPT, thread, None, None):
            return False
        _, status = os.waitpid(thread, WALL)
        if not os.WIFSTOPPED(status):
            return False
        # It may have been about to get a signal, which is for it.
        signal = 0 if status >> 16 == EVENT_STOP else os.WSTOPSIG(status)
        wait(seconds)
        return True
    finally:
        LIBC.ptrace(DETACH, thread, None, signal)


class Jitter:
    """Does so until it is ended; `stops` says how often."""

    def __init__(self, process):
        self.stops = 0
        self._pid = process.pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self):
        # What has attached to a thread has to detach from it: this one.
        while not self._ended.wait(random.uniform(0, 2 * PERIOD)):
            try:
                self.stops += stop(random.choice(cpus(self._pid)), random.uniform(0, LONGEST), self._ended.wait)
            except (OSError, IndexError):
                # The guest ends.
                continue

    def end(self):
        self._ended.set()
        self._thread.join()
