// SPDX-License-Identifier: GPL-2.0

//! The cases of what an entry says, and of the table that decides: one step after the other, with nobody beside.

use super::{
    entry_host::Slot,
    state::{decide, Access, Action, Change, Content, End, Granule, Order, Raw, Seen},
    wait::Key,
    word::{leave, let_go, note, note_waiter, seize, Word},
};
use crate::Case;
use Access::{Exclusive, Shared};

const LARGEST: u64 = (1 << 48) - 1;

/// Contents and orders of all kinds, as unlocked entries.
fn entries() -> impl Iterator<Item = (Content, Order, Raw)> {
    [0, 1, 0xabcd_1234_5678, LARGEST]
        .into_iter()
        .flat_map(|value| [false, true].map(|zero| Content { value, zero }))
        .flat_map(|content| [Order::Pte, Order::Pmd].map(|order| (content, order)))
        .map(|(content, order)| (content, order, Raw::new(content, order).unwrap()))
}

/// What an entry says: whether it is locked, by how many readers, whether somebody waits, and what it stands for.
fn said(raw: Raw) -> (bool, u64, bool, Order, Content) {
    assert_eq!(Raw::from_bits(raw.bits()), raw);
    assert_eq!(raw.bits() >> 63, 0);
    (
        raw.is_locked(),
        raw.readers(),
        raw.has_waiters(),
        raw.order(),
        raw.content(),
    )
}

fn granules() {
    assert_eq!([Order::Pte.shift(), Order::Pmd.shift()], [0, 9]);
    assert_eq!([Order::Pte.len(), Order::Pmd.len()], [1, 512]);
    for (_, order, raw) in entries() {
        for index in [1536, 1537, 2047] {
            let granule = Granule::of(raw, index);
            let (base, last) = match order {
                Order::Pte => (index, index),
                Order::Pmd => (1536, 2047),
            };
            assert_eq!(
                (granule.base(), granule.last(), granule.order()),
                (base, last, order)
            );
        }
    }
}

fn owned_and_shared() {
    for (content, order, raw) in entries() {
        let say = |locked, readers, waiters| (locked, readers, waiters, order, content);
        assert_eq!(said(raw), say(false, 0, false));

        let owned = raw.owned();
        assert_eq!(said(owned), say(true, 0, false));
        assert_eq!(said(owned.with_waiters(true)), say(true, 0, true));
        assert_eq!(owned.with_waiters(true).with_waiters(false), owned);
        let awaited = owned.with_waiters(true);
        assert_eq!(
            (awaited.with_waiters(true), owned.owned()),
            (awaited, owned)
        );
        assert_eq!(awaited.unlocked(), raw);
        assert_eq!(raw.taken(Exclusive), Some(owned));
        assert_eq!([owned.taken(Exclusive), owned.taken(Shared)], [None, None]);

        let one = raw.taken(Shared).unwrap();
        let two = one.taken(Shared).unwrap();
        assert_eq!(said(one), say(true, 1, false));
        assert_eq!(said(two), say(true, 2, false));
        assert_eq!((two.without_reader(), one.without_reader()), (one, raw));
        assert_eq!(said(two.with_waiters(true)), say(true, 2, true));
        // Who waits comes first.
        assert_eq!(two.with_waiters(true).taken(Shared), None);
        assert_eq!(two.taken(Exclusive), None);
        assert_eq!((two.owned(), two.unlocked()), (owned, raw));

        let most = owned.shared_by(Raw::MOST_READERS);
        assert_eq!(said(most), say(true, 1023, false));
        assert_eq!(most.taken(Shared), None);
        assert_eq!(raw.shared_by(1022).taken(Shared), Some(most));
        assert_eq!(most.shared_by(2), two);
        assert_eq!(most.with_waiters(true).shared_by(2), two.with_waiters(true));
    }
}

