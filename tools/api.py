# SPDX-License-Identifier: GPL-2.0
"""The public interface of rust/, with what a user has to know of each part of it.

Of a function: whether it may sleep, what proves that its caller may, its context. Of a
type: what its destructor does, what mem::forget() does, what happens when it is
used from itself. Of a trait: who may implement it. The sentences are those of the
documentation; what it does not say, and what sleeps without a capability, is
printed by --missing, and fails tools/check.

Usage: tools/api [--missing | --html]
"""

import html
import os
import re
import sys

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tools"))

import check_imports
import rust_items

# What sleeps. Functions of rust/ that call these sleep as well, and so on.
SLEEPS = re.compile(
    r"\bGFP_(?:KERNEL|NOIO|NOFS|USER)\b|\bmight_sleep\b|\bfsleep\s*\(|\bsynchronize_rcu\b|\bbaton_cond_resched\b"
    r"|\bbaton_registry_begin_switch\b|\bbaton_blk_disk_claim\b|\bbaton_anchor\b|\bbaton_open_for_writing\b"
    r"|\bbindings::(?:schedule(?:_timeout)?|io_schedule(?:_timeout)?|mutex_lock\w*|down_(?:read|write)(?:_killable)?"
    r"|kthread_(?:stop|create_on_node)|flush_\w+|cancel_(?:delayed_)?work_sync|(?:hr)?timer_cancel|timer_(?:delete|shutdown)_sync"
    r"|rcu_barrier|shrinker_(?:alloc|register|free)|del_gendisk|device_add_disk|__blk_mq_alloc_disk|put_disk"
    r"|blk_mq_(?:alloc|free)_tag_set|blk_mq_(?:un)?(?:freeze|quiesce)_queue\w*|blk_mq_wait_quiesce_done|blk_mark_disk_dead"
    r"|set_capacity_and_notify|wait_for_completion\w*|(?:alloc|destroy|drain|__flush)_workqueue\w*|kernel_write|filp_close"
    r"|invalidate_\w+|truncate_\w+|sync_blockdev|bd_(?:prepare|abort)_\w+)\s*\(")
# What a function only makes an initialiser of runs later, where there is memory for it.
LATER = re.compile(r"\bPinInit<")
# Types of the kernel crate whose destructor is one to speak of.
GUARDS = {"Guard", "UniqueRefGuard", "OwnableRefCounted"}
# A type that takes the capability away instead of carrying it.
TAKES_AWAY = {"RcuSection", "InterruptsOff"}
MARK = "// SLEEPS:"
# What a context says of a function that sleeps: that it may, or where to read that.
SLEEPING = re.compile(r"(?<!not )(?<!nor )\bsleeps?\b(?! not)|\b[Aa]s \[|\bas `|\bthat of\b")

SENTENCE = re.compile(r"(?<=[.:;?!])\s+(?=[A-Z`\[*])")
DROPPED = re.compile(r"\b[Dd]rop(?:s|ped|ping)?\b|\bdestructor\b|\bgoes away\b")
FORGOTTEN = re.compile(r"mem::forget|\b[Ff]org(?:et|otten|etting)\b|\b[Ll]eak(?:s|ed|ing)?\b")
ITSELF = re.compile(r"\b(?:it|your)self\b|\bthemselves\b|\bEDEADLK\b|\b(?:its|their) own\b|\bsame (?:task|entry|lock|run|thread)\b")
IMPLEMENTED = re.compile(r"\b[Ii]mplement\w*|\b[Hh]armless\b")
SEALED = re.compile(r"\bSealed\b|\bprivate::\w+")


def sentences(docs, pattern):
    """The sentences of the documentation that speak of it, without its examples and invariants."""
    text = re.sub(r"```.*?```", "", docs, flags=re.S)
    text = re.split(r"^# (?:Invariants|Safety|Examples?)\b", text, flags=re.M)[0]
    found = []
    for paragraph in re.split(r"\n\s*\n|\n(?=[-*] )", text):
        flat = " ".join(paragraph.split())
        found += [sentence for sentence in SENTENCE.split(flat) if pattern.search(sentence)]
    return " ".join(found)


