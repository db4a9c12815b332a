// SPDX-License-Identifier: GPL-2.0

//! The cases of the list of waiters: one thread each, and no sleep.

use super::{
    chosen::Chosen,
    claim::{when, Claim},
    event_gate::act,
    host::Host,
    keyed_host::take,
    monitor::{Events, One, Place, Two},
    protocol::{unlink_all, Head, Queue, CHOSEN, CLOSED, ENDED, SERVED, WAITING},
    several::{Lent, Member, Several},
};
use crate::Case;
use std::any::TypeId;

/// Takes two credits: a claim of another kind than [`take`]'s.
fn take_two() -> impl Claim<u32, Output = ()> {
    when(|credits: &u32| *credits >= 2, |credits| *credits -= 2)
}

/// Waits for what does not come: a third kind.
fn never() -> impl Claim<u32, Output = ()> {
    when(|_: &u32| false, |_| ())
}

fn class_of<C: Claim<u32>>(_: &C) -> fn() -> TypeId {
    TypeId::of::<C>
}

/// A list, and what is waited for.
struct Event {
    queue: Queue<u32, Host>,
    credits: u32,
}

impl Event {
    fn new(fifo: bool) -> Self {
        Self {
            queue: Queue::new(fifo),
            credits: 0,
        }
    }

    /// Where it is, for a wait which is over before it goes.
    fn place(&mut self) -> Place<u32, Host> {
        // SAFETY: Nobody else is there, and it stays where it is until the wait is over.
        unsafe { Place::new(&self.queue, &mut self.credits) }
    }

    fn on<C: Claim<u32>>(&mut self, claim: C) -> One<u32, C, Host> {
        One::new(self.place(), claim)
    }

    /// Returns how many are served with so many credits.
    fn with(&mut self, credits: u32) -> usize {
        self.credits = credits;
        self.queue.consider(&mut self.credits)
    }
}

fn start(waiter: &impl Events<Host>) -> Box<Head<Host>> {
    let head = Box::new(Head::new());
    // SAFETY: The waiters of a case stay where they are until they have left, and so does this.
    unsafe { waiter.enqueue(&head) };
    head
}

/// With the same claim nobody overtakes, with another one everybody does.
fn line() {
    let mut event = Event::new(true);
    let class = class_of(&take(1));
    assert!(event.queue.is_fifo() && event.queue.may_try(class));
    let (five, two, one) = (event.on(take(5)), event.on(take_two()), event.on(take(1)));
    let (five, two, one) = (start(&five), start(&two), start(&one));
    assert!(!event.queue.may_try(class) && !event.queue.may_try(class_of(&take_two())));
    assert!(event.queue.may_try(class_of(&never())));
    assert!(event.queue.first_of(class_of(&never())).is_null());
    assert!(event.queue.first_of(class) == event.queue.first());
    let second = event.queue.first_of(class_of(&take_two()));
    assert!(!second.is_null() && second != event.queue.first());

    assert_eq!(event.with(1), 0);
    assert_eq!((event.with(3), event.credits), (1, 1));
    assert_eq!(
        [five.status(), two.status(), one.status()],
        [WAITING, SERVED, WAITING]
    );
    // SAFETY: It is on the list.
    unsafe { unlink_all(&*five) };
    assert_eq!((event.with(1), event.credits), (1, 0));
    assert_eq!([one.status(), five.status()], [SERVED, WAITING]);
    assert!(event.queue.is_empty() && event.queue.may_try(class));
}

/// Without a line, whoever can be served is.
fn no_line() {
    let mut event = Event::new(false);
    let (five, one) = (event.on(take(5)), event.on(take(1)));
    let (five, one) = (start(&five), start(&one));
    assert!(!event.queue.is_fifo() && event.queue.may_try(class_of(&take(1))));
    assert_eq!((event.with(1), event.credits), (1, 0));
    assert_eq!([five.status(), one.status()], [WAITING, SERVED]);
    assert_eq!((event.with(5), event.queue.len()), (1, 0));
}

/// The present waits are ended, and later ones are as before; after a close there are none.
fn ends() {
    let mut event = Event::new(false);
    let waiters = [1, 2, 3].map(|amount| event.on(take(amount)));
    let [first, second] = [start(&waiters[0]), start(&waiters[1])];
    event.queue.end_waits();
    assert_eq!([first.status(), second.status()], [ENDED; 2]);
    assert!(event.queue.is_empty() && !event.queue.is_closed());
    let third = start(&waiters[2]);
    assert_eq!(third.status(), WAITING);
    event.queue.close();
    assert_eq!(third.status(), CLOSED);
    assert!(event.queue.is_empty() && event.queue.is_closed());
    // Of a wait that was never on a list it is said all the same.
    let nowhere = Head::<Host>::new();
    nowhere.end(SERVED);
    assert_eq!(nowhere.status(), SERVED);
}

