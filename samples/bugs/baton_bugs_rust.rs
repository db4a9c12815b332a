// SPDX-License-Identifier: GPL-2.0

//! The seeds written with baton: the counterpart of the C twins.
//!
//! The same operations by the same names, played by the same scenarios: see `baton_bugs.c` for the
//! lines that `/sys/kernel/debug/baton_bugs_rust/command` takes. There is no buggy mode, because
//! what it would take does not compile, and all of this module is safe Rust.
//!
//! It demands `i_know_it_is_broken=1` like the C twins, so that both are loaded in the same way.

mod actor;
#[path = "bcache/bcache.rs"]
mod bcache;
mod command;
#[path = "dax/dax.rs"]
mod dax;
#[path = "dio/dio.rs"]
mod dio;
#[path = "md/md.rs"]
mod md;
mod params;
mod scene;
#[path = "wrap/wrap.rs"]
mod wrap;
#[path = "xfs/xfs.rs"]
mod xfs;

use baton::{
    event::Uninterruptible,
    new_event,
    Event,
    LockIn,
    MaySleep, //
};
use command::Session;
use kernel::{
    debugfs::{
        Dir,
        File, //
    },
    fmt,
    miscdevice::MiscDeviceRegistration,
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    uaccess::UserSliceReader, //
};

module! {
    type: BatonBugs,
    name: "baton_bugs_rust",
    authors: ["The baton authors"],
    description: "Wait and wake bugs of the past, written so that they cannot be",
    license: "GPL",
    params: {
        i_know_it_is_broken: bool {
            default: false,
            description: "load although its purpose is to try to hang tasks",
        },
    },
}

/// The longest write that is accepted, in bytes.
const MAX_COMMAND: usize = 4096;

/// What the two files share. Whoever uses the session takes it out, since commands sleep.
#[pin_data]
pub(crate) struct Control {
    #[pin]
    state: Mutex<State>,
}

#[pin_data]
struct State {
    #[pin]
    session: Event<Option<Session>>,
}

impl Control {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                state <- new_mutex!(pin_init!(State {
                    session <- new_event!(Some(Session::default())),
                })),
            }),
            GFP_KERNEL,
        )
    }

    /// Runs `body` with the session, when nobody else does.
    fn with_session<R>(
        &self,
        cx: &mut MaySleep,
        body: impl FnOnce(&mut Session, &mut MaySleep) -> R,
    ) -> Result<R> {
        let session = self
            .state
            .lock_in(cx)
            .on(|state| &state.session)
            .when(Option::is_some, Option::take)
            .wait(Uninterruptible)?;
        let mut session = session.ok_or(EINVAL)?;
        let result = body(&mut session, cx);
        self.state
            .lock_in(cx)
            .as_mut()
            .project()
            .session
            .update(|slot| *slot = Some(session));
        Ok(result)
    }

    /// Carries out the lines that were written.
    fn write(self: &Arc<Self>, reader: &mut UserSliceReader) -> Result {
        if reader.len() > MAX_COMMAND {
            return Err(E2BIG);
        }
        let mut bytes = KVec::new();
        reader.clone_reader().read_all(&mut bytes, GFP_KERNEL)?;
        let text = core::str::from_utf8(&bytes).map_err(|_| EINVAL)?;
        // ENTRY: a write to the file.
        self.with_session(&mut MaySleep::assert(), |session, cx| session.run(cx, text))?
    }

    fn report(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ENTRY: a read of the file.
        self.with_session(&mut MaySleep::assert(), |session, cx| session.report(cx, f))
            .map_err(|_| fmt::Error)?
    }
}

/// The module; the files go before what they show.
#[pin_data(PinnedDrop)]
struct BatonBugs {
    #[pin]
    _command: File<Arc<Control>>,
    #[pin]
    _report: File<Arc<Control>>,
    #[pin]
    _dio: MiscDeviceRegistration<dio::Process>,
    _dir: Dir,
    control: Arc<Control>,
}

impl kernel::InPlaceModule for BatonBugs {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(|| {
            if !module_parameters::i_know_it_is_broken.value() {
                pr_err!("this module tries to hang tasks: load it with i_know_it_is_broken=1\n");
                return Err(EPERM);
            }
            let control = Control::new()?;
            let dir = Dir::new(c"baton_bugs_rust");
            Ok(try_pin_init!(Self {
                _command <- dir.write_callback_file(
                    c"command", control.clone(), &|control: &Arc<Control>, reader: &mut _| {
                        control.write(reader)
                    }),
                _report <- dir.read_callback_file(
                    c"report", control.clone(), &|control: &Arc<Control>, f: &mut _| {
                        control.report(f)
                    }),
                _dio <- dio::device(),
                _dir: dir.clone(),
                control,
            }? Error))
        })
    }
}

#[pinned_drop]
impl PinnedDrop for BatonBugs {
    fn drop(self: Pin<&mut Self>) {
        // ENTRY: the module is unloaded.
        let cx = &mut MaySleep::assert();
        // Nobody closes the event, so there is a session.
        let _ = self.control.with_session(cx, |session, cx| session.end(cx));
    }
}
