// SPDX-License-Identifier: GPL-2.0

//! Let each wait for the answer to its own request.
//!
//! C: `wait_event()` on one queue for all requests, or a completion in each of them
//! Rust: `.on_key(|s| &s.requests, id)`
//! Not any more: an answer that wakes all who wait; one that is written into a request that is gone; a task that waits for a
//! request which was removed
//!
//! ```c
//! wait_event_killable(conn->waitq, req->answered);
//! spin_lock(&conn->lock);
//! list_del(&req->list);
//! spin_unlock(&conn->lock);
//!
//! spin_lock(&conn->lock);
//! req = request_find(conn, id);
//! if (req) {
//!         req->answer = answer;
//!         req->answered = true;
//! }
//! spin_unlock(&conn->lock);
//! wake_up_all(&conn->waitq);
//! ```

use baton::{
    event::{
        KeyedEvent,
        Killable, //
    },
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::Mutex, //
};

#[pin_data]
struct Connection {
    #[pin]
    requests: KeyedEvent<RBTree<u32, Option<u64>>>,
}

fn ask(connection: &Mutex<Connection>, cx: &mut MaySleep, id: u32) -> Result {
    let room = RBTreeNodeReservation::new(GFP_KERNEL)?;
    let mut held = connection.lock_in(cx);
    let requests = held.as_mut().project().requests;
    requests.insert(id, None, room).map_err(|_| EBUSY)
}

fn answer_to(connection: &Mutex<Connection>, cx: &mut MaySleep, id: u32) -> Result<u64> {
    let wait = connection
        .lock_in(cx)
        .on_key(|s| &s.requests, id)
        .when(|answer| answer.is_some(), Option::take);
    let (mut held, answer) = wait.wait_relock(Killable);
    held.as_mut().project().requests.remove(id);
    answer?.ok_or(EIO)
}

/// Returns whether somebody still wants to know.
fn answered(connection: &Mutex<Connection>, cx: &mut MaySleep, id: u32, answer: u64) -> bool {
    let mut held = connection.lock_in(cx);
    let requests = held.as_mut().project().requests;
    requests.update(id, |place| *place = Some(answer)).is_some()
}

#[kunit_tests(baton_waits_request)]
mod tests {
    use super::*;
    use crate::told;
    use baton::event::new_keyed_event;
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn each_gets_its_own_answer() -> Result {
        let cx = &mut MaySleep::assert();
        let connection = Arc::pin_init(
            new_mutex!(pin_init!(Connection { requests <- new_keyed_event!(RBTree::new()) })),
            GFP_KERNEL,
        )?;
        ask(&connection, cx, 7)?;
        ask(&connection, cx, 8)?;
        let twice = ask(&connection, cx, 8);
        let (mut sleeps_on, mut wanted) = (false, false);
        let got = told(
            cx,
            &connection,
            |connection, cx| answer_to(connection, cx, 7),
            |connection, cx| connection.lock_in(cx).requests.waiters(),
            |connection, cx| {
                wanted = answered(connection, cx, 8, 80);
                sleeps_on = connection.lock_in(cx).requests.waiters() == 1;
                wanted &= answered(connection, cx, 7, 70);
            },
        )?;
        // The other one has its answer, unless the first has got it.
        let other = if sleeps_on {
            answer_to(&connection, cx, 8)
        } else {
            Err(ETIMEDOUT)
        };
        let late = answered(&connection, cx, 7, 71);
        assert_eq!((twice, got, other), (Err(EBUSY), Ok(70), Ok(80)));
        assert!(wanted && sleeps_on && !late);
        Ok(())
    }
}
