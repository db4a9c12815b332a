# SPDX-License-Identifier: GPL-2.0
"""samples/README.md: what C says with wait queues, completions and counts, and the program that says it in Rust.

A row is a program in samples/waits/: its first comment has the names of C that it replaces, the words of Rust that do
so, what cannot go wrong any more, and the C. Their order, and what of the kernel's headers has no row and why,
stands in samples/waits/table.toml. tools/check compares both with the headers: each macro and function of them
belongs to one row, or is there with a reason.

Usage: tools/inside python3 -B tools/from_c.py          writes samples/README.md
"""

import fnmatch
import os
import re
import sys
import tomllib

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

FOLDER, TABLE, README = "samples/waits", "samples/waits/table.toml", "samples/README.md"
SUITE, MANIFEST = "testing/kunit/waits_kunit.rs", "testing/kunit/manifest.txt"
BEGIN, END = "<!-- the table: tools/from_c.py writes it -->\n", "<!-- the end of the table -->\n"
# What would end the cell of a table.
BAR = r"\|"
# Why a name of a header has no row, and how the README says so; None: it is not said.
KINDS = {"internal": None, "without": "has no counterpart", "later": "not yet"}


def bare(text):
    """C without comments."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda hidden: "\n" * hidden[0].count("\n"), text, flags=re.S)


def statements(text):
    """What stands outside of braces, up to a semicolon or a body."""
    head, depth = "", 0
    for char in text:
        if char == "{":
            if not depth:
                yield head
                head = ""
            depth += 1
        elif char == "}":
            depth -= 1
        elif not depth and char == ";":
            yield head
            head = ""
        elif not depth:
            head += char


def names_of(text):
    """The macros and functions of a header, in the order in which they are declared, macros first."""
    text = bare(text.replace("\\\n", " "))
    found = dict.fromkeys(re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", text, re.M))
    for head in statements(re.sub(r"^[ \t]*#.*$", "", text, flags=re.M)):
        head = re.sub(r"\b(__printf|__attribute__)\s*\(+[^)]*\)+", "", head).strip()
        function = re.search(r"(\w+)\s*\(", head)
        if function and not head.startswith("typedef"):
            found[function[1]] = None
    return list(found)


class Program:
    """A program: what its first comment says, its code, and the tests that it has."""

    def __init__(self, name, text):
        self.name = name
        said = re.search(r"^//! (.*?)\n(?!//!)", text, re.M | re.S)
        said = re.sub(r"^//! ?", "", said[1] if said else "", flags=re.M)
        prose, _, rest = said.partition("```c\n")
        self.c = rest.partition("```")[0]
        self.title = prose.partition("\n")[0].rstrip(".")
        self.said = self.field(prose, "C")
        self.names = re.findall(r"\w+", self.said)
        self.rust = self.field(prose, "Rust").strip("`")
        self.gone = self.field(prose, "Not any more")
        code, _, tests = re.sub(r"\A(//.*\n|\n)*", "", text).partition("#[kunit_tests(")
        self.suite = tests.partition(")")[0]
        self.tests = re.findall(r"#\[test\]\s+fn (\w+)", tests)
        self.code = re.sub(r"^use [^;]*;\n+", "", code, flags=re.M).strip() + "\n"

    @staticmethod
    def field(prose, name):
        found = re.search(rf"^{name}: (.*?)(?=\n[A-Z][\w ]*: |\n\n|\Z)", prose, re.M | re.S)
        return " ".join(found[1].split()) if found else ""

    @property
    def path(self):
        return f"{FOLDER}/{self.name}.rs"

    def wrong(self, suites, manifest):
        """What is wrong with it by itself."""
        for what, there in (("a first sentence", self.title), ("'C:'", self.names), ("'Rust:'", self.rust),
                            ("'Not any more:'", self.gone), ("C code", self.c), ("a test", self.tests)):
            if not there:
                yield f"{self.path} has not {what}"
        # Two dots stand for what is left out.
        words = r".*?".join(re.escape("".join(part.split())) for part in re.split(r"\.\.(?!=)", self.rust))
        if not re.search(words, "".join(self.code.split())):
            yield f"{self.path}: its code has not '{self.rust}'"
        if f'#[path = "../../{self.path}"]' not in suites:
            yield f"{self.path} is not in {SUITE}"
        if self.suite != f"baton_waits_{self.name}":
            yield f"{self.path}: its suite is to be called baton_waits_{self.name}"
        for test in self.tests:
            if f"{self.suite} {test}" not in manifest:
                yield f"{MANIFEST} has not: {self.suite} {test}"


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns.split())


def wrong(table, programs, texts, suites, manifest):
    """What is wrong: with the table, the programs, or what they say of the headers."""
    said, known, stale = [], set(), set()
    rows = [row for header in table for row in header["rows"]]
    said += [f"{TABLE}: there is no {FOLDER}/{row}.rs" for row in rows if row not in programs]
    said += [f"{TABLE} has the row '{row}' twice" for row in sorted(set(rows)) if rows.count(row) > 1]
    said += [f"{program.path} is no row of {TABLE}" for name, program in programs.items() if name not in rows]
    for program in programs.values():
        said += program.wrong(suites, manifest)
    about_headers = {row for header in table if "file" in header for row in header["rows"] if row in programs}
    for header in table:
        if "file" not in header:
            continue
        path, only = header["file"], header.get("only", "*")
        found = [name for name in names_of(texts[path]) if matches(name, only)]
        known.update(found)
        if not found:
            said.append(f"{path}: nothing in it is called {only}")
        reasons = [(kind, patterns) for kind in KINDS for patterns in header.get(kind, {})]
        for name in found:
            places = [programs[row].path for row in sorted(about_headers) if name in programs[row].names]
            places += [f"{kind} '{patterns}'" for kind, patterns in reasons if matches(name, patterns)]
            if not places:
                said.append(f"{path}: {name} has no row: no program in {FOLDER} says 'C: {name}', and {TABLE} has no reason")
            elif len(places) > 1:
                said.append(f"{path}: {name} has more than one row: {', '.join(places)}")
        for kind, patterns in reasons:
            stale.update(f"{path}: nothing in it is called {pattern}, which {TABLE} has as '{kind}'"
                         for pattern in patterns.split() if not any(matches(name, pattern) for name in found))
    said += sorted(stale)
    return said + [f"{programs[row].path}: no header has {name}"
                   for row in sorted(about_headers) for name in programs[row].names if name not in known]


def anchor(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def calls(names):
    return ", ".join(f"`{name}()`" if name.islower() else f"`{name}`" for name in names)


def lines(table, programs):
    """What is generated of the README."""
    for header in table:
        yield f"## {header['about']}\n\n"
        file = f"`{header['file'].removeprefix('include/')}`" if "file" in header else "C"
        yield f"| {file} | baton | what cannot go wrong any more |\n|---|---|---|\n"
        for row in header["rows"]:
            program = programs[row]
            names = calls(program.names) if "file" in header else program.said
            cells = (names, f"[`{program.rust}`](#{anchor(program.title)})", program.gone)
            yield f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |\n"
        for kind, label in KINDS.items():
            for patterns, reason in header.get(kind, {}).items() if label else ():
                yield f"| {', '.join(f'`{pattern}`' for pattern in patterns.split())} | **{label}** | {reason} |\n"
        yield "\n"
        for row in header["rows"]:
            program = programs[row]
            yield f"### {program.title}\n\n```c\n{program.c}```\n\n[`{program.name}.rs`](waits/{program.name}.rs):\n\n"
            yield f"```rust\n{program.code}```\n\n"


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as stream:
        return stream.read()


def load():
    """(table, programs) of this checkout."""
    names = sorted(name.removesuffix(".rs") for name in os.listdir(os.path.join(TOP, FOLDER)) if name.endswith(".rs"))
    return tomllib.loads(read(TABLE))["header"], {name: Program(name, read(f"{FOLDER}/{name}.rs")) for name in names}


def later(table):
    """What has a row that says "not yet"."""
    return [patterns for header in table for patterns in header.get("later", {})]


PLANT_HEADER = """\
#define _LINUX_A_H /* #define hidden() */
# define wait(x) \\
	__wait(x, \\
#define)
typedef int (*callback_t)(int);
struct a { int (*f)(int); };
extern struct a *
start(struct a *a,
      int (*f)(int));
__printf(1, 2) int print(const char *f, ...);
static inline int try(struct a *a)
{
	if (wait(a)) { never(); }
	return other(a);
}
int __must_check init(void);
"""
PLANT_NAMES = ["_LINUX_A_H", "wait", "start", "print", "try", "init"]

PLANT_PROGRAM = """\
// SPDX

//! Wait for a.
//!
//! C: wait,
//! start
//! Rust: `f(..).g(|x|)`
//! Not any more: b; c
//! d
//!
//! ```c
//! wait(a);
//! ```

use x::{
    y, //
};

fn h() {
    f(1)
        .g(|x|);
}

#[kunit_tests(baton_waits_a)]
mod tests {
    #[test]
    fn it_waits() {}
}
"""
PLANT_TABLE = """\
[[header]]
file = "a.h"
about = "A"
rows = ["a"]
internal."_LINUX_*" = "a guard"
without."print" = "why"
later."try init" = "when"

[[header]]
about = "B"
rows = ["b"]
"""
# Of a section that is about no header.
PLANT_OTHER = (("wait,\n//! start", "two `wait()`"), ("for a.", "for b."), ("baton_waits_a", "baton_waits_b"))
PLANT_README = """\
## A

| `a.h` | baton | what cannot go wrong any more |
|---|---|---|
| `wait()`, `start()` | [`f(..).g(\\|x\\|)`](#wait-for-a) | b; c d |
| `print` | **has no counterpart** | why |
| `try`, `init` | **not yet** | when |

### Wait for a

```c
wait(a);
```

[`a.rs`](waits/a.rs):

```rust
fn h() {
    f(1)
        .g(|x|);
}
```

## B

| C | baton | what cannot go wrong any more |
|---|---|---|
| two `wait()` | [`f(..).g(\\|x\\|)`](#wait-for-b) | b; c d |

### Wait for b

```c
wait(a);
```

[`b.rs`](waits/b.rs):

```rust
fn h() {
    f(1)
        .g(|x|);
}
```

"""
# What was changed in the plant, and what has to be said then.
PLANTS = [
    ("table", "", "", []),
    ("header", "print(const", "wail(const", ["a.h: wail has no row: no program in samples/waits says 'C: wail', and samples/waits/table.toml has no reason",
                                 "a.h: nothing in it is called print, which samples/waits/table.toml has as 'without'"]),
    ("header", "define wait(", "define wait_not(", [
        "a.h: wait_not has no row: no program in samples/waits says 'C: wait_not', and samples/waits/table.toml has no reason",
        "samples/waits/a.rs: no header has wait"]),
    ("table", 'rows = ["a"]', 'rows = ["a", "c"]', ["samples/waits/table.toml: there is no samples/waits/c.rs"]),
    ("table", 'rows = ["a"]', 'rows = ["a", "a"]', ["samples/waits/table.toml has the row 'a' twice"]),
    ("table", 'rows = ["a"]', "rows = []", [
        "samples/waits/a.rs is no row of samples/waits/table.toml",
        *(f"a.h: {name} has no row: no program in samples/waits says 'C: {name}', and samples/waits/table.toml has no reason"
          for name in ("wait", "start"))]),
    ("table", "try init", "try init wait", ["a.h: wait has more than one row: samples/waits/a.rs, later 'try init wait'"]),
    ("program", "f(1)", "e(1)", ["samples/waits/a.rs: its code has not 'f(..).g(|x|)'"]),
    ("program", "Not any more", "Never", ["samples/waits/a.rs has not 'Not any more:'"]),
    ("program", "it_waits", "it_sleeps", ["testing/kunit/manifest.txt has not: baton_waits_a it_sleeps"]),
    ("suites", "a.rs", "c.rs", ["samples/waits/a.rs is not in testing/kunit/waits_kunit.rs"]),
]


def planted_programs(text):
    """Two programs: this one, and one that differs as it has to."""
    other = PLANT_PROGRAM
    for old, new in PLANT_OTHER:
        other = other.replace(old, new)
    return {"a": Program("a", text), "b": Program("b", other)}


def planted(what, old, new):
    """What is said of the plant with that change."""
    plant = {"table": PLANT_TABLE, "program": PLANT_PROGRAM, "header": PLANT_HEADER,
             "suites": "".join(f'#[path = "../../{FOLDER}/{name}.rs"]' for name in "ab")}
    plant[what] = plant[what].replace(old, new)
    return wrong(tomllib.loads(plant["table"])["header"], planted_programs(plant["program"]),
                 {"a.h": plant["header"]}, plant["suites"], ["baton_waits_a it_waits", "baton_waits_b it_waits"])


def check(linux):
    """What is wrong: with this tool, with the programs, or with the README."""
    found = names_of(PLANT_HEADER)
    if found != PLANT_NAMES:
        return [f"tools/from_c.py finds {found} in the planted header, wants {PLANT_NAMES}"]
    for what, old, new, wanted in PLANTS:
        found = planted(what, old, new)
        if found != wanted:
            return [f"tools/from_c.py says {found} of the plant with '{new}' for '{old}', wants {wanted}"]
    made = "".join(lines(tomllib.loads(PLANT_TABLE)["header"], planted_programs(PLANT_PROGRAM)))
    if made != PLANT_README:
        return [f"tools/from_c.py makes {made!r} of the plant, wants {PLANT_README!r}"]
    table, programs = load()
    if later(table):
        print(f"# {len(later(table))} rows say not yet: {' '.join(later(table))}")
    texts = {}
    for path in (header["file"] for header in table if "file" in header):
        with open(os.path.join(linux, path), encoding="utf-8") as stream:
            texts[path] = stream.read()
    said = wrong(table, programs, texts, read(SUITE), read(MANIFEST).splitlines())
    if not said and current()[1] != "".join(lines(table, programs)):
        said = [f"{README} is not what the programs say; put right by: tools/inside python3 -B tools/from_c.py"]
    return said


def current():
    """(what stands before the table, the table, what stands behind it)."""
    before, _, rest = read(README).partition(BEGIN)
    had, _, behind = rest.partition(END)
    return before, had, behind


def main():
    table, programs = load()
    missing = [row for header in table for row in header["rows"] if row not in programs]
    if missing:
        sys.exit(f"{TABLE}: there is no {FOLDER}/{missing[0]}.rs")
    before, _, behind = current()
    with open(os.path.join(TOP, README), "w", encoding="utf-8") as stream:
        stream.write(before + BEGIN + "".join(lines(table, programs)) + END + behind)


if __name__ == "__main__":
    main()
