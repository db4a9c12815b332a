# SPDX-License-Identifier: GPL-2.0
"""Rules that a line of source may break. Pure functions of text.

Each rule has a bad line that it must find: check.py runs them as positive
controls before it believes a rule that found nothing.
"""

import re

STRING = re.compile(r'b?c?"(?:\\.|[^"\\])*"')


def code_lines(text):
    """(number, code) of each line of Rust, without comments and the insides of strings."""
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        line = STRING.sub('""', line)
        out = ""
        while line:
            if depth:
                end = line.find("*/")
                if end < 0:
                    break
                depth, line = 0, line[end + 2:]
                continue
            comment, block = line.find("//"), line.find("/*")
            if block >= 0 and (comment < 0 or block < comment):
                out, line, depth = out + line[:block], line[block + 2:], 1
                continue
            out += line if comment < 0 else line[:comment]
            break
        yield number, out


def finder(pattern):
    compiled = re.compile(pattern)

    def find(text):
        return [number for number, code in code_lines(text) if compiled.search(code)]
    return find


def in_library(path):
    return path.startswith("rust/")


def in_users(path):
    """What uses the library. The compile-fail cases are misuse on purpose."""
    return path.startswith(("samples/", "testing/")) and not path.startswith(("testing/compile-fail/", "testing/model/"))


def in_kernel(path):
    return in_library(path) or in_users(path)


# name: (what it says, which Rust files, rule, a line that breaks it, one that does not)
RUST = {
    "unsafe": (
        "unsafe outside rust/", in_users, finder(r"\bunsafe\b"),
        "let x = unsafe { f() };", "// unsafe"),
    "bindings": (
        "bindings:: outside rust/", in_users, finder(r"\bbindings::"),
        "kernel::bindings::f();", 'pr_info!("bindings::");'),
    "extern": (
        "extern outside rust/", in_users, finder(r"\bextern\s*\"\""),
        'extern "C" fn f() {}', "/// extern fn"),
    "panic": (
        "a panic in kernel code", in_kernel,
        finder(r"\.unwrap\(\)|\.expect\(|\bpanic!\(|\btodo!\(|\bunimplemented!\(|\bunreachable!\("),
        "x.unwrap();", "x.unwrap_or(0);"),
    "plain-lock": (
        # The benchmark compares with CondVar, which is used with plain locks.
        "a plain lock(), whose guard does not hold the capability to sleep",
        lambda name: in_users(name) and not name.startswith("testing/bench/"), finder(r"\.lock\(\)"),
        "let g = self.state.lock();", "let g = self.state.lock_in(cx);"),
}
