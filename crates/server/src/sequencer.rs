//! The options in which a server's sequencer differs from Linux's.

use aseqd_engine::limits::DYNAMIC_CLIENTS;

/// How the sequencer differs from Linux's. By default it does not.
#[derive(Clone, Copy, Debug)]
pub struct SequencerOptions {
    /// Maximum number of clients at a time, 1 to 190; Linux has room for 64. Further opens fail with `ENOMEM`.
    pub clients: u8,
    /// Whether the notes and pedals that a client leaves behind at others end with it.
    pub notes_off: bool,
    /// Whether programs find a sound card, with nothing in it.
    pub card: bool,
    /// Whether programs can use UMP (MIDI 2.0), as on kernels that are built with it.
    pub ump: bool,
}

impl Default for SequencerOptions {
    fn default() -> Self {
        Self { clients: DYNAMIC_CLIENTS, notes_off: false, card: false, ump: false }
    }
}
