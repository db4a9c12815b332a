# SPDX-License-Identifier: GPL-2.0
"""How long to wait for a guest on a machine that is busy with something else.

A deadline is there to find what hangs, not what is slow because other builds
run. So the machine is asked: how much longer than its own CPU time does a short
computation take? A deadline is counted in seconds that are divided by that.
What hangs is still found, later; on an idle machine, at once.
"""

import threading
import time

SAMPLE = 0.05                       # seconds of CPU time per look
PERIOD = 1.0                        # seconds between two looks
MOST = 8.0                          # nobody is believed to be slower than this


def slowdown(sample=SAMPLE):
    """Wall-clock time over CPU time of a short computation: 1.0 on an idle machine."""
    wall, cpu = time.monotonic(), time.thread_time()
    while (used := time.thread_time() - cpu) < sample:
        pass
    return min(MOST, max(1.0, (time.monotonic() - wall) / used))


class Patience:
    """A clock that runs slower while the machine is busy."""

    def __init__(self, measure=slowdown, period=PERIOD):
        self._measure = measure
        self._period = period
        self._stopped = threading.Event()
        self._factor = 1.0
        self._seconds = 0.0
        self._seen = time.monotonic()
        self.worst = 1.0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self):
        while not self._stopped.is_set():
            factor = self._measure()
            self.worst = max(self.worst, factor)
            # As slow as the slower of two looks, so that one lucky look does not end a guest.
            self._factor, last = factor, self._factor
            now = time.monotonic()
            self._seconds += (now - self._seen) / max(factor, last)
            self._seen = now
            self._stopped.wait(self._period)

    def seconds(self):
        """Seconds since the start, as an idle machine would have counted them."""
        return self._seconds

    def stop(self):
        self._stopped.set()
        self._thread.join()


def check():
    """What is wrong with the clock: on an idle machine it goes right, on a busy one slower, and it never stops."""
    wrong = []
    for factor in (1.0, 4.0, MOST):
        begin = time.monotonic()
        clock = Patience(measure=lambda factor=factor: factor, period=0.01)
        time.sleep(0.4)
        clock.stop()
        wanted, told = (time.monotonic() - begin) / factor, clock.seconds()
        # The last look, and the first, are at most a period away; the thread may have to wait for its turn.
        if not wanted * 0.5 <= told <= wanted + 0.01:
            wrong.append(f"testing/qemu/patience.py: {factor} times slower, {wanted:.2f} s are told as {told:.2f} s")
    return wrong
