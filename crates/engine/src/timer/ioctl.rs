//! The requests of `/dev/snd/timer`, as a table: code, name, handler, how much of it we support.

mod bound;
mod by_id;

use super::{Handle, Timers};
use crate::engine::FileId;
use crate::seq::ioctl::Support;
use crate::{Error, Time};
use abi::Errno;
use abi::ioctl::{self, timers as t, timers_old as old};
use abi::timer::{
    TimerGinfo, TimerGparams, TimerGstatus, TimerId, TimerInfo, TimerParams, TimerSelect,
    TimerStatus, TimerStatus32, TimerUinfo,
};
use alloc::vec::Vec;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The whole code.
    pub code: u32,
    /// Name without the prefix `SNDRV_TIMER_IOCTL_`.
    pub name: &'static str,
    /// A code of earlier protocols, or one that the header does not name.
    pub old: bool,
    /// How much of it is there.
    pub support: Support,
    /// What to know about it.
    pub note: &'static str,
    /// 32-bit processes can use it too: their struct is the same.
    narrow: bool,
    handler: fn(&mut Call<'_>, &mut [u8]) -> Result<(), Error>,
}

/// For processes of 32 and of 64 bits.
const BOTH: bool = true;
/// For processes of 64 bits: those of 32 bits lay the struct out differently.
const WIDE: bool = false;

macro_rules! table {
    ($($module:ident::$code:ident($ty:ty) => $handler:path, $narrow:ident, $support:ident, $note:literal;)*) => {
        /// Every request, in the order of the header.
        pub const TABLE: &[Entry] = &[$(Entry {
            code: $module::$code,
            name: stringify!($code),
            old: is_old(stringify!($module)),
            support: Support::$support,
            note: $note,
            narrow: $narrow,
            handler: |call, arg| typed::<$ty>(call, arg, $handler),
        }),*];
    };
}

const fn is_old(module: &str) -> bool {
    module.len() == "old".len()
}

table! {
    t::PVERSION(i32) => by_id::pversion, BOTH, Full, "2.0.8, as Linux 6.12";
    t::NEXT_DEVICE(TimerId) => by_id::next_device, BOTH, Full, "";
    t::TREAD_OLD(i32) => bound::tread, BOTH, Full, "records of 16 bytes for 32-bit processes";
    t::GINFO(TimerGinfo) => by_id::ginfo, BOTH, Full, "";
    t::GPARAMS(TimerGparams) => by_id::gparams, WIDE, Full, "ENOSYS: no timer here has a settable period";
    t::GSTATUS(TimerGstatus) => by_id::gstatus, BOTH, Full, "";
    t::SELECT(TimerSelect) => bound::select, BOTH, Partial,
        "the process id stands where Linux has the id of the calling thread";
    t::INFO(TimerInfo) => bound::info, WIDE, Full, "";
    t::PARAMS(TimerParams) => bound::params, BOTH, Full, "";
    t::STATUS(TimerStatus) => bound::status, WIDE, Full, "";
    t::START(()) => bound::start, BOTH, Full, "";
    t::STOP(()) => bound::stop, BOTH, Full, "";
    t::CONTINUE(()) => bound::resume, BOTH, Full, "";
    t::PAUSE(()) => bound::pause, BOTH, Full, "";
    t::CREATE(TimerUinfo) => bound::create, BOTH, Partial,
        "ENOTTY where the door cannot hand out a descriptor, as on kernels without user-driven timers";
    t::TRIGGER(()) => bound::trigger, BOTH, Full, "on the descriptor that CREATE made; ENOTTY on the device";
    t::TREAD64(i32) => bound::tread64, BOTH, Full, "";
    old::START(()) => bound::start, BOTH, Full, "";
    old::STOP(()) => bound::stop, BOTH, Full, "its code is FIONBIO, which file layers take for themselves";
    old::CONTINUE(()) => bound::resume, BOTH, Full, "";
    old::PAUSE(()) => bound::pause, BOTH, Full, "";
    old::STATUS(TimerStatus32) => bound::status32, WIDE, Full, "32-bit time";
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
    let entry = entry(code).filter(|entry| entry.narrow || !caller.compat);
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
        for (name, code) in t::ALL.iter().chain(old::ALL) {
            assert_eq!(TABLE.iter().filter(|entry| entry.code == *code).count(), 1, "{name}");
        }
        assert_eq!(TABLE.len(), t::ALL.len() + old::ALL.len());
    }
}
