// SPDX-License-Identifier: GPL-2.0

//! This library's way to be told that something has ended: completions.

use crate::baton_errand::Errand;
use baton::{
    completion::{
        self,
        Completer, //
    },
    event::Uninterruptible,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

/// Who completes for others, and how often it was waited for that.
#[pin_data]
pub(crate) struct Answers {
    #[pin]
    asked: Errand<Completer<u64>>,
    done: Atomic<u64>,
}

impl Answers {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            asked <- Errand::new(),
            done: Atomic::new(0),
        })
    }

    /// Completes, and waits afterwards: a completion for each time.
    pub(crate) fn run(&self, cx: &mut MaySleep, ops: u64) -> Result {
        let mut sum = 0;
        for _ in 0..ops {
            let mut answer = completion::start(cx, |completer, _| {
                let _ = completer.hand_over().complete(Ok(1));
                Ok(())
            })?;
            sum += answer.wait(cx, Uninterruptible)?;
        }
        self.done.store(self.done() + sum, Relaxed);
        Ok(())
    }

    /// Completes, and waits afterwards: one completion for all times.
    pub(crate) fn counted(&self, cx: &mut MaySleep, ops: u64) -> Result {
        let mut completer = None;
        let completion = completion::start_counted(cx, |local, _| {
            completer = Some(local.hand_over());
            Ok(())
        })?;
        let completer = completer.ok_or(ENODEV)?;
        for _ in 0..ops {
            let _ = completer.complete();
            completion.wait(cx, Uninterruptible)?;
        }
        self.done.store(self.done() + ops, Relaxed);
        Ok(())
    }

    /// Another task completes, and is waited for.
    pub(crate) fn trip(&self, cx: &mut MaySleep, ops: u64) -> Result {
        let mut sum = 0;
        for _ in 0..ops {
            let mut answer = completion::start(cx, |completer, cx| {
                self.asked.leave(cx, completer.hand_over());
                Ok(())
            })?;
            sum += answer.wait(cx, Uninterruptible)?;
        }
        self.done.store(self.done() + sum, Relaxed);
        Ok(())
    }

    /// Completes what others wait for.
    pub(crate) fn serve(&self, cx: &mut MaySleep) {
        self.asked.serve(cx, |completer| {
            let _ = completer.complete(Ok(1));
        });
    }

    pub(crate) fn end(&self, cx: &mut MaySleep) {
        self.asked.end(cx);
    }

    pub(crate) fn done(&self) -> u64 {
        self.done.load(Relaxed)
    }
}
