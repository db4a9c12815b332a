// SPDX-License-Identifier: GPL-2.0

//! What can be done with a disk whatever else is done with it.

use crate::{
    scrub::{
        Command,
        Progress,
        Scrub, //
    },
    shared::Shared, //
};
use baton::MaySleep;
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// The log and the scrub of a disk. They stay there for who has this, also when the disk goes.
#[derive(Clone)]
pub(crate) struct Controls {
    pub(crate) shared: Arc<Shared>,
    pub(crate) scrub: Arc<Scrub<Shared>>,
}

impl Controls {
    /// Tells the scrub what to do.
    pub(crate) fn scrub(&self, command: Command, cx: &mut MaySleep) -> Result {
        self.scrub.command(command, cx)
    }

    /// Returns what the scrub does.
    pub(crate) fn scrub_state(&self, cx: &mut MaySleep) -> &'static str {
        self.scrub.state(cx)
    }

    /// Returns how far the scrub is.
    pub(crate) fn scrub_progress(&self, cx: &mut MaySleep) -> Progress {
        self.scrub.progress(cx)
    }

    /// Stops making the log stable, or goes on.
    pub(crate) fn hold_log(&self, hold: bool, cx: &mut MaySleep) {
        self.shared.log.hold(hold, cx);
    }

    /// Returns whether that was stopped.
    pub(crate) fn is_log_held(&self, cx: &mut MaySleep) -> bool {
        self.shared.log.is_held(cx)
    }
}
