// SPDX-License-Identifier: GPL-2.0

//! Takes a lock and the gate of a drain in two orders: what `drain_lockdep.sh` loads.
//!
//! Nobody waits for anybody here, and nothing hangs. But one task could begin something with the lock
//! held while another one, which has shut the gate, wants the lock.

use baton::{
    drain::{
        new_drain,
        Drain, //
    },
    event::Killable,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};

module! {
    type: DrainLockdep,
    name: "drain_lockdep",
    authors: ["The baton authors"],
    description: "Takes a lock and the gate of a drain in two orders",
    license: "GPL",
    params: {
        backwards: i64 {
            default: 0,
            description: "Whether the second order is the other one",
        },
    },
}

struct DrainLockdep;

/// What the lock and the gate are used for.
#[pin_data]
struct Inode {
    gate: Arc<Drain>,
    #[pin]
    size: Mutex<u32>,
}

impl kernel::Module for DrainLockdep {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let cx = &mut MaySleep::assert();
        let inode = Arc::pin_init(
            try_pin_init!(Inode {
                gate: Arc::pin_init(new_drain!("drain_lockdep_gate"), GFP_KERNEL)?,
                size <- new_mutex!(0, "drain_lockdep_size"),
            }? Error),
            GFP_KERNEL,
        )?;
        {
            let _size = inode.size.lock_in(cx);
            inode.gate.begin()?.end();
        }
        let shut = inode.gate.shut(cx, Killable)?;
        if module_parameters::backwards.value() != 0 {
            drop(inode.size.lock_in(cx));
        }
        drop(shut);
        pr_info!("both orders were taken\n");
        Ok(Self)
    }
}
