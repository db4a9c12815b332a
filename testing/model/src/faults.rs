// SPDX-License-Identifier: GPL-2.0

// The positive controls: each fault must make the case that it names end badly, in the way that it
// names. Included by the build script and by the runner.

/// A fault that the explorer must find.
pub struct Fault {
    pub name: &'static str,
    /// The source that it is put into, and what it replaces there by what.
    pub file: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    /// The case that must find it, and a part of what it must say.
    pub case: &'static str,
    pub says: &'static str,
}

const PROTOCOL: &str = "rust/event/protocol.rs";
const NEEDS: &str = "rust/event/needs.rs";
const QUEUE: &str = "rust/event/queue.rs";
const LEAVE: &str = "rust/event/leave.rs";
const SERVE: &str = "rust/event/serve.rs";
const CHOSEN: &str = "rust/event/chosen.rs";
const MONITOR: &str = "rust/event/monitor.rs";
const SEVERAL: &str = "rust/event/several.rs";
const STATE: &str = "rust/entry_map/state.rs";
const EVENT_GATE: &str = "testing/model/src/event_gate.rs";
const WAIT: &str = "rust/entry_map/wait.rs";
const WORD: &str = "rust/entry_map/word.rs";
const DRAIN: &str = "rust/drain/protocol.rs";
const PHASES: &str = "rust/drain/phases.rs";
const DRAIN_HOST: &str = "testing/model/src/drain_host.rs";
const HOST: &str = "testing/model/src/host.rs";
const STOP: &str = "rust/stop/protocol.rs";
const STOP_CASES: &str = "testing/model/src/stop.rs";

const DEADLOCK: &str = "deadlock";
const RACE: &str = "Causality violation";

/// All of them, by what they are put into.
pub const FAULTS: &[&[Fault]] = &[
    EVENT_FAULTS,
    KEYED_FAULTS,
    DRAIN_FAULTS,
    COUNT_FAULTS,
    COMPLETION_FAULTS,
];

include!("faults_completion.rs");
include!("faults_count.rs");
include!("faults_drain.rs");
include!("faults_keyed.rs");

