// SPDX-License-Identifier: GPL-2.0

//! Wait until all that are busy have failed.
//!
//! C: two counts of which each side looks at both, as `host_busy` and `host_failed` of SCSI, `nr_pending` and
//! `nr_queued` of raid1
//! Rust: `command.set_aside()`
//! Not any more: neither of the two sees the other's change, so that nobody wakes the handler: there is one number, of what runs
//!
//! ```c
//! atomic_inc(&host->failed);
//! if (atomic_read(&host->busy) == atomic_read(&host->failed))
//!         wake_up_process(host->handler);
//!
//! atomic_dec(&host->busy);
//! if (atomic_read(&host->busy) == atomic_read(&host->failed))
//!         wake_up_process(host->handler);
//! ```

use baton::{
    count::{
        Aside,
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

fn start(host: &Count) -> Result<Counted> {
    Ok(host.up()?)
}

/// In any context.
fn failed(command: Counted) -> Aside {
    command.set_aside()
}

/// In any context.
fn done(command: Counted) {
    command.down();
}

/// Returns how many have failed, when no command runs any more.
fn handle(host: &Count, cx: &mut MaySleep) -> Result<u32, WaitError> {
    host.wait_for(cx, 0, Killable)?;
    Ok(host.aside())
}

#[kunit_tests(baton_waits_count_aside)]
mod tests {
    use super::*;
    use crate::told;
    use baton::count::new_count;
    use kernel::sync::Arc;

    #[test]
    fn the_handler_runs_when_nothing_else_does() -> Result {
        let cx = &mut MaySleep::assert();
        let host: Arc<Count> = Arc::pin_init(new_count!(), GFP_KERNEL)?;
        let commands = (start(&host)?, start(&host)?);
        let (mut aside, mut sleeps_on) = (None, false);
        let got = told(
            cx,
            &host,
            handle,
            |host, _| host.waiters(),
            |host, _| {
                aside = Some(failed(commands.0));
                sleeps_on = host.waiters() == 1;
                done(commands.1);
            },
        )?;
        assert!(sleeps_on);
        assert_eq!(got, Ok(1));
        drop(aside);
        assert_eq!((host.get(), host.aside()), (0, 0));
        Ok(())
    }
}
