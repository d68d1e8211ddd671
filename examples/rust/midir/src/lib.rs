//! Sends each note on, an octave higher.

use midir::os::unix::{VirtualInput as _, VirtualOutput as _};
use midir::{MidiInput, MidiInputConnection, MidiOutput};
use std::error::Error;

/// Plays what arrives at the port `octave in` an octave higher at the port `octave out`, until it is dropped.
pub struct Octave {
    _input: MidiInputConnection<()>,
}

impl Octave {
    /// Creates both ports.
    pub fn start() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let output = MidiOutput::new("octave")?.create_virtual("octave out");
        let mut output = output.map_err(|error| error.to_string())?;
        let send = move |_time: u64, message: &[u8], _: &mut ()| {
            let _full = output.send(&higher(message));
        };
        let input = MidiInput::new("octave")?.create_virtual("octave in", send, ());
        Ok(Self { _input: input.map_err(|error| error.to_string())? })
    }
}

/// Returns a message with its note an octave higher, if it has one.
fn higher(message: &[u8]) -> Vec<u8> {
    match *message {
        [status @ 0x80..=0x9f, note, velocity] if note < 116 => vec![status, note + 12, velocity],
        _ => message.to_vec(),
    }
}
