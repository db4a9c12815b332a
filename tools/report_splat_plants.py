# SPDX-License-Identifier: GPL-2.0
"""What tools/report_splat.py makes of planted modules and traces; tools/check runs it."""

import os
import shutil
import subprocess
import sys
import tempfile

import report_splat

# The call is in line 7: what a trace has is where it returns to.
C = """\
void other(void);

int planted(int *at);
int planted(int *at)
{
	*at += 1;
	other();
	asm volatile(".globl planted_back\\nplanted_back:");
	return *at;
}
"""
RUST = """\
#![no_std]

#[inline(never)]
pub fn planted_in_rust(at: &mut u32) {
    *at = at.wrapping_mul(3);
}
"""
KERNEL = "int kernel_planted(int a);\nint kernel_planted(int a)\n{\n\treturn a * 3;\n}\n"
KBUILD = """\
obj-m += baton.o
ifneq ($(filter samples disk,$(parts)),)
obj-m += baton_blk.o
endif
ifneq ($(filter kunit,$(parts)),)
obj-m += pool_kunit.o
obj-m += event_kunit.o
endif
"""
TRACE = """\
[    1.000000] WARNING: planted.c:7 at planted+{back:#x}/{size:#x} [planted], CPU#0: rmmod/88
[    1.000000] Code: 90 90
[    1.000000] RIP: 0010:planted+{back:#x}/{size:#x} [planted]
[    1.000000] Call Trace:
[    1.000000]  <TASK>
[    1.000000]  [<60001000>] ? {rust}+0x0/0x20 [planted_rust]
[    1.000000]  kernel_planted+0x1/0x10
[    1.000000]  nowhere_planted+0x1/0x10
[    1.000000]  </TASK>
"""
DECODED = """\
[    1.000000] WARNING: planted.c:7 at planted (planted.c:7) [planted], CPU#0: rmmod/88
[    1.000000] Code: 90 90
[    1.000000] RIP: 0010:planted (planted.c:7) [planted]
[    1.000000] Call Trace:
[    1.000000]  <TASK>
[    1.000000]  ? planted_rust::planted_in_rust (planted_rust.rs:5) [planted_rust]
[    1.000000]  kernel_planted+0x1/0x10 (kernel/planted.c)
[    1.000000]  nowhere_planted+0x1/0x10
[    1.000000]  </TASK>
"""
# Without a word on lines where the module is not the one that ran.
UNDECODED = "[    1.000000] RIP: 0010:planted+{back:#x}/{size:#x} [planted]"


def run(*words):
    subprocess.run(words, check=True, capture_output=True, text=True)


def symbols_of(path):
    """{name: (address, size)}"""
    told = subprocess.run(["nm", "-S", path], check=True, capture_output=True, text=True).stdout
    words = [line.split() for line in told.splitlines()]
    return {each[-1]: (int(each[0], 16), int(each[1], 16) if len(each) == 4 else 0) for each in words if len(each) > 2}


class Place:
    """Two builds of the modules, a kernel and its source, in a folder."""

    def __init__(self, root):
        self.root = root
        self.linux, self.build, self.output, self.symbols = (os.path.join(root, name) for name in ("linux", "build", "output", "symbols"))
        for folder in (os.path.join(self.linux, "kernel"), os.path.join(self.build, "kernel"), self.output, self.symbols):
            os.makedirs(folder)
        for name, text in (("planted.c", C), ("planted_rust.rs", RUST), ("linux/kernel/planted.c", KERNEL)):
            with open(os.path.join(root, name), "w", encoding="ascii") as stream:
                stream.write(text)
        os.symlink(os.path.join(os.environ["LINUX_SOURCE"], "scripts"), os.path.join(self.linux, "scripts"))
        self.compile(self.output)
        self.compile(self.symbols, ("-g",), ("-Cdebuginfo=line-tables-only",))
        made = os.path.join(self.build, "kernel", "planted.o")
        run("gcc", "-O1", "-c", os.path.join(self.linux, "kernel", "planted.c"), "-o", made)
        shutil.copy(made, os.path.join(self.build, "vmlinux"))
        self.console = os.path.join(root, "console.log")
        with open(self.console, "w", encoding="ascii"):
            pass

    def compile(self, folder, c=(), rust=()):
        run("gcc", "-O1", *c, "-c", os.path.join(self.root, "planted.c"), "-o", os.path.join(folder, "planted.ko"))
        run("rustc", "--crate-type=lib", "--emit=obj", "-Copt-level=1", "-Cpanic=abort", "-Ccodegen-units=1", "-Csymbol-mangling-version=v0", *rust,
            os.path.join(self.root, "planted_rust.rs"), "-o", os.path.join(folder, "planted_rust.ko"))

    def trace(self):
        c, rust = (symbols_of(os.path.join(self.output, name)) for name in ("planted.ko", "planted_rust.ko"))
        return TRACE, {"back": c["planted_back"][0] - c["planted"][0], "size": c["planted"][1],
                       "rust": next(name for name in rust if name.startswith("_R") and "planted_in_rust" in name)}

    def doubts(self, module="planted", function="planted"):
        return report_splat.doubts(module, function, *(os.path.join(folder, f"{module}.ko") for folder in (self.output, self.symbols)), self.console)

    def decode(self, text):
        return report_splat.decode(text, self.linux, self.build, os.path.join(self.build, "vmlinux"), self.root, self.symbols,
                                   lambda *function: not self.doubts(*function))


def faults(place):
    """What is wrong with what is made of the planted trace."""
    text, said = place.trace()
    for module, function in (("planted", "planted"), ("planted_rust", said["rust"])):
        if place.doubts(module, function):
            yield f"the same code is doubted: {place.doubts(module, function)}"
    got = place.decode(text.format(**said))
    if got != DECODED:
        yield f"the trace is decoded as\n{got}and should be\n{DECODED}"
    later = os.path.getmtime(place.console) + 60
    os.utime(os.path.join(place.output, "planted.ko"), (later, later))
    if "was built again" not in place.doubts():
        yield "a module that was built after the boot is trusted"
    os.utime(place.console, (later, later))
    place.compile(place.symbols, ("-g", "-fno-omit-frame-pointer"), ("-Cdebuginfo=line-tables-only",))
    if "not the same code" not in place.doubts():
        yield "other code with debug information is trusted"
    if UNDECODED.format(**said) not in place.decode(text.format(**said)).splitlines():
        yield "a line is said of other code"
    os.unlink(os.path.join(place.symbols, "planted.ko"))
    if "was not built" not in place.doubts():
        yield "a module that is not there is trusted"


def check():
    """What is wrong."""
    parts = report_splat.parts_of(KBUILD, {"pool_kunit", "baton", "baton_blk"})
    if parts != ["disk", "kunit"]:
        return [f"modules are looked for in the parts {parts} of the planted Kbuild"]
    with tempfile.TemporaryDirectory(prefix="baton-splat-") as root:
        try:
            return list(faults(Place(root)))
        except subprocess.CalledProcessError as error:
            return [f"the planted module does not compile: {error}", *error.stderr.splitlines()]


if __name__ == "__main__":
    sys.exit("\n".join(check()) or 0)
