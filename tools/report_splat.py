# SPDX-License-Identifier: GPL-2.0
"""Decodes the first splat of a boot: symbol+0xOFF/0xSIZE [module] becomes a file and a line.

For modules the kernel's own scripts/decode_stacktrace.sh does it, on the same modules built once more with debug
information, as far as that has not changed the code of the function; that is compared. The kernels here have none:
of a function of theirs the source file is named, by the object that defines it.

Runs in the builder root; tools/decode starts it.
"""

import argparse
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True

SYMBOL = re.compile(r"(?<![\w.$])([A-Za-z_][\w.$]*)\+(0x[0-9a-f]+)/(0x[0-9a-f]+)(?: \[(\w+)[^\]]*\])?")
ADDRESS = re.compile(r"\[<[0-9a-f]+>\] ?")
UNKNOWN = re.compile(r"\((?:[^()\s]*:\?|\?\?:0)\)")
NUMBER = re.compile(r"\b(?:0x)?[0-9a-f]+\b")


def modules_of(text):
    """The modules whose code is in a trace."""
    return sorted({found[4] for found in SYMBOL.finditer(text) if found[4]})


def parts_of(kbuild, wanted):
    """The parts of Kbuild that have these modules; the library is in each."""
    part, found = "", set()
    for line in kbuild.splitlines():
        begin = re.match(r"ifneq \(\$\(filter ([\w ]+),\$\(parts\)\),\)", line)
        if begin:
            # The narrowest one is the last.
            part = begin[1].split()[-1]
        elif line.startswith("endif"):
            part = ""
        made = re.match(r"obj-m \+= (\w+)\.o", line)
        if made and made[1] in wanted and part:
            found.add(part)
    return sorted(found)


def instructions(path, function):
    """[(offset, instruction)] of a function, without what depends on where it stands: addresses and constants."""
    told = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--disassemble={function}", path],
                          capture_output=True, text=True, check=False).stdout
    found = [(int(at, 16), NUMBER.sub("N", re.sub(r"[<#].*", "", text)).rstrip())
             for at, text in re.findall(r"^ *([0-9a-f]+):\t(.*)$", told, re.M)]
    return [(at - found[0][0], text) for at, text in found]


def doubts(module, function, loaded, symbols, console):
    """Why the lines of a function may be wrong; nothing if they are not. Debug information may change what the compiler makes of another one."""
    if not os.path.exists(symbols):
        return f"{module}.ko was not built with debug information"
    if not os.path.exists(loaded):
        return f"{loaded} is gone: nothing says whether this is the same code"
    if console and os.path.getmtime(loaded) > os.path.getmtime(console):
        return f"{loaded} was built again after that boot"
    ran = instructions(loaded, function)
    if not ran or ran != instructions(symbols, function):
        return f"{function} is not the same code with debug information"
    return ""


def objects(build, names):
    """{function: objects of the kernel that define it, without the suffix}"""
    listing = []
    for parent, directories, files in os.walk(build):
        directories[:] = [name for name in directories if name not in ("source", "tools", "scripts", "usr", "include")]
        listing += [os.path.join(parent, name) for name in files
                    if name.endswith(".o") and not name.endswith(".mod.o") and not name.startswith((".", "vmlinux", "built-in"))]
    found = {}
    for start in range(0, len(listing) if names else 0, 500):
        told = subprocess.run(["nm", "-A", "--defined-only", *listing[start:start + 500]], capture_output=True, text=True, check=False).stdout
        for line in told.splitlines():
            path, _, rest = line.partition(":")
            words = rest.split()
            if len(words) == 3 and words[1] in "tTwW" and words[2] in names:
                found.setdefault(words[2], set()).add(os.path.relpath(path, build).removesuffix(".o"))
    return found


