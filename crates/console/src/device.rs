//! The option `--device`.

use clap::Args;
use std::path::PathBuf;

/// Which sequencer a command talks to.
#[derive(Clone, Debug, Args)]
pub struct DeviceArg {
    /// The device file of the sequencer
    #[arg(long, value_name = "PATH", default_value = aseqd_client::DEVICE, env = "ASEQD_DEVICE")]
    pub device: PathBuf,
}
