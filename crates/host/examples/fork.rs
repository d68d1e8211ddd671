//! Uses the sequencer in a parent and in its child at the same time. Each opens a client of its own, and both have one that
//! was opened before the fork. Fails if an answer is not that of the process's own request.

use aseqd_client::{Client, DEVICE, name_field};
use aseqd_host::process::{Fork, exit_now, fork};
use rustix::process::{WaitOptions, waitpid};
use std::error::Error;

/// How many requests each process makes of each client: enough for both to wait for an answer at the same time many
/// times over, in much less than a second.
const REQUESTS: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let shared = Client::open(DEVICE, "of both")?;
    match fork()? {
        Fork::Child => {
            let ended = use_clients("of the child", &shared);
            if let Err(error) = &ended {
                eprintln!("child: {error}");
            }
            exit_now(i32::from(ended.is_err()))
        }
        Fork::Parent(child) => {
            let ended = use_clients("of the parent", &shared);
            let status = waitpid(Some(child), WaitOptions::empty())?.ok_or("the child is gone")?.1;
            ended.map_err(|error| format!("parent: {error}"))?;
            match status.exit_status() {
                Some(0) => Ok(()),
                _ => Err("the child failed".into()),
            }
        }
    }
}

/// Opens a client, and asks for the names of this client and of the shared one in turn.
fn use_clients(name: &str, shared: &Client) -> Result<(), Box<dyn Error>> {
    let own = Client::open(DEVICE, name)?;
    for _ in 0..REQUESTS {
        for (through, asked, name) in
            [(&own, own.id(), name), (shared, own.id(), name), (shared, shared.id(), "of both")]
        {
            let info = through.info(asked)?.ok_or_else(|| format!("client {asked} is gone"))?;
            if info.client != i32::from(asked) || info.name != name_field(name) {
                return Err(format!("client {asked} is said to be {}", info.client).into());
            }
        }
    }
    Ok(())
}
