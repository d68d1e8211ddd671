use super::*;
use aseqd_abi::Address;
use aseqd_abi::seq::PortCaps;

fn port(client: u8, number: u8, client_name: &str, name: &str) -> Port {
    Port {
        address: Address::new(client, number),
        client_name: client_name.into(),
        name: name.into(),
        caps: PortCaps::READ | PortCaps::SUBS_READ | PortCaps::WRITE | PortCaps::SUBS_WRITE,
        port_type: PortType::MIDI_GENERIC,
        kernel: client < 128,
        device: Device::default(),
    }
}

fn ports() -> Vec<Port> {
    let mut ports = vec![
        port(0, 1, "System", "Announce"),
        port(14, 0, "Midi Through", "Midi Through Port-0"),
        port(24, 0, "Launchpad Pro", "Launchpad Pro MIDI"),
        port(24, 1, "Launchpad Pro", "Launchpad Pro DAW"),
        port(28, 0, "Launchpad Pro MK3", "Launchpad Pro MK3 MIDI"),
        port(128, 0, "Pure Data", "Pure Data Midi-In 1"),
        port(128, 1, "Pure Data", "Pure Data Midi-Out 1"),
        port(129, 0, "odd: name", "x"),
    ];
    for port in &mut ports[2..5] {
        port.port_type |= PortType::HARDWARE;
    }
    for port in &mut ports[5..] {
        port.port_type |= PortType::APPLICATION;
    }
    ports[5].caps = PortCaps::WRITE | PortCaps::SUBS_WRITE;
    ports[6].caps = PortCaps::READ | PortCaps::SUBS_READ;
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
    let ports = ports();
    let selector = Selector::parse(text).unwrap();
    selector.select(&ports, end).iter().map(|index| ports[*index].address.to_string()).collect()
}

#[test]
fn names_mean_every_client_that_has_them_and_its_first_port_that_fits() {
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
        ("nothing", vec![], vec![]),
    ] {
        assert_eq!(found(text, End::Sender), from, "{text} as a sender");
        assert_eq!(found(text, End::Dest), to, "{text} as a destination");
    }
}

#[test]
fn classes_and_expressions_mean_ports_of_all_clients_but_system() {
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
    let meant =
        Selector::of("serial A".into(), vec![Condition::Device(device)], PortPart::Number(1));
    let aliases = Aliases::from([("pads".to_owned(), meant)]);
    let select = |text: &str| {
        let selector = Selector::parse(text).unwrap().resolve(&aliases)?;
        Ok::<_, String>(selector.select(&ports(), End::Sender))
    };
    assert_eq!(select("@pads"), Ok(vec![3]));
    assert_eq!(select("@pads:0"), Ok(vec![2]));
    assert_eq!(select("@pads:*"), Ok(vec![2, 3]));
    assert_eq!(select("@padz"), Err("there is no alias @padz; did you mean @pads?".to_owned()));
}

#[test]
fn what_is_no_selector_is_told_why() {
    for (text, why) in [
        ("", "empty"),
        (" ", "empty"),
        ("'open", "not closed"),
        ("x:\"open", "not closed"),
        ("'a' b", "behind the closing quote"),
        ("a:b:c", "too many colons"),
        ("::", "too many colons"),
        (":34", "no client"),
        ("a:", "no port"),
        (".hx", "did you mean .hw?"),
        (".hw.x", "the classes are"),
        ("re:x", "between slashes"),
        ("re:/x/g", "between slashes"),
        ("re:/(/", "re:/(/"),
    ] {
        let error = Selector::parse(text).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}
