//! The command line.

use clap::{Args, Parser, Subcommand};
use seqfuzz::{Kind, Profile, Program};
use std::ffi::OsString;
use std::ops::Range;
use std::path::PathBuf;

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
    /// Run programs from a file on /dev/snd/seq.
    Run {
        /// The file, `-` for standard input.
        file: PathBuf,
        /// Use the engine in this process instead.
        #[arg(long)]
        engine: bool,
        /// Print the results alone, one a line, an empty line after each program.
        #[arg(long)]
        results: bool,
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
