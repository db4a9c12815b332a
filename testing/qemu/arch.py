# SPDX-License-Identifier: GPL-2.0
"""What differs between the architectures that QEMU runs. ARCH picks one."""

import dataclasses
import os
import platform


@dataclasses.dataclass(frozen=True)
class Arch:
    name: str                       # as the kernel's build has it
    qemu: str
    machine: tuple                  # of QEMU's command line
    ports: str                      # the serial ports: 0 is the console, 1 for results
    image: str                      # what QEMU boots, in the build directory of the kernel
    parameters: tuple = ()          # of the kernel
    note: str = ""                  # what a figure or a verdict does not say
    prefix: str = ""                # of a command that repeats a case

    @property
    def native(self):
        return {"aarch64": "arm64"}.get(platform.machine(), platform.machine()) == self.name

    def image_of(self, kernel):
        """`kernel` is a build directory."""
        return os.path.join(kernel, self.image)


ARCHES = {arch.name: arch for arch in (
    Arch("x86_64", "qemu-system-x86_64", ("-machine", "q35"), "ttyS", "arch/x86/boot/bzImage",
         ("tsc=nowatchdog", "no_timer_check")),
    Arch("arm64", "qemu-system-aarch64", ("-machine", "virt"), "ttyAMA", "arch/arm64/boot/Image",
         note="arm64 on x86_64: memory is ordered more strictly than on the hardware, no weak ordering is seen",
         prefix="ARCH=arm64 "),
)}


def requested():
    """ARCH of the environment, which tools/env.sh has checked."""
    return ARCHES[os.environ.get("ARCH") or "x86_64"]