class Interface:
    def __init__(self, files):
        self.files = {path: rust_items.File(path, text) for path, text in files.items()}
        crate = check_imports.Crate(files)
        # What a module that nobody can name gives is public if somebody passes it on.
        self.passed = {name for path in files for name in crate.given[path]}
        self.named = {path for path in files if self._can_be_named(path, files)}
        self.items = [item for file in self.files.values() for item in file.items]
        self.traits = {(self._folder_of(path), *pair) for path, file in self.files.items() for pair in file.implemented}
        self.scope = {path: {name: crate.owner(crate.absolute(path, target)) for _, target, name in crate.uses(path)}
                      for path in files}
        self.called = {}
        for item in sorted(self.items, key=lambda item: item.public):
            if item.kind in ("struct", "enum", "union"):
                self.called.setdefault(item.name, []).append(item)
        # Of two types with one name, the one that is seen outside.
        self.types = {name: items[-1] for name, items in self.called.items()}
        self.carriers = self._find_carriers(files.values())
        # A type with other names is known by those.
        self.renamed = {self.meant(item).name for item in self.items
                        if item.kind == "type" and self.is_public(item) and self.meant(item)}
        self.functions = {}
        for item in self.items:
            if item.kind == "fn":
                self.functions.setdefault((item.of, item.name), []).append(item)
        self.why = {}
        self._find_sleepers()

    def _find_carriers(self, texts):
        """The types that have a capability in them, themselves or in one of their parts."""
        bodies = {name: item.body for name, item in self.types.items() if name not in TAKES_AWAY}
        for text in texts:
            for name, body in re.findall(r"^(?:pub(?:\([^)]*\))? )?type (\w+)[^=;]*=([^;]*);", text, re.M):
                bodies.setdefault(name, body)
        found = {"MaySleep"}
        while more := {name for name, body in bodies.items() if name not in found
                       and any(re.search(rf"\b{other}\b", body) for other in found)}:
            found |= more
        return found - {"MaySleep"}

    @staticmethod
    def _can_be_named(path, files):
        parts = path.removesuffix(".rs").split("/")
        for number in range(len(parts)):
            parent = "baton.rs" if not number else "/".join(parts[:number]) + ".rs"
            if not re.search(rf"^\s*pub mod {parts[number]}\b", files.get(parent, ""), re.M):
                return path == "baton.rs"
        return True

    def is_public(self, item):
        if not item.public or item.hidden:
            return False
        owner = self.owner(item)
        if item.of and not owner:
            owner = next((other for other in self.items if other.kind == "trait" and other.name == item.of), None)
            return bool(owner and self.is_public(owner))
        if owner:
            return self.is_public(owner)
        return item.path in self.named or item.name in self.passed

    @staticmethod
    def takes_self(item):
        return re.search(r"\(\s*(?:&\s*(?:'\w+\s*)?)?(?:mut\s+)?self\b|\(\s*(?:mut\s+)?self\s*:", item.head)

    def capability(self, item):
        """What in a signature proves that the caller may sleep, or ""."""
        if "MaySleep" in item.head:
            return "`MaySleep`"
        for name in sorted(self.carriers):
            if re.search(rf"\b{name}\b", item.head):
                return f"`{name}`"
        takes_self = self.takes_self(item)
        if takes_self and (item.of in self.carriers or item.of == "MaySleep"):
            return f"`{item.of}`"
        # A type that is made of whatever it was given, a guard among it.
        for name in sorted(self.carriers) if takes_self else ():
            if re.search(rf"\b{name}\b", item.within.partition(" for ")[2] or item.within):
                return f"`{name}`"
        return ""

    def _calls(self, item):
        """The functions of ours that it calls, as far as their names say."""
        for match in re.finditer(r"(?:(\w+)\s*::\s*(?:<[^<>()]*>\s*::\s*)?|(\bself|\bthis)\s*\.\s*|(?<![\w.:]))(\w+)\s*(?:::\s*<[^()]*?>)?\s*\(", item.body):
            of = item.of if match[2] or match[1] == "Self" else match[1] or ""
            called = self.functions.get((of, match[3])) or self.functions.get(
                ("", match[3]) if match[1] and match[1].islower() else None)
            # Two types may have one name, and one may be another crate's: what is imported is meant.
            from_file = self.scope[item.path].get(match[1], item.path) if match[1] else None
            for other in called or ():
                if not match[1] or match[1] == "Self" or from_file in (other.path, self._folder(other) + ".rs"):
                    yield other

    @staticmethod
    def _folder_of(path):
        return path.split("/")[0].removesuffix(".rs")

    def _folder(self, item):
        return self._folder_of(item.path)

    def _find_sleepers(self):
        functions = [item for item in self.items if item.kind == "fn"]
        for item in functions:
            found = SLEEPS.search(item.body)
            if found and not LATER.search(item.head):
                self.why[id(item)] = found[0].rstrip("( ")
        changed = True
        while changed:
            changed = False
            for item in functions:
                if id(item) in self.why or LATER.search(item.head):
                    continue
                for called in self._calls(item):
                    if called is not item and id(called) in self.why:
                        self.why[id(item)] = f"{called.of + '::' if called.of else ''}{called.name}()"
                        changed = True
                        break

    def marked(self, item):
        lines = self.files[item.path].lines
        if any(MARK in line for line in lines[max(0, item.line - 6):item.line]):
            return True
        # It says where its own capability comes from.
        return "MaySleep::assert" in item.body and any(
            "// ENTRY:" in line for line in lines[item.line:item.line + item.body.count("\n")])

    def context(self, item):
        """What the documentation of a function says of its context, or that of its type for all of them."""
        own = re.search(r"\bContext(?: and errors)?: ((?:[^\n]|\n(?!\n))*)", item.docs)
        if own or not item.of:
            return own
        of = next((other for other in self.items if other.name == item.of and other.kind != "fn"
                   and other.path == item.path), None) or self.owner(item)
        return of and re.search(r"\bContext of its functions: ((?:[^\n]|\n(?!\n))*)", of.docs)

    def has_destructor(self, item):
        return any((self._folder(item), trait, item.name) in self.traits for trait in ("Drop", "PinnedDrop"))

    def part(self, item, name):
        """The type that another one's declaration calls `name`, or None."""
        named = self.called.get(name, ())
        file = self.scope[item.path].get(name, item.path)
        folder = self._folder_of(file) if file else None
        return next((other for other in named if other.path == file),
                    next((other for other in named if self._folder(other) == folder), None))

    def owner(self, item):
        """The type that a function is of, or None."""
        return self.part(item, item.of) or self.types.get(item.of) if item.of else None

    def ends_something(self, item, seen=()):
        """Whether a destructor of ours, or of a guard, runs when a value of that type goes."""
        if self.has_destructor(item):
            return True
        if item in seen:
            return False
        # The names of the variants of an enum are no types.
        body = " ".join(re.findall(r"[({][^(){}]*[)}]", item.body[1:-1])) if item.kind == "enum" else item.body
        names = set(re.findall(r"\b[A-Z]\w+", body))
        parts = [part for name in names if (part := self.part(item, name))]
        return bool(names & GUARDS) or any(self.ends_something(part, [*seen, item]) for part in parts)

    def meant(self, item):
        """The type that another name stands for, or the item itself."""
        found = re.match(r"(?s).*=\s*(?:\w+\s*::\s*)*(\w+)", item.body) if item.kind == "type" else None
        return self.types.get(found[1]) if found else item

    def waits(self, name):
        """Whether one of its functions may sleep."""
        return name != "MaySleep" and any(item.kind == "fn" and item.of == name and item.public and self.takes_self(item)
                   and (self.capability(item) or id(item) in self.why)
                   for item in self.items)

    def is_value(self, item):
        """Whether a type is a plain value: copied, or without anything in it that could be lost."""
        copied = "Copy" in item.attributes or (self._folder(item), "Copy", item.name) in self.traits
        empty = not re.search(r"\w", item.body) or item.kind == "enum" and not re.search(r"[({]", item.body[1:-1])
        return not self.has_destructor(item) and (copied or empty)


