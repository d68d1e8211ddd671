//! The control device of a sound card that has nothing: no elements, PCMs, raw MIDI devices.
//!
//! Some programs ask for a card before they look at the sequencer. This one answers as Linux 6.12
//! does for a card without parts if the modules for PCMs, raw MIDI and hardware-dependent devices
//! are loaded.

use crate::Error;
use crate::contract::Reply;
use crate::name::nul_terminated;
use crate::request::requests;
use aseqd_abi::Errno;
use aseqd_abi::control::{
    CardInfo, ELEM_TYPE_BOOLEAN, ELEM_TYPE_INTEGER64, EVENT_SIZE, ElemId, ElemInfo, ElemList,
    ElemList32, ElemValue, HwdepInfo, PCM_STREAM_CAPTURE, POWER_D0, PcmInfo, RawmidiInfo, Tlv,
    VERSION,
};
use aseqd_abi::ioctl::{controls as c, controls32 as c32};

/// The number of the card.
const CARD: i32 = 0;
/// The id of the card, also its driver and name.
const ID: &str = "aseqd";
const LONG_NAME: &str = "Sequencer in user space (aseqd)";

/// An open file of the device.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Control {
    /// Whether the file has asked for events, of which there are none.
    subscribed: bool,
}

requests! {
    /// Every request of the control device, in the order of the header.
    TABLE: Control, ();
    c, "" {
        PVERSION(i32) => pversion, All, Full, "2.0.9, as Linux 6.12";
        CARD_INFO(CardInfo) => card_info, All, Full, "";
        ELEM_LIST(ElemList) => elem_list, Wide, Full, "";
        ELEM_INFO(ElemInfo) => no_element, All, Full, "ENOENT: the card has no elements";
        ELEM_READ(ElemValue) => no_element, Wide, Full, "ENOENT";
        ELEM_WRITE(ElemValue) => no_element, Wide, Full, "ENOENT";
        ELEM_LOCK(ElemId) => no_element, All, Full, "ENOENT";
        ELEM_UNLOCK(ElemId) => no_element, All, Full, "ENOENT";
        SUBSCRIBE_EVENTS(i32) => subscribe, All, Full, "there are no events";
        ELEM_ADD(ElemInfo) => elem_add, All, Partial,
            "ENOMEM: the card has no memory for elements of programs";
        ELEM_REPLACE(ElemInfo) => elem_replace, All, Full, "ENOENT";
        ELEM_REMOVE(ElemId) => no_element, All, Full, "ENOENT";
        TLV_READ(Tlv) => tlv, All, Full, "ENOENT";
        TLV_WRITE(Tlv) => tlv, All, Full, "ENOENT";
        TLV_COMMAND(Tlv) => tlv, All, Full, "ENOENT";
        HWDEP_NEXT_DEVICE(i32) => no_next, All, Full, "";
        HWDEP_INFO(HwdepInfo) => no_device, All, Full, "ENXIO";
        PCM_NEXT_DEVICE(i32) => no_next, All, Full, "";
        PCM_INFO(PcmInfo) => pcm_info, All, Full, "ENXIO";
        PCM_PREFER_SUBDEVICE(i32) => accept, All, Full, "";
        RAWMIDI_NEXT_DEVICE(i32) => no_next, All, Full, "";
        RAWMIDI_INFO(RawmidiInfo) => no_device, All, Full, "ENXIO";
        RAWMIDI_PREFER_SUBDEVICE(i32) => accept, All, Full, "";
        POWER(i32) => power, All, Full, "ENOPROTOOPT, as on Linux";
        POWER_STATE(i32) => power_state, All, Full, "";
    }
    c32, "32" {
        ELEM_LIST(ElemList32) => elem_list32, Narrow, Full, "from 32-bit processes";
        ELEM_READ([u8; 708]) => no_element, Narrow, Full, "from 32-bit processes";
        ELEM_WRITE([u8; 708]) => no_element, Narrow, Full, "from 32-bit processes";
    }
}

