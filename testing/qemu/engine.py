# SPDX-License-Identifier: GPL-2.0
"""Chooses what runs the guest, and writes its command line.

tcg   QEMU, every instruction translated; always there, slow across CPUs
kvm   QEMU on the host's CPU; only after a boot has shown that it works
uml   the kernel as a process of the host; no devices, fast wake-ups
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile

import arch

CHOICES = ("qemu", "tcg", "kvm", "uml")
PROBE_DEADLINE = 15


class EngineError(Exception):
    """The asked-for engine cannot be had; the text says why."""


class Engine:
    """One way to run a guest: its name, and what is worth knowing about it."""

    def __init__(self, name, version, threads="", note=""):
        self.name = name
        self.version = version
        self.threads = threads
        self.note = note

    def __str__(self):
        text = f"{self.name} ({self.version})"
        return f"{text}, {self.note}" if self.note else text

    def facts(self):
        return {"engine": self.name, "version": self.version, "threads": self.threads,
                "note": self.note}


def requested():
    """ENGINE of the environment; a value that means nothing is refused."""
    wanted = os.environ.get("ENGINE") or "qemu"
    if wanted not in CHOICES:
        raise EngineError(f"ENGINE={wanted}: there is no such engine; allowed are {', '.join(CHOICES)}")
    return wanted


def qemu_version():
    qemu = arch.requested().qemu
    try:
        text = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise EngineError(f"{qemu} does not run: {error}") from error
    return re.search(r"version (\d+(?:\.\d+)*)", text).group(1)


def tcg(note=""):
    version = qemu_version()
    if int(version.split(".")[0]) >= 10:
        return Engine("tcg", f"QEMU {version}", "multi", note)
    # Before 10, threads run stale translations of patched text: guests die
    # with "Oops: int3" in static branches.
    single = f"one thread for all CPUs, because QEMU {version} < 10 corrupts guests otherwise"
    return Engine("tcg", f"QEMU {version}", "single", f"{note}; {single}" if note else single)


def choose(wanted, kernel, probe):
    """The engine for `wanted`.

    `kernel` is the image that will run; `probe(engine)` boots it to the
    sentinel and says whether that worked.
    """
    guest = arch.requested()
    if wanted == "uml":
        return Engine("uml", "SMP, seccomp")
    if wanted == "kvm" and not guest.native:
        raise EngineError(f"ENGINE=kvm: KVM runs guests of this machine's architecture, not of {guest.name}")
    if wanted == "tcg" or not guest.native:
        return tcg(note=guest.note)
    works, why = kvm_works(kernel, probe)
    if works:
        return Engine("kvm", f"QEMU {qemu_version()}")
    if wanted == "kvm":
        raise EngineError(f"ENGINE=kvm: {why}")
    return tcg(note=f"no KVM: {why}")


def kvm_works(kernel, probe):
    """Whether KVM boots this kernel. Asked once per boot of the host."""
    if not os.path.exists("/dev/kvm"):
        return False, "there is no /dev/kvm"
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        boot_id = stream.read().strip()
    with open(kernel, "rb") as stream:
        image = hashlib.file_digest(stream, "sha256").hexdigest()
    binary = os.stat(shutil.which(arch.requested().qemu))
    name = hashlib.sha256(f"{boot_id} {binary.st_mtime_ns} {qemu_version()} {image}".encode()).hexdigest()
    directory = os.path.join(os.environ["BATON_CACHE"], "kvm-probe")
    path = os.path.join(directory, name[:16] + ".json")
    try:
        with open(path, encoding="utf-8") as stream:
            answer = json.load(stream)
    except (OSError, ValueError):
        print(f"engine: trying KVM with a boot, at most {PROBE_DEADLINE} s", flush=True)
        works = probe(Engine("kvm", f"QEMU {qemu_version()}"))
        answer = {
            "works": works,
            "why": "" if works else f"/dev/kvm is there, but a guest did not boot within {PROBE_DEADLINE} s",
        }
        os.makedirs(directory, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=directory)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(answer, stream)
        os.rename(partial, path)
    return answer["works"], answer["why"]


def qemu_command(engine, boot):
    """QEMU's command line. First serial port: console; second: results."""
    guest = arch.requested()
    accelerator = "kvm" if engine.name == "kvm" else f"tcg,thread={engine.threads}"
    command = [
        guest.qemu, "-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-no-reboot",
        *guest.machine, "-cpu", "host" if engine.name == "kvm" else "max",
        "-accel", accelerator, "-smp", str(boot.cpus), "-m", boot.memory,
        "-serial", f"file:{boot.console}", "-serial", f"file:{boot.results}",
        "-kernel", boot.kernel, "-initrd", boot.initramfs,
        "-append", " ".join(
            [f"console={guest.ports}0", "rdinit=/init", "panic=-1", "oops=panic", *guest.parameters]
            + boot.parameters),
    ]
    if boot.disk:
        command += [
            "-drive", f"file={boot.disk},format=raw,if=none,id=root,snapshot=on,cache=unsafe",
            "-device", "virtio-blk-pci,drive=root",
        ]
    return command + boot.options


def uml_command(boot, descriptor):
    """UML's command line. Console on standard output, results on `descriptor`."""
    return [
        boot.kernel, f"mem={boot.memory}", f"initrd={boot.initramfs}", "seccomp=on", f"ncpus={boot.cpus}",
        "con=null", "con0=null,fd:1", f"con1=null,fd:{descriptor}", "stderr=1",
        "rdinit=/init", "panic=-1", "oops=panic",
        # UML is for the verdict within seconds; a grace period is many ticks of 10 ms.
        "rcupdate.rcu_expedited=1",
    ] + boot.parameters
