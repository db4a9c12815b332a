// SPDX-License-Identifier: GPL-2.0

//! dio, with a drain: nobody waits for what is parked on themselves.
//!
//! The device of `dio.c`, `/dev/baton_bugs_dio_rust`. What an interrupt ends is handed to a sink, which
//! takes references. What only the submitter ends is not accepted by anything that only a task runs (it
//! does not compile); here that is known at run time only, so the reference is parked, as task work or
//! until the task polls. The drain is told so, and refuses the wait of that very task.

use crate::{
    actor::{
        Actor,
        Phase, //
    },
    scene::{
        Op,
        Seed, //
    },
};
use baton::{
    drain::{
        new_drain,
        Drain,
        DrainError,
        InFlight,
        Parked, //
    },
    event::{
        Interruptible,
        Mode, //
    },
    sink::{
        AtomicContext,
        Finish,
        ParkedWork,
        TimerSink, //
    },
    LockIn,
    MaySleep, //
};
use kernel::{
    fs::File,
    ioctl::_IO,
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex,
        SetOnce, //
    },
    time::{
        msecs_to_jiffies,
        Delta, //
    },
};

// As in `dio.h`.
const SUBMIT: u32 = _IO(b'B' as u32, 3);
const DRAIN: u32 = _IO(b'B' as u32, 4);
const FREEZE: u32 = _IO(b'B' as u32, 5);
const POLL: u32 = _IO(b'B' as u32, 6);
const HOLD: u32 = _IO(b'B' as u32, 7);

/// How long an interrupt takes.
const DELAY: Delta = Delta::from_millis(2);

/// The I/Os that can wait for their interrupt.
const ROOM: usize = 16;

/// What an interrupt does: it ends the I/O, or leaves that to who has submitted it.
enum Done {
    Io(InFlight),
    Work(ParkedWork),
}

/// An I/O that the device works on.
struct Io {
    counts: Arc<Counts>,
    done: Done,
}

impl Finish<AtomicContext> for Io {
    fn finish(self, cx: &mut AtomicContext) {
        match self.done {
            Done::Io(in_flight) => in_flight.end(),
            Done::Work(work) => work.finish(cx),
        }
        self.counts.timers.fetch_sub(1, Relaxed);
    }
}

/// What the scene looks at.
struct Counts {
    /// Interrupts to come.
    timers: Atomic<usize>,
    /// Processes in a wait.
    waiting: Atomic<usize>,
}

/// An inode with direct I/O.
pub(crate) struct Dio {
    interrupts: TimerSink<Io>,
    gate: Arc<Drain>,
    counts: Arc<Counts>,
}

/// The process that is let in next.
type Admitted = Option<(Arc<Dio>, Arc<Actor>)>;

/// The device, which has no other way to what is admitted: it is opened without a context.
#[pin_data]
struct Door {
    #[pin]
    admitted: Mutex<Admitted>,
}

// What is in it lives as long as the module, and is not given back: there is one.
static DOOR: SetOnce<Arc<Door>> = SetOnce::new();

