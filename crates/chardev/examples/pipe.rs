//! A device like a pipe: what is written to `FOLDER/pipe` can be read from it, by any number of programs.
//! Reads block until there is something, a signal ends them, and `poll` says what is ready.
//!
//! ```console
//! $ mkdir /tmp/folder
//! $ cargo run --example pipe -- /tmp/folder &
//! $ cat /tmp/folder/pipe &
//! $ echo hello >/tmp/folder/pipe
//! hello
//! $ fusermount3 -u /tmp/folder
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::error::Error;
use std::path::Path;

use chardev::{
    Buffer, Config, Device, MountOptions, Node, Operation, PollHandle, ReceiveError, Token,
};

const EINTR: i32 = 4;
const EAGAIN: i32 = 11;
const ENOTTY: i32 = 25;
const POLLIN: u32 = 0x1;
const POLLOUT: u32 = 0x4;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: pipe FOLDER")?;
    let options = MountOptions::new("pipe");
    let fuse = chardev::mount_with_fusermount(Path::new(&folder), &options)?;
    let nodes = vec![Node { name: "pipe".into(), mode: 0o600, uid: options.uid, gid: options.gid }];
    let mut device = Device::new(fuse, Config { nodes, ..Config::default() })?;
    let mut buffer = Buffer::new();
    let mut pipe = Pipe::default();
    loop {
        device.wait()?;
        match pipe.serve(&mut device, &mut buffer) {
            // The device was unmounted.
            Err(ReceiveError::Disconnected) => return Ok(()),
            result => result?,
        }
    }
}

#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    /// Reads that wait for bytes, the oldest first: tokens are numbers that only grow.
    reads: BTreeMap<Token, usize>,
    /// Open files whose programs sleep in `poll`.
    polls: BTreeSet<PollHandle>,
}

impl Pipe {
    fn serve(&mut self, device: &mut Device, buffer: &mut Buffer) -> Result<(), ReceiveError> {
        while let Some(request) = device.receive(buffer)? {
            let token = request.token;
            match request.operation {
                Operation::Open { .. } => _ = device.reply_open(token, 0),
                Operation::Write { data, .. } => {
                    self.bytes.extend(data);
                    device.reply_written(token, u32::try_from(data.len()).unwrap_or(u32::MAX));
                    for waiting in std::mem::take(&mut self.polls) {
                        device.notify_poll(waiting);
                    }
                }
                Operation::Read { nonblock: true, .. } if self.bytes.is_empty() => {
                    device.reply_error(token, EAGAIN);
                }
                Operation::Read { size, .. } => _ = self.reads.insert(token, size as usize),
                Operation::Interrupt { target } => {
                    if self.reads.remove(&target).is_some() {
                        device.reply_error(target, EINTR);
                    }
                }
                Operation::Poll { notify, .. } => {
                    self.polls.extend(notify);
                    let readable = if self.bytes.is_empty() { 0 } else { POLLIN };
                    device.reply_poll(token, POLLOUT | readable);
                }
                Operation::Release => {}
                _ => _ = device.reply_error(token, ENOTTY),
            }
            self.answer_reads(device);
        }
        Ok(())
    }

    fn answer_reads(&mut self, device: &mut Device) {
        while !self.bytes.is_empty()
            && let Some((token, size)) = self.reads.pop_first()
        {
            let taken: Vec<u8> = self.bytes.drain(..size.min(self.bytes.len())).collect();
            device.reply_data(token, &taken);
        }
    }
}
