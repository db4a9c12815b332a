// SPDX-License-Identifier: GPL-2.0

//! The journal: which requests wait, for what, and what they are told.

use crate::{
    fifo::Fifo,
    journal::{
        Answer,
        Journal,
        Record,
        BATCH, //
    },
};
use kernel::prelude::*;

/// The records that the log has room for.
const ROOM: u32 = 256;

/// What was told to a request: over at once, and how.
type Told = Option<Result>;

/// What was told to a request, which is known by its number.
fn told(answer: Answer<u32>, request: u32) -> Told {
    match answer {
        Answer::Waits => None,
        Answer::Over(same, result) if same == request => Some(result),
        Answer::Over(..) => Some(Err(EBADF)),
    }
}

/// Gives the journal a write, whose record starts where its number says.
fn write(journal: &mut Journal<u32>, fua: bool, request: u32) -> Told {
    let record = Record {
        start: u64::from(request),
        bytes: 512,
    };
    told(journal.write(record, fua, request), request)
}

fn flush(journal: &mut Journal<u32>, request: u32) -> Told {
    told(journal.flush(request), request)
}

/// Makes the oldest `count` records stable, as the log thread does; returns where the first one starts.
fn commit(journal: &mut Journal<u32>, count: usize) -> Result<u64> {
    let mut batch = KVec::with_capacity(count, GFP_KERNEL)?;
    // An allocation may be larger than it was asked for.
    while batch.capacity() - batch.len() > count {
        batch.push(Record::default(), GFP_KERNEL)?;
    }
    let before = batch.len();
    journal.take(&mut batch);
    journal.committed();
    Ok(batch.get(before).map_or(u64::MAX, |record| record.start))
}

/// The next request that was told after it has waited.
fn next(journal: &mut Journal<u32>) -> Option<(u32, Result)> {
    journal.take_done()
}

/// A journal whose log is full, with the records of the requests from 0 on.
fn full(requests: usize) -> Result<Journal<u32>> {
    let mut journal = Journal::new(requests)?;
    for request in 0..ROOM {
        if write(&mut journal, false, request) != Some(Ok(())) {
            return Err(EBUSY);
        }
    }
    Ok(journal)
}

#[kunit_tests(baton_blk_journal)]
mod tests {
    use super::*;

    #[test]
    fn a_write_ends_when_its_record_has_entered() -> Result {
        let mut journal = Journal::new(4)?;
        let first = write(&mut journal, false, 1);
        let due = journal.is_due();
        assert_eq!(first, Some(Ok(())));
        assert_eq!((journal.position(), journal.stable()), (1, 0));
        // Nobody waits for it to be stable.
        assert!(!due);
        assert_eq!(next(&mut journal), None);
        Ok(())
    }

    #[test]
    fn fua_waits_for_its_own_record() -> Result {
        let mut journal = Journal::new(4)?;
        let first = write(&mut journal, true, 1);
        let second = write(&mut journal, true, 2);
        let (due, waiting) = (journal.is_due(), journal.waiting_for_position());
        let start = commit(&mut journal, 1)?;
        let one = (next(&mut journal), next(&mut journal));
        let still_due = journal.is_due();
        let _ = commit(&mut journal, 1)?;
        let other = next(&mut journal);
        assert_eq!((first, second), (None, None));
        assert!(due);
        assert_eq!(waiting, 2);
        assert_eq!(start, 1);
        assert_eq!(one, (Some((1, Ok(()))), None));
        assert!(still_due);
        assert_eq!(other, Some((2, Ok(()))));
        assert!(!journal.is_due());
        assert_eq!((journal.position(), journal.stable()), (2, 2));
        Ok(())
    }

    #[test]
    fn a_flush_waits_for_all_that_has_entered() -> Result {
        let mut journal = Journal::new(4)?;
        let nothing = flush(&mut journal, 1);
        write(&mut journal, false, 2);
        write(&mut journal, false, 3);
        let waits = flush(&mut journal, 4);
        let due = journal.is_due();
        // What enters after it is not waited for.
        write(&mut journal, false, 5);
        let _ = commit(&mut journal, 1)?;
        let early = next(&mut journal);
        let _ = commit(&mut journal, 1)?;
        let over = next(&mut journal);
        let left = journal.is_due();
        let _ = commit(&mut journal, 1)?;
        let again = flush(&mut journal, 6);
        assert_eq!(nothing, Some(Ok(())));
        assert_eq!(waits, None);
        assert!(due);
        assert_eq!(early, None);
        assert_eq!(over, Some((4, Ok(()))));
        assert!(!left);
        assert_eq!(again, Some(Ok(())));
        Ok(())
    }

