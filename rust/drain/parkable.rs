// SPDX-License-Identifier: GPL-2.0

//! What may be handed to something that only one particular task runs.

use kernel::prelude::*;

/// What may be handed to something that only one particular task runs.
///
/// Task work, a queue that its owner polls, a list that the caller completes: whatever is in there
/// waits for that task. If it is what somebody else waits for, and the task waits for them, or for
/// itself, then nobody goes on. So a payload is declared with [`parkable!`](crate::parkable), whose
/// fields have to be parkable in turn. Numbers are; [`InFlight`](super::InFlight) and guards are not.
///
/// # Safety
///
/// Nobody waits for the payload, or for anything in it, to go away.
#[diagnostic::on_unimplemented(
    message = "`{Self}` must not be parked on a task",
    label = "somebody may wait for this, and the task that has to run it may be who waits",
    note = "end it where it completes, or hand it to a workqueue; `InFlight::park` is for contexts known at run time"
)]
pub unsafe trait Parkable: Send + 'static {}

macro_rules! plain {
    ($($type:ty),*) => { $(
        // SAFETY: Nobody waits for a number.
        unsafe impl Parkable for $type {}
    )* };
}

plain!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, bool, ());

// SAFETY: As what is in it.
unsafe impl<T: Parkable> Parkable for Option<T> {}

// SAFETY: As what is in it.
unsafe impl<T: Parkable, E: Parkable> Parkable for Result<T, E> {}

// SAFETY: Nobody waits for a number.
unsafe impl Parkable for Error {}

// SAFETY: As what is in it.
unsafe impl<T: Parkable> Parkable for KBox<T> {}

/// Declares a structure that can be parked on a task: all its fields can.
///
/// # Examples
///
/// ```
/// baton::parkable! {
///     /// What a completion reports.
///     pub struct Done {
///         /// Which request.
///         pub tag: u32,
///         /// How it ended.
///         pub result: i32,
///     }
/// }
/// ```
#[macro_export]
macro_rules! parkable {
    (
        $(#[$attribute:meta])*
        $vis:vis struct $name:ident {
            $($(#[$doc:meta])* $fvis:vis $field:ident: $type:ty),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        $vis struct $name {
            $($(#[$doc])* $fvis $field: $type,)*
        }
        const _: () = {
            // What has this name is a structure with these fields and no others, of these types:
            // an attribute can have changed it, or left it out so that it is another one.
            #[allow(dead_code, reason = "is for the compiler to check")]
            const fn is_as_written(this: &$name) {
                let $name { $($field: _,)* } = this;
                $(let _: *const $type = &raw const this.$field;)*
            }
            // SAFETY: Every field is parkable, by the bounds, and there are no others, as above.
            unsafe impl $crate::drain::Parkable for $name
            where
                $($type: $crate::drain::Parkable,)*
            {
            }
        };
    };
}
