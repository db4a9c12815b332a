// SPDX-License-Identifier: GPL-2.0

//! Begin a direct I/O that an interrupt will end.
//!
//! C: inode_dio_begin, inode_dio_end
//! Rust: `dio.begin(cx)?.hand_over()`
//! Not any more: an end that only the task that waits could bring about; begins that go on while somebody
//! waits; an I/O that is begun, and not ended on an error path
//!
//! ```c
//! inode_dio_begin(inode);
//! err = submit(inode, io);
//! if (err)
//!         inode_dio_end(inode);
//! ```

use baton::{
    drain::{
        Drain,
        InFlight, //
    },
    MaySleep, //
};
use kernel::prelude::*;

fn submit(dio: &Drain, cx: &mut MaySleep, device: impl FnOnce(InFlight) -> Result) -> Result {
    // If the device refuses it, the reference is dropped, and so ended.
    device(dio.begin(cx)?.hand_over())
}

#[kunit_tests(baton_waits_inode_dio)]
mod tests {
    use super::*;
    use baton::drain::new_drain;

    #[test]
    fn an_error_ends_it_too() -> Result {
        let cx = &mut MaySleep::assert();
        let dio = KBox::pin_init(new_drain!(), GFP_KERNEL)?;
        let refused = submit(&dio, cx, |_| Err(EIO));
        let after_error = dio.in_flight();
        let mut queue = None;
        let accepted = submit(&dio, cx, |io| {
            queue = Some(io);
            Ok(())
        });
        let in_flight = dio.in_flight();
        drop(queue);
        assert_eq!((refused, after_error), (Err(EIO), 0));
        assert_eq!((accepted, in_flight), (Ok(()), 1));
        assert_eq!(dio.in_flight(), 0);
        Ok(())
    }
}
