# SPDX-License-Identifier: GPL-2.0
"""The rule 'orderings', tried on planted sources before it is believed."""

import copy
import os

import litmus
import orderings
import orderings_check
import table

TEST = """C x-sleep

(*
 * Result: Never
 *)

{}

P0(int *state, int *status)
{
	smp_store_mb(*state, 1);	// A else WRITE_ONCE(*state, 1);
	r0 = smp_load_acquire(status);	// D else r0 = READ_ONCE(*status);
}

P1(int *state, int *status)
{
	smp_store_release(status, 1);	// B else WRITE_ONCE(*status, 1);
	smp_mb();	// C else
	r1 = READ_ONCE(*state);
}

exists (0:r0=0 /\\ 1:r1=0)
"""

RUST = """\
use kernel::sync::atomic::{Acquire, Release, Full};

impl P for Kernel {
    fn publish(&self) {
        // SAFETY: None.
        unsafe { ffi::b_publish() };
    }
}

/// A, pairs with Z: no comment of code.
fn wait(x: &X) {
    loop {
        x.publish(); // A, pairs with C
        if x.status.load(Acquire) == 1 {
            // D, pairs with B
            break;
        }
    }
}

fn once(x: &X) {
    x.done.xchg(true, Full);
}
"""

C = """\
void b_publish(void)
{
	set_current_state(1);
}

void b_tell(unsigned int *status, struct task_struct *task)
{
	/* B, pairs with D */
	smp_store_release(status, 1);
	/* C, pairs with A */
	smp_mb();
	wake(task);
}
"""

MODEL = """\
fn publish(&self) {
    self.state.store(1, Relaxed);
    fence(SeqCst);
}
"""

TABLE = {
    "letters": {"x": "ABCD"},
    "protocols": {"x": ["rust/"]},
    "calls": {
        "publish": {"is": "mb", "by": ["rust/x.rs: Kernel::publish"], "model": ["testing/model/x.rs: publish"], "quiet": True},
        "b_publish": {"is": "mb", "by": ["rust/x.c: b_publish"], "quiet": True},
        "set_current_state": {"is": "mb", "kernel": {"file": "", "from": "", "to": "", "has": ""}, "quiet": True},
    },
    "alone": {"rust/x.rs: once": {"is": "full", "why": "who is first"}},
}

FILES = {"rust/x.rs": RUST, "rust/x.c": C, "testing/model/x.rs": MODEL}

# What is replaced where by what, and a part of what has to be said; nothing as it stands.
PLANTS = (
    ("rust/x.rs", "", "", None),
    ("rust/x.rs", "load(Acquire)", "load(Relaxed)", "D: the operation there, publish, has a letter already"),
    ("rust/x.rs", "load(Acquire)", "load(Release)", "x.D is 'release' in wait()"),
    ("rust/x.rs", "x.publish(); // A", "x.begin(); // A", "A: there is no operation with an order here"),
    ("rust/x.rs", "// D, pairs with B", "// the end", "Acquire (acquire) in wait() has no letter"),
    ("rust/x.rs", "// A, pairs with C", "// E, pairs with C", "E: no protocol of this file has that letter"),
    ("rust/x.rs", "// A, pairs with C", "// A, B, pair with C", "2 letters, and 1 operations: publish (mb)"),
    ("rust/x.rs", "// A, pairs with C", "// A, pairs with D", "x.A pairs with D, which does not pair with A"),
    ("rust/x.rs", "xchg(true, Full)", "xchg(true, Acquire)", "once() has 'acquire' without a letter, and 'full' is listed"),
    ("rust/x.rs", "fn once", "fn twice", "lists 'rust/x.rs: once', which has nothing without a letter"),
    ("rust/x.rs", "ffi::b_publish()", "ffi::b_other()", "rust/x.rs: Kernel::publish() has 'no order', and stands for publish, which is 'mb'"),
    ("rust/x.c", "	set_current_state(1);", "	__set_current_state(1);", "rust/x.c: b_publish() has 'no order', and stands for b_publish"),
    ("rust/x.c", "	smp_mb();\n", "", "C: the operation there, smp_store_release, has a letter already"),
    ("rust/x.c", "	smp_mb();\n", "	/* smp_mb(); */\n", "C: the operation there, smp_store_release, has a letter already"),
    ("rust/x.c", "smp_store_release(status, 1)", "WRITE_ONCE(*status, 1)", "x.B is 'mb' in b_tell()"),
    ("testing/model/x.rs", "    fence(SeqCst);\n", "", "testing/model/x.rs: publish() has 'no order', and stands for publish"),
    ("x-sleep", "smp_load_acquire(status);	// D else r0 = READ_ONCE(*status);", "READ_ONCE(*status);	// D",
     "x.D is 'acquire' in wait(), and x-sleep.litmus:12 has 'r0 = READ_ONCE(*status);', which is '-'"),
    ("x-sleep", "smp_mb();	// C else", "smp_mb();", "x.C is in no litmus test"),
    ("x-sleep", "smp_mb();	// C else", "smp_mb();	// C", "x.C is in x-sleep.litmus, but in none that shows what it is for"),
    ("x-sleep", "READ_ONCE(*state);", "smp_load_acquire(state);	// E", "x.E is nowhere in rust/"),
)

# Tests that say nothing: what is replaced by what, and what has to be said.
NO_TESTS = (
    ("// C else", "// C else smp_mb();", "'smp_mb();' has an order as well"),
    ("C x-sleep", "C y-sleep", "its first line is not 'C x-sleep'"),
    ("Result: Never", "Result: Sometimes", "it does not say ' * Result: Never'"),
    ("Result: Never", "Result: Never\n * Together: C E", "Together: E: there is no '// E else'"),
    ("exists ", "forall ", "it has no 'exists'"),
)


def try_plants():
    """What is wrong with the rule."""
    wrong = []
    for path, old, new, wanted in PLANTS:
        texts = dict(FILES)
        test = TEST
        if path in texts:
            texts[path] = texts[path].replace(old, new, 1) if old else texts[path]
        else:
            test = TEST.replace(old, new, 1)
        if wanted and (texts, test) == (FILES, TEST):
            wrong.append(f"the plant '{new}' in {path} changes nothing")
        said, _ = orderings_check.compare(copy.deepcopy(TABLE), texts, [litmus.Test("x-sleep.litmus", test)])
        if wanted is None and said or wanted and not any(wanted in line for line in said):
            wrong.append(f"the rule says {said} of '{new}' for '{old}' in the planted {path}, wants '{wanted or 'nothing'}'")
    for old, new, wanted in NO_TESTS:
        try:
            litmus.Test("x-sleep.litmus", TEST.replace(old, new, 1))
            wrong.append(f"'{new}' for '{old}' in the planted test is taken, wants '{wanted}'")
        except litmus.Wrong as error:
            if wanted not in str(error):
                wrong.append(f"the planted test with '{new}' is refused by '{error}', wants '{wanted}'")
    return wrong


def check(linux):
    """What is wrong: with the rule, with the sources, with the table of the README."""
    wrong = try_plants()
    if wrong:
        return wrong
    try:
        tests = litmus.read(os.path.join(orderings.TOP, orderings.HERE))
    except litmus.Wrong as error:
        return [str(error)]
    contents = orderings.read_table()
    unexplained = [f"[alone] '{place}' has no 'why'" for place, listed in contents["alone"].items() if not listed.get("why")]
    wrong, sites = orderings_check.compare(contents, table.sources(), tests)
    return unexplained + wrong + orderings_check.relied_on(contents, linux) + (table.check(sites, tests) if not wrong else [])
