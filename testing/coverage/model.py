# SPDX-License-Identifier: GPL-2.0
"""The sources that run on the host, under loom and shuttle: what the cases of the model execute.

Those without a fault alone. Each is a process, which leaves its counters when it ends.
"""

import concurrent.futures
import glob
import os
import re
import subprocess
import time

import counters
import regions

LIMIT = 900                         # seconds for one case
CASE = re.compile(r"Case::(?:explore|bounded|stress)\(\s*\"(\w+)\"")


def cases():
    """What the cases are called: they stand in the sources."""
    found = []
    for path in sorted(glob.glob(os.path.join(regions.TOP, "testing", "model", "src", "*.rs"))):
        with open(path, encoding="utf-8") as stream:
            found += CASE.findall(stream.read())
    return found


def run_one(program, case, directory):
    """Why a case has not ended well, or nothing."""
    profile = os.path.join(directory, case + ".profraw")
    try:
        done = subprocess.run(["nice", "-n", "5", program, "--child", case], capture_output=True, text=True, timeout=LIMIT,
                              env={**os.environ, "LLVM_PROFILE_FILE": profile, "RUST_BACKTRACE": "0"})
    except subprocess.TimeoutExpired:
        return f"{case}: no end within {LIMIT} s"
    if done.returncode or not os.path.exists(profile):
        return f"{case}: status {done.returncode}: {(done.stdout + done.stderr)[-300:].strip()}"
    return ""


def run(program, directory):
    """(Covered, facts, [what is wrong]) of all cases."""
    os.makedirs(directory, exist_ok=True)
    for old in glob.glob(os.path.join(directory, "*.profraw")):
        os.remove(old)
    begin, wrong, names = time.monotonic(), [], cases()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, why in enumerate(pool.map(lambda case: run_one(program, case, directory), names), 1):
            if why:
                wrong.append(why)
            if number % 20 == 0 or number == len(names):
                print(f"    {time.monotonic() - begin:6.1f} s  {number} of {len(names)} cases", flush=True)
    profile = os.path.join(directory, "profdata")
    counters.merge(sorted(glob.glob(os.path.join(directory, "*.profraw"))), profile)
    facts = {"engine": "host", "cases": len(names), "seconds": round(time.monotonic() - begin, 1)}
    return regions.read(profile, [program]), facts, wrong
