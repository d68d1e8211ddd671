use midir::{MidiInput, MidiOutput};
use octave::Octave;
use std::sync::mpsc;
use std::time::Duration;

#[aseqd_testing::test]
fn notes_come_back_an_octave_higher() {
    let _octave = Octave::start().unwrap();

    let (input, output) = (MidiInput::new("test").unwrap(), MidiOutput::new("test").unwrap());
    let from = input
        .ports()
        .into_iter()
        .find(|port| input.port_name(port).is_ok_and(|name| name.contains("octave out")));
    let (sender, received) = mpsc::channel();
    let heard =
        move |_time: u64, message: &[u8], _: &mut ()| sender.send(message.to_vec()).unwrap();
    let _input = input.connect(&from.expect("its output"), "in", heard, ()).unwrap();

    let to = output
        .ports()
        .into_iter()
        .find(|port| output.port_name(port).is_ok_and(|name| name.contains("octave in")));
    let mut output = output.connect(&to.expect("its input"), "out").unwrap();
    for (sent, wanted) in [([0x90, 60, 100], [0x90, 72, 100]), ([0x80, 60, 0], [0x80, 72, 0])] {
        output.send(&sent).unwrap();
        assert_eq!(received.recv_timeout(Duration::from_secs(10)).unwrap(), wanted);
    }
}

#[aseqd_testing::test]
fn no_port_is_left_of_another_test() {
    let input = MidiInput::new("test").unwrap();
    let names: Vec<_> = input.ports().iter().map(|port| input.port_name(port).unwrap()).collect();
    assert_eq!(names, ["Midi Through:Midi Through Port-0 14:0"]);
}
