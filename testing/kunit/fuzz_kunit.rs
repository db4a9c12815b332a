// SPDX-License-Identifier: GPL-2.0

//! KUnit suite that replays random programs over the primitives, and compares each step with a reference:
//! see `testing/fuzz`.
//!
//! The short form is some programs of one seed for each primitive. `ENGINE=uml make fuzz` has others.

#[path = "../fuzz/guest/mod.rs"]
mod guest;
#[path = "../fuzz/shared/mod.rs"]
mod shared;
#[allow(unused_imports, unused_macros, reason = "it has what others need")]
#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::MaySleep;
use guest::{
    is_short,
    kept,
    Primitive,
    Settings,
    PRIMITIVES, //
};
use kernel::prelude::*;

suite!("fuzz_kunit", "Random programs over baton's primitives");

/// Replays a program; says what is not as the reference says.
fn ends_as_the_reference_says(program: &str) -> Result {
    // ENTRY: a test, which holds nothing.
    Primitive::replay(&mut MaySleep::assert(), program)
}

/// Replays the programs of the seed.
fn programs_over(primitive: &str) -> Result {
    // ENTRY: a test, which holds nothing.
    let cx = &mut MaySleep::assert();
    let settings = Settings::read(cx)?;
    (Primitive::named(primitive)?.random)(cx, &settings)
}

#[kunit_tests(baton_fuzz)]
mod tests {
    use super::*;

    /// Those that have failed once.
    #[test]
    fn kept_programs_end_as_the_reference_says() -> Result {
        for program in kept() {
            ends_as_the_reference_says(program)?;
        }
        Ok(())
    }

    /// Those that somebody asks about.
    #[test]
    fn given_programs_end_as_the_reference_says() -> Result {
        let settings = Settings::read(&mut MaySleep::assert())?;
        for program in settings.programs()? {
            ends_as_the_reference_says(program)?;
        }
        Ok(())
    }

    #[test]
    fn programs_over_events() -> Result {
        programs_over("event")
    }

    #[test]
    fn programs_over_events_by_key() -> Result {
        programs_over("keyed")
    }

    #[test]
    fn programs_over_entries() -> Result {
        programs_over("entries")
    }

    #[test]
    fn programs_over_drains() -> Result {
        programs_over("drain")
    }

    #[test]
    fn programs_over_drains_without_a_gate() -> Result {
        programs_over("phased")
    }

    #[test]
    fn programs_over_counts() -> Result {
        programs_over("count")
    }

    #[test]
    fn programs_over_completions() -> Result {
        programs_over("completion")
    }

    #[test]
    fn programs_over_counted_completions() -> Result {
        programs_over("counted")
    }

    #[test]
    fn programs_over_slots() -> Result {
        programs_over("slot")
    }

    #[test]
    fn programs_over_pools() -> Result {
        programs_over("pool")
    }

    /// With a reference in which nobody who waits goes on, a program fails soon, and a short one is made of it.
    #[test]
    fn who_goes_on_against_the_reference_is_found() -> Result {
        let cx = &mut MaySleep::assert();
        for primitive in &PRIMITIVES {
            let steps = (primitive.lost)(cx)
                .inspect_err(|error| pr_err!("{}: {:?}\n", primitive.name, error))?;
            assert!(is_short(steps));
        }
        Ok(())
    }

    /// With a reference in which whoever waits goes on at once, who sleeps is found by the deadline, and woken.
    #[test]
    fn who_sleeps_against_the_reference_is_found() -> Result {
        let cx = &mut MaySleep::assert();
        for program in [
            "event fifo: 0 waiti 1",
            "keyed threshold: 0 wait 3",
            "entries pmd: 0 fault 2, 1 share 2",
            "drain plain: 0 nest, 1 enter",
            "phased plain: 0 begin, 1 waiti",
            "count full: 0 up, 1 wait 0",
            "completion shared: 0 start, 0 wait",
            "counted plain: 0 start, 0 give 1, 1 wait",
            "slot plain: 0 start, 0 waiti",
            "pool table: 0 insert 1, 1 waiti 1",
        ] {
            let found = Primitive::hangs(cx, program)?;
            assert!(found);
        }
        Ok(())
    }

    #[test]
    fn what_is_no_program_is_refused() {
        for line in [
            "",
            "event fifo 0 waiti 1",
            "nothing fifo: 0 waiti 1",
            "event other: 0 waiti 1",
            "event fifo: 7 waiti 1",
            "event fifo: 0 waiti 9",
            "event fifo: 0 open",
            "drain plain: 0 open",
        ] {
            assert!(ends_as_the_reference_says(line).is_err());
        }
    }
}
