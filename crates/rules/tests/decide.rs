//! What rules do, case by case.

mod common;

use aseqd_rules::{Change, Device, Outcome, explain};
use common::{Way, World, rules};

const KEYS: &str = "[[rule]]\nfrom = 'keys'\nto = 'synth'\n";

/// A keyboard at 24:0 and a synthesizer at 128:0.
fn two() -> World {
    let mut world = World::default();
    world.plug("24:0", "keys", "keys MIDI 1", Way::Sends);
    world.plug("128:0", "synth", "in", Way::Receives);
    world
}

const NOTHING: [&str; 0] = [];

#[test]
fn two_ports_are_connected_once() {
    let rules = rules(KEYS);
    let mut world = two();
    assert_eq!(world.decide(&rules), ["+24:0>128:0"]);
    assert_eq!(world.decide(&rules), NOTHING);
}

#[test]
fn a_port_that_comes_back_under_another_number_is_connected_again() {
    let rules = rules(KEYS);
    let mut world = two();
    world.decide(&rules);
    world.unplug("24:0");
    assert_eq!(world.decide(&rules), NOTHING);
    world.plug("28:0", "keys", "keys MIDI 1", Way::Sends);
    assert_eq!(world.decide(&rules), ["+28:0>128:0"]);
    // Between two looks, and with the same number.
    world.unplug("28:0");
    world.plug("28:0", "keys", "keys MIDI 1", Way::Sends);
    assert_eq!(world.decide(&rules), ["+28:0>128:0"]);
}

#[test]
fn a_port_is_connected_once_it_has_the_name() {
    let rules = rules(KEYS);
    let mut world = two();
    world.snapshot.ports[1].client_name = "Client-128".into();
    assert_eq!(world.decide(&rules), NOTHING);
    world.snapshot.ports[1].client_name = "My Synth".into();
    assert_eq!(world.decide(&rules), ["+24:0>128:0"]);
    // Another name ends nothing that sounds.
    world.snapshot.ports[1].client_name = "busy".into();
    assert_eq!(world.decide(&rules), NOTHING);
}

#[test]
fn what_somebody_disconnects_stays_so_until_a_port_goes() {
    let rules = rules(KEYS);
    let mut world = two();
    world.decide(&rules);
    world.disconnect("24:0", "128:0");
    assert_eq!(world.decide(&rules), NOTHING);
    world.plug("129:0", "other", "in", Way::Receives);
    world.history.note(Change::Lost);
    world.history.note(Change::Rules);
    assert_eq!(world.decide(&rules), NOTHING);
    let findings = explain(&world.snapshot, &rules, &world.history);
    assert_eq!(findings[0].outcome, Outcome::Cut);
    world.unplug("128:0");
    world.plug("128:0", "synth", "in", Way::Receives);
    assert_eq!(world.decide(&rules), ["+24:0>128:0"]);
}

#[test]
fn what_others_connected_first_is_theirs_to_disconnect() {
    let rules = rules(KEYS);
    let mut world = two();
    world.connect("24:0", "128:0");
    assert_eq!(world.decide(&rules), NOTHING);
    assert_eq!(explain(&world.snapshot, &rules, &world.history)[0].outcome, Outcome::There);
    world.disconnect("24:0", "128:0");
    assert_eq!(world.decide(&rules), NOTHING);
}

#[test]
fn a_connection_that_vanished_unseen_is_made_again() {
    let rules = rules(KEYS);
    let mut world = two();
    world.decide(&rules);
    world.snapshot.connections.clear();
    world.history.note(Change::Lost);
    assert_eq!(world.decide(&rules), ["+24:0>128:0"]);
}

#[test]
fn always_and_once() {
    let always = rules(&format!("{KEYS}when = 'always'\n"));
    let mut world = two();
    world.decide(&always);
    world.disconnect("24:0", "128:0");
    assert_eq!(world.decide(&always), ["+24:0>128:0"]);

    let once = rules(&format!("{KEYS}when = 'once'\n"));
    let mut world = two();
    assert_eq!(world.decide(&once), ["+24:0>128:0"]);
    world.unplug("24:0");
    world.plug("25:0", "keys", "keys MIDI 1", Way::Sends);
    assert_eq!(world.decide(&once), NOTHING);
    assert_eq!(explain(&world.snapshot, &once, &world.history)[0].outcome, Outcome::Done);
}

