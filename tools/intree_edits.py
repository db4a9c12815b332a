# SPDX-License-Identifier: GPL-2.0
"""Edits of the kernel's files, and the rules by which ours are moved: see intree.py."""

import re


class IntreeError(Exception):
    """A series that cannot be written; the text is for whoever edits it."""


# --- where an edit is made


def one(text, anchor, begin, end, where):
    """The only place of `anchor` in text[begin:end]."""
    found = text.find(anchor, begin, end)
    if found < 0:
        raise IntreeError(f"{where}: there is no '{shorten(anchor)}'")
    if text.find(anchor, found + 1, end) >= 0:
        raise IntreeError(f"{where}: '{shorten(anchor)}' is there more than once; say more of the line, or `within`")
    return found


def shorten(anchor):
    line = anchor.strip().splitlines()[0]
    return line if line == anchor.strip() else line + " .."


TOKEN = re.compile(r"""
      (?P<comment> //[^\n]* | /\*.*?\*/ )
    | (?P<string> b?c?"(?:\\.|[^"\\])*" | r(?P<hash>\#*)".*?"(?P=hash) | '(?:\\.[^']*|[^'\\])' )
    | (?P<brace> [{}] )
    | (?P<end> ; )
    | (?P<paren> [(\[] | [)\]] )
""", re.X | re.S)


def block(text, begin, end, where):
    """Where the braces of the item at `begin` open and close."""
    depth, parens, opened = 0, 0, -1
    for token in TOKEN.finditer(text, begin, end):
        if token["paren"]:
            parens += 1 if token[0] in "([" else -1
        elif token["end"] and not depth and not parens:
            break
        elif token[0] == "{":
            opened = opened if depth else token.start()
            depth += 1
        elif token[0] == "}":
            depth -= 1
            if depth == 0:
                return opened, token.end()
    raise IntreeError(f"{where}: it has no block that ends")


def scope(text, within, where):
    """(begin, open, end) of an item: of its first character, its brace and behind its block."""
    begin, opened, end = 0, 0, len(text)
    for head in [within] if isinstance(within, str) else within:
        begin = one(text, head, opened, end, where)
        where += f", in '{shorten(head)}'"
        opened, end = block(text, begin, end, where)
    return begin, opened, end, where


def line_of(text, place):
    """(begin, end) of the line at `place`, with what ends it."""
    end = text.find("\n", place)
    return text.rfind("\n", 0, place) + 1, len(text) if end < 0 else end + 1


def last_line(text, place, anchor):
    """Behind the last line of an anchor at `place`."""
    return line_of(text, place + len(anchor.rstrip("\n")) - 1)[1]


def apply(text, edit):
    """`text` with one edit."""
    how, put, where = edit.get("how", "replace"), edit["put"], edit["file"]
    begin, opened, end = 0, 0, len(text)
    if "within" in edit:
        begin, opened, end, where = scope(text, edit["within"], where)
    if how == "body":
        return text[:opened + 1] + "\n" + put + text[line_of(text, end - 1)[0]:]
    if "at" in edit:
        place = one(text, edit["at"], begin, end, where)
        if how == "text":
            return text[:place] + put + text[place + len(edit["at"]):]
        begin, last = line_of(text, place)[0], last_line(text, place, edit["at"])
        if "through" in edit:
            last = last_line(text, one(text, edit["through"], place + len(edit["at"]), end, where), edit["through"])
    else:
        begin, last = line_of(text, begin)[0], line_of(text, end - 1)[1]
    if how == "before":
        return text[:begin] + put + text[begin:]
    if how == "after":
        return text[:last] + put + text[last:]
    return text[:begin] + put + text[last:]


# --- the rules by which our files are moved


def is_doc(line):
    return line.lstrip().startswith(("//!", "///"))


def for_library(text, modules):
    """A file of the library, which is a module of the kernel crate in tree: `crate::baton`."""
    part = "|".join(sorted(modules))

    def code(line):
        line = re.sub(rf"\$crate::({part})\b", r"$crate::baton::\1", line)
        line = re.sub(r"(?<![\w$:])crate::", "crate::baton::", line)
        line = re.sub(r"::kernel::", "$crate::", line)
        return re.sub(r"(?<![\w$:])kernel::", "crate::", line)

    def doc(line):
        line = re.sub(r"(?<![\w$:])baton::", "kernel::baton::", line)
        return re.sub(r"(?<![\w$:])crate::", "crate::baton::", line)

    return _lines(text, code, doc)


