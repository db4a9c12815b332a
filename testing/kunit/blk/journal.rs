// SPDX-License-Identifier: GPL-2.0

//! The journal: which requests wait, for what, and what they are told.

use crate::{
    fifo::Fifo,
    journal::{
        Answer,
        Checkpoint,
        Journal,
        Step,
        Writer, //
    },
    ring::{
        Record,
        Ring, //
    },
};
use kernel::prelude::*;

/// The records that the log has room for.
const ROOM: u32 = 256;

/// What was told to a request: over at once, and how.
type Told = Option<Result>;

/// A journal and its ring.
struct Pair {
    ring: Ring,
    journal: Journal<u32>,
    /// What was told before anybody asked for it.
    told: Fifo<(u32, Result)>,
}

impl Pair {
    fn new(requests: usize) -> Result<Self> {
        Ok(Self {
            ring: Ring::new()?,
            journal: Journal::new(requests)?,
            told: Fifo::new(requests)?,
        })
    }

    /// One whose log is full, with the records of the requests from 0 on.
    fn full(requests: usize) -> Result<Self> {
        let mut pair = Self::new(requests)?;
        for request in 0..ROOM {
            if pair.write(false, request) != Some(Ok(())) {
                return Err(EBUSY);
            }
        }
        Ok(pair)
    }

    /// What was told to a request, which is known by its number.
    fn told(answer: Answer<u32>, request: u32) -> Told {
        match answer {
            Answer::Waits => None,
            Answer::Over(same, result) if same == request => Some(result),
            Answer::Over(..) => Some(Err(EBADF)),
        }
    }

    /// Gives the journal a write, whose record starts where its number says.
    fn write(&mut self, fua: bool, request: u32) -> Told {
        let writer = Writer {
            record: Record {
                start: request.into(),
                bytes: 512,
                ..Record::default()
            },
            fua,
            request,
        };
        Self::told(self.journal.write(&self.ring, writer), request)
    }

    fn flush(&mut self, request: u32) -> Told {
        Self::told(self.journal.flush(&self.ring, request), request)
    }

    fn is_due(&self) -> bool {
        self.journal.is_due(&self.ring)
    }

    /// Takes the turn, and the records.
    fn begin(&mut self) -> Option<(KVec<Record>, u64)> {
        loop {
            match self.journal.next(&self.ring, true) {
                Step::Rest => return None,
                Step::End(request, result, _) => _ = self.told.push((request, result)),
                Step::Turn(mut batch) => {
                    let end = self.ring.take(&mut batch);
                    return Some((batch, end));
                }
            }
        }
    }

    fn committed(&mut self, (batch, end): (KVec<Record>, u64)) {
        self.journal.committed(&self.ring, batch, end);
    }

    /// Makes stable what there is, if it is due, as whoever has the turn does; returns how many records.
    fn commit(&mut self) -> usize {
        self.begin().map_or(0, |turn| {
            let count = turn.0.len();
            self.committed(turn);
            count
        })
    }

    /// The next request that was told after it has waited.
    fn next(&mut self) -> Option<(u32, Result)> {
        self.told
            .pop()
            .or_else(|| match self.journal.next(&self.ring, false) {
                Step::End(request, result, _) => Some((request, result)),
                Step::Rest | Step::Turn(_) => None,
            })
    }

    fn positions(&self) -> (u64, u64) {
        (self.ring.position(), self.ring.stable())
    }

    fn close(&mut self) {
        self.journal.close(&self.ring);
    }

    fn lost(&self) -> usize {
        self.journal.lost(&self.ring)
    }
}

#[kunit_tests(baton_blk_journal)]
mod tests {
    use super::*;

    #[test]
    fn a_write_ends_when_its_record_has_entered() -> Result {
        let mut log = Pair::new(4)?;
        let first = log.write(false, 1);
        assert_eq!(first, Some(Ok(())));
        assert_eq!(log.positions(), (1, 0));
        // Nobody waits for it to be stable.
        assert!(!log.is_due());
        assert_eq!(log.next(), None);
        Ok(())
    }

