//! Prints the events of a MIDI file in order of time, and what is wrong with the file.
//!
//! ```console
//! $ cargo run --example dump -- song.mid
//! ```

use std::error::Error;

use aseqd_smf::{File, Source};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: dump FILE")?;
    let bytes = std::fs::File::open(path)?;
    let len = bytes.metadata()?.len();
    let file = File::read(&Source::new(bytes, len))?;
    println!("{:?}", file.header());
    let mut events = file.into_merged();
    for (track, event) in events.by_ref() {
        println!("{:>8}  track {:<3} {:?}", event.tick, track + 1, event.kind);
    }
    for finding in &events.findings() {
        eprintln!("{finding}");
    }
    Ok(())
}
