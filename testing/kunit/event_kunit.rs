// SPDX-License-Identifier: GPL-2.0

//! KUnit suites of [`Event`]: who is served, how a wait can end, limits, objects with events, the auditor.
//!
//! The waiters are threads; the test's own task gates on `waiters()` and asserts after it has joined
//! them. No waiter's entry is ever on the stack of the task that asserts.

#[macro_use]
#[path = "suite.rs"]
mod suite;

mod event {
    mod any;
    mod asleep;
    mod audit;
    mod callback;
    mod either;
    mod end;
    mod freezable;
    mod gate;
    mod gift;
    mod group;
    mod keyed;
    mod limit;
    mod order;
    mod provider;
    mod sentence;
    mod serve;
    mod slack;
    mod threshold;
    mod tied;
}

suite!("event_kunit", "KUnit suite of baton's events");
