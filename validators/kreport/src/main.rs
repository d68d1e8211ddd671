//! The program `kreport`. It decides the exit statuses.

#![forbid(unsafe_code)]

use clap::Parser as _;
use kreport::cli::Cli;
use kreport::output::{self, AsPrinted, Locate, json};
use kreport::symbols::Symbols;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

/// Exit status if `--check` was given and there are reports.
const FOUND: u8 = 1;
/// Exit status for a wrong option, or a file or stream that cannot be used. Clap uses the same.
const TROUBLE: u8 = 2;

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
    let bytes = read_all(cli)?;
    let symbols: Box<dyn Locate> = if cli.symbols.is_empty() {
        Box::new(AsPrinted)
    } else {
        let open = Symbols::open(&cli.symbols);
        Box::new(open.map_err(|error| format!("{}: {}", error.path.display(), error.why))?)
    };
    let text = kreport::decode(&bytes);
    let log = kreport::read(&text);
    let out = if cli.json {
        json::json(&log, &*symbols).map_err(|error| format!("cannot print JSON: {error}"))? + "\n"
    } else if cli.timeline {
        output::timeline(&log)
    } else if cli.titles {
        output::titles(&log)
    } else {
        output::text(&log, &*symbols, cli.full)
    };
    match io::stdout().lock().write_all(out.as_bytes()) {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        result => result.map_err(|error| format!("cannot write to standard output: {error}"))?,
    }
    let found = cli.check && !log.reports.is_empty();
    Ok(if found { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// Reads all logs. Each gets a newline at its end, so that the next begins on a line of its own.
fn read_all(cli: &Cli) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let input = [Path::new("-").to_owned()];
    let files = if cli.files.is_empty() { &input[..] } else { &cli.files };
    for path in files {
        let result = if path == Path::new("-") {
            io::stdin().lock().read_to_end(&mut bytes)
        } else {
            File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
        };
        result.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if bytes.last().is_some_and(|&byte| byte != b'\n') && files.len() > 1 {
            bytes.push(b'\n');
        }
    }
    Ok(bytes)
}
