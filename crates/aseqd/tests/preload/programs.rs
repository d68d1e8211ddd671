//! Unmodified programs of Debian.

use crate::common::*;
use crate::server::Server;

#[test]
fn aconnect_lists_the_clients() {
    if !have(&["aconnect"]) {
        return;
    }
    let server = Server::start();
    let mut command = server.command("aconnect");
    command.arg("-l");
    let listed = output(command);
    assert!(listed.contains("client 0: 'System' [type=kernel]"), "{listed}");
    assert!(listed.contains("client 14: 'Midi Through' [type=kernel]"), "{listed}");
}

#[test]
fn texts_are_read_by_whatever_reads_files() {
    let server = Server::start();
    let mut command = server.command("cat");
    command.args(["/proc/asound/seq/clients", "/proc/asound/../asound/timers"]);
    let text = output(command);
    assert!(text.contains("Client   0 : \"System\" [Kernel"), "{text}");
    assert!(text.contains("G0: system timer"), "{text}");
    let mut command = server.command("sh");
    command.args([
        "-c",
        "cd /proc/self && test -c /dev/snd/seq && grep -c Client < /proc/asound/seq/clients",
    ]);
    assert_eq!(output(command), "3\n");
}
