# SPDX-License-Identifier: GPL-2.0
"""The rule 'orderings' of tools/check: the source, the litmus tests and the host model
have the same order at each letter, and what has no letter is listed with a reason.

Whether the order is enough is what the litmus tests say (make litmus).
"""

import os

import litmus
import orderings
from orderings import TOP, File, joined


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as stream:
        return stream.read()


def implemented(table, files, wrong):
    """What the table says that stands for an operation does have it. Returns the functions in rust/."""
    functions = set()
    for name, call in table["calls"].items():
        if not call.get("by") and not call.get("kernel"):
            if call["is"] != "-":
                wrong.append(f"calls.{name}: it has neither 'by' nor 'kernel'")
        for place in call.get("by", []) + call.get("model", []):
            path, function = place.split(": ")
            functions.add((path, function))
            body = files[path].body(function) if path in files else None
            if body is None:
                wrong.append(f"calls.{name}: {place}: there is no such function, or more than one")
            elif joined(body) != call["is"]:
                wrong.append(f"{place}() has '{joined(body) or 'no order'}', and stands for {name}, which is '{call['is']}'")
    return functions


def relied_on(table, linux):
    """What the kernel's own functions are relied on for is in them."""
    wrong = []
    for name, call in table["calls"].items():
        kernel = call.get("kernel")
        if not kernel:
            continue
        with open(os.path.join(linux, kernel["file"]), encoding="utf-8") as stream:
            text = stream.read()
        begin = text.find(kernel["from"])
        end = text.find(kernel["to"], begin)
        if begin < 0 or end < 0:
            wrong.append(f"calls.{name}: {kernel['file']} has no '{kernel['from']}'")
        elif kernel["has"] not in text[begin:end]:
            wrong.append(f"{kernel['file']}: what follows '{kernel['from']}' has no '{kernel['has'].strip()}' any more: "
                         f"{name} is '{call['is']}'")
    return wrong


def without_letter(file, table, functions, used, wrong):
    """Each operation of a file that has an order has a letter, stands for one that has, or is listed."""
    alone = {}
    for op in file.ops:
        if not op.lettered and not op.quiet and op.order != "-":
            alone.setdefault(file.function_at(op.line), []).append(op)
    for function, ops in alone.items():
        if (file.path, function) in functions:
            continue
        place = f"{file.path}: {function}"
        listed = table["alone"].get(place)
        if not listed:
            wrong.append(f"{file.path}:{ops[0].line}: {ops[0].name} ({ops[0].order}) in {function}() has no letter, "
                         f"and {orderings.HERE}/orderings.toml does not list '{place}'")
            continue
        used.add(place)
        if joined(ops) != listed["is"]:
            wrong.append(f"{file.path}:{ops[0].line}: {function}() has '{joined(ops)}' without a letter, "
                         f"and '{listed['is']}' is listed")


def agree(table, sites, tests, wrong):
    """Each letter is the same in the source, wherever it stands there, and in the tests."""
    in_source, in_tests, left_out = {}, {}, set()
    for site in sites:
        in_source.setdefault(site.key, []).append(site)
    for test in tests:
        for mark in test.marks:
            key = mark.key(test.protocol)
            order = litmus.class_of(mark.code)
            if key:
                in_tests.setdefault(key, []).append((test, mark, order))
                if mark.instead is not None:
                    left_out.add(key)
            elif mark.who in table["calls"] and table["calls"][mark.who]["is"] != order:
                wrong.append(f"{orderings.HERE}/{test.name}.litmus:{mark.line + 1}: {mark.who} is "
                             f"'{table['calls'][mark.who]['is']}', and '{mark.code}' is '{order}'")
    for key, found in in_source.items():
        for site in found:
            if key not in in_tests:
                wrong.append(f"{site.path}:{site.line}: {key} is in no litmus test")
                break
            for test, mark, order in in_tests[key]:
                if order != site.order:
                    wrong.append(f"{site.path}:{site.line}: {key} is '{site.order}' in {site.function}(), and "
                                 f"{test.name}.litmus:{mark.line + 1} has '{mark.code}', which is '{order}'")
        if key in in_tests and key not in left_out and found[0].order != "-":
            wrong.append(f"{key} is in {in_tests[key][0][0].name}.litmus, but in none that shows what it is for: "
                         "'// LETTER else'")
    for key, found in in_tests.items():
        if key not in in_source:
            wrong.append(f"{orderings.HERE}/{found[0][0].name}.litmus:{found[0][1].line + 1}: {key} is nowhere in rust/")
    for key, found in in_source.items():
        protocol, letter = key.split(".")
        for pair in sorted({pair for site in found for pair in site.pairs}):
            # Of the same protocol; or a wait that is one of the event protocol.
            other = in_source.get(f"{protocol}.{pair}") or in_source.get(f"event.{pair}", [])
            if not any(letter in site.pairs for site in other):
                wrong.append(f"{found[0].path}:{found[0].line}: {key} pairs with {pair}, which does not pair with {letter}")
    for protocol, letters in table["letters"].items():
        wrong += [f"[letters] {protocol}: {letter} is nowhere in rust/" for letter in letters
                  if f"{protocol}.{letter}" not in in_source]


def compare(table, texts, tests):
    """What is wrong, and the sites. `texts` are those of rust/ and of the model, by path."""
    wrong, used, sites = [], set(), []
    files = {path: File(path, text, table) for path, text in texts.items()}
    functions = implemented(table, files, wrong)
    for file in files.values():
        if file.path.startswith("rust/"):
            sites += orderings.sites_of(file, table, wrong)
            without_letter(file, table, functions, used, wrong)
    wrong += [f"{orderings.HERE}/orderings.toml lists '{place}', which has nothing without a letter"
              for place in table["alone"] if place not in used]
    agree(table, sites, tests, wrong)
    return wrong, sites
