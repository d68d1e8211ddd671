//! Playing: time from the start of a player with a large file to its first event, and its memory.

use super::device::{READ_SIZE, Sequencer, now_ns};
use super::process::Process;
use super::program;
use super::row::{Line, Row, Side, Subject};
use super::setup::{Entrance, Setup};
use super::task::{Words, task};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::{Event, EventType};
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;
use zerocopy::FromBytes as _;

/// Size of the file in bytes.
const FILE_SIZE: usize = 50_000_000;
/// Size of the file in bytes with `--quick`.
const QUICK_FILE_SIZE: usize = 5_000_000;
const TRACKS: usize = 16;

/// Returns the row.
pub(super) fn row(setup: &Setup) -> Row {
    let size = if setup.quick { QUICK_FILE_SIZE } else { FILE_SIZE };
    let file = Rc::new(file(setup.directory.path(), size).map_err(|error| error.to_string()));
    let title = format!("playing a file of {} MB", size / 1_000_000);
    let mut subjects = Vec::new();
    for Entrance { door, trouble } in setup.main_entrances() {
        for player in ["aseqd play", "aplaymidi"] {
            let (door, file) = (*door, Rc::clone(&file));
            let side = if player == "aplaymidi" { Side::Peer } else { door.side };
            let name = format!("{player}, {}", door.name);
            let missing = player == "aplaymidi" && !program::installed(player);
            let missing = missing.then(|| "aplaymidi is not installed (alsa-utils)".to_owned());
            let why = trouble.clone().or(missing).or_else(|| file.as_ref().clone().err());
            subjects.push(match why {
                Some(why) => Subject::missing(side, name, why),
                None => Subject::new(side, name, move || {
                    let path = file.as_ref().as_ref().map_err(Fail::new)?;
                    let words = task(&[&"play", &player, &path.display()]);
                    figures(&door.run(&[], false, &words)?)
                }),
            });
        }
    }
    let read = Rc::clone(&file);
    subjects.push(Subject::new(Side::Limit, "reading the whole file", move || {
        let path = read.as_ref().as_ref().map_err(Fail::new)?;
        let start = now_ns();
        let bytes = std::fs::read(path).context("the song cannot be read")?;
        let took = now_ns() - start;
        drop(bytes);
        Ok(Line::only(vec![("first_event_ms".to_owned(), took as f64 / 1e6)]))
    }));
    Row { family: "play", title, subjects }
}

fn figures(answer: &Value) -> Result<Vec<Line>, Fail> {
    let number = |name: &str| answer[name].as_f64().unwrap_or(0.0);
    Ok(Line::only(vec![
        ("first_event_ms".to_owned(), number("first_ns") / 1e6),
        ("peak_memory_per_file_size".to_owned(), number("peak_bytes") / number("file_bytes")),
    ]))
}

/// Writes a song of [`TRACKS`] tracks full of notes, and returns its path.
fn file(directory: &Path, size: usize) -> Result<PathBuf, Fail> {
    let path = directory.join("large.mid");
    let file = std::fs::File::create(&path).context("the song cannot be written")?;
    let mut file = std::io::BufWriter::new(file);
    let count = [0, TRACKS.to_le_bytes()[0]];
    let header = [b"MThd\0\0\0\x06\0\x01".as_slice(), &count, &480_u16.to_be_bytes()].concat();
    let mut write = |bytes: &[u8]| file.write_all(bytes).context("the song cannot be written");
    write(&header)?;
    // A note of a sixteenth takes 8 bytes, its note off included.
    let notes = size / TRACKS / 8;
    let end = [0, 0xff, 0x2f, 0];
    for channel in 0..16_u8 {
        let len = u32::try_from(notes * 8 + end.len()).context("the song cannot be written")?;
        write(b"MTrk")?;
        write(&len.to_be_bytes())?;
        for note in (0..notes).map(|number| 36 + number.to_le_bytes()[0] % 48) {
            write(&[0, 0x90 | channel, note, 100, 120, 0x80 | channel, note, 64])?;
        }
        write(&end)?;
    }
    file.flush().context("the song cannot be written")?;
    Ok(path)
}

/// Runs the task `play PLAYER FILE`.
pub(super) fn worker(words: &mut Words) -> Result<Value, Fail> {
    let (player, file) = (words.word()?, PathBuf::from(words.word()?));
    let sequencer = Sequencer::open("aseqd bench: listener")?;
    let port = OsString::from(sequencer.port.to_string());
    let own = program::own_program()?;
    let mut all = match player.as_str() {
        "aplaymidi" => vec!["aplaymidi".into(), "-p".into(), port],
        _ => vec![own.into_os_string(), "play".into(), "--quiet".into(), "--port".into(), port],
    };
    all.push(file.clone().into_os_string());
    let mut command = program::command(all, false)?;
    command.stdout(Stdio::null());
    let start = now_ns();
    process::end_with_us(&mut command);
    let mut child = command.spawn().with_context(|| player.clone())?;
    let first = first_note(&sequencer);
    let took = now_ns() - start;
    let peak = Process(child.id()).peak_memory();
    // The song takes hours.
    let _gone = child.kill();
    let _reaped = child.wait();
    first?;
    let size = std::fs::metadata(&file).context("the song cannot be read")?.len();
    Ok(json!({ "first_ns": took, "peak_bytes": peak?, "file_bytes": size }))
}

/// Sleeps until a note arrives.
fn first_note(sequencer: &Sequencer) -> Result<(), Fail> {
    let mut buffer = [0; READ_SIZE];
    loop {
        let len = sequencer.read(&mut buffer).context("events cannot be read")?;
        let is_note = |record: &[u8]| {
            Event::read_from_bytes(record).is_ok_and(|event| event.event_type == EventType::NOTEON)
        };
        if buffer[..len].chunks_exact(EVENT_SIZE).any(is_note) {
            return Ok(());
        }
    }
}
