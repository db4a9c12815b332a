// SPDX-License-Identifier: GPL-2.0

//! Something that somebody else ends: once, n times, and for many.

use crate::{
    row::{
        made,
        Me,
        Row, //
    },
    tally::Stock,
    waited,
    waited_killable, //
};
use baton::{
    completion::{
        self,
        Completer,
        CountedCompleter,
        CountedCompletion,
        SharedCompletion, //
    },
    new_event,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{
        Arc,
        Mutex,
        SpinLock, //
    },
};

/// How many questions may be open.
const OPEN: usize = 32;

/// What is answered to a question.
fn answer_to(question: u64) -> u64 {
    question ^ 0x5555_aaaa
}

type Question = (u64, Completer<u64>);

#[pin_data]
struct Questions {
    #[pin]
    open: Event<KVec<Question>>,
}

/// A waiter asks, and a writer answers.
#[pin_data]
struct OnceRow {
    #[pin]
    questions: Mutex<Questions>,
}

impl Row for OnceRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let question = waited!(me.how(), |mode| self
            .questions
            .lock_in(cx)
            .on(|q| &q.open)
            .when(|open| !open.is_empty(), |open| open.pop())
            .wait(mode))?;
        if let Some((number, completer)) = question {
            // Who has asked may have given up.
            let _ = completer.complete(Ok(answer_to(number)));
        }
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let number = me.value();
        let mut answer = completion::start(cx, |completer, cx| {
            let question = (number, completer.hand_over());
            let mut held = self.questions.lock_in(cx);
            let open = held.as_mut().project().open;
            let refused = open.update(|open| open.push_within_capacity(question));
            drop(held);
            // Those who gave up have left their questions.
            refused.map_err(|_| EAGAIN)
        })?;
        let got = waited_killable!(me.how_killable(), |mode| answer.wait(cx, mode))?;
        if got != answer_to(number) {
            me.fail("the answer is to another question");
        }
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        self.questions.lock_in(cx).as_mut().project().open.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        let mut held = self.questions.lock_in(cx);
        held.as_mut().project().open.audit().lost
    }
}

pub(super) fn once(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let open = KVec::with_capacity(OPEN, GFP_KERNEL)?;
    let row = pin_init!(OnceRow {
        questions <- new_mutex!(pin_init!(Questions { open <- new_event!(open) })),
    });
    made(row)
}

/// How often a completion may be ahead of its waiters.
const AHEAD: u32 = 8;

#[pin_data]
struct Ahead {
    #[pin]
    room: Event<u32>,
}

/// One completion for all times.
#[pin_data]
struct CountedRow {
    completer: CountedCompleter,
    completion: CountedCompletion,
    #[pin]
    ahead: SpinLock<Ahead>,
}

impl Row for CountedRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        waited!(me.how(), |mode| self
            .ahead
            .lock_in(cx)
            .on(|a| &a.room)
            .when(|room| *room > 0, |room| *room -= 1)
            .wait(mode))?;
        me.gave(1);
        if self.completer.complete().is_err() {
            me.fail("nobody waits, and the completion is there");
        }
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        waited_killable!(me.how_killable(), |mode| self.completion.wait(cx, mode))?;
        me.took(1);
        let mut held = self.ahead.lock_in(cx);
        held.as_mut().project().room.update(|room| *room += 1);
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        self.ahead.lock_in(cx).as_mut().project().room.close();
    }

    fn left(&self, _cx: &mut MaySleep) -> Stock {
        let mut left = 0;
        while left <= u64::from(AHEAD) && self.completion.try_wait() {
            left += 1;
        }
        Stock {
            count: left,
            sum: left,
        }
    }
}

pub(super) fn counted(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let mut completer = None;
    let completion = completion::start_counted(cx, |local, _| {
        completer = Some(local.hand_over());
        Ok(())
    })?;
    let completer = completer.ok_or(ENODEV)?;
    let row = pin_init!(CountedRow {
        completer,
        completion,
        ahead <- new_spinlock!(pin_init!(Ahead { room <- new_event!(AHEAD) })),
    });
    made(row)
}

/// What all wait for, and which one it is.
#[derive(Default)]
struct Round {
    number: u64,
    end: Option<SharedCompletion<u64>>,
}

#[pin_data]
struct Rounds {
    #[pin]
    round: Event<Round>,
    /// The last one that somebody has seen the end of.
    #[pin]
    seen: Event<u64>,
}

/// A writer makes a completion and ends it, and all waiters wait for that one.
#[pin_data]
struct SharedRow {
    #[pin]
    rounds: Mutex<Rounds>,
}

impl SharedRow {
    /// Publishes a completion; returns its number, and what it replaces.
    fn publish(&self, cx: &mut MaySleep, end: SharedCompletion<u64>) -> (u64, Round) {
        let mut held = self.rounds.lock_in(cx);
        held.as_mut().project().round.update(|round| {
            let number = round.number + 1;
            let next = Round {
                number,
                end: Some(end),
            };
            (number, core::mem::replace(round, next))
        })
    }
}

impl Row for SharedRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let mut completer = None;
        let end = completion::start(cx, |local, _| {
            completer = Some(local.hand_over());
            Ok(())
        })?;
        let (number, before) = self.publish(cx, end.share());
        drop(before);
        if let Some(completer) = completer {
            // The next round may have begun already.
            let _ = completer.complete(Ok(answer_to(number)));
        }
        waited!(me.how(), |mode| self
            .rounds
            .lock_in(cx)
            .on(|r| &r.seen)
            .until(move |seen| *seen >= number)
            .wait(mode))?;
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let last = me.last;
        let (number, end) = waited!(me.how(), |mode| self
            .rounds
            .lock_in(cx)
            .on(|r| &r.round)
            .when(
                move |round| round.number > last,
                |round| (round.number, round.end.clone())
            )
            .wait(mode))?;
        let Some(end) = end else {
            me.fail("a round without a completion");
            return Ok(0);
        };
        let answer = waited_killable!(me.how_killable(), |mode| end.wait(cx, mode))?;
        if *answer != answer_to(number) {
            me.fail("the end is that of another round");
        }
        me.last = number;
        let mut held = self.rounds.lock_in(cx);
        let seen = held.as_mut().project().seen;
        seen.update(|seen| *seen = number.max(*seen));
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        let mut held = self.rounds.lock_in(cx);
        let rounds = held.as_mut().project();
        rounds.round.close();
        rounds.seen.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        let mut held = self.rounds.lock_in(cx);
        let rounds = held.as_mut().project();
        rounds.round.audit().lost + rounds.seen.audit().lost
    }
}

pub(super) fn shared(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(SharedRow {
        rounds <- new_mutex!(pin_init!(Rounds {
            round <- new_event!(Round::default()),
            seen <- new_event!(0),
        })),
    });
    made(row)
}
