//! Profiles of midiminder: what becomes of them, and that they behave the same.

mod common;

use aseqd_rules::midiminder::{Numbers, import};
use common::{Way, World, rules};

const NOTHING: [&str; 0] = [];

/// The profile for a looper in midiminder-profile(5), in our form.
const LOOPER: &str = r#"
rule = [
    { from = "nanoKEY2", to = "bicycle:control" },
    { from = "Erae Touch", to = "bicycle:control" },
    { from = "bicycle:control", to = "Launchpad Pro:MIDI", both = true },
    { from = "bicycle:synth", to = "MicroMonsta" },
    { from = "bicycle:synth", to = "Hydrasynth" },
    { from = "bicycle:synth", to = "Midihub:1" },
    { from = "Faderfox", to = "Midihub:3" },
]
"#;

/// The one that connects all hardware with all programs, in our form.
const GENERIC: &str = r#"
rule = [
    { from = ".hw", to = ".app", both = true },
    { from = "*", to = "RtMidiIn Client", forbid = true },
    { from = "RtMidiOut Client", to = "*", forbid = true },
]
"#;

/// The one that shows each form of a rule, in our form.
const EXAMPLE: &str = r#"
rule = [
    { from = "nanoKEY2", to = "Circuit" },
    { from = "nanoKEY2", to = "Circuit" },
    { from = "Circuit", to = "nanoKEY2", both = true },
    { from = "Launchpad Pro:1", to = "PreenFM" },
    { from = "bicycle:synths", to = "PreenFM" },
    { from = "Launchpad Pro", to = ".app" },
    { from = "Launchpad Pro:*", to = "Pure Data" },
    { from = "Launchpad Pro:2", to = "Pure Data", forbid = true },
    { from = "'Launchpad Pro':*", to = "*", both = true, forbid = true },
]
"#;

/// The ports of a stage, with long names as drivers make them.
fn stage() -> World {
    let mut world = World::default();
    world.plug("14:0", "Midi Through", "Midi Through Port-0", Way::Both);
    world.plug("20:0", "nanoKEY2", "nanoKEY2 nanoKEY2 _ KEYBOARD", Way::Both);
    for (number, name) in ["MIDI", "DIN", "DAW"].into_iter().enumerate() {
        let at = format!("24:{number}");
        world.plug(&at, "Launchpad Pro", &format!("Launchpad Pro {name}"), Way::Both);
    }
    world.plug("28:0", "MicroMonsta 2", "MicroMonsta 2 MIDI 1", Way::Both);
    for number in 0..4 {
        let name = format!("Midihub MH-1Z109TZ MIDI {}", number + 1);
        world.plug(&format!("32:{number}"), "Midihub MH-1Z109TZ", &name, Way::Both);
    }
    world.plug("36:0", "Faderfox UC4", "Faderfox UC4 MIDI 1", Way::Both);
    world.plug("128:0", "bicycle", "control", Way::Both);
    world.plug("128:1", "bicycle", "synth", Way::Sends);
    world
}

#[test]
fn the_profile_of_the_looper() {
    let rules = rules(LOOPER);
    let mut world = stage();
    assert_eq!(
        world.decide(&rules),
        ["+20:0>128:0", "+24:0>128:0", "+128:0>24:0", "+128:1>28:0", "+128:1>32:1", "+36:0>32:3",]
    );
    // A controller that is plugged in later, and one that comes back elsewhere.
    world.plug("40:0", "Erae Touch", "Erae Touch MIDI 1", Way::Both);
    assert_eq!(world.decide(&rules), ["+40:0>128:0"]);
    for number in 0..3 {
        world.unplug(&format!("24:{number}"));
    }
    world.decide(&rules);
    for (number, name) in ["MIDI", "DIN", "DAW"].into_iter().enumerate() {
        let at = format!("44:{number}");
        world.plug(&at, "Launchpad Pro", &format!("Launchpad Pro {name}"), Way::Both);
    }
    assert_eq!(world.decide(&rules), ["+44:0>128:0", "+128:0>44:0"]);
}

#[test]
fn the_profile_that_connects_hardware_with_programs() {
    let rules = rules(GENERIC);
    let mut world = World::default();
    world.plug("14:0", "Midi Through", "Midi Through Port-0", Way::Both);
    world.plug("20:0", "nanoKEY2", "nanoKEY2 KEYBOARD", Way::Both);
    world.plug("128:0", "Pure Data", "Pure Data Midi-In 1", Way::Receives);
    world.plug("128:1", "Pure Data", "Pure Data Midi-Out 1", Way::Sends);
    world.plug("129:0", "RtMidiIn Client", "in", Way::Receives);
    world.plug("130:0", "RtMidiOut Client", "out", Way::Sends);
    assert_eq!(world.decide(&rules), ["+20:0>128:0", "+128:1>20:0"]);
    // Others may connect what the rules do not.
    world.connect("20:0", "129:0");
    assert_eq!(world.decide(&rules), NOTHING);
}

