// SPDX-License-Identifier: GPL-2.0

//! Completions on the host.

use super::{
    completion_host::Completion,
    completion_word::{cancel, complete, is_abandoned, is_done, join, started, Before},
    tasks::{said, Tasks},
};
use crate::{
    shared::{
        completion::{value, Op},
        program::{Step, TASKS},
        reference::{How, Said},
    },
    stage::{Desk, Sleepers, World},
};
use std::sync::{Arc, Mutex};

pub(crate) struct Scene {
    shared: bool,
    /// Never held while anything of the protocol is done: it is not a lock of the scheduler's.
    state: Mutex<State>,
    tasks: Tasks,
}

/// What there is of a completion besides its word.
struct Object {
    completion: Arc<Completion>,
    result: Mutex<Option<Said>>,
}

#[derive(Default)]
struct State {
    completer: Option<Arc<Object>>,
    sides: [Option<Arc<Object>>; TASKS],
    all: Vec<Arc<Object>>,
}

impl Object {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            completion: Completion::new(),
            result: Mutex::new(None),
        })
    }

    fn end(&self, said: Said, end: fn(&super::drain_host::FullWord) -> Before) -> Before {
        *self.result.lock().unwrap() = Some(said);
        self.completion.end(|word| end(word))
    }

    /// What is said by who has waited, or looks.
    fn got(&self, shared: bool) -> Said {
        self.completion.result.read();
        let mut result = self.result.lock().unwrap();
        let got = if shared { *result } else { result.take() };
        got.unwrap_or(Said::Shut)
    }
}

impl World for Scene {
    type Reference = crate::shared::completion::Completion;

    fn new(kind: usize) -> Self {
        Self {
            shared: kind == 1,
            state: Mutex::default(),
            tasks: Tasks::new(),
        }
    }

    fn sleepers(&self) -> &dyn Sleepers {
        &self.tasks
    }

    fn work(&self, task: usize, desk: &Desk<Op>) {
        while let Some(step) = desk.next(task) {
            desk.say(task, self.make(step).unwrap_or_else(|said| said));
        }
        let _ = self.leave(task);
    }

    /// The result of each was somebody's, once.
    fn end(&self) -> Result<(), String> {
        if let Ok(object) = self.take_completer() {
            object.end(Said::Done, complete);
        }
        let state = self.state.lock().unwrap();
        let had: Vec<_> = state.all.iter().map(|one| one.completion.had()).collect();
        match had.iter().find(|had| **had != 1) {
            None => Ok(()),
            Some(had) => Err(format!("at the end: a result was had {had} times")),
        }
    }
}

impl Scene {
    fn make(&self, step: Step<Op>) -> Result<Said, Said> {
        let task = step.task;
        match step.op {
            Op::Start => self.start(task, false),
            Op::Lost => self.start(task, true),
            Op::Give => self.give(task, step.number.into()),
            Op::Complete => {
                let object = self.take_completer()?;
                let before = object.end(Said::Got(value(task)), complete);
                let nobody = before.is_abandoned();
                Ok(if nobody { Said::Nothing } else { Said::Done })
            }
            Op::Cancel => {
                let before = self.take_completer()?.end(Said::Ended, cancel);
                let warns = !before.is_abandoned() && !before.is_starting();
                Ok(Said::Got(warns.into()))
            }
            Op::Wait => self.wait(task, How::Patient),
            Op::Waiti => self.wait(task, How::Signals),
            Op::Short => self.wait(task, How::Short),
            Op::Try => {
                let object = self.side(task)?;
                if !is_done(&object.completion.word) {
                    return Ok(Said::Nothing);
                }
                Ok(match object.got(self.shared) {
                    Said::Shut => Said::Nothing,
                    got => got,
                })
            }
            Op::Leave => self.leave(task),
            Op::Look => {
                let done = is_done(&self.side(task)?.completion.word);
                Ok(Said::Got(done.into()))
            }
            Op::Ask => {
                let object = self.state.lock().unwrap().completer.clone();
                let abandoned = is_abandoned(&object.ok_or(Said::Odd)?.completion.word);
                Ok(Said::Got(abandoned.into()))
            }
            Op::Signal => Err(Said::Odd),
        }
    }

    fn start(&self, task: usize, lost: bool) -> Result<Said, Said> {
        let object = Object::new();
        if lost {
            let before = object.end(Said::Ended, cancel);
            // Nobody is told, and it is not said yet.
            if before.asks() || !before.is_starting() {
                return Err(Said::Odd);
            }
        }
        let warns = started(&object.completion.word);
        let mut state = self.state.lock().unwrap();
        state.completer = (!lost).then(|| object.clone());
        state.sides[task] = Some(object.clone());
        state.all.push(object);
        Ok(if warns { Said::Got(1) } else { Said::Done })
    }

    fn take_completer(&self) -> Result<Arc<Object>, Said> {
        let taken = self.state.lock().unwrap().completer.take();
        taken.ok_or(Said::Odd)
    }

    fn side(&self, task: usize) -> Result<Arc<Object>, Said> {
        let side = self.state.lock().unwrap().sides[task].clone();
        side.ok_or(Said::Odd)
    }

    fn give(&self, task: usize, other: usize) -> Result<Said, Said> {
        let object = self.side(task)?;
        if self.shared {
            join(&object.completion.word);
        }
        let mut state = self.state.lock().unwrap();
        if !self.shared {
            state.sides[task] = None;
        }
        state.sides[other] = Some(object);
        Ok(Said::Done)
    }

    fn wait(&self, task: usize, how: How) -> Result<Said, Said> {
        let object = self.side(task)?;
        let ended = object.completion.wait_by(self.tasks.patience(task, how));
        ended.map_err(said)?;
        Ok(object.got(self.shared))
    }

    fn leave(&self, task: usize) -> Result<Said, Said> {
        let side = self.state.lock().unwrap().sides[task].take();
        side.ok_or(Said::Odd)?.completion.leave();
        Ok(Said::Done)
    }
}