impl Control {
    /// Handles a read: no event ever comes.
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

fn pversion(_control: &mut Control, _caller: (), version: &mut i32) -> Result<(), Error> {
    *version = VERSION;
    Ok(())
}

fn card_info(_control: &mut Control, _caller: (), info: &mut CardInfo) -> Result<(), Error> {
    *info = CardInfo {
        card: CARD,
        id: nul_terminated(ID),
        driver: nul_terminated(ID),
        name: nul_terminated(ID),
        longname: nul_terminated(LONG_NAME),
        ..CardInfo::default()
    };
    Ok(())
}

fn elem_list(_control: &mut Control, _caller: (), list: &mut ElemList) -> Result<(), Error> {
    (list.used, list.count) = (0, 0);
    Ok(())
}

fn elem_list32(_control: &mut Control, _caller: (), list: &mut ElemList32) -> Result<(), Error> {
    (list.used, list.count) = (0, 0);
    Ok(())
}

fn no_element<T>(_control: &mut Control, _caller: (), _arg: &mut T) -> Result<(), Error> {
    Err(Error::new(Errno::ENOENT, "the card has no elements"))
}

/// Sets or, with a number below 0, reports whether the file has asked for events.
fn subscribe(control: &mut Control, _caller: (), subscribe: &mut i32) -> Result<(), Error> {
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

fn elem_add(_control: &mut Control, _caller: (), info: &mut ElemInfo) -> Result<(), Error> {
    /// Maximum number of values of an element, by its type.
    const MOST: [u32; 6] = [128, 128, 128, 512, 1, 64];
    named(info)?;
    let types = ELEM_TYPE_BOOLEAN..=ELEM_TYPE_INTEGER64;
    let place =
        usize::try_from(info.elem_type - ELEM_TYPE_BOOLEAN.min(info.elem_type)).unwrap_or(0);
    if !types.contains(&info.elem_type) || !(1..=MOST[place]).contains(&info.count) {
        return Err(Error::new(Errno::EINVAL, "no such element can exist"));
    }
    Err(Error::new(Errno::ENOMEM, "the card has no memory for elements of programs"))
}

fn elem_replace(control: &mut Control, _caller: (), info: &mut ElemInfo) -> Result<(), Error> {
    named(info)?;
    no_element(control, (), info)
}

fn tlv(control: &mut Control, _caller: (), tlv: &mut Tlv) -> Result<(), Error> {
    if tlv.numid == 0 || (tlv.length as usize) < size_of::<Tlv>() {
        return Err(Error::new(Errno::EINVAL, "the request names no element, or has no room"));
    }
    no_element(control, (), tlv)
}

fn no_next(_control: &mut Control, _caller: (), device: &mut i32) -> Result<(), Error> {
    *device = -1;
    Ok(())
}

fn no_device<T>(_control: &mut Control, _caller: (), _info: &mut T) -> Result<(), Error> {
    Err(Error::new(Errno::ENXIO, "the card has no such device"))
}

fn pcm_info(control: &mut Control, _caller: (), info: &mut PcmInfo) -> Result<(), Error> {
    if !(0..=PCM_STREAM_CAPTURE).contains(&info.stream) {
        return Err(Error::new(Errno::EINVAL, "there is no such direction"));
    }
    no_device(control, (), info)
}

/// Accepts a choice that makes no difference.
fn accept(_control: &mut Control, _caller: (), _subdevice: &mut i32) -> Result<(), Error> {
    Ok(())
}

fn power(_control: &mut Control, _caller: (), _state: &mut i32) -> Result<(), Error> {
    Err(Error::new(Errno::ENOPROTOOPT, "programs do not set the power"))
}

fn power_state(_control: &mut Control, _caller: (), state: &mut i32) -> Result<(), Error> {
    *state = POWER_D0;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{self, Callers};
    use alloc::vec::Vec;
    use aseqd_abi::ioctl;

    fn ask(
        control: &mut Control,
        call: (u32, bool),
        arg: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        request::handle(TABLE, control, (), call, arg, out)
    }

    #[test]
    fn any_argument_is_answered_and_a_short_one_is_a_fault() {
        for entry in TABLE.iter().map(|entry| entry.request) {
            let compat = entry.callers == Callers::Narrow;
            let size = ioctl::size(entry.code);
            let writes = ioctl::direction(entry.code) & ioctl::WRITE != 0;
            for fill in [0, 1, 0x7f, 0x80, 0xff] {
                let (mut control, mut out) = (Control::default(), Vec::new());
                let arg = [fill; size_of::<ElemValue>()];
                let result = ask(&mut control, (entry.code, compat), &arg[..size], &mut out);
                let reads = ioctl::direction(entry.code) & ioctl::READ != 0;
                let expected = if result.is_ok() && reads { size } else { 0 };
                assert_eq!(out.len(), expected, "{}", entry.name);
                let short = ask(&mut control, (entry.code, compat), &arg[..size - 1], &mut out);
                assert_eq!(
                    short.is_err_and(|error| error.errno == Errno::EFAULT),
                    writes,
                    "{}",
                    entry.name
                );
            }
            // For other processes it is no request, or that with their struct.
            let mut control = Control::default();
            let other = ask(&mut control, (entry.code, !compat), &[], &mut Vec::new());
            let is_none = other.is_err_and(|error| error.errno == Errno::ENOTTY);
            assert_eq!(is_none, (entry.callers != Callers::All), "{}", entry.name);
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
        ask(&mut control, (c::SUBSCRIBE_EVENTS, false), &subscribe, &mut Vec::new()).unwrap();
        assert_eq!(errno(control.read(71, false)), Errno::EINVAL);
        assert_eq!(errno(control.read(72, true)), Errno::EAGAIN);
        assert_eq!(control.read(72, false), Reply::Wait(0));
    }
}
