//! Recordings as other things: a Rust test, a C program, a MIDI file.

mod rig;

use aseqd_abi::event::{Control, EventData, EventFlags, EventTime, Note};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{QueueInfo, QueueTempo};
use aseqd_abi::{Address, Event, EventType};
use aseqd_engine::{Config, Engine, FileId, Time};
use aseqd_recording::Header;
use aseqd_replay::c_program::CProgram;
use aseqd_replay::replayer::{Played, Replayer};
use aseqd_replay::rewrite;
use aseqd_replay::rust_test::RustTest;
use aseqd_replay::smf::Smf;
use aseqd_replay::step::{Action, Step};
use aseqd_smf::{EventKind, File, Meta, Source, Voice};
use rig::{ioctl, note, open, port, random_steps};
use std::fs;
use std::path::Path;
use zerocopy::IntoBytes as _;

fn played(steps: &[Step], mut show: impl FnMut(&Played<'_>)) -> Header {
    let header = Header::new(Config::default());
    let file = rewrite::record(Vec::new(), &header, steps).expect("memory");
    let mut replayer = Replayer::new(&file[..]).expect("a recording");
    while let Some(played) = replayer.step().expect("a record") {
        show(&played);
    }
    assert_eq!(replayer.difference(), None);
    header
}

/// `tests/generated.rs` is what this makes, so that it is compiled and run. `REPLAY_BLESS=1` writes it anew.
#[test]
fn a_rust_test_is_made() {
    let mut test =
        Some(RustTest::new(Vec::new(), &Header::new(Config::default())).expect("memory"));
    // SysEx, a name and an unknown request besides what is random.
    let mut steps = random_steps(11, 160);
    let at = steps.last().expect("a step").at;
    let name = Action::OpenKernel {
        access: aseqd_engine::Access::ReadWrite,
        number: Some(20),
        card: 2,
        name: "a \"quoted\" name */".to_owned(),
    };
    steps.push(Step { at, action: name });
    steps.push(Step {
        at,
        action: Action::Ioctl { file: FileId(0), request: 7, compat: true, arg: vec![1] },
    });
    played(&steps, |played| test.as_mut().expect("a test").push(played).expect("memory"));
    let text = test.take().expect("a test").finish().expect("memory");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generated.rs");
    if std::env::var_os("REPLAY_BLESS").is_some() {
        fs::write(&path, &text).expect("a file");
    }
    let current = fs::read(&path).unwrap_or_default();
    assert!(current == text, "tests/generated.rs is not current: REPLAY_BLESS=1 writes it anew");
}

#[test]
fn a_c_program_names_every_call() {
    let header = Header::new(Config::default());
    let mut program = CProgram::new(Vec::new(), &header, Engine::new()).expect("memory");
    played(&random_steps(12, 500), |played| program.push(played).expect("memory"));
    let text = String::from_utf8(program.finish().expect("memory")).expect("text");
    assert_eq!(
        text.matches(".kind = OPEN").count(),
        text.matches("/dev/snd/seq\", .flags").count()
    );
    for wanted in [".kind = IOCTL", ".kind = READ", ".kind = WRITE", ".kind = CLOSE", "int main("] {
        assert!(text.contains(wanted), "{wanted}");
    }
    assert!(!text.contains("??"), "no trigraphs");
}

const MS: u64 = 1_000_000;

/// A player that queues notes at a tempo of 150 a minute, and somebody who reads them.
fn song() -> Vec<Step> {
    let (player, listener) = (FileId(0), FileId(1));
    let mut steps = Vec::new();
    let mut at = |ms: u64, action| steps.push(Step { at: Time(9_000_000_000 + ms * MS), action });
    for (file, client) in [(player, 128), (listener, 129)] {
        at(0, open());
        at(0, port(file, client));
    }
    at(0, ioctl(player, s::CREATE_QUEUE, &QueueInfo::default()));
    let tempo = QueueTempo { queue: 0, tempo: 400_000, ppq: 96, ..QueueTempo::default() };
    at(0, ioctl(player, s::SET_QUEUE_TEMPO, &tempo));
    let start = Event {
        dest: Address::new(0, 0),
        data: EventData::from_queue(0, 0, 0),
        ..Event::direct(EventType::START)
    };
    let queued = |event: Event, tick| Event { queue: 0, time: EventTime::tick(tick), ..event };
    let dest = Address::new(129, 0);
    let long = Event {
        data: EventData::from_note(Note {
            note: 64,
            velocity: 90,
            duration: 48,
            ..Note::default()
        }),
        ..note(dest, 64)
    };
    let long = Event { event_type: EventType::NOTE, ..long };
    let mut sysex = Event { dest, ..Event::direct(EventType::SYSEX) };
    sysex.flags = EventFlags::VARIABLE;
    sysex.data = EventData::from_ext_len(4);
    let mut data = start.as_bytes().to_vec();
    data.extend_from_slice(queued(note(dest, 60), 96).as_bytes());
    data.extend_from_slice(queued(long, 192).as_bytes());
    data.extend_from_slice(sysex.as_bytes());
    data.extend_from_slice(&[0xf0, 1, 2, 0xf7]);
    at(100, Action::Write { file: player, data, nonblock: true });
    let read = Action::Read { file: listener, len: 2800, nonblock: true };
    // 400 ms a quarter note.
    for ms in [100, 500, 900, 1100] {
        at(ms, Action::Timeout);
        at(ms, read.clone());
    }
    steps
}

#[test]
fn a_midi_file_has_the_ticks_of_the_queue() {
    let mut smf = Smf::new(Engine::new());
    played(&song(), |played| smf.push(played));
    let mut bytes = Vec::new();
    let events = smf.finish(&mut bytes).expect("memory");
    assert_eq!(events, 8);
    let file = File::read(&Source::memory(bytes)).expect("a MIDI file");
    let mut found = Vec::new();
    let mut names = Vec::new();
    let mut merged = file.into_merged();
    for (track, event) in &mut merged {
        match event.kind {
            EventKind::Channel(message) => {
                let (key, on) = match message.voice {
                    Voice::NoteOn { key, .. } => (key, true),
                    Voice::NoteOff { key, .. } => (key, false),
                    other => panic!("{other:?}"),
                };
                found.push((track, event.tick, key, on));
            }
            EventKind::SysEx(sysex) => {
                assert_eq!(sysex.data, [1, 2, 0xf7]);
                found.push((track, event.tick, 0, true));
            }
            EventKind::Meta(Meta::Tempo(tempo)) => assert_eq!((event.tick, tempo), (0, 400_000)),
            EventKind::Meta(Meta::Text { kind: 3, text }) => {
                names.push(String::from_utf8(text).expect("ASCII"));
            }
            _ => {}
        }
    }
    assert!(merged.findings().iter().next().is_none());
    names.sort();
    assert_eq!(names, ["received by 129:0", "sent by 128:0"]);
    found.sort();
    // The queue starts on the first quarter note at or after its start.
    let wanted = [
        (1, 96, 0, true),
        (1, 192, 60, true),
        (1, 288, 64, true),
        (1, 336, 64, false),
        (2, 96, 0, true),
        (2, 192, 60, true),
        (2, 288, 64, true),
        (2, 336, 64, false),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn a_midi_file_without_a_queue_has_the_time_of_the_recording() {
    let found = sent_at(1250, &note(Address::new(129, 0), 61));
    // 480 ticks in 500 ms.
    assert_eq!(found.iter().map(|(tick, _)| *tick).collect::<Vec<_>>(), [1200]);
}

#[test]
fn a_midi_file_has_parameters_as_controllers() {
    let data = EventData::from_control(Control { channel: 2, param: 0x81, value: 0x102 });
    let note = note(Address::new(129, 0), 61);
    let found = sent_at(0, &Event { event_type: EventType::REGPARAM, data, ..note });
    let wanted = [(101, 1), (100, 1), (6, 2), (38, 2)];
    let wanted = wanted.map(|(controller, value)| (0, Voice::Control { controller, value }));
    assert_eq!(found, wanted);
}

/// Returns the messages of the MIDI file for a program that sends an event, this many milliseconds after its start.
fn sent_at(milliseconds: u64, event: &Event) -> Vec<(u32, Voice)> {
    let steps: Vec<Step> = song()
        .into_iter()
        .take(4)
        .chain([Step {
            at: Time(9_000_000_000 + milliseconds * MS),
            action: Action::Write {
                file: FileId(0),
                data: event.as_bytes().to_vec(),
                nonblock: true,
            },
        }])
        .collect();
    let mut smf = Smf::new(Engine::new());
    played(&steps, |played| smf.push(played));
    let mut bytes = Vec::new();
    smf.finish(&mut bytes).expect("memory");
    let file = File::read(&Source::memory(bytes)).expect("a MIDI file");
    let voice = |kind| match kind {
        EventKind::Channel(message) => Some(message.voice),
        _ => None,
    };
    let events = file.into_merged().map(|(_, event)| (event.tick, voice(event.kind)));
    events.filter_map(|(tick, voice)| Some((tick, voice?))).collect()
}
