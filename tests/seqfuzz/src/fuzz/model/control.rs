//! The control device in the model: a card that has nothing.

use super::record::{get, get_i, put, put_i};
use super::world::Done;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::{self, controls as c, controls32 as narrow};

/// Protocol version 2.0.9.
const VERSION: u32 = 0x02_00_09;
/// Size of an event, in bytes.
const EVENT: usize = 72;
/// Maximum number of values of an element of each type, beginning with type 1.
const VALUES: [u32; 6] = [128, 128, 128, 512, 1, 64];

/// Makes a request. The struct changes only if it succeeds.
pub(super) fn request(subscribed: &mut bool, code: u32, compat: bool, arg: &mut Vec<u8>) -> Done {
    let mut copy = arg.clone();
    if ioctl::direction(code) & ioctl::WRITE == 0 {
        copy.fill(0);
    }
    answer(subscribed, code, compat, &mut copy)?;
    *arg = copy;
    Ok(())
}

fn answer(subscribed: &mut bool, code: u32, compat: bool, arg: &mut [u8]) -> Done {
    let exists = match code {
        c::ELEM_LIST | c::ELEM_READ | c::ELEM_WRITE => !compat,
        narrow::ELEM_LIST | narrow::ELEM_READ | narrow::ELEM_WRITE => compat,
        _ => c::ALL.iter().any(|(_, known)| *known == code),
    };
    if !exists {
        return Err(Errno::ENOTTY);
    }
    if arg.len() < ioctl::size(code) {
        return Err(Errno::EFAULT);
    }
    match code {
        c::PVERSION => put(arg, 0, VERSION),
        c::CARD_INFO => {
            for at in [8, 24, 40] {
                arg[at..at + 5].copy_from_slice(b"aseqd");
            }
            let long = b"Sequencer in user space (aseqd)";
            arg[72..72 + long.len()].copy_from_slice(long);
        }
        c::ELEM_LIST | narrow::ELEM_LIST => arg[8..16].fill(0),
        c::SUBSCRIBE_EVENTS => match get_i(arg, 0) {
            i32::MIN..=-1 => put(arg, 0, (*subscribed).into()),
            wanted => *subscribed = wanted != 0,
        },
        c::ELEM_ADD | c::ELEM_REPLACE if arg[16] == 0 => return Err(Errno::EINVAL),
        c::ELEM_ADD => {
            let most = usize::try_from(get_i(arg, 64) - 1).ok().and_then(|at| VALUES.get(at));
            let fits = most.is_some_and(|most| (1..=*most).contains(&get(arg, 72)));
            return Err(if fits { Errno::ENOMEM } else { Errno::EINVAL });
        }
        c::TLV_READ | c::TLV_WRITE | c::TLV_COMMAND if get(arg, 0) == 0 || get(arg, 4) < 8 => {
            return Err(Errno::EINVAL);
        }
        c::HWDEP_NEXT_DEVICE | c::PCM_NEXT_DEVICE | c::RAWMIDI_NEXT_DEVICE => put_i(arg, 0, -1),
        c::PCM_INFO if get(arg, 8) > 1 => return Err(Errno::EINVAL),
        c::HWDEP_INFO | c::PCM_INFO | c::RAWMIDI_INFO => return Err(Errno::ENXIO),
        c::PCM_PREFER_SUBDEVICE | c::RAWMIDI_PREFER_SUBDEVICE => {}
        c::POWER => return Err(Errno::ENOPROTOOPT),
        c::POWER_STATE => put(arg, 0, 0),
        // What is left names an element, and there is none.
        _ => return Err(Errno::ENOENT),
    }
    Ok(())
}

/// Returns why nothing can be read.
pub(super) fn read(subscribed: bool, len: usize, blocks: bool) -> Errno {
    match (subscribed, len >= EVENT, blocks) {
        (false, ..) => Errno::EBADFD,
        (true, false, _) => Errno::EINVAL,
        (true, true, true) => Errno::EINTR,
        (true, true, false) => Errno::EAGAIN,
    }
}
