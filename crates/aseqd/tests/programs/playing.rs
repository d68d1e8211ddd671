//! `aplaymidi` plays, `aseqdump` listens.

use super::song;
use crate::common::seq::{Client, THROUGH};
use crate::common::*;
use aseqd_abi::seq::Address;
use rustix::process::Signal;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// A running listener, and what it must have heard in the end.
struct Listening {
    listener: Process,
    player: Option<Process>,
    target: Address,
    wanted: Vec<String>,
    what: &'static str,
}

impl Listening {
    fn start(client: &Client, what: &'static str, through: bool) -> Self {
        let source = if through { "-p 14:0" } else { "" };
        let mut listener = Process::start(shell(&format!("exec aseqdump {source}")));
        let port = client.port_of(&mut listener);
        if through {
            wait_until("the connection", || client.subscribers(THROUGH, true) == [port]);
        }
        let target = if through { THROUGH } else { port };
        Self { listener, player: None, target, wanted: Vec::new(), what }
    }

    /// Starts to play a file.
    fn play(&mut self, file: &Path) {
        let events = song::events(&fs::read(file).expect("a song"));
        assert!(!events.is_empty());
        self.wanted.extend(events.iter().map(|(_, event)| song::dumped(event)));
        let script = format!("exec aplaymidi -d 0 -p {} '{}'", self.target, file.display());
        self.player = Some(Process::start(shell(&script)));
    }

    /// Waits until the player has ended and the listener has printed everything.
    fn wait(&mut self) {
        let played = self.player.take().expect("a player").wait();
        assert!(played.status.success(), "{}: {played:?}", self.what);
        // All events have been delivered; the listener may still be printing them.
        let count = self.wanted.len();
        let what = format!("{count} events of {}", self.what);
        self.listener.wait_until(&what, |listener| {
            listener.stdout().ends_with('\n')
                && song::lines_of_dump(&listener.stdout()).len() >= count
        });
    }

    fn finish(mut self) {
        self.wait();
        self.listener.signal(Signal::TERM);
        let heard = song::lines_of_dump(&self.listener.wait().stdout);
        for (at, (heard, wanted)) in heard.iter().zip(&self.wanted).enumerate() {
            assert_eq!(heard, wanted, "event {at} of {}", self.what);
        }
        assert_eq!(heard.len(), self.wanted.len(), "{}: each event once", self.what);
    }
}

#[test]
fn every_event_of_a_file_arrives_once_and_in_order() {
    inside(|| {
        if !have(&["aplaymidi", "aseqdump"]) {
            return;
        }
        // All play at the same time, so the test takes as long as the longest: 30 seconds.
        let folder = tempfile::tempdir().expect("a folder");
        let piece = folder.path().join("dense.mid");
        let client = Client::open();
        let mut through = Listening::start(&client, "scale.mid", true);
        let mut direct = Listening::start(&client, "etude.mid", false);
        let mut busy = Listening::start(&client, "the dense song", false);
        through.play(&song::shipped("scale.mid"));
        direct.play(&song::shipped("etude.mid"));
        for (number, dense) in song::dense().into_iter().enumerate() {
            if number > 0 {
                busy.wait();
            }
            fs::write(&piece, dense).expect("a file");
            busy.play(&piece);
        }
        busy.finish();
        through.finish();
        direct.finish();
        wait_until("all clients to be gone", || client.others() == [0, 14]);
    });
}

#[test]
fn a_player_that_is_interrupted_leaves_nothing_behind() {
    inside(|| {
        if !have(&["aplaymidi"]) {
            return;
        }
        let client = Client::open();
        let port = client.create_port();
        client.subscribe(THROUGH, port);
        let song = song::shipped("etude.mid");
        let player = Process::start(shell(&format!("exec aplaymidi -p 14:0 '{}'", song.display())));
        assert!(client.readable_within(DEADLINE), "the song has begun");
        player.signal(Signal::KILL);
        player.wait();
        wait_until("its client and its queue to be gone", || {
            client.others() == [0, 14] && client.system_info().cur_queues == 0
        });
        let more = |client: &Client| client.readable_within(Duration::from_millis(300));
        // What was under way arrives; nothing comes after it.
        while client.readable_within(Duration::ZERO) {
            client.read().expect("events");
        }
        assert!(!more(&client), "nothing of the song is left in the sequencer");
    });
}
