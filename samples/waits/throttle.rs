// SPDX-License-Identifier: GPL-2.0

//! Begin one more when there are few enough.
//!
//! C: `wait_event(wq, atomic_read(&n) < limit)` and `atomic_inc(&n)`
//! Rust: `writers.up_when(cx, LIMIT - 1, Killable)`
//! Not any more: two that both pass the look, and both count
//!
//! ```c
//! wait_event_killable(queue->wait, atomic_read(&queue->writers) < LIMIT);
//! atomic_inc(&queue->writers);
//!
//! if (atomic_dec_return(&queue->writers) < LIMIT)
//!         wake_up(&queue->wait);
//! ```

use baton::{
    count::{
        Count,
        Counted, //
    },
    event::{
        Killable,
        WaitError, //
    },
    MaySleep, //
};
use kernel::prelude::*;

const LIMIT: u32 = 2;

fn begin(writers: &Count, cx: &mut MaySleep) -> Result<Counted, WaitError> {
    writers.up_when(cx, LIMIT - 1, Killable)
}

/// In any context.
fn end(writer: Counted) {
    writer.down();
}

#[kunit_tests(baton_waits_throttle)]
mod tests {
    use super::*;
    use crate::told;
    use baton::count::new_count;
    use kernel::sync::Arc;

    #[test]
    fn there_are_never_more() -> Result {
        let cx = &mut MaySleep::assert();
        let writers: Arc<Count> = Arc::pin_init(new_count!(), GFP_KERNEL)?;
        let (one, two) = (begin(&writers, cx)?, begin(&writers, cx)?);
        let got = told(
            cx,
            &writers,
            |writers, cx| {
                let writer = begin(writers, cx)?;
                let number = writers.get();
                end(writer);
                Ok::<_, WaitError>(number)
            },
            |writers, _| writers.waiters(),
            |_, _| end(one),
        )?;
        end(two);
        assert_eq!((got, writers.get()), (Ok(LIMIT), 0));
        Ok(())
    }
}
