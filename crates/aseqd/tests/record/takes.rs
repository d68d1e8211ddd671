//! Recordings: what is in the file, whatever ends them.

use crate::common::*;
use crate::recorder::{Recorder, events_of, on, sender, tracks_of};
use aseqd_client::event::{EventExt as _, controller, note_on, of_type};
use aseqd_client::{Address, Client, EventType};
use aseqd_smf::{Division, EventKind, File, Format, Meta, Source, SysEx};
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use std::fs;
use std::process::Command;

/// Returns the channel and the key of a note that a test counts.
fn place(number: usize) -> (u8, u8) {
    let low = |number: usize, bits: usize| u8::try_from(number & bits).expect("few bits");
    (low(number >> 7, 15), low(number, 127))
}

fn note_of(number: usize) -> EventKind {
    let (channel, key) = place(number);
    on(channel, key)
}

fn send_sysex(client: &Client, port: Address, dest: Address, bytes: &[u8]) {
    for piece in bytes.chunks(256) {
        // A pool that overflows loses what is in it.
        wait_until("room at the recorder", || {
            let pools = client.pools(dest.client).expect("an answer").expect("a client");
            pools.input_free > pools.input_pool / 2
        });
        let event = of_type(EventType::SYSEX).sent_from(port).sent_to(dest);
        client.send_with_data(&event, piece).expect("sent");
    }
}

#[test]
fn each_port_or_channel_has_a_track_with_its_name() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (piano, piano_port) = sender("Piano");
        let (organ, organ_port) = sender("Organ");
        let ports = [piano_port.to_string(), organ_port.to_string()];
        for (how, wanted) in [
            (
                "port",
                vec![
                    ("", vec![]),
                    ("Piano: out", vec![on(0, 60), on(3, 61)]),
                    ("Organ: out", vec![on(0, 62)]),
                ],
            ),
            (
                "channel",
                vec![
                    ("", vec![]),
                    ("Piano: out, channel 1", vec![on(0, 60)]),
                    ("Piano: out, channel 4", vec![on(3, 61)]),
                    ("Organ: out, channel 1", vec![on(0, 62)]),
                ],
            ),
            ("one", vec![("", vec![on(0, 60), on(3, 61), on(0, 62)])]),
        ] {
            let file = format!("{how}.mid");
            let options = [
                &*ports[0],
                &ports[1],
                "--tracks",
                how,
                "--time-signature",
                "3/4",
                "--division",
                "96",
            ];
            let mut recorder = Recorder::start(&folder, &file, &options);
            for (client, event) in [
                (&piano, note_on(0, 60, 100)),
                (&piano, note_on(3, 61, 100)),
                (&organ, note_on(0, 62, 100)),
            ] {
                let port =
                    if std::ptr::eq(client, &raw const organ) { organ_port } else { piano_port };
                client.send(&event.sent_from(port).sent_to_subscribers()).expect("sent");
            }
            recorder.wait_for(3);
            let path = recorder.file.clone();
            let said = recorder.end();
            assert!(
                said.contains("recording 128:0 (Piano: out), 129:0 (Organ: out); Ctrl-C ends"),
                "{said}"
            );
            assert!(said.contains("3 events in 0:0") && said.contains(", none lost"), "{said}");
            let found = tracks_of(&path);
            let wanted: Vec<_> =
                wanted.into_iter().map(|(name, events)| (name.to_owned(), events)).collect();
            assert_eq!(found, wanted, "{how}");
            let file = File::read(&Source::memory(fs::read(&path).unwrap())).unwrap();
            let format = if how == "one" { Format::Single } else { Format::Parallel };
            assert_eq!(
                (file.header().format, file.header().division),
                (format, Division::Quarter(96))
            );
            let metas: Vec<_> = file.into_merged().map(|(_, event)| event.kind).collect();
            let signature = Meta::TimeSignature {
                numerator: 3,
                denominator_power: 2,
                clocks_per_click: 24,
                notated_32nds: 8,
            };
            assert!(metas.contains(&EventKind::Meta(signature)), "{metas:?}");
            assert!(metas.contains(&EventKind::Meta(Meta::Tempo(500_000))), "{metas:?}");
        }
    });
}

