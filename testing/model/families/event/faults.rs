// SPDX-License-Identifier: GPL-2.0

// The faults that the cases of the event find: of one, of several in one wait, of waiters that are no tasks, and of events under a semaphore.

/// The modules that have the cases.
const CASES: &[&str] = &[
    "event",
    "event_any",
    "queue_cases",
    "called_cases",
    "claims",
    "rw",
];

const PROTOCOL: &str = "rust/event/protocol.rs";
const NEEDS: &str = "rust/event/needs.rs";
const QUEUE: &str = "rust/event/queue.rs";
const LEAVE: &str = "rust/event/leave.rs";
const SERVE: &str = "rust/event/serve.rs";
const CHOSEN: &str = "rust/event/chosen.rs";
const MONITOR: &str = "rust/event/monitor.rs";
const SEVERAL: &str = "rust/event/several.rs";
const EVENT_GATE: &str = "testing/model/src/event_gate.rs";
const HOST: &str = "testing/model/src/host.rs";
const CALLED: &str = "rust/event/called.rs";
const SHARED: &str = "rust/event/shared.rs";

const FAULTS: &[Fault] = &[
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
        from: "        unsafe { Head::completed((*entry).head.get(), status, waker) };",
        to: "        let _ = (entry, status, waker);",
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
            unsafe { self.complete(self.head.get(), ENDED, Waker::GoesOn) };
        }
        self.closed.set(true);",
        case: "end_against_two",
        says: PANIC,
    },
    Fault {
        name: "end_taken_for_a_close",
        file: MONITOR,
        from: "    let why = if ended == ENDED {",
        to: "    let why = if ended == u32::MAX {",
        case: "end_against_wait",
        says: PANIC,
    },
    Fault {
        name: "entry_touched_after_publish",
        file: LEAVE,
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
        says: PANIC,
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
        says: PANIC,
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
        says: PANIC,
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
    // What the protocol relies on: without a barrier, the wake-up is lost or the result not seen.
    // Of the first sleep, the lock orders the publication; A and C are needed from the second on.
    Fault {
        name: "no_barrier_a",
        file: HOST,
        from: "        fence(SeqCst); // A",
        to: "",
        case: "wake_for_no_reason",
        says: DEADLOCK,
    },
    Fault {
        name: "no_barrier_c",
        file: HOST,
        from: "        fence(SeqCst); // C",
        to: "",
        case: "wake_for_no_reason",
        says: DEADLOCK,
    },
    Fault {
        name: "no_release_b",
        file: HOST,
        from: "status.word.store(value, Release); // B",
        to: "status.word.store(value, Relaxed);",
        case: "update_against_enqueue",
        says: RACE,
    },
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
        says: PANIC,
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
        says: PANIC,
    },
    Fault {
        name: "called_is_not_told_of_a_close",
        file: QUEUE,
        from: "                    ((*(*entry).ops.get()).tell)(entry, status);",
        to: "                    super::leave::unlink_all((*entry).head.get());",
        case: "call_close_against_update",
        says: PANIC,
    },
    Fault {
        name: "called_is_not_served",
        file: SERVE,
        from: "            let served = self.is_called(entry) &&",
        to: "            let served = self.is_closed() && self.is_called(entry) &&",
        case: "call_beside_a_task",
        says: PANIC,
    },
    Fault {
        name: "reader_not_on_the_list",
        file: SHARED,
        from: "            readers.exclude(|| unsafe { queue.enqueue(entry, head) });",
        to: "            let _ = (queue, readers, entry, head);",
        case: "rw_update_against_reader",
        says: DEADLOCK,
    },
    Fault {
        name: "reader_leaves_without_a_word",
        file: SHARED,
        from: "            if queue.is_fifo() {",
        to: "            if !queue.is_fifo() {",
        case: "rw_a_reader_gives_up",
        says: DEADLOCK,
    },
];
