# SPDX-License-Identifier: GPL-2.0
"""The command by which Kbuild ran rustc, so that others can run it with its flags."""

import os
import shlex


class Broken(Exception):
    """There is nothing to repeat."""


def command(path):
    """(program, flags, environment) that a .cmd file of Kbuild has, without sources and outputs."""
    try:
        with open(path, encoding="utf-8") as stream:
            first = stream.readline()
    except FileNotFoundError:
        raise Broken(f"{path} is missing: run 'make' first") from None
    # What follows the first command is objtool.
    words = shlex.split(first.split(" := ", 1)[1].split(" ; ", 1)[0])
    env = {"RUSTC_BOOTSTRAP": "1", "PATH": os.environ["PATH"]}
    while "=" in words[0]:
        name, value = words.pop(0).split("=", 1)
        env[name] = value
    flags, skip = [], False
    for word in words[1:]:
        if skip:
            skip = False
        elif word in ("-o", "--out-dir"):
            skip = True
        elif not word.startswith("--emit") and not word.endswith(".rs"):
            flags.append(word)
    return words[0], flags, env
