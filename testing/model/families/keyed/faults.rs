// SPDX-License-Identifier: GPL-2.0

// The faults that the cases of events find whose waiters stand under a key.

/// The modules that have the cases.
const CASES: &[&str] = &["keyed", "index_cases"];

const QUEUE: &str = "rust/event/queue.rs";
const LEAVE: &str = "rust/event/leave.rs";
const INDEX: &str = "rust/event/index.rs";
const INDEXED: &str = "rust/event/indexed.rs";

const FAULTS: &[Fault] = &[
    Fault {
        name: "key_found_by_the_wrong_side",
        file: INDEX,
        from: "            next = if at.links.key.get() < key {",
        to: "            next = if at.links.key.get() <= key {",
        case: "key_update_against_enqueue",
        says: DEADLOCK,
    },
    Fault {
        name: "key_of_all",
        file: INDEX,
        from: "        unsafe { Index::key(entry) == self.key }",
        to: "        unsafe { Index::key(entry) >= self.key }",
        case: "key_of_another",
        says: PANIC,
    },
    Fault {
        name: "key_stays_in_the_tree",
        file: QUEUE,
        from: "                Order::Key => ((*(*entry).ops.get()).left)(entry),",
        to: "                Order::Key => {}",
        case: "index_finds_who_waits",
        says: PANIC,
    },
    Fault {
        name: "ranks_are_all_the_same",
        file: INDEX,
        from: "        self.seed.set(x);",
        to: "        self.seed.set(0);",
        case: "index_is_shallow",
        says: PANIC,
    },
    Fault {
        name: "closing_a_key_tells_one",
        file: INDEX,
        from: "            unsafe { self.queue.close_one(entry) };",
        to: "            unsafe { self.queue.close_one(entry) };\n            return;",
        case: "index_closes_one_key",
        says: PANIC,
    },
    Fault {
        name: "served_under_a_key_lets_nobody_pass",
        file: LEAVE,
        from: "                if queue != at && (*heir).head.get() != head {",
        to: "                if queue == at && (*heir).head.get() != head {",
        case: "key_served_lets_those_behind_it_pass",
        says: DEADLOCK,
    },
    Fault {
        name: "threshold_has_to_be_passed",
        file: INDEX,
        from: "unsafe { Index::key(entry) <= (self.0)(w) }",
        to: "unsafe { Index::key(entry) < (self.0)(w) }",
        case: "threshold_update_against_enqueue",
        says: DEADLOCK,
    },
    Fault {
        name: "threshold_is_not_looked_at",
        file: INDEX,
        from: "unsafe { Index::key(entry) <= (self.0)(w) }",
        to: "unsafe { Index::key(entry) <= (self.0)(w).max(1) }",
        case: "threshold_that_is_taken_from",
        says: PANIC,
    },
    Fault {
        name: "tree_loses_a_branch",
        file: INDEX,
        from: "            from.set(between);",
        to: "            from.set(ptr::null());",
        case: "index_finds_who_waits",
        says: PANIC,
    },
    Fault {
        name: "first_of_a_key_is_the_youngest",
        file: INDEX,
        from: "                place = if key < at.links.key.get() {",
        to: "                place = if key <= at.links.key.get() {",
        case: "index_finds_who_waits",
        says: PANIC,
    },
    Fault {
        name: "key_that_is_closed_is_waited_for",
        file: INDEXED,
        from: "        (!index.queue().is_closed()).then_some((index, data))",
        to: "        Some((index, data))",
        case: "key_closed_against_wait",
        says: DEADLOCK,
    },
];
