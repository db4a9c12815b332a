# SPDX-License-Identifier: GPL-2.0
"""Anchors that have to be refused, and rules that have to do what they say: see intree.py."""

import sys

from intree_edits import (
    IntreeError,
    apply,
    for_c,
    for_library,
    for_user,
    narrow,
)

TEXT = """\
impl A {
    fn first(&self) {
        // not a brace: {
        let c = '{';
        self.go("}");
        self.go("again");
    }
}

impl B {
    fn first(&self) {
        self.go("}");
    }
}
"""

REFUSED = [
    ("an anchor that is not there", {"at": "self.went("}, "a.rs: there is no 'self.went('"),
    ("an anchor that is there twice", {"at": "self.go("},
     "a.rs: 'self.go(' is there more than once; say more of the line, or `within`"),
    ("an item that is not there", {"within": "fn second", "at": "x"}, "a.rs: there is no 'fn second'"),
    ("an item that is there twice", {"within": "fn first", "at": "x"},
     "a.rs: 'fn first' is there more than once; say more of the line, or `within`"),
    ("an anchor in another item", {"within": ["impl B", "fn first"], "at": '"again"'},
     "a.rs, in 'impl B', in 'fn first': there is no '\"again\"'"),
    ("an item without a block", {"within": "self.go(\"again\");", "at": "x"},
     "a.rs, in 'self.go(\"again\");': it has no block that ends"),
]

DONE = [
    ({"within": "impl B", "at": "self.go"}, 'impl B {\n    fn first(&self) {\n        go();\n    }\n'),
    ({"within": ["impl A", "fn first"], "how": "body"}, "impl A {\n    fn first(&self) {\n        go();\n    }\n}\n\nimpl B"),
    ({"at": '"again"', "how": "before"}, '        self.go("}");\n        go();\n        self.go("again")'),
    ({"at": '"again"', "how": "after"}, '        self.go("again");\n        go();\n    }'),
    ({"within": "impl A", "at": "// not", "through": '"again"'}, "    fn first(&self) {\n        go();\n    }\n}\n\nimpl B"),
    ({"within": "impl A"}, "        go();\n\nimpl B"),
]

MOVED = [
    (for_library, "use crate::{\n    level::Level, //\n};\n", "use crate::baton::{\n    level::Level, //\n};\n"),
    (for_library, "use kernel::prelude::*;\n", "use crate::prelude::*;\n"),
    (for_library, "    $crate::event::Event::new($crate::new_map!(), ::kernel::x!())\n",
     "    $crate::baton::event::Event::new($crate::new_map!(), $crate::x!())\n"),
    (for_library, "/// use baton::event; // not kernel::event, [there](crate::level)\n",
     "/// use kernel::baton::event; // not kernel::event, [there](crate::baton::level)\n"),
    (for_library, "#[cfg(CONFIG_KUNIT)]\n", "#[cfg(CONFIG_BATON_TESTING)]\n"),
    (for_user, "use baton::{\n    event, //\n};\nuse kernel::prelude::*;\n",
     "use kernel::baton::{\n    event, //\n};\nuse kernel::prelude::*;\n"),
    (for_user, '#[path = "../../../testing/kunit/suite.rs"]\n#[path = "../../samples/waits/bit.rs"]\n',
     '#[path = "suite.rs"]\n#[path = "waits/bit.rs"]\n'),
    (for_c, "int baton_x(void)\n{\n\treturn 1;\n}\n\nstatic int baton_y(int a,\n\t\t   int b)\n{\n}\n",
     "int baton_x(void)\n{\n\treturn 1;\n}\nEXPORT_SYMBOL_GPL(baton_x);\n\nstatic int baton_y(int a,\n\t\t   int b)\n{\n}\n"),
]


WIDE = "/// " + "word " * 24 + "end.\n"
NARROWED = [
    (WIDE, "/// " + "word " * 18 + "word\n/// " + "word " * 5 + "end.\n"),
    (WIDE + "/// And so on.\n", "/// " + "word " * 18 + "word\n/// " + "word " * 5 + "end. And so on.\n"),
    (WIDE + "///\n/// # Errors\n", "/// " + "word " * 18 + "word\n/// " + "word " * 5 + "end.\n///\n/// # Errors\n"),
    ("/// - " + "word " * 24 + "\n///   more\n", "/// - " + "word " * 18 + "word\n///   " + "word " * 5 + "more\n"),
    ("/// " + "x" * 86 + " `echo w >file` now.\n", "/// " + "x" * 86 + "\n/// `echo w >file` now.\n"),
    ("    // SAFETY: " + "x" * 82 + " y z.\n    // CAST: It is.\n", "    // SAFETY: " + "x" * 82 + " y\n    // z.\n    // CAST: It is.\n"),
]


TOO_WIDE = [
    "/// ```\n" + WIDE + "/// ```\n",
    "//! | " + "x" * 40 + " | " + "y" * 60 + " |\n",
]


def run():
    wrong = []
    for what, edit, said in REFUSED:
        try:
            apply(TEXT, {"file": "a.rs", "put": "", **edit})
            wrong.append(f"{what} was taken")
        except IntreeError as error:
            if str(error) != said:
                wrong.append(f"{what}: says '{error}'")
    for edit, there in DONE:
        if there not in apply(TEXT, {"file": "a.rs", "put": "        go();\n", **edit}):
            wrong.append(f"{edit}: gives\n{apply(TEXT, {'file': 'a.rs', 'put': '        go();' + chr(10), **edit})}")
    for rule, before, after in MOVED:
        if rule(before, {"level", "event"}) != after:
            wrong.append(f"{rule.__name__}: gives {rule(before, {'level', 'event'})!r}")
    for before, after in NARROWED:
        if narrow(before) != after:
            wrong.append(f"a wide comment: gives {narrow(before)!r}")
    for before in TOO_WIDE:
        try:
            narrow(before)
            wrong.append(f"a comment that cannot be wrapped was taken: {before!r}")
        except IntreeError:
            pass
    for line in wrong:
        print(f"intree: self-test: {line}", file=sys.stderr)
    cases = len(REFUSED) + len(DONE) + len(MOVED) + len(NARROWED) + len(TOO_WIDE)
    print(f"{cases - len(wrong)} passed, {len(wrong)} failed, 0 skipped")
    return 1 if wrong else 0
