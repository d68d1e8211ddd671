//! `--against`: the recorded calls on a real sequencer.

use super::ReplayArgs;
use super::export::begins_with_a_state;
use super::player::Player;
use aseqd_abi::Errno;
use aseqd_client::timer::Timers;
use aseqd_client::{Access, OpenOptions};
use aseqd_console::{print, say};
use aseqd_engine::{Access as Wanted, Engine, Node};
use aseqd_host::error::Fail;
use aseqd_replay::against::{Device, Devices, Verdict};
use aseqd_replay::replayer::Played;
use aseqd_replay::script::Binder;
use aseqd_replay::step::Step;
use aseqd_replay::words;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Maximum number of differences that are printed.
const PRINTED: u64 = 100;

/// Device files of a machine, or of a directory in which aseqd serves.
#[derive(Debug)]
pub(super) struct Files {
    sequencer: PathBuf,
    timer: PathBuf,
}

impl Files {
    /// Returns the files of a sequencer. The timer device is beside it.
    pub(super) fn of(sequencer: &Path) -> Self {
        Self { sequencer: sequencer.to_owned(), timer: sequencer.with_file_name("timer") }
    }
}

impl Devices for Files {
    type File = OwnedFd;

    fn open(&mut self, node: Node, access: Wanted) -> Result<OwnedFd, Errno> {
        let access = match access {
            Wanted::Read => Access::Read,
            Wanted::Write => Access::Write,
            Wanted::ReadWrite => Access::ReadWrite,
        };
        let opened = match node {
            Node::Timer => Timers::open(&self.timer).map(OwnedFd::from),
            _ => OpenOptions::new().access(access).open_file(&self.sequencer),
        };
        opened.map_err(|error| error.errno().unwrap_or(Errno::EIO))
    }
}

/// Makes calls on a device, and prints what is answered otherwise.
pub(super) struct Against {
    device: Device<Files>,
    binder: Binder,
    quiet: bool,
    differences: u64,
    /// What was not made or compared, and how often.
    skipped: BTreeMap<&'static str, u64>,
}

impl Against {
    pub(super) fn new(args: &ReplayArgs, sequencer: &Path, player: &Player) -> Result<Self, Fail> {
        let replayer = player.replayer();
        if replayer.state().is_some() {
            return Err(begins_with_a_state("a device cannot begin with it"));
        }
        // A missing device is better said at once.
        OpenOptions::new().check(sequencer)?;
        Ok(Self {
            device: Device::new(Files::of(sequencer)),
            binder: Binder::new(replayer.engine().clone()),
            quiet: args.check.is_some(),
            differences: 0,
            skipped: BTreeMap::new(),
        })
    }

    /// Makes the call of a record.
    pub(super) fn push(&mut self, played: &Played<'_>) -> Result<(), Fail> {
        let step = Step { at: played.at, action: played.action.clone() };
        let item = self.binder.bind(step);
        match self.device.make(&item, played.reply, played.out) {
            Verdict::Same => {}
            Verdict::Skipped(what) => *self.skipped.entry(what).or_default() += 1,
            Verdict::Differs(how) => {
                self.differences += 1;
                if !self.quiet && self.differences <= PRINTED {
                    let words = words::action(played.action, item.ump);
                    print(&format!("record {}: {words}: {how}\n", played.record))?;
                }
            }
        }
        Ok(())
    }

    /// Says what was not compared, and returns how many answers differ.
    pub(super) fn finish(self) -> u64 {
        if !self.quiet {
            for (what, count) in &self.skipped {
                say(&format!("not compared: {what} ({count} records)"));
            }
            match self.differences {
                0 => {}
                1 => say(&"1 answer differs"),
                count => say(&format!("{count} answers differ")),
            }
        }
        self.differences
    }
}

/// Returns whether a device answers a recording otherwise than the engine does.
pub(super) fn differ(sequencer: &Path, start: &Engine, steps: &[Step]) -> bool {
    let mut device = Device::new(Files::of(sequencer));
    let mut binder = Binder::new(start.clone());
    let mut engine = start.clone();
    let mut out = Vec::new();
    let began = std::time::Instant::now();
    let first = steps.first().map(|step| step.at);
    steps.iter().any(|step| {
        let due = std::time::Duration::from_nanos(first.map_or(0, |first| step.at - first));
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        let reply = engine.handle(step.at, step.action.input(), &mut out);
        while engine.poll_output().is_some() {}
        let item = binder.bind(step.clone());
        matches!(device.make(&item, reply, &out), Verdict::Differs(_))
    })
}
