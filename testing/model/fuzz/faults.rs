// SPDX-License-Identifier: GPL-2.0

// What programs are tried on, and the faults that they find: those of the model that show when one thing
// happens after the other. Faults of the order of memory accesses do not.

struct Primitive {
    name: &'static str,
    modules: &'static [(&'static str, &'static str)],
    /// The faults of its family, and those of them that have to be found.
    faults: &'static [Fault],
    finds: &'static [&'static str],
}

macro_rules! family {
    ($name:ident, $file:literal) => {
        #[allow(dead_code, unused_imports)]
        mod $name {
            use super::{Fault, DEADLOCK, PANIC, RACE};
            include!(concat!(env!("CARGO_MANIFEST_DIR"), "/../families/", $file));
            pub const ALL: &[Fault] = FAULTS;
        }
    };
}

family!(event, "event/faults.rs");
family!(entries, "entries/faults.rs");
family!(drain, "drain/faults.rs");
family!(count, "count/faults.rs");
family!(completion, "completion/faults.rs");
family!(pool, "pool/faults.rs");
family!(keyed, "keyed/faults.rs");

/// The list of waiters, and the sleep: what all of them are made of.
const COMMON: &[(&str, &str)] = &[
    ("claim", "rust/event/claim.rs"),
    ("needs", "rust/event/needs.rs"),
    ("queue", "rust/event/queue.rs"),
    ("leave", "rust/event/leave.rs"),
    ("serve", "rust/event/serve.rs"),
    ("chosen", "rust/event/chosen.rs"),
    ("waiter", "rust/event/waiter.rs"),
    ("protocol", "rust/event/protocol.rs"),
    ("host", "testing/model/src/host.rs"),
    ("tasks", "testing/model/fuzz/src/tasks.rs"),
];

const PRIMITIVES: &[Primitive] = &[
    Primitive {
        name: "event",
        modules: &[
            ("gift", "rust/event/gift.rs"),
            ("monitor", "rust/event/monitor.rs"),
            ("returning", "rust/event/returning.rs"),
            ("several", "rust/event/several.rs"),
            ("slots", "rust/event/slots.rs"),
            ("event_gate", "testing/model/src/event_gate.rs"),
        ],
        faults: event::ALL,
        finds: EVENT,
    },
    Primitive {
        name: "entries",
        modules: &[
            ("state", "rust/entry_map/state.rs"),
            ("word", "rust/entry_map/word.rs"),
            ("wait", "rust/entry_map/wait.rs"),
            ("entry_host", "testing/model/src/entry_host.rs"),
        ],
        faults: entries::ALL,
        finds: ENTRIES,
    },
    Primitive {
        name: "drain",
        modules: &[
            ("drain_protocol", "rust/drain/protocol.rs"),
            ("drain_host", "testing/model/src/drain_host.rs"),
            ("var", "testing/model/fuzz/src/var.rs"),
        ],
        faults: drain::ALL,
        finds: DRAIN,
    },
    Primitive {
        name: "phased",
        modules: &[
            ("drain_protocol", "rust/drain/protocol.rs"),
            ("drain_parts::phases", "rust/drain/phases.rs"),
            ("drain_host", "testing/model/src/drain_host.rs"),
            ("var", "testing/model/fuzz/src/var.rs"),
        ],
        faults: drain::ALL,
        finds: PHASED,
    },
    Primitive {
        name: "count",
        modules: &[
            ("drain_protocol", "rust/drain/protocol.rs"),
            ("drain_host", "testing/model/src/drain_host.rs"),
            ("count_word", "rust/count/word.rs"),
            ("count_host", "testing/model/src/count_host.rs"),
        ],
        faults: count::ALL,
        finds: COUNT,
    },
    Primitive {
        name: "completion",
        modules: &[
            ("drain_protocol", "rust/drain/protocol.rs"),
            ("drain_host", "testing/model/src/drain_host.rs"),
            ("completion_word", "rust/completion/word.rs"),
            ("completion_host", "testing/model/src/completion_host.rs"),
        ],
        faults: completion::ALL,
        finds: COMPLETION,
    },
    Primitive {
        name: "pool",
        modules: &[
            ("drain_protocol", "rust/drain/protocol.rs"),
            ("drain_host", "testing/model/src/drain_host.rs"),
            ("pool_word", "rust/pool/word.rs"),
            ("pool_host", "testing/model/src/pool_host.rs"),
        ],
        faults: pool::ALL,
        finds: POOL,
    },
    Primitive {
        name: "keyed",
        modules: &[
            ("gift", "rust/event/gift.rs"),
            ("monitor", "rust/event/monitor.rs"),
            ("returning", "rust/event/returning.rs"),
            ("several", "rust/event/several.rs"),
            ("slots", "rust/event/slots.rs"),
            ("index", "rust/event/index.rs"),
            ("indexed", "rust/event/indexed.rs"),
            ("event_gate", "testing/model/src/event_gate.rs"),
            ("keyed_host", "testing/model/src/keyed_host.rs"),
        ],
        faults: keyed::ALL,
        finds: KEYED,
    },
];

const EVENT: &[&str] = &[
    "one_served_by_an_update_for_two",
    "close_leaves_the_door_open",
    "end_taken_for_a_close",
    "departure_considers_nobody",
];

const ENTRIES: &[&str] = &[
    "unlock_wakes_nobody",
    "remove_wakes_nobody",
    "last_reader_leaves_who_waits",
    "departure_keeps_readers_out",
];

const DRAIN: &[&str] = &[
    "last_end_wakes_nobody",
    "gate_that_two_have",
    "first_of_two_opens",
    "open_wakes_nobody",
];

const PHASED: &[&str] = &[
    "flip_that_is_not_waited_for",
    "old_phase_forgotten",
    "turn_not_given",
];

const COUNT: &[&str] = &[
    "asks_for_the_last_waiter_only",
    "forgets_the_other_waiters",
    "gives_up_with_the_others_number",
    "one_too_many",
    "frees_what_lives",
];

const COMPLETION: &[&str] = &[
    "completed_and_nobody_told",
    "result_of_the_first_that_goes",
    "completed_for_nobody_unnoticed",
    "dropped_and_nobody_says_so",
];

const POOL: &[&str] = &[
    "first_unpin_tells",
    "pinned_beside_an_owner",
    "owner_is_idle",
];

const KEYED: &[&str] = &[
    "key_found_by_the_wrong_side",
    "key_of_all",
    "threshold_is_not_looked_at",
    "first_of_a_key_is_the_youngest",
    "key_that_is_closed_is_waited_for",
];
