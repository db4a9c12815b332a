// SPDX-License-Identifier: GPL-2.0

//! A first module of one's own: `/dev/first`, a queue of messages between processes.
//!
//! A write puts one message in, and waits while the queue is full, for so long and no longer. A read takes one
//! out, and waits while it is empty; when the last writer has closed the device, it gets what is left, and then
//! the end. Who waits when the system is suspended is frozen where it is, and waits on afterwards.

use baton::{
    event::{
        give,
        when,
        Claim,
        Interruptible,
        Mode,
        ModeAt, //
    },
    misc::{
        Device,
        Operations, //
    },
    new_source,
    poll::{
        Mask,
        Source,
        Table,
        Watched, //
    },
    LockIn,
    MaySleep, //
};
use kernel::{
    fs::{
        file::flags,
        File, //
    },
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*,
    sync::{
        new_spinlock,
        Arc,
        SpinLock, //
    },
    time::Delta, //
};

module! {
    type: First,
    name: "first",
    authors: ["The baton authors"],
    description: "A queue of messages: the smallest useful driver that uses baton",
    license: "GPL",
    params: {
        patience: i64 {
            default: 3_600_000,
            description: "How long a write waits for room, in milliseconds (default: 3600000)",
        },
    },
}

/// How many messages there is room for.
const MESSAGES: usize = 8;

/// A message, of so many bytes at most.
type Message = KVec<u8>;
const BYTES: usize = 4096;

struct Queue {
    messages: KVec<Message>,
    writers: usize,
    /// How often the last writer has closed the device.
    ends: usize,
}

/// Puts a message in, as soon as there is room.
fn put(message: Message) -> impl Claim<Watched<Queue>, Output = ()> {
    give(message).when(
        |queue: &Watched<Queue>| queue.messages.len() < MESSAGES,
        |queue: &mut Watched<Queue>, message| {
            // There is room.
            let _ = queue.messages.push_within_capacity(message.take());
        },
    )
}

/// Takes a message out, as soon as there is one; none at the end of what began with `ends`.
fn take(ends: usize) -> impl Claim<Watched<Queue>, Output = Option<Message>> {
    when(
        move |queue: &Watched<Queue>| !queue.messages.is_empty() || queue.ends != ends,
        |queue: &mut Watched<Queue>| queue.messages.remove(0).ok(),
    )
}

/// An open file.
struct Opened {
    queue: Arc<SpinLock<Source<Queue>>>,
    writes: bool,
    /// [`Queue::ends`] when it was opened.
    ends: usize,
}

impl Opened {
    /// Claims at once or not at all with `O_NONBLOCK`, and else waits for it.
    fn claim<C, M>(&self, cx: &mut MaySleep, file: &File, claim: C, mode: M) -> Result<C::Output>
    where
        C: Claim<Watched<Queue>>,
        M: ModeAt,
    {
        let mut held = self.queue.lock_in(cx);
        if file.flags() & flags::O_NONBLOCK != 0 {
            return held.as_mut().try_claim(claim).map_err(|_| EAGAIN);
        }
        held.on(|queue| queue)
            .claim(claim)
            .wait(mode)
            .map_err(Into::into)
    }
}

#[vtable]
impl Operations for Opened {
    type Data = SpinLock<Source<Queue>>;

    fn open(queue: &Arc<Self::Data>, file: &File) -> Result<Self> {
        let writes = file.flags() & flags::O_ACCMODE != flags::O_RDONLY;
        // IRQ: nothing waits here: every misc device of the system is opened under one mutex.
        let ends = queue.lock().as_mut().update(|queue| {
            queue.writers += usize::from(writes);
            queue.ends
        });
        Ok(Self {
            queue: queue.clone(),
            writes,
            ends,
        })
    }

    fn read(&self, cx: &mut MaySleep, file: &File, to: &mut IovIterDest<'_>) -> Result<usize> {
        match self.claim(cx, file, take(self.ends), Interruptible.freezable())? {
            Some(message) => Ok(to.copy_to_iter(&message)),
            None => Ok(0),
        }
    }

    fn write(&self, cx: &mut MaySleep, file: &File, from: &mut IovIterSource<'_>) -> Result<usize> {
        if from.len() > BYTES {
            return Err(EMSGSIZE);
        }
        let mut message = KVec::new();
        let len = from.copy_from_iter_vec(&mut message, GFP_KERNEL)?;
        let patience = Delta::from_millis(module_parameters::patience.value());
        let mode = Interruptible.timeout(patience).freezable();
        self.claim(cx, file, put(message), mode)?;
        Ok(len)
    }

    fn poll(&self, cx: &mut MaySleep, table: &Table<'_>) -> Mask {
        let ready = |queue: &Queue| {
            let len = queue.messages.len();
            Mask::when(len > 0, Mask::IN)
                | Mask::when(len < MESSAGES, Mask::OUT)
                | Mask::when(queue.ends != self.ends, Mask::IN | Mask::HUP)
        };
        table.watch(cx, &self.queue, |queue| queue, ready)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // ENTRY: the release of a file.
        let cx = &mut MaySleep::assert();
        self.queue.lock_in(cx).as_mut().update(|queue| {
            queue.writers -= usize::from(self.writes);
            queue.ends += usize::from(self.writes && queue.writers == 0);
        });
    }
}

struct First {
    _device: Device<Opened>,
}

impl kernel::Module for First {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let cx = &mut MaySleep::assert();
        let queue = Queue {
            messages: KVec::with_capacity(MESSAGES, GFP_KERNEL)?,
            writers: 0,
            ends: 0,
        };
        let queue = Arc::pin_init(new_spinlock!(new_source!(queue)), GFP_KERNEL)?;
        Ok(Self {
            _device: Device::register(cx, c"first", queue)?,
        })
    }
}