def rows(interface):
    """(types, traits, functions) of the table, and what is missing in it."""
    types, traits, functions, missing = [], [], [], []

    def lacks(item, what):
        missing.append(f"rust/{item.path}:{item.line}: {item.of + '::' if item.of else ''}{item.name}: {what}")

    for item in interface.items:
        if item.kind == "fn" and item.by in ("Drop", "PinnedDrop") and id(item) in interface.why and not interface.marked(item):
            lacks(item, f"the destructor sleeps: {interface.why[id(item)]} (or say '{MARK} why')")
        if not interface.is_public(item):
            continue
        place = f"{item.path}:{item.line}"
        if item.kind == "fn":
            proof = interface.capability(item)
            why = interface.why.get(id(item), "")
            if why and not proof and not interface.marked(item):
                lacks(item, f"sleeps ({why}) and asks for no capability (or say '{MARK} why')")
            said = interface.context(item)
            if not said and item.of != "Sealed":
                lacks(item, "the documentation says nothing of its context ('Context: ...')")
            sleeps = "yes" if proof else "by an exception" if why and interface.marked(item) else "yes" if why else "no"
            functions.append((f"{item.of + '::' if item.of else ''}{item.name}()", sleeps, proof or ("-" if sleeps != "yes" else ""), said[1] if said else "-", place))
            if said and re.search(r"\bmay sleep\b|\bsleeps\b", said[1]) and not (
                    proof or interface.marked(item) or LATER.search(item.head)):
                lacks(item, f"its documentation says '{said[1]}', and it asks for no capability (or say '{MARK} why')")
            if said and why and not LATER.search(item.head) and not SLEEPING.search(said[0]):
                lacks(item, f"sleeps ({why}), and its documentation says '{said[1]}'")
        elif item.kind == "trait" and item.name != "Sealed":
            head = item.head
            kind = ("`unsafe`" if re.search(r"\bunsafe\s+trait\b", head) else "sealed" if SEALED.search(head)
                    else "for everybody")
            why = sentences(item.docs, IMPLEMENTED)
            traits.append((item.name, kind, why or ("" if kind == "for everybody" else "-"), place))
            if kind == "for everybody" and not why:
                lacks(item, "a trait for everybody does not say what whoever implements it can do")
        elif item.kind == "trait" or item.name in interface.renamed or not interface.meant(item):
            continue
        elif interface.is_value(interface.meant(item)):
            types.append((item.name, "a value: nothing", "nothing", "-", place))
        else:
            meant = interface.meant(item)
            ends, waits = interface.ends_something(meant), interface.waits(meant.name)
            told = [sentences(item.docs, pattern) for pattern in (DROPPED, FORGOTTEN, ITSELF)]
            needed = ((True, "what its destructor does", ""),
                      (True, "what mem::forget() does", ""),
                      (ends or waits, "what happens when it is used from itself", "-"))
            types.append((item.name, *(text or ("" if need else otherwise)
                                       for text, (need, _, otherwise) in zip(told, needed)), place))
            for text, (need, what, _) in zip(told, needed):
                if need and not text:
                    lacks(item, f"the documentation does not say {what}")
    return types, traits, functions, missing


