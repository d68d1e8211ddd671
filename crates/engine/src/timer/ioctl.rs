//! The requests of `/dev/snd/timer`, as a table: code, name, handler, how much of it we support.

mod bound;
mod by_id;

use super::{Handle, Timers};
use crate::contract::FileId;
use crate::support::Support;
use crate::{Error, Time};
use alloc::vec::Vec;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::{self, timers as t, timers_old as old, timers32 as t32};
use aseqd_abi::timer::{
    TimerGinfo, TimerGparams, TimerGparams32, TimerGstatus, TimerId, TimerInfo, TimerInfo32,
    TimerParams, TimerSelect, TimerStatus, TimerStatus32, TimerUinfo,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The whole code.
    pub code: u32,
    /// Name without the prefix `SNDRV_TIMER_IOCTL_`.
    pub name: &'static str,
    /// Which of the codes of that name: empty for the header's, `old` for others that all processes
    /// have, `32` for those of 32-bit processes.
    pub variant: &'static str,
    /// How much of it is there.
    pub support: Support,
    /// What to know about it.
    pub note: &'static str,
    /// Whose code it is.
    callers: Callers,
    handler: fn(&mut Call<'_>, &mut [u8]) -> Result<(), Error>,
}

/// Which processes know a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callers {
    /// All: the struct is the same for all of them.
    All,
    /// Those of 64 bits.
    Wide,
    /// Those of 32 bits.
    Narrow,
}

macro_rules! table {
    ($($module:ident::$code:ident($ty:ty) => $handler:path, $callers:ident, $support:ident, $note:literal;)*) => {
        /// Every request, in the order of the header.
        pub const TABLE: &[Entry] = &[$(Entry {
            code: $module::$code,
            name: stringify!($code),
            variant: variant(stringify!($module)),
            support: Support::$support,
            note: $note,
            callers: Callers::$callers,
            handler: |call, arg| typed::<$ty>(call, arg, $handler),
        }),*];
    };
}

const fn variant(module: &str) -> &'static str {
    match module.as_bytes() {
        b"t" => "",
        b"old" => "old",
        _ => "32",
    }
}

table! {
    t::PVERSION(i32) => by_id::pversion, All, Full, "2.0.8, as Linux 6.12";
    t::NEXT_DEVICE(TimerId) => by_id::next_device, All, Full, "";
    t::TREAD_OLD(i32) => bound::tread, All, Full, "records of 16 bytes for 32-bit processes";
    t::GINFO(TimerGinfo) => by_id::ginfo, All, Full, "";
    t::GPARAMS(TimerGparams) => by_id::gparams, Wide, Full, "ENOSYS: no timer here has a settable period";
    t::GSTATUS(TimerGstatus) => by_id::gstatus, All, Full, "";
    t::SELECT(TimerSelect) => bound::select, All, Full, "";
    t::INFO(TimerInfo) => bound::info, Wide, Full, "";
    t::PARAMS(TimerParams) => bound::params, All, Full, "";
    t::STATUS(TimerStatus) => bound::status, Wide, Full, "";
    t::START(()) => bound::start, All, Full, "";
    t::STOP(()) => bound::stop, All, Full, "";
    t::CONTINUE(()) => bound::resume, All, Full, "";
    t::PAUSE(()) => bound::pause, All, Full, "";
    t::CREATE(TimerUinfo) => bound::create, All, Partial,
        "ENOTTY where the door cannot hand out a descriptor, as on kernels without user-driven timers";
    t::TRIGGER(()) => bound::trigger, All, Full, "on the descriptor that CREATE made; ENOTTY on the device";
    t::TREAD64(i32) => bound::tread64, All, Full, "";
    old::START(()) => bound::start, All, Full, "";
    old::STOP(()) => bound::stop, All, Full, "its code is FIONBIO, which file layers take for themselves";
    old::CONTINUE(()) => bound::resume, All, Full, "";
    old::PAUSE(()) => bound::pause, All, Full, "";
    old::STATUS(TimerStatus32) => bound::status32, Wide, Full, "32-bit time";
    t32::GPARAMS(TimerGparams32) => by_id::gparams32, Narrow, Full, "from 32-bit processes";
    t32::INFO(TimerInfo32) => bound::info32, Narrow, Full, "from 32-bit processes";
}

/// The entry of a code.
#[must_use]
pub fn entry(code: u32) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.code == code)
}

/// Who calls, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) handle: Handle,
    /// A 32-bit process.
    pub(crate) compat: bool,
    /// The file that CREATE can open.
    pub(crate) spare: Option<FileId>,
    pub(crate) at: Time,
}

/// A request being handled.
#[derive(Debug)]
struct Call<'a> {
    timers: &'a mut Timers,
    caller: &'a Caller,
    /// The user-driven timer that the spare file is of from now on.
    created: Option<u8>,
}

/// Largest argument.
const MAX_ARG: usize = size_of::<TimerGinfo>();

/// Handles a request of a file. On success `out` has what is copied back; the value is the number of
/// the user-driven timer that the spare file is of, if one was made.
pub(crate) fn handle(
    timers: &mut Timers,
    caller: &Caller,
    code: u32,
    arg: &[u8],
    out: &mut Vec<u8>,
) -> Result<Option<u8>, Error> {
    let other = if caller.compat { Callers::Wide } else { Callers::Narrow };
    let entry = entry(code).filter(|entry| entry.callers != other);
    let entry = entry.ok_or(Error::new(Errno::ENOTTY, "no such request"))?;
    let mut buffer = [0; MAX_ARG];
    let buffer = &mut buffer[..ioctl::size(code)];
    if ioctl::direction(code) & ioctl::WRITE != 0 {
        let given = arg.get(..buffer.len());
        let given = given.ok_or(Error::new(Errno::EFAULT, "the argument is not all there"))?;
        buffer.copy_from_slice(given);
    }
    let mut call = Call { timers, caller, created: None };
    (entry.handler)(&mut call, buffer)?;
    if ioctl::direction(code) & ioctl::READ != 0 {
        out.extend_from_slice(buffer);
    }
    Ok(call.created)
}

fn typed<T: FromBytes + IntoBytes + Immutable>(
    call: &mut Call<'_>,
    arg: &mut [u8],
    handler: fn(&mut Call<'_>, &mut T) -> Result<(), Error>,
) -> Result<(), Error> {
    let short = Error::new(Errno::EFAULT, "the argument is not all there");
    let mut info = T::read_from_bytes(arg).map_err(|_| short)?;
    handler(call, &mut info)?;
    arg.copy_from_slice(info.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_request_once() {
        for (name, code) in t::ALL.iter().chain(old::ALL).chain(t32::ALL) {
            assert_eq!(TABLE.iter().filter(|entry| entry.code == *code).count(), 1, "{name}");
        }
        assert_eq!(TABLE.len(), t::ALL.len() + old::ALL.len() + t32::ALL.len());
    }
}
