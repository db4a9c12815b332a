// SPDX-License-Identifier: GPL-2.0

//! KUnit suites of [`Thread`](baton::Thread): joined, stopped wherever it is, dropped, in its own hands.

#[macro_use]
#[path = "suite.rs"]
mod suite;

mod thread {
    mod end;
    mod scene;
    mod stop;
}

suite!("thread_kunit", "KUnit suite of baton's threads");
