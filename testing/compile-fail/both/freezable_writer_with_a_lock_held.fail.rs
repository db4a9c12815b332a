// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: another task may need the configuration before it can be frozen itself.
//! says: a freezable wait must not be done while

#[path = "array.rs"]
mod shared;
use baton::event::Mode;
use shared::*;

#[pin_data]
pub struct Files {
    #[pin]
    mapped: RwEvent<u32, Any, order::Free>,
}

pub fn wait(
    config: &Config,
    files: &RwSemaphore<Files, order::Stripes>,
    cx: &mut MaySleep,
) -> Result {
    let mut held = config.lock_in(cx);
    let (_, cx) = held.inner();
    let mapped = files.write_in(cx).on(|files| &files.mapped);
    let wait = mapped.until(|mapped| *mapped > 0);
    wait.wait(Killable.freezable())?; //~ E0277
    Ok(())
}