    #[test]
    fn fua_waits_for_its_own_record() -> Result {
        let mut log = Pair::new(4)?;
        let first = log.write(true, 1);
        let due = log.is_due();
        let turn = log.begin().ok_or(EINVAL)?;
        // It comes while the others are made stable.
        let second = log.write(true, 2);
        let waiting = log.journal.waiting_for_position();
        log.committed(turn);
        let one = (log.next(), log.next());
        let still_due = log.is_due();
        let again = log.commit();
        let other = log.next();
        assert_eq!((first, second), (None, None));
        assert_eq!((due, waiting), (true, 2));
        assert_eq!(one, (Some((1, Ok(()))), None));
        assert!(still_due);
        assert_eq!(again, 1);
        assert_eq!(other, Some((2, Ok(()))));
        assert!(!log.is_due());
        assert_eq!(log.positions(), (2, 2));
        Ok(())
    }

    #[test]
    fn a_flush_waits_for_all_that_has_entered() -> Result {
        let mut log = Pair::new(4)?;
        let (nothing, stable) = (log.flush(1), log.ring.is_stable());
        log.write(false, 2);
        log.write(false, 3);
        let (waits, unstable) = (log.flush(4), log.ring.is_stable());
        let due = log.is_due();
        let turn = log.begin().ok_or(EINVAL)?;
        let early = log.next();
        // What enters after it is not waited for.
        log.write(false, 5);
        log.committed(turn);
        let over = log.next();
        let left = log.is_due();
        let again = log.flush(6);
        assert_eq!((nothing, stable), (Some(Ok(())), true));
        assert_eq!((waits, unstable), (None, false));
        assert!(due);
        assert_eq!(early, None);
        assert_eq!(over, Some((4, Ok(()))));
        assert!(!left);
        assert_eq!(log.positions(), (3, 2));
        assert_eq!(again, None);
        Ok(())
    }

    #[test]
    fn a_full_log_is_due_and_lets_in_who_waits() -> Result {
        let mut log = Pair::full(4)?;
        let turn = log.begin().ok_or(EINVAL)?;
        let first = log.write(false, 1000);
        let second = log.write(true, 1001);
        let waiting = log.journal.waiting_for_room();
        // Somebody has the turn.
        let due = log.is_due();
        log.committed(turn);
        let one = (log.next(), log.next());
        let entered = (
            log.journal.waiting_for_room(),
            log.journal.waiting_for_position(),
        );
        let still = log.is_due();
        log.commit();
        let other = log.next();
        assert_eq!((first, second), (None, None));
        assert_eq!((due, waiting), (false, 2));
        assert_eq!(one, (Some((1000, Ok(()))), None));
        // The other one has its record in the log, and waits until that is stable.
        assert_eq!(entered, (0, 1));
        assert!(still);
        assert_eq!(other, Some((1001, Ok(()))));
        assert_eq!(log.ring.position(), u64::from(ROOM) + 2);
        Ok(())
    }

    #[test]
    fn a_wish_for_room_is_work_also_if_there_is_little() -> Result {
        let mut log = Pair::full(4)?;
        log.journal.hold(&log.ring, true);
        let waits = log.write(false, 1000);
        let held = log.is_due();
        log.journal.hold(&log.ring, false);
        let (due, left) = (log.is_due(), log.journal.is_left());
        let count = log.commit();
        assert_eq!(waits, None);
        assert!(!held);
        assert!(due);
        // Nobody else comes for it.
        assert!(left);
        assert_eq!(count, ROOM as usize);
        assert!(!log.journal.is_left());
        assert_eq!(log.next(), Some((1000, Ok(()))));
        Ok(())
    }

    #[test]
    fn many_records_are_due() -> Result {
        let mut log = Pair::new(4)?;
        let mut due = 0;
        for request in 0..ROOM / 2 {
            due += u32::from(log.is_due());
            log.write(false, request);
        }
        assert_eq!(due, 0);
        assert!(log.is_due());
        assert!(log.ring.is_worth_it());
        assert_eq!(log.commit(), ROOM as usize / 2);
        assert!(!log.is_due());
        Ok(())
    }

