# SPDX-License-Identifier: GPL-2.0
"""Which code may stand where: rules that the compiler does not have.

Each rule is tried on planted text before it is believed, so that a rule that
has gone blind fails.
"""

import os
import pathlib
import re

MAX_LINES = 500

# One token that can hide code or look like it: comments, strings, characters.
# A lifetime is not a character.
HIDDEN = re.compile(
    r"""(?P<line>//[^\n]*)
      | (?P<block>/\*)
      | (?P<raw>\b(?:b|c|br|cr)?r(?P<hashes>\#*)".*?"(?P=hashes))
      | (?P<string>\b[bc]?"(?:\\.|[^"\\])*"|"(?:\\.|[^"\\])*")
      | (?P<char>b?'(?:\\(?:x[0-9a-fA-F]{2}|u\{[^}]*\}|.)|[^'\\\n])')
    """, re.X | re.S)


def strip(text):
    """The code without comments and without what is in strings; the lines stay."""
    out, at = [], 0
    while match := HIDDEN.search(text, at):
        out.append(text[at:match.start()])
        end = match.end()
        if match["block"]:
            depth = 1
            while depth:
                inner = re.compile(r"/\*|\*/").search(text, end)
                if not inner:
                    end = len(text)
                    break
                depth += 1 if inner[0] == "/*" else -1
                end = inner.end()
        hidden = text[match.start():end]
        quotes = '""' if match["raw"] or match["string"] else "''" if match["char"] else ""
        out.append(quotes + "\n" * hidden.count("\n"))
        at = end
    return "".join(out) + text[at:]


