// SPDX-License-Identifier: GPL-2.0

// The faults that the cases of pools find.

/// The modules that have the cases.
const CASES: &[&str] = &["pool"];

const POOL: &str = "rust/pool/word.rs";

const FAULTS: &[Fault] = &[
    Fault {
        name: "unpinned_and_nobody_told",
        file: POOL,
        from: "    before & AWAITED != 0 && before",
        to: "    before & AWAITED == u64::MAX && before",
        case: "pool_unpin_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "unpins_in_two_strokes",
        file: POOL,
        from: "    let before = word.fetch_sub_full(part.bits()); // B, pairs with A",
        to: "    let before = word.load_relaxed();
    word.fetch_sub_full(part.bits()); // B, pairs with A",
        case: "pool_unpin_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "first_unpin_tells",
        file: POOL,
        from: "    before & AWAITED != 0 && before & (SOLE | PINS) == part.bits()",
        to: "    before & AWAITED != 0 && before & (SOLE | PINS) != part.bits()",
        case: "pool_two_unpins_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "pinned_in_between",
        file: POOL,
        from: "word.inc_unless(SOLE | AWAITED)",
        to: "word.inc_unless(SOLE)",
        case: "pool_pin_against_handover",
        says: "panicked",
    },
    Fault {
        name: "pinned_after_the_last_one",
        file: POOL,
        from: "        idle || seen & AWAITED == 0 || seen & (SOLE | PINS) != 0",
        to: "        true || seen == u64::from(idle)",
        case: "pool_pin_against_handover",
        says: "panicked",
    },
    Fault {
        name: "pinned_beside_an_owner",
        file: POOL,
        from: "            Self::Pin => SOLE,",
        to: "            Self::Pin => 0,",
        case: "pool_pin_against_handover",
        says: "panicked",
    },
    Fault {
        name: "nobody_awaits",
        file: POOL,
        from: "        word.fetch_add_full(AWAITED);",
        to: "",
        case: "pool_unpin_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "owner_is_idle",
        file: POOL,
        from: "    word.load_relaxed() & (SOLE | PINS) == 0",
        to: "    word.load_relaxed() & PINS == 0",
        case: "pool_owner_against_wait",
        says: "panicked",
    },
];