#[test]
fn the_last_rule_that_means_two_ports_decides() {
    let forbid = "[[rule]]\nfrom = '*'\nto = 'synth'\nforbid = true\n";
    let mut world = two();
    let rules_ = rules(&format!("{KEYS}{forbid}"));
    assert_eq!(world.decide(&rules_), NOTHING);
    assert_eq!(explain(&world.snapshot, &rules_, &world.history)[0].outcome, Outcome::Forbidden);
    assert_eq!(world.decide(&rules(&format!("{forbid}{KEYS}"))), ["+24:0>128:0"]);
}

#[test]
fn a_rule_that_forbids_leaves_others_alone_unless_it_is_always() {
    let forbid = "[[rule]]\nfrom = 'keys'\nto = 'synth'\nforbid = true\n";
    let mut world = two();
    world.connect("24:0", "128:0");
    let tolerant = rules(forbid);
    assert_eq!(world.decide(&tolerant), NOTHING);
    let findings = explain(&world.snapshot, &tolerant, &world.history);
    assert_eq!(findings[0].outcome, Outcome::Tolerated);
    let strict = rules(&format!("{forbid}when = 'always'\n"));
    assert_eq!(explain(&world.snapshot, &strict, &world.history)[0].outcome, Outcome::Cuts);
    assert_eq!(world.decide(&strict), ["-24:0>128:0"]);
}

#[test]
fn other_rules_end_what_the_old_ones_made() {
    let mut world = two();
    world.plug("129:0", "piano", "in", Way::Receives);
    world.connect("24:0", "129:0");
    world.decide(&rules(KEYS));
    let others = rules("[[rule]]\nfrom = 'keys'\nto = 'nothing'\n");
    assert_eq!(world.decide(&others), NOTHING, "not without a word");
    world.history.note(Change::Rules);
    assert_eq!(world.decide(&others), ["-24:0>128:0"]);
    // And a rule that says it otherwise replaces it.
    world.decide(&rules(KEYS));
    world.history.note(Change::Rules);
    let exclusive = rules("[[rule]]\nfrom = 'keys'\nto = 'synth'\nstamp = 'real:1'\n");
    assert_eq!(world.decide(&exclusive), ["-24:0>128:0", "+24:0>128:0 stamped"]);
}

#[test]
fn both_ways() {
    let rules = rules("[[rule]]\nfrom = 'pads'\nto = 'looper'\nboth = true\n");
    let mut world = World::default();
    world.plug("20:0", "pads", "pads", Way::Both);
    world.plug("128:0", "looper", "control", Way::Both);
    assert_eq!(world.decide(&rules), ["+20:0>128:0", "+128:0>20:0"]);
}

#[test]
fn loops_are_not_made() {
    let all = rules("[[rule]]\nfrom = '*'\nto = '*'\n");
    let mut world = World::default();
    world.plug("0:0", "System", "Timer", Way::Both);
    world.plug("14:0", "Midi Through", "Midi Through Port-0", Way::Both);
    world.plug("14:1", "Midi Through", "Midi Through Port-1", Way::Both);
    world.plug("128:0", "looper", "in", Way::Receives);
    world.plug("128:1", "looper", "out", Way::Sends);
    // No port to itself, no client to itself, and nothing to System.
    assert_eq!(world.decide(&all), ["+14:0>128:0", "+14:1>128:0", "+128:1>14:0", "+128:1>14:1"]);
    let through = rules("[[rule]]\nfrom = 'Through:0'\nto = 'Through:1'\nboth = true\n");
    assert_eq!(world.decide(&through), ["+14:0>14:1"]);
    let findings = explain(&world.snapshot, &through, &world.history);
    let outcomes: Vec<_> = findings.into_iter().map(|finding| finding.outcome).collect();
    assert_eq!(outcomes, [Outcome::Made, Outcome::Loop]);

    // A program that sends on what it receives, from one port to another.
    let thru = "through = ['looper']\n[[rule]]\nfrom = '14'\nto = 'looper'\nboth = true\n";
    let mut world = World::default();
    world.plug("14:0", "Midi Through", "Midi Through Port-0", Way::Both);
    world.plug("128:0", "looper", "in", Way::Receives);
    world.plug("128:1", "looper", "out", Way::Sends);
    assert_eq!(world.decide(&rules(thru)), ["+14:0>128:0"]);
}

