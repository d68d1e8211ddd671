//! The control device of a sound card that has nothing: no elements, PCMs, raw MIDI devices.
//!
//! Some programs ask for a card before they look at the sequencer. This one answers as Linux 6.12 does
//! for a card without parts, with the modules for PCMs, raw MIDI and hardware-dependent devices loaded.

use crate::Error;
use crate::contract::Reply;
use crate::support::Support;
use alloc::vec::Vec;
use aseqd_abi::Errno;
use aseqd_abi::control::{
    CardInfo, ELEM_TYPE_BOOLEAN, ELEM_TYPE_INTEGER64, EVENT_SIZE, ElemId, ElemInfo, ElemList,
    ElemList32, ElemValue, HwdepInfo, PCM_STREAM_CAPTURE, POWER_D0, PcmInfo, RawmidiInfo, Tlv,
    VERSION,
};
use aseqd_abi::ioctl::{self, controls as c, controls32 as c32};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The number of the card.
const CARD: i32 = 0;
/// Its id, driver and name.
const ID: &str = "aseqd";
const LONG_NAME: &str = "Sequencer in user space (aseqd)";

/// An open file of the device.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Control {
    /// It has asked for events, of which there are none.
    subscribed: bool,
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The whole code.
    pub code: u32,
    /// Name without the prefix `SNDRV_CTL_IOCTL_`.
    pub name: &'static str,
    /// How much of it is there.
    pub support: Support,
    /// What to know about it.
    pub note: &'static str,
    /// Of 32-bit processes only, or of 64-bit processes only; none of all.
    narrow: Option<bool>,
    handler: fn(&mut Control, &mut [u8]) -> Result<(), Error>,
}

macro_rules! table {
    ($($module:ident::$code:ident($ty:ty) => $handler:expr, $narrow:expr, $support:ident, $note:literal;)*) => {
        /// Every request, in the order of the header.
        pub const TABLE: &[Entry] = &[$(Entry {
            code: $module::$code,
            name: stringify!($code),
            support: Support::$support,
            note: $note,
            narrow: $narrow,
            handler: |control, arg| typed::<$ty>(control, arg, $handler),
        }),*];
    };
}

table! {
    c::PVERSION(i32) => pversion, None, Full, "2.0.9, as Linux 6.12";
    c::CARD_INFO(CardInfo) => card_info, None, Full, "";
    c::ELEM_LIST(ElemList) => elem_list, Some(false), Full, "";
    c::ELEM_INFO(ElemInfo) => no_element, None, Full, "ENOENT: there are none";
    c::ELEM_READ(ElemValue) => no_element, Some(false), Full, "ENOENT";
    c::ELEM_WRITE(ElemValue) => no_element, Some(false), Full, "ENOENT";
    c::ELEM_LOCK(ElemId) => no_element, None, Full, "ENOENT";
    c::ELEM_UNLOCK(ElemId) => no_element, None, Full, "ENOENT";
    c::SUBSCRIBE_EVENTS(i32) => subscribe, None, Full, "no event comes";
    c::ELEM_ADD(ElemInfo) => elem_add, None, Partial,
        "ENOMEM: the card has no memory for elements of programs";
    c::ELEM_REPLACE(ElemInfo) => elem_replace, None, Full, "ENOENT";
    c::ELEM_REMOVE(ElemId) => no_element, None, Full, "ENOENT";
    c::TLV_READ(Tlv) => tlv, None, Full, "ENOENT";
    c::TLV_WRITE(Tlv) => tlv, None, Full, "ENOENT";
    c::TLV_COMMAND(Tlv) => tlv, None, Full, "ENOENT";
    c::HWDEP_NEXT_DEVICE(i32) => no_next, None, Full, "";
    c::HWDEP_INFO(HwdepInfo) => no_device, None, Full, "ENXIO";
    c::PCM_NEXT_DEVICE(i32) => no_next, None, Full, "";
    c::PCM_INFO(PcmInfo) => pcm_info, None, Full, "ENXIO";
    c::PCM_PREFER_SUBDEVICE(i32) => |_, _| Ok(()), None, Full, "";
    c::RAWMIDI_NEXT_DEVICE(i32) => no_next, None, Full, "";
    c::RAWMIDI_INFO(RawmidiInfo) => no_device, None, Full, "ENXIO";
    c::RAWMIDI_PREFER_SUBDEVICE(i32) => |_, _| Ok(()), None, Full, "";
    c::POWER(i32) => power, None, Full, "ENOPROTOOPT, as on Linux";
    c::POWER_STATE(i32) => power_state, None, Full, "";
    c32::ELEM_LIST(ElemList32) => elem_list32, Some(true), Full, "from 32-bit processes";
    c32::ELEM_READ([u8; 708]) => no_element, Some(true), Full, "from 32-bit processes";
    c32::ELEM_WRITE([u8; 708]) => no_element, Some(true), Full, "from 32-bit processes";
}

