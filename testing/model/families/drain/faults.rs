// SPDX-License-Identifier: GPL-2.0

// The faults that the cases of drains find.

/// The modules that have the cases.
const CASES: &[&str] = &["drain", "phases_cases"];

const DRAIN: &str = "rust/drain/protocol.rs";
const PHASES: &str = "rust/drain/phases.rs";
const DRAIN_HOST: &str = "testing/model/src/drain_host.rs";
const HOST: &str = "testing/model/src/host.rs";

const FAULTS: &[Fault] = &[
    Fault {
        name: "last_end_wakes_nobody",
        file: DRAIN,
        from: "        S::wake(key);
    }
}

/// The drain goes away.",
        to: "        let _ = key;
    }
}

/// The drain goes away.",
        case: "drain_last_end_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "ender_touches_what_is_gone",
        file: DRAIN,
        from: "        S::wake(key);
    }
}

/// The drain goes away.",
        to: "        if cell.word().load_relaxed() & OWNED != 0 {
            S::wake(key);
        }
    }
}

/// The drain goes away.",
        case: "drain_last_end_against_wait",
        says: RACE,
    },
    Fault {
        name: "gate_taken_for_open",
        file: DRAIN,
        from: "    if before & (OWNED | SHUT) != OWNED {",
        to: "    if before & OWNED != OWNED {",
        case: "drain_last_end_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "gate_looked_at_before_the_count",
        file: DRAIN,
        from: "    let before = cell.word().fetch_sub_full(1);",
        to: "    let gate = cell.word().load_relaxed() & SHUT;
    let before = cell.word().fetch_sub_full(1) & !SHUT | gate;",
        case: "drain_begin_against_shut",
        says: DEADLOCK,
    },
    Fault {
        name: "first_end_frees",
        file: DRAIN,
        from: "    if before & COUNT != 1 {",
        to: "    if before & COUNT == 0 {",
        case: "drain_disown_against_ends",
        says: RACE,
    },
    Fault {
        name: "last_end_frees_what_is_owned",
        file: DRAIN,
        from: "    if before & OWNED == 0 {",
        to: "    if before & COUNT == 1 {",
        case: "drain_last_end_against_wait",
        says: RACE,
    },
    Fault {
        name: "nobody_frees",
        file: DRAIN,
        from: "    if before & COUNT == 0 {
        // SAFETY: There is no reference,",
        to: "    if before == 0 {
        // SAFETY: There is no reference,",
        case: "drain_last_end_against_wait",
        says: PANIC,
    },
    Fault {
        name: "begin_behind_the_gate",
        file: DRAIN,
        from: "    cell.word().inc_unless(SHUT)",
        to: "    cell.word().inc_unless(0)",
        case: "drain_begin_against_shut",
        says: RACE,
    },
    Fault {
        name: "gate_that_two_have",
        file: DRAIN,
        from: "    while seen & SHUT == 0 {
        match word.cmpxchg_full(seen, seen | SHUT) {",
        to: "    loop {
        match word.cmpxchg_full(seen, seen | SHUT) {",
        case: "drain_two_want_to_shut",
        says: PANIC,
    },
    Fault {
        name: "first_of_two_opens",
        file: DRAIN,
        from: "        let last = seen & DEPTH == DEEPER;",
        to: "        let last = seen & SHUT != 0;",
        case: "drain_two_shut_together",
        says: RACE,
    },
    Fault {
        name: "last_of_two_leaves_it_shut",
        file: DRAIN,
        from: "            Ok(()) if last || seen & DEPTH == DEPTH => break,",
        to: "            Ok(()) if last && seen & DEPTH == DEPTH => break,",
        case: "drain_two_shut_together",
        says: DEADLOCK,
    },
    Fault {
        name: "flip_that_is_not_waited_for",
        file: PHASES,
        from: "        waits.drained(self.phase(current))?;",
        to: "",
        case: "phases_begin_against_wait",
        says: RACE,
    },
    Fault {
        name: "flip_shared_that_is_under_way",
        file: PHASES,
        from: "        let wanted = self.flips.fetch_add_full(0) + 1; // G, pairs with H",
        to: "        let wanted = self.flips.fetch_add_full(0);",
        case: "phases_two_waits",
        says: RACE,
    },
    Fault {
        name: "flip_numbered_too_late",
        file: PHASES,
        from: "        self.flips.fetch_add_full(1); // H, pairs with G
        protocol::open(self.phase(flip)); // C, pairs with F",
        to: "        protocol::open(self.phase(flip));
        self.flips.fetch_add_full(1);",
        case: "phases_two_waits",
        says: RACE,
    },
    Fault {
        name: "old_phase_forgotten",
        file: PHASES,
        from: "        waits.drained(self.phase(current + 1))?;",
        to: "",
        case: "phases_wait_given_up",
        says: RACE,
    },
    Fault {
        name: "turn_not_given",
        file: PHASES,
        from: "        waits.give(self.turn);",
        to: "        let _ = W::give;",
        case: "phases_two_waits",
        says: DEADLOCK,
    },
    Fault {
        name: "open_wakes_nobody",
        file: DRAIN,
        from: "    S::wake(cell.gate_key());",
        to: "    let _ = cell.gate_key();",
        case: "drain_open_against_begin",
        says: DEADLOCK,
    },
    Fault {
        name: "sleeps_without_a_look",
        file: DRAIN,
        from: "        if let Some(ended) = look() {
            break Ok(ended);
        }
        if let Some(why) = sleeper.give_up() {
            break Err(why);
        }
        sleeper.sleep();",
        to: "        if let Some(why) = sleeper.give_up() {
            break Err(why);
        }
        sleeper.sleep();
        if let Some(ended) = look() {
            break Ok(ended);
        }",
        case: "drain_last_end_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "sleeps_with_a_signal",
        file: DRAIN,
        from: "        if let Some(why) = sleeper.give_up() {
            break Err(why);
        }",
        to: "        let _ = sleeper.give_up();",
        case: "drain_signal_never_answered",
        says: DEADLOCK,
    },
    Fault {
        name: "drained_without_order",
        file: DRAIN,
        from: "    cell.word().load_acquire() & COUNT == 0",
        to: "    cell.word().load_relaxed() & COUNT == 0",
        case: "drain_last_end_against_wait",
        says: RACE,
    },
    Fault {
        name: "no_barrier_behind_the_count",
        file: DRAIN_HOST,
        from: "        fence(SeqCst); // A",
        to: "",
        case: "drain_last_end_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "no_barrier_before_the_look_at_the_count",
        file: HOST,
        from: "        fence(SeqCst); // A",
        to: "",
        case: "drain_last_end_against_wait",
        says: DEADLOCK,
    },
];
