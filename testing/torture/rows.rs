// SPDX-License-Identifier: GPL-2.0

//! The table: what can be tortured.

mod agent;
mod both;
mod busted;
mod claim;
mod completion;
mod count;
mod drain;
mod entry;
mod errand;
mod event;
mod gate;
mod give;
mod keyed;
mod poll;
mod pool;
mod range;
mod semaphore;
mod sink;
mod slot;
mod thread;
mod tied;

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
    row!("event_any", aside, event::any),
    row!("event_relock", aside, event::relock),
    row!("give", aside, give::give),
    row!("tied", tied::ticket),
    row!("group", tied::group),
    row!("both_mutex", aside, both::mutex),
    row!("both_semaphore", aside, both::semaphore),
    row!("rw_store", aside, semaphore::store),
    row!("rw_rounds", semaphore::rounds),
    row!("claim_spin", claim::spin),
    row!("claim_mutex", claim::mutex),
    row!("keyed", keyed::keyed),
    row!("threshold", keyed::threshold),
    row!("callback", keyed::callback),
    row!("provider", give::provider),
    row!("poll", poll::poll),
    row!("pollers", poll::pollers),
    // Entries.
    row!("entry", entry::exclusive),
    row!("entry_shared", entry::shared),
    row!("entry_orders", entry::orders),
    row!("entry_range", range::range),
    row!("entry_lent", range::lent),
    // What is in flight, by whom it is ended.
    row!("drain_task", drain::task),
    row!("drain_work", drain::work),
    row!("drain_timer", drain::timer),
    row!("drain_softirq", drain::softirq),
    row!("drain_task_work", errand::task_work),
    row!("drain_nested", gate::nested),
    row!("drain_owned", gate::owned),
    row!("phased", drain::phased),
    row!("count", count::count),
    row!("throttle", count::throttle),
    // Ends.
    row!("completion", completion::once),
    row!("completion_counted", completion::counted),
    row!("completion_shared", completion::shared),
    row!("completion_slot", slot::slot),
    row!("sink_work", sink::work),
    row!("sink_timer", sink::timer),
    row!("sink_poll", sink::poll),
    row!("agent", agent::run),
    row!("agent_stop", agent::stop),
    row!("thread", thread::thread),
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
    row!("busted_parked", busted, busted::parked),
    row!("busted_static", busted, busted::audited),
    row!("busted_unaudited", busted, busted::unaudited),
];
