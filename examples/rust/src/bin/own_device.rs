//! A character device of one's own: what is written to `FOLDER/shout` is read back in capitals.
use chardev::{Buffer, Config, Device, MountOptions, Node, Operation, ReceiveError};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: own_device FOLDER")?;
    let fuse = chardev::mount_with_fusermount(folder.as_ref(), &MountOptions::new("shout"))?;
    let nodes = vec![Node { name: "shout".into(), mode: 0o666, uid: 0, gid: 0 }];
    let mut device = Device::new(fuse, Config { nodes, ..Config::default() })?;
    let (mut buffer, mut text) = (Buffer::new(), Vec::new());
    loop {
        device.wait()?;
        let request = match device.receive(&mut buffer) {
            Err(ReceiveError::Disconnected) => return Ok(()), // unmounted
            request => request?,
        };
        let Some(request) = request else { continue };
        let token = request.token;
        match request.operation {
            Operation::Open { .. } => _ = device.reply_open(token, 0),
            Operation::Write { data, .. } => {
                text = data.to_ascii_uppercase();
                device.reply_written(token, u32::try_from(data.len())?);
            }
            Operation::Read { .. } => _ = device.reply_data(token, &std::mem::take(&mut text)),
            Operation::Release | Operation::Interrupt { .. } => {}
            _ => _ = device.reply_error(token, 25 /* ENOTTY */),
        }
    }
}
