// SPDX-License-Identifier: GPL-2.0

// The faults that the cases of a stop find.

/// The modules that have the cases.
const CASES: &[&str] = &["stop"];

const STOP: &str = "rust/stop/protocol.rs";
const STOP_CASES: &str = "testing/model/src/stop.rs";

const FAULTS: &[Fault] = &[
    Fault {
        name: "no_second_look_at_the_words",
        file: STOP,
        from: "        if !is_pending() {
            return false;
        }
        hint.set();",
        to: "        return false;",
        case: "stop_against_another",
        says: DEADLOCK,
    },
    Fault {
        name: "second_look_without_a_hint",
        file: STOP,
        from: "        hint.set();",
        to: "",
        case: "stop_against_another",
        says: DEADLOCK,
    },
    Fault {
        name: "no_barrier_behind_the_hint",
        file: STOP_CASES,
        from: "        fence(SeqCst); // E",
        to: "",
        case: "stop_against_another",
        says: DEADLOCK,
    },
    Fault {
        name: "no_barrier_before_the_hint",
        file: STOP_CASES,
        from: "        fence(SeqCst); // F",
        to: "",
        case: "stop_against_another",
        says: DEADLOCK,
    },
];
