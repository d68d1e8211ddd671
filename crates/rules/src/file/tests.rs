use super::*;
use crate::transform::{Transform, Velocity};
use std::collections::BTreeMap;

fn read(text: &str) -> (Rules, Vec<String>) {
    let (rules, problems) = Rules::read("r.toml", text);
    (rules, problems.iter().map(ToString::to_string).collect())
}

#[test]
fn a_whole_file_is_read() {
    let (rules, problems) = read(
        r#"
profile = "live"
learn = true
through = ["mididings"]

[alias]
keys = { usb = "0582:012A", serial = "X1", port = 0 }
synth = "FLUID Synth"

[[rule]]
name = "left hand"
from = "@keys"
to = "@synth"
both = true
when = "always"
profile = "live"
channels = [1, 16]
to_channel = 2
transpose = -12
velocity = { scale = 1.5, add = -3, min = 2, max = 120 }
controllers = { 1 = 11, 64 = false }

[[rule]]
from = { client = "Launchpad Pro", port = 1 }
to = { client_part = "pure", port_part = "in" }
exclusive = true
stamp = "real:3"
when = "once"

[[rule]]
from = ".hw"
to = "RtMidiIn Client"
forbid = true
"#,
    );
    assert_eq!(problems, [""; 0]);
    assert_eq!((rules.profile.as_deref(), rules.learn), (Some("live"), true));
    assert_eq!(rules.through[0].text(), "mididings");
    let [first, second, third] = rules.rules.as_slice() else { panic!("{rules:?}") };
    assert_eq!(first.to_string(), "@keys <-> @synth");
    assert_eq!(first.origin.to_string(), "r.toml:10");
    assert_eq!((first.name.as_deref(), first.when), (Some("left hand"), When::Always));
    let transform = Transform {
        channels: 0x8001,
        to_channel: Some(1),
        transpose: -12,
        mute: false,
        velocity: Velocity { scale: 1.5, add: -3, min: 2, max: 120 },
        controllers: BTreeMap::from([(1, Some(11)), (64, None)]),
    };
    assert_eq!(first.transform, Some(transform));
    assert_eq!(
        second.to_string(),
        "client 'Launchpad Pro', port 1 -> client_part 'pure', port_part 'in'"
    );
    assert_eq!(second.stamp, Some(Stamp { queue: 3, real: true }));
    assert_eq!((second.exclusive, second.when), (true, When::Once));
    assert_eq!(third.to_string(), ".hw -x-> RtMidiIn Client");
    let (compiled, problems) = rules.compile(None);
    assert_eq!(problems, []);
    assert_eq!(compiled.rules().len(), 3);
    let (compiled, problems) = rules.compile(Some("life"));
    assert_eq!(compiled.rules().len(), 2);
    assert_eq!(problems[0].message, "no rule belongs to the profile life; did you mean live?");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let rule = |more: &str| format!("[[rule]]\nfrom = 'a'\nto = 'b'\n{more}\n");
    for (text, problem) in [
        (
            "rules = 1".to_owned(),
            "r.toml:1:1: there is no key rules in a file of rules; did you mean rule?",
        ),
        ("\n[rule]\nfrom = 'a'\n".to_owned(), "r.toml:2:1: `rule` is written as [[rule]]"),
        ("[[rule]]\nto = 'a'\n".to_owned(), "r.toml:1:1: a rule needs `from`"),
        (
            rule("exlusive = true"),
            "r.toml:4:1: there is no key exlusive in a rule; did you mean exclusive?",
        ),
        (rule("when = 'allways'"), "r.toml:4:8: there is no `when` allways; did you mean always?"),
        (rule("stamp = 'real'"), "r.toml:4:9: a stamp is real:QUEUE or tick:QUEUE"),
        (rule("both = 1"), "r.toml:4:8: `both` is true or false"),
        (rule("channels = [0]"), "r.toml:4:13: `channels` is a number, 1 to 16"),
        (rule("to_channel = 17"), "r.toml:4:14: `to_channel` is a number, 1 to 16"),
        (rule("transpose = 128"), "r.toml:4:13: `transpose` is a number, -127 to 127"),
        (rule("velocity = 0"), "r.toml:4:12: `velocity` is a number, 1 to 127"),
        (rule("velocity = { min = 9, max = 8 }"), "the least velocity is above the largest"),
        (
            rule("velocity = { sclae = 1 }"),
            "there is no key sclae in a velocity; did you mean scale?",
        ),
        (rule("controllers = { x = 1 }"), "r.toml:4:17: a controller is a number, 0 to 127"),
        (rule("controllers = { 1 = 128 }"), "a controller becomes another one"),
        (rule("forbid = true\nexclusive = true"), "a rule that forbids has no `exclusive`"),
        (rule("forbid = true\nmute = true"), "a rule that forbids has no `mute`"),
        (rule("forbid = true\nwhen = 'once'"), "a rule that forbids is `when"),
        (rule("stamp = 'tick:0'\nmute = true"), "`stamp` and `mute` cannot stand in one rule"),
        (
            "[[rule]]\nfrom = 'a'\nto = \"'b\"\n".to_owned(),
            "r.toml:3:6: the quote of 'b is not closed",
        ),
        ("[[rule]]\nfrom = 1\nto = 'b'\n".to_owned(), "r.toml:2:8: `from` is a string or a table"),
        (
            "[[rule]]\nfrom = { port = 1 }\nto = 'b'\n".to_owned(),
            "r.toml:2:8: a selector needs client",
        ),
        ("alias.a = { usb = '1:2' }".to_owned(), "`usb` is VENDOR:PRODUCT"),
        ("alias.'a b' = 'x'".to_owned(), "the name of an alias is a word"),
        ("x = [\n\"\u{e9}\", y".to_owned(), "r.toml:2:"),
    ] {
        let (rules, problems) = read(&text);
        assert!(problems.iter().any(|one| one.contains(problem)), "{text}\n{problems:?}");
        // A rule with a mistake does not act.
        assert!(rules.rules.is_empty(), "{text}");
    }
}

