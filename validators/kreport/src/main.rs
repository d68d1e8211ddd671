//! The program `kreport`. It decides the exit statuses.

#![forbid(unsafe_code)]

mod follow;

use clap::Parser as _;
use kreport::cli::{Cli, Format};
use kreport::list::{self, words};
use kreport::output::{self, AsPrinted, Locate, Text, json};
use kreport::symbols::Symbols;
use kreport::{Collector, Kind, Known, Log, Report, Stream};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Exit status if `--check` was given and there are reports.
const FOUND: u8 = 1;
/// Exit status for a wrong option, or a file or stream that cannot be used. Clap uses the same.
const TROUBLE: u8 = 2;
/// Number of bytes that are read at once.
const CHUNK: usize = 1 << 20;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(sentence) => {
            eprintln!("kreport: {sentence}");
            ExitCode::from(TROUBLE)
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode, String> {
    let check = Check::new(cli.check.as_deref())?;
    let symbols = symbols(&cli.symbols)?;
    let known = known(&cli.known)?;
    if cli.follow {
        return follow::follow(cli, &*symbols, &known, &check);
    }
    let mut stream = Stream::default();
    let mut collector = Collector::default();
    let mut found = false;
    let mut take = |report: Report<'_>| {
        // Also of reports that are not kept.
        found = found || check.counts(&report) && known.reason(&report).is_none();
        collector.push(&report);
    };
    for path in files(cli) {
        read(&path, &mut stream, &mut take)?;
    }
    stream.flush(&mut take);
    collector.finish();
    let log = collector.log(stream.lines());
    if log.dropped > 0 {
        let _unheard = writeln!(
            io::stderr(),
            "kreport: {} of {} reports are not listed: too many are incomplete or differ from all others",
            log.dropped,
            log.total
        );
    }
    print(&render(cli, &log, &*symbols, &known)?)?;
    Ok(if found { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

fn render(cli: &Cli, log: &Log<'_>, symbols: &dyn Locate, known: &Known) -> Result<String, String> {
    Ok(match cli.form() {
        Format::Json => {
            json::json(log, symbols, known)
                .map_err(|error| format!("cannot print JSON: {error}"))?
                + "\n"
        }
        Format::Timeline => output::timeline(log, known),
        Format::Titles => output::titles(log, known),
        Format::Junit => output::junit(log, symbols, known),
        Format::Sarif => output::sarif(log, symbols, known),
        Format::Kcidb => output::kcidb(log, known, &cli.origin, cli.test.as_deref()),
        Format::Known => output::baseline(log),
        _ => {
            let mut options = Text::default();
            options.full = cli.full;
            options.known = Some(known);
            output::text(log, symbols, options)
        }
    })
}

/// Prints to standard output. It is no error if the reader has seen enough.
fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => {
            result.map_err(|error| format!("cannot write to standard output: {}", words(&error)))
        }
    }
}

/// Which reports make the exit status 1.
pub(crate) struct Check {
    all: bool,
    kinds: Vec<String>,
}

impl Check {
    fn new(kinds: Option<&[String]>) -> Result<Self, String> {
        let Some(kinds) = kinds else { return Ok(Self { all: false, kinds: Vec::new() }) };
        let is_kind = |name: &str| {
            name == "kernel"
                || name == "program"
                || Kind::ALL.iter().any(|kind| kind.name() == name)
        };
        if let Some(wrong) = kinds.iter().find(|name| !is_kind(name)) {
            let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            return Err(format!(
                "--check: there is no kind {wrong}; kinds are kernel, program, {}",
                names.join(", ")
            ));
        }
        Ok(Self { all: kinds.is_empty(), kinds: kinds.to_vec() })
    }

    pub(crate) fn counts(&self, report: &Report<'_>) -> bool {
        let side = if report.of_program { "program" } else { "kernel" };
        self.all || self.kinds.iter().any(|name| name == side || name == report.kind.name())
    }
}

fn symbols(paths: &[PathBuf]) -> Result<Box<dyn Locate>, String> {
    if paths.is_empty() {
        return Ok(Box::new(AsPrinted));
    }
    let open = Symbols::open(paths);
    Ok(Box::new(open.map_err(|error| format!("{}: {}", error.path.display(), error.why))?))
}

fn known(paths: &[PathBuf]) -> Result<Known, String> {
    let mut known = Known::default();
    for path in paths {
        let text = list::read(path)?;
        known.add(&text).map_err(|error| {
            format!("{}: line {} has neither a signature nor a title", path.display(), error.number)
        })?;
    }
    Ok(known)
}

fn files(cli: &Cli) -> Vec<PathBuf> {
    if cli.files.is_empty() { vec![PathBuf::from("-")] } else { cli.files.clone() }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot read {}: {}", path.display(), words(error))
}

/// Reads a log. It gets a newline at its end, so that the next begins on a line of its own.
fn read(path: &Path, stream: &mut Stream, each: &mut dyn FnMut(Report<'_>)) -> Result<(), String> {
    let mut input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(|error| unreadable(path, &error))?)
    };
    let no_log = |what: kreport::Unreadable| format!("{} is no log: {what}", name(path));
    let mut bytes = vec![0; CHUNK];
    loop {
        match input.read(&mut bytes) {
            Ok(0) => break,
            Ok(length) => stream.push(&bytes[..length], each).map_err(no_log)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
    stream.end_of_file().map_err(no_log)
}

fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}
