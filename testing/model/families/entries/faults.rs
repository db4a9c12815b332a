// SPDX-License-Identifier: GPL-2.0

// The faults that the cases of the entry map find.

/// The modules that have the cases.
const CASES: &[&str] = &["entry_map", "entry_words"];

const STATE: &str = "rust/entry_map/state.rs";
const WAIT: &str = "rust/entry_map/wait.rs";
const WORD: &str = "rust/entry_map/word.rs";

const FAULTS: &[Fault] = &[
    Fault {
        name: "unlock_wakes_nobody",
        file: WAIT,
        from: "    if raw.has_waiters() {
        hand_over",
        to: "    if raw.has_waiters() && raw.content().zero {
        hand_over",
        case: "one_owner_at_a_time",
        says: DEADLOCK,
    },
    Fault {
        name: "remove_wakes_nobody",
        file: WAIT,
        from: "    let mut offer = Offer::new(*key, Left::News);",
        to: "    let mut offer = Offer::new(*key, Left::Nothing);",
        case: "unlock_against_remove_with_three",
        says: DEADLOCK,
    },
    Fault {
        name: "remove_wakes_only_the_next",
        file: WAIT,
        from: "            (Left::News | Left::Nothing, _) => Grant::LookAgain,",
        to: "            (Left::News | Left::Nothing, _) => {
                offer.left.set(Left::Nothing);
                Grant::LookAgain
            }",
        case: "unlock_against_remove_with_three",
        says: DEADLOCK,
    },
    Fault {
        name: "waiter_that_leaves_keeps_the_entry",
        file: STATE,
        from: "        (Seen::Mine(raw), Action::Leave) => (Change::Unlock(raw), End::Left),",
        to: "        (Seen::Mine(_), Action::Leave) => (Change::None, End::Left),",
        case: "waiter_that_leaves_hands_on",
        says: DEADLOCK,
    },
    Fault {
        name: "hand_over_unlocks",
        file: WAIT,
        from: "                0 => raw.owned(),",
        to: "                0 => raw.unlocked(),",
        case: "one_owner_at_a_time",
        says: PANIC,
    },
    Fault {
        name: "signal_swallows_the_hand_over",
        file: WAIT,
        from: "        if head.status() == WAITING {",
        to: "        if head.status() <= 1 {",
        case: "hand_over_against_signal",
        says: PANIC,
    },
    Fault {
        name: "waiter_not_noted",
        file: WORD,
        from: "        if word.exchange_acquire(old, old.with_waiters(true)) {",
        to: "        if word.exchange_acquire(old, old) {",
        case: "one_owner_at_a_time",
        says: DEADLOCK,
    },
    Fault {
        name: "nobody_is_waited_for",
        file: WORD,
        from: "        if old.taken(access).is_some() {
            return false;
        }",
        to: "",
        case: "readers_against_a_writer",
        says: DEADLOCK,
    },
    Fault {
        name: "waiter_noted_too_late",
        file: WAIT,
        from: "    if !place.note_waiter(&mut held, access) {
        return Ok(Grant::LookAgain);
    }",
        to: "    place.note_waiter(&mut held, access);",
        case: "let_go_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "let_go_of_what_is_waited_for",
        file: WORD,
        from: "    let Some(old) = word.load().filter(|raw| !raw.has_waiters()) else {",
        to: "    let Some(old) = word.load() else {",
        case: "let_go_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "seized_without_acquire",
        file: WORD,
        from: "        if word.exchange_acquire(old, new) {
            // K, pairs with J",
        to: "        if word.exchange_release(old, new) {",
        case: "seize_against_seize",
        says: RACE,
    },
    Fault {
        name: "let_go_without_release",
        file: WORD,
        from: "        Some(new) => word.exchange_release(old, new.unlocked()), // J, pairs with K",
        to: "        Some(new) => word.exchange_acquire(old, new.unlocked()),",
        case: "seize_against_seize",
        says: RACE,
    },
    Fault {
        name: "seized_from_an_owner",
        file: STATE,
        from: "            Access::Exclusive if !self.is_locked() => Some(self.owned()),",
        to: "            Access::Exclusive if self.readers() == 0 => Some(self.owned()),",
        case: "seize_against_seize",
        says: RACE,
    },
    Fault {
        name: "shared_with_an_owner",
        file: STATE,
        from: "        let free = self.0 & Self::OWNED == 0;",
        to: "        let free = true;",
        case: "readers_against_a_writer",
        says: RACE,
    },
    Fault {
        name: "reader_leaves_without_release",
        file: WORD,
        from: "        if word.exchange_release(old, old.without_reader()) {
            // J, pairs with K",
        to: "        if word.exchange_acquire(old, old.without_reader()) {",
        case: "readers_against_a_writer",
        says: RACE,
    },
    Fault {
        name: "last_reader_leaves_who_waits",
        file: WORD,
        from: "        if old.has_waiters() && old.readers() == 1 {
            return false;
        }",
        to: "",
        case: "last_reader_hands_over",
        says: DEADLOCK,
    },
    Fault {
        name: "departure_keeps_readers_out",
        file: WAIT,
        from: "        readers => Offer::share(*key, readers),",
        to: "        readers => {
            let offer = Offer::share(*key, readers);
            offer.left.set(Left::Nothing);
            offer
        }",
        case: "departure_lets_readers_in",
        says: DEADLOCK,
    },
    Fault {
        name: "departure_forgets_another",
        file: WAIT,
        from: "            place.note(&mut held, admitted, others);",
        to: "            place.note(&mut held, admitted, others && readers > 0);",
        case: "signalled_waiter_leaves_another",
        says: DEADLOCK,
    },
];
