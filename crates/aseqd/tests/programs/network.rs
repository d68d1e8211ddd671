//! `aseqnet` carries events between two sequencers.

use super::song;
use crate::common::seq::Client;
use crate::common::*;
use aseqd_abi::seq::Address;
use rustix::process::Signal;
use std::fs;
use std::net::TcpListener;

#[test]
fn a_song_crosses_from_one_sequencer_to_another_and_back() {
    inside(|| {
        if !have(&["aseqnet", "aplaymidi", "aseqdump"]) {
            return;
        }
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        // Here the server; in a sequencer of its own the client, whose Midi Through sends all back.
        let mut server = Process::start(shell(&format!("exec aseqnet -v -n server -p {port}")));
        server.wait_for_output("sequencer opened");
        let far = format!(
            "aseqdump -p 14:0 & dump=$!
             until aconnect -l | grep -q 'Connecting To'; do sleep 0.05; done
             aseqnet -v -n client -p {port} -s 14:0 -d 14:0 127.0.0.1 & net=$!
             wait $net; kill $dump; wait"
        );
        // Through whatever door is left: calls can be stopped for one sequencer only.
        let mut command = aseqd_run(["sh", "-c", &far]);
        command.env_remove("ASEQD_VIA");
        let mut far = Process::start(command);
        server.wait_for_output("accepted");
        let client = Client::open();
        let number = client.named("server").expect("the server's client");
        let mut near = Process::start(shell(&format!("exec aseqdump -p {number}:0")));
        let near_port = client.port_of(&mut near);
        let server_port = Address::new(number, 0);
        wait_until("the listener here", || {
            client.subscribers(server_port, true).contains(&near_port)
        });

        let song = song::shipped("scale.mid");
        output(shell(&format!("aplaymidi -p {number}:0 '{}'", song.display())));
        let wanted = song::events(&fs::read(&song).expect("a song"));
        let wanted: Vec<_> = wanted.iter().map(|(_, event)| song::dumped(event)).collect();
        for (place, listener) in [("there", &mut far), ("back here", &mut near)] {
            listener.wait_until(place, |listener| {
                song::lines_of_dump(&listener.stdout()).len() >= wanted.len()
            });
            assert_eq!(song::lines_of_dump(&listener.stdout()), wanted, "{place}");
        }
        near.signal(Signal::INT);
        // The client ends with the server, and with it its sequencer.
        server.signal(Signal::INT);
        assert!(near.wait().status.success());
        server.wait();
        far.wait();
    });
}