#[test]
fn ports_of_a_pair_of_midi_through_are_one() {
    let rules = rules("[[rule]]\nfrom = 'Through:1'\nto = 'Through:0'\n");
    let mut world = World::default();
    world.plug("14:0", "Midi Through", "Midi Through Port-0:A", Way::Both);
    world.plug("14:1", "Midi Through", "Midi Through Port-0:B", Way::Both);
    assert_eq!(world.decide(&rules), NOTHING);
}

#[test]
fn exclusive_connections_stand_alone() {
    let rules = rules(
        "[[rule]]\nfrom = 'keys'\nto = 'synth'\nexclusive = true\n[[rule]]\nfrom = 'pads'\nto = 'synth'\n",
    );
    let mut world = two();
    world.plug("25:0", "pads", "pads", Way::Sends);
    assert_eq!(world.decide(&rules), ["+24:0>128:0 exclusive"]);
    let findings = explain(&world.snapshot, &rules, &world.history);
    let first = (common::address("24:0"), common::address("128:0"));
    assert_eq!(findings[1].outcome, Outcome::Exclusive(first));
    world.unplug("24:0");
    assert_eq!(world.decide(&rules), ["+25:0>128:0"]);
    world.plug("24:0", "keys", "keys", Way::Sends);
    assert_eq!(world.decide(&rules), NOTHING, "the other one is in the way");
    world.disconnect("25:0", "128:0");
    assert_eq!(world.decide(&rules), ["+24:0>128:0 exclusive"]);
}

#[test]
fn a_refused_connection_is_tried_again_when_something_changes_there() {
    let rules = rules(KEYS);
    let mut world = two();
    world.decide(&rules);
    let pair = (common::address("24:0"), common::address("128:0"));
    world.snapshot.connections.clear();
    world.history.note_refused(pair, "why".into());
    assert_eq!(world.decide(&rules), NOTHING);
    let findings = explain(&world.snapshot, &rules, &world.history);
    assert_eq!(findings[0].outcome, Outcome::Refused("why".into()));
    world.history.note(Change::Connected(common::address("20:0"), pair.1));
    assert_eq!(world.decide(&rules), ["+24:0>128:0"]);
}

#[test]
fn links_replace_plain_connections_that_were_there_first() {
    let link = |transpose| rules(&format!("{KEYS}transpose = {transpose}\n"));
    let mut world = two();
    world.connect("24:0", "128:0");
    assert_eq!(world.decide(&link(12)), ["-24:0>128:0", "+24:0~128:0"]);
    assert_eq!(world.decide(&link(12)), NOTHING);
    world.history.note(Change::Rules);
    assert_eq!(world.decide(&link(-12)), ["=24:0~128:0"]);
    world.disconnect("24:0", "128:0");
    assert_eq!(world.decide(&link(-12)), NOTHING);
    world.unplug("24:0");
    world.plug("24:0", "keys", "keys", Way::Sends);
    assert_eq!(world.decide(&link(-12)), ["+24:0~128:0"]);
    world.history.note(Change::Rules);
    assert_eq!(world.decide(&rules(KEYS)), ["-24:0~128:0", "+24:0>128:0"]);
}

#[test]
fn two_devices_of_one_kind_are_told_apart() {
    let rules = rules(
        "[alias]\nleft = { usb = '1235:0113', path = '1-1' }\nright = { client = 'keys', serial = 'B' }\n\
         [[rule]]\nfrom = '@left'\nto = 'synth:0'\n[[rule]]\nfrom = '@right'\nto = 'synth:1'\n",
    );
    let device = |path: &str, serial: &str| Device {
        usb: Some("1235:0113".into()),
        serial: Some(serial.into()),
        path: Some(path.into()),
    };
    for swapped in [false, true] {
        let mut world = World::default();
        let (left, right) = if swapped { ("25:0", "24:0") } else { ("24:0", "25:0") };
        world.plug(left, "keys", "keys", Way::Sends).device = device("1-1", "A");
        world.plug(right, "keys", "keys", Way::Sends).device = device("1-2", "B");
        world.plug("128:0", "synth", "a", Way::Receives);
        world.plug("128:1", "synth", "b", Way::Receives);
        let wanted = [format!("+{left}>128:0"), format!("+{right}>128:1")];
        assert_eq!(world.decide(&rules), wanted);
    }
}

#[test]
fn ports_that_third_parties_may_not_connect_are_left_alone() {
    let rules = rules(KEYS);
    let mut world = two();
    world.snapshot.ports[0].caps |= aseqd_abi::seq::PortCaps::NO_EXPORT;
    assert_eq!(world.decide(&rules), NOTHING);
}