class Source:
    """A file of ours: its path, its lines, and the lines of its code alone."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.lines = text.splitlines()
        self.code = strip(text).splitlines() if path.endswith(".rs") else self.lines

    def under(self, *folders):
        return self.path.startswith(tuple(folder + "/" for folder in folders))

    def find(self, pattern):
        """The numbers of the lines whose code matches."""
        return [n for n, line in enumerate(self.code, 1) if re.search(pattern, line)]

    def marked(self, number, marker):
        """Whether the line, or the comment directly above it, has the marker."""
        if marker in self.lines[number - 1]:
            return True
        number -= 1
        while number and self.lines[number - 1].lstrip().startswith("//"):
            if marker in self.lines[number - 1]:
                return True
            number -= 1
        return False


def rust(source, *folders):
    return source.path.endswith(".rs") and (not folders or source.under(*folders))


def unsafe_outside(source):
    # The model is a host program; the platform that it gives the protocol is its own.
    if not rust(source) or source.under("rust", "testing/model"):
        return []
    return source.find(r'\bunsafe\b|\bbindings::|\bextern\s*"')


def foreign_atomics(source):
    if not rust(source) or source.under("testing/model"):
        return []
    return source.find(r"\b(core|std)::sync::atomic\b")


def panics(source):
    if not rust(source, "rust", "samples"):
        return []
    return source.find(r"\.(unwrap|expect)\s*\(|\b(panic|todo|unimplemented|unreachable)!")


def plain_lock(source):
    if not rust(source, "samples", "testing/kunit"):
        return []
    return [n for n in source.find(r"\.lock\s*\(\s*\)") if not source.marked(n, "// IRQ:")]


# What the kernel calls in a context that may sleep.
ENTRY_TRAITS = {"Module", "InPlaceModule", "AttributeOperations", "GroupOperations"}


def capability_from_nothing(source):
    if not rust(source, "samples", "testing/kunit", "testing/bench"):
        return []
    found = []
    for number in source.find(r"\bMaySleep::assert\b"):
        above = source.code[:number]
        block = next((line for line in reversed(above) if re.match(r"\S.*\{\s*$", line)), "")
        impl = re.match(r"impl\b.*?([A-Za-z]+)(?:<[^{]*>)? for ", block)
        function = next((n for n in range(number, 0, -1)
                         if re.search(r"\bfn\s+\w", source.code[n - 1])), 1)
        test = function > 1 and "#[test]" in source.code[function - 2]
        if (test or impl and impl[1] in ENTRY_TRAITS or source.marked(number, "// ENTRY:")):
            continue
        found.append(number)
    return found


def long_file(source):
    if not source.path.endswith((".rs", ".c", ".h", ".py", ".sh")):
        return []
    return [MAX_LINES + 1] if len(source.lines) > MAX_LINES else []


def example_left_out(source):
    if not rust(source, "rust"):
        return []
    return [n for n, line in enumerate(source.lines, 1)
            if re.match(r"\s*//[/!] *[`~]{3,}.*\b(ignore|compile_fail|should_panic)\b", line)]


def dead_link(source):
    if not rust(source):
        return []
    linux = pathlib.Path(os.environ["LINUX_SOURCE"])
    found = []
    for number, line in enumerate(source.lines, 1):
        for path in re.findall(r"\(srctree/([^)#]+)", line):
            if not (linux / path).exists():
                found.append(number)
    return found


# Name, what to say, what finds the lines, and a planted violation (None: what must not be found).
RULES = [
    ("unsafe", "unsafe, bindings:: and extern belong into rust/", unsafe_outside, [
        ("samples/a.rs", "fn f() {\n    unsafe { g() }\n}\n", [2]),
        ("testing/kunit/a.rs", "use kernel::bindings::task_struct;\n", [1]),
        ("samples/a.rs", 'extern "C" { fn f(); }\n', [1]),
        ("samples/a.rs", "// unsafe\n/* unsafe /* */ unsafe */ fn f() {}\n", []),
        ("samples/a.rs", 'fn f() { g("unsafe \\" unsafe", r#"" unsafe"#, \'"\'); }\n', []),
        ("samples/a.rs", "fn f<'a>(x: &'a str) { unsafe { g('x') } }\n", [1]),
        ("samples/a.rs", "#![forbid(unsafe_code)]\n", []),
        ("rust/a.rs", "unsafe { g() }\n", []),
    ]),
    ("atomics", "use kernel::sync::atomic: the kernel has its own memory model", foreign_atomics, [
        ("rust/a.rs", "use core::sync::atomic::AtomicU32;\n", [1]),
        ("rust/a.rs", "use kernel::sync::atomic::Atomic;\n", []),
    ]),
    ("panics", "no unwrap, expect or panic in the kernel", panics, [
        ("samples/a.rs", "fn f() {\n    g().unwrap();\n}\n", [2]),
        ("rust/a.rs", 'fn f() { g().expect("x"); }\n', [1]),
        ("rust/a.rs", "fn f() { panic!() }\n", [1]),
        ("rust/a.rs", "fn f() { g().unwrap_or(1) } // .unwrap()\n", []),
    ]),
    ("locks", "take locks by lock_in() or lock_nested(), or say '// IRQ: why' there", plain_lock, [
        ("samples/a.rs", "fn f() {\n    *m.lock() = 1;\n}\n", [2]),
        ("samples/a.rs", "fn f() {\n    // IRQ: the timer.\n    *m.lock() = 1;\n}\n", []),
        ("samples/a.rs", "fn f() { m.lock_in(cx); }\n", []),
    ]),
    ("entries", "MaySleep::assert() is for entry points: say '// ENTRY: why' there",
     capability_from_nothing, [
         ("samples/a.rs", "fn f() {\n    let cx = &mut MaySleep::assert();\n}\n", [2]),
         ("samples/a.rs", "impl Drop for A {\n    fn drop() {\n        MaySleep::assert();\n"
          "    }\n}\n", [3]),
         ("samples/a.rs", "impl AttributeOperations<5> for A {\n    fn f() {\n"
          "        MaySleep::assert();\n    }\n}\n", []),
         ("samples/a.rs", "fn f() {\n    // ENTRY: a drop.\n    MaySleep::assert();\n}\n", []),
         ("testing/kunit/a.rs", "mod tests {\n    #[test]\n    fn f() {\n"
          "        MaySleep::assert();\n    }\n    fn g() {\n        MaySleep::assert();\n"
          "    }\n}\n", [7]),
     ]),
    ("length", f"split what has more than {MAX_LINES} lines", long_file, [
        ("rust/a.rs", "\n" * (MAX_LINES + 1), [MAX_LINES + 1]),
        ("rust/a.rs", "\n" * MAX_LINES, []),
    ]),
    ("examples", "an example is compiled and run, see tools/doc_examples.py", example_left_out, [
        ("rust/a.rs", "/// ```ignore\n/// f();\n/// ```\n", [1]),
        ("rust/a.rs", "//! ```\n//! ignore();\n//! ```\n", []),
        ("rust/a.rs", "//! ```text\n//! ```\n/// ```no_run\n/// ```\n", []),
    ]),
    ("links", "srctree/ links name files of the kernel", dead_link, [
        ("rust/a.rs", "//! [`x`](srctree/no/such/file.h)\n", [1]),
        ("rust/a.rs", "//! [`x`](srctree/include/linux/wait.h)\n", []),
    ]),
]


def check(name, find, say, plants, sources):
    """What is wrong: with the rule, or with one of the sources."""
    wrong = [f"the rule '{name}' finds lines {got} in the planted {path}, wants {wanted}: {text!r}"
             for path, text, wanted in plants
             if (got := find(Source(path, text))) != wanted]
    return wrong + [f"{source.path}:{line}: {say}: {source.lines[line - 1].strip()}"
                    for source in sources for line in find(source)]