#[test]
fn the_profile_that_shows_each_form() {
    let rules = rules(EXAMPLE);
    let mut world = World::default();
    world.plug("20:0", "nanoKEY2", "nanoKEY2 KEYBOARD", Way::Both);
    world.plug("22:0", "Circuit", "Circuit MIDI 1", Way::Both);
    // The last rule is about the device of exactly this name, so this one is not meant.
    for number in 0..3 {
        world.plug(&format!("24:{number}"), "Launchpad Pro MK3", &format!("{number}"), Way::Both);
    }
    world.plug("26:0", "PreenFM mk2", "PreenFM mk2 MIDI 1", Way::Both);
    world.plug("30:0", "Launchpad Pro", "Launchpad Pro MIDI", Way::Both);
    world.plug("128:0", "Pure Data", "Midi-In 1", Way::Receives);
    world.plug("129:0", "bicycle", "synths", Way::Sends);
    assert_eq!(
        world.decide(&rules),
        ["+20:0>22:0", "+22:0>20:0", "+24:1>26:0", "+129:0>26:0", "+24:0>128:0", "+24:1>128:0",]
    );
}

#[test]
fn an_imported_profile_behaves_as_it_did() {
    let profile = "
        ## Stage
        looper:in <-- keybed      # my keyboard
        looper:in <-> \"Pad Pro\":'Pad Pro MIDI'

        looper:out ---> Hub:=3
        looper:out --> Hub:2
        .hw -x-> 'RtMidiIn Client'
        * <-x- Hub:*
    ";
    let (text, problems) = import("stage.rules", profile, Numbers::Names);
    assert_eq!(problems, []);
    assert!(text.contains("# Stage\n# my keyboard\n[[rule]]\nfrom = \"keybed\"\n"), "{text}");
    let rules_ = rules(&text);
    let mut world = World::default();
    world.plug("20:0", "keybed 49", "MIDI 1", Way::Both);
    world.plug("21:0", "Pad Pro", "Pad Pro MIDI", Way::Both);
    for number in 0..4 {
        world.plug(&format!("22:{number}"), "Hub", &format!("Hub MIDI {}", number + 1), Way::Both);
    }
    world.plug("128:0", "looper", "in", Way::Both);
    world.plug("128:1", "looper", "out", Way::Sends);
    let wanted = ["+20:0>128:0", "+21:0>128:0", "+128:0>21:0", "+128:1>22:3", "+128:1>22:1"];
    assert_eq!(world.clone().decide(&rules_), wanted);
    // Before 0.90, a number behind the colon was that of the port.
    let (text, _) = import("stage.rules", profile, Numbers::Ports);
    assert!(world.decide(&rules(&text)).contains(&"+128:1>22:2".to_owned()));
}

#[test]
fn what_midiminder_takes_and_what_it_refuses() {
    for line in [
        "    # a comment",
        "* --> a",
        "\"a client\" --> b",
        "'a client' --> b",
        "a'client --> b",
        "two words --> b",
        "  indented --> b",
        "a:* --> b",
        "a:\"time port\" --> b",
        "a:'time port' --> b",
        "a:time'port --> b",
        "a:time two --> b",
        "a -> b",
        "a <-> b",
        "a <- b",
        "a <--- b",
        "a ---> b",
        ".hw <-> b",
        ".app <-> b",
        "a -x-> *",
        "a <-x- *",
        "a <-x-> b",
        "a --x--> *",
        "a:3 --> b",
        "a:=3 --> b",
    ] {
        let (text, problems) = import("p", line, Numbers::Names);
        assert_eq!(problems, [], "{line}");
        let (rules, problems) = aseqd_rules::Rules::read("p", &text);
        assert_eq!(problems, [], "{line}: {text}");
        assert_eq!(rules.rules.len(), usize::from(!line.contains('#')), "{line}");
    }
    for line in [
        "*x --> a",
        "\"a client --> b",
        "'a client --> b",
        "a:*3 --> b",
        "a:\"time port --> b",
        "a:'time port --> b",
        ":: --> b",
        "::: --> b",
        ":34 --> b",
        "a: --> b",
        "a-->b",
        "a--> b",
        "a -->b",
        "a <<-- b",
        "a -->> b",
        "a < b",
        "a > b",
        "a b",
        "--> b",
        "a -->",
        ".blob <-> b",
        "a:.app <-> b",
        "*:.app <-> b",
        ".app:moo <-> b",
        "a:=three --> b",
        "42:3 --> b",
        "a --> b --> c",
    ] {
        let (text, problems) = import("p", &format!("\n{line}"), Numbers::Names);
        assert_eq!(problems.len(), 1, "{line}: {text}");
        assert_eq!(problems[0].origin.to_string(), "p:2");
        assert!(!text.contains("[[rule]]"), "{line}: {text}");
    }
}
