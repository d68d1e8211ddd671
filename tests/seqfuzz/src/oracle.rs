//! Runs programs: in this process, under a command, or in a virtual machine with Linux.

use crate::device::EngineDevice;
use crate::generate::Kind;
use crate::program::Program;
use crate::transcript::{Transcript, transcript};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A sequencer that can be asked to run programs.
#[derive(Clone, Debug)]
pub enum Side {
    /// The engine in this process.
    Engine,
    /// A function.
    Custom(fn(&Program) -> Transcript),
    /// The device that this process sees under a command, such as `aseqd run --`.
    Under {
        /// The command and its first arguments.
        command: Vec<OsString>,
        /// This program.
        binary: PathBuf,
    },
    /// Linux in a virtual machine.
    Oracle {
        /// The script that boots it.
        run: PathBuf,
        /// The kernel's name.
        kernel: String,
        /// This program, linked statically.
        binary: PathBuf,
        /// Maximum number of seconds for one boot.
        timeout: u32,
    },
}

/// Which of the [differences](crate::versions) between kernels a side may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// A kernel before 6.12, without them.
    Oldest,
    /// A kernel before 7.3, with those that are [old](crate::versions::Difference::old).
    Older,
    /// The newest kernel, with all of them.
    Newest,
    /// aseqd, with those that it follows.
    Ours,
}

impl Side {
    /// Returns its name in reports.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Engine => "engine".into(),
            Self::Custom(_) => "function".into(),
            Self::Under { command, .. } => {
                let program = command.first().map(Path::new).and_then(Path::file_name);
                program.map_or_else(String::new, |name| name.display().to_string())
            }
            Self::Oracle { kernel, .. } => format!("Linux {kernel}"),
        }
    }

    /// Returns which of the known differences between kernels it may show.
    #[must_use]
    pub fn generation(&self) -> Generation {
        match self {
            Self::Oracle { kernel, .. } if kernel.split('-').next() == Some("6.1") => {
                Generation::Oldest
            }
            Self::Oracle { kernel, .. } if kernel.starts_with("6.") => Generation::Older,
            Self::Oracle { .. } => Generation::Newest,
            _ => Generation::Ours,
        }
    }

    /// Returns the function that runs a program without another process.
    fn function(&self) -> Option<fn(&Program) -> Transcript> {
        match self {
            Self::Engine => Some(|program| transcript(&mut EngineDevice::of(program), program)),
            Self::Custom(run) => Some(*run),
            _ => None,
        }
    }

    /// Returns the hashes of the transcripts of a range of seeds.
    ///
    /// # Errors
    /// A message for people if the other side did not run to its end.
    pub fn hashes(&self, seeds: Range<u64>, kind: Kind) -> Result<Vec<u64>, String> {
        if let Some(run) = self.function() {
            return Ok(seeds.map(|seed| run(&kind.program(seed)).hash()).collect());
        }
        let Range { start: first, end } = seeds;
        let options = kind.options();
        let arguments = format!("transcript --hash {options} --seeds {first}..{end}");
        let text = self.run(&arguments, None)?;
        let hashes: Vec<u64> = text.lines().filter_map(hash_of_line).collect();
        let wanted = end - first;
        if hashes.len() as u64 == wanted {
            Ok(hashes)
        } else {
            let next = first + hashes.len() as u64;
            Err(format!("{} ended before seed {next} was done", self.name()))
        }
    }

    /// Returns the transcripts of programs.
    ///
    /// # Errors
    /// A message for people if the other side did not run to its end.
    pub fn transcripts(&self, programs: &[Program]) -> Result<Vec<Transcript>, String> {
        if let Some(run) = self.function() {
            return Ok(programs.iter().map(run).collect());
        }
        let mut file = String::new();
        for program in programs {
            let _infallible = write!(file, "{program}");
        }
        let text = self.run("run --results", Some(&file))?;
        let transcripts = read_results(&text);
        if transcripts.len() == programs.len() {
            Ok(transcripts)
        } else {
            Err(format!("{} ended in program {}", self.name(), transcripts.len()))
        }
    }

    /// Runs this program there. `file` becomes its last argument.
    fn run(&self, arguments: &str, file: Option<&str>) -> Result<String, String> {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let name = format!("seqfuzz.{}.{now}", std::process::id());
        let programs = std::env::temp_dir().join(name);
        if let Some(text) = file {
            // Does not follow a link that somebody else has left there.
            std::fs::File::create_new(&programs)
                .and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(|error| format!("{}: {error}", programs.display()))?;
        }
        let mut command;
        match self {
            Self::Engine | Self::Custom(_) => return Err("a function needs no process".into()),
            Self::Under { command: words, binary } => {
                let (first, rest) = words.split_first().ok_or("the command is empty")?;
                command = Command::new(first);
                command.args(rest).arg(binary).args(arguments.split(' '));
                if file.is_some() {
                    command.arg(&programs);
                }
            }
            Self::Oracle { run, kernel, binary, timeout } => {
                command = Command::new(run);
                command.args(["--kernel", kernel, "--timeout", &timeout.to_string()]);
                command.arg("--add").arg(format!("{}:/bin/seqfuzz", binary.display()));
                if file.is_some() {
                    command.arg("--add").arg(format!("{}:/programs", programs.display()));
                }
                command.args(["--", "seqfuzz"]).args(arguments.split(' '));
                if file.is_some() {
                    command.arg("/programs");
                }
            }
        }
        let program = command.get_program().to_os_string();
        let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output();
        let _left_behind = std::fs::remove_file(&programs);
        let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
        if !output.status.success() {
            let last = String::from_utf8_lossy(&output.stderr);
            let last = last.lines().last().unwrap_or("without a word").to_owned();
            let done = output.stdout.iter().filter(|byte| **byte == b'\n').count();
            return Err(format!("{} failed after {done} lines: {last}", self.name()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Returns the hash of a line `seed hash`.
fn hash_of_line(line: &str) -> Option<u64> {
    u64::from_str_radix(line.split_whitespace().nth(1)?, 16).ok()
}

/// Transcripts as lines: one a result, an empty line after each program.
#[must_use]
pub fn write_results(transcript: &Transcript) -> String {
    let mut text = String::new();
    for result in &transcript.results {
        let _infallible = writeln!(text, "{}", result.replace('\n', "\t"));
    }
    text.push('\n');
    text
}

fn read_results(text: &str) -> Vec<Transcript> {
    let mut transcripts = Vec::new();
    let mut results = Vec::new();
    for line in text.lines() {
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            transcripts.push(Transcript { results: std::mem::take(&mut results) });
        } else {
            results.push(line.replace('\t', "\n"));
        }
    }
    transcripts
}
