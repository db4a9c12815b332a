// SPDX-License-Identifier: GPL-2.0

//! Count what is in flight.
//!
//! C: percpu_ref_init, percpu_ref_exit, percpu_ref_get, percpu_ref_tryget, percpu_ref_tryget_live, percpu_ref_tryget_live_rcu,
//! percpu_ref_put
//! Rust: `drain.try_begin()?`
//! Not any more: a put too many or too few: a reference is a value; `percpu_ref_get()` where
//! `percpu_ref_tryget_live()` was needed; an exit with references left that touch what was freed. (It is one
//! atomic count, not one for each CPU.)
//!
//! ```c
//! if (!percpu_ref_tryget_live(&dev->usage))
//!         return -EBUSY;
//! submit(dev, request);
//!
//! percpu_ref_put(&dev->usage);        /* in an interrupt */
//! ```

use baton::drain::{
    Drain,
    DrainError,
    InFlight, //
};
use kernel::prelude::*;

struct Request {
    number: u32,
    in_flight: InFlight,
}

fn submit(drain: &Drain, number: u32) -> Result<Request, DrainError> {
    Ok(Request {
        number,
        in_flight: drain.try_begin()?,
    })
}

/// In any context. Dropping the request would do as well.
fn end(request: Request) -> u32 {
    request.in_flight.end();
    request.number
}

#[kunit_tests(baton_waits_percpu_ref)]
mod tests {
    use super::*;
    use baton::drain::new_drain;

    #[test]
    fn each_reference_ends_once() -> Result {
        let drain = KBox::pin_init(new_drain!(), GFP_KERNEL)?;
        let (one, two) = (submit(&drain, 1)?, submit(&drain, 2)?);
        let both = drain.in_flight();
        let ended = end(one);
        drop(two);
        assert_eq!((both, ended), (2, 1));
        assert_eq!(drain.in_flight(), 0);
        Ok(())
    }
}
