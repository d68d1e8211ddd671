//! Tables of selectors, and of what they mean.

use super::*;
use crate::alias::{Aliases, resolve_all};
use aseqd_abi::Address;

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
        caps,
        port_type,
        of_kernel: client < 128,
        ..Port::new(Address::new(client, port), client_name, name)
    })
    .collect()
}

fn resolve(text: &str, ports: &[Port], needs: PortCaps) -> Result<Option<Address>, String> {
    let selector: Selector = text.parse().map_err(|error: crate::BadSelector| error.to_string())?;
    let found = selector.one(ports, needs).map_err(|error| error.to_string())?;
    Ok(found.map(|port| port.address))
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
        ("300", ""),
        // The whole name only.
        ("'synth'", "128:0"),
        ("'synth':1", "128:1"),
        ("'synth':'out'", "128:1"),
        ("'nano'", ""),
        ("\"odd: name\":x", "130:2"),
        ("launchpad:'MIDI 2'", "24:1"),
        // What the driver repeats is no name of the port.
        ("launchpad:pro", ""),
        ("launchpad:Launchpad Pro MIDI 2", "24:1"),
        ("*:Port-0", "14:0"),
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
        ("re:/a", "between slashes"),
        ("re:/a/x", "between slashes"),
        ("re:/(/", "found open group"),
        (".hw.ni", "there is no class .ni; did you mean .in?"),
        (".x", "there is no class .x; there are .hw, .app, .in, .out, .all"),
        (".", "there is no class .;"),
        ("re:x", "between slashes"),
        ("'open", "the quote of 'open is not closed"),
        ("x:\"open", "is not closed"),
        ("'a' b", "behind the closing quote"),
        ("x:'a':b", "a colon behind the name of the port"),
        (":in", "there is no client before the colon"),
        ("::", "there is no client before the colon"),
        ("synth:", "there is no port behind the colon"),
        ("'synth':", "there is no port behind the colon"),
        ("@", "there is no name behind the @"),
    ] {
        let said = error(text);
        assert!(said.starts_with(text) && said.contains(why), "{said}");
    }
    assert_eq!(error(""), "'' is no selector of ports: the name of a port is empty");
}

#[test]
fn ports_of_programs_are_what_people_call_so() {
    let device = PortType::HARDWARE;
    let program = PortType::APPLICATION;
    for (port_type, of_kernel, hw, app) in [
        (PortType::MIDI_GENERIC, false, false, true),
        (PortType::empty(), false, false, true),
        (program, false, false, true),
        // A program that plays and stands for a device, as some synthesizers do.
        (program | device, false, true, true),
        // `aseqd port` and `aseqd port add`: a device, and a way to other programs.
        (device | PortType::PORT, false, true, false),
        (PortType::SOFTWARE | PortType::PORT, false, false, false),
        // Midi Through, and a driver.
        (PortType::SOFTWARE | PortType::PORT, true, false, false),
        (device, true, true, false),
    ] {
        let port = Port { port_type, of_kernel, ..Port::new(Address::new(128, 0), "x", "y") };
        let is = |text: &str| text.parse::<Selector>().expect(text).matches(&port);
        assert_eq!((is(".hw"), is(".app")), (hw, app), "{port_type:?}, {of_kernel}");
    }
}

/// The ports of a rule's examples.
fn rule_ports() -> Vec<Port> {
    let sends = PortCaps::READ | PortCaps::SUBS_READ;
    let receives = PortCaps::WRITE | PortCaps::SUBS_WRITE;
    let mut ports: Vec<_> = [
        (0, 1, "System", "Announce"),
        (14, 0, "Midi Through", "Midi Through Port-0"),
        (24, 0, "Launchpad Pro", "Launchpad Pro MIDI"),
        (24, 1, "Launchpad Pro", "Launchpad Pro DAW"),
        (28, 0, "Launchpad Pro MK3", "Launchpad Pro MK3 MIDI"),
        (128, 0, "Pure Data", "Pure Data Midi-In 1"),
        (128, 1, "Pure Data", "Pure Data Midi-Out 1"),
        (129, 0, "odd: name", "x"),
    ]
    .into_iter()
    .map(|(client, number, client_name, name)| Port {
        caps: sends | receives,
        port_type: PortType::MIDI_GENERIC,
        of_kernel: client < 128,
        ..Port::new(Address::new(client, number), client_name, name)
    })
    .collect();
    for port in &mut ports[2..5] {
        port.port_type |= PortType::HARDWARE;
    }
    ports[5].caps = receives;
    ports[6].caps = sends;
    let device = |serial: &str, path: &str| Device {
        usb: Some("1235:0113".into()),
        serial: Some(serial.into()),
        path: Some(path.into()),
    };
    (ports[2].device, ports[3].device) = (device("A", "1-1"), device("A", "1-1"));
    ports[4].device = device("B", "1-2");
    ports
}

#[track_caller]
fn found(text: &str, end: End) -> Vec<String> {
    let ports = rule_ports();
    let selector: Selector = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    selector.every(&ports, end).iter().map(|index| ports[*index].address.to_string()).collect()
}

