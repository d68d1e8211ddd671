//! Pictures of states, compared with files. `ASEQD_BLESS=1 cargo test -p aseqd-tools top` writes them anew.

use super::draw;
use crate::complete::{RECEIVER, SENDER};
use crate::top::graph::{Connection, Graph};
use crate::top::look::Look;
use crate::top::model::{Input, Model, Watched};
use aseqd_abi::Address;
use aseqd_client::event::{EventExt as _, controller, note_off, note_on};
use aseqd_client::{Port, PortCaps};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

const PIANO: Address = Address::new(128, 0);
const SYNTH: Address = Address::new(129, 0);
const THROUGH: Address = Address::new(14, 0);
const EVIL: Address = Address::new(131, 0);

fn port(address: Address, client: &str, name: &str, caps: PortCaps) -> Port {
    let mut port = Port::new(address, client, name);
    port.caps = caps;
    port
}

/// A state in which a piano plays, and a program has a name that a terminal should not see.
fn playing(look: Look, size: (u16, u16)) -> Model {
    let both = SENDER | RECEIVER;
    let junk: String = (1..64).map(|byte| char::from(byte | 0x80)).collect();
    let mut ports = vec![
        port(Address::new(0, 0), "System", "Timer", SENDER),
        port(THROUGH, "Midi Through", "Midi Through Port-0", both),
        port(
            Address::new(20, 0),
            "nanoKEY2",
            "nanoKEY2 nanoKEY2 _ CTRL",
            both | PortCaps::NO_EXPORT,
        ),
        port(PIANO, "Piano", "out", SENDER),
        port(SYNTH, "FLUID Synth (4711)", "Synth input port (4711:0)", RECEIVER),
        port(Address::new(130, 0), "\u{4e2d}\u{6587}\u{97f3}\u{4e50}", "e\u{301}tude", both),
        port(EVIL, "\u{1b}[2J\u{1b}]0;x\u{7}", "\u{202e}evil \u{5e2}\u{5d1}\u{200f}", both),
        port(Address::new(132, 0), &junk, &junk, RECEIVER),
    ];
    ports.sort_by_key(|port| (port.address.client, port.address.port));
    let plain = Connection::plain;
    let connections = vec![
        plain(THROUGH, SYNTH),
        plain(PIANO, THROUGH),
        plain(PIANO, SYNTH),
        plain(EVIL, Address::new(20, 0)),
    ];
    let mut model = Model::new(look, size, Watched::All);
    let watched = BTreeSet::from([THROUGH, PIANO, EVIL]);
    let at = Duration::from_millis;
    model.apply(at(0), Input::Graph(Graph { ports, connections }, watched));
    model.apply(
        at(0),
        Input::Unwatched(Address::new(20, 0), "another program has it exclusively".to_owned()),
    );
    let mut send = |ms, event: aseqd_abi::Event, late| {
        model.apply(at(ms), Input::Event(event.sent_from(PIANO), vec![], late));
    };
    for beat in 0..12 {
        let (key, ms) = ([60, 64, 67, 72][beat % 4], 250 * beat as u64);
        send(ms, note_on(0, key, 100), Some(40_000 + 30_000 * beat as i64));
        send(ms + 200, note_off(0, key, 0), Some(15_000));
        if beat % 4 == 0 {
            send(ms + 10, note_on(9, 36, 127), Some(1_500_000));
            send(ms + 60, note_off(9, 36, 0), None);
        }
    }
    send(2960, controller(0, 64, 127), None);
    send(2970, note_on(1, 48, 90), None);
    let sysex = aseqd_abi::Event {
        flags: aseqd_abi::EventFlags::VARIABLE,
        ..aseqd_client::event::of_type(aseqd_abi::EventType::SYSEX)
    };
    let data = vec![0xf0, 0x7e, 0x7f, 9, 1, 0xf7];
    model.apply(at(3000), Input::Event(sysex.sent_from(EVIL), data, None));
    press(&mut model, "j");
    model
}

fn press(model: &mut Model, keys: &str) {
    for c in keys.chars() {
        let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
        model.apply(model.now, Input::Key(key));
    }
}

/// Returns what a terminal shows of a state, line by line.
fn picture(model: &Model, (columns, lines): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
    terminal
        .draw(|frame| {
            let _cursor = draw(model, frame.buffer_mut());
        })
        .unwrap();
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for line in buffer.content.chunks(usize::from(columns).max(1)) {
        let mut hidden = 0;
        let mut shown = String::new();
        for cell in line {
            if hidden == 0 {
                shown.push_str(cell.symbol());
                hidden = unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1);
            }
            hidden -= 1;
            if !model.look.color {
                assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "no colour");
            }
            assert!(model.look.utf8 || cell.symbol().is_ascii(), "{}", cell.symbol());
            assert!(!cell.symbol().contains(char::is_control));
        }
        let _infallible = writeln!(text, "{}", shown.trim_end());
    }
    text
}

