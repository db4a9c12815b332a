// SPDX-License-Identifier: GPL-2.0

//! Wait for whichever of two things comes first.
//!
//! C: DECLARE_WAITQUEUE, add_wait_queue, remove_wait_queue
//! Rust: `.on(|s| &s.input)..or(|s| &s.gone)`
//! Not any more: an entry that is left on one of the queues; one entry for two queues; an answer that is taken although the
//! other one was acted on
//!
//! ```c
//! DECLARE_WAITQUEUE(one, current);
//! DECLARE_WAITQUEUE(two, current);
//!
//! add_wait_queue(&port->input_wait, &one);
//! add_wait_queue(&port->gone_wait, &two);
//! for (;;) {
//!         set_current_state(TASK_UNINTERRUPTIBLE);
//!         if (port->input || port->gone)
//!                 break;
//!         schedule();
//! }
//! __set_current_state(TASK_RUNNING);
//! remove_wait_queue(&port->gone_wait, &two);
//! remove_wait_queue(&port->input_wait, &one);
//! ```

use baton::{
    event::{
        Closed,
        Uninterruptible, //
    },
    Either,
    Event,
    LockIn,
    MaySleep, //
};
use core::mem;
use kernel::{
    prelude::*,
    sync::Mutex, //
};

#[pin_data]
struct Port {
    #[pin]
    input: Event<u32>,
    #[pin]
    gone: Event<bool>,
}

fn read(port: &Mutex<Port>, cx: &mut MaySleep) -> Result<Option<u32>, Closed> {
    let wait = port
        .lock_in(cx)
        .on(|s| &s.input)
        .when(|input| *input > 0, mem::take)
        .or(|s| &s.gone)
        .until(|gone| *gone);
    // Input that is there is read, even if the device is gone.
    Ok(match wait.wait(Uninterruptible)? {
        Either::First(input) => Some(input),
        Either::Second(()) => None,
    })
}

#[kunit_tests(baton_waits_two_queues)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn whichever_comes_first_ends_it() -> Result {
        let cx = &mut MaySleep::assert();
        let port = Arc::pin_init(
            new_mutex!(pin_init!(Port { input <- new_event!(0), gone <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        let gone = told(
            cx,
            &port,
            read,
            |port, cx| port.lock_in(cx).gone.waiters(),
            |port, cx| {
                port.lock_in(cx)
                    .update(|port| port.project().gone, |gone| *gone = true);
            },
        )?;
        port.lock_in(cx)
            .update(|port| port.project().input, |input| *input = 7);
        let last = read(&port, cx);
        assert_eq!(gone, Ok(None));
        assert_eq!(last, Ok(Some(7)));
        Ok(())
    }
}
