// SPDX-License-Identifier: GPL-2.0

//! A disk whose driver does not do as it should, or claims it: see odd_disk.sh.

use baton::{
    block::{
        GenDisk,
        GenDiskBuilder,
        Op,
        Operations,
        Queued,
        Request,
        TagSet, //
    },
    LockIn,
    MaySleep,
    Thread, //
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
    time::msecs_to_jiffies, //
};

module! {
    type: OddDisk,
    name: "odd_disk",
    authors: ["The baton authors"],
    description: "A disk whose driver does not do as it should",
    license: "GPL",
    params: {
        odd: i64 {
            default: 0,
            description: "0 removed in order, 1 dropped, 2 forgotten, and at the first write: 3 removed, 4 dropped, 5 frozen, 6 claimed; 7 writes are dropped; 8 removed while it is served, 9 frozen and removed, each by a thread",
        },
    },
}

/// How long the thread waits that claims the disk, in milliseconds: longer than a test does.
const PATIENCE: u32 = 600_000;

/// How long a request waits in vain, for its disk to go, in milliseconds.
const STAY: u32 = 3_000;

/// A disk that reads as zeroes, and has itself.
#[pin_data]
struct Odd {
    #[pin]
    own: Mutex<Option<GenDisk<Odd>>>,
    /// The thread that claims or removes it.
    #[pin]
    claimer: Mutex<Option<Thread>>,
}

impl Odd {
    /// Claims the disk, which somebody has open, in a thread; gives it back.
    fn claim(odd: Arc<Self>, disk: GenDisk<Self>, cx: &mut MaySleep) -> Result<Thread> {
        Thread::spawn(cx, c"odd_claimer", move |cx, _stop| {
            pr_info!("claiming\n");
            let result = disk.claim(msecs_to_jiffies(PATIENCE), cx);
            pr_info!("claimed: {:?}\n", result);
            *odd.own.lock_in(cx) = Some(disk);
        })
    }

    /// Removes the disk in a thread, frozen or not.
    fn remove(frozen: bool, mut disk: GenDisk<Self>, cx: &mut MaySleep) -> Result<Thread> {
        Thread::spawn(cx, c"odd_remover", move |cx, _stop| {
            if frozen {
                let result = disk.freeze(msecs_to_jiffies(PATIENCE), cx);
                pr_info!("frozen: {:?}\n", result);
            }
            let result = disk.remove(cx).map_err(Error::from);
            pr_info!("removed: {:?}\n", result);
        })
    }

    /// Waits, in vain, for the end of the thread that removes the disk whose request this is.
    fn stay(&self, cx: &mut MaySleep) {
        let remover = self.claimer.lock_in(cx).take();
        let Some(remover) = remover else {
            return;
        };
        match remover.join_timeout(cx, msecs_to_jiffies(STAY)) {
            Ok(()) => pr_err!("removed under a request\n"),
            Err(refused) => {
                pr_info!("not removed under a request: {:?}\n", refused);
                *self.claimer.lock_in(cx) = Some(refused.object);
            }
        }
    }

    /// Reads all that is written; more is refused.
    fn take(request: &mut Request) -> Result {
        if request.sink().is_some() {
            return Err(EINVAL);
        }
        let blocks = request.bytes() / 512;
        let mut source = request.source().ok_or(EINVAL)?;
        let mut block = [0; 512];
        for _ in 0..blocks {
            source.copy_to(&mut block)?;
            if block != [0; 512] {
                return Err(EINVAL);
            }
        }
        match source.copy_to(&mut block[..1]) {
            Err(e) if e == EIO => Ok(()),
            _ => Err(EINVAL),
        }
    }

    /// Does what the driver should not, at the first write. Returns whether to drop the write.
    fn at_a_write(odd: Arc<Self>, cx: &mut MaySleep) -> bool {
        let own = odd.own.lock_in(cx).take();
        let Some(mut disk) = own else {
            return false;
        };
        let mode = module_parameters::odd.value();
        let kept = match mode {
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
            6 | 8 | 9 => {
                let thread = match mode {
                    6 => Self::claim(odd.clone(), disk, cx),
                    _ => Self::remove(mode == 9, disk, cx),
                };
                match thread {
                    Ok(claimer) => *odd.claimer.lock_in(cx) = Some(claimer),
                    Err(e) => pr_err!("thread: {:?}\n", e),
                }
                return false;
            }
            _ => Some(disk),
        };
        *odd.own.lock_in(cx) = kept;
        mode == 7
    }
}

#[vtable]
impl Operations for Odd {
    type Data = Arc<Odd>;

    fn queue_rq(odd: ArcBorrow<'_, Odd>, mut request: Queued, cx: &mut MaySleep) {
        let mut result = Ok(());
        match request.op() {
            Op::Write => {
                if Odd::at_a_write(odd.into(), cx) {
                    drop(request.keep());
                    return;
                }
                result = Odd::take(&mut request);
            }
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
        if module_parameters::odd.value() == 8 {
            odd.stay(cx);
        }
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
                claimer <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )?;
        let tags = Arc::pin_init(TagSet::<Odd>::new(1, 0, 4), GFP_KERNEL)?;
        let disk = GenDiskBuilder::new()
            .capacity_sectors(2048)
            .discard(2048, 65536)
            .write_cache(false)
            .build(c"odd", tags, odd.clone(), static_lock_class!(), cx)?;
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
        let claimer = self.odd.claimer.lock_in(cx).take();
        if let Some(claimer) = claimer {
            let _ = claimer.join(cx);
        }
        let own = self.odd.own.lock_in(cx).take();
        if module_parameters::odd.value() != 1 {
            if let Some(disk) = own {
                let _ = disk.remove(cx);
            }
        }
    }
}
