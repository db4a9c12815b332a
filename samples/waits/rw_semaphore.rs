// SPDX-License-Identifier: GPL-2.0

//! Wait with a semaphore held for reading, and give it up meanwhile.
//!
//! C: `prepare_to_wait()`, `up_read()`, `schedule()`, as in `handle_userfault()`
//! Rust: `.read_in(cx).on(|s| &s.mapped)`
//! Not any more: a writer between the look and the place on the queue; a change by a reader, or without the semaphore; a path on which
//! it is not taken again
//!
//! ```c
//! down_read(&mm->lock);
//! while (mm->mapped < page) {
//!         prepare_to_wait(&mm->wait, &wait, TASK_KILLABLE);
//!         up_read(&mm->lock);
//!         schedule();
//!         finish_wait(&mm->wait, &wait);
//!         down_read(&mm->lock);
//! }
//! name = mm->name;
//! up_read(&mm->lock);
//! ```

use baton::{
    event::Killable,
    rw_semaphore::{
        RwEvent,
        RwSemaphore, //
    },
    MaySleep, //
};
use kernel::prelude::*;

#[pin_data]
struct Space {
    #[pin]
    mapped: RwEvent<u64>,
    name: u64,
}

fn fault(space: &RwSemaphore<Space>, cx: &mut MaySleep, page: u64) -> Result<u64> {
    let (held, mapped) = space
        .read_in(cx)
        .on(|s| &s.mapped)
        .until(move |mapped| *mapped >= page)
        .wait_relock(Killable);
    mapped?;
    Ok(held.name)
}

fn map(space: &RwSemaphore<Space>, cx: &mut MaySleep, page: u64) {
    let mut held = space.write_in(cx);
    held.as_mut()
        .project()
        .mapped
        .update(|mapped| *mapped = page);
}

#[kunit_tests(baton_waits_rw_semaphore)]
mod tests {
    use super::*;
    use crate::told;
    use baton::{
        new_event,
        rw_semaphore::new_rw_semaphore, //
    };
    use kernel::sync::Arc;

    #[test]
    fn a_writer_gets_in_while_it_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let space = Arc::pin_init(
            new_rw_semaphore!(pin_init!(Space {
                mapped <- RwEvent::new(new_event!(0)),
                name: 7,
            })),
            GFP_KERNEL,
        )?;
        let got = told(
            cx,
            &space,
            |space, cx| fault(space, cx, 2),
            |space, cx| space.read_in(cx).mapped.waiters(),
            |space, cx| {
                map(space, cx, 1);
                map(space, cx, 2);
            },
        )?;
        assert_eq!(got, Ok(7));
        Ok(())
    }
}
