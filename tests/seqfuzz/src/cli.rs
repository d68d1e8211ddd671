//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use seqfuzz::{Kind, Profile, Program};
use std::ffi::OsString;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

/// Seeded programs for the ALSA sequencer, and what a sequencer answers to them.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Cmd,
}

#[derive(Subcommand)]
pub(crate) enum Cmd {
    /// Run the programs of seeds on /dev/snd/seq and print their transcripts.
    Transcript(TranscriptArgs),
    /// Print the program of a seed with what the engine answers.
    Show {
        /// The seed.
        seed: u64,
        #[command(flatten)]
        which: Which,
        /// Print the program alone, as `run` reads it.
        #[arg(long)]
        program: bool,
        /// Run it on /dev/snd/seq instead.
        #[arg(long)]
        device: bool,
    },
    /// Run programs from a file on /dev/snd/seq. Calls that are made at once are printed in the order of their answers.
    Run {
        /// The file, `-` for standard input; programs of syzkaller work too.
        file: PathBuf,
        /// Use the engine in this process instead.
        #[arg(long)]
        engine: bool,
        /// Use the server's session in this process instead, and say what is wrong.
        #[arg(long, conflicts_with = "engine")]
        session: bool,
        /// Print the results alone, one a line, an empty line after each program.
        #[arg(long)]
        results: bool,
    },
    /// Print the descriptions of both devices in the language of syzkaller.
    Describe,
    /// Turn programs into syzkaller's syntax, or syzkaller's into ours.
    Convert {
        /// The file, `-` for standard input. Its syntax is recognised.
        file: PathBuf,
        /// The syntax to print; without it, the other one.
        #[arg(long, value_enum)]
        to: Option<Syntax>,
    },
    /// Look for crashes, hangs, leaks and wrong answers: by random changes of a corpus, guided by what they reach.
    #[command(after_help = FUZZ_HELP)]
    Fuzz(FuzzArgs),
    /// One process of a campaign.
    #[command(hide = true)]
    FuzzWorker(WorkerArgs),
    /// Do what `fuzz` does in virtual machines: on a real kernel, whose log is watched from outside.
    #[command(after_help = VM_HELP)]
    Vm(VmArgs),
    /// Take part in a campaign that has started this machine: for the system of a machine of `vm --qemu`, run by root.
    Guest,
    /// Run programs of seeds for some time, and print how many a second.
    Speed {
        /// What they run on.
        #[arg(long, value_enum, default_value = "engine")]
        on: On,
        /// Make calls at once, by several threads and processes.
        #[arg(long)]
        at_once: bool,
        /// For how long, such as 5s.
        #[arg(long, value_parser = duration, default_value = "3s")]
        time: Duration,
    },
    /// Print how many edges of the engine the programs in folders take, without looking for more.
    Edges {
        /// The folders: the corpus of a campaign, or of libFuzzer.
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
        /// The files are inputs of libFuzzer (tests/seqfuzz/libfuzzer).
        #[arg(long)]
        bytes: bool,
    },
    /// One of the processes that make the calls of a program.
    #[command(hide = true)]
    FuzzHand,
    /// Print what a campaign has done and found, and write its page, index.html.
    Status {
        /// The folder of the campaign.
        dir: PathBuf,
        /// Print the edges by file instead, as `fuzz --baseline` reads them.
        #[arg(long)]
        coverage: bool,
    },
    /// Print the programs of a campaign's corpus that together take all its edges.
    Distil {
        /// The folder of the campaign.
        dir: PathBuf,
    },
    /// Print which share of the engine's edges that tests take the corpus of a campaign takes, by file, and which edges it
    /// does not take. `scripts/seqfuzz --compare` runs the tests first.
    Reach {
        /// The folder of the campaign.
        dir: PathBuf,
        /// A folder of what test programs have written that were built for it (tests/seqfuzz/edges.c).
        #[arg(long, value_name = "DIR")]
        programs: Vec<PathBuf>,
        /// A folder of recordings as text, or one file: what they take belongs to the tests.
        #[arg(long, value_name = "DIR")]
        recordings: Vec<PathBuf>,
        /// What the programs take whose answers on Linux are recorded belongs to the tests.
        #[arg(long)]
        seeds: bool,
        /// Write the answers that calls get in these recordings and programs to a file.
        #[arg(long, value_name = "FILE")]
        answers: Option<PathBuf>,
    },
    /// Print the programs of recordings.
    Import {
        /// Texts of recordings: `aseqd replay FILE --text`.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Make reproducers of a finding in its folder: a program for syzkaller, a C file, a test in Rust. Each is built and run
    /// before it counts.
    Repro {
        /// The folder of the finding.
        finding: PathBuf,
        /// The command under which the C program finds the devices, such as "aseqd run --".
        #[arg(long, value_name = "COMMAND")]
        under: Option<String>,
        /// The kernel that shows the finding, as for `vm`: the C program runs on it in a virtual machine.
        #[arg(long, value_name = "KERNEL", conflicts_with = "under")]
        kernel: Option<String>,
        /// The script that boots it; by default tests/oracle/run of the sources.
        #[arg(long, value_name = "RUN", env = "SEQFUZZ_ORACLE")]
        oracle: Option<PathBuf>,
        /// The folder of the sources, for the test in Rust; by default the one above the current folder that has them.
        #[arg(long, value_name = "DIR")]
        repository: Option<PathBuf>,
    },
    /// Run seeds on Linux in a virtual machine and on us, and list those that differ.
    Compare {
        /// Seeds, as FIRST..END.
        #[arg(long, value_parser = seeds, default_value = "0..1000")]
        seeds: Range<u64>,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        sides: Sides,
        /// Seeds per boot.
        #[arg(long, default_value_t = 5000)]
        boot: u64,
        /// Take Linux's hashes from this file instead; see `tests/seqfuzz/kernels`.
        #[arg(long)]
        known: Option<PathBuf>,
        /// Write the hashes of Linux to this file.
        #[arg(long)]
        save: Option<PathBuf>,
        /// Write the hashes of the other side to this file, where it differs as newer kernels do.
        #[arg(long)]
        save_changes: Option<PathBuf>,
    },
    /// Shrink the programs of seeds on which Linux and we differ.
    Minimise {
        /// The seeds.
        #[arg(required = true)]
        seeds: Vec<u64>,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        sides: Sides,
        /// Print the two transcripts of the whole programs instead.
        #[arg(long)]
        whole: bool,
    },
}

const FUZZ_HELP: &str = "\
The folder gets corpus/ (programs), findings/ (a folder for each title: report, log, program)
and index.html. A campaign in a folder that has a corpus goes on from there.

Built by scripts/seqfuzz, the engine counts its edges, and new edges guide the changes.
Else, and on devices, new kinds of answers do.

Exit status: 0 nothing found, 1 something found or less covered than the baseline, 2 an error.";

#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// The folder of the campaign.
    pub(crate) dir: PathBuf,
    /// Run programs on the engine in each process. This is the default.
    #[arg(long)]
    pub(crate) engine: bool,
    /// Run programs on the server's session in each process: calls are made at once, with signals and deaths, in an order
    /// from the program's seeds.
    #[arg(long, conflicts_with = "engine")]
    pub(crate) session: bool,
    /// Run programs on /dev/snd/seq and /dev/snd/timer.
    #[arg(long, conflicts_with_all = ["engine", "session"])]
    pub(crate) device: bool,
    /// Run programs on the devices that a command serves, such as "aseqd run --".
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["engine", "session", "device"])]
    pub(crate) under: Option<String>,
    /// Compare the answers of a kernel that tests/oracle/fetch has prepared with the engine's: the programs of DIR/corpus run in
    /// a virtual machine, many in one boot; then programs made of them, if there is a --time.
    #[arg(long, value_name = "KERNEL", conflicts_with_all = ["engine", "session", "device", "under", "rude", "baseline"])]
    pub(crate) transcripts: Option<String>,
    /// With --transcripts: programs in one boot.
    #[arg(long, default_value_t = 300, requires = "transcripts")]
    pub(crate) batch: usize,
    /// With --transcripts: the script that boots kernels; by default tests/oracle/run of the sources.
    #[arg(long, value_name = "RUN", env = "SEQFUZZ_ORACLE")]
    pub(crate) oracle: Option<PathBuf>,
    /// With --transcripts: this program linked statically, for the machine.
    #[arg(long, value_name = "FILE", env = "SEQFUZZ_STATIC")]
    pub(crate) binary: Option<PathBuf>,
    /// Close files of devices as they are. Linux, to 7.3 at least, may sleep for ever in close() if the client has events in
    /// a queue that it no longer uses; without this, that is avoided.
    #[arg(long)]
    pub(crate) rude: bool,
    /// Number of processes.
    #[arg(long, default_value_t = 1)]
    pub(crate) jobs: usize,
    /// How long, such as 90s, 10m or 8h; without end if it is left out. A call that hangs then is waited for until the watchdog
    /// reports it.
    #[arg(long, value_parser = duration)]
    pub(crate) time: Option<Duration>,
    /// Seed of the random numbers.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Fail if the campaign ends with less of the engine covered than this file says (see `status --coverage`).
    #[arg(long, value_name = "FILE", requires = "time")]
    pub(crate) baseline: Option<PathBuf>,
    /// Print findings whose title begins so, but do not fail because of them. May be given several times.
    #[arg(long, value_name = "TITLE")]
    pub(crate) allow: Vec<String>,
}