def source_of(function, hint, defined, linux):
    """The file of the kernel that has a function; "" if it is not known, or several have one of that name."""
    there = sorted(defined.get(function, ()))
    if len(there) > 1 and hint:
        there = [each for each in there if os.path.basename(each) == os.path.splitext(hint)[0]] or there
    # A folder is linked to one object, e.g. fs/xfs/xfs.o: that is not where it stands.
    there = [each for each in there if any(os.path.exists(os.path.join(linux, each + suffix)) for suffix in (".c", ".S", ".rs"))
             or os.path.exists(os.path.join(linux, each, "lib.rs"))]
    if len(there) != 1:
        return ""
    suffix = next((suffix for suffix in (".c", ".S", ".rs", "/lib.rs") if os.path.exists(os.path.join(linux, there[0] + suffix))))
    return there[0] + suffix


def by_script(symbols_of_trace, linux, vmlinux, top, symbols):
    """What the kernel's script makes of symbols; nothing if it does not answer line by line."""
    script = os.path.join(linux, "scripts", "decode_stacktrace.sh")
    done = subprocess.run(["bash", script, vmlinux, top, symbols], input="".join(symbol + "\n" for symbol in symbols_of_trace),
                          capture_output=True, text=True, check=False)
    told = done.stdout.splitlines()
    return told if len(told) == len(symbols_of_trace) else []


def demangled(text):
    """With the names of Rust as they are written."""
    try:
        done = subprocess.run(["llvm-cxxfilt"], input=text, capture_output=True, text=True, check=False)
    except OSError:
        return text
    return done.stdout if done.returncode == 0 else text


def decode(text, linux, build, vmlinux, top, symbols, trusted=lambda module, function: True):
    """The excerpt with files and lines, where they can be had. `trusted` says of which functions of modules."""
    lines = text.splitlines()
    places = {number: SYMBOL.search(line) for number, line in enumerate(lines)}
    places = {number: found for number, found in places.items() if found}
    # Of code that is not the same, nothing is better than a wrong line.
    asked = [number for number, found in places.items() if not found[4] or trusted(found[4], found[1])]
    told = dict(zip(asked, by_script([places[number][0] for number in asked], linux, vmlinux, top, symbols)))
    left = {places[number][1] for number in asked if not places[number][4] and UNKNOWN.search(told.get(number, "(:?)"))}
    defined = objects(build, left)
    for number, found in places.items():
        answer = told.get(number, "").strip()
        unknown, module = UNKNOWN.search(answer), f" [{found[4]}]" if found[4] else ""
        if "(" in answer and not unknown:
            place = answer.removesuffix(f" {found[4]}") + module
        else:
            file = "" if found[4] else source_of(found[1], unknown[0].strip("(").partition(":")[0] if unknown else "", defined, linux)
            place = f"{found[0]} ({file})" if file else found[0]
        lines[number] = ADDRESS.sub("", lines[number][:found.start()]) + place + lines[number][found.end():]
    return demangled("".join(line + "\n" for line in lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", action="store_true", help="only say which parts of Kbuild the trace is in")
    parser.add_argument("--linux", help="source of the kernel")
    parser.add_argument("--build", help="build directory of the kernel")
    parser.add_argument("--output", help="the build of the modules that ran: out/test, out/uml")
    parser.add_argument("--symbols", help="the same with debug information")
    parser.add_argument("--top", default=".", help="what paths begin with")
    parser.add_argument("--console", default="", help="the log of the boot: what was built after it, is something else")
    parser.add_argument("excerpt", help="a file")
    arguments = parser.parse_args()
    with open(arguments.excerpt, encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    if arguments.modules:
        with open(os.path.join(arguments.top, "Kbuild"), encoding="utf-8") as stream:
            print(" ".join(parts_of(stream.read(), modules_of(text))))
        return 0
    # {(module, function): why not}
    wrong = {(found[4], found[1]): doubts(found[4], found[1], *(os.path.join(folder, f"{found[4]}.ko") for folder in (arguments.output, arguments.symbols)),
                                          arguments.console) for found in SYMBOL.finditer(text) if found[4]}
    print(decode(text, arguments.linux, arguments.build, os.path.join(arguments.build, "vmlinux"), arguments.top, arguments.symbols,
                 lambda *function: not wrong.get(function)), end="")
    for why in sorted({why for why in wrong.values() if why}):
        print(demangled(f"no lines: {why}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
