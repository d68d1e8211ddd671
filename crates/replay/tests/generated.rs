//! A recording of aseqd 0.1.0, made into a test by `aseqd replay --to-test`.
// The package of this test needs `aseqd-engine` among its dev-dependencies.

use aseqd_engine::{Access, Call, Config, Engine, FileId, Identity, Input, Node, Reply, Time};

/// What an input is answered with. A failed call has the number of its error.
#[allow(dead_code)]
#[derive(Debug, PartialEq)]
enum Answer {
    Done(usize),
    Wait(usize),
    More(usize),
    Failed(u16),
}
#[allow(unused_imports)]
use Answer::{Done, Failed, More, Wait};

/// Returns bytes with zeros behind them.
#[allow(dead_code)]
const fn padded<const SIZE: usize>(head: &[u8]) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    let mut at = 0;
    while at < head.len() {
        bytes[at] = head[at];
        at += 1;
    }
    bytes
}

/// Time in nanoseconds, how many outputs are taken before, input, answer, bytes that go back.
type Step = (u64, u32, Input<'static>, Answer, &'static [u8]);

#[rustfmt::skip]
const STEPS: &[Step] = &[
    // 1: open /dev/snd/seq for reading and writing
    (1000195628, 0, Input::Open { node: Node::Sequencer, access: Access::ReadWrite, identity: Identity::User { pid: 1000 } }, Done(0), &[]),
    // 2: file 0: CREATE_PORT client=128 capability=READ|WRITE|SUBS_READ|SUBS_WRITE
    (1000195628, 0, Input::Call { file: FileId(0), call: Call::Ioctl { request: 0xc0a85320, compat: false, arg: &padded::<168>(&[128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99]) } }, Done(0), &padded::<168>(&[128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99])),
    // 3: open /dev/snd/seq for reading and writing
    (1002563032, 0, Input::Open { node: Node::Sequencer, access: Access::ReadWrite, identity: Identity::User { pid: 1000 } }, Done(1), &[]),
    // 4: file 1: CREATE_PORT client=129 capability=READ|WRITE|SUBS_READ|SUBS_WRITE
    (1002563032, 0, Input::Call { file: FileId(1), call: Call::Ioctl { request: 0xc0a85320, compat: false, arg: &padded::<168>(&[129, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99]) } }, Done(0), &padded::<168>(&[129, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99])),
    // 5: open /dev/snd/seq for reading and writing
    (1004330612, 0, Input::Open { node: Node::Sequencer, access: Access::ReadWrite, identity: Identity::User { pid: 1000 } }, Done(2), &[]),
    // 6: file 2: CREATE_PORT client=130 capability=READ|WRITE|SUBS_READ|SUBS_WRITE
    (1004330612, 0, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0xc0a85320, compat: false, arg: &padded::<168>(&[130, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99]) } }, Done(0), &padded::<168>(&[130, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99])),
    // 7: file 0: read at most 1792 bytes without waiting
    (1004935841, 0, Input::Call { file: FileId(0), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 8: file 0: SET_QUEUE_CLIENT queue=3 used=1
    (1005791572, 0, Input::Call { file: FileId(0), call: Call::Ioctl { request: 0x404c534a, compat: false, arg: &padded::<76>(&[3, 0, 0, 0, 0, 0, 0, 0, 1]) } }, Failed(22), &[]),
    // 9: time passes
    (1006209712, 0, Input::Timeout, Done(0), &[]),
    // 10: file 0: SET_QUEUE_TEMPO tempo=400000 ppq=96
    (1008060485, 0, Input::Call { file: FileId(0), call: Call::Ioctl { request: 0x402c5342, compat: false, arg: &padded::<44>(&[0, 0, 0, 0, 128, 26, 6, 0, 96]) } }, Failed(1), &[]),
    // 11: file 0: read at most 1792 bytes without waiting
    (1008815418, 0, Input::Call { file: FileId(0), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 12: file 1: read at most 1792 bytes without waiting
    (1009240596, 0, Input::Call { file: FileId(1), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 13: file 2: read at most 1792 bytes without waiting
    (1010186030, 0, Input::Call { file: FileId(2), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 14: file 2: write without waiting [NOTEON tick=1 dest=254 dest_port=253 note=39 velocity=100] [NOTEON queue=2 tick=16 dest=129 note=98 velocity=100] [START queue=1 tick=90 control=1] [NOTEON tick=235 dest=14 note=79 velocity=100]
    (1011096969, 0, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 39, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 98, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 1, 90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 235, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 79, 100]), nonblock: true } }, Failed(22), &[]),
    // 15: file 1: read at most 1792 bytes without waiting
    (1012105369, 0, Input::Call { file: FileId(1), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 16: file 0: write without waiting [NOTEON queue=253 dest=254 dest_port=253 note=43 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=25 velocity=100] [NOTEON queue=2 tick=2 dest=254 dest_port=253 note=98 velocity=100] [NOTEON queue=1 tick=434 dest=254 dest_port=253 note=116 velocity=100]
    (1013829712, 0, Input::Call { file: FileId(0), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 43, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 25, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 98, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 178, 1, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 116, 100]), nonblock: true } }, Done(56), &[]),
    // 17: file 0: write without waiting [START queue=253] [NOTEON queue=1 tick=403 dest=129 note=25 velocity=100]
    (1016012326, 0, Input::Call { file: FileId(0), call: Call::Write { data: &padded::<56>(&[30, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 147, 1, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 25, 100]), nonblock: true } }, Failed(22), &[]),
    // 18: file 1: GET_QUEUE_STATUS queue=3
    (1018244452, 0, Input::Call { file: FileId(1), call: Call::Ioctl { request: 0xc05c5340, compat: false, arg: &padded::<92>(&[3]) } }, Failed(22), &[]),
    // 19: file 2: SUBSCRIBE_PORT sender=130 dest=129
    (1020013689, 0, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[130, 0, 129]) } }, Done(0), &[]),
    // 20: file 0: read at most 1792 bytes without waiting
    (1022409063, 1, Input::Call { file: FileId(0), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 21: file 2: write without waiting [NOTEON queue=2 tick=220 dest=254 dest_port=253 note=77 velocity=100] [START queue=2 tick=57]
    (1023260711, 0, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<56>(&[6, 0, 0, 2, 220, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 77, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 2, 57]), nonblock: true } }, Failed(22), &[]),
    // 22: file 0: SET_QUEUE_CLIENT queue=3 used=1
    (1026067143, 0, Input::Call { file: FileId(0), call: Call::Ioctl { request: 0x404c534a, compat: false, arg: &padded::<76>(&[3, 0, 0, 0, 0, 0, 0, 0, 1]) } }, Failed(22), &[]),
    // 23: file 2: SUBSCRIBE_PORT sender=130 dest=130
    (1028856890, 0, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[130, 0, 130]) } }, Done(0), &[]),
    // 24: file 0: read at most 1792 bytes without waiting
    (1031454041, 0, Input::Call { file: FileId(0), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 25: file 1: SUBSCRIBE_PORT sender=129 dest=128
    (1032375019, 0, Input::Call { file: FileId(1), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[129, 0, 128]) } }, Done(0), &[]),
    // 26: file 2: write without waiting [NOTEON tick=332 dest=14 note=77 velocity=100] [START tick=382 control=1]
    (1032662617, 1, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<56>(&[6, 0, 0, 0, 76, 1, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 77, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 126, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), nonblock: true } }, Failed(22), &[]),
    // 27: file 1: CREATE_QUEUE
    (1035462490, 0, Input::Call { file: FileId(1), call: Call::Ioctl { request: 0xc08c5332, compat: false, arg: &padded::<140>(&[]) } }, Done(0), &padded::<140>(&[0, 0, 0, 0, 129, 0, 0, 0, 0, 81, 117, 101, 117, 101, 45, 48])),
    // 28: file 1: read at most 1792 bytes without waiting
    (1037818106, 0, Input::Call { file: FileId(1), call: Call::Read { len: 1792, nonblock: true } }, Done(28), &padded::<28>(&[66, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 129, 0, 130, 0, 129])),
    // 29: open /dev/snd/seq for reading and writing
    (1037887358, 0, Input::Open { node: Node::Sequencer, access: Access::ReadWrite, identity: Identity::User { pid: 1000 } }, Done(3), &[]),
    // 30: file 3: CREATE_PORT client=131 capability=READ|WRITE|SUBS_READ|SUBS_WRITE
    (1037887358, 0, Input::Call { file: FileId(3), call: Call::Ioctl { request: 0xc0a85320, compat: false, arg: &padded::<168>(&[131, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99]) } }, Done(0), &padded::<168>(&[131, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99])),
    // 31: file 2: read at most 1792 bytes without waiting
    (1039520454, 0, Input::Call { file: FileId(2), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 32: file 2: read at most 1792 bytes without waiting
    (1040210438, 0, Input::Call { file: FileId(2), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 33: file 0: SET_QUEUE_TEMPO queue=2 tempo=400000 ppq=96
    (1040218585, 0, Input::Call { file: FileId(0), call: Call::Ioctl { request: 0x402c5342, compat: false, arg: &padded::<44>(&[2, 0, 0, 0, 128, 26, 6, 0, 96]) } }, Failed(1), &[]),
    // 34: file 1: write without waiting [NOTEON queue=1 tick=230 dest=14 note=81 velocity=100] [START queue=2 tick=221]
    (1041769062, 0, Input::Call { file: FileId(1), call: Call::Write { data: &padded::<56>(&[6, 0, 0, 1, 230, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 81, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 2, 221]), nonblock: true } }, Failed(22), &[]),
    // 35: file 0: read at most 1792 bytes without waiting
    (1043569758, 0, Input::Call { file: FileId(0), call: Call::Read { len: 1792, nonblock: true } }, Done(28), &padded::<28>(&[66, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 128, 0, 129, 0, 128])),
    // 36: file 2: CREATE_QUEUE
    (1046160214, 0, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0xc08c5332, compat: false, arg: &padded::<140>(&[]) } }, Done(0), &padded::<140>(&[1, 0, 0, 0, 130, 0, 0, 0, 0, 81, 117, 101, 117, 101, 45, 49])),
    // 37: file 1: SUBSCRIBE_PORT sender=129 dest=130
    (1046471434, 0, Input::Call { file: FileId(1), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[129, 0, 130]) } }, Done(0), &[]),
    // 38: file 2: SUBSCRIBE_PORT sender=130 dest=128
    (1047176307, 1, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[130, 0, 128]) } }, Done(0), &[]),
    // 39: file 2: write without waiting [NOTEON queue=2 tick=467 dest=254 dest_port=253 note=93 velocity=100] [NOTEON queue=253 dest=130 note=64 velocity=100] [NOTEON queue=2 tick=392 dest=254 dest_port=253 note=93 velocity=100]
    (1048316408, 1, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 2, 211, 1, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 93, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 0, 64, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 136, 1, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 93, 100]), nonblock: true } }, Failed(22), &[]),
    // 40: file 3: write without waiting [NOTEON queue=253 dest=128 note=122 velocity=100] [NOTEON queue=253 dest=128 note=22 velocity=100] [NOTEON queue=253 dest=128 note=40 velocity=100] [NOTEON queue=253 dest=14 note=62 velocity=100]
    (1049627900, 0, Input::Call { file: FileId(3), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 122, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 22, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 40, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 62, 100]), nonblock: true } }, Done(112), &[]),
    // 41: file 0: SET_QUEUE_CLIENT used=1
    (1051898915, 1, Input::Call { file: FileId(0), call: Call::Ioctl { request: 0x404c534a, compat: false, arg: &padded::<76>(&[0, 0, 0, 0, 0, 0, 0, 0, 1]) } }, Done(0), &padded::<76>(&[0, 0, 0, 0, 128, 0, 0, 0, 1])),
    // 42: file 3: read at most 1792 bytes without waiting
    (1052928420, 0, Input::Call { file: FileId(3), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 43: file 1: read at most 1792 bytes without waiting
    (1054300003, 0, Input::Call { file: FileId(1), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 44: file 2: write without waiting [NOTEON queue=1 tick=473 dest=14 note=51 velocity=100] [NOTEON tick=387 dest=254 dest_port=253 note=120 velocity=100] [NOTEON queue=253 dest=128 note=53 velocity=100]
    (1054924490, 0, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 1, 217, 1, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 51, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 131, 1, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 120, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 53, 100]), nonblock: true } }, Done(28), &[]),
    // 45: file 3: read at most 1792 bytes without waiting
    (1057189649, 0, Input::Call { file: FileId(3), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 46: file 3: CREATE_QUEUE
    (1059110860, 0, Input::Call { file: FileId(3), call: Call::Ioctl { request: 0xc08c5332, compat: false, arg: &padded::<140>(&[]) } }, Done(0), &padded::<140>(&[2, 0, 0, 0, 131, 0, 0, 0, 0, 81, 117, 101, 117, 101, 45, 50])),
    // 47: time passes
    (1061281989, 0, Input::Timeout, Done(0), &[]),
    // 48: file 3: read at most 1792 bytes without waiting
    (1064015589, 0, Input::Call { file: FileId(3), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 49: file 0: read at most 1792 bytes without waiting
    (1064217985, 0, Input::Call { file: FileId(0), call: Call::Read { len: 1792, nonblock: true } }, Done(112), &padded::<112>(&[66, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 128, 0, 130, 0, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 131, 0, 128, 0, 0, 122, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 131, 0, 128, 0, 0, 22, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 131, 0, 128, 0, 0, 40, 100])),
    // 50: file 0: poll
    (1066763341, 0, Input::Call { file: FileId(0), call: Call::Poll }, Done(2), &[]),
    // 51: file 2: write without waiting [NOTEON queue=2 tick=298 dest=128 note=41 velocity=100] [NOTEON queue=1 tick=77 dest=128 note=52 velocity=100] [NOTEON queue=1 tick=205 dest=14 note=98 velocity=100]
    (1067565054, 0, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 2, 42, 1, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 41, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 52, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 205, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 98, 100]), nonblock: true } }, Failed(22), &[]),
    // 52: file 0: write without waiting [NOTEON queue=253 dest=254 dest_port=253 note=38 velocity=100]
    (1068339872, 0, Input::Call { file: FileId(0), call: Call::Write { data: &padded::<28>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 38, 100]), nonblock: true } }, Done(28), &[]),
    // 53: file 1: write without waiting [NOTEON queue=253 dest=14 note=118 velocity=100] [NOTEON queue=253 dest=14 note=12 velocity=100] [NOTEON queue=253 dest=14 note=37 velocity=100] [NOTEON queue=1 tick=119 dest=14 note=16 velocity=100]
    (1071111725, 0, Input::Call { file: FileId(1), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 118, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 12, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 37, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 119, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 16, 100]), nonblock: true } }, Done(84), &[]),
    // 54: file 1: write without waiting [NOTEON tick=244 dest=14 note=109 velocity=100] [NOTEON queue=253 dest=14 note=60 velocity=100] [START queue=253]
    (1073707764, 0, Input::Call { file: FileId(1), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 0, 244, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 109, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 60, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 253]), nonblock: true } }, Done(84), &[]),
    // 55: file 0: write without waiting [NOTEON queue=253 dest=14 note=55 velocity=100]
    (1075346449, 1, Input::Call { file: FileId(0), call: Call::Write { data: &padded::<28>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 55, 100]), nonblock: true } }, Done(28), &[]),
    // 56: file 1: GET_CLIENT_INFO client=128
    (1075974701, 0, Input::Call { file: FileId(1), call: Call::Ioctl { request: 0xc0bc5310, compat: false, arg: &padded::<188>(&[128]) } }, Done(0), &padded::<188>(&[128, 0, 0, 0, 1, 0, 0, 0, 67, 108, 105, 101, 110, 116, 45, 49, 50, 56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 232, 3])),
    // 57: file 0: CREATE_QUEUE
    (1078743313, 0, Input::Call { file: FileId(0), call: Call::Ioctl { request: 0xc08c5332, compat: false, arg: &padded::<140>(&[]) } }, Done(0), &padded::<140>(&[3, 0, 0, 0, 128, 0, 0, 0, 0, 81, 117, 101, 117, 101, 45, 51])),
    // 58: file 3: read at most 1792 bytes without waiting
    (1079789030, 0, Input::Call { file: FileId(3), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 59: file 0: write without waiting [NOTEON tick=474 dest=254 dest_port=253 note=97 velocity=100] [NOTEON queue=253 dest=14 note=77 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=82 velocity=100] [NOTEON queue=1 tick=154 dest=254 dest_port=253 note=110 velocity=100]
    (1080981252, 0, Input::Call { file: FileId(0), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 0, 218, 1, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 97, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 77, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 82, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 154, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 110, 100]), nonblock: true } }, Done(84), &[]),
    // 60: file 2: GET_CLIENT_INFO client=129
    (1083686419, 0, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0xc0bc5310, compat: false, arg: &padded::<188>(&[129]) } }, Done(0), &padded::<188>(&[129, 0, 0, 0, 1, 0, 0, 0, 67, 108, 105, 101, 110, 116, 45, 49, 50, 57, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 232, 3])),
    // 61: file 0: read at most 1792 bytes without waiting
    (1085377421, 0, Input::Call { file: FileId(0), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 62: file 1: read at most 1792 bytes without waiting
    (1086038395, 0, Input::Call { file: FileId(1), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 63: file 3: read at most 1792 bytes without waiting
    (1087337909, 0, Input::Call { file: FileId(3), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 64: file 2: write without waiting [NOTEON queue=2 tick=165 dest=14 note=9 velocity=100] [NOTEON queue=253 dest=128 note=29 velocity=100] [NOTEON queue=253 dest=128 note=49 velocity=100] [NOTEON queue=253 dest=128 note=43 velocity=100]
    (1089692994, 0, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 2, 165, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 9, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 29, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 49, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 43, 100]), nonblock: true } }, Failed(22), &[]),
    // 65: file 2: CREATE_QUEUE
    (1091516674, 0, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0xc08c5332, compat: false, arg: &padded::<140>(&[]) } }, Done(0), &padded::<140>(&[4, 0, 0, 0, 130, 0, 0, 0, 0, 81, 117, 101, 117, 101, 45, 52])),
    // 66: time passes
    (1093162945, 0, Input::Timeout, Done(0), &[]),
    // 67: file 2: poll
    (1095289709, 0, Input::Call { file: FileId(2), call: Call::Poll }, Done(3), &[]),
    // 68: file 1: read at most 1792 bytes without waiting
    (1097154821, 0, Input::Call { file: FileId(1), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 69: file 2: SUBSCRIBE_PORT sender=130 dest=131
    (1098051387, 0, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[130, 0, 131]) } }, Done(0), &[]),
    // 70: file 2: GET_QUEUE_STATUS
    (1100725128, 1, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0xc05c5340, compat: false, arg: &padded::<92>(&[]) } }, Done(0), &padded::<92>(&[0, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 148, 64, 156, 1, 1])),
    // 71: file 2: SET_QUEUE_CLIENT queue=3 used=1
    (1101950981, 0, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0x404c534a, compat: false, arg: &padded::<76>(&[3, 0, 0, 0, 0, 0, 0, 0, 1]) } }, Done(0), &padded::<76>(&[3, 0, 0, 0, 130, 0, 0, 0, 1])),
    // 72: file 0: write without waiting [NOTEON queue=1 tick=303 dest=254 dest_port=253 note=123 velocity=100] [NOTEON tick=62 dest=14 note=9 velocity=100]
    (1103615742, 0, Input::Call { file: FileId(0), call: Call::Write { data: &padded::<56>(&[6, 0, 0, 1, 47, 1, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 123, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 62, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 9, 100]), nonblock: true } }, Failed(22), &[]),
    // 73: file 2: poll
    (1104696473, 0, Input::Call { file: FileId(2), call: Call::Poll }, Done(3), &[]),
    // 74: file 3: GET_QUEUE_STATUS queue=2
    (1105899127, 0, Input::Call { file: FileId(3), call: Call::Ioctl { request: 0xc05c5340, compat: false, arg: &padded::<92>(&[2]) } }, Done(0), &padded::<92>(&[2])),
    // 75: file 0: read at most 1792 bytes without waiting
    (1106847540, 0, Input::Call { file: FileId(0), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 76: file 0: SUBSCRIBE_PORT sender=128 dest=130
    (1108626865, 0, Input::Call { file: FileId(0), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[128, 0, 130]) } }, Done(0), &[]),
    // 77: file 0: write without waiting [NOTEON queue=253 dest=14 note=80 velocity=100] [NOTEON queue=253 dest=128 note=56 velocity=100] [NOTEON queue=253 dest=14 note=56 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=84 velocity=100]
    (1108660992, 1, Input::Call { file: FileId(0), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 80, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 56, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 56, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 84, 100]), nonblock: true } }, Done(112), &[]),
    // 78: file 2: write without waiting [NOTEON queue=2 tick=495 dest=254 dest_port=253 note=68 velocity=100] [NOTEON queue=253 dest=130 note=126 velocity=100] [NOTEON tick=115 dest=14 note=79 velocity=100]
    (1108749294, 2, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 2, 239, 1, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 68, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 0, 126, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 115, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 79, 100]), nonblock: true } }, Failed(22), &[]),
    // 79: open /dev/snd/seq for reading and writing
    (1111683673, 0, Input::Open { node: Node::Sequencer, access: Access::ReadWrite, identity: Identity::User { pid: 1000 } }, Done(4), &[]),
    // 80: file 4: CREATE_PORT client=132 capability=READ|WRITE|SUBS_READ|SUBS_WRITE
    (1111683673, 0, Input::Call { file: FileId(4), call: Call::Ioctl { request: 0xc0a85320, compat: false, arg: &padded::<168>(&[132, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99]) } }, Done(0), &padded::<168>(&[132, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99])),
    // 81: file 0: close
    (1111899364, 0, Input::Close { file: FileId(0) }, Done(0), &[]),
    // 82: file 1: read at most 1792 bytes without waiting
    (1113578366, 2, Input::Call { file: FileId(1), call: Call::Read { len: 1792, nonblock: true } }, Done(28), &padded::<28>(&[67, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 129, 0, 129, 0, 128])),
    // 83: file 1: CREATE_QUEUE
    (1115039945, 0, Input::Call { file: FileId(1), call: Call::Ioctl { request: 0xc08c5332, compat: false, arg: &padded::<140>(&[]) } }, Done(0), &padded::<140>(&[3, 0, 0, 0, 129, 0, 0, 0, 0, 81, 117, 101, 117, 101, 45, 51])),
    // 84: file 4: CREATE_QUEUE
    (1117774187, 0, Input::Call { file: FileId(4), call: Call::Ioctl { request: 0xc08c5332, compat: false, arg: &padded::<140>(&[]) } }, Done(0), &padded::<140>(&[5, 0, 0, 0, 132, 0, 0, 0, 0, 81, 117, 101, 117, 101, 45, 53])),
    // 85: file 2: write without waiting [NOTEON queue=1 tick=384 dest=132 note=127 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=102 velocity=100]
    (1119887114, 0, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<56>(&[6, 0, 0, 1, 128, 1, 0, 0, 0, 0, 0, 0, 0, 0, 132, 0, 0, 127, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 102, 100]), nonblock: true } }, Done(56), &[]),
    // 86: file 1: write without waiting [NOTEON queue=1 tick=274 dest=129 note=117 velocity=100]
    (1121302194, 3, Input::Call { file: FileId(1), call: Call::Write { data: &padded::<28>(&[6, 0, 0, 1, 18, 1, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 117, 100]), nonblock: true } }, Failed(22), &[]),
    // 87: file 1: read at most 1792 bytes without waiting
    (1121389276, 0, Input::Call { file: FileId(1), call: Call::Read { len: 1792, nonblock: true } }, Done(28), &padded::<28>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 129, 0, 0, 102, 100])),
    // 88: file 1: GET_QUEUE_STATUS queue=3
    (1123665231, 0, Input::Call { file: FileId(1), call: Call::Ioctl { request: 0xc05c5340, compat: false, arg: &padded::<92>(&[3]) } }, Done(0), &padded::<92>(&[3])),
    // 89: file 4: write without waiting [NOTEON queue=253 dest=254 dest_port=253 note=101 velocity=100]
    (1126096664, 0, Input::Call { file: FileId(4), call: Call::Write { data: &padded::<28>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 101, 100]), nonblock: true } }, Done(28), &[]),
    // 90: file 1: write without waiting [NOTEON queue=253 dest=129 note=47 velocity=100] [NOTEON queue=2 tick=206 dest=129 note=121 velocity=100] [NOTEON queue=2 tick=478 dest=14 note=78 velocity=100]
    (1128192557, 0, Input::Call { file: FileId(1), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 47, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 206, 0, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 121, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 222, 1, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 78, 100]), nonblock: true } }, Done(28), &[]),
    // 91: file 2: SUBSCRIBE_PORT sender=130 dest=130
    (1128245490, 1, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[130, 0, 130]) } }, Failed(16), &[]),
    // 92: file 4: write without waiting [NOTEON queue=1 tick=47 dest=14 note=115 velocity=100] [NOTEON queue=2 tick=133 dest=254 dest_port=253 note=54 velocity=100] [NOTEON queue=253 dest=129 note=44 velocity=100] [NOTEON queue=253 dest=129 note=116 velocity=100]
    (1128512424, 0, Input::Call { file: FileId(4), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 1, 47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 115, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 133, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 54, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 44, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 116, 100]), nonblock: true } }, Failed(22), &[]),
    // 93: file 2: GET_QUEUE_STATUS queue=1
    (1131067631, 0, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0xc05c5340, compat: false, arg: &padded::<92>(&[1]) } }, Done(0), &padded::<92>(&[1, 0, 0, 0, 2])),
    // 94: file 1: SUBSCRIBE_PORT sender=129 dest=131
    (1132225885, 0, Input::Call { file: FileId(1), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[129, 0, 131]) } }, Done(0), &[]),
    // 95: file 4: SUBSCRIBE_PORT sender=132 dest=132
    (1134308382, 1, Input::Call { file: FileId(4), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[132, 0, 132]) } }, Done(0), &[]),
    // 96: file 3: write without waiting [NOTEON tick=58 dest=14 note=119 velocity=100] [NOTEON queue=2 tick=204 dest=132 note=15 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=19 velocity=100] [NOTEON queue=253 dest=132 note=70 velocity=100]
    (1135217806, 0, Input::Call { file: FileId(3), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 0, 58, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 119, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 204, 0, 0, 0, 0, 0, 0, 0, 0, 0, 132, 0, 0, 15, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 19, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 132, 0, 0, 70, 100]), nonblock: true } }, Failed(22), &[]),
    // 97: file 3: write without waiting [NOTEON tick=153 dest=130 note=87 velocity=100] [NOTEON queue=253 dest=14 note=26 velocity=100] [START queue=2 tick=357 control=2] [NOTEON queue=253 dest=130 note=4 velocity=100]
    (1135535735, 0, Input::Call { file: FileId(3), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 0, 153, 0, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 0, 87, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 26, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 2, 101, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 0, 4, 100]), nonblock: true } }, Failed(22), &[]),
    // 98: file 2: write without waiting [NOTEON tick=465 dest=14 note=66 velocity=100] [NOTEON queue=253 dest=130 note=25 velocity=100] [NOTEON queue=253 dest=14 note=22 velocity=100] [NOTEON queue=2 tick=303 dest=254 dest_port=253 velocity=100]
    (1138006216, 0, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 0, 209, 1, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 66, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 0, 25, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 22, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 47, 1, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 0, 100]), nonblock: true } }, Failed(22), &[]),
    // 99: file 1: write without waiting [NOTEON tick=353 dest=254 dest_port=253 note=88 velocity=100]
    (1139278448, 0, Input::Call { file: FileId(1), call: Call::Write { data: &padded::<28>(&[6, 0, 0, 0, 97, 1, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 88, 100]), nonblock: true } }, Done(28), &[]),
    // 100: file 4: write without waiting [NOTEON queue=2 tick=343 dest=131 note=126 velocity=100] [START tick=302 control=2] [NOTEON queue=253 dest=14 note=68 velocity=100] [NOTEON queue=253 dest=131 note=94 velocity=100]
    (1140698291, 0, Input::Call { file: FileId(4), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 2, 87, 1, 0, 0, 0, 0, 0, 0, 0, 0, 131, 0, 0, 126, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 46, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 68, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 131, 0, 0, 94, 100]), nonblock: true } }, Failed(22), &[]),
    // 101: file 4: write without waiting [NOTEON queue=1 tick=495 dest=254 dest_port=253 note=68 velocity=100] [NOTEON queue=2 tick=460 dest=131 note=22 velocity=100]
    (1142556965, 0, Input::Call { file: FileId(4), call: Call::Write { data: &padded::<56>(&[6, 0, 0, 1, 239, 1, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 68, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 204, 1, 0, 0, 0, 0, 0, 0, 0, 0, 131, 0, 0, 22, 100]), nonblock: true } }, Failed(22), &[]),
    // 102: file 4: write without waiting [NOTEON queue=1 tick=467 dest=14 note=61 velocity=100] [NOTEON queue=1 tick=433 dest=130 note=22 velocity=100] [NOTEON queue=253 dest=14 note=16 velocity=100]
    (1144922588, 0, Input::Call { file: FileId(4), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 1, 211, 1, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 61, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 177, 1, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 0, 22, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 16, 100]), nonblock: true } }, Failed(22), &[]),
    // 103: file 4: read at most 1792 bytes without waiting
    (1146513732, 0, Input::Call { file: FileId(4), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 104: file 1: write without waiting [NOTEON queue=253 dest=14 note=107 velocity=100] [NOTEON queue=2 tick=436 dest=14 note=108 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=2 velocity=100] [NOTEON queue=2 tick=396 dest=254 dest_port=253 note=25 velocity=100]
    (1147072448, 0, Input::Call { file: FileId(1), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 107, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 180, 1, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 108, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 2, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 140, 1, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 25, 100]), nonblock: true } }, Done(28), &[]),
    // 105: file 1: poll
    (1147915444, 0, Input::Call { file: FileId(1), call: Call::Poll }, Done(3), &[]),
    // 106: file 1: read at most 1792 bytes without waiting
    (1149751920, 0, Input::Call { file: FileId(1), call: Call::Read { len: 1792, nonblock: true } }, Done(28), &padded::<28>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 129, 0, 0, 47, 100])),
    // 107: file 1: CREATE_QUEUE
    (1151294818, 0, Input::Call { file: FileId(1), call: Call::Ioctl { request: 0xc08c5332, compat: false, arg: &padded::<140>(&[]) } }, Done(0), &padded::<140>(&[6, 0, 0, 0, 129, 0, 0, 0, 0, 81, 117, 101, 117, 101, 45, 54])),
    // 108: time passes
    (1151466266, 0, Input::Timeout, Done(0), &[]),
    // 109: file 4: read at most 1792 bytes without waiting
    (1152977558, 0, Input::Call { file: FileId(4), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 110: time passes
    (1153787115, 0, Input::Timeout, Done(0), &[]),
    // 111: file 4: write without waiting [NOTEON queue=253 dest=131 note=110 velocity=100]
    (1155160174, 0, Input::Call { file: FileId(4), call: Call::Write { data: &padded::<28>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 131, 0, 0, 110, 100]), nonblock: true } }, Done(28), &[]),
    // 112: file 2: SET_QUEUE_TEMPO queue=3 tempo=400000 ppq=96
    (1157095033, 1, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0x402c5342, compat: false, arg: &padded::<44>(&[3, 0, 0, 0, 128, 26, 6, 0, 96]) } }, Done(0), &[]),
    // 113: time passes
    (1158473021, 0, Input::Timeout, Done(0), &[]),
    // 114: file 2: GET_QUEUE_STATUS queue=2
    (1158491863, 0, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0xc05c5340, compat: false, arg: &padded::<92>(&[2]) } }, Done(0), &padded::<92>(&[2])),
    // 115: file 3: read at most 1792 bytes without waiting
    (1160760336, 0, Input::Call { file: FileId(3), call: Call::Read { len: 1792, nonblock: true } }, Done(112), &padded::<112>(&[66, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 131, 0, 130, 0, 131, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 131, 0, 0, 102, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 66, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 131, 0, 129, 0, 131, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 132, 0, 131, 0, 0, 110, 100])),
    // 116: file 4: read at most 1792 bytes without waiting
    (1162726312, 0, Input::Call { file: FileId(4), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 117: file 3: write without waiting [NOTEON queue=253 dest=14 note=49 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=125 velocity=100] [NOTEON queue=253 dest=130 note=87 velocity=100]
    (1163570138, 0, Input::Call { file: FileId(3), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 49, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 125, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 0, 87, 100]), nonblock: true } }, Done(84), &[]),
    // 118: file 1: write without waiting [NOTEON queue=2 tick=363 dest=129 note=87 velocity=100] [START tick=314 control=2] [NOTEON queue=253 dest=129 note=101 velocity=100] [NOTEON queue=253 dest=129 note=123 velocity=100]
    (1165203179, 1, Input::Call { file: FileId(1), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 2, 107, 1, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 87, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 58, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 101, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 123, 100]), nonblock: true } }, Failed(22), &[]),
    // 119: file 2: poll
    (1166553667, 0, Input::Call { file: FileId(2), call: Call::Poll }, Done(3), &[]),
    // 120: file 3: poll
    (1167851189, 0, Input::Call { file: FileId(3), call: Call::Poll }, Done(2), &[]),
    // 121: file 3: write without waiting [NOTEON queue=253 dest=254 dest_port=253 note=9 velocity=100] [NOTEON queue=1 tick=84 dest=14 note=99 velocity=100] [NOTEON queue=253 dest=14 note=46 velocity=100]
    (1169313305, 0, Input::Call { file: FileId(3), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 9, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 84, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 99, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 46, 100]), nonblock: true } }, Done(28), &[]),
    // 122: file 2: SUBSCRIBE_PORT sender=130 dest=131
    (1169440519, 0, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[130, 0, 131]) } }, Failed(16), &[]),
    // 123: file 2: read at most 1792 bytes without waiting
    (1169809766, 0, Input::Call { file: FileId(2), call: Call::Read { len: 1792, nonblock: true } }, Done(196), &padded::<196>(&[66, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 130, 0, 129, 0, 130, 0, 0, 0, 0, 0, 0, 0, 0, 0, 66, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 130, 0, 128, 0, 130, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 130, 0, 0, 84, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 67, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 130, 0, 128, 0, 130, 0, 0, 0, 0, 0, 0, 0, 0, 0, 67, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 130, 0, 130, 0, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 130, 0, 0, 102, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 131, 0, 130, 0, 0, 87, 100])),
    // 124: file 3: SUBSCRIBE_PORT sender=131 dest=131
    (1171820434, 0, Input::Call { file: FileId(3), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[131, 0, 131]) } }, Done(0), &[]),
    // 125: file 3: SUBSCRIBE_PORT sender=131 dest=130
    (1173015716, 0, Input::Call { file: FileId(3), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[131, 0, 130]) } }, Done(0), &[]),
    // 126: file 3: CREATE_QUEUE
    (1173558357, 1, Input::Call { file: FileId(3), call: Call::Ioctl { request: 0xc08c5332, compat: false, arg: &padded::<140>(&[]) } }, Done(0), &padded::<140>(&[7, 0, 0, 0, 131, 0, 0, 0, 0, 81, 117, 101, 117, 101, 45, 55])),
    // 127: file 3: SUBSCRIBE_PORT sender=131 dest=132
    (1173938089, 0, Input::Call { file: FileId(3), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[131, 0, 132]) } }, Done(0), &[]),
    // 128: file 1: write without waiting [NOTEON queue=1 tick=244 dest=130 note=32 velocity=100] [NOTEON queue=253 dest=130 note=126 velocity=100] [NOTEON tick=101 dest=130 note=68 velocity=100] [NOTEON queue=253 dest=130 note=122 velocity=100]
    (1174176453, 1, Input::Call { file: FileId(1), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 1, 244, 0, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 0, 32, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 0, 126, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 101, 0, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 0, 68, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 0, 122, 100]), nonblock: true } }, Failed(22), &[]),
    // 129: file 2: poll
    (1174221651, 0, Input::Call { file: FileId(2), call: Call::Poll }, Done(3), &[]),
    // 130: file 1: SET_QUEUE_TEMPO tempo=400000 ppq=96
    (1174685412, 0, Input::Call { file: FileId(1), call: Call::Ioctl { request: 0x402c5342, compat: false, arg: &padded::<44>(&[0, 0, 0, 0, 128, 26, 6, 0, 96]) } }, Done(0), &[]),
    // 131: file 4: write without waiting [NOTEON queue=253 dest=14 note=116 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=118 velocity=100] [START tick=79 control=1]
    (1176466624, 0, Input::Call { file: FileId(4), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 116, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 118, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 79, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), nonblock: true } }, Done(56), &[]),
    // 132: file 3: SET_QUEUE_TEMPO queue=1 tempo=400000 ppq=96
    (1177880640, 1, Input::Call { file: FileId(3), call: Call::Ioctl { request: 0x402c5342, compat: false, arg: &padded::<44>(&[1, 0, 0, 0, 128, 26, 6, 0, 96]) } }, Done(0), &[]),
    // 133: file 2: write without waiting [NOTEON queue=253 dest=131 note=15 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=77 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=113 velocity=100]
    (1178837098, 0, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 131, 0, 0, 15, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 77, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 113, 100]), nonblock: true } }, Done(84), &[]),
    // 134: file 1: poll
    (1180243321, 3, Input::Call { file: FileId(1), call: Call::Poll }, Done(3), &[]),
    // 135: open /dev/snd/seq for reading and writing
    (1182695230, 0, Input::Open { node: Node::Sequencer, access: Access::ReadWrite, identity: Identity::User { pid: 1000 } }, Done(0), &[]),
    // 136: file 0: CREATE_PORT client=128 capability=READ|WRITE|SUBS_READ|SUBS_WRITE
    (1182695230, 0, Input::Call { file: FileId(0), call: Call::Ioctl { request: 0xc0a85320, compat: false, arg: &padded::<168>(&[128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99]) } }, Done(0), &padded::<168>(&[128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99])),
    // 137: file 0: write without waiting [NOTEON tick=90 dest=254 dest_port=253 velocity=100] [NOTEON queue=1 tick=399 dest=254 dest_port=253 note=126 velocity=100] [NOTEON queue=1 tick=303 dest=14 note=11 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=120 velocity=100]
    (1184118866, 0, Input::Call { file: FileId(0), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 0, 90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 143, 1, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 126, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 47, 1, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 11, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 120, 100]), nonblock: true } }, Failed(22), &[]),
    // 138: file 3: write without waiting [START queue=253 control=1] [NOTEON queue=253 dest=129 note=4 velocity=100]
    (1186339977, 0, Input::Call { file: FileId(3), call: Call::Write { data: &padded::<56>(&[30, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 4, 100]), nonblock: true } }, Done(56), &[]),
    // 139: file 2: poll
    (1188936534, 2, Input::Call { file: FileId(2), call: Call::Poll }, Done(3), &[]),
    // 140: file 1: read at most 1792 bytes without waiting
    (1189905745, 0, Input::Call { file: FileId(1), call: Call::Read { len: 1792, nonblock: true } }, Done(84), &padded::<84>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 129, 0, 0, 77, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 129, 0, 0, 113, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 131, 0, 129, 0, 0, 4, 100])),
    // 141: file 4: read at most 1792 bytes without waiting
    (1192532826, 0, Input::Call { file: FileId(4), call: Call::Read { len: 1792, nonblock: true } }, Done(56), &padded::<56>(&[66, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 132, 0, 131, 0, 132, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 132, 0, 132, 0, 0, 118, 100])),
    // 142: file 2: write without waiting [NOTEON queue=1 tick=60 dest=254 dest_port=253 note=115 velocity=100]
    (1193719898, 0, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<28>(&[6, 0, 0, 1, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 115, 100]), nonblock: true } }, Done(28), &[]),
    // 143: file 4: write without waiting [NOTEON queue=1 tick=323 dest=128 note=5 velocity=100] [NOTEON queue=253 dest=14 note=93 velocity=100]
    (1196157294, 0, Input::Call { file: FileId(4), call: Call::Write { data: &padded::<56>(&[6, 0, 0, 1, 67, 1, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 5, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 93, 100]), nonblock: true } }, Failed(22), &[]),
    // 144: file 1: read at most 1792 bytes without waiting
    (1197407840, 0, Input::Call { file: FileId(1), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 145: file 2: write without waiting [NOTEON queue=2 tick=406 dest=129 note=122 velocity=100] [NOTEON queue=253 dest=129 note=41 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=36 velocity=100]
    (1197997872, 0, Input::Call { file: FileId(2), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 2, 150, 1, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 122, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 41, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 36, 100]), nonblock: true } }, Failed(22), &[]),
    // 146: file 2: read at most 1792 bytes without waiting
    (1198298832, 0, Input::Call { file: FileId(2), call: Call::Read { len: 1792, nonblock: true } }, Done(84), &padded::<84>(&[66, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 130, 0, 131, 0, 130, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 130, 0, 0, 77, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0, 130, 0, 0, 113, 100])),
    // 147: file 2: GET_QUEUE_STATUS queue=1
    (1199307146, 0, Input::Call { file: FileId(2), call: Call::Ioctl { request: 0xc05c5340, compat: false, arg: &padded::<92>(&[1]) } }, Done(0), &padded::<92>(&[1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 221, 197, 0, 1])),
    // 148: file 0: write without waiting [NOTEON tick=316 dest=14 note=98 velocity=100] [NOTEON queue=253 dest=131 note=72 velocity=100]
    (1199837193, 0, Input::Call { file: FileId(0), call: Call::Write { data: &padded::<56>(&[6, 0, 0, 0, 60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 98, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 131, 0, 0, 72, 100]), nonblock: true } }, Failed(22), &[]),
    // 149: file 1: write without waiting [NOTEON queue=253 dest=254 dest_port=253 note=56 velocity=100] [NOTEON queue=253 dest=254 dest_port=253 note=127 velocity=100] [NOTEON tick=497 dest=132 note=48 velocity=100] [NOTEON queue=1 tick=428 dest=132 note=6 velocity=100]
    (1200631442, 0, Input::Call { file: FileId(1), call: Call::Write { data: &padded::<112>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 56, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 127, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 241, 1, 0, 0, 0, 0, 0, 0, 0, 0, 132, 0, 0, 48, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 172, 1, 0, 0, 0, 0, 0, 0, 0, 0, 132, 0, 0, 6, 100]), nonblock: true } }, Done(84), &[]),
    // 150: file 4: poll
    (1201540519, 2, Input::Call { file: FileId(4), call: Call::Poll }, Done(2), &[]),
    // 151: file 1: write without waiting [NOTEON tick=327 dest=14 note=52 velocity=100] [NOTEON queue=2 tick=174 dest=254 dest_port=253 note=115 velocity=100] [NOTEON tick=270 dest=128 note=112 velocity=100]
    (1201988802, 0, Input::Call { file: FileId(1), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 0, 71, 1, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 52, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 174, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 115, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 14, 1, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 112, 100]), nonblock: true } }, Done(28), &[]),
    // 152: file 1: write without waiting [NOTEON queue=253 dest=254 dest_port=253 note=12 velocity=100]
    (1202556316, 0, Input::Call { file: FileId(1), call: Call::Write { data: &padded::<28>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 12, 100]), nonblock: true } }, Done(28), &[]),
    // 153: file 0: write without waiting [NOTEON queue=253 dest=14 note=97 velocity=100] [NOTEON queue=2 tick=93 dest=254 dest_port=253 note=112 velocity=100] [NOTEON queue=253 dest=129 note=24 velocity=100]
    (1204466615, 2, Input::Call { file: FileId(0), call: Call::Write { data: &padded::<84>(&[6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 97, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 2, 93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 253, 0, 112, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 24, 100]), nonblock: true } }, Done(28), &[]),
    // 154: file 1: read at most 1792 bytes without waiting
    (1204562886, 0, Input::Call { file: FileId(1), call: Call::Read { len: 1792, nonblock: true } }, Failed(11), &[]),
    // 155: file 3: SUBSCRIBE_PORT sender=131 dest=132
    (1206548960, 0, Input::Call { file: FileId(3), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[131, 0, 132]) } }, Failed(16), &[]),
    // 156: open /dev/snd/seq for reading and writing
    (1209300418, 0, Input::Open { node: Node::Sequencer, access: Access::ReadWrite, identity: Identity::User { pid: 1000 } }, Done(5), &[]),
    // 157: file 5: CREATE_PORT client=133 capability=READ|WRITE|SUBS_READ|SUBS_WRITE
    (1209300418, 0, Input::Call { file: FileId(5), call: Call::Ioctl { request: 0xc0a85320, compat: false, arg: &padded::<168>(&[133, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99]) } }, Done(0), &padded::<168>(&[133, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99])),
    // 158: file 0: SUBSCRIBE_PORT sender=128 dest=129
    (1211840962, 0, Input::Call { file: FileId(0), call: Call::Ioctl { request: 0x40505330, compat: false, arg: &padded::<80>(&[128, 0, 129]) } }, Done(0), &[]),
    // 159: open /dev/snd/seq for reading and writing
    (1214118664, 1, Input::Open { node: Node::Sequencer, access: Access::ReadWrite, identity: Identity::User { pid: 1000 } }, Done(6), &[]),
    // 160: file 6: CREATE_PORT client=134 capability=READ|WRITE|SUBS_READ|SUBS_WRITE
    (1214118664, 0, Input::Call { file: FileId(6), call: Call::Ioctl { request: 0xc0a85320, compat: false, arg: &padded::<168>(&[134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99]) } }, Done(0), &padded::<168>(&[134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99])),
    // 161: open a client of kernel type: "a /"quoted/" name * /"
    (1214118664, 0, Input::Open { node: Node::Sequencer, access: Access::ReadWrite, identity: Identity::Kernel { number: Some(20), card: 2, name: "a \"quoted\" name */" } }, Done(7), &[]),
    // 162: file 0: ioctl 0x00000007
    (1214118664, 0, Input::Call { file: FileId(0), call: Call::Ioctl { request: 0x00000007, compat: true, arg: &[1] } }, Failed(25), &[]),
];

#[test]
#[allow(clippy::needless_update)]
fn every_answer_is_the_recorded_one() {
    let config = Config {
        user_timers: false,
        quantise: false,
        hz: 250,
        clients: 64,
        notes_off: false,
        ump: false,
        ..Config::default()
    };
    let mut engine = Engine::with_config(config);
    let mut out = Vec::new();
    for (number, (at, outputs, input, answer, bytes)) in (1..).zip(STEPS) {
        for _ in 0..*outputs {
            assert!(engine.poll_output().is_some(), "an output before record {number}");
        }
        let given = match engine.handle(Time(*at), *input, &mut out) {
            Reply::Done(value) => Done(value),
            Reply::Wait(value) => Wait(value),
            Reply::More(value) => More(value),
            Reply::Failed(error) => Failed(error.errno.0),
        };
        assert_eq!(given, *answer, "the answer to record {number}: {input:?}");
        assert_eq!(out, *bytes, "the bytes of record {number}: {input:?}");
    }
}