fn contents() {
    let too_large = Content {
        value: LARGEST + 1,
        zero: false,
    };
    for (_, order, raw) in entries() {
        assert_eq!(Raw::new(too_large, order), None);
        for (other, ..) in entries() {
            for old in [
                raw,
                raw.owned(),
                raw.owned().with_waiters(true),
                raw.shared_by(1023).with_waiters(true),
            ] {
                let (locked, readers, waiters, ..) = said(old);
                let new = old.with(other).unwrap();
                assert_eq!(said(new), (locked, readers, waiters, order, other));
                assert_eq!(old.with(too_large), None);
            }
        }
    }
}

fn what_is_seen() {
    for (_, order, raw) in entries() {
        for asked in [Order::Pte, Order::Pmd] {
            assert_eq!(Seen::new(None, asked, false), Seen::Vacant);
            assert_eq!(Seen::new(Some(raw), asked, true), Seen::Mine(raw));
            let smaller = (order, asked) == (Order::Pte, Order::Pmd);
            let kept = raw.owned();
            let wants = |seen| if smaller { Seen::Conflict } else { seen };
            assert_eq!(Seen::new(Some(raw), asked, false), wants(Seen::Free(raw)));
            assert_eq!(Seen::new(Some(kept), asked, false), wants(Seen::Busy(kept)));
        }
    }
}

/// Each action on each thing that can be seen.
fn the_table() {
    let order = Order::Pmd;
    let content = Content {
        value: 7,
        zero: true,
    };
    let too_large = Content {
        value: LARGEST + 1,
        zero: true,
    };
    let insert = |content, lock| Action::Insert { content, lock };
    let new = Raw::new(content, order).unwrap();
    for (_, _, raw) in entries() {
        let mine = raw.owned();
        let replaced = mine.with(content).unwrap();
        for (action, done) in [
            (Action::Leave, (Change::Unlock(mine), End::Left)),
            (Action::Lock, (Change::None, End::Locked(mine))),
            (Action::Remove, (Change::Remove, End::Removed(mine))),
            (Action::Clean, (Change::UnlockClean(mine), End::Stored)),
            (
                Action::Replace(content),
                (Change::Unlock(replaced), End::Stored),
            ),
            (
                Action::Replace(too_large),
                (Change::Unlock(mine), End::Illegal),
            ),
            (insert(content, false), (Change::Unlock(mine), End::Illegal)),
            (insert(content, true), (Change::Unlock(mine), End::Illegal)),
        ] {
            assert_eq!(decide(Seen::Mine(mine), action, order), done);
        }
        for seen in [Seen::Vacant, Seen::Conflict] {
            let left = (Change::None, End::Left);
            assert_eq!(decide(seen, Action::Leave, order), left);
        }
        let illegal = (Change::None, End::Illegal);
        for seen in [Seen::Conflict, Seen::Busy(mine), Seen::Free(raw)] {
            for lock in [false, true] {
                assert_eq!(decide(seen, insert(content, lock), order), illegal);
            }
        }
        for seen in [Seen::Busy(mine), Seen::Free(raw)] {
            assert_eq!(decide(seen, Action::Leave, order), illegal);
        }
        for seen in [
            Seen::Vacant,
            Seen::Conflict,
            Seen::Busy(mine),
            Seen::Free(raw),
        ] {
            for action in [
                Action::Lock,
                Action::Remove,
                Action::Clean,
                Action::Replace(content),
            ] {
                assert_eq!(decide(seen, action, order), illegal);
            }
        }
    }
    for (action, done) in [
        (insert(content, false), (Change::Insert(new), End::Stored)),
        (
            insert(content, true),
            (Change::Insert(new.owned()), End::Locked(new.owned())),
        ),
        (insert(too_large, false), (Change::None, End::Illegal)),
        (insert(too_large, true), (Change::None, End::Illegal)),
    ] {
        assert_eq!(decide(Seen::Vacant, action, order), done);
    }
}

