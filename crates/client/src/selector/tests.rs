//! Tables of selectors, and of what they mean.

use super::*;

const IN: PortCaps = PortCaps::READ.union(PortCaps::SUBS_READ);
const OUT: PortCaps = PortCaps::WRITE.union(PortCaps::SUBS_WRITE);
const BOTH: PortCaps = IN.union(OUT);
const NONE: PortCaps = PortCaps::empty();

fn ports() -> Vec<Port> {
    let hardware = PortType::MIDI_GENERIC | PortType::HARDWARE | PortType::PORT;
    let program = PortType::MIDI_GENERIC | PortType::APPLICATION;
    [
        (0, 0, "System", "Timer", PortType::empty(), IN),
        (0, 1, "System", "Announce", PortType::empty(), IN),
        (14, 0, "Midi Through", "Midi Through Port-0", PortType::MIDI_GENERIC, BOTH),
        (20, 0, "nanoKEY2", "nanoKEY2 MIDI 1", hardware, IN),
        (24, 0, "Launchpad Pro", "Launchpad Pro MIDI 1", hardware, BOTH),
        (24, 1, "Launchpad Pro", "Launchpad Pro MIDI 2", hardware, BOTH),
        (128, 0, "synth", "in", program, OUT),
        (128, 1, "synth", "out", program, IN),
        (129, 0, "synthesizer", "in", program, OUT),
        (130, 2, "odd: name", "x", program, BOTH),
        (131, 0, "SYNTH", "in", program, OUT),
        (132, 0, "a.b", "Caf\u{e9}", program, OUT),
    ]
    .into_iter()
    .map(|(client, port, client_name, name, port_type, caps)| Port {
        address: Address::new(client, port),
        client_name: client_name.into(),
        name: name.into(),
        caps,
        port_type,
        of_kernel: client < 128,
    })
    .collect()
}

#[track_caller]
fn one(text: &str, needs: PortCaps) -> Option<String> {
    let found = resolve(text, &ports(), needs);
    found.unwrap_or_else(|error| panic!("{text}: {error}")).map(|port| port.to_string())
}

#[track_caller]
fn error(text: &str) -> String {
    resolve(text, &ports(), NONE).expect_err(text).to_string()
}

#[track_caller]
fn all(text: &str, needs: PortCaps) -> Vec<String> {
    let selector: Selector = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    selector.all(&ports(), needs).iter().map(|port| port.address.to_string()).collect()
}

#[test]
fn one_port_by_number_and_by_name() {
    for (text, wanted) in [
        ("128:1", "128:1"),
        ("0.1", "0:1"),
        ("128", "128:0"),
        ("130", "130:2"),
        ("synth", "128:0"),
        ("SYNTH", "131:0"),
        ("synth:out", "128:1"),
        ("synth.1", "128:1"),
        ("synthe:0", "129:0"),
        ("synthe:IN", "129:0"),
        ("Midi", "14:0"),
        ("mIDI tHROUGH", "14:0"),
        ("through", "14:0"),
        ("odd: name", "130:2"),
        ("odd: name:x", "130:2"),
        ("name", "130:2"),
        ("key2", "20:0"),
        ("launchpad:midi 2", "24:1"),
        ("pro midi 2", "24:1"),
        ("Port-0", "14:0"),
        ("a.b", "132:0"),
        ("caf\u{c9}", "132:0"),
        ("re:/^nano/", "20:0"),
        ("re:/LAUNCH.*2$/i", "24:1"),
        ("re:/^System:Ann/", "0:1"),
        ("re:/a/b/", ""),
        ("piano", ""),
        ("128:7", ""),
        ("127", ""),
        (":in", ""),
        ("synth:", ""),
        ("300", ""),
    ] {
        assert_eq!(one(text, NONE).unwrap_or_default(), wanted, "{text}");
    }
}

#[test]
fn what_a_port_is_needed_for_decides_among_equals() {
    for (text, needs, wanted) in [
        ("synth", IN, "128:1"),
        ("synth", OUT, "128:0"),
        ("128", IN, "128:1"),
        ("128:0", IN, "128:0"),
        ("nanoKEY2", OUT, "20:0"),
        (".hw", OUT.union(PortCaps::DUPLEX), ""),
    ] {
        assert_eq!(one(text, needs).unwrap_or_default(), wanted, "{text}");
    }
}

#[test]
fn several_candidates_are_an_error_that_lists_them() {
    assert_eq!(
        error("synt"),
        "synt means more than one port; there are 128:0 (synth: in), 129:0 (synthesizer: in), \
         131:0 (SYNTH: in)"
    );
    assert!(error("Synth").ends_with("128:0 (synth: in), 131:0 (SYNTH: in)"), "the whole name");
    assert!(error(".hw").contains("20:0 ") && error("midi 1").contains("24:0 "));
    assert!(error("re:/synth/").starts_with("re:/synth/ means more than one port"));
}

#[test]
fn no_name_makes_an_address_ambiguous() {
    let mut ports = ports();
    ports[3].client_name = "128:1".into();
    ports[4].name = "128:1".into();
    let found = |text| resolve(text, &ports, NONE).expect(text).map(|port| port.to_string());
    assert_eq!(found("128:1"), Some("128:1".to_owned()));
    assert_eq!(found("128.1"), Some("128:1".to_owned()));
    assert_eq!((found("77:1"), found("2")), (None, None), "no port with a 2 in its name");
}

#[test]
fn sets_are_what_their_form_says() {
    for (text, needs, wanted) in [
        (".hw", NONE, &["20:0", "24:0", "24:1"][..]),
        (".hw", OUT, &["24:0", "24:1"]),
        (".hw.in", NONE, &["20:0", "24:0", "24:1"]),
        (".app.in", NONE, &["128:1", "130:2"]),
        (".app", OUT, &["128:0", "129:0", "130:2", "131:0", "132:0"]),
        (".in", NONE, &["14:0", "20:0", "24:0", "24:1", "128:1", "130:2"]),
        (".out.hw", NONE, &["24:0", "24:1"]),
        ("re:/:in$/", NONE, &["128:0", "129:0", "131:0"]),
        ("re:/nothing/", NONE, &[]),
        ("launchpad", NONE, &["24:0", "24:1"]),
        ("128", NONE, &["128:0", "128:1"]),
        ("128", IN, &["128:1"]),
        ("128:1", NONE, &["128:1"]),
        ("midi 1", NONE, &["20:0", "24:0"]),
        ("synt", NONE, &["128:0", "128:1", "129:0", "131:0"]),
    ] {
        assert_eq!(all(text, needs), wanted, "{text}");
    }
    assert_eq!(all(".all", NONE).len(), ports().len() - 2, "all but System");
}

#[test]
fn what_is_no_selector_says_why() {
    for (text, why) in [
        ("re:/a", "it does not end with /"),
        ("re:/a/x", "only i may stand, not x"),
        ("re:/(/", "found open group"),
        (".hw.ni", "there is no class .ni; there are .hw, .app, .in, .out, .all"),
        (".", "there is no class .;"),
    ] {
        let said = error(text);
        assert!(said.starts_with(text) && said.contains(why), "{said}");
    }
    assert_eq!(error(""), "'' is no selector of ports: the name of a port is empty");
}
