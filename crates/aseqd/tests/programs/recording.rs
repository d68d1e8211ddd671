//! `aplaymidi` plays, `arecordmidi` records.

use super::song;
use crate::common::seq::{Client, THROUGH};
use crate::common::*;
use aseqd_abi::ioctl::sequencer::GET_QUEUE_STATUS;
use aseqd_abi::seq::QueueStatus;
use rustix::process::Signal;
use std::fs;

#[test]
fn what_is_recorded_is_what_was_played_at_the_same_ticks() {
    inside(|| {
        if !have(&["aplaymidi", "arecordmidi"]) {
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (played, recorded) =
            (folder.path().join("played.mid"), folder.path().join("recorded.mid"));
        fs::write(&played, song::notes()).expect("a file");
        let ppq = song::PPQ;
        let recorder = format!("exec arecordmidi -p 14:0 -b 120 -t {ppq} '{}'", recorded.display());
        let recorder = Process::start(shell(&recorder));
        let client = Client::open();
        wait_until("the recorder to be connected", || client.subscribers(THROUGH, true).len() == 1);
        wait_until("the recorder's queue to run", || {
            let mut status = QueueStatus::default();
            client.ioctl(GET_QUEUE_STATUS, &mut status);
            status.running == 1
        });
        output(shell(&format!("aplaymidi -p 14:0 '{}'", played.display())));
        recorder.signal(Signal::INT);
        let ended = recorder.wait();
        assert!(ended.status.success(), "{ended:?}");

        let wanted = song::events(&song::notes());
        let found = song::events(&fs::read(&recorded).expect("the recording"));
        let bytes = |events: &[(u32, Vec<u8>)]| {
            // Two events of different tracks may change places if they are at most one tick apart.
            let mut all: Vec<_> = events.iter().map(|(_, bytes)| bytes.clone()).collect();
            all.sort();
            all
        };
        assert_eq!(bytes(&found), bytes(&wanted), "the same events");
        // Where the recording began does not matter.
        let start = found[0].0 - wanted[0].0;
        for channel in [0, 1] {
            let of_channel = |events: &[(u32, Vec<u8>)]| -> Vec<(u32, Vec<u8>)> {
                let channel = move |bytes: &[u8]| bytes[0] < 0xf0 && bytes[0] & 15 == channel;
                events.iter().filter(|(_, bytes)| channel(bytes)).cloned().collect()
            };
            let pairs = of_channel(&wanted).into_iter().zip(of_channel(&found));
            for ((wanted_tick, wanted), (tick, found)) in pairs {
                assert_eq!(found, wanted, "at tick {wanted_tick}");
                let off = i64::from(tick) - i64::from(start) - i64::from(wanted_tick);
                assert!(off.abs() <= 1, "{wanted:?} of tick {wanted_tick} is {off} ticks off");
            }
        }
    });
}
