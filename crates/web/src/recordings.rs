//! MIDI files of one folder, as notes to look at.

use aseqd_host::error::reason;
use aseqd_smf::{Division, EventKind, File, Meta, Source, TrackEvent, Voice};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

/// The most files that are listed.
const MAX_FILES: usize = 1000;
/// The most bytes of a file.
const MAX_BYTES: u64 = 16 << 20;
/// The most notes that are sent: two hours of a busy piece. More make the page slow.
const MAX_NOTES: usize = 50_000;
/// The most changes of the tempo that are sent.
const MAX_TEMPOS: usize = 5_000;
/// The most names of tracks.
const MAX_TRACKS: usize = 256;
/// Microseconds of a quarter, until a file says otherwise.
const DEFAULT_TEMPO: u32 = 500_000;

/// The folder.
pub(crate) struct Recordings {
    pub(crate) folder: Option<PathBuf>,
}

impl Recordings {
    fn folder(&self) -> Result<&PathBuf, String> {
        self.folder.as_ref().ok_or_else(|| {
            "there is no folder of recordings: `aseqd web --recordings DIR` gives one".to_owned()
        })
    }

    /// Returns the names of the files in the folder itself, which is all that can be loaded.
    fn names(&self) -> Result<Vec<(String, fs::Metadata)>, String> {
        let folder = self.folder()?;
        let failed = |error| format!("{} cannot be read: {}", folder.display(), reason(&error));
        let entries = fs::read_dir(folder).map_err(failed)?;
        let mut names: Vec<_> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let (_, extension) = name.rsplit_once('.')?;
                let known = ["mid", "midi", "smf"]
                    .iter()
                    .any(|known| extension.eq_ignore_ascii_case(known));
                let metadata = fs::metadata(entry.path()).ok()?;
                (known && metadata.is_file()).then_some((name, metadata))
            })
            .take(MAX_FILES)
            .collect();
        names.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(names)
    }

    /// Returns the list for clients.
    pub(crate) fn list(&self) -> Result<Value, String> {
        let one = |(name, metadata): (String, fs::Metadata)| {
            let since =
                metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            json!({ "name": name, "bytes": metadata.len(), "modified": since.map_or(0, |since| since.as_secs()) })
        };
        Ok(json!({ "recordings": self.names()?.into_iter().map(one).collect::<Vec<_>>() }))
    }

    /// Returns a file as notes.
    ///
    /// # Errors
    /// A sentence if it is not in the folder, or is no MIDI file.
    pub(crate) fn load(&self, name: &str) -> Result<Value, String> {
        let known = self.names()?.into_iter().any(|(known, _)| known == name);
        if !known {
            return Err("there is no such recording in the folder".to_owned());
        }
        let failed = |error| format!("{name} cannot be read: {}", reason(&error));
        let file = fs::File::open(self.folder()?.join(name)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(format!("{name} has more than 16 MiB"));
        }
        notes(name, bytes)
    }
}

/// Converts ticks to seconds.
struct Clock {
    division: Division,
    tempo: u32,
    tick: u32,
    seconds: f64,
}

impl Clock {
    fn advance(&mut self, tick: u32) -> f64 {
        let ticks = f64::from(tick.saturating_sub(self.tick));
        let length = match self.division {
            Division::Quarter(ticks) => f64::from(self.tempo) / 1e6 / f64::from(ticks.max(1)),
            Division::Frames { per_second: 29, ticks } => {
                1001.0 / 30_000.0 / f64::from(ticks.max(1))
            }
            Division::Frames { per_second, ticks } => {
                1.0 / f64::from(per_second.max(1)) / f64::from(ticks.max(1))
            }
        };
        self.seconds += ticks * length;
        self.tick = self.tick.max(tick);
        self.seconds
    }
}

/// Rounds seconds to tenths of a millisecond, so that few digits are sent.
fn short(seconds: f64) -> f64 {
    (seconds * 1e4).round() / 1e4
}

