//! How the reader reads odd files: as in `tests/kinds.txt`, and no worse than other players do. `SMF_BLESS=1`
//! writes `tests/kinds.txt` and the table of `docs/smf.md`; `SMF_FILES=FOLDER` writes the files.

#[path = "kinds/mod.rs"]
mod kinds;

use aseqd_smf::{EventKind, File, Meta, ReadError, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The file with which the others are compared in `tests/kinds.txt`: `-` is what they lack, `+` what they
/// have in addition.
const USUAL: &str = "well_formed";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

/// Returns the lines of `these` that the others lack, each as often as it is missing there.
fn without(these: &[String], others: &[String]) -> Vec<String> {
    let mut others = others.to_vec();
    let mut left = these.to_vec();
    left.retain(|line| match others.iter().position(|other| other == line) {
        Some(at) => {
            others.remove(at);
            false
        }
        None => true,
    });
    left
}

/// Returns one line for each event that is sent, for the tempo, and for each finding.
fn listed(bytes: &[u8]) -> Vec<String> {
    let file = match File::read(&Source::memory(bytes)) {
        Ok(file) => file,
        Err(error @ ReadError::Io(_)) => panic!("{error}"),
        Err(error) => return vec![format!("refused: {error}")],
    };
    let mut merged = file.into_merged();
    let mut lines = Vec::new();
    let mut end = 0;
    for (_, event) in merged.by_ref() {
        end = event.tick;
        let what = match event.kind {
            EventKind::Channel(message) => {
                let [status, one, two] = message.to_bytes();
                match status >> 4 {
                    0xc | 0xd => hex(&[status, one]),
                    _ => hex(&[status, one, two]),
                }
            }
            EventKind::SysEx(sysex) if sysex.start => format!("f0 {}", hex(&sysex.data)),
            EventKind::SysEx(sysex) => hex(&sysex.data),
            EventKind::Escape(data) => format!("escaped {}", hex(&data)),
            EventKind::Meta(Meta::Tempo(tempo)) => format!("tempo {tempo}"),
            EventKind::Meta(_) => continue,
        };
        lines.push(format!("{} {what}", event.tick).trim_end().to_owned());
    }
    lines.push(format!("{end} end"));
    let mark = |lost| if lost { "lost" } else { "odd" };
    let findings = merged.findings();
    let findings = findings.iter();
    lines.extend(findings.map(|it| format!("{}: {it}", mark(it.oddity.loses_events()))));
    lines
}

#[test]
fn every_kind_of_odd_file_is_read_as_written_down() {
    let all = kinds::all();
    let usual = listed(&all.iter().find(|kind| kind.name == USUAL).unwrap().bytes);
    assert_eq!(usual.len(), 18);
    let mut text = Vec::new();
    for kind in all {
        text.push(format!("== {}: {}", kind.name, kind.what));
        let lines = listed(&kind.bytes);
        if kind.name == USUAL || lines[0].starts_with("refused") {
            text.extend(lines);
        } else {
            text.extend(without(&usual, &lines).iter().map(|line| format!("- {line}")));
            text.extend(without(&lines, &usual).iter().map(|line| format!("+ {line}")));
        }
        if let Some(folder) = env::var_os("SMF_FILES") {
            fs::write(Path::new(&folder).join(format!("{}.mid", kind.name)), &kind.bytes).unwrap();
        }
    }
    let text = text.join("\n") + "\n";
    if env::var_os("SMF_BLESS").is_some() {
        fs::write(path("kinds.txt"), &text).unwrap();
    }
    let expected = fs::read_to_string(path("kinds.txt")).unwrap_or_default();
    assert!(text == expected, "crates/smf/tests/kinds.txt differs; SMF_BLESS=1 writes it:\n{text}");
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<_> = kinds::all().iter().map(|kind| kind.name).collect();
    assert_eq!(names.len(), kinds::all().len());
    assert!(names.len() >= 47 && names.contains("cc_ff"));
}

const PLAYERS: [&str; 3] = ["aplaymidi", "timidity", "fluidsynth"];

/// Reads what a player has played of each file.
fn played_by(player: &str) -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(path("players").join(format!("{player}.txt"))).unwrap();
    let kinds = text.split("\n== ").skip(1);
    let kinds = kinds.map(|kind| {
        let mut lines = kind.lines().map(ToOwned::to_owned);
        (lines.next().unwrap(), lines.collect())
    });
    kinds.collect()
}

/// Returns the lines that are notes, without ticks.
fn notes(lines: &[String]) -> Vec<String> {
    let notes = lines.iter().filter_map(|line| {
        let fields: Vec<_> = line.split(' ').collect();
        let [.., status, key, velocity] = fields.as_slice() else { return None };
        let is_note = status.len() == 2 && status.starts_with('9') && *velocity != "00";
        (is_note && fields.len() <= 4).then(|| format!("{status} {key} {velocity}"))
    });
    notes.collect()
}

#[test]
fn no_other_player_plays_more() {
    // FluidSynth plays a velocity above 127 as 127; others use its lower seven bits.
    const OTHERWISE: [(&str, &str); 1] = [("fluidsynth", "hi_velocity")];
    let [aplaymidi, others @ ..] = PLAYERS.map(played_by);
    for kind in kinds::all() {
        let ours: Vec<_> =
            listed(&kind.bytes).iter().map(|line| line.replace("escaped ", "")).collect();
        let mut theirs = aplaymidi.get(kind.name).cloned().unwrap_or_default();
        theirs.retain(|line| line.starts_with(|c: char| c.is_ascii_digit()));
        assert_eq!(without(&theirs, &ours), [""; 0], "aplaymidi, {}", kind.name);
        for (player, others) in PLAYERS[1..].iter().zip(&others) {
            let theirs = others.get(kind.name).cloned().unwrap_or_default();
            let more = without(&notes(&theirs), &notes(&ours));
            let expected = OTHERWISE.contains(&(*player, kind.name));
            assert!(more.is_empty() || expected, "{player}, {}: {more:?}", kind.name);
        }
    }
    for (player, fewest) in PLAYERS.iter().zip([300, 400, 200]) {
        let played: usize = played_by(player).values().map(|lines| notes(lines).len()).sum();
        assert!(played > fewest, "{player} plays at all: {played}");
    }
}

#[test]
fn the_table_of_the_documentation_is_true() {
    const HEAD: &str = "| file | what is odd | aseqd | aplaymidi | TiMidity++ | FluidSynth |\n";
    let players = PLAYERS.map(played_by);
    let mut table = format!("{HEAD}| --- | --- | --- | --- | --- | --- |\n");
    for kind in kinds::all() {
        let count = |lines: Option<&Vec<String>>| {
            lines.map_or_else(|| "-".to_owned(), |lines| notes(lines).len().to_string())
        };
        let ours = count(Some(&listed(&kind.bytes)));
        let theirs: Vec<_> = players.iter().map(|played| count(played.get(kind.name))).collect();
        let theirs = theirs.join(" | ");
        table += &format!("| {} | {} | {ours} | {theirs} |\n", kind.name, kind.what);
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/smf.md");
    let text = fs::read_to_string(&page).unwrap();
    let before = text.split(HEAD).next().unwrap();
    let wanted = format!("{before}{table}");
    if env::var_os("SMF_BLESS").is_some() {
        fs::write(&page, &wanted).unwrap();
    }
    assert!(text == wanted || env::var_os("SMF_BLESS").is_some(), "SMF_BLESS=1 writes docs/smf.md");
}
