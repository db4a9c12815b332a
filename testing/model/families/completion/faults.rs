// SPDX-License-Identifier: GPL-2.0

// The faults that the cases of completions find.

/// The modules that have the cases.
const CASES: &[&str] = &["completion"];

const COMPLETION: &str = "rust/completion/word.rs";

const FAULTS: &[Fault] = &[
    Fault {
        name: "completed_and_nobody_told",
        file: COMPLETION,
        from: "        self.0 & ASKED != 0",
        to: "        self.0 & ASKED == u64::MAX",
        case: "completion_complete_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "asks_though_it_is_done",
        file: COMPLETION,
        from: "        if seen & DONE != 0 {
            return false;
        }
",
        to: "",
        case: "completion_complete_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "asks_beside_the_word",
        file: COMPLETION,
        from: "        if word.cmpxchg_full(seen, seen | ASKED).is_ok() {",
        to: "        if word.cmpxchg_full(seen, seen).is_ok() {",
        case: "completion_complete_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "done_seen_without_the_result",
        file: COMPLETION,
        from: "    word.load_acquire() & DONE != 0 // B, pairs with A",
        to: "    word.load_relaxed() & DONE != 0",
        case: "completion_complete_against_wait",
        says: RACE,
    },
    Fault {
        name: "result_of_the_first_that_goes",
        file: COMPLETION,
        from: "    before < 2 * SIDE && before & DONE != 0",
        to: "    before & DONE != 0",
        case: "completion_complete_against_two_waits",
        says: PANIC,
    },
    Fault {
        name: "result_had_before_it_is_done",
        file: COMPLETION,
        from: "    before < 2 * SIDE && before & DONE != 0",
        to: "    before < 2 * SIDE",
        case: "completion_complete_against_leave",
        says: PANIC,
    },
    Fault {
        name: "completed_for_nobody_unnoticed",
        file: COMPLETION,
        from: "        self.0 < SIDE",
        to: "        self.0 == 0",
        case: "completion_complete_against_leave",
        says: PANIC,
    },
    Fault {
        name: "dropped_and_nobody_says_so",
        file: COMPLETION,
        from: "word.fetch_add_full(DONE + DROPPED)",
        to: "word.fetch_add_full(DONE)",
        case: "completion_dropped_against_started",
        says: PANIC,
    },
];
