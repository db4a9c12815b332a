// SPDX-License-Identifier: GPL-2.0

// Faults of events whose waiters are found by a key, and of waiters that are no tasks. Included by faults.rs.

const CALLED: &str = "rust/event/called.rs";
const INDEX: &str = "rust/event/index.rs";
const INDEXED: &str = "rust/event/indexed.rs";

const KEYED_FAULTS: &[Fault] = &[
    Fault {
        name: "call_forgotten",
        file: CALLED,
        from: "            (tell.call.get())(tell.with.get());",
        to: "            let _ = tell;",
        case: "call_beside_a_task",
        says: DEADLOCK,
    },
    Fault {
        name: "called_and_withdrawn",
        file: CALLED,
        from: "    let waits = head.status() == WAITING;
    if waits {",
        to: "    let waits = true;
    if head.status() == WAITING {",
        case: "call_update_against_withdraw",
        says: "panicked",
    },
    Fault {
        name: "withdrawn_and_left_on_the_list",
        file: CALLED,
        from: "        unsafe { unlink_all(head) };
    }
    waits",
        to: "    }
    waits",
        case: "call_update_against_withdraw",
        says: "panicked",
    },
    Fault {
        name: "called_is_not_told_of_a_close",
        file: QUEUE,
        from: "                    ((*(*entry).ops.get()).tell)(entry, status);",
        to: "                    super::leave::unlink_all((*entry).head.get());",
        case: "call_close_against_update",
        says: "panicked",
    },
    Fault {
        name: "called_is_not_served",
        file: SERVE,
        from: "            let served = self.is_called(entry) &&",
        to: "            let served = self.is_closed() && self.is_called(entry) &&",
        case: "call_beside_a_task",
        says: "panicked",
    },
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
        says: "panicked",
    },
    Fault {
        name: "key_stays_in_the_tree",
        file: QUEUE,
        from: "                Order::Key => ((*(*entry).ops.get()).left)(entry),",
        to: "                Order::Key => {}",
        case: "index_finds_who_waits",
        says: "panicked",
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
        says: "panicked",
    },
    Fault {
        name: "tree_loses_a_branch",
        file: INDEX,
        from: "            from.set(between);",
        to: "            from.set(ptr::null());",
        case: "index_finds_who_waits",
        says: "panicked",
    },
    Fault {
        name: "first_of_a_key_is_the_youngest",
        file: INDEX,
        from: "                place = if key < at.links.key.get() {",
        to: "                place = if key <= at.links.key.get() {",
        case: "index_finds_who_waits",
        says: "panicked",
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
