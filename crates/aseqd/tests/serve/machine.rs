//! A whole machine, with `/dev` and `/run` of its own.

use crate::common::*;
use crate::{USES, can_be_machine, machine};

#[test]
fn a_machine_without_sound_gets_a_device_while_it_is_served() {
    if !can_be_machine() {
        return;
    }
    let script = "serve; cat /run/said; clients; stat -c %a:%U:%G /dev/snd/seq
        finish; echo $?; ls /dev /run; mounts";
    let ended = finish(machine(script), DEADLINE);
    let wanted = "aseqd: serving /dev/snd/seq\n2\n660:root:audio\n0\n";
    assert!(ended.stdout.starts_with(wanted), "{ended:#?}");
    let left: Vec<_> = ended.stdout[wanted.len()..].split_whitespace().collect();
    let mut files = left.iter().filter(|name| ["snd", "aseqd", "seq"].contains(name));
    assert_eq!(files.next(), None, "{left:?}");
    assert_eq!(left.last(), Some(&"0"), "no mount is left: {left:?}");
    assert_eq!(ended.stderr, "");
}

#[test]
fn real_nodes_stay_when_a_machine_is_served() {
    if !can_be_machine() {
        return;
    }
    let script = "mkdir /dev/snd; mknod /dev/snd/controlC0 c 1 5
        serve; ls /dev/snd; clients; finish; ls /dev/snd";
    assert_eq!(output(machine(script)), "controlC0\nseq\ntimer\n2\ncontrolC0\n");
}

#[test]
fn a_machine_can_be_served_again_after_its_server_was_killed() {
    if !can_be_machine() {
        return;
    }
    for how in USES {
        let script = format!(
            "directory=/run/aseqd; serve; ({how}; cd /dev/snd; stat -c %w seq timer) >/dev/null 2>&1
            kill -KILL $server; wait $server || true
            aconnect -l >/dev/null 2>&1 && echo still there
            serve; clients; finish; ls /dev | grep -c snd || true; mounts"
        );
        let ended = finish(machine(&script), DEADLINE);
        assert_eq!(ended.stdout, "2\n0\n0\n", "{how}: {ended:#?}");
    }
}

#[test]
fn doctor_tells_a_dead_mount_from_a_sequencer() {
    if !can_be_machine() {
        return;
    }
    let script = "doctor() { \"$aseqd\" doctor | grep ^sequencer; }
        serve; doctor; kill -KILL $server; wait $server || true; doctor; serve; finish; doctor";
    let said = output(machine(script));
    let wanted = "sequencer /dev/snd/seq is served by aseqd
sequencer /dev/snd/seq is left over from a server that has ended: start `aseqd serve` again
sequencer none\n";
    assert_eq!(said, wanted);
}

#[test]
fn a_machines_own_timer_stays() {
    if !can_be_machine() {
        return;
    }
    let script = "mkdir /dev/snd; mknod /dev/snd/timer c 1 5
        serve; stat -c %t:%T /dev/snd/timer; clients; finish; ls /dev/snd";
    assert_eq!(output(machine(script)), "1:5\n2\ntimer\n");
}

#[test]
fn a_machine_is_served_once() {
    if !can_be_machine() {
        return;
    }
    let script = "serve; \"$aseqd\" serve && echo twice; clients; finish";
    let ended = finish(machine(script), DEADLINE);
    assert_eq!(ended.stdout, "2\n", "{ended:#?}");
    assert_eq!(ended.stderr, "aseqd: /run/aseqd is served already\n");
}

#[test]
fn the_kernels_own_sequencer_is_not_hidden() {
    if !can_be_machine() {
        return;
    }
    let script = "mkdir /dev/snd; mknod /dev/snd/seq c 1 5; exec \"$aseqd\" serve";
    let ended = finish(machine(script), DEADLINE);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.starts_with("aseqd: this machine has a sequencer"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}
