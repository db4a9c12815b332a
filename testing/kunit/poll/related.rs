// SPDX-License-Identifier: GPL-2.0

//! Sources that have their pollers in common: who is woken by which.

use crate::{
    ask,
    ready,
    update,
    Credits, //
};
use baton::{
    poll::{
        new_pollers,
        new_source,
        Mask, //
    },
    testing::Poller,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        new_mutex,
        Arc,
        Mutex, //
    },
};

/// Two sources under locks of their own, which have their pollers in common.
fn related() -> Result<[Arc<Mutex<Credits>>; 2]> {
    let pollers = Arc::new(new_pollers!("poll_kunit"), GFP_KERNEL)?;
    let one = new_source!(0, "poll_kunit", with pollers.clone());
    let other = new_source!(0, "poll_kunit", with pollers);
    Ok([
        Arc::pin_init(new_mutex!(one), GFP_KERNEL)?,
        Arc::pin_init(new_mutex!(other), GFP_KERNEL)?,
    ])
}

#[kunit_tests(baton_poll_related)]
mod tests {
    use super::*;

    #[test]
    fn either_of_related_sources_wakes() -> Result {
        let cx = &mut MaySleep::assert();
        let [one, other] = related()?;
        let mut poller = Poller::new(cx)?;
        ask(&mut poller, cx, &one);
        update(&other, cx, 2);
        let before = poller.woken();
        // It was registered by the first one.
        let seen = ask(&mut poller, cx, &other);
        update(&other, cx, 0);
        let after = poller.woken();
        update(&one, cx, 1);
        assert_eq!((before, after, poller.woken()), (0, 1, 2));
        assert_eq!(seen, Mask::IN);
        assert_eq!(ask(&mut poller, cx, &one), Mask::IN | Mask::OUT);
        assert_eq!(ask(&mut poller, cx, &other), Mask::OUT);
        Ok(())
    }

    #[test]
    fn related_sources_are_registered_with_once() -> Result {
        let (cx, registered) = (&mut MaySleep::assert(), Atomic::new(0));
        let [one, other] = related()?;
        let mut poller = Poller::new(cx)?;
        let seen = poller.ask_after(
            cx,
            || {
                registered.fetch_add(1, Relaxed);
            },
            |cx, table| {
                table.watch(cx, &one, |credits| credits, ready)
                    | table.watch(cx, &other, |credits| credits, ready)
            },
        );
        assert_eq!((seen, registered.load(Relaxed)), (Mask::OUT, 1));
        Ok(())
    }

    /// What it was registered with is not that of the one that it was registered by.
    #[test]
    fn related_sources_come_and_go() -> Result {
        let cx = &mut MaySleep::assert();
        let [one, other] = related()?;
        let mut poller = Poller::new(cx)?;
        ask(&mut poller, cx, &one);
        ask(&mut poller, cx, &other);
        drop(one);
        let gone = poller.woken();
        update(&other, cx, 2);
        let changed = poller.woken();
        let seen = ask(&mut poller, cx, &other);
        drop(other);
        assert_eq!((gone, changed, poller.woken()), (1, 2, 3));
        assert_eq!(seen, Mask::IN);
        Ok(())
    }
}
