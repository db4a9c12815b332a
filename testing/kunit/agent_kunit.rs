// SPDX-License-Identifier: GPL-2.0

//! KUnit suites of [`Agent`](baton::Agent): runs that end, are stopped, are frozen, and are told apart.

#[macro_use]
#[path = "suite.rs"]
mod suite;

mod agent {
    mod end;
    mod run;
    mod select;
    mod told;
    mod wait;
    mod worker;
}

suite!("agent_kunit", "KUnit suite of baton's agents");
