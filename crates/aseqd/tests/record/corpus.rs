//! `aseqd play` into `aseqd record`: the same events at the same ticks, for every file.

use crate::common::*;
use crate::kinds;
use aseqd_smf::{ChannelMessage, Division, EventKind, File, Meta, Source, SysEx};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What a file has: ticks of a second or of a quarter note, messages with their ticks, and tempos.
#[derive(Debug, PartialEq)]
struct Content {
    ticks: u32,
    messages: Vec<(u32, Vec<u8>)>,
    tempos: Vec<(u32, u32)>,
}

/// Returns what a player makes of a file. `None` if it refuses the file.
fn content(bytes: Vec<u8>) -> Option<Content> {
    let file = File::read(&Source::memory(bytes)).ok()?;
    let sequential = file.header().format == aseqd_smf::Format::Sequential;
    let (ticks, quarter) = match file.header().division {
        Division::Quarter(ticks) => (u32::from(ticks), 500_000),
        Division::Frames { per_second: 29, ticks } => (30 * u32::from(ticks), 1_001_000),
        Division::Frames { per_second, ticks } => {
            (u32::from(per_second) * u32::from(ticks), 1_000_000)
        }
    };
    let in_frames = matches!(file.header().division, Division::Frames { .. });
    let mut messages: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut tempos = vec![(0, quarter)];
    let (mut open, mut last) = (false, 0);
    let mut merged = file.into_merged();
    while let Some((track, event)) = merged.next() {
        if sequential && !in_frames && track != last {
            tempos.push((merged.base(), 500_000));
        }
        last = track;
        match event.kind {
            EventKind::Channel(message) => messages.push((event.tick, bytes_of(message))),
            EventKind::SysEx(SysEx { start: true, data, .. }) => {
                open = data.last() != Some(&0xf7);
                messages.push((event.tick, [vec![0xf0], data].concat()));
            }
            EventKind::SysEx(SysEx { data, .. }) | EventKind::Escape(data) if !data.is_empty() => {
                let ends = data.last() == Some(&0xf7);
                match messages.iter_mut().rev().find(|(_, bytes)| bytes[0] == 0xf0) {
                    Some((_, bytes)) if open && (data[0] < 0x80 || data[0] == 0xf7) => {
                        bytes.extend(data)
                    }
                    _ => messages.push((event.tick, data)),
                }
                open &= !ends;
            }
            EventKind::Meta(Meta::Tempo(tempo)) if tempo > 0 && !in_frames => {
                tempos.push((event.tick, tempo));
            }
            _ => {}
        }
    }
    let end = messages.last().map_or(0, |(tick, _)| *tick);
    Some(Content { ticks, messages, tempos: changes(&tempos, end) })
}

/// Returns where the tempo changes, up to the last message. The last of several tempos of one tick counts.
fn changes(tempos: &[(u32, u32)], end: u32) -> Vec<(u32, u32)> {
    let mut found: Vec<(u32, u32)> = Vec::new();
    for &(tick, tempo) in tempos.iter().filter(|(tick, _)| *tick <= end) {
        if found.last().is_some_and(|(last, _)| *last == tick) {
            found.pop();
        }
        if found.last().is_none_or(|(_, last)| *last != tempo) {
            found.push((tick, tempo));
        }
    }
    found
}

fn bytes_of(message: ChannelMessage) -> Vec<u8> {
    let bytes = message.to_bytes();
    let len = if matches!(bytes[0] >> 4, 0xc | 0xd) { 2 } else { 3 };
    bytes[..len].to_vec()
}

#[test]
fn what_is_played_is_recorded_at_the_same_ticks() {
    if let Some(folder) = std::env::var_os("ASEQD_RECORDED") {
        return compare(Path::new(&folder), &corpus(Path::new(&folder), LONGEST));
    }
    if !can_serve() || !has_virtual_time() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    // In virtual time the longest of them, of hours, takes no longer than the others.
    let wanted = corpus(folder.path(), u64::MAX);
    assert!(wanted.len() >= 90, "{}", wanted.len());
    let mut command = Command::new(ASEQD);
    command.args(["run", "--time", "virtual", "--", "sh", "play.sh"]);
    command.current_dir(&folder).env("A", ASEQD);
    let ended = finish(command, DEADLINE * 4 + Duration::from_secs(60));
    assert!(ended.status.success(), "{ended:#?}");
    compare(folder.path(), &wanted);
}

/// The longest file that `scripts/record-linux` plays, in quarter notes without a tempo: 5 seconds.
const LONGEST: u64 = 10;

/// Writes the files up to a length, and the script that plays each into a recorder. Returns what each has.
fn corpus(folder: &Path, longest: u64) -> Vec<(&'static str, Content)> {
    let mut wanted = Vec::new();
    let mut script = String::from("set -e\n");
    for odd in kinds::all() {
        let Some(content) = content(odd.bytes.clone()) else { continue };
        let end = File::read(&Source::memory(odd.bytes.clone()))
            .map(|file| file.into_merged().map(|(_, event)| event.tick).max().unwrap_or_default());
        if end.is_ok_and(|end| u64::from(end) > longest.saturating_mul(content.ticks.into())) {
            continue;
        }
        fs::write(folder.join(odd.name), &odd.bytes).expect("a file");
        // The player's queue stays for a while, so that a slow recorder can ask it for its ticks.
        script += &format!(
            "$A record --tempo queue --real-time -q -f {name}.mid & $A wait 'aseqd record'
             $A play -q --delay 0.5 -p 'aseqd record' {name} || [ $? = 1 ]
             kill -INT $!; wait $!\n",
            name = odd.name
        );
        wanted.push((odd.name, content));
    }
    fs::write(folder.join("play.sh"), script).expect("a file");
    wanted
}

fn compare(folder: &Path, wanted: &[(&str, Content)]) {
    for (name, wanted) in wanted {
        let recorded = fs::read(folder.join(format!("{name}.mid"))).expect("a recording");
        midly::Smf::parse(&recorded).expect("a song");
        let found = content(recorded).expect("a song");
        assert_eq!(&found, wanted, "{name}");
    }
}

/// Writes the files for `scripts/record-linux`.
#[test]
#[ignore = "a part of scripts/record-linux"]
fn files_for_linux() {
    let folder = std::env::var_os("ASEQD_CORPUS").expect("ASEQD_CORPUS names a folder");
    println!("{} files", corpus(Path::new(&folder), LONGEST).len());
}

/// Returns whether virtual time works here. Calls [`skip()`] if not.
pub(crate) fn has_virtual_time() -> bool {
    let mut command = Command::new(ASEQD);
    command.args(["run", "--time", "virtual", "--", "true"]);
    let ended = finish(command, DEADLINE);
    if !ended.status.success() {
        skip(ended.stderr.trim());
    }
    ended.status.success()
}