#[test]
fn a_recorder_that_is_killed_leaves_what_was_played() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (client, port) = sender("Piano");
        // Each round kills the recorder while it writes, at another place.
        for round in 0..8_usize {
            let mut recorder = Recorder::start(&folder, &format!("{round}.mid"), &[]);
            let dest = recorder.port;
            let send = |number: usize| {
                let (channel, key) = place(number);
                let event = note_on(channel, key, 100).sent_from(port).sent_to(dest);
                client.send(&event).expect("sent");
            };
            (0..round * 50).for_each(send);
            send_sysex(
                &client,
                port,
                dest,
                &[&[0xf0][..], &vec![5; 1000 * round], &[0xf7]].concat(),
            );
            let pieces = (1000 * round + 2).div_ceil(256);
            let safe = round * 50 + pieces;
            recorder.wait_for(safe);
            // What follows may be lost, but not what was there before.
            (safe..safe + 300).for_each(send);
            recorder.process.signal(Signal::KILL);
            let file = recorder.file.clone();
            let ended = recorder.process.wait();
            assert!(!ended.status.success());
            let (found, findings) = events_of(&file);
            assert!(found.len() >= safe && !findings.lose_events(), "{round}: {findings:?}");
            let notes: Vec<_> =
                found.iter().filter(|kind| matches!(kind, EventKind::Channel(_))).collect();
            let wanted: Vec<_> = (0..round * 50).chain(safe..safe + 300).map(note_of).collect();
            assert!(wanted.iter().collect::<Vec<_>>().starts_with(&notes), "{round}");
            midly::Smf::parse(&fs::read(&file).unwrap()).expect("a song");
        }
    });
}

#[test]
fn a_long_sysex_is_whole() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (client, port) = sender("Sampler");
        let long: Vec<u8> = (0..=126).cycle().take(100_000).collect();
        let long = [&[0xf0][..], &long, &[0xf7]].concat();
        let mut recorder = Recorder::start(&folder, "long.mid", &[]);
        client.send(&note_on(0, 60, 100).sent_from(port).sent_to(recorder.port)).expect("sent");
        send_sysex(&client, port, recorder.port, &long);
        client.send(&note_on(0, 61, 100).sent_from(port).sent_to(recorder.port)).expect("sent");
        recorder.wait_for(2 + long.len().div_ceil(256));
        let path = recorder.file.clone();
        recorder.end();
        let sysex = EventKind::SysEx(SysEx { start: true, data: long[1..].to_vec(), split: false });
        // The reader cuts a long one into pieces.
        let (found, _) = events_of(&path);
        let joined: Vec<u8> = found
            .iter()
            .filter_map(|kind| match kind {
                EventKind::SysEx(sysex) => Some(sysex.data.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        assert_eq!(EventKind::SysEx(SysEx { start: true, data: joined, split: false }), sysex);
        assert_eq!((found.first(), found.last()), (Some(&on(0, 60)), Some(&on(0, 61))));
        let bytes = fs::read(&path).unwrap();
        let song = midly::Smf::parse(&bytes).expect("a song");
        let whole = song.tracks[1].iter().filter(
            |event| matches!(event.kind, midly::TrackEventKind::SysEx(data) if data == &long[1..]),
        );
        assert_eq!(whole.count(), 1, "one event for the whole message");
    });
}

