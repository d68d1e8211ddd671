//! The control device of a card that has no elements, PCMs and hardware-dependent devices. Linux has such
//! a card with `snd-virmidi`, and the modules `snd-pcm` and `snd-hwdep` beside it.

use crate::case::{Case, cases, skip};
use crate::client::{PATIENCE, patterned};
use crate::sys::{self, errno};
use aseqd_abi::Errno;
use aseqd_abi::control::{
    CardInfo, ElemId, ElemInfo, ElemList, PcmInfo, RawmidiInfo, Tlv, VERSION,
};
use aseqd_abi::ioctl::{controls as c, ioc};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags, SeekFrom, openat, seek};
use std::os::fd::OwnedFd;

/// The subjects of this group.
pub(super) const SUBJECTS: &[&[Case]] = &[CASES];

/// Opens the device with an access mode. Where there is no card there is no case.
fn open_with(access: OFlags) -> OwnedFd {
    let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match openat(CWD, "/dev/snd/controlC0", flags, Mode::empty()).map_err(errno) {
        Ok(fd) => fd,
        Err(Errno::ENOENT) => skip("there is no card"),
        Err(error) => panic!("/dev/snd/controlC0: {error}"),
    }
}

fn open() -> OwnedFd {
    open_with(OFlags::RDWR)
}

/// Makes a request with a struct, and returns the struct that comes back.
fn query<T: zerocopy::FromBytes + zerocopy::IntoBytes>(
    fd: &OwnedFd,
    code: u32,
    mut argument: T,
) -> Result<T, Errno> {
    sys::ioctl(fd, code, &mut argument).map(|_| argument)
}

fn read(fd: &OwnedFd, len: usize) -> Result<usize, Errno> {
    rustix::io::read(fd, &mut vec![0_u8; len]).map_err(errno)
}

/// Returns an element of a program.
fn element(change: impl FnOnce(&mut ElemInfo)) -> ElemInfo {
    let mut info = ElemInfo { elem_type: 2, access: 3, count: 1, ..ElemInfo::default() };
    info.id.iface = 2;
    info.id.name[0] = b'x';
    change(&mut info);
    info
}