    #[test]
    fn a_full_log_is_due_and_lets_in_who_waits() -> Result {
        let mut journal = full(4)?;
        let idle = journal.is_due();
        let first = write(&mut journal, false, 1000);
        let second = write(&mut journal, true, 1001);
        let (due, waiting) = (journal.is_due(), journal.waiting_for_room());
        let _ = commit(&mut journal, 1)?;
        let one = (next(&mut journal), next(&mut journal));
        let still = (journal.is_due(), journal.waiting_for_room());
        let _ = commit(&mut journal, 1)?;
        let entered = (journal.waiting_for_room(), journal.waiting_for_position());
        let _ = commit(&mut journal, ROOM as usize)?;
        let other = next(&mut journal);
        assert!(!idle);
        assert_eq!((first, second), (None, None));
        assert_eq!((due, waiting), (true, 2));
        assert_eq!(one, (Some((1000, Ok(()))), None));
        assert_eq!(still, (true, 1));
        // The other one has its record in the log, and waits until that is stable.
        assert_eq!(entered, (0, 1));
        assert_eq!(other, Some((1001, Ok(()))));
        assert_eq!(journal.position(), u64::from(ROOM) + 2);
        Ok(())
    }

    #[test]
    fn records_are_taken_in_order_and_once() -> Result {
        let mut journal = Journal::new(4)?;
        let (mut entered, mut taken, mut wrong) = (0, 0, 0);
        // Around the end of the ring, more than once.
        for _ in 0..10 {
            for _ in 0..100 {
                wrong += u32::from(write(&mut journal, false, entered) != Some(Ok(())));
                entered += 1;
            }
            while taken < u64::from(entered) {
                let mut batch = KVec::with_capacity(BATCH, GFP_KERNEL)?;
                journal.take(&mut batch);
                journal.committed();
                for record in batch.iter() {
                    wrong += u32::from(record.start != taken || record.bytes != 512);
                    taken += 1;
                }
                if batch.is_empty() {
                    break;
                }
            }
        }
        assert_eq!(wrong, 0);
        assert_eq!(taken, 1000);
        assert_eq!(journal.stable(), 1000);
        Ok(())
    }

    #[test]
    fn what_is_not_taken_is_not_stable() -> Result {
        let mut journal = full(4)?;
        let waits = flush(&mut journal, 1000);
        let mut batch = KVec::with_capacity(BATCH, GFP_KERNEL)?;
        journal.take(&mut batch);
        let taken = journal.stable();
        journal.committed();
        let stable = journal.stable();
        assert_eq!(waits, None);
        assert_eq!(taken, 0);
        assert_eq!(stable, batch.len() as u64);
        assert!(stable < u64::from(ROOM));
        assert_eq!(next(&mut journal), None);
        assert!(journal.is_due());
        Ok(())
    }

    #[test]
    fn nothing_is_due_while_the_log_is_held() -> Result {
        let mut journal = Journal::new(4)?;
        journal.hold(true);
        let waits = write(&mut journal, true, 1);
        let held = (journal.is_due(), journal.is_held());
        journal.hold(false);
        let released = (journal.is_due(), journal.is_held());
        assert_eq!(waits, None);
        assert_eq!(held, (false, true));
        assert_eq!(released, (true, false));
        Ok(())
    }

    #[test]
    fn a_log_that_is_shut_down_tells_everybody() -> Result {
        let mut journal = full(4)?;
        let (fua, write_room) = (flush(&mut journal, 1000), write(&mut journal, false, 1001));
        journal.close();
        let mut ended = 0;
        let mut wrong = 0;
        while let Some((request, result)) = next(&mut journal) {
            ended += 1;
            wrong += u32::from(result != Err(ESHUTDOWN) || !(1000..1002).contains(&request));
        }
        let later = (
            write(&mut journal, false, 1),
            write(&mut journal, true, 2),
            flush(&mut journal, 3),
        );
        assert_eq!((fua, write_room), (None, None));
        assert_eq!((ended, wrong), (2, 0));
        assert_eq!(
            later,
            (
                Some(Err(ESHUTDOWN)),
                Some(Err(ESHUTDOWN)),
                Some(Err(ESHUTDOWN))
            )
        );
        assert_eq!(
            journal.waiting_for_room() + journal.waiting_for_position(),
            0
        );
        // Nothing has entered any more.
        assert_eq!(journal.position(), u64::from(ROOM));
        Ok(())
    }

