# SPDX-License-Identifier: GPL-2.0
"""What a guest gets besides where coverage is counted: see testing/coverage."""

import os

DUMP = "coverage.dump"              # in the directory of the boot
PORT = 0x7b2                        # that of coverage.c


def add_to(boot):
    """BATON_COVERAGE, the module that sends what was counted: it is loaded before all others."""
    module = os.environ.get("BATON_COVERAGE")
    if not module:
        return
    boot.payload.append(("early/" + os.path.basename(module), module))
    boot.options += ["-chardev", f"file,id=coverage,path={os.path.join(boot.directory, DUMP)}",
                     "-device", f"isa-debugcon,chardev=coverage,iobase={PORT}"]
