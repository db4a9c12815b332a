// SPDX-License-Identifier: GPL-2.0

//! For tests in the kernel: what was logged, and a task that is no kernel thread.
//!
//! C headers: [`include/linux/kmsg_dump.h`](srctree/include/linux/kmsg_dump.h),
//! [`include/linux/umh.h`](srctree/include/linux/umh.h)

use crate::{
    ffi,
    level::Level,
    MaySleep, //
};
use core::ptr;
use kernel::{
    error::to_result,
    ffi::c_void,
    prelude::*, //
};

/// A place in the kernel's log.
///
/// Dropping it, and `mem::forget`, do nothing: it is a number.
///
/// # Examples
///
/// ```
/// use baton::testing::Log;
/// use kernel::prelude::*;
///
/// let log = Log::here();
/// pr_warn!("the example of the log is number {}\n", 7);
/// assert_eq!(log.lines(&["the example of the log", "number 7"]), 1);
/// ```
#[derive(Clone, Copy)]
pub struct Log(u64);

impl Log {
    /// Returns the end of the log as it is now.
    ///
    /// Context: any.
    #[doc(alias = "kmsg_dump_rewind")]
    pub fn here() -> Self {
        // SAFETY: Reads the state of the log.
        Self(unsafe { ffi::baton_log_end() })
    }

    /// Returns how many lines behind this place have all of these parts.
    ///
    /// What other tasks have logged meanwhile is counted as well, so the parts should name something
    /// that only the test has.
    ///
    /// Context: any.
    #[doc(alias = "kmsg_dump_get_line")]
    pub fn lines(self, parts: &[&str]) -> usize {
        let (mut number, mut len, mut found) = (self.0, 0, 0);
        let mut line = [0u8; 320];
        // SAFETY: The line has room for so many bytes, and both numbers are valid for writes.
        while unsafe {
            ffi::baton_log_line(&mut number, line.as_mut_ptr().cast(), line.len(), &mut len)
        } {
            let text = line.get(..len).unwrap_or_default();
            let has = |part: &&str| {
                part.is_empty() || text.windows(part.len()).any(|at| at == part.as_bytes())
            };
            found += usize::from(parts.iter().all(has));
        }
        found
    }
}

/// A call of `body`, and what it has returned.
struct Call<F, R> {
    body: Option<F>,
    result: Option<R>,
}

impl<F: FnOnce(&mut MaySleep) -> R, R> Call<F, R> {
    /// # Safety
    ///
    /// `data` must point to a call that nobody else uses meanwhile.
    unsafe extern "C" fn run(data: *mut c_void) {
        // SAFETY: By the safety requirements.
        let call = unsafe { &mut *data.cast::<Self>() };
        if let Some(body) = call.body.take() {
            // ENTRY: a task of its own, which holds nothing.
            call.result = Some(body(&mut MaySleep::assert()));
        }
    }
}

/// Calls `body` in a task that is no kernel thread, and waits until that task has exited.
///
/// It is what the kernel makes to execute a program, and exits instead: on its way it does what a task
/// of user space would do before it goes back there.
///
/// Context: may sleep.
///
/// # Errors
///
/// `ENOMEM`; `EBUSY` if the kernel executes no programs at this moment; `ENOEXEC` if it never does.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep};
/// use kernel::prelude::*;
///
/// let cx = &mut MaySleep::assert();
/// assert_eq!(testing::in_user_task(cx, |_| 7), Ok(7));
/// ```
#[doc(alias = "call_usermodehelper_exec")]
pub fn in_user_task<C: Level, R: Send>(
    _cx: &mut MaySleep<C>,
    body: impl FnOnce(&mut MaySleep) -> R + Send,
) -> Result<R> {
    fn run<F: FnOnce(&mut MaySleep) -> R, R>(call: &mut Call<F, R>) -> Result {
        // SAFETY: The call is valid, and not used by others before this has returned.
        to_result(unsafe {
            ffi::baton_user_task_run(Call::<F, R>::run, ptr::from_mut(call).cast())
        })
    }

    let mut call = Call {
        body: Some(body),
        result: None,
    };
    run(&mut call)?;
    call.result.ok_or(ENOEXEC)
}