#[derive(Args)]
pub(crate) struct WorkerArgs {
    #[arg(long)]
    pub(crate) job: usize,
    #[arg(long)]
    pub(crate) seed: u64,
    #[arg(long)]
    pub(crate) session: bool,
    #[arg(long)]
    pub(crate) device: bool,
    #[arg(long)]
    pub(crate) ours: bool,
    #[arg(long)]
    pub(crate) kernel_log: bool,
    #[arg(long)]
    pub(crate) sync: bool,
    #[arg(long)]
    pub(crate) rude: bool,
    #[arg(long)]
    pub(crate) replay: Option<PathBuf>,
    #[arg(long, value_parser = duration)]
    pub(crate) time: Option<Duration>,
    pub(crate) dir: PathBuf,
}

const VM_HELP: &str = "\
A kernel is one that tests/oracle/fetch has prepared (6.1, 6.12, 7.3, 6.12-ump, 7.3-ump), or the path
of an image, such as arch/x86/boot/bzImage or vmlinux. An image needs built in: DEVTMPFS,
BLK_DEV_INITRD, SERIAL_8250_CONSOLE; built in or as modules (--modules): SND_SEQUENCER, SND_SEQ_DUMMY,
SND_HRTIMER, 9P_FS, NET_9P_VIRTIO, VIRTIO_PCI; and what is to look for bugs: KASAN, PROVE_LOCKING,
KCSAN, UBSAN, DEBUG_ATOMIC_SLEEP.