/// The entry of a code.
#[must_use]
pub fn entry(code: u32) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.code == code)
}

impl Control {
    /// A request. On success `out` has what is copied back.
    pub(crate) fn ioctl(
        &mut self,
        code: u32,
        compat: bool,
        arg: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        let entry = entry(code).filter(|entry| entry.narrow.is_none_or(|narrow| narrow == compat));
        let entry = entry.ok_or(Error::new(Errno::ENOTTY, "no such request"))?;
        let mut buffer = [0; size_of::<ElemValue>()];
        let buffer = &mut buffer[..ioctl::size(code)];
        if ioctl::direction(code) & ioctl::WRITE != 0 {
            let given = arg.get(..buffer.len());
            let given = given.ok_or(Error::new(Errno::EFAULT, "the argument is not all there"))?;
            buffer.copy_from_slice(given);
        }
        (entry.handler)(self, buffer)?;
        if ioctl::direction(code) & ioctl::READ != 0 {
            out.extend_from_slice(buffer);
        }
        Ok(0)
    }

    /// `read`: no event ever comes.
    pub(crate) fn read(self, len: usize, nonblock: bool) -> Reply {
        let fail = |errno, why| Reply::Failed(Error::new(errno, why));
        if !self.subscribed {
            fail(Errno::EBADFD, "the file has not subscribed to events")
        } else if len < EVENT_SIZE {
            fail(Errno::EINVAL, "the buffer is smaller than an event")
        } else if nonblock {
            fail(Errno::EAGAIN, "nothing to read")
        } else {
            Reply::Wait(0)
        }
    }
}

fn typed<T: FromBytes + IntoBytes + Immutable>(
    control: &mut Control,
    arg: &mut [u8],
    handler: fn(&mut Control, &mut T) -> Result<(), Error>,
) -> Result<(), Error> {
    let short = Error::new(Errno::EFAULT, "the argument is not all there");
    let mut info = T::read_from_bytes(arg).map_err(|_| short)?;
    handler(control, &mut info)?;
    arg.copy_from_slice(info.as_bytes());
    Ok(())
}

fn pversion(_control: &mut Control, version: &mut i32) -> Result<(), Error> {
    *version = VERSION;
    Ok(())
}

fn card_info(_control: &mut Control, info: &mut CardInfo) -> Result<(), Error> {
    *info = CardInfo {
        card: CARD,
        id: text(ID),
        driver: text(ID),
        name: text(ID),
        longname: text(LONG_NAME),
        ..CardInfo::default()
    };
    Ok(())
}

fn elem_list(_control: &mut Control, list: &mut ElemList) -> Result<(), Error> {
    (list.used, list.count) = (0, 0);
    Ok(())
}

fn elem_list32(_control: &mut Control, list: &mut ElemList32) -> Result<(), Error> {
    (list.used, list.count) = (0, 0);
    Ok(())
}

fn no_element<T>(_control: &mut Control, _arg: &mut T) -> Result<(), Error> {
    Err(Error::new(Errno::ENOENT, "the card has no elements"))
}

/// Below 0 asks.
fn subscribe(control: &mut Control, subscribe: &mut i32) -> Result<(), Error> {
    if *subscribe < 0 {
        *subscribe = i32::from(control.subscribed);
    } else {
        control.subscribed = *subscribe != 0;
    }
    Ok(())
}

fn named(info: &ElemInfo) -> Result<(), Error> {
    if info.id.name[0] == 0 {
        return Err(Error::new(Errno::EINVAL, "an element needs a name"));
    }
    Ok(())
}

