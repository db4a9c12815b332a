// SPDX-License-Identifier: GPL-2.0

//! Events for which a wait names a threshold.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use super::{
    keyed::Indexed,
    slots::Measure,
    Audit, //
};
use crate::{
    level::{
        Level,
        Unordered, //
    },
    registry::Kind, //
};
use core::{
    marker::PhantomData,
    ops::Deref,
    pin::Pin, //
};
use kernel::{
    prelude::*,
    sync::LockClassKey, //
};

/// Creates a [`ThresholdEvent`] initialiser with the given data and a lock class of its own.
#[macro_export]
macro_rules! new_threshold_event {
    ($data:expr $(, $name:literal)? $(,)?) => {
        $crate::event::ThresholdEvent::new(
            $data, ::kernel::optional_name!($($name)?), ::kernel::static_lock_class!())
    };
}
pub use new_threshold_event;

/// A condition's data with a measure, and the tasks that wait until that is large enough.
///
/// It lives inside the data of a lock, as an [`Event`](super::Event), and is changed like one. A wait names a
/// threshold instead of a condition: a sequence number that was written, a fence that was signalled, so much
/// space. Those who wait are kept in order, so a change looks at those that it serves and at one more, which
/// it does not. The smallest threshold is served first.
///
/// A waiter with a large threshold can starve behind small ones if they take something.
///
/// Dropping it completes its waiters with [`Closed`](super::Closed). `mem::forget` of a box with the lock leaks
/// memory; its waiters sleep until somebody updates it. Whoever waits for it has given up the guard, so that it
/// cannot be waited for from within itself.
///
/// # Examples
///
/// ```
/// use baton::event::{new_threshold_event, Killable, ThresholdEvent};
/// use baton::{LockIn, MaySleep};
/// use kernel::prelude::*;
/// use kernel::sync::{new_spinlock, SpinLock};
///
/// #[pin_data]
/// struct Log {
///     /// Up to which sequence number it was written.
///     #[pin]
///     written: ThresholdEvent<u64>,
/// }
///
/// fn force(log: &SpinLock<Log>, cx: &mut MaySleep, number: u64) -> Result {
///     log.lock_in(cx).on_threshold(|log| &log.written).at_least(number).wait(Killable)?;
///     Ok(())
/// }
///
/// let cx = &mut MaySleep::assert();
/// let log: Pin<KBox<SpinLock<Log>>> = KBox::pin_init(
///     new_spinlock!(pin_init!(Log { written <- new_threshold_event!(0) })),
///     GFP_KERNEL,
/// )?;
/// log.lock_in(cx).as_mut().project().written.update(|written| *written = 10);
/// force(&log, cx, 10)?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("wait_event", "xlog_wait_on_iclog", "dma_fence_wait"))]
#[pin_data]
pub struct ThresholdEvent<W: Measure, E: Level = Unordered> {
    #[pin]
    pub(super) inner: Indexed<W, W>,
    _level: PhantomData<fn() -> E>,
}

impl<W: Measure, E: Level> ThresholdEvent<W, E> {
    /// Constructs an initialiser; [`new_threshold_event!`] is the usual way.
    ///
    /// Context: any; it only initialises.
    pub fn new(
        data: W,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            inner <- Indexed::new(Kind::Key, data, name, key),
            _level: PhantomData,
        })
    }

    /// Changes the data and serves every waiter whose threshold was reached.
    ///
    /// Context: any, hard interrupts included; the lock that the event lives in is held, or nobody
    /// else can reach the event yet.
    #[doc(alias = "wake_up")]
    #[inline]
    #[track_caller]
    pub fn update<R>(self: Pin<&mut Self>, change: impl FnOnce(&mut W) -> R) -> R {
        let (index, data) = self.project().inner.parts();
        let result = change(data);
        if !index.queue().is_empty() {
            index.consider_reached(data, W::measure);
        }
        result
    }

    /// Does `taking` if the threshold was reached, without waiting, and serves whom that makes possible.
    ///
    /// Returns [`None`] if it was not, or if the event is closed; `taking` is dropped then.
    ///
    /// Context: as [`ThresholdEvent::update`].
    #[inline]
    #[track_caller]
    pub fn try_take_at_least<R>(
        self: Pin<&mut Self>,
        threshold: u64,
        taking: impl FnOnce(&mut W) -> R,
    ) -> Option<R> {
        if self.is_closed() || self.measure() < threshold {
            return None;
        }
        Some(self.update(taking))
    }

    /// Completes every waiter with [`Closed`](super::Closed); later waits return it at once.
    ///
    /// Context: as [`ThresholdEvent::update`].
    pub fn close(self: Pin<&mut Self>) {
        self.inner.index.queue().close();
    }

    /// Returns how many tasks wait.
    ///
    /// Context: as [`ThresholdEvent::update`].
    #[inline]
    pub fn waiters(&self) -> usize {
        self.inner.index.queue().len()
    }

    /// Returns whether the event was closed.
    ///
    /// Context: as [`ThresholdEvent::update`].
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.inner.index.queue().is_closed()
    }

    /// Serves every sleeper whose threshold was reached: a lost wake-up.
    ///
    /// By the invariants there is none, unless the measure reads more than the data; see
    /// [`Event::audit`](super::Event::audit). Nobody is [`behind`](Audit::behind) another one here.
    ///
    /// Context: as [`ThresholdEvent::update`].
    pub fn audit(self: Pin<&mut Self>) -> Audit {
        let (index, data) = self.project().inner.parts();
        Audit {
            sleeping: index.queue().len(),
            lost: index.consider_reached(data, W::measure),
            ..Audit::default()
        }
    }
}

impl<W: Measure, E: Level> Deref for ThresholdEvent<W, E> {
    type Target = W;

    #[inline]
    fn deref(&self) -> &W {
        self.inner.data()
    }
}
