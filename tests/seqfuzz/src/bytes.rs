//! Bytes as calls of the engine: what a fuzzer that knows no calls needs, to compare with (`tests/seqfuzz/libfuzzer`).
//!
//! A byte says which call, the next one on which file; the rest of a call is taken from the bytes that follow as they
//! are. It knows the codes of requests and the sizes of their structs, but not what their fields mean.

use crate::device::{Access, Device, EngineDevice};
use aseqd_abi::ioctl;
use aseqd_describe::{Caller, REQUESTS};
use std::time::Duration;

/// Maximum number of calls of one input: about as many as the programs of seqfuzz have.
const MAX_CALLS: usize = 90;

/// Takes the next `len` bytes; zeros for those that are not there.
fn take(data: &mut &[u8], len: usize) -> Vec<u8> {
    let (taken, rest) = data.split_at(len.min(data.len()));
    *data = rest;
    let mut bytes = taken.to_vec();
    bytes.resize(len, 0);
    bytes
}

/// Makes the calls of an input on a fresh engine, and closes all files.
pub fn run(mut data: &[u8]) {
    let ump = data.first().is_some_and(|byte| byte & 1 != 0);
    let mut device = EngineDevice::with_ump(ump);
    let mut files: Vec<usize> = Vec::new();
    take(&mut data, 1);
    for _ in 0..MAX_CALLS {
        if data.is_empty() {
            break;
        }
        let head = take(&mut data, 2);
        let access = [Access::ReadWrite, Access::Read, Access::Write][usize::from(head[1] % 3)];
        let index = usize::from(head[1]) % files.len().max(1);
        let file = files.get(index).copied().unwrap_or(usize::MAX);
        match head[0] % 12 {
            0 => files.extend(device.open(access)),
            1 => files.extend(device.open_timer(access)),
            2..6 => {
                let request = &REQUESTS[usize::from(take(&mut data, 1)[0]) % REQUESTS.len()];
                let mut argument = take(&mut data, ioctl::size(request.code));
                if request.code == ioctl::timers::CREATE {
                    files.extend(device.create_timer(file, &mut argument));
                } else if request.callers == Caller::Narrow {
                    let _answer = device.ioctl_compat(file, request.code, &mut argument);
                } else {
                    let _answer = device.ioctl(file, request.code, &mut argument);
                }
            }
            6..9 => {
                let len = usize::from(take(&mut data, 1)[0]);
                let _answer = device.write(file, &take(&mut data, len));
            }
            9 => {
                let _answer =
                    device.read(file, &mut vec![0; usize::from(take(&mut data, 1)[0]) * 8]);
            }
            10 => {
                device.poll(file);
                let time = take(&mut data, 1)[0] % 100;
                device.wait(Duration::from_millis(time.into()));
            }
            _ if index < files.len() => device.close(files.remove(index)),
            _ => {}
        }
    }
    files.into_iter().for_each(|file| device.close(file));
}