/// Keys of one map, of many maps, and those whose map and index have the same bits, are spread over the buckets.
fn buckets() {
    const BITS: u32 = 8;
    let raw = Raw::new(
        Content {
            value: 0,
            zero: false,
        },
        Order::Pte,
    )
    .unwrap();
    let key = |map, index| Key::new(map, Granule::of(raw, index));
    let used = |keys: &mut dyn Iterator<Item = Key>| {
        let mut used = [false; 1 << BITS];
        keys.for_each(|key| used[key.hash(BITS)] = true);
        used.iter().filter(|used| **used).count()
    };
    for map in [0, 0xffff, 0xffff_8880_1234_5000] {
        assert!(used(&mut (0..1024).map(|index| key(map, index))) > 128);
    }
    assert!(used(&mut (0..1024).map(|map| key(map << 12, 0))) > 128);
    assert!(used(&mut (0..1024).map(|map| key(map, 0xffff))) > 128);
    let parts = |(map, granule): (usize, Granule)| (map, granule.base());
    assert_eq!(parts(key(5, 7).parts()), (5, 7));
}

/// A slot with one entry, and what its word is afterwards.
fn after<R>(entry: Option<Raw>, f: impl FnOnce(&Slot) -> R) -> (R, Option<Raw>) {
    let slot = Slot::new(entry);
    let done = f(&slot);
    (done, slot.load())
}

fn words() {
    let other = Content {
        value: 9,
        zero: false,
    };
    for (_, _, raw) in entries() {
        let (owned, one, two) = (raw.owned(), raw.shared_by(1), raw.shared_by(2));
        let awaited = |raw: Raw| raw.with_waiters(true);

        let mine = (Some(owned), Some(owned));
        assert_eq!(after(Some(raw), |slot| seize(slot, Exclusive)), mine);
        let shared = (Some(two), Some(two));
        assert_eq!(after(Some(one), |slot| seize(slot, Shared)), shared);
        for busy in [owned, awaited(owned), awaited(one)] {
            let not = (None, Some(busy));
            assert_eq!(after(Some(busy), |slot| seize(slot, Exclusive)), not);
            assert_eq!(after(Some(busy), |slot| seize(slot, Shared)), not);
        }

        let new = raw.with(other);
        assert_eq!(after(Some(owned), |slot| let_go(slot, other)), (true, new));
        let kept = (false, Some(awaited(owned)));
        assert_eq!(
            after(Some(awaited(owned)), |slot| let_go(slot, other)),
            kept
        );

        for (before, left) in [
            (one, Some(raw)),
            (two, Some(one)),
            (awaited(two), Some(awaited(one))),
            // The last one hands over.
            (awaited(one), None),
        ] {
            let wants = (left.is_some(), left.or(Some(before)));
            assert_eq!(after(Some(before), leave), wants);
        }

        let noted = (true, Some(awaited(two)));
        assert_eq!(after(Some(two), |slot| note_waiter(slot, Exclusive)), noted);
        let noted = (true, Some(awaited(owned)));
        assert_eq!(after(Some(owned), |slot| note_waiter(slot, Shared)), noted);
        // It can be had.
        let not = (false, Some(two));
        assert_eq!(after(Some(two), |slot| note_waiter(slot, Shared)), not);

        let three = Some(raw.shared_by(3));
        assert_eq!(
            after(Some(awaited(one)), |slot| note(slot, 2, false)).1,
            three
        );
        let still = three.map(awaited);
        assert_eq!(
            after(Some(awaited(one)), |slot| note(slot, 2, true)).1,
            still
        );
        // The others have left.
        let owner = Some(awaited(owned));
        assert_eq!(after(Some(owned), |slot| note(slot, 2, true)).1, owner);
    }
    assert_eq!(after(None, |slot| seize(slot, Exclusive)), (None, None));
    assert_eq!(after(None, |slot| let_go(slot, other)), (false, None));
    assert_eq!(after(None, leave), (false, None));
    assert_eq!(after(None, |slot| note_waiter(slot, Shared)), (false, None));
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("entry_granules", granules),
            Case::explore("entry_owned_and_shared", owned_and_shared),
            Case::explore("entry_contents", contents),
            Case::explore("entry_what_is_seen", what_is_seen),
            Case::explore("entry_the_table", the_table),
            Case::explore("entry_buckets", buckets),
            Case::explore("entry_words", words),
        ]
    }
}