With --qemu the machine is whatever the command boots, whose console is its standard output. The folder
is added to the command as a 9p file system; `seqfuzz guest` in the machine, run by root, does the rest.

When a machine dies or hangs, its last programs are run again in other machines until the guilty one is
known and as short as it gets. DIR/jobs/N.console has the console of a machine.

Exit status: 0 nothing found, 1 something found, 2 an error.";

#[derive(Args)]
pub(crate) struct VmArgs {
    /// The folder of the campaign.
    pub(crate) dir: PathBuf,
    /// The kernel: a name, or the path of an image.
    #[arg(long, required_unless_present = "qemu")]
    pub(crate) kernel: Option<String>,
    /// The command that boots a machine.
    #[arg(long, value_name = "COMMAND", conflicts_with = "kernel")]
    pub(crate) qemu: Option<String>,
    /// Number of machines.
    #[arg(long, default_value_t = 1)]
    pub(crate) jobs: usize,
    /// How long, such as 90s, 10m or 8h; without end if it is left out.
    #[arg(long, value_parser = duration)]
    pub(crate) time: Option<Duration>,
    /// Seed of the random numbers.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How long it may take to shrink a finding that a machine does not survive.
    #[arg(long, value_parser = duration, default_value = "15m")]
    pub(crate) shrink: Duration,
    /// Close files as they are, as for `fuzz`.
    #[arg(long)]
    pub(crate) rude: bool,
    /// Processors of a machine.
    #[arg(long, default_value_t = 1)]
    pub(crate) cpus: usize,
    /// How the processor of an image's machine is emulated.
    #[arg(long, default_value = "tcg", value_parser = ["tcg", "kvm"])]
    pub(crate) accel: String,
    /// More of the kernel's command line, such as "panic_on_warn=1".
    #[arg(long, value_name = "ARGS", default_value = "", allow_hyphen_values = true)]
    pub(crate) append: String,
    /// The modules of an image: the folder that `make modules_install` has made, such as lib/modules/6.12.0. Those that
    /// the campaign needs are loaded at boot.
    #[arg(long, value_name = "FOLDER", conflicts_with = "qemu")]
    pub(crate) modules: Option<PathBuf>,
    /// A module to load, such as "snd-virmidi midi_devs=2"; for a kernel that has a name, and with --modules.
    #[arg(long, value_name = "MODULE", conflicts_with = "qemu")]
    pub(crate) module: Vec<String>,
    /// The script that boots kernels that have a name; by default tests/oracle/run of the sources.
    #[arg(long, value_name = "RUN", env = "SEQFUZZ_ORACLE")]
    pub(crate) oracle: Option<PathBuf>,
    /// This program linked statically, for the machine.
    #[arg(long, value_name = "FILE", env = "SEQFUZZ_STATIC")]
    pub(crate) binary: Option<PathBuf>,
}

