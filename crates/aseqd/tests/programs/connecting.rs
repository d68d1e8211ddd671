//! `aconnect` connects and disconnects.

use super::song;
use crate::common::seq::{Client, THROUGH};
use crate::common::*;
use rustix::process::Signal;
use std::fs;

#[test]
fn music_takes_the_way_that_aconnect_has_made() {
    inside(|| {
        if !have(&["aconnect", "aplaymidi", "aseqdump"]) {
            return;
        }
        let mut listener = Process::start(shell("exec aseqdump"));
        let client = Client::open();
        let port = client.port_of(&mut listener);
        let to = |port| client.subscribers(port, true);

        // By number, by name, and by the beginning of a name.
        for (sender, dest) in [
            ("14:0", format!("{port}")),
            ("'Midi Through'", "aseqdump".into()),
            ("'Midi Th'", format!("{}", port.client)),
        ] {
            output(shell(&format!("aconnect {sender} {dest}")));
            assert_eq!(to(THROUGH), [port], "aconnect {sender} {dest}");
            let list = output(shell("aconnect -l"));
            assert!(list.contains(&format!("\tConnecting To: {port}\n")), "{list}");
            assert!(list.contains("\tConnected From: 14:0\n"), "{list}");
            let again = finish(shell(&format!("aconnect {sender} {dest}")), DEADLINE);
            assert_eq!(again.stderr, "Connection is already subscribed\n");
            output(shell(&format!("aconnect -d {sender} {dest}")));
            assert_eq!(to(THROUGH), [], "aconnect -d {sender} {dest}");
        }
        output(shell(&format!("aconnect -e 14:0 {port}")));
        assert!(output(shell("aconnect -l")).contains(&format!("{port}[ex]")));
        output(shell("aconnect -x"));
        assert_eq!(to(THROUGH), []);

        output(shell(&format!("aconnect 14:0 {port}")));
        let song = song::shipped("scale.mid");
        output(shell(&format!("aplaymidi -p 14:0 '{}'", song.display())));
        let wanted = song::events(&fs::read(&song).expect("a song"));
        let wanted: Vec<_> = wanted.iter().map(|(_, event)| song::dumped(event)).collect();
        listener.wait_until("the song", |listener| {
            song::lines_of_dump(&listener.stdout()).len() >= wanted.len()
        });
        listener.signal(Signal::INT);
        assert_eq!(song::lines_of_dump(&listener.wait().stdout), wanted);
    });
}

#[test]
fn aconnect_says_why_it_cannot_connect() {
    for (arguments, wanted) in [
        ("14:0 99:0", "Connection failed (Invalid argument)\n"),
        ("14:0 14:7", "Connection failed (Invalid argument)\n"),
        ("-d 14:0 14:0", "No subscription is found\n"),
    ] {
        if !have(&["aconnect"]) || !can_serve() {
            return;
        }
        let ended = finish(aseqd_run(["sh", "-c", &format!("aconnect {arguments}")]), DEADLINE);
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(1), wanted), "{arguments}");
    }
}
