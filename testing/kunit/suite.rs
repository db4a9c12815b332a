// SPDX-License-Identifier: GPL-2.0

//! What every KUnit module starts with.

use kernel::time::{
    delay::fsleep,
    Delta,
    Instant,
    Monotonic, //
};

/// Looks until it is so, for ten seconds at most.
#[allow(dead_code, reason = "not every suite waits")]
pub(crate) fn until(mut so: impl FnMut() -> bool) -> bool {
    let start = Instant::<Monotonic>::now();
    while !so() {
        if start.elapsed() > Delta::from_secs(10) {
            return false;
        }
        fsleep(Delta::from_micros(100));
    }
    true
}

/// Declares the module of a suite: its name, which is that of its file, and what it tests.
///
/// The module does nothing of its own; KUnit finds the tests in it when it is loaded.
macro_rules! suite {
    ($name:literal, $description:literal $(,)?) => {
        ::kernel::prelude::module! {
            type: Suite,
            name: $name,
            authors: ["The baton authors"],
            description: $description,
            license: "GPL",
        }

        struct Suite;

        impl ::kernel::Module for Suite {
            fn init(_module: &'static ::kernel::ThisModule) -> ::kernel::error::Result<Self> {
                Ok(Self)
            }
        }
    };
}