/// Reads a time such as 500ms, 90s, 10m or 8h.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text} is no time such as 90s, 10m or 8h");
    let end = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u64 = text[..end].parse().map_err(|_| wrong())?;
    let seconds = |unit: u64| number.checked_mul(unit).map(Duration::from_secs).ok_or_else(wrong);
    match &text[end..] {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3600),
        _ => Err(wrong()),
    }
}

/// How a program is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Syntax {
    /// Ours, as `show --program` prints it.
    Program,
    /// syzkaller's, for the descriptions that `describe` prints.
    Syz,
    /// syzkaller's, for its own descriptions.
    SyzOwn,
}

/// What programs run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum On {
    /// The engine in this process.
    Engine,
    /// The server's session in this process.
    Session,
    /// The device files.
    Device,
}

#[derive(Args)]
pub(crate) struct TranscriptArgs {
    /// Seeds, as FIRST..END.
    #[arg(long, value_parser = seeds)]
    pub(crate) seeds: Range<u64>,
    #[command(flatten)]
    pub(crate) which: Which,
    /// One line per seed: its number and a hash of its transcript.
    #[arg(long)]
    pub(crate) hash: bool,
    /// Use the engine in this process instead.
    #[arg(long)]
    pub(crate) engine: bool,
}

#[derive(Args, Clone, Copy)]
pub(crate) struct Which {
    /// About how many calls a program makes between its beginning and its end.
    #[arg(long, default_value_t = 24)]
    pub(crate) size: usize,
    /// Keep to what Linux 6.1 and 6.12 have in common.
    #[arg(long)]
    pub(crate) common: bool,
    /// Leave out what asks for UMP: its requests, MIDI versions and the flag of UMP records.
    #[arg(long)]
    pub(crate) legacy: bool,
    /// Programs that use /dev/snd/timer too; their seeds are others.
    #[arg(long)]
    pub(crate) timer: bool,
    /// Programs with UMP clients and user-driven timers; their seeds are others.
    #[arg(long, conflicts_with_all = ["timer", "common", "legacy"])]
    pub(crate) ump: bool,
}

impl Which {
    /// Returns the library's word for the kind.
    pub(crate) const fn kind(self) -> Kind {
        let profile = match (self.timer, self.ump) {
            (_, true) => Profile::Ump,
            (true, false) => Profile::Timer,
            (false, false) => Profile::Sequencer,
        };
        Kind { size: self.size, common: self.common, legacy: self.legacy, profile }
    }

    /// Returns the program of a seed.
    pub(crate) fn program(self, seed: u64) -> Program {
        self.kind().program(seed)
    }
}

#[derive(Args)]
pub(crate) struct Sides {
    /// The script that boots a Linux with a sequencer.
    #[arg(long, value_name = "RUN", env = "SEQFUZZ_ORACLE")]
    pub(crate) oracle: Option<PathBuf>,
    /// The kernel to boot.
    #[arg(long, default_value = "6.12")]
    pub(crate) kernel: String,
    /// This program linked statically, for the virtual machine.
    #[arg(long, value_name = "FILE", env = "SEQFUZZ_STATIC")]
    pub(crate) binary: Option<PathBuf>,
    /// Maximum number of seconds for one boot.
    #[arg(long, default_value_t = 1200)]
    pub(crate) timeout: u32,
    /// The command under which our side is `/dev/snd/seq`, such as "aseqd run --"; without it the
    /// engine in this process.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) under: Option<OsString>,
    /// Another kernel instead of our side.
    #[arg(long, value_name = "KERNEL", conflicts_with = "under")]
    pub(crate) against: Option<String>,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let wrong = || format!("{text} is not FIRST..END");
    let (first, end) = text.split_once("..").ok_or_else(wrong)?;
    let first = first.parse().map_err(|_| wrong())?;
    let end = end.parse().map_err(|_| wrong())?;
    if first < end { Ok(first..end) } else { Err(format!("{text} is empty")) }
}
