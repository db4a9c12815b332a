// SPDX-License-Identifier: GPL-2.0

//! The cases of what a wait asks for, with nobody beside.

use super::{
    claim::{until, when, Claim},
    gift::{give, Back, Gifts, GiveError, NoGift},
    host::Host,
    waiter::Waiter,
};
use crate::Case;

fn conditions() {
    let three = until(|n: &u32| *n == 3);
    assert!(!three.holds(&2) && three.holds(&3));

    let mut one = when(
        |n: &u32| *n > 0,
        |n: &mut u32| {
            *n -= 1;
            *n
        },
    );
    assert!(!one.holds(&0) && one.holds(&1));
    let mut left = 5;
    // SAFETY: It holds, and is taken once.
    assert_eq!(unsafe { one.take(&mut left) }, 4);
    assert_eq!(left, 4);

    let mut waiter = Waiter::<u32, _, Host>::new(until(|n: &u32| *n == 3));
    assert!(!waiter.holds_now(&2) && waiter.holds_now(&3));
    assert!(!waiter.claim_mut().holds(&2) && waiter.into_claim().holds(&3));
}

fn gifts() {
    let empty = |place: &Option<u32>| place.is_none();
    let put = give(7).when(empty, |place: &mut Option<u32>, item| {
        *place = Some(item.take())
    });
    assert!(put.holds(&None) && !put.holds(&Some(1)));
    assert_eq!(put.into_item(), 7);

    let mut put = give(7).when(empty, |place: &mut Option<u32>, item| {
        *place = Some(item.take())
    });
    let mut place = None;
    // SAFETY: It holds, and is taken once.
    unsafe { put.take(&mut place) };
    assert_eq!(place, Some(7));

    // What is not taken comes back.
    let mut kept = give(7).when(empty, |_: &mut Option<u32>, _| ());
    // SAFETY: As above.
    unsafe { kept.take(&mut None) };
    assert_eq!(kept.into_item(), 7);
}

/// What comes back of a wait that has failed, of no value, of one and of several.
fn refused() {
    assert_eq!(NoGift.error("late"), "late");
    let one = Back(1).error("late");
    assert_eq!((one.item, one.error), (1, "late"));
    assert_eq!(format!("{one:?}"), format!("{:?}", "late"));
    let both: GiveError<_, _> = Back(1).and(Back('b')).error("late");
    assert_eq!(both.item, (1, 'b'));
    assert_eq!(NoGift.and(Back(2)).error(()).item, 2);
    assert_eq!(Back(2).and(NoGift).error(()).item, 2);
    assert_eq!(NoGift.and(NoGift).error(3), 3);
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("claim_conditions", conditions),
            Case::explore("claim_gifts", gifts),
            Case::explore("claim_refused", refused),
        ]
    }
}