const EVENT_FAULTS: &[Fault] = &[
    Fault {
        name: "wake_before_publish",
        file: NEEDS,
        from: "        Self::store_release(unsafe { &*status }, value); // B, pairs with D
        Self::wake(task, &live); // C, pairs with A",
        to: "        Self::wake(task, &live); // C, pairs with A
        Self::store_release(unsafe { &*status }, value); // B, pairs with D",
        case: "update_against_enqueue",
        says: DEADLOCK,
    },
    Fault {
        name: "wake_forgotten",
        file: NEEDS,
        from: "        Self::wake(task, &live); // C, pairs with A",
        to: "        let _ = (task, &live);",
        case: "update_against_enqueue",
        says: DEADLOCK,
    },
    Fault {
        name: "only_one_not_told",
        file: QUEUE,
        from: "        unsafe { Head::completed((*entry).head.get(), status) };",
        to: "        let _ = (entry, status);",
        case: "update_against_enqueue",
        says: DEADLOCK,
    },
    Fault {
        name: "first_taken_for_the_only_one",
        file: QUEUE,
        from: "        let alone = entry.next.get().is_null()",
        to: "        let alone = true",
        case: "two_claims_on_one_update",
        says: DEADLOCK,
    },
    Fault {
        name: "one_served_by_an_update_for_two",
        file: SERVE,
        from: "                served += 1;",
        to: "                return served + 1;",
        case: "two_claims_on_one_update",
        says: DEADLOCK,
    },
    Fault {
        name: "departure_forgets_those_behind",
        file: QUEUE,
        from: "            if let Some(heir) = heir.as_ref() {",
        to: "            if let (true, Some(heir)) = (self.is_closed(), heir.as_ref()) {",
        case: "fifo_head_departs",
        says: DEADLOCK,
    },
    Fault {
        name: "close_leaves_the_door_open",
        file: QUEUE,
        from: "        self.closed.set(true);",
        to: "",
        case: "close_against_wait",
        says: DEADLOCK,
    },
    Fault {
        name: "close_stops_at_the_first",
        file: QUEUE,
        from: "        while !self.is_empty() {",
        to: "        if !self.is_empty() {",
        case: "close_against_two",
        says: DEADLOCK,
    },
    Fault {
        name: "end_stops_at_the_first",
        file: QUEUE,
        from: "        self.complete_all(ENDED);",
        to: "        if !self.is_empty() {
            // SAFETY: `head` is on the list and not used afterwards.
            unsafe { self.complete(self.head.get(), ENDED) };
        }
        self.closed.set(true);",
        case: "end_against_two",
        says: "panicked",
    },
    Fault {
        name: "end_taken_for_a_close",
        file: MONITOR,
        from: "    let why = if ended == ENDED {",
        to: "    let why = if ended == u32::MAX {",
        case: "end_against_wait",
        says: "panicked",
    },
    Fault {
        name: "entry_touched_after_publish",
        file: QUEUE,
        from: "(*head).status, status, (*head).task) }; // B, C, pair with D, A",
        to: "(*head).status, status, (*head).task) };
        P::load_acquire(unsafe { &(*head).status });",
        case: "update_against_enqueue",
        says: RACE,
    },
    Fault {
        name: "task_not_kept_alive",
        file: NEEDS,
        from: "        Self::wake(task, &live); // C, pairs with A",
        to: "        drop(live);
        let live = Self::live();
        Self::wake(task, &live);",
        case: "task_is_gone",
        says: RACE,
    },
    Fault {
        name: "signal_beats_the_grant",
        file: MONITOR,
        from: "        if ended != WAITING && ended != LOOK {",
        to: "        if ended != WAITING && ended != LOOK && ended != SERVED {",
        case: "signal_against_claim",
        says: "panicked",
    },
    Fault {
        name: "chosen_taken_for_served",
        file: PROTOCOL,
        from: "    status != WAITING && status != CHOSEN",
        to: "    status != WAITING",
        case: "signal_against_deferred_update",
        says: RACE,
    },
    Fault {
        name: "chosen_gives_up",
        file: MONITOR,
        from: "        if ended == CHOSEN {",
        to: "        if ended == CHOSEN {
            if let Some(why) = why {
                return Err((Ended::GaveUp(why), unsafe { events.back() }));
            }
        }
        if ended == u32::MAX {",
        case: "signal_against_deferred_update",
        says: "panicked",
    },
    Fault {
        name: "chosen_not_told",
        file: CHOSEN,
        from: "                P::tell(&raw const (*head).status, SERVED, (*head).task); // B, C, pair with D, A",
        to: "                P::store_release(&(*head).status, SERVED);",
        case: "deferred_update_of_two",
        says: DEADLOCK,
    },
    Fault {
        name: "chosen_entry_touched_after_publish",
        file: CHOSEN,
        from: "                P::tell(&raw const (*head).status, SERVED, (*head).task); // B, C, pair with D, A",
        to: "                P::tell(&raw const (*head).status, SERVED, (*head).task);
                P::load_acquire(&(*head).status);",
        case: "signal_against_deferred_update",
        says: RACE,
    },
    Fault {
        name: "entry_on_another_list_left_behind",
        file: LEAVE,
        from: "            next = (*next).other.get();
        }
    }
}",
        to: "            next = core::ptr::null();
        }
    }
}",
        case: "either_leaves_no_entry_behind",
        says: "panicked",
    },
    Fault {
        name: "any_waits_for_the_first_alone",
        file: SEVERAL,
        from: "            unsafe { member.place.enqueue(entry, head) };",
        to: "            unsafe { member.place.enqueue(entry, head) };
            break;",
        case: "any_of_three_is_served_once",
        says: DEADLOCK,
    },
    Fault {
        name: "served_elsewhere_lets_nobody_pass",
        file: LEAVE,
        from: "                if queue != at && (*heir).head.get() != head {",
        to: "                if queue == at && (*heir).head.get() != head {",
        case: "served_elsewhere_makes_those_behind_it_look",
        says: DEADLOCK,
    },
    Fault {
        name: "told_to_look_before_the_status_says_so",
        file: LEAVE,
        from: "    unsafe { P::tell(&raw const (*head).status, LOOK, (*head).task) }; // B, C, pair with D, A",
        to: "    unsafe {
        P::wake((*head).task, &P::live());
        P::store_release(&(*head).status, LOOK);
    }",
        case: "closed_elsewhere_makes_those_behind_it_look",
        says: DEADLOCK,
    },
    Fault {
        name: "told_to_look_and_does_not",
        file: MONITOR,
        from: "            unsafe { events.departed() };
            drop(guard);
            continue;",
        to: "            drop(guard);
            continue;",
        case: "served_elsewhere_makes_those_behind_it_look",
        says: DEADLOCK,
    },
    Fault {
        name: "place_in_line_not_inherited",
        file: QUEUE,
        from: "                heir.first.set(true);",
        to: "                let _ = heir;",
        case: "served_elsewhere_lets_those_behind_it_pass",
        says: DEADLOCK,
    },
    Fault {
        name: "departure_considers_nobody",
        file: MONITOR,
        from: "            if queue.is_fifo() {
                queue.consider(data);",
        to: "            if queue.is_fifo() && queue.is_closed() {
                queue.consider(data);",
        case: "fifo_head_departs",
        says: DEADLOCK,
    },
    Fault {
        name: "told_after_the_holder_has_waited",
        file: EVENT_GATE,
        from: "        chosen.complete();
        below(any);",
        to: "        below(any);",
        case: "told_before_the_holder_waits",
        says: DEADLOCK,
    },
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
        says: "panicked",
    },
    Fault {
        name: "signal_swallows_the_hand_over",
        file: WAIT,
        from: "        if head.status() == WAITING {",
        to: "        if head.status() <= 1 {",
        case: "hand_over_against_signal",
        says: "panicked",
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
    Fault {
        name: "wake_of_a_frozen_task_lost",
        file: HOST,
        from: "            held.saved = RUNNING;",
        to: "",
        case: "freeze_against_update",
        says: DEADLOCK,
    },
    Fault {
        name: "looked_before_the_freeze_only",
        file: PROTOCOL,
        from: "        sleeper.sleep();",
        to: "        sleeper.sleep();
        sleeper.publish();
        sleeper.sleep();",
        case: "freeze_against_update",
        says: DEADLOCK,
    },
];