fn notes(name: &str, bytes: Vec<u8>) -> Result<Value, String> {
    let file = File::read(&Source::memory(bytes)).map_err(|error| format!("{name}: {error}"))?;
    let mut clock =
        Clock { division: file.header().division, tempo: DEFAULT_TEMPO, tick: 0, seconds: 0.0 };
    let mut tracks: BTreeMap<usize, String> = BTreeMap::new();
    let mut sounding: BTreeMap<(usize, u8, u8), Vec<usize>> = BTreeMap::new();
    let mut notes: Vec<(f64, f64, usize, u8, u8, u8)> = Vec::new();
    let (mut tempos, mut more) = (Vec::new(), 0_u64);
    for (track, TrackEvent { tick, kind, .. }) in file.into_merged() {
        let now = clock.advance(tick);
        match kind {
            EventKind::Meta(Meta::Tempo(tempo)) if tempo > 0 => {
                clock.tempo = tempo;
                if tempos.len() < MAX_TEMPOS {
                    tempos.push(json!([short(now), short(60e6 / f64::from(tempo))]));
                }
            }
            EventKind::Meta(Meta::Text { kind: 3, text }) if tracks.len() < MAX_TRACKS => {
                let text: String = String::from_utf8_lossy(&text).chars().take(63).collect();
                tracks.entry(track).or_insert(text);
            }
            EventKind::Channel(message) => {
                let (key, velocity) = match message.voice {
                    Voice::NoteOn { key, velocity } => (key, velocity),
                    Voice::NoteOff { key, .. } => (key, 0),
                    _ => continue,
                };
                let place = (track, message.channel, key);
                if velocity > 0 {
                    if notes.len() >= MAX_NOTES {
                        more += 1;
                        continue;
                    }
                    sounding.entry(place).or_default().push(notes.len());
                    notes.push((now, 0.0, track, message.channel, key, velocity));
                } else if let Some(starts) =
                    sounding.get_mut(&place).filter(|starts| !starts.is_empty())
                {
                    let note = &mut notes[starts.remove(0)];
                    note.1 = now - note.0;
                }
            }
            _ => {}
        }
    }
    // Notes without an end sound until the end.
    for index in sounding.into_values().flatten() {
        notes[index].1 = clock.seconds - notes[index].0;
    }
    let count =
        tracks.keys().chain(notes.iter().map(|note| &note.2)).max().map_or(0, |last| last + 1);
    let names: Vec<_> =
        (0..count.min(MAX_TRACKS)).map(|track| tracks.remove(&track).unwrap_or_default()).collect();
    let note = |(start, length, track, channel, key, velocity): (f64, f64, usize, u8, u8, u8)| {
        json!([short(start), short(length), track, channel, key, velocity])
    };
    Ok(json!({
        "name": name,
        "seconds": short(clock.seconds),
        "tracks": names,
        "notes": notes.into_iter().map(note).collect::<Vec<_>>(),
        "tempo": tempos,
        "more": more,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns a file with one track of these bytes, 96 ticks a quarter.
    fn file(track: &[u8]) -> Vec<u8> {
        let mut bytes = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk".to_vec();
        bytes.extend(u32::try_from(track.len()).expect("short").to_be_bytes());
        bytes.extend(track);
        bytes
    }

    #[test]
    fn notes_have_times_in_seconds() {
        let track = [
            &[0, 0xff, 3, 5][..],
            b"piano",
            &[0, 0x90, 60, 100, 96, 0xff, 0x51, 3, 0x0f, 0x42, 0x40],
            &[96, 0x80, 60, 0, 0, 0x93, 1, 2, 96, 0xff, 0x2f, 0],
        ]
        .concat();
        let said = notes("a.mid", file(&track)).expect("a file");
        let expected = json!({
            "name": "a.mid", "seconds": 2.5, "tracks": ["piano"], "more": 0, "tempo": [[0.5, 60.0]],
            "notes": [[0.0, 1.5, 0, 0, 60, 100], [1.5, 1.0, 0, 3, 1, 2]],
        });
        assert_eq!(said, expected);
    }

    #[test]
    fn only_files_of_the_folder_can_be_loaded() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.mid", "a.MIDI", "c.txt"] {
            fs::write(folder.path().join(name), file(&[0, 0xff, 0x2f, 0])).expect("a file");
        }
        fs::create_dir(folder.path().join("d.mid")).expect("a folder");
        let recordings = Recordings { folder: Some(folder.path().to_owned()) };
        let list = recordings.list().expect("a list");
        let names: Vec<_> = list["recordings"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["name"].clone())
            .collect();
        assert_eq!(names, ["a.MIDI", "b.mid"]);
        assert!(recordings.load("b.mid").is_ok());
        for name in ["c.txt", "d.mid", "../b.mid", "./b.mid", "", "/etc/passwd"] {
            assert!(recordings.load(name).is_err(), "{name}");
        }
        assert!(Recordings { folder: None }.list().is_err());
    }

    #[test]
    fn many_notes_are_counted_and_left_out() {
        let track: Vec<u8> = (0..MAX_NOTES + 10).flat_map(|_| [0, 0x90, 60, 100]).collect();
        let said = notes("a.mid", file(&track)).expect("a file");
        assert_eq!(said["more"], 10);
        assert_eq!(said["notes"].as_array().map(Vec::len), Some(MAX_NOTES));
    }

    proptest! {
        #[test]
        fn damaged_files_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _any = notes("a.mid", file(&bytes));
            let _any = notes("a.mid", bytes);
        }
    }
}