/// Registers the device.
pub(crate) fn device() -> impl PinInit<MiscDeviceRegistration<Process>, Error> {
    pin_init::pin_init_scope(|| {
        let door = Arc::pin_init(
            pin_init!(Door {
                admitted <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )?;
        DOOR.populate(door);
        Ok(MiscDeviceRegistration::register(MiscDeviceOptions {
            name: c"baton_bugs_dio_rust",
        }))
    })
}

/// What a process owes.
#[derive(Default)]
struct Debts {
    /// What only it ends.
    parked: KVec<Parked>,
    /// What it keeps until it goes.
    kept: KVec<InFlight>,
}

/// A process that has opened the device: an actor.
#[pin_data(PinnedDrop)]
pub(crate) struct Process {
    dio: Arc<Dio>,
    actor: Arc<Actor>,
    #[pin]
    debts: Mutex<Debts>,
}

impl Process {
    /// Begins an I/O; by whom it is ended is the upper half of the argument.
    fn submit(&self, how: usize, cx: &mut MaySleep) -> Result {
        let dio = &*self.dio;
        let in_flight = dio.gate.begin_when_open(cx, Interruptible)?.hand_over();
        match how {
            1 => self.interrupt(Done::Io(in_flight))?,
            0 | 2 => {
                let work = in_flight.into_task_work(cx).map_err(|_| EBUSY)?;
                self.interrupt(Done::Work(work))?;
            }
            3 => {
                let parked = in_flight.park().map_err(|_| EBUSY)?;
                self.debts.lock_in(cx).parked.push(parked, GFP_KERNEL)?;
            }
            4 => self.debts.lock_in(cx).kept.push(in_flight, GFP_KERNEL)?,
            _ => return Err(EINVAL),
        }
        self.actor.moved();
        Ok(())
    }

    /// Lets the device do it.
    fn interrupt(&self, done: Done) -> Result {
        let counts = self.dio.counts.clone();
        counts.timers.fetch_add(1, Relaxed);
        let pushed = self.dio.interrupts.push(Io { counts, done });
        // What is returned is dropped, which ends it.
        pushed.map_err(|Io { counts, done }| {
            drop(done);
            counts.timers.fetch_sub(1, Relaxed);
            EBUSY
        })
    }

    /// Waits in turns, so that it can be cleared away whatever it waits for.
    fn in_turns(&self, mut turn: impl FnMut() -> Result<(), DrainError>) -> Result<(), DrainError> {
        loop {
            match turn() {
                Err(DrainError::TimedOut) if !self.actor.rescued() => (),
                ended => return ended,
            }
        }
    }

    /// Waits for everything, and lets nothing begin meanwhile.
    fn drain(&self, how: &str, cx: &mut MaySleep) -> Result {
        let dio = &*self.dio;
        self.actor
            .waits_for(cx, fmt!("count, of {}", dio.gate.in_flight()));
        self.actor.enter(Phase::Waiting);
        dio.counts.waiting.fetch_add(1, Relaxed);
        let mode = || Interruptible.timeout(msecs_to_jiffies(100));
        let ended = loop {
            match dio.gate.shut(cx, mode()) {
                Ok(mut shut) => break self.in_turns(|| shut.wait(mode())),
                Err(DrainError::TimedOut) if !self.actor.rescued() => (),
                Err(e) => break Err(e),
            }
        };
        dio.counts.waiting.fetch_sub(1, Relaxed);
        self.actor.enter(Phase::Running);
        match ended {
            Ok(()) => self.actor.result(cx, fmt!("{how}")),
            Err(e) => self.actor.result(cx, fmt!("{how}: {e:?}")),
        }
        Ok(ended?)
    }

    /// Ends what it polls for.
    fn poll(&self, cx: &mut MaySleep) {
        let parked = core::mem::take(&mut self.debts.lock_in(cx).parked);
        drop(parked);
        self.actor.moved();
    }
}

#[pinned_drop]
impl PinnedDrop for Process {
    fn drop(self: Pin<&mut Self>) {
        // ENTRY: the file is closed.
        let cx = &mut MaySleep::assert();
        let debts = core::mem::take(&mut *self.debts.lock_in(cx));
        drop(debts);
        self.actor.enter(Phase::Done);
    }
}

#[vtable]
impl MiscDevice for Process {
    type Ptr = Pin<KBox<Self>>;

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<Pin<KBox<Self>>> {
        // ENTRY: the device is opened.
        let cx = &mut MaySleep::assert();
        let door = DOOR.as_ref().ok_or(ENODEV)?;
        let (dio, actor) = door.admitted.lock_in(cx).take().ok_or(EBUSY)?;
        let process = KBox::pin_init(
            pin_init!(Self {
                dio,
                actor,
                debts <- new_mutex!(Debts::default()),
            }),
            GFP_KERNEL,
        )?;
        process.actor.enter(Phase::Running);
        Ok(process)
    }

    fn ioctl(this: Pin<&Self>, _file: &File, cmd: u32, arg: usize) -> Result<isize> {
        // ENTRY: an ioctl.
        let cx = &mut MaySleep::assert();
        match cmd {
            SUBMIT => this.submit(arg >> 16, cx)?,
            DRAIN => this.drain("drained", cx)?,
            FREEZE => this.drain("frozen", cx)?,
            POLL => this.poll(cx),
            HOLD => this.actor.hold(),
            _ => return Err(ENOTTY),
        }
        Ok(0)
    }
}

impl Seed for Dio {
    const OPS: &'static [Op<Self>] = &[];
    const HAS_PROCESSES: bool = true;

    fn create() -> Result<Arc<Self>> {
        // ENTRY: a write to the command file.
        let cx = &mut MaySleep::assert();
        let dio = Self {
            interrupts: TimerSink::new(cx, DELAY, ROOM)?,
            gate: Arc::pin_init(new_drain!("dio"), GFP_KERNEL)?,
            counts: Arc::new(
                Counts {
                    timers: Atomic::new(0),
                    waiting: Atomic::new(0),
                },
                GFP_KERNEL,
            )?,
        };
        Ok(Arc::new(dio, GFP_KERNEL)?)
    }

    fn end(&self, cx: &mut MaySleep) {
        // No interrupt comes here.
        let _ = self.interrupts.close(cx);
    }

    fn admit(this: &Arc<Self>, actor: Option<Arc<Actor>>, cx: &mut MaySleep) -> Result {
        let door = DOOR.as_ref().ok_or(ENODEV)?;
        let mut admitted = door.admitted.lock_in(cx);
        if actor.is_some() && admitted.is_some() {
            return Err(EBUSY);
        }
        *admitted = actor.map(|actor| (this.clone(), actor));
        Ok(())
    }

    /// Who waits sleeps if there is something to wait for that no interrupt is going to end.
    fn sleepers(&self) -> Option<usize> {
        let counts = &*self.counts;
        let stuck = self.gate.in_flight() > 0 && counts.timers.load(Relaxed) == 0;
        Some(if stuck {
            counts.waiting.load(Relaxed)
        } else {
            0
        })
    }
}
