use super::*;
use crate::complete::{RECEIVER, SENDER};
use crate::top::graph::Connection;
use aseqd_client::event::{EventExt as _, note_on};
use aseqd_client::{Port, PortCaps};
use ratatui::crossterm::event::{
    KeyCode, KeyModifiers, MouseButton, MouseEvent as Mouse, MouseEventKind,
};

const PIANO: Address = Address::new(128, 0);
const ORGAN: Address = Address::new(130, 0);
const SYNTH: Address = Address::new(129, 0);
const THROUGH: Address = Address::new(14, 0);

fn port(address: Address, client: &str, caps: PortCaps) -> Port {
    let mut port = Port::new(address, client, "port");
    port.caps = caps;
    port
}

fn graph(connections: &[(Address, Address)]) -> Graph {
    let ports = vec![
        port(Address::new(0, 1), "System", SENDER),
        port(THROUGH, "Midi Through", SENDER | RECEIVER),
        port(PIANO, "Piano", SENDER),
        port(SYNTH, "Synth", RECEIVER),
        port(ORGAN, "Organ", SENDER),
    ];
    let plain = |(sender, dest): &(Address, Address)| Connection::plain(*sender, *dest);
    Graph { ports, connections: connections.iter().map(plain).collect() }
}

fn model(wanted: Watched, connections: &[(Address, Address)]) -> (Model, Vec<Action>) {
    let look = Look { utf8: true, color: false };
    let mut model = Model::new(look, (80, 24), wanted);
    let actions = model.apply(Duration::ZERO, Input::Graph(graph(connections), BTreeSet::new()));
    (model, actions)
}