# A planted crate, and what is missing in it: a tool that has gone blind fails.
PLANT = {
    "baton.rs": "pub mod a;\nmod b;\npub use b::Passed;",
    "a.rs": """\
/// Does it all.
pub struct Door { cx: MaySleep }
impl Door { pub fn wait(self) { unsafe { bindings::schedule() } } }
/// Dropping it waits. `mem::forget` leaks it. It is never its own.
///
/// Context of its functions: may sleep, unless they say otherwise.
pub struct Owner(Part);
impl Owner {
    pub fn new() -> Result<Self> { let a = make()?; Ok(a) }
    pub fn asks(cx: &mut MaySleep) -> Result<Self> { make() }
    pub fn later() -> impl PinInit<Self> { pin_init_from_closure(|_| f(GFP_KERNEL)) }
    /// Context: any.
    pub fn atomic() { g(GFP_ATOMIC) }
    /// Context: must not sleep.
    pub fn wrong(cx: &mut MaySleep) -> Result<Self> { make() }
}
fn make() -> Result<Owner> { KBox::new(1, GFP_KERNEL) }
struct Part;
impl Drop for Part { fn drop(&mut self) { unsafe { bindings::kthread_stop(self.0) } } }
/// Anybody.
pub trait Open {}
pub unsafe trait Promise {}
pub trait Shut: private::Sealed {}
#[derive(Clone, Copy)]
pub enum Value { A }
""",
    "b.rs": "pub fn hidden() { might_sleep() }\npub struct Passed(Guard<'static>);",
}
PLANTED = [
    "a.rs:2: Door: the documentation does not say what its destructor does",
    "a.rs:2: Door: the documentation does not say what mem::forget() does",
    "a.rs:2: Door: the documentation does not say what happens when it is used from itself",
    "a.rs:3: Door::wait: the documentation says nothing of its context ('Context: ...')",
    "a.rs:9: Owner::new: sleeps (make()) and asks for no capability (or say '// SLEEPS: why')",
    "a.rs:9: Owner::new: its documentation says 'may sleep, unless they say otherwise.', and it asks for no capability (or say '// SLEEPS: why')",
    "a.rs:15: Owner::wrong: sleeps (make()), and its documentation says 'must not sleep.'",
    "a.rs:19: Part::drop: the destructor sleeps: bindings::kthread_stop (or say '// SLEEPS: why')",
    "a.rs:21: Open: a trait for everybody does not say what whoever implements it can do",
    "b.rs:2: Passed: the documentation does not say what its destructor does",
    "b.rs:2: Passed: the documentation does not say what mem::forget() does",
    "b.rs:2: Passed: the documentation does not say what happens when it is used from itself",
]