fn elem_add(_control: &mut Control, info: &mut ElemInfo) -> Result<(), Error> {
    /// Values of an element at most, by its type.
    const MOST: [u32; 6] = [128, 128, 128, 512, 1, 64];
    named(info)?;
    let types = ELEM_TYPE_BOOLEAN..=ELEM_TYPE_INTEGER64;
    let place =
        usize::try_from(info.elem_type - ELEM_TYPE_BOOLEAN.min(info.elem_type)).unwrap_or(0);
    if !types.contains(&info.elem_type) || !(1..=MOST[place]).contains(&info.count) {
        return Err(Error::new(Errno::EINVAL, "no such element can be"));
    }
    Err(Error::new(Errno::ENOMEM, "the card has no memory for elements of programs"))
}

fn elem_replace(control: &mut Control, info: &mut ElemInfo) -> Result<(), Error> {
    named(info)?;
    no_element(control, info)
}

fn tlv(control: &mut Control, tlv: &mut Tlv) -> Result<(), Error> {
    if tlv.numid == 0 || (tlv.length as usize) < size_of::<Tlv>() {
        return Err(Error::new(Errno::EINVAL, "no element is named, or there is no room"));
    }
    no_element(control, tlv)
}

fn no_next(_control: &mut Control, device: &mut i32) -> Result<(), Error> {
    *device = -1;
    Ok(())
}

fn no_device<T>(_control: &mut Control, _info: &mut T) -> Result<(), Error> {
    Err(Error::new(Errno::ENXIO, "the card has no such device"))
}

fn pcm_info(control: &mut Control, info: &mut PcmInfo) -> Result<(), Error> {
    if !(0..=PCM_STREAM_CAPTURE).contains(&info.stream) {
        return Err(Error::new(Errno::EINVAL, "there is no such direction"));
    }
    no_device(control, info)
}

fn power(_control: &mut Control, _state: &mut i32) -> Result<(), Error> {
    Err(Error::new(Errno::ENOPROTOOPT, "programs do not set the power"))
}

fn power_state(_control: &mut Control, state: &mut i32) -> Result<(), Error> {
    *state = POWER_D0;
    Ok(())
}

fn text<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_request_once() {
        for (name, code) in c::ALL.iter().chain(c32::ALL) {
            assert_eq!(TABLE.iter().filter(|entry| entry.code == *code).count(), 1, "{name}");
        }
        assert_eq!(TABLE.len(), c::ALL.len() + c32::ALL.len());
    }

    #[test]
    fn any_argument_is_answered_and_a_short_one_is_a_fault() {
        for entry in TABLE {
            let compat = entry.narrow == Some(true);
            let size = ioctl::size(entry.code);
            let writes = ioctl::direction(entry.code) & ioctl::WRITE != 0;
            for fill in [0, 1, 0x7f, 0x80, 0xff] {
                let (mut control, mut out) = (Control::default(), Vec::new());
                let arg = [fill; size_of::<ElemValue>()];
                let result = control.ioctl(entry.code, compat, &arg[..size], &mut out);
                let reads = ioctl::direction(entry.code) & ioctl::READ != 0;
                let expected = if result.is_ok() && reads { size } else { 0 };
                assert_eq!(out.len(), expected, "{}", entry.name);
                let short = control.ioctl(entry.code, compat, &arg[..size - 1], &mut out);
                assert_eq!(
                    short.is_err_and(|error| error.errno == Errno::EFAULT),
                    writes,
                    "{}",
                    entry.name
                );
            }
            // Of the other processes it is no request, or that of their struct.
            let mut control = Control::default();
            let other = control.ioctl(entry.code, !compat, &[], &mut Vec::new());
            let is_none = other.is_err_and(|error| error.errno == Errno::ENOTTY);
            assert_eq!(is_none, entry.narrow.is_some(), "{}", entry.name);
        }
    }

    #[test]
    fn a_read_sleeps_once_it_has_subscribed() {
        let mut control = Control::default();
        let errno = |reply| match reply {
            Reply::Failed(error) => error.errno,
            other => panic!("{other:?}"),
        };
        assert_eq!(errno(control.read(72, false)), Errno::EBADFD);
        let subscribe = 1_i32.to_ne_bytes();
        control.ioctl(c::SUBSCRIBE_EVENTS, false, &subscribe, &mut Vec::new()).unwrap();
        assert_eq!(errno(control.read(71, false)), Errno::EINVAL);
        assert_eq!(errno(control.read(72, true)), Errno::EAGAIN);
        assert_eq!(control.read(72, false), Reply::Wait(0));
    }
}
