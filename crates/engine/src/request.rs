//! Requests as data: each device has a table of them, and all tables are read in the same way.

use crate::Error;
use alloc::vec::Vec;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::{READ, WRITE, direction};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// How much of a request the engine supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As on Linux.
    Full,
    /// With the difference that the note names.
    Partial,
    /// Refused, as the reference kernel does.
    Absent,
}

/// The processes that a request code exists for. For others the code is `ENOTTY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// All processes: the struct is the same for all of them.
    All,
    /// 64-bit processes.
    Wide,
    /// 32-bit processes.
    Narrow,
}

impl Callers {
    /// Returns whether the code exists for a process.
    const fn include(self, compat: bool) -> bool {
        match self {
            Self::All => true,
            Self::Wide => !compat,
            Self::Narrow => compat,
        }
    }
}

/// What is known of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The whole code.
    pub code: u32,
    /// Name without the prefix of the device, such as `SNDRV_SEQ_IOCTL_`.
    pub name: &'static str,
    /// Which of the codes of that name: empty for the header's, `old` for an earlier protocol's, `32`
    /// for that of 32-bit processes.
    pub variant: &'static str,
    /// The processes that the code exists for.
    pub callers: Callers,
    /// How much of it is supported.
    pub support: Support,
    /// A remark for the documentation; often empty.
    pub note: &'static str,
    /// Whether the struct is copied back to the program. Four requests do so that are declared
    /// write-only.
    pub copies_back: bool,
}

/// Answers a request, given the bytes that the program passed. The output buffer gets what is copied back.
type Answer<D, C> = fn(&Request, &mut D, C, &[u8], &mut Vec<u8>) -> Result<(), Error>;

/// A row of a table: a request to the device `D` by a caller `C`, and how to answer it.
pub(crate) struct Entry<D, C> {
    pub(crate) request: Request,
    pub(crate) answer: Answer<D, C>,
}

/// A table of requests. The argument is the type of the struct; the handler gets the device, the
/// caller and the struct, which is zeroed if the program passes none. A last column of `true` marks a
/// request that copies its struct back although its code declares it write-only.
macro_rules! requests {
    (
        $(#[$outer:meta])* $table:ident: $device:ty, $caller:ty;
        $($module:ident, $variant:literal {$(
            $code:ident($ty:ty) => $handler:expr, $callers:ident, $support:ident, $note:literal
                $(, $back:expr)?;
        )*})*
    ) => {
        $(#[$outer])*
        pub(crate) const $table: &[$crate::request::Entry<$device, $caller>] = &[$($(
            $crate::request::Entry {
                request: $crate::request::Request {
                    code: $module::$code,
                    name: stringify!($code),
                    variant: $variant,
                    callers: $crate::request::Callers::$callers,
                    support: $crate::request::Support::$support,
                    note: $note,
                    copies_back: $crate::request::copies_back($module::$code)
                        $(|| $back)?,
                },
                answer: |request, device, caller, arg, out| {
                    const { assert!(aseqd_abi::ioctl::size($module::$code) == size_of::<$ty>()) };
                    let handler: fn(&mut $device, $caller, &mut $ty) -> Result<(), $crate::Error> =
                        $handler;
                    $crate::request::answer(request, arg, out, |info| handler(device, caller, info))
                },
            }
        ),*),*];
    };
}
pub(crate) use requests;

/// Returns whether a code says that the struct is copied back.
pub(crate) const fn copies_back(code: u32) -> bool {
    direction(code) & READ != 0
}

/// Reads the struct of a request if the program passes one, handles it, and copies it back if the
/// request does so.
pub(crate) fn answer<T: FromBytes + IntoBytes + Immutable>(
    request: &Request,
    arg: &[u8],
    out: &mut Vec<u8>,
    handle: impl FnOnce(&mut T) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut info = if direction(request.code) & WRITE != 0 {
        let given = T::read_from_prefix(arg);
        given.map_err(|_| Error::new(Errno::EFAULT, "the argument is incomplete"))?.0
    } else {
        T::new_zeroed()
    };
    handle(&mut info)?;
    if request.copies_back {
        out.extend_from_slice(info.as_bytes());
    }
    Ok(())
}

/// Handles a request by a device's table. On success `out` has what is copied back.
pub(crate) fn handle<D, C>(
    table: &[Entry<D, C>],
    device: &mut D,
    caller: C,
    (code, compat): (u32, bool),
    arg: &[u8],
    out: &mut Vec<u8>,
) -> Result<usize, Error> {
    let known = table
        .iter()
        .find(|entry| entry.request.code == code && entry.request.callers.include(compat));
    let Entry { request, answer } = known.ok_or(Error::new(Errno::ENOTTY, "no such request"))?;
    answer(request, device, caller, arg, out)?;
    Ok(0)
}