#[test]
fn a_file_is_replaced_only_by_force() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("take.mid");
        let name = file.to_str().unwrap();
        fs::write(&file, "precious").expect("a file");
        let ended = finish(aseqd(&["record", name, "--timeout", "0"]), DEADLINE);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert_eq!(ended.stderr, format!("aseqd: {name} exists; --force replaces it\n"));
        // What cannot be replaced is said at once.
        for (other, why) in
            [(folder.path().to_str().unwrap(), "a directory"), ("/dev/null", "not a regular file")]
        {
            let ended = finish(aseqd(&["record", other, "--timeout", "0"]), DEADLINE);
            assert_eq!(ended.stderr, format!("aseqd: {other} is {why}\n"));
        }
        // A port that does not exist costs no file.
        let ended = finish(aseqd(&["record", name, "--force", "nobody"]), DEADLINE);
        assert!(ended.stderr.contains("there is no port nobody"), "{ended:?}");
        assert_eq!(fs::read(&file).unwrap(), b"precious");
        let said = finish(aseqd(&["record", name, "--force", "--timeout", "0"]), DEADLINE);
        assert!(
            said.status.success() && said.stderr.contains("0 events in 0:00, none lost"),
            "{said:?}"
        );
        assert_eq!(tracks_of(&file), [(String::new(), vec![])]);
        let ended = finish(aseqd(&["record", "/dev/null", "--force"]), DEADLINE);
        assert!(ended.stderr.contains("it is not a regular file"), "{ended:?}");
        let left: Vec<_> =
            fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["take.mid"]);
    });
}

#[test]
fn a_take_is_nobody_elses() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("take.mid");
        let name = file.to_str().unwrap();
        // What does not begin leaves no file.
        let ended = finish(aseqd(&["record", name, "--tempo", "queue:9"]), DEADLINE);
        assert!(ended.stderr.contains("there is no queue 9") && !file.exists(), "{ended:?}");
        // What can never be recorded is wrong usage.
        for (more, why) in [
            (&["-", "--json"][..], "-: with --json, standard output has"),
            (&[name, "--mtc", "--tempo", "clock"], "--mtc cannot be used with --tempo"),
            (&[name, "--tempo", "queue", "--division", "96"], "--division cannot be used with"),
            (&[name, "--tempo", "queue:32"], "queues have numbers from 0 to 31"),
        ] {
            let ended = finish(aseqd(&[&["record"], more].concat()), DEADLINE);
            assert!(ended.stderr.contains(why) && !file.exists(), "{ended:?}");
            assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        }
        let first = Recorder::start(&folder, "take.mid", &[]).process;
        let ended = finish(aseqd(&["record", name, "--force", "--timeout", "0"]), DEADLINE);
        assert!(ended.stderr.contains("another `aseqd record` writes it"), "{ended:?}");
        // Another file under its name is not taken for the recording.
        fs::remove_file(&file).expect("it is there");
        fs::write(&file, "precious").expect("a file");
        first.signal(Signal::INT);
        let ended = first.wait();
        assert!(ended.stderr.contains("another file has taken its name"), "{ended:?}");
        assert_eq!(fs::read(&file).unwrap(), b"precious");
    });
}

#[test]
fn a_take_that_is_moved_is_finished_where_it_is() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (client, port) = sender("Piano");
        let take = Recorder::start(&folder, "take.mid", &["Piano", "--tracks", "channel"]);
        let moved = folder.path().join("best take.mid");
        fs::rename(&take.file, &moved).expect("it is there");
        for channel in 0..2 {
            let note = note_on(channel, 60, 100).sent_from(port).sent_to_subscribers();
            client.send(&note).expect("sent");
        }
        take.process.signal(Signal::INT);
        let ended = take.process.wait();
        assert!(ended.status.success(), "{ended:?}");
        let said = "take.mid was moved while it was recorded: it is ";
        assert!(ended.stderr.contains(said), "{ended:?}");
        assert_eq!(events_of(&moved).0.len(), 2);
        let left = fs::read_dir(&folder).expect("a folder").count();
        assert_eq!(left, 1, "nothing is left under the old name");

        let gone = Recorder::start(&folder, "gone.mid", &[]);
        fs::remove_file(&gone.file).expect("it is there");
        gone.process.signal(Signal::INT);
        let ended = gone.process.wait();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let said = "gone.mid: it was deleted while it was recorded";
        assert!(ended.stderr.contains(said), "{ended:?}");
    });
}

