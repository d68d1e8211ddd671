//! Random numbers that are the same in every run: `getrandom`, and the 16 bytes that a new program gets (`AT_RANDOM`).
//!
//! They are not secret: who knows the seed knows them.

use crate::arch::Call;
use crate::memory;
use crate::rows::{Row, When};
use crate::state::{Cx, Entered, errno};

pub(crate) const ROWS: &[Row] =
    &[Row { number: libc::SYS_getrandom, when: When::Always, entered: getrandom }];

/// The flags that the kernel knows: `GRND_NONBLOCK`, `GRND_RANDOM` and `GRND_INSECURE`.
const FLAGS: i32 = 7;

/// How many bytes the kernel gives at most.
const MOST: u64 = 0x01ff_ffff;

/// How many bytes are written to the program at a time.
const PIECE: usize = 64 * 1024;

fn getrandom(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let [address, length, ..] = call.args;
    if call.int(2) & !FLAGS != 0 {
        return Entered::Pass;
    }
    let Some(mut sequence) = cx.state.random(cx.thread) else { return Entered::Pass };
    let length = usize::try_from(length.min(MOST)).unwrap_or_default();
    let mut room = vec![0; length.min(PIECE)];
    let mut done = 0;
    while done < length {
        let piece = &mut room[..(length - done).min(PIECE)];
        sequence.fill(piece);
        if memory::write(cx.thread, address + done as u64, piece).is_err() {
            break;
        }
        done += piece.len();
    }
    let fault = done == 0 && length > 0;
    Entered::Answer(if fault {
        errno(libc::EFAULT)
    } else {
        i64::try_from(done).unwrap_or_default()
    })
}