#[test]
fn many_mistakes_are_counted_and_none_is_told_twice() {
    let (_, problems) = read(&format!("a = {}", "[".repeat(20_000)));
    let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(texts.iter().any(|text| text.contains("recursion")), "{texts:?}");
    assert_eq!(texts.iter().filter(|text| text.contains("unclosed array")).count(), 1, "{texts:?}");
    // With the place of each looked for from the beginning of the file, this takes half an hour.
    let (rules, problems) =
        read(&format!("[[rule]]{}", "\nx = 1\n[[rule]]\nto = 'b'".repeat(50_000)));
    assert!(rules.rules.is_empty());
    assert_eq!(problems.len(), 101);
    assert_eq!(problems[100].to_string(), "r.toml: there are 99902 more mistakes");
}

#[test]
fn aliases_that_lead_nowhere_are_told() {
    let (rules, problems) = read(
        "[alias]\na = '@b'\nb = '@a'\nc = 'x'\nd = '@nothing'\n[[rule]]\nfrom = '@kez'\nto = 'y'\n[[rule]]\nfrom = 'c'\nto = '@c'\n",
    );
    assert_eq!(problems, [""; 0]);
    let (compiled, problems) = rules.compile(None);
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "r.toml:2: alias a: it means itself: @a is @b is @a",
            "r.toml:3: alias b: it means itself: @b is @a is @b",
            "r.toml:5: alias d: there is no alias @nothing",
            "r.toml:6: there is no alias @kez",
        ]
    );
    assert_eq!(compiled.rules()[0].to_string(), "c -> @c");
}

#[test]
fn what_is_written_is_read_again() {
    use crate::port::{Connection, Snapshot};
    use aseqd_abi::Address;
    use aseqd_abi::seq::PortCaps;
    use aseqd_selector::{Device, Port};
    let port = |client, number, client_name: &str, name: &str, serial: Option<&str>, path: &str| {
        let mut port = Port::new(Address::new(client, number), client_name, name);
        port.caps = PortCaps::all() - PortCaps::NO_EXPORT;
        port.of_kernel = true;
        port.device =
            Device { usb: None, serial: serial.map(str::to_owned), path: Some(path.into()) };
        port
    };
    let ports = vec![
        port(20, 0, "twin", "p", Some("A"), "1-1"),
        port(21, 0, "twin", "p", Some("B"), "1-2"),
        port(22, 0, "same", "p", Some("C"), "1-3"),
        port(23, 0, "same", "p", Some("C"), "1-4"),
        port(24, 0, "one \"\\'\u{7}\u{e9}", "p", Some("D"), "1-5"),
        port(24, 1, "one \"\\'\u{7}\u{e9}", "p", Some("D"), "1-5"),
        port(25, 0, "", "", None, "1-6"),
    ];
    let snapshot = Snapshot { ports, ..Snapshot::default() };
    for from in &snapshot.ports {
        for to in &snapshot.ports {
            let connection = Connection {
                sender: from.address,
                dest: to.address,
                exclusive: true,
                stamp: Some(Stamp { queue: 2, real: false }),
            };
            let exact = |port| Exact::of(port, &snapshot.ports);
            let text = rule_of(&exact(from), &exact(to), false, Some(&connection));
            let (rules, problems) = read(&file_of("two\nlines", std::slice::from_ref(&text)));
            assert_eq!(problems, [""; 0], "{text}");
            let rule = &rules.rules[0];
            assert_eq!((rule.exclusive, rule.stamp), (true, connection.stamp));
            let found = |selector: &Selector, end| {
                let found = selector.every(&snapshot.ports, end);
                found.iter().map(|index| snapshot.ports[*index].address).collect::<Vec<_>>()
            };
            assert_eq!(found(&rule.from, crate::End::Sender), [from.address], "{text}");
            assert_eq!(found(&rule.to, crate::End::Dest), [to.address], "{text}");
        }
    }
}
