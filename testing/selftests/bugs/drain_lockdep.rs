// SPDX-License-Identifier: GPL-2.0

//! Takes a lock and what a drain has in both orders: what `drain_lockdep.sh` loads.
//!
//! Nobody waits for anybody here, and nothing hangs. But one task could begin something with the lock
//! held while another one, which has shut the gate, wants the lock; or take the lock with a reference in
//! hand while the other one holds it, and waits for the reference.
//!
//! The lock is a plain one: of one that borrows the capability, the types allow one order only.

use baton::{
    drain::{
        new_drain,
        Drain, //
    },
    event::Killable,
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
    description: "Takes a lock and what a drain has in two orders",
    license: "GPL",
    params: {
        second: i64 {
            default: 0,
            description: "The second order: 0 none, 1 the lock in the gate, 2 with a reference in hand",
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
            let _size = inode.size.lock();
            inode.gate.begin(cx)?.end();
        }
        match module_parameters::second.value() {
            1 => {
                let _shut = inode.gate.shut(cx, Killable)?;
                drop(inode.size.lock());
            }
            2 => {
                let active = inode.gate.begin(cx)?;
                drop(inode.size.lock());
                active.end();
                let _size = inode.size.lock();
                drop(inode.gate.shut(cx, Killable)?);
            }
            _ => drop(inode.gate.shut(cx, Killable)?),
        }
        pr_info!("the orders were taken\n");
        Ok(Self)
    }
}