    #[test]
    fn whoever_ends_a_request_is_told_whether_there_is_more() -> Result {
        let mut log = Pair::new(4)?;
        log.write(true, 1);
        log.write(true, 2);
        let turn = log.begin().ok_or(EINVAL)?;
        log.committed(turn);
        let more = [(); 3].map(|()| match log.journal.next(&log.ring, true) {
            Step::End(_, _, more) => Some(more),
            Step::Rest | Step::Turn(_) => None,
        });
        log.write(true, 3);
        let over = log.journal.after(&log.ring, Answer::Over(4, Ok(())));
        let work = matches!(over, Step::End(4, Ok(()), true));
        let turn = log.journal.after(&log.ring, Answer::Waits);
        assert_eq!(more, [Some(true), Some(false), None]);
        assert!(work);
        assert!(matches!(turn, Step::Turn(_)));
        Ok(())
    }

    #[test]
    fn whoever_waits_for_room_is_not_overtaken() -> Result {
        let mut log = Pair::full(4)?;
        let waits = log.write(false, 1000);
        let record = Record::default();
        let turn = log.begin().ok_or(EINVAL)?;
        // There is room a moment before it is given to whoever waits.
        log.ring.reach(turn.1);
        let full = log.ring.enter(record);
        // There is room, and nobody else who waits.
        log.committed(turn);
        let free = log.ring.enter(record);
        assert_eq!(waits, None);
        assert_eq!(full, None);
        assert_eq!(log.next(), Some((1000, Ok(()))));
        assert_eq!(free, Some(u64::from(ROOM) + 2));
        Ok(())
    }

    #[test]
    fn records_are_taken_once() -> Result {
        let mut log = Pair::new(4)?;
        let (mut taken, mut sum, mut wrong) = (0, 0, 0);
        for round in 0..10 {
            for i in 0..100 {
                wrong += u32::from(log.write(false, round * 100 + i) != Some(Ok(())));
            }
            log.flush(0);
            let turn = log.begin().ok_or(EINVAL)?;
            for record in turn.0.iter() {
                wrong += u32::from(record.bytes != 512);
                sum += record.start;
                taken += 1;
            }
            log.committed(turn);
            let _ = log.next();
        }
        assert_eq!(wrong, 0);
        assert_eq!((taken, sum), (1000, 499_500));
        Ok(())
    }

    #[test]
    fn what_is_not_taken_is_not_stable() -> Result {
        let mut log = Pair::full(4)?;
        let waits = log.flush(1000);
        let turn = log.begin().ok_or(EINVAL)?;
        let taken = log.ring.stable();
        let other = log.begin().is_none();
        // The one that has the turn gives up.
        log.journal.leave(turn.0);
        let left = (log.journal.is_left(), log.ring.stable(), log.next());
        let again = log.begin().ok_or(EINVAL)?;
        let count = again.0.len();
        log.committed(again);
        assert_eq!(waits, None);
        assert_eq!(taken, 0);
        assert!(other);
        assert_eq!(left, (true, 0, None));
        assert_eq!(count, ROOM as usize);
        assert_eq!(log.ring.stable(), u64::from(ROOM));
        assert_eq!(log.next(), Some((1000, Ok(()))));
        Ok(())
    }

    #[test]
    fn nothing_is_due_while_the_log_is_held() -> Result {
        let mut log = Pair::new(4)?;
        log.journal.hold(&log.ring, true);
        let waits = log.write(true, 1);
        let held = (log.is_due(), log.begin().is_some(), log.journal.is_held());
        log.journal.hold(&log.ring, false);
        let released = (log.is_due(), log.journal.has_work(), log.journal.is_held());
        assert_eq!(waits, None);
        assert_eq!(
            (held, released),
            ((false, false, true), (true, true, false))
        );
        Ok(())
    }