/// Who was forgotten is served and counted; who has yet to look is served, and was not forgotten.
fn forgotten() {
    let (mut line, mut other) = (Event::new(true), Event::new(false));
    let both = Two {
        first: line.on(take(2)),
        second: other.on(take(1)),
    };
    let (behind, later) = (line.on(take(1)), [(); 2].map(|()| line.on(take_two())));
    let (both, behind) = (start(&both), start(&behind));
    // The first one is served elsewhere, and has the second one look.
    assert_eq!(other.with(1), 1);
    assert_eq!(both.status(), SERVED);
    let later = later.each_ref().map(start);
    line.credits = 5;
    assert_eq!(line.queue.rescue(&mut line.credits), 2);
    assert_eq!(behind.status(), SERVED);
    assert_eq!(later.map(|head| head.status()), [SERVED; 2]);
    assert_eq!(line.queue.rescue(&mut line.credits), 0);
}

/// Whose condition holds behind one that cannot go on, and nobody else, is said to be kept.
fn kept() {
    for fifo in [true, false] {
        let mut event = Event::new(fifo);
        let wants = [5, 3, 1].map(|amount| event.on(take(amount)));
        let (two, heads) = (event.on(take_two()), wants.each_ref().map(start));
        let two = start(&two);
        let mut kept = 0;
        event.queue.behind(&1, |_, _| kept += 1);
        assert_eq!(kept, usize::from(fifo));
        assert!(heads
            .iter()
            .chain([&two])
            .all(|head| head.status() == WAITING));
        event.queue.close();
    }
}

/// Who was chosen is told when the others are.
fn told_later() {
    let mut event = Event::new(false);
    let waiters = [1, 2].map(|amount| event.on(take(amount)));
    let heads = waiters.each_ref().map(start);
    let mut chosen = Chosen::new();
    assert!(chosen.is_empty());
    event.credits = 3;
    event.queue.choose(&mut event.credits, &mut chosen);
    assert!(!chosen.is_empty() && event.queue.is_empty());
    assert_eq!(heads.each_ref().map(|head| head.status()), [CHOSEN; 2]);
    chosen.complete();
    assert!(chosen.is_empty());
    assert_eq!(heads.each_ref().map(|head| head.status()), [SERVED; 2]);
}

/// By who is about to sleep, all are served as by anybody else: one, or several.
fn served_by_who_sleeps() {
    let mut event = Event::new(false);
    let waiters = [1, 2, 3].map(|amount| event.on(take(amount)));
    let only = start(&waiters[0]);
    let Event { queue, credits } = &mut event;
    queue.update_sync(credits, |credits| *credits += 1);
    assert_eq!((only.status(), *credits), (SERVED, 0));
    let both = [start(&waiters[1]), start(&waiters[2])];
    queue.update_sync(credits, |credits| *credits = 1);
    assert_eq!(both.each_ref().map(|head| head.status()), [WAITING; 2]);
    let before = queue.update_sync(credits, |credits| std::mem::replace(credits, 5));
    assert_eq!(both.each_ref().map(|head| head.status()), [SERVED; 2]);
    assert_eq!((before, *credits, queue.len()), (1, 0, 0));
}

/// A wait for any of several, in room that was made before.
fn in_lent_room() {
    let (mut first, mut second) = (Event::new(false), Event::new(false));
    let mut members = [
        Member::new(first.place(), 0),
        Member::new(second.place(), 1),
    ];
    let any = Several::new(Lent(&mut members), take(1));
    let head = start(&any);
    assert_eq!([first.queue.len(), second.queue.len()], [1; 2]);
    assert_eq!((second.with(1), second.credits), (1, 0));
    assert!(first.queue.is_empty() && head.status() == SERVED);
    // SAFETY: It was served.
    assert_eq!(unsafe { any.take() }, Some((1, 1)));
}

fn alone(case: fn()) {
    act(case).join().unwrap();
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("queue_in_line", || alone(line)),
            Case::explore("queue_without_a_line", || alone(no_line)),
            Case::explore("queue_ends_and_closes", || alone(ends)),
            Case::explore("queue_rescues_the_forgotten", || alone(forgotten)),
            Case::explore("queue_says_who_is_kept", || alone(kept)),
            Case::explore("queue_tells_the_chosen_later", || alone(told_later)),
            Case::explore("queue_served_by_who_sleeps", || alone(served_by_who_sleeps)),
            Case::explore("queue_in_lent_room", || alone(in_lent_room)),
        ]
    }
}