    #[test]
    fn a_flush_of_a_log_that_is_shut_down_fails_also_if_all_is_stable() -> Result {
        let mut journal = Journal::new(4)?;
        journal.close();
        assert_eq!(flush(&mut journal, 1), Some(Err(ESHUTDOWN)));
        Ok(())
    }

    #[test]
    fn there_is_room_for_those_who_wait() -> Result {
        let mut journal = Journal::new(2)?;
        let two = (write(&mut journal, true, 1), write(&mut journal, true, 2));
        let third = write(&mut journal, true, 3);
        while commit(&mut journal, BATCH)? != u64::MAX {}
        let mut ended = 0;
        while next(&mut journal).is_some() {
            ended += 1;
        }
        journal.grow(&mut Journal::new(3)?);
        let three = (
            write(&mut journal, true, 4),
            write(&mut journal, true, 5),
            write(&mut journal, true, 6),
        );
        let fourth = flush(&mut journal, 7);
        while commit(&mut journal, BATCH)? != u64::MAX {}
        let all = [4, 5, 6].map(|request| next(&mut journal) == Some((request, Ok(()))));
        assert_eq!(two, (None, None));
        assert_eq!(third, Some(Err(ENOMEM)));
        assert_eq!(ended, 2);
        assert_eq!(three, (None, None, None));
        assert_eq!(fourth, Some(Err(ENOMEM)));
        assert_eq!(all, [true; 3]);
        Ok(())
    }

    #[test]
    fn there_is_room_for_those_who_wait_for_room() -> Result {
        let mut journal = full(2)?;
        let two = (
            write(&mut journal, false, 1000),
            write(&mut journal, true, 1001),
        );
        let third = (
            write(&mut journal, false, 1002),
            write(&mut journal, true, 1003),
        );
        let mut rounds = 0;
        while rounds < 8 && commit(&mut journal, BATCH)? != u64::MAX {
            rounds += 1;
        }
        let ended = [1000, 1001].map(|request| next(&mut journal) == Some((request, Ok(()))));
        let nobody = next(&mut journal);
        journal.grow(&mut Journal::new(3)?);
        for request in 0..ROOM {
            let _ = write(&mut journal, false, request);
        }
        let three = [4, 5, 6].map(|request| write(&mut journal, false, request));
        let fourth = write(&mut journal, false, 7);
        assert_eq!(two, (None, None));
        assert_eq!(third, (Some(Err(ENOMEM)), Some(Err(ENOMEM))));
        assert_eq!(ended, [true; 2]);
        assert_eq!(nobody, None);
        assert_eq!(three, [None; 3]);
        assert_eq!(fourth, Some(Err(ENOMEM)));
        Ok(())
    }

    #[test]
    fn nobody_waits_for_what_is_there() -> Result {
        let mut journal = full(4)?;
        let mut lost = journal.lost();
        write(&mut journal, true, 1000);
        lost += journal.lost();
        flush(&mut journal, 1001);
        lost += journal.lost();
        while commit(&mut journal, BATCH)? != u64::MAX {
            lost += journal.lost();
        }
        journal.close();
        lost += journal.lost();
        assert_eq!(lost, 0);
        Ok(())
    }

    #[test]
    fn a_queue_is_first_in_first_out() -> Result {
        let mut fifo = Fifo::new(3)?;
        let mut wrong = 0;
        let empty = (
            fifo.is_empty(),
            fifo.len(),
            fifo.front().is_none(),
            fifo.pop(),
        );
        // Around the end, with one to three in it.
        for round in 0..10u32 {
            let many = round % 3 + 1;
            for i in 0..many {
                wrong += u32::from(fifo.push(round * 10 + i).is_err());
            }
            wrong += u32::from(fifo.len() != many as usize || fifo.is_empty());
            wrong += u32::from(many == 3 && fifo.push(999) != Err(999));
            for i in 0..many {
                wrong += u32::from(fifo.front() != Some(&(round * 10 + i)));
                wrong += u32::from(fifo.pop() != Some(round * 10 + i));
            }
        }
        assert_eq!(empty, (true, 0, true, None));
        assert_eq!(wrong, 0);
        assert!(fifo.is_empty());
        Ok(())
    }
}