fn press(model: &mut Model, code: KeyCode) -> Vec<Action> {
    model.apply(model.now, Input::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn keys(model: &mut Model, text: &str) -> Vec<Action> {
    text.chars().flat_map(|c| press(model, KeyCode::Char(c))).collect()
}

fn mouse(model: &mut Model, kind: MouseEventKind, column: u16, row: u16) -> Vec<Action> {
    let modifiers = KeyModifiers::NONE;
    model.apply(model.now, Input::Mouse(Mouse { kind, column, row, modifiers }))
}

fn connect(sender: Address, dest: Address) -> Action {
    let changes = vec![Change::Connect(Connection::plain(sender, dest))];
    Action::Change { changes, undo: false }
}

fn cut(sender: Address, dest: Address, undo: bool) -> Action {
    Action::Change { changes: vec![Change::Cut(Connection::plain(sender, dest))], undo }
}

#[test]
fn enter_connects_and_cuts_the_chosen_ports() {
    let (mut model, _) = model(Watched::None, &[(PIANO, SYNTH)]);
    keys(&mut model, "jlj");
    assert_eq!((model.senders.port, model.receivers.port), (Some(PIANO), Some(SYNTH)));
    assert_eq!(press(&mut model, KeyCode::Enter), [cut(PIANO, SYNTH, false)]);
    keys(&mut model, "hj");
    assert_eq!(press(&mut model, KeyCode::Enter), [connect(ORGAN, SYNTH)]);
}

#[test]
fn a_cut_is_undone_as_it_was() {
    let stamped = Connection { sender: PIANO, dest: SYNTH, flags: 3, queue: 2 };
    let (mut model, _) = model(Watched::None, &[]);
    let mut graph = graph(&[(ORGAN, SYNTH)]);
    graph.connections.push(stamped);
    model.apply(Duration::ZERO, Input::Graph(graph, BTreeSet::new()));
    keys(&mut model, "lj");
    let plain = Connection::plain(ORGAN, SYNTH);
    let cuts = vec![Change::Cut(plain), Change::Cut(stamped)];
    let asked = keys(&mut model, "X");
    assert_eq!(asked, [Action::Change { changes: cuts.clone(), undo: false }]);
    // One of them is refused, and only the other one is undone.
    let refused = vec!["129:0 is gone".to_owned()];
    let outcome = Outcome { done: vec![cuts[1]], refused, undo: false };
    model.apply(Duration::ZERO, Input::Changed(outcome));
    let told = model.message.clone().unwrap_or_default();
    assert_eq!(told, "cut 128:0 \u{2192} 129:0; u undoes it; 129:0 is gone");
    let back = vec![Change::Connect(stamped)];
    assert_eq!(keys(&mut model, "u"), [Action::Change { changes: back.clone(), undo: true }]);
    let outcome = Outcome { done: back, refused: vec![], undo: true };
    model.apply(Duration::ZERO, Input::Changed(outcome));
    assert_eq!(model.message.as_deref(), Some("connected again: 128:0 \u{2192} 129:0"));
    assert_eq!(keys(&mut model, "u"), []);
    assert_eq!(model.message.as_deref(), Some("nothing was changed here"));
}

#[test]
fn a_connection_is_undone_by_a_cut() {
    let (mut model, _) = model(Watched::None, &[]);
    let done = vec![Change::Connect(Connection::plain(PIANO, SYNTH))];
    model.apply(Duration::ZERO, Input::Changed(Outcome { done, refused: vec![], undo: false }));
    assert_eq!(keys(&mut model, "u"), [cut(PIANO, SYNTH, true)]);
}

#[test]
fn a_port_without_connections_has_nothing_to_cut() {
    let (mut model, _) = model(Watched::None, &[]);
    assert_eq!(keys(&mut model, "X"), []);
    assert_eq!(model.message.as_deref(), Some("14:0 is not connected"));
    model.apply(Duration::ZERO, Input::Graph(Graph::default(), BTreeSet::new()));
    assert_eq!(keys(&mut model, "X"), []);
    assert_eq!(press(&mut model, KeyCode::Enter), []);
    assert_eq!(model.message.as_deref(), Some("there is nothing to connect"));
}

#[test]
fn senders_are_watched_as_the_command_line_says() {
    let on = |port| Action::Watch(port, true);
    assert_eq!(model(Watched::All, &[]).1, [on(THROUGH), on(PIANO), on(ORGAN)]);
    assert_eq!(model(Watched::None, &[]).1, []);
    let named = Watched::These(vec!["piano".parse().unwrap(), "later".parse().unwrap()]);
    let (mut model, actions) = model(named, &[]);
    assert_eq!(actions, [on(PIANO)]);
    let later = Address::new(140, 0);
    let mut graph = graph(&[]);
    graph.ports.push(port(later, "Later", SENDER));
    let watched = BTreeSet::from([PIANO]);
    assert_eq!(model.apply(Duration::ZERO, Input::Graph(graph, watched)), [on(later)]);
}

#[test]
fn watching_is_switched_by_hand_and_a_refusal_is_not_repeated() {
    let (mut model, _) = model(Watched::All, &[]);
    model.apply(Duration::ZERO, Input::Unwatched(PIANO, "no".to_owned()));
    let all = BTreeSet::from([THROUGH, ORGAN]);
    assert_eq!(model.apply(Duration::ZERO, Input::Graph(graph(&[]), all.clone())), []);
    assert_eq!(model.lamp(PIANO), Age::Unknown);
    assert_eq!(keys(&mut model, "w"), [Action::Watch(THROUGH, false)]);
    let watched = BTreeSet::from([ORGAN]);
    assert_eq!(model.apply(Duration::ZERO, Input::Graph(graph(&[]), watched)), []);
    assert_eq!(keys(&mut model, "w"), [Action::Watch(THROUGH, true)]);
    assert_eq!(keys(&mut model, "jw"), [Action::Watch(PIANO, true)], "once more");
    // A port that has gone is another one when it comes back.
    model.apply(Duration::ZERO, Input::Unwatched(PIANO, "no".to_owned()));
    model.apply(Duration::ZERO, Input::Graph(Graph::default(), BTreeSet::new()));
    let actions = model.apply(Duration::ZERO, Input::Graph(graph(&[]), all));
    assert_eq!(actions, [Action::Watch(PIANO, true)]);
}

#[test]
fn a_search_goes_to_ports_of_both_sides_and_around() {
    let (mut model, _) = model(Watched::None, &[]);
    keys(&mut model, "/ORG");
    assert_eq!((model.focus, model.senders.port), (Side::Senders, Some(ORGAN)));
    press(&mut model, KeyCode::Backspace);
    press(&mut model, KeyCode::Enter);
    assert!(!model.search.typing && model.search.text == "OR");
    // All ports are called `port`, which has these letters, too.
    for wanted in [THROUGH, PIANO, ORGAN] {
        keys(&mut model, "n");
        assert_eq!(model.senders.port, Some(wanted));
    }
    keys(&mut model, "N");
    assert_eq!(model.senders.port, Some(PIANO));
    keys(&mut model, "/synth");
    assert_eq!((model.focus, model.receivers.port), (Side::Receivers, Some(SYNTH)));
    keys(&mut model, "x\u{1b}");
    assert_eq!(model.message.as_deref(), Some("no port matches synthx"));
    press(&mut model, KeyCode::Esc);
    assert!(model.search.text.is_empty() && !model.search.typing);
    keys(&mut model, "/q");
    assert_eq!(press(&mut model, KeyCode::Down), [], "a key that moves ends the typing");
    assert!(!model.search.typing);
}

#[test]
fn the_mouse_chooses_and_a_drag_connects() {
    let (mut model, _) = model(Watched::None, &[(PIANO, THROUGH)]);
    let down = MouseEventKind::Down(MouseButton::Left);
    let up = MouseEventKind::Up(MouseButton::Left);
    // Lists begin at line 2: senders 14:0, 128:0, 130:0, and receivers 14:0, 129:0.
    assert_eq!(mouse(&mut model, down, 3, 4), []);
    assert_eq!((model.focus, model.senders.port), (Side::Senders, Some(ORGAN)));
    assert_eq!(mouse(&mut model, up, 70, 3), [connect(ORGAN, SYNTH)]);
    assert_eq!(mouse(&mut model, up, 70, 3), [], "no button was pressed");
    // From a receiver to a sender is the same.
    mouse(&mut model, down, 70, 2);
    assert_eq!(mouse(&mut model, up, 3, 3), [cut(PIANO, THROUGH, false)]);
    mouse(&mut model, down, 3, 2);
    assert_eq!(mouse(&mut model, up, 3, 3), [], "the same side");
    mouse(&mut model, down, 3, 20);
    assert_eq!(mouse(&mut model, up, 70, 3), [], "below the list");
    mouse(&mut model, MouseEventKind::ScrollDown, 3, 10);
    assert_eq!(model.senders.port, Some(ORGAN));
    mouse(&mut model, down, 15, 0);
    assert_eq!(model.tab, Tab::Events);
    keys(&mut model, "?");
    mouse(&mut model, down, 3, 3);
    assert!(model.help.is_none());
}

#[test]
fn the_picture_moves_only_while_something_does() {
    let (mut model, _) = model(Watched::None, &[]);
    let at = Duration::from_millis;
    assert_eq!(model.next_change(), None);
    let event = note_on(0, 60, 1).sent_from(PIANO);
    model.apply(at(50), Input::Event(event, vec![], None));
    assert_eq!(model.next_change(), Some(at(100)));
    model.apply(at(1000), Input::Tick);
    assert_eq!(model.next_change(), None, "the rate is zero again");
    keys(&mut model, "3");
    assert_eq!(model.next_change(), Some(at(1100)), "the roll moves two seconds");
    keys(&mut model, "?");
    assert_eq!(model.next_change(), None, "the help covers it");
    keys(&mut model, "?p");
    assert_eq!(model.next_change(), None, "it stands still");
    keys(&mut model, "p");
    model.apply(at(2050), Input::Tick);
    assert_eq!(model.next_change(), None, "though the note sounds");
}

#[test]
fn events_stay_in_place_while_one_looks_back() {
    let (mut model, _) = model(Watched::None, &[]);
    let event = |model: &mut Model, from| {
        let event = note_on(0, 60, 1).sent_from(from);
        model.apply(Duration::ZERO, Input::Event(event, vec![], Some(5)));
    };
    for _ in 0..50 {
        event(&mut model, PIANO);
    }
    keys(&mut model, "2kk");
    assert_eq!(model.back, 2);
    event(&mut model, PIANO);
    assert_eq!(model.back, 3);
    press(&mut model, KeyCode::Home);
    assert_eq!(model.back, 50);
    press(&mut model, KeyCode::End);
    assert_eq!(model.back, 0);
    event(&mut model, ORGAN);
    keys(&mut model, "o");
    assert_eq!(model.log.newest(model.only()).count(), 0, "only those of 14:0");
    keys(&mut model, "o1j2o");
    assert_eq!(model.log.newest(model.only()).count(), 51, "only those of 128:0");
    keys(&mut model, "p");
    event(&mut model, PIANO);
    assert_eq!((model.log.entries.len(), model.log.total), (52, 53), "paused");
    assert_eq!(model.activity.total(PIANO), 52, "but counted");
    keys(&mut model, "c");
    assert_eq!((model.log.entries.len(), model.lates.all.count), (0, 0));
}

#[test]
fn keys_of_the_whole_command() {
    let (mut model, _) = model(Watched::None, &[]);
    let control = |model: &mut Model, c| {
        let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        model.apply(Duration::ZERO, Input::Key(key))
    };
    assert_eq!(control(&mut model, 'c'), [Action::Quit]);
    assert_eq!(control(&mut model, 'z'), [Action::Suspend]);
    assert_eq!(control(&mut model, 'l'), [Action::Redraw]);
    keys(&mut model, "?");
    press(&mut model, KeyCode::End);
    assert!(model.help.is_some_and(|line| line > 0), "it scrolls");
    keys(&mut model, "2");
    assert!(model.help.is_none() && model.tab == Tab::Events, "each other key does what it says");
    keys(&mut model, "/q");
    assert_eq!(control(&mut model, 'c'), [Action::Quit], "while a text is typed, too");
    assert_eq!(model.list(Side::Senders).len(), 3);
    keys(&mut model, "s");
    assert_eq!(model.list(Side::Senders).len(), 4, "with the System client");
}
