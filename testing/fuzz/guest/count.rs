// SPDX-License-Identifier: GPL-2.0

//! Counts in a kernel.

use super::{
    of_wait,
    soon,
    stage::{
        self,
        Desk, //
    }, //
};
use crate::shared::{
    count::{
        base,
        looks,
        Count as Reference,
        Op,
        MOST, //
    },
    program::Step,
    reference::Said, //
};
use baton::{
    count::{
        new_count,
        Aside,
        Count,
        Counted, //
    },
    event::{
        Interruptible,
        Killable,
        Mode,
        ModeAt,
        WaitError, //
    },
    MaySleep, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        Arc,
        SpinLock, //
    },
};

/// A count, until it goes away.
#[pin_data]
pub(super) struct Place {
    #[pin]
    count: SpinLock<Option<Arc<Count>>>,
    base: u32,
}

pub(super) struct Scene(Pin<KBox<Place>>);

/// What a task has.
#[derive(Default)]
struct Has {
    counted: [Option<Counted>; MOST],
    aside: [Option<Aside>; MOST],
}

/// Puts it where nothing is. There is room: a task has no more than that.
fn put<T>(places: &mut [Option<T>], one: T) -> Said {
    match places.iter_mut().find(|place| place.is_none()) {
        Some(place) => {
            *place = Some(one);
            Said::Done
        }
        None => Said::Odd,
    }
}

fn take<T>(places: &mut [Option<T>]) -> Result<T, Said> {
    let taken = places.iter_mut().find_map(Option::take);
    taken.ok_or(Said::Odd)
}

impl stage::Scene for Scene {
    type Reference = Reference;

    fn new(kind: usize) -> Result<Self> {
        let count: Arc<Count> = Arc::pin_init(new_count!("fuzz"), GFP_KERNEL)?;
        count.leak(base(kind));
        let place = pin_init!(Place {
            count <- new_spinlock!(Some(count)),
            base: base(kind),
        });
        Ok(Self(KBox::pin_init(place, GFP_KERNEL)?))
    }

    fn work(&self, cx: &mut MaySleep, _task: usize, desk: &Desk<Op>) {
        let mut has = Has::default();
        while let Some(step) = desk.next() {
            let said = self.make(cx, step, &mut has);
            desk.say(said.unwrap_or_else(|said| said));
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some(count) = &*self.0.count.lock() {
            count.unleak(self.0.base);
        }
    }
}

impl Scene {
    fn count(&self) -> Result<Arc<Count>, Said> {
        self.0.count.lock().clone().ok_or(Said::Odd)
    }

    fn make(&self, cx: &mut MaySleep, step: Step<Op>, has: &mut Has) -> Result<Said, Said> {
        let number = self.0.base + u32::from(step.number);
        match step.op {
            Op::Up => {
                let counted = self.count()?.up().map_err(|_| Said::Busy)?;
                return Ok(put(&mut has.counted, counted));
            }
            Op::Down => take(&mut has.counted)?.down(),
            Op::Aside => {
                let aside = take(&mut has.counted)?.set_aside();
                return Ok(put(&mut has.aside, aside));
            }
            Op::Resume => {
                return match take(&mut has.aside)?.resume() {
                    Ok(counted) => Ok(put(&mut has.counted, counted)),
                    Err(aside) => {
                        put(&mut has.aside, aside);
                        Err(Said::Busy)
                    }
                }
            }
            Op::End => drop(take(&mut has.aside)?),
            Op::Wait => self.wait(cx, number, Killable)?,
            Op::Waiti => self.wait(cx, number, Interruptible)?,
            Op::Short => self.wait(cx, number, Killable.timeout(soon()))?,
            Op::When => return self.up_when(cx, number, Killable, has),
            Op::Wheni => return self.up_when(cx, number, Interruptible, has),
            Op::Look => {
                let count = self.count()?;
                let asked = count.asks_for().map(|most| most - self.0.base);
                return Ok(looks(count.get() - self.0.base, asked));
            }
            Op::Go => {
                let count = self.0.count.lock().take();
                drop(count);
            }
            Op::Signal => return Err(Said::Odd),
        }
        Ok(Said::Done)
    }

    fn wait<M: ModeAt>(&self, cx: &mut MaySleep, most: u32, mode: M) -> Result<(), Said>
    where
        M::Error: Into<WaitError>,
    {
        self.count()?.wait_for(cx, most, mode).map_err(of_wait)
    }

    fn up_when<M: ModeAt>(
        &self,
        cx: &mut MaySleep,
        most: u32,
        mode: M,
        has: &mut Has,
    ) -> Result<Said, Said>
    where
        M::Error: Into<WaitError>,
    {
        let counted = self.count()?.up_when(cx, most, mode).map_err(of_wait)?;
        Ok(put(&mut has.counted, counted))
    }
}