#[test]
fn standard_output_gets_the_take_at_its_end() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (client, port) = sender("Piano");
        let mut command = aseqd(&["record", "-", "Piano", "--until-disconnected"]);
        command.env("TMPDIR", folder.path());
        let mut process = Process::start(command);
        process.wait_until("its begin", |process| process.stderr().contains("recording"));
        let temporary = fs::read_dir(&folder).expect("a folder").flatten().next().expect("a file");
        let mode = std::os::unix::fs::MetadataExt::mode(&temporary.metadata().expect("a file"));
        assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
        client.send(&note_on(0, 60, 100).sent_from(port).sent_to_subscribers()).expect("sent");
        drop(client);
        let ended = process.wait();
        assert!(ended.status.success(), "{ended:?}");
        assert!(ended.stdout.starts_with("MThd") && ended.stdout.contains("MTrk"), "{ended:?}");
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0, "nothing is left");
    });
}

#[test]
fn a_take_that_standard_output_does_not_take_stays() {
    inside(|| {
        for to in [">/dev/full", "| true"] {
            let folder = tempfile::tempdir().expect("a folder");
            let program = aseqd(&[]);
            let mut shell = Command::new("bash");
            let script = format!("set -o pipefail; \"$0\" record - --timeout 0.5 {to}");
            shell.args(["-c", &script]).arg(program.get_program());
            shell.env("TMPDIR", folder.path()).env_remove("ASEQD_DEVICE");
            let ended = finish(shell, DEADLINE);
            assert_eq!(ended.status.code(), Some(1), "{to}: {ended:?}");
            let left = fs::read_dir(&folder).expect("a folder").flatten().next();
            let left = left.expect("the take").path();
            let said = format!("; the recording is {}", left.display());
            assert!(ended.stderr.contains(&said), "{to}: {ended:?}");
            assert_eq!(events_of(&left).0.len(), 0);
        }
    });
}

#[test]
fn a_file_that_may_not_grow_ends_the_take_and_keeps_what_was_written() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (client, port) = sender("Piano");
        let mut recorder = Recorder::start(&folder, "take.mid", &["Piano"]);
        let send = |number: usize| {
            let (channel, key) = place(number);
            let event = note_on(channel, key, 100).sent_from(port).sent_to_subscribers();
            client.send(&event).expect("sent");
        };
        (0..10).for_each(send);
        recorder.wait_for(10);
        let limit = Rlimit { current: Some(2000), maximum: Some(2000) };
        let pid = Pid::from_raw(recorder.process.pid());
        prlimit(pid, Resource::Fsize, limit).expect("our process");
        (10..1000).for_each(send);
        // `SIGXFSZ` would be its end, without a word.
        let ended = recorder.process.wait();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let said = "aseqd: the file cannot be written: file too large";
        assert!(ended.stderr.contains(said), "{ended:?}");
        let (found, findings) = events_of(&recorder.file);
        let wanted: Vec<_> = (0..found.len()).map(note_of).collect();
        assert!(found.len() >= 10 && found == wanted, "{found:?}");
        assert!(!findings.lose_events(), "{findings:?}");
    });
}

#[test]
fn silence_and_the_end_of_the_other_program_end_it() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (client, port) = sender("Piano");
        let quiet = Recorder::start(&folder, "silence.mid", &["--silence", "200ms"]);
        let alone = Recorder::start(&folder, "alone.mid", &["Piano", "--until-disconnected"]);
        client.send(&note_on(0, 60, 100).sent_from(port).sent_to(quiet.port)).expect("sent");
        let ended = quiet.process.wait();
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(events_of(&quiet.file).0, [on(0, 60)]);
        client.send(&note_on(0, 61, 100).sent_from(port).sent_to_subscribers()).expect("sent");
        drop(client);
        let ended = alone.process.wait();
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(events_of(&alone.file).0, [on(0, 61)]);
    });
}

