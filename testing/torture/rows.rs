// SPDX-License-Identifier: GPL-2.0

//! The table: what can be tortured.

mod busted;
mod claim;
mod completion;
mod count;
mod drain;
mod entry;
mod event;
mod keyed;
mod pool;

use crate::row::Kind;

macro_rules! row {
    ($name:literal, $make:expr) => {
        row!($name, $make, aside: false, busted: false)
    };
    ($name:literal, aside, $make:expr) => {
        row!($name, $make, aside: true, busted: false)
    };
    ($name:literal, busted, $make:expr) => {
        row!($name, $make, aside: false, busted: true)
    };
    ($name:literal, aside, busted, $make:expr) => {
        row!($name, $make, aside: true, busted: true)
    };
    ($name:literal, $make:expr, aside: $aside:literal, busted: $busted:literal) => {
        Kind {
            name: $name,
            busted: $busted,
            aside: $aside,
            make: $make,
        }
    };
}

/// Every row.
pub(crate) static TABLE: &[Kind] = &[
    // An event in each kind of lock, and in each order.
    row!("event_spin", aside, event::spin),
    row!("event_mutex", aside, event::mutex),
    row!("event_irq", aside, event::irq),
    row!("event_fifo", aside, event::fifo),
    row!("event_either", aside, event::either),
    row!("event_relock", aside, event::relock),
    row!("claim_spin", claim::spin),
    row!("claim_mutex", claim::mutex),
    row!("keyed", keyed::keyed),
    row!("threshold", keyed::threshold),
    row!("callback", keyed::callback),
    // Entries.
    row!("entry", entry::exclusive),
    row!("entry_shared", entry::shared),
    row!("entry_orders", entry::orders),
    // What is in flight, by whom it is ended.
    row!("drain_task", drain::task),
    row!("drain_work", drain::work),
    row!("drain_timer", drain::timer),
    row!("phased", drain::phased),
    row!("count", count::count),
    row!("throttle", count::throttle),
    // Ends.
    row!("completion", completion::once),
    row!("completion_counted", completion::counted),
    row!("completion_shared", completion::shared),
    row!("pool", pool::pool),
    // What a run must find something wrong with, and the same without the fault.
    row!("boxes", aside, busted::boxes),
    row!("busted_dropped", aside, busted, busted::dropped),
    row!("busted_early", aside, busted, busted::early),
    row!("busted_signal", aside, busted, busted::signal),
    row!("busted_key", busted, busted::key),
    row!("busted_holding", busted, busted::holding),
    row!("busted_late", busted, busted::late),
    row!("busted_claim", busted, busted::claim),
    row!("busted_pin", busted, busted::pin),
    row!("busted_owners", busted, busted::owners),
    row!("busted_static", busted, busted::audited),
    row!("busted_unaudited", busted, busted::unaudited),
];
