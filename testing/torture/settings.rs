// SPDX-License-Identifier: GPL-2.0

//! The parameters of the module, checked.

use crate::{
    board::Load,
    row::Kind,
    rows::TABLE,
    shim::{
        self,
        Params, //
    },
};
use kernel::prelude::*;

pub(crate) struct Settings {
    pub(crate) rows: KVec<&'static Kind>,
    pub(crate) load: Load,
    pub(crate) given: Params,
}

/// Refuses a value, and says which are allowed.
fn check(name: &str, value: i32, min: i32, max: i32) -> Result {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    pr_err!("{name}={value} is invalid, allowed: {min} to {max}\n");
    Err(EINVAL)
}

/// Finds the rows that are asked for.
fn rows(asked: &str) -> Result<KVec<&'static Kind>> {
    let mut rows = KVec::new();
    for word in asked.trim().split(',') {
        let before = rows.len();
        for kind in TABLE {
            if word == kind.name || word == "*" && !kind.busted || word == "busted" && kind.busted {
                rows.push(kind, GFP_KERNEL)?;
            }
        }
        if rows.len() == before {
            pr_err!(
                "torture_type={asked}: there is no row '{word}', allowed: *, busted, or some of\n"
            );
            for kind in TABLE {
                pr_err!("    {}\n", kind.name);
            }
            return Err(EINVAL);
        }
    }
    Ok(rows)
}

impl Settings {
    /// Reads the parameters, and changes nothing if one of them is wrong.
    pub(crate) fn read() -> Result<Self> {
        let given = Params::given()?;
        check("nwriters", given.nwriters, 1, 16)?;
        check("nwaiters", given.nwaiters, 1, 16)?;
        check("stutter", given.stutter, 0, 100)?;
        check("shuffle_interval", given.shuffle_interval, 0, 1000)?;
        check("stat_interval", given.stat_interval, 0, 3600)?;
        check("signals", given.signals, 0, 1000)?;
        check("limits", given.limits, 0, 100)?;
        check("failslab", given.failslab, 0, 1)?;
        check("deadline", given.deadline, 1000, 600_000)?;
        check("verbose", given.verbose, 0, 1)?;
        check("freezer", given.freezer, 0, i32::from(shim::has_freezer()))?;
        if shim::has_hotplug() {
            check("onoff_interval", given.onoff_interval, 0, 10_000)?;
        } else if given.onoff_interval != 0 {
            pr_err!(
                "onoff_interval={} is invalid, allowed: 0, because this kernel cannot take CPUs away\n",
                given.onoff_interval
            );
            return Err(EINVAL);
        }
        Ok(Self {
            rows: rows(given.torture_type)?,
            // CAST: They were checked.
            load: Load {
                writers: given.nwriters as usize,
                waiters: given.nwaiters as usize,
                limits: given.limits as u64,
                failslab: given.failslab != 0,
                freezer: given.freezer != 0,
            },
            given,
        })
    }
}
