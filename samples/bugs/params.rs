// SPDX-License-Identifier: GPL-2.0

//! Parameters of operations and options of seeds: `NAME=VALUE` words.

use crate::{
    actor::Actor,
    command::Refused,
    scene::Scene, //
};
use kernel::{
    prelude::*,
    str::CString,
    sync::Arc, //
};

/// What a parameter is called and what it can be.
pub(crate) enum Param {
    /// A number from 0 to the given one.
    Number(&'static str, u64),
    /// Another actor, which may be started later.
    Actor(&'static str),
}

impl Param {
    fn name(&self) -> &'static str {
        match self {
            Self::Number(name, _) | Self::Actor(name) => name,
        }
    }
}

/// How many numbers there can be in one line.
const MAX: usize = 4;

/// The values of a line; what is not given is 0 or absent.
#[derive(Default)]
pub(crate) struct Values {
    numbers: [u64; MAX],
    other: Option<Arc<Actor>>,
}

impl Values {
    /// Returns the number of the `i`-th parameter.
    pub(crate) fn number(&self, i: usize) -> u64 {
        self.numbers.get(i).copied().unwrap_or(0)
    }

    /// Returns whether the `i`-th parameter is set.
    pub(crate) fn flag(&self, i: usize) -> bool {
        self.number(i) != 0
    }

    /// Returns the actor that was named.
    pub(crate) fn other(&self) -> Option<&Actor> {
        self.other.as_deref()
    }

    /// Reads the rest of a line; `scene` is where actors are looked up.
    pub(crate) fn parse<'l>(
        words: impl Iterator<Item = &'l str>,
        params: &[Param],
        scene: Option<&mut Scene>,
    ) -> Result<Self, Refused> {
        let mut values = Self::default();
        let mut other = None;
        for word in words {
            let Some((name, value)) = word.split_once('=') else {
                return Err(Refused::new(EINVAL, fmt!("'{word}': expected NAME=VALUE")));
            };
            let mut known = params.iter().enumerate();
            let Some((i, param)) = known.find(|(_, param)| param.name() == name) else {
                let allowed = list(params.iter().map(Param::name))?;
                let allowed = if params.is_empty() {
                    "nothing"
                } else {
                    text(&allowed)
                };
                return Err(Refused::new(
                    EINVAL,
                    fmt!("'{name}': allowed here: {allowed}"),
                ));
            };
            match param {
                Param::Number(_, max) => {
                    let number = value.parse::<u64>().ok().filter(|number| number <= max);
                    let (Some(number), Some(slot)) = (number, values.numbers.get_mut(i)) else {
                        return Err(Refused::new(
                            EINVAL,
                            fmt!("{name}={value}: allowed is a number from 0 to {max}"),
                        ));
                    };
                    *slot = number;
                }
                Param::Actor(_) => other = Some(value),
            }
        }
        // The last step, so that a line that is refused makes no actor.
        if let (Some(name), Some(scene)) = (other, scene) {
            values.other = Some(scene.cast(name)?);
        }
        Ok(values)
    }
}

/// Joins names with commas, for a refusal.
pub(crate) fn list<'n>(names: impl Iterator<Item = &'n str>) -> Result<CString, Refused> {
    let mut joined = CString::try_from_fmt(fmt!(""))?;
    for (i, name) in names.enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        joined = CString::try_from_fmt(fmt!("{}{comma}{name}", text(&joined)))?;
    }
    Ok(joined)
}

/// A string that was made from strings, as one.
pub(crate) fn text(string: &CString) -> &str {
    string.to_str().unwrap_or("?")
}