cases! {
    /// The protocol is 2.0.9.
    fn control_version() {
        assert_eq!(query(&open(), c::PVERSION, -1), Ok(VERSION));
    }

    /// The card has a number, an id and names, and nothing else.
    fn control_card() {
        for access in [OFlags::RDWR, OFlags::RDONLY, OFlags::WRONLY] {
            let info: CardInfo = query(&open_with(access), c::CARD_INFO, patterned()).unwrap();
            assert_eq!((info.card, info.pad), (0, 0));
            for name in [&info.id[..], &info.driver, &info.name, &info.longname] {
                assert!(name[0] != 0 && name.last() == Some(&0));
            }
            assert_eq!((info.reserved, info.mixername, info.components), ([0; 16], [0; 80], [0; 128]));
        }
    }

    /// There are no elements: a list of none, whatever is asked for.
    fn control_no_elements() {
        let fd = open();
        let given = ElemList { offset: 3, space: 4, used: 5, count: 6, ..patterned() };
        let list = query(&fd, c::ELEM_LIST, given);
        assert_eq!(list, Ok(ElemList { used: 0, count: 0, ..given }));
        let element = element(|_| {});
        assert_eq!(query(&fd, c::ELEM_INFO, element), Err(Errno::ENOENT));
        assert_eq!(query(&fd, c::ELEM_READ, [0_u8; 1224]), Err(Errno::ENOENT));
        assert_eq!(query(&fd, c::ELEM_WRITE, [0_u8; 1224]), Err(Errno::ENOENT));
        for code in [c::ELEM_LOCK, c::ELEM_UNLOCK, c::ELEM_REMOVE] {
            assert_eq!(query(&fd, code, ElemId::default()), Err(Errno::ENOENT));
        }
    }

    /// An element that cannot be is EINVAL; one to be replaced that is not there ENOENT.
    fn control_elements_that_cannot_be() {
        let fd = open();
        let nameless = element(|info| info.id.name[0] = 0);
        assert_eq!(query(&fd, c::ELEM_ADD, nameless), Err(Errno::EINVAL));
        assert_eq!(query(&fd, c::ELEM_REPLACE, nameless), Err(Errno::EINVAL));
        for wrong in [
            element(|info| info.elem_type = 0),
            element(|info| info.elem_type = 7),
            element(|info| info.elem_type = -1),
            element(|info| info.count = 0),
            element(|info| info.count = 10_000),
        ] {
            assert_eq!(query(&fd, c::ELEM_ADD, wrong), Err(Errno::EINVAL));
            assert_eq!(query(&fd, c::ELEM_REPLACE, wrong), Err(Errno::ENOENT));
        }
    }

    /// Metadata of no element: EINVAL without a number or room, else ENOENT.
    fn control_no_metadata() {
        let fd = open();
        for code in [c::TLV_READ, c::TLV_WRITE, c::TLV_COMMAND] {
            for (numid, length, error) in [
                (0, 0, Errno::EINVAL),
                (0, 100, Errno::EINVAL),
                (1, 0, Errno::EINVAL),
                (1, 7, Errno::EINVAL),
                (1, 8, Errno::ENOENT),
                (1, 100, Errno::ENOENT),
            ] {
                assert_eq!(query(&fd, code, Tlv { numid, length }), Err(error), "{numid} {length}");
            }
        }
    }

    /// There are no PCMs and hardware-dependent devices, wherever one begins to look.
    fn control_no_devices() {
        let fd = open();
        for device in [-5, -1, 0, 1, 100, i32::MAX] {
            assert_eq!(query(&fd, c::PCM_NEXT_DEVICE, device), Ok(-1));
            assert_eq!(query(&fd, c::HWDEP_NEXT_DEVICE, device), Ok(-1));
            assert_eq!(query(&fd, c::PCM_PREFER_SUBDEVICE, device), Ok(device));
            assert_eq!(query(&fd, c::RAWMIDI_PREFER_SUBDEVICE, device), Ok(device));
        }
        let pcm = |stream| query(&fd, c::PCM_INFO, PcmInfo { stream, ..PcmInfo::default() });
        assert_eq!(pcm(0), Err(Errno::ENXIO));
        assert_eq!(pcm(1), Err(Errno::ENXIO));
        assert_eq!(pcm(2), Err(Errno::EINVAL));
        assert_eq!(pcm(-1), Err(Errno::EINVAL));
        assert_eq!(query(&fd, c::HWDEP_INFO, [0_u8; 220]), Err(Errno::ENXIO));
    }

    /// The last raw MIDI device has none behind it; one that is not there is ENXIO.
    fn control_no_raw_midi() {
        let fd = open();
        assert_eq!(query(&fd, c::RAWMIDI_NEXT_DEVICE, 7), Ok(-1));
        let missing = RawmidiInfo { device: 7, ..RawmidiInfo::default() };
        assert_eq!(query(&fd, c::RAWMIDI_INFO, missing), Err(Errno::ENXIO));
    }

    /// Events are asked for, and asked about with a negative number; none comes.
    fn control_events() {
        let fd = open();
        assert_eq!(read(&fd, 72), Err(Errno::EBADFD));
        let subscribe = |value| query(&fd, c::SUBSCRIBE_EVENTS, value);
        assert_eq!(subscribe(-1), Ok(0));
        assert_eq!(subscribe(5), Ok(5));
        assert_eq!(subscribe(-1), Ok(1));
        assert_eq!(read(&fd, 71), Err(Errno::EINVAL));
        assert_eq!(read(&fd, 72), Err(Errno::EAGAIN));
        assert_eq!(read(&fd, 1000), Err(Errno::EAGAIN));
        assert_eq!(subscribe(0), Ok(0));
        assert_eq!(read(&fd, 72), Err(Errno::EBADFD));
        // Each open for itself.
        assert_eq!(subscribe(1), Ok(1));
        assert_eq!(query(&open(), c::SUBSCRIBE_EVENTS, -1), Ok(0));
    }

    /// Polls find nothing, and go on sleeping.
    fn control_poll() {
        let fd = open();
        assert_eq!(query(&fd, c::SUBSCRIBE_EVENTS, 1), Ok(1));
        for milliseconds in [0, 50] {
            let timeout = rustix::time::Timespec { tv_sec: 0, tv_nsec: milliseconds * 1_000_000 };
            let mut fds = [PollFd::new(&fd, PollFlags::IN | PollFlags::OUT | PollFlags::PRI)];
            rustix::io::retry_on_intr(|| poll(&mut fds, Some(&timeout))).unwrap();
            assert_eq!(fds[0].revents(), PollFlags::empty());
        }
        assert!(PATIENCE.as_millis() > 50);
    }

    /// The control device can be neither written nor sought.
    fn control_no_writing() {
        let fd = open();
        assert_eq!(rustix::io::write(&fd, &[0; 72]).map_err(errno), Err(Errno::EINVAL));
        assert_eq!(seek(&fd, SeekFrom::Start(0)).map_err(errno), Err(Errno::ESPIPE));
    }

    /// The power is on, and not for programs to set.
    fn control_power() {
        let fd = open();
        assert_eq!(query(&fd, c::POWER_STATE, -1), Ok(0));
        assert_eq!(query(&fd, c::POWER, 0), Err(Errno::ENOPROTOOPT));
    }

    /// Codes that are near a request are none.
    fn control_unknown_requests() {
        let fd = open();
        for code in [ioc(3, b'U', 0x10, 60), ioc(1, b'U', 0, 4), ioc(0, b'U', 0x7f, 0)] {
            assert_eq!(query(&fd, code, [0_u8; 64]), Err(Errno::ENOTTY), "{code:#x}");
        }
        assert_eq!(query(&fd, ioc(2, b'U', 0, 8), [0_u8; 64]), Err(Errno::ENOTTY));
    }
}
