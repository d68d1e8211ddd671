//! Java's Sound: it looks for raw MIDI devices of cards, and never at the sequencer.

use crate::common::*;
use std::process::Command;

const PROGRAM: &str = r#"
import javax.sound.midi.*;
import javax.sound.sampled.*;
public class Devices {
    public static void main(String[] arguments) {
        for (MidiDevice.Info info : MidiSystem.getMidiDeviceInfo())
            System.out.println("midi: " + info.getName());
        for (Mixer.Info info : AudioSystem.getMixerInfo())
            System.out.println("mixer: " + info.getName());
    }
}
"#;

#[test]
fn java_lists_its_devices_with_a_card_and_without() {
    if !have(&["java", "javac"]) || !can_serve() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("Devices.java");
    std::fs::write(&source, PROGRAM).expect("a program");
    let mut compiler = Command::new("javac");
    compiler.arg("-d").arg(folder.path()).arg(&source);
    output(compiler);
    for options in [&[][..], &["--card"]] {
        let mut command = Command::new(ASEQD);
        command.arg("run").args(options).args(["--", "java", "-cp"]).arg(folder.path());
        command.arg("Devices");
        let text = output(command);
        // Its own synthesizer and sequencer: those of a card would take raw MIDI devices.
        let midi: Vec<_> = text.lines().filter(|line| line.starts_with("midi: ")).collect();
        assert_eq!(midi, ["midi: Gervill", "midi: Real Time Sequencer"], "{options:?}: {text}");
        let card = text.contains("mixer: Port aseqd [hw:0]");
        assert_eq!(card, !options.is_empty(), "{options:?}: {text}");
    }
}