def for_user(text, _modules):
    """A file of what uses the library, which is a crate of its own: `kernel::baton`."""

    def both(line):
        line = re.sub(r'"(?:\.\./)+testing/kunit/', '"', line)
        line = re.sub(r'"(?:\.\./)+samples/waits/', '"waits/', line)
        return re.sub(r"(?<![\w$:])baton::", "kernel::baton::", line)

    return _lines(text, both, both)


def as_it_is(text, _modules):
    return text


def _lines(text, code, doc):
    # A macro and a configuration of the module are not those of the tree: see tools/series/library.
    text = text.replace("cfg(CONFIG_KUNIT)", "cfg(CONFIG_BATON_TESTING)")
    text = text.replace("cfg(not(CONFIG_KUNIT))", "cfg(not(CONFIG_BATON_TESTING))")
    text = text.replace("cfg(all(CONFIG_KUNIT,", "cfg(all(CONFIG_BATON_TESTING,")
    return "".join(doc(line) if is_doc(line) else code(line) for line in text.splitlines(keepends=True))


def for_c(text, _modules):
    """C: what the module exported by a list is exported where it is defined."""
    names = re.findall(r"^(?!static\b|typedef\b)\w[\w \*]*?\b(baton_\w+)\((?:[^;{}]*?)\)\n\{\n", text, re.M)
    for name in sorted(set(names)):
        text = re.sub(rf"(^(?!static\b)\w[\w \*]*?\b{name}\([^;{{}}]*?\)\n\{{\n.*?^\}}\n)",
                      rf"\1EXPORT_SYMBOL_GPL({name});\n", text, flags=re.M | re.S)
    return re.sub(r"^(DEFINE_STATIC_KEY_FALSE\((\w+)\);\n)", r"\1EXPORT_SYMBOL_GPL(\2);\n", text, flags=re.M)


RULES = {"library": for_library, "user": for_user, "c": for_c, "as it is": as_it_is}


# --- comments: ours are up to 118 columns wide, the kernel's 100

WIDTH = 100
COMMENT = re.compile(r"(\s*)(///|//!|//|\s\*)(?= |$)(.*)")
# What does not go on from the line before.
BEGINS = re.compile(r"\s*(?:[-*|#>] ?|\d+\. |\[[^]]*\]: |```|$|[A-Z]{2,}: |(?:Context|Returns): )|\s{4,}")


def narrow(text):
    """The comments of `text` with no line wider than the kernel's: what is too much goes to the next line."""
    lines, done, fenced = text.splitlines(), [], False
    while lines:
        line = lines.pop(0)
        found = COMMENT.match(line)
        if found and found[3].lstrip().startswith("```"):
            fenced = not fenced
        elif not found:
            fenced = False
        room = WIDTH - (len(found[1].expandtabs(8)) + len(found[2]) if found else 0)
        if not found or fenced or len(found[3].expandtabs(8)) <= room or re.match(r"\s*[|]|\s{4,}", found[3]):
            done.append(line)
            continue
        head, said = found[1] + found[2], found[3]
        cut = said.rfind(" ", 0, room + 1)
        # Not within what is code: a line of it may begin with what means something else there.
        while cut > 0 and said.count("`", 0, cut) % 2:
            cut = said.rfind(" ", 0, cut)
        indent = len(said) - len(said.lstrip())
        if cut <= indent:
            done.append(line)
            continue
        if re.match(r"\s*(?:[-*] |\d+\. )", said):
            indent += re.match(r"\s*(?:[-*] |\d+\. )", said).end() - indent
        rest = " " * indent + said[cut + 1:].strip()
        done.append(head + said[:cut])
        after = COMMENT.match(lines[0]) if lines else None
        if after and after[1] + after[2] == head and not BEGINS.match(after[3]):
            lines[0] = f"{head}{rest} {after[3].lstrip()}"
        else:
            lines.insert(0, head + rest)
    for line in done:
        if COMMENT.match(line) and len(line.expandtabs(8)) > WIDTH:
            raise IntreeError(f"a comment has {len(line.expandtabs(8))} columns and cannot be wrapped, at most {WIDTH}: '{shorten(line)}'")
    return "\n".join(done) + "\n"