#[test]
fn the_end_of_a_run_keeps_the_file() {
    if !can_serve() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script =
        "$A record -q take.mid & $A wait 'aseqd record' && $A send 'aseqd record' 90 3C 64";
    let mut command = aseqd_run(["sh", "-c", script]);
    command.env("A", ASEQD).current_dir(&folder);
    output(command);
    // The recorder is told to end with the run, and may outlive it by a moment.
    let file = folder.path().join("take.mid");
    wait_until("the note", || events_of(&file).0 == [on(0, 60)]);
}

#[test]
fn what_is_left_out_or_lost_is_counted() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (client, port) = sender("Piano");
        let send = |dest: Address, event: aseqd_client::Event| {
            client.send(&event.sent_from(port).sent_to(dest))
        };
        let mut recorder = Recorder::start(&folder, "one.mid", &["--json"]);
        let real_time = Recorder::start(&folder, "two.mid", &["--real-time", "--json"]);
        for dest in [recorder.port, real_time.port] {
            for event in [
                of_type(EventType::CLOCK),
                of_type(EventType::SENSING),
                of_type(EventType::USR0),
                note_on(2, 64, 100),
            ] {
                send(dest, event).expect("sent");
            }
        }
        recorder.wait_for(1);
        let object = |recorder: Recorder, code| -> serde_json::Value {
            recorder.process.signal(Signal::INT);
            let ended = recorder.process.wait();
            assert_eq!(ended.status.code(), Some(code), "{ended:?}");
            serde_json::from_str(&ended.stdout).expect("an object")
        };
        let path = recorder.file.clone();
        let said = object(recorder, 0);
        assert_eq!(said["left_out"]["real_time"], 2);
        assert_eq!(said["left_out"]["without_midi_bytes"], 1);
        assert_eq!(
            (&said["events"], &said["losses"], &said["tracks"]),
            (&1.into(), &0.into(), &2.into())
        );
        assert_eq!(events_of(&path).0, [on(2, 64)]);
        assert_eq!(object(real_time, 0)["events"], 3);

        let mut recorder = Recorder::start(&folder, "lost.mid", &["--json"]);
        recorder.process.signal(Signal::STOP);
        // More than the recorder's pool holds.
        while send(recorder.port, controller(0, 7, 1)).is_ok() {}
        recorder.process.signal(Signal::CONT);
        recorder.process.wait_for_output("events were lost");
        let path = recorder.file.clone();
        assert_eq!(object(recorder, 1)["losses"], 1);
        let file = File::read(&Source::memory(fs::read(path).unwrap())).unwrap();
        let marker = Meta::Text { kind: 6, text: b"events were lost here".to_vec() };
        assert!(file.into_merged().any(|(_, event)| event.kind == EventKind::Meta(marker.clone())));
    });
}

#[test]
fn a_burst_is_recorded_whole_and_in_order() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (client, port) = sender("Piano");
        let mut recorder = Recorder::start(&folder, "burst.mid", &[]);
        for number in 0..20_000 {
            // An event for which the recorder has no room would cost it all that it has not read.
            if number % 500 == 0 {
                wait_until("room for 500 events and more", || {
                    let pools = client.pools(recorder.port.client).expect("an answer");
                    pools.is_some_and(|pools| pools.input_free >= 1000)
                });
            }
            let (channel, key) = place(number);
            let event = note_on(channel, key, 100).sent_from(port).sent_to(recorder.port);
            client.send(&event).expect("sent");
        }
        recorder.wait_for(20_000);
        let path = recorder.file.clone();
        let said = recorder.end();
        assert!(said.contains("20000 events") && said.contains("none lost"), "{said}");
        let wanted: Vec<_> = (0..20_000).map(note_of).collect();
        assert!(events_of(&path).0 == wanted, "all of them, in order");
    });
}
