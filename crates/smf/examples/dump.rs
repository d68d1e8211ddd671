//! Prints the events of a MIDI file in order of time, and what is wrong with the file.
//!
//! ```console
//! $ cargo run --example dump -- song.mid
//! ```

use std::error::Error;
use std::io::{ErrorKind, Write as _};

use aseqd_smf::{File, Source};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: dump FILE")?;
    let bytes = std::fs::File::open(path)?;
    let len = bytes.metadata()?.len();
    let file = File::read(&Source::new(bytes, len))?;
    match print(file) {
        // Whoever reads the output has seen enough, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}

fn print(file: File) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:?}", file.header())?;
    let mut events = file.into_merged();
    for (track, event) in events.by_ref() {
        writeln!(out, "{:>8}  track {:<3} {:?}", event.tick, track + 1, event.kind)?;
    }
    for finding in &events.findings() {
        writeln!(std::io::stderr(), "{finding}")?;
    }
    Ok(())
}