    #[test]
    fn the_log_thread_has_work_if_it_was_left_some() -> Result {
        let mut log = Pair::new(4)?;
        let _ = log.next();
        let nothing = log.journal.has_work();
        log.write(true, 1);
        let due = log.journal.has_work();
        // Somebody looks who does not want the turn.
        let _ = log.next();
        let left = (log.journal.has_work(), log.journal.is_urgent());
        log.commit();
        let _ = log.next();
        let done = log.journal.has_work();
        log.journal.wish(Checkpoint::Later);
        let later = (log.journal.has_work(), log.journal.is_urgent());
        log.journal.wish(Checkpoint::Now);
        log.journal.wish(Checkpoint::Never);
        let now = log.journal.is_urgent();
        let wish = log.journal.take_wish();
        assert!(!nothing);
        assert!(!due);
        assert_eq!(left, (true, true));
        assert!(!done);
        assert_eq!(later, (true, false));
        assert!(now);
        assert!(wish == Checkpoint::Now);
        assert!(!log.journal.has_work());
        Ok(())
    }

    #[test]
    fn a_log_that_is_shut_down_tells_everybody() -> Result {
        let mut log = Pair::full(4)?;
        let (fua, write_room) = (log.flush(1000), log.write(false, 1001));
        log.close();
        let (mut ended, mut wrong) = (0, 0);
        while let Some((request, result)) = log.next() {
            ended += 1;
            wrong += u32::from(result != Err(ESHUTDOWN) || !(1000..1002).contains(&request));
        }
        let later = (log.write(false, 1), log.write(true, 2), log.flush(3));
        let entered = log.ring.enter(Record::default());
        assert_eq!((fua, write_room), (None, None));
        assert_eq!((ended, wrong), (2, 0));
        let shut = Some(Err(ESHUTDOWN));
        assert_eq!(later, (shut, shut, shut));
        assert_eq!(log.journal.waiting_for_room(), 0);
        assert_eq!(log.journal.waiting_for_position(), 0);
        // Nothing has entered any more.
        assert_eq!(entered, None);
        assert_eq!(log.ring.position(), u64::from(ROOM));
        Ok(())
    }

    #[test]
    fn a_flush_of_a_log_that_is_shut_down_fails_also_if_all_is_stable() -> Result {
        let mut log = Pair::new(4)?;
        log.close();
        let shut = Some(Err(ESHUTDOWN));
        // Nor is it over without a look at the journal, nor does a write enter.
        let told = (log.flush(1), log.write(false, 2), log.ring.is_stable());
        assert_eq!(told, (shut, shut, false));
        Ok(())
    }

    #[test]
    fn there_is_room_for_those_who_wait() -> Result {
        let mut log = Pair::new(2)?;
        let two = (log.write(true, 1), log.write(true, 2));
        let third = log.write(true, 3);
        log.commit();
        let mut ended = 0;
        while log.next().is_some() {
            ended += 1;
        }
        log.journal.grow(&mut Journal::new(3)?);
        let three = (log.write(true, 4), log.write(true, 5), log.write(true, 6));
        let fourth = log.flush(7);
        log.commit();
        let all = [4, 5, 6].map(|request| log.next() == Some((request, Ok(()))));
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
        let mut log = Pair::full(2)?;
        let two = (log.write(false, 1000), log.write(true, 1001));
        let third = (log.write(false, 1002), log.write(true, 1003));
        log.commit();
        log.commit();
        let ended = [1000, 1001].map(|request| log.next() == Some((request, Ok(()))));
        let nobody = log.next();
        log.journal.grow(&mut Journal::new(3)?);
        for request in 0..ROOM {
            let _ = log.write(false, request);
        }
        let three = [4, 5, 6].map(|request| log.write(false, request));
        let fourth = log.write(false, 7);
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
        let mut log = Pair::full(4)?;
        let mut lost = log.lost();
        log.write(true, 1000);
        lost += log.lost();
        log.flush(1001);
        lost += log.lost();
        while log.commit() != 0 {
            lost += log.lost();
        }
        log.close();
        lost += log.lost();
        assert_eq!(lost, 0);
        Ok(())
    }
}
