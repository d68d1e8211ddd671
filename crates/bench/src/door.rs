//! The doors through which the programs of the bench reach a sequencer. A program is started as
//! `aseqd run -- aseqd bench-worker TASK`, as any other would be.

use super::program::{SERVED, answer_of, command, output, own_program, with_policy, worker_words};
use super::row::Side;
use aseqd_client::{Client, DEVICE};
use aseqd_host::error::Fail;
use serde_json::Value;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// A way to reach a sequencer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Door {
    pub(super) name: &'static str,
    pub(super) side: Side,
    way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// `aseqd run` with these options.
    Run(&'static [&'static str]),
    /// The device file of this machine.
    Device,
}

/// The doors of `aseqd run`.
const OURS: &[Door] = &[
    Door { name: "FUSE", side: Side::Ours, way: Way::Run(&["--via=fuse"]) },
    Door { name: "hand-over", side: Side::Ours, way: Way::Run(&["--via=handover"]) },
    Door { name: "preload", side: Side::Ours, way: Way::Run(&["--via=preload"]) },
    Door { name: "trap", side: Side::Ours, way: Way::Run(&["--via=trap"]) },
];

/// The door of the kernel's sequencer.
const KERNEL: Door = Door { name: "/dev/snd/seq", side: Side::Kernel, way: Way::Device };

impl Door {
    /// Returns all doors: ours, and the kernel's if `against_device` is set.
    pub(super) fn all(against_device: bool) -> Vec<Self> {
        let kernel = against_device.then_some(KERNEL);
        OURS.iter().copied().chain(kernel).collect()
    }

    /// Returns why this door does not work here, or nothing if it does.
    pub(super) fn trouble(self) -> Option<String> {
        if let Way::Device = self.way {
            let opened = Client::open(Path::new(DEVICE), "aseqd bench");
            return opened.err().map(|why| Fail::from(why).to_string());
        }
        match self.start(&[], ["true"].map(OsString::from)) {
            Ok(mut command) => output(&mut command).err().map(|why| why.to_string()),
            Err(why) => Some(why.to_string()),
        }
    }

    /// Returns whether a server of ours stands behind this door, so that its CPU time can be measured.
    pub(super) fn has_server(self) -> bool {
        matches!(self.way, Way::Run(_))
    }

    /// Returns a command that finds the sequencer behind this door.
    pub(super) fn start(
        self,
        options: &[OsString],
        words: impl IntoIterator<Item = OsString>,
    ) -> Result<Command, Fail> {
        let own = own_program()?;
        let mut all = Vec::new();
        if let Way::Run(more) = self.way {
            all.extend([own.into_os_string(), "run".into()]);
            all.extend(more.iter().map(OsString::from).chain(options.iter().cloned()));
            all.push("--".into());
        }
        all.extend(words);
        let mut command = command(all, false)?;
        if self.has_server() {
            command.env(SERVED, "1");
        }
        Ok(command)
    }

    /// Runs a task behind this door, under SCHED_FIFO if `fifo` is set, and returns its answer.
    pub(super) fn run(
        self,
        options: &[OsString],
        fifo: bool,
        task: &[String],
    ) -> Result<Value, Fail> {
        answer_of(&mut self.start(options, with_policy(worker_words(task)?, fifo)?)?)
    }
}