#[test]
fn in_rules_names_mean_every_client_that_has_them_and_its_first_port_that_fits() {
    for (text, from, to) in [
        ("launchpad", vec!["24:0", "28:0"], vec!["24:0", "28:0"]),
        ("\"Launchpad Pro\"", vec!["24:0"], vec!["24:0"]),
        ("'Launchpad Pro'", vec!["24:0"], vec!["24:0"]),
        ("'launchpad pro'", vec![], vec![]),
        ("Pure", vec!["128:1"], vec!["128:0"]),
        ("pro:daw", vec!["24:1"], vec!["24:1"]),
        ("Launchpad:Pro", vec![], vec![]),
        ("Launchpad:'MIDI'", vec!["24:0", "28:0"], vec!["24:0", "28:0"]),
        ("Launchpad:'Launchpad Pro DAW'", vec!["24:1"], vec!["24:1"]),
        ("Launchpad:1", vec!["24:1"], vec!["24:1"]),
        ("Launchpad:*", vec!["24:0", "24:1", "28:0"], vec!["24:0", "24:1", "28:0"]),
        ("128", vec!["128:1"], vec!["128:0"]),
        ("24:1", vec!["24:1"], vec!["24:1"]),
        ("'odd: name':x", vec!["129:0"], vec!["129:0"]),
        ("odd: name", vec!["129:0"], vec!["129:0"]),
        ("odd: name:x", vec!["129:0"], vec!["129:0"]),
        // A whole name as `aseqd ls` shows it.
        ("Launchpad Pro:Launchpad Pro DAW", vec!["24:1"], vec!["24:1"]),
        // A port's own name needs its client: others have the same.
        ("DAW", vec![], vec![]),
        ("*:DAW", vec!["24:1"], vec!["24:1"]),
        ("nothing", vec![], vec![]),
    ] {
        assert_eq!(found(text, End::Sender), from, "{text} as a sender");
        assert_eq!(found(text, End::Dest), to, "{text} as a destination");
    }
}

#[test]
fn in_rules_classes_and_expressions_mean_ports_of_all_clients_but_system() {
    for (text, from) in [
        (".hw", vec!["24:0", "24:1", "28:0"]),
        (".app", vec!["128:1", "129:0"]),
        ("*", vec!["14:0", "24:0", "24:1", "28:0", "128:1", "129:0"]),
        (".in", vec!["14:0", "24:0", "24:1", "28:0", "128:1", "129:0"]),
        (".out", vec!["14:0", "24:0", "24:1", "28:0", "129:0"]),
        ("*:1", vec!["24:1", "128:1"]),
        (".hw.in", vec!["24:0", "24:1", "28:0"]),
        (".app.out", vec!["129:0"]),
        ("re:/^Launchpad Pro:.*DAW$/", vec!["24:1"]),
        ("re:/^launchpad pro:.*daw$/i", vec!["24:1"]),
        ("re:/^launchpad/", vec![]),
        ("System", vec!["0:1"]),
        ("sys", vec![]),
        ("0:1", vec!["0:1"]),
    ] {
        assert_eq!(found(text, End::Sender), from, "{text}");
    }
}

#[test]
fn an_alias_stands_for_another_selector() {
    let device = Device { serial: Some("A".into()), ..Device::default() };
    let text = |text: &str| text.parse::<Selector>().expect(text);
    let pads = Selector::of("A".into(), vec![Condition::Device(device)], PortPart::Number(1));
    let aliases = Aliases::from([
        ("pads".to_owned(), pads),
        ("data".to_owned(), text("Pure Data:1")),
        ("pure".to_owned(), text("pure")),
        ("second".to_owned(), text("@third:0")),
        ("third".to_owned(), text("@pads")),
    ]);
    let (aliases, problems) = resolve_all(&aliases);
    assert_eq!(problems, []);
    let select = |selector: &str| {
        let selector = text(selector).resolve(&aliases)?;
        Ok::<_, String>(selector.every(&rule_ports(), End::Sender))
    };
    for (selector, wanted) in [
        ("@pads", &[3][..]),
        ("@pads:0", &[2]),
        ("@pads:*", &[2, 3]),
        ("pads", &[3]),
        ("pads:0", &[2]),
        ("pads:*", &[2, 3]),
        ("pads:MIDI", &[2]),
        ("@second", &[2]),
        ("@third", &[3]),
        ("data", &[6]),
        ("data:*", &[6]),
        // The alias has the name of its client.
        ("pure", &[6]),
        // In quotes it is the name of a client, and a part of the alias's name is none.
        ("'pads'", &[]),
        ("pad", &[2, 4]),
    ] {
        assert_eq!(select(selector), Ok(wanted.to_vec()), "{selector}");
    }
    assert_eq!(select("@padz"), Err("there is no alias @padz; did you mean @pads?".to_owned()));
}

#[test]
fn aliases_that_lead_nowhere_are_told() {
    let text = |text: &str| text.parse::<Selector>().expect(text);
    let all = [("a", "@b"), ("b", "@c:1"), ("c", "@a"), ("d", "@d"), ("e", "@x"), ("f", "ok")];
    let aliases: Aliases = all.map(|(name, to)| (name.to_owned(), text(to))).into_iter().collect();
    let (aliases, problems) = resolve_all(&aliases);
    assert_eq!(aliases.keys().collect::<Vec<_>>(), ["f"]);
    let wanted = [
        ("a", "it means itself: @a is @b is @c is @a"),
        ("b", "it means itself: @b is @c is @a is @b"),
        ("c", "it means itself: @c is @a is @b is @c"),
        ("d", "it means itself: @d is @d"),
        ("e", "there is no alias @x"),
    ];
    assert_eq!(problems, wanted.map(|(name, why)| (name.to_owned(), why.to_owned())));
}
