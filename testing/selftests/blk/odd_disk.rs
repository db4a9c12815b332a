// SPDX-License-Identifier: GPL-2.0

//! A disk whose driver does not remove it as it should: see odd_disk.sh.

use baton::{
    block::{
        GenDisk,
        GenDiskBuilder,
        Op,
        Operations,
        Queued,
        TagSet, //
    },
    LockIn,
    MaySleep, //
};
use core::mem;
use kernel::{
    new_mutex,
    prelude::*,
    static_lock_class,
    sync::{
        Arc,
        ArcBorrow,
        Mutex, //
    },
};

module! {
    type: OddDisk,
    name: "odd_disk",
    authors: ["The baton authors"],
    description: "A disk that is not removed as it should be",
    license: "GPL",
    params: {
        odd: i64 {
            default: 0,
            description: "0 removed in order, 1 dropped, 2 forgotten, and at the first write: 3 removed, 4 dropped, 5 frozen",
        },
    },
}

/// A disk that reads as zeroes, and has itself.
#[pin_data]
struct Odd {
    #[pin]
    own: Mutex<Option<GenDisk<Odd>>>,
}

impl Odd {
    /// Does what the driver should not, at the first write.
    fn at_a_write(&self, cx: &mut MaySleep) {
        let own = self.own.lock_in(cx).take();
        let Some(mut disk) = own else {
            return;
        };
        let kept = match module_parameters::odd.value() {
            3 => match disk.remove(cx) {
                Ok(()) => None,
                Err(refused) => {
                    pr_info!("remove: {:?}\n", refused.error);
                    Some(refused.object)
                }
            },
            4 => {
                drop(disk);
                pr_info!("dropped\n");
                None
            }
            5 => {
                let result = disk.freeze(1000, cx);
                pr_info!("freeze: {:?}\n", result);
                Some(disk)
            }
            _ => Some(disk),
        };
        *self.own.lock_in(cx) = kept;
    }
}

#[vtable]
impl Operations for Odd {
    type Data = Arc<Odd>;

    fn queue_rq(odd: ArcBorrow<'_, Odd>, mut request: Queued, cx: &mut MaySleep) {
        let mut result = Ok(());
        match request.op() {
            Op::Write => odd.at_a_write(cx),
            Op::Read => {
                let blocks = request.bytes() / 512;
                match request.sink() {
                    Some(mut sink) => {
                        for _ in 0..blocks {
                            result = result.and(sink.copy_from(&[0; 512]));
                        }
                    }
                    None => result = Err(EIO),
                }
            }
            _ => {}
        }
        request.end(result);
    }
}

struct OddDisk {
    odd: Arc<Odd>,
}

impl kernel::Module for OddDisk {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let cx = &mut MaySleep::assert();
        let odd = Arc::pin_init(
            pin_init!(Odd {
                own <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )?;
        let tags = Arc::pin_init(TagSet::<Odd>::new(1, 0, 4), GFP_KERNEL)?;
        let disk = GenDiskBuilder::new().capacity_sectors(2048).build(
            c"odd",
            tags,
            odd.clone(),
            static_lock_class!(),
            cx,
        )?;
        match module_parameters::odd.value() {
            2 => mem::forget(disk),
            _ => *odd.own.lock_in(cx) = Some(disk),
        }
        Ok(Self { odd })
    }
}

impl Drop for OddDisk {
    fn drop(&mut self) {
        // ENTRY: the module's exit.
        let cx = &mut MaySleep::assert();
        let own = self.odd.own.lock_in(cx).take();
        if module_parameters::odd.value() != 1 {
            if let Some(disk) = own {
                let _ = disk.remove(cx);
            }
        }
    }
}
