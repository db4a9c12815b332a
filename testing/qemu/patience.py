# SPDX-License-Identifier: GPL-2.0
"""How long to wait for a guest on a machine that is busy with something else.

A deadline is there to find what hangs, not what is slow because other builds
run. So the machine is asked: how much longer than its own CPU time does a short
computation take? A deadline is counted in seconds that are divided by that.
What hangs is still found, later; on an idle machine, at once.
"""

import threading
import time

SAMPLE = 0.02                       # seconds of CPU time per look
PERIOD = 1.0                        # seconds between two looks
MOST = 8.0                          # nobody is believed to be slower than this
DRIFT = 1.5                         # the machine may become busier while a guest runs
DEBUG = 2                           # a kernel that looks at everything takes so much longer


def slowdown(sample=SAMPLE):
    """Wall-clock time over CPU time of a short computation: 1.0 on an idle machine."""
    wall, cpu = time.monotonic(), time.thread_time()
    while (used := time.thread_time() - cpu) < sample:
        pass
    return min(MOST, max(1.0, (time.monotonic() - wall) / used))


class Count:
    """The seconds that an idle machine would have counted, as of the last look."""

    def __init__(self, measure, clock):
        self._measure = measure
        self._clock = clock
        self._factor = 1.0
        self._seen = clock()
        self.seconds = 0.0
        self.worst = 1.0

    def look(self):
        factor = self._measure()
        self.worst = max(self.worst, factor)
        # As slow as the slower of two looks, so that one lucky look does not end a guest.
        self._factor, last = factor, self._factor
        now = self._clock()
        self.seconds += (now - self._seen) / max(factor, last)
        self._seen = now


class Patience:
    """A clock that runs slower while the machine is busy."""

    def __init__(self):
        self._stopped = threading.Event()
        self._count = Count(slowdown, time.monotonic)
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self):
        while not self._stopped.is_set():
            self._count.look()
            self._stopped.wait(PERIOD)

    @property
    def worst(self):
        return self._count.worst

    def seconds(self):
        """Seconds since the start, as an idle machine would have counted them."""
        return self._count.seconds

    def stop(self):
        self._stopped.set()
        self._thread.join()


def check():
    """What is wrong with the count: on an idle machine it goes right, on a busy one slower, and it never stops."""
    wrong = []
    # How busy the machine is at each second, and what is counted: the slower of two looks holds.
    for factors, wanted in (((1.0, 1.0, 1.0), 3.0), ((4.0, 4.0, 4.0), 0.75), ((MOST,) * 8, 1.0), ((4.0, 1.0, 1.0), 1.5)):
        now = iter(range(len(factors) + 1))
        looks = iter(factors)
        count = Count(lambda looks=looks: next(looks), lambda now=now: float(next(now)))
        for _ in factors:
            count.look()
        if count.seconds != wanted or count.worst != max(factors):
            wrong.append(f"testing/qemu/patience.py: {factors} times slower: {count.seconds:.2f} s are counted, wants {wanted:.2f} s")
    return wrong
