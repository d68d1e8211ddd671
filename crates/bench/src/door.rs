//! The doors through which the programs of the bench get to a sequencer, and how such a program is
//! started: `aseqd run -- aseqd bench-worker TASK ...`, as any program would be.

use super::program::{SERVED, answer_of, command, output, own_program, with_policy, worker_words};
use super::row::Side;
use aseqd_client::{Client, DEVICE};
use aseqd_host::error::Fail;
use serde_json::Value;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// A way to a sequencer.
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

/// The kernel's sequencer.
const KERNEL: Door = Door { name: "/dev/snd/seq", side: Side::Kernel, way: Way::Device };

impl Door {
    /// Every door that can be measured.
    pub(super) fn all(against_device: bool) -> Vec<Self> {
        let kernel = against_device.then_some(KERNEL);
        OURS.iter().copied().chain(kernel).collect()
    }

    /// Why it cannot be used on this machine, if so.
    pub(super) fn trouble(self) -> Option<String> {
        if let Way::Device = self.way {
            return Client::open(Path::new(DEVICE), "aseqd bench").err().map(|why| why.to_string());
        }
        match self.start(&[], ["true"].map(OsString::from)) {
            Ok(mut command) => output(&mut command).err().map(|why| why.to_string()),
            Err(why) => Some(why.to_string()),
        }
    }

    /// Does a program that comes in here have a server whose cost can be measured?
    pub(super) fn has_server(self) -> bool {
        matches!(self.way, Way::Run(_))
    }

    /// A command that has this sequencer.
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

    /// What a task of the bench has found out in this sequencer, itself under SCHED_FIFO if `fifo` says so.
    pub(super) fn run(
        self,
        options: &[OsString],
        fifo: bool,
        task: &[String],
    ) -> Result<Value, Fail> {
        answer_of(&mut self.start(options, with_policy(worker_words(task)?, fifo)?)?)
    }
}
