// SPDX-License-Identifier: GPL-2.0

//! What a file is ready for.
//!
//! C header: [`include/uapi/linux/eventpoll.h`](srctree/include/uapi/linux/eventpoll.h)

use core::ops::BitOr;
use kernel::bindings;

/// What a file is ready for.
///
/// # Examples
///
/// ```
/// use baton::poll::Mask;
///
/// let mask = Mask::IN | Mask::HUP;
/// assert!(mask.contains(Mask::HUP) && !mask.contains(Mask::OUT));
/// assert_eq!(mask, Mask::when(true, Mask::IN) | Mask::when(false, Mask::OUT) | Mask::HUP);
/// ```
#[doc(alias = "__poll_t")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mask(bindings::__poll_t);

impl Mask {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Reading does not wait.
    #[doc(alias("EPOLLIN", "EPOLLRDNORM"))]
    pub const IN: Self = Self(bindings::POLLIN | bindings::POLLRDNORM);
    /// Writing does not wait.
    #[doc(alias("EPOLLOUT", "EPOLLWRNORM"))]
    pub const OUT: Self = Self(bindings::POLLOUT | bindings::POLLWRNORM);
    /// Something is wrong.
    #[doc(alias = "EPOLLERR")]
    pub const ERR: Self = Self(bindings::POLLERR);
    /// The other side is gone.
    #[doc(alias = "EPOLLHUP")]
    pub const HUP: Self = Self(bindings::POLLHUP);

    /// Returns `mask` if it is so, and nothing otherwise.
    ///
    /// Context: any.
    #[inline]
    pub const fn when(so: bool, mask: Self) -> Self {
        if so {
            mask
        } else {
            Self::NONE
        }
    }

    /// Returns whether all of `other` is in this.
    ///
    /// Context: any.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns it as C has it.
    pub(crate) const fn into_raw(self) -> bindings::__poll_t {
        self.0
    }
}

impl BitOr for Mask {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