def check(files):
    """What is wrong: with this tool, or with the documentation."""
    found = [line.removeprefix("rust/") for line in rows(Interface(PLANT))[-1]]
    said = [f"tools/api.py finds in the planted crate, and should not: {line}" for line in found if line not in PLANTED]
    said += [f"tools/api.py does not find in the planted crate: {line}" for line in PLANTED if line not in found]
    return said + rows(Interface(files))[-1]


HEADS = (
    ("Types", ("type", "its destructor", "`mem::forget`", "from itself", "rust/")),
    ("Traits", ("trait", "implemented by", "why that is harmless, or what it promises", "rust/")),
    ("Functions", ("function", "may sleep", "proof", "context", "rust/")),
)


def markdown(tables):
    for (title, head), lines in zip(HEADS, tables):
        yield f"## {title}\n"
        yield "| " + " | ".join(head) + " |"
        yield "|" + " --- |" * len(head)
        for line in sorted(lines):
            yield "| " + " | ".join(cell.replace("|", "\\|") or "?" for cell in line) + " |"
        yield ""


def page(tables):
    yield "<!doctype html><meta charset=utf-8><title>baton: the interface</title><style>"
    yield "body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.3em;vertical-align:top;text-align:left}</style>"
    for (title, head), lines in zip(HEADS, tables):
        yield f"<h2>{title}</h2><table><tr>" + "".join(f"<th>{html.escape(cell)}" for cell in head)
        for line in sorted(lines):
            yield "<tr>" + "".join(f"<td>{html.escape(cell) or '?'}" for cell in line)
        yield "</table>"


def main():
    *tables, missing = rows(Interface(check_imports.read(os.path.join(TOP, "rust"))))
    if sys.argv[1:] == ["--missing"]:
        print("\n".join(missing))
        return 1 if missing else 0
    if sys.argv[1:] not in ([], ["--html"]):
        print(__doc__.strip().splitlines()[-1], file=sys.stderr)
        return 2
    print("\n".join((page if sys.argv[1:] else markdown)(tables)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