fn check(name: &str, found: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/top/view/pictures");
    let path = folder.join(format!("{name}.txt"));
    if std::env::var_os("ASEQD_BLESS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{name} looks different:\n{found}\nwanted:\n{wanted}");
}

const PLAIN: Look = Look { utf8: true, color: false };

#[test]
fn pages_look_as_they_did() {
    for (name, look, keys) in [
        ("patchbay", PLAIN, ""),
        ("patchbay-color", Look { utf8: true, color: true }, ""),
        ("patchbay-ascii", Look { utf8: false, color: false }, ""),
        ("receivers", PLAIN, "ljjs"),
        ("not-watched", PLAIN, "k2"),
        ("search", PLAIN, "/fluid"),
        ("events", PLAIN, "2"),
        ("events-ascii", Look { utf8: false, color: false }, "2"),
        ("roll", PLAIN, "3"),
        ("roll-ascii", Look { utf8: false, color: false }, "3"),
        ("lateness", PLAIN, "4"),
        ("lateness-ascii", Look { utf8: false, color: false }, "4p"),
        ("help", PLAIN, "?"),
    ] {
        let mut model = playing(look, (80, 24));
        press(&mut model, keys);
        check(name, &picture(&model, (80, 24)));
    }
}

#[test]
fn the_page_of_the_documentation_shows_this_screen() {
    let mut model = Model::new(PLAIN, (80, 12), Watched::All);
    let both = SENDER | RECEIVER;
    let ports = vec![
        port(THROUGH, "Midi Through", "Midi Through Port-0", both),
        port(Address::new(24, 0), "nanoKEY2", "nanoKEY2 _ KEYBOARD", both),
        port(PIANO, "Hydrogen", "Hydrogen Midi-Out", SENDER),
        port(SYNTH, "FLUID Synth (4711)", "Synth input port", RECEIVER),
    ];
    let plain = Connection::plain;
    let keyboard = Address::new(24, 0);
    let connections = vec![plain(keyboard, SYNTH), plain(PIANO, THROUGH), plain(PIANO, SYNTH)];
    let watched = BTreeSet::from([THROUGH, keyboard, PIANO]);
    model.apply(Duration::ZERO, Input::Graph(Graph { ports, connections }, watched));
    for _ in 0..8 {
        let event = note_on(9, 36, 100).sent_from(PIANO);
        model.apply(Duration::ZERO, Input::Event(event, vec![], None));
    }
    press(&mut model, "jl/fluid");
    let enter = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
    model.apply(Duration::ZERO, Input::Key(enter));
    let found = picture(&model, (80, 12));
    check("documentation", &found);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/top.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains(&found), "docs/top.md shows something else than:\n{found}");
}

#[test]
fn colours_change_no_character() {
    let of = |color| picture(&playing(Look { utf8: true, color }, (80, 24)), (80, 24));
    assert_eq!(of(true), of(false));
}

#[test]
fn a_large_screen_has_events_and_roll_below_the_patchbay() {
    check("large", &picture(&playing(PLAIN, (200, 60)), (200, 60)));
    check("tall", &picture(&playing(PLAIN, (80, 50)), (80, 50)));
}

#[test]
fn without_events_pages_say_why_they_are_empty() {
    let mut model = Model::new(PLAIN, (80, 24), Watched::All);
    let mut all = String::new();
    for keys in ["1", "2", "3", "4"] {
        press(&mut model, keys);
        all.push_str(&picture(&model, (80, 24)));
    }
    check("empty", &all);
}

#[test]
fn every_size_of_the_screen_can_be_drawn() {
    for look in [PLAIN, Look { utf8: false, color: true }] {
        let sizes = [0, 1, 2, 3, 7, 8, 13, 39, 40, 59];
        let sizes = sizes.into_iter().flat_map(|n| [(n, 24), (80, n), (n, n), (3 * n, 2 * n)]);
        for (columns, lines) in sizes {
            let mut model = playing(look, (columns, lines));
            for keys in ["", "2", "3", "4", "?", "?1/x"] {
                press(&mut model, keys);
                picture(&model, (columns, lines));
            }
            // The terminal may have another size by now.
            picture(&model, (lines, columns));
        }
    }
    check("small", &picture(&playing(PLAIN, (40, 8)), (40, 8)));
    check("too-small", &picture(&playing(PLAIN, (39, 8)), (39, 8)));
}

#[test]
fn the_cursor_is_where_a_text_is_typed() {
    let mut model = playing(PLAIN, (80, 24));
    press(&mut model, "/ab");
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
    assert_eq!(draw(&model, &mut buffer), Some((3, 23)));
    press(&mut model, &"\u{4e2d}".repeat(60));
    assert_eq!(draw(&model, &mut buffer).map(|(_, line)| line), Some(23));
}
