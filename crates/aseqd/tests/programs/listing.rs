//! `aconnect` and `aplaymidi` list what is there.

use crate::common::seq::Client;
use crate::common::*;

/// What a fresh sequencer lists as readable.
const READABLE: &str = "client 0: 'System' [type=kernel]
    0 'Timer           '
    1 'Announce        '
client 14: 'Midi Through' [type=kernel]
    0 'Midi Through Port-0'
";
/// What a fresh sequencer lists as writable.
const WRITABLE: &str = "client 14: 'Midi Through' [type=kernel]
    0 'Midi Through Port-0'
";

fn printed(arguments: &[&str]) -> Option<String> {
    (can_serve() && have(&arguments[..1])).then(|| output(aseqd_run(arguments)))
}

#[test]
fn aconnect_lists_a_fresh_sequencer() {
    for (option, wanted) in [("-l", READABLE), ("-i", READABLE), ("-o", WRITABLE)] {
        let Some(list) = printed(&["aconnect", option]) else { return };
        assert_eq!(list, wanted, "aconnect {option}");
    }
}

#[test]
fn aplaymidi_lists_the_ports_to_play_to() {
    let Some(list) = printed(&["aplaymidi", "-l"]) else { return };
    let lines: Vec<_> = list.lines().skip(1).map(str::trim_end).collect();
    assert_eq!(lines, [" 14:0    Midi Through                     Midi Through Port-0"]);
}

#[test]
fn aseqdump_and_arecordmidi_list_the_ports_to_listen_to() {
    for program in ["aseqdump", "arecordmidi"] {
        let Some(list) = printed(&[program, "-l"]) else { return };
        assert!(list.contains(" 14:0    Midi Through "), "{program}: {list}");
    }
}

#[test]
fn every_program_sees_the_clients_of_the_others() {
    inside(|| {
        if !have(&["aconnect", "aseqdump"]) {
            return;
        }
        let mut listener = Process::start(shell("exec aseqdump"));
        let client = Client::open();
        let port = client.port_of(&mut listener);
        assert!([128, 129].contains(&port.client), "the lowest free number: {port}");
        let (pid, number) = (listener.pid(), port.client);
        let list = output(shell("aconnect -l"));
        let wanted = format!(
            "client {number}: 'aseqdump' [type=user,pid={pid}]\n    0 'aseqdump        '\n"
        );
        assert!(list.contains(&wanted), "{list}");
        listener.signal(rustix::process::Signal::INT);
        assert!(listener.wait().status.success());
        drop(client);
        assert_eq!(output(shell("aconnect -l")), READABLE);
    });
}
