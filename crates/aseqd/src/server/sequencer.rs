//! In what a server's sequencer differs from Linux's if it is asked to.

use aseqd_engine::seq::client::{DYNAMIC_CLIENTS, MOST_CLIENTS};
use clap::Args;

/// Options of all servers.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Sequencer")]
pub struct SequencerArgs {
    /// Most clients at a time, 1 to 190. Linux takes 64, with the numbers from 128 to 191; those beyond
    /// get the numbers below 128, from 127 down. Where none is free an open fails with ENOMEM, and
    /// --trace says who has them
    #[arg(
        long,
        value_name = "N",
        default_value_t = DYNAMIC_CLIENTS,
        value_parser = clap::value_parser!(u8).range(1..=i64::from(MOST_CLIENTS)),
    )]
    pub clients: u8,
    /// When a client ends or is killed, end the notes and lift the pedals that it leaves behind at
    /// others. Linux leaves them
    #[arg(long)]
    pub notes_off: bool,
    /// Offer a sound card without anything in it, /dev/snd/controlC0, if the machine has no card:
    /// some programs look for one before they look at the sequencer
    #[arg(long)]
    pub card: bool,
}

impl Default for SequencerArgs {
    fn default() -> Self {
        Self { clients: DYNAMIC_CLIENTS, notes_off: false, card: false }
    }
}
