// SPDX-License-Identifier: GPL-2.0

//! The lines of a scenario, as `baton_bugs.c` describes them.

use crate::{
    bcache, dax, dio, md,
    params::{
        list,
        text,
        Values, //
    },
    scene::{
        Scene,
        Seed,
        Shared,
        OPTIONS, //
    },
    wrap, xfs,
};
use baton::MaySleep;
use kernel::{
    fmt,
    prelude::*,
    str::CString, //
};

/// A line was refused; nothing has changed.
pub(crate) struct Refused {
    error: Error,
    why: Option<CString>,
}

impl Refused {
    pub(crate) fn new(error: Error, why: fmt::Arguments<'_>) -> Self {
        Self {
            error,
            why: CString::try_from_fmt(why).ok(),
        }
    }
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            why: None,
        }
    }
}

/// The current scene, and why the last line was refused.
#[derive(Default)]
pub(crate) struct Session {
    scene: Option<Scene>,
    refused: Option<CString>,
}

const SEEDS: [&str; 6] = ["xfs", "dax", "md", "dio", "bcache", "wrap"];
const COMMANDS: [&str; 8] = [
    "new", "start", "admit", "gate", "let", "asleep", "settle", "end",
];

impl Session {
    /// Carries out one line after the other, up to the first that is refused.
    pub(crate) fn run(&mut self, cx: &mut MaySleep, text: &str) -> Result {
        self.refused = None;
        for line in text.lines() {
            if let Err(Refused { error, why }) = self.run_line(cx, line) {
                if let Some(why) = &why {
                    pr_err!("{}\n", crate::params::text(why));
                }
                self.refused = why;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Carries out one line; empty ones and comments are none.
    fn run_line(&mut self, cx: &mut MaySleep, line: &str) -> Result<(), Refused> {
        let mut words = line.split_ascii_whitespace();
        let mut next = || words.next().unwrap_or("");
        let command = next();
        if command.is_empty() || command.starts_with('#') {
            return Ok(());
        }
        if !COMMANDS.contains(&command) {
            let names = list(COMMANDS.into_iter())?;
            let names = text(&names);
            return Err(Refused::new(
                EINVAL,
                fmt!("'{command}': allowed are {names}"),
            ));
        }
        let Some(scene) = &mut self.scene else {
            if command == "new" {
                self.scene = Some(Self::new_scene(next(), words)?);
                return Ok(());
            }
            return Err(Refused::new(
                ENOENT,
                fmt!("{command}: there is no scene, 'new' first"),
            ));
        };
        match command {
            "start" => {
                let (name, op) = (next(), next());
                scene.start(cx, name, op, words)
            }
            "admit" => scene.admit(cx, next()),
            "gate" => scene.gate(next(), next()),
            "let" => scene.let_go(next()),
            "asleep" => scene.asleep(next()),
            "settle" => {
                scene.settle();
                Ok(())
            }
            "end" => {
                self.end(cx);
                Ok(())
            }
            _ => Err(Refused::new(
                EBUSY,
                fmt!("{command}: there is a scene, end it first"),
            )),
        }
    }

    fn new_scene<'l>(seed: &str, words: impl Iterator<Item = &'l str>) -> Result<Scene, Refused> {
        // What tells the C twins apart does not exist here.
        let options = Values::parse(words, OPTIONS, None)?;
        match seed {
            "xfs" => Ok(Scene::new(
                KBox::new(Shared(xfs::Log::create()?), GFP_KERNEL)?,
                &options,
            )?),
            "dax" => Ok(Scene::new(
                KBox::new(Shared(dax::Map::create()?), GFP_KERNEL)?,
                &options,
            )?),
            "dio" => Ok(Scene::new(
                KBox::new(Shared(dio::Dio::create()?), GFP_KERNEL)?,
                &options,
            )?),
            "bcache" => Ok(Scene::new(
                KBox::new(Shared(bcache::Bcache::create()?), GFP_KERNEL)?,
                &options,
            )?),
            "md" => Ok(Scene::new(
                KBox::new(Shared(md::Array::create()?), GFP_KERNEL)?,
                &options,
            )?),
            "wrap" => Ok(Scene::new(
                KBox::new(Shared(wrap::Gate::create()?), GFP_KERNEL)?,
                &options,
            )?),
            _ => {
                let names = list(SEEDS.into_iter())?;
                let names = text(&names);
                Err(Refused::new(
                    EINVAL,
                    fmt!("new {seed}: allowed are {names}"),
                ))
            }
        }
    }

    /// Clears the scene away, if there is one.
    pub(crate) fn end(&mut self, cx: &mut MaySleep) {
        if let Some(scene) = self.scene.take() {
            scene.end(cx);
        }
    }

    pub(crate) fn report(&self, cx: &mut MaySleep, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scene {
            Some(scene) => scene.report(cx, f)?,
            None => writeln!(f, "verdict none")?,
        }
        if let Some(refused) = &self.refused {
            writeln!(f, "error {}", text(refused))?;
        }
        Ok(())
    }
}
