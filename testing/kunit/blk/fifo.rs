// SPDX-License-Identifier: GPL-2.0

//! The queue in which requests wait.

use crate::fifo::Fifo;
use kernel::prelude::*;

#[kunit_tests(baton_blk_fifo)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_first_in_first_out() -> Result {
        let mut fifo = Fifo::new(3)?;
        let mut wrong = 0;
        let empty = (
            fifo.is_empty(),
            fifo.len(),
            fifo.front().is_none(),
            fifo.pop(),
        );
        // Around the end, with one to three in it.
        for round in 0..10u32 {
            let many = round % 3 + 1;
            for i in 0..many {
                wrong += u32::from(fifo.push(round * 10 + i).is_err());
            }
            wrong += u32::from(fifo.len() != many as usize || fifo.is_empty());
            wrong += u32::from(many == 3 && fifo.push(999) != Err(999));
            for i in 0..many {
                wrong += u32::from(fifo.front() != Some(&(round * 10 + i)));
                wrong += u32::from(fifo.pop() != Some(round * 10 + i));
            }
        }
        assert_eq!(empty, (true, 0, true, None));
        assert_eq!(wrong, 0);
        assert!(fifo.is_empty());
        Ok(())
    }
}
