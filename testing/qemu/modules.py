# SPDX-License-Identifier: GPL-2.0
"""Finds built modules and the order in which they have to be loaded; what their kernel can do."""

import os
import subprocess


class ModuleError(Exception):
    """A module is missing; the text names it."""


def built(output):
    """{name: path} of the modules of one build, in the order of modules.order."""
    found = {}
    order = os.path.join(output, "modules.order")
    if not os.path.exists(order):
        raise ModuleError(f"{order} is missing: was anything built?")
    with open(order, encoding="utf-8") as stream:
        for line in stream:
            path = os.path.join(output, os.path.splitext(line.strip())[0] + ".ko")
            found[name_of(path)] = path
    return found


def has_lockdep(kernel):
    """Whether that kernel checks the order of locks; `kernel` is its build directory."""
    return "CONFIG_PROVE_LOCKING=y" in options(kernel)


def is_slow(kernel):
    """Whether that kernel looks at so much that everything takes longer."""
    return not options(kernel).isdisjoint(("CONFIG_PROVE_LOCKING=y", "CONFIG_KASAN=y", "CONFIG_KCSAN=y"))


def options(kernel):
    """The lines of its configuration."""
    with open(os.path.join(kernel, ".config"), encoding="utf-8") as stream:
        return set(stream.read().splitlines())


def early(kernel):
    """Payload: the modules of that kernel that /init has to insert before its mounts, in
    their order. Our own kernels have all of that built in; tools/stock collects it for others."""
    directory = os.path.join(kernel, "early")
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return [(f"early/{name}", os.path.join(directory, name)) for name in names]


def name_of(path):
    return os.path.basename(path).removesuffix(".ko").replace("-", "_")


def depends(path):
    text = subprocess.run(["modinfo", "-F", "depends", path], capture_output=True, text=True, check=True).stdout
    return [name.replace("-", "_") for name in text.strip().split(",") if name]


def load_order(wanted, ours, kernel):
    """Paths of the `wanted` names, each after what it depends on.

    `ours`, `kernel`: {name: path} of our build and of the kernel's.
    """
    order = []

    def add(name, wanted_by):
        path = ours.get(name) or kernel.get(name)
        if not path or not os.path.exists(path):
            raise ModuleError(f"module {name}, which {wanted_by} needs, was not built")
        if path in order:
            return
        for other in depends(path):
            add(other, name)
        if path not in order:
            order.append(path)

    for name in wanted:
        add(name, "the test")
    return order
