// SPDX-License-Identifier: GPL-2.0

// The faults that the cases of the counts find.

/// The modules that have the cases.
const CASES: &[&str] = &["count"];

const COUNT: &str = "rust/count/word.rs";

const FAULTS: &[Fault] = &[
    Fault {
        name: "sleeps_though_it_is_reached",
        file: COUNT,
        from: "        if count_of(seen) <= most {
            return false;
        }
",
        to: "",
        case: "count_down_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "asks_for_nothing",
        file: COUNT,
        from: "with_awaited(seen, awaited)).is_ok() {",
        to: "seen).is_ok() || awaited > MAX {",
        case: "count_down_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "asks_for_the_last_waiter_only",
        file: COUNT,
        from: "awaited_of(seen).max(most + 1)",
        to: "most + 1",
        case: "count_two_waiters",
        says: DEADLOCK,
    },
    Fault {
        name: "forgets_the_other_waiters",
        file: COUNT,
        from: "ask_for(cell.word(), look.awaited.get());",
        to: "ask_for(cell.word(), 0);",
        case: "count_two_waiters",
        says: DEADLOCK,
    },
    Fault {
        name: "asks_when_they_were_told",
        file: COUNT,
        from: "    if let Some((cell, _)) = look.seen.get() {
        ask_for(cell.word(), look.awaited.get());
    }
    chosen.complete();",
        to: "    chosen.complete();
    if let Some((cell, _)) = look.seen.get() {
        ask_for(cell.word(), look.awaited.get());
    }",
        case: "count_down_against_wait",
        says: RACE,
    },
    Fault {
        name: "tells_whoever_has_the_key",
        file: COUNT,
        from: "look.count(self.cell) <= self.most {",
        to: "look.count(self.cell) <= MAX {",
        case: "count_another_at_the_address",
        says: RACE,
    },
    Fault {
        name: "gives_up_with_the_others_number",
        file: COUNT,
        from: "        ask_for(word, others.awaited.get());",
        to: "        ask_for(word, 0);",
        case: "count_one_of_two_gives_up",
        says: DEADLOCK,
    },
    Fault {
        name: "looks_without_a_barrier",
        file: COUNT,
        from: "count_of(cell.word().fetch_add_full(0))",
        to: "count_of(cell.word().load_acquire())",
        case: "count_up_against_flag",
        says: RACE,
    },
    Fault {
        name: "one_too_many",
        file: COUNT,
        from: "    if before & u64::from(MAX) == 0 {",
        to: "    if count_of(before) <= MAX {",
        case: "count_room_for_one",
        says: PANIC,
    },
    Fault {
        name: "frees_what_lives",
        file: COUNT,
        from: "        counted_down(cell, key, before);
    }",
        to: "        counted_down(cell, key, before);
    } else if count_of(before) == 1 {
        unsafe { cell.free() };
    }",
        case: "count_disown_against_downs",
        says: PANIC,
    },
    Fault {
        name: "nobody_taken_to_ask",
        file: COUNT,
        from: "    if before & !COUNT != OWNED {",
        to: "    if before & OWNED != OWNED {",
        case: "count_down_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "tells_at_every_number",
        file: COUNT,
        from: "    if now < awaited_of(before) {",
        to: "    if 0 < awaited_of(before) {",
        case: "count_not_that_number",
        says: PANIC,
    },
    Fault {
        name: "counts_down_untold",
        file: COUNT,
        from: "        tell::<S>(key);",
        to: "        let _ = key;",
        case: "count_down_against_wait",
        says: DEADLOCK,
    },
];
