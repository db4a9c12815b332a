// SPDX-License-Identifier: GPL-2.0

//! What pollers sleep on, and how long it is kept.

use core::pin::Pin;
use kernel::{
    prelude::*,
    sync::{
        new_mutex,
        poll::PollCondVarBox,
        Arc,
        LockClassKey,
        Mutex, //
    },
};

/// What pollers sleep on.
pub(super) type Head = PollCondVarBox;

/// Makes a head.
pub(super) fn new_head(name: &'static CStr, key: Pin<&'static LockClassKey>) -> Result<Arc<Head>> {
    Ok(Arc::new(Head::new(name, key)?, GFP_KERNEL)?)
}

/// The heads that a file was polled on.
///
/// They live as long as the file, because that is how long pollers may be registered with them.
#[pin_data]
pub(crate) struct Heads {
    #[pin]
    heads: Mutex<KVec<Arc<Head>>>,
}

impl Heads {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            heads <- new_mutex!(KVec::new(), "poll_heads"),
        })
    }

    /// Keeps a head, once.
    pub(super) fn keep(&self, head: &Arc<Head>) -> Result {
        let mut heads = self.heads.lock();
        if !heads.iter().any(|kept| Arc::ptr_eq(kept, head)) {
            heads.push(head.clone(), GFP_KERNEL)?;
        }
        Ok(())
    }
}
