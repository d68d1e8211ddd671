//! Stopped calls with paths: what they ask of which place.

use super::thread::StoppedThreads;
use super::walk::{End, Known, may_lead, walk};
use aseqd_host::memory;
use aseqd_host::seccomp::Notification;
use rustix::fs::{OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Maximum size of a path in bytes, as in the kernel, with the zero at its end.
const PATH_MAX: usize = 4096;

/// How many bytes of a path are read at first. Nearly all paths are shorter, and one read is enough.
const PATH_USUAL: usize = 256;

/// The size of `struct open_how` of `linux/openat2.h`, in bytes: flags, mode, resolve.
const OPEN_HOW_SIZE: usize = 24;

/// The `RESOLVE_*` flags of `openat2`. The kernel refuses others.
const RESOLVE_KNOWN: u64 = 0x3f;

/// What a call asks of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::door) enum Question {
    /// An open with these flags.
    Open(OFlags),
    /// A `struct stat`, to be put at this address.
    Stat(u64),
    /// A `struct statx`, to be put at this address.
    Statx(u64),
    /// Whether the thread may do this, by its real ids or by those that count for opens.
    Access { mode: i32, effective: bool },
    /// The target of a link, at most `size` bytes of it.
    ReadLink { at: u64, size: i32 },
    /// Extended attributes: the list of their names, or the value of one.
    Attributes { list: bool },
    /// A watch of an inotify instance.
    Watch { instance: i32, mask: u32 },
}

/// A question about a place of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::door) struct Asking {
    pub(in crate::door) end: End,
    pub(in crate::door) question: Question,
}

/// A call with a path, as the program has made it.
struct Asked {
    directory: i32,
    path: u64,
    question: Question,
    follow: bool,
    resolve: ResolveFlags,
}

/// Returns what a call asks of a place of ours; `None` if it is about another place, or if its arguments cannot
/// be read: then the kernel fails it.
///
/// # Errors
/// `ENOTDIR` if the path treats a file of ours as a directory.
pub(in crate::door) fn asking(
    call: &Notification,
    threads: &mut StoppedThreads,
    known: &Known<'_>,
) -> Result<Option<Asking>, Errno> {
    let Ok(Some(asked)) = asked(call) else { return Ok(None) };
    let Asked { directory, path, question, mut follow, resolve } = asked;
    let Ok(bytes) = read_path(call.thread, path) else { return Ok(None) };
    let path = Path::new(OsStr::from_bytes(&bytes));
    let create =
        matches!(question, Question::Open(flags) if flags.contains(OFlags::CREATE | OFlags::EXCL));
    follow &= !create;
    let in_root = resolve.contains(ResolveFlags::IN_ROOT);
    if path.is_absolute() && resolve.intersects(ResolveFlags::BENEATH | ResolveFlags::NO_XDEV) {
        return Ok(None);
    }
    if resolve.contains(ResolveFlags::NO_SYMLINKS) {
        follow = false;
    }
    let path = if in_root { path.strip_prefix("/").unwrap_or(path) } else { path };
    // Of /dev itself only opens matter, since listing it shows our directory.
    let only_dev = bytes.ends_with(b"dev") && !matches!(question, Question::Open(_));
    if !may_lead(&bytes) || only_dev {
        return Ok(None);
    }
    let end = walk(threads, call.thread, directory, path, follow, known)?;
    Ok(end.map(|end| Asking { end, question }))
}

/// Reads the arguments of a call with a path; `None` for other calls.
fn asked(call: &Notification) -> Result<Option<Asked>, Errno> {
    let Notification { args, number, .. } = *call;
    let resolve = ResolveFlags::empty();
    let flags = |at: usize| OFlags::from_bits_retain(low(args[at]).cast_unsigned());
    let open = |flags: OFlags| (Question::Open(flags), !flags.contains(OFlags::NOFOLLOW));
    let follows = |at: usize| low(args[at]) & libc::AT_SYMLINK_NOFOLLOW == 0;
    #[cfg(target_arch = "x86_64")]
    {
        let here = |(question, follow)| {
            let path = args[0];
            Ok(Some(Asked { directory: libc::AT_FDCWD, path, question, follow, resolve }))
        };
        match number {
            libc::SYS_open => return here(open(flags(1))),
            libc::SYS_creat => {
                return here(open(OFlags::CREATE | OFlags::WRONLY | OFlags::TRUNC));
            }
            libc::SYS_stat => return here((Question::Stat(args[1]), true)),
            libc::SYS_lstat => return here((Question::Stat(args[1]), false)),
            libc::SYS_access => {
                let (mode, effective) = (low(args[1]), false);
                return here((Question::Access { mode, effective }, true));
            }
            libc::SYS_readlink => {
                let (at, size) = (args[1], low(args[2]));
                return here((Question::ReadLink { at, size }, false));
            }
            _ => {}
        }
    }
    let (mut directory, mut path) = (low(args[0]), args[1]);
    let mut here = |at: usize| (directory, path) = (libc::AT_FDCWD, args[at]);
    let (question, follow) = match number {
        libc::SYS_openat => open(flags(2)),
        libc::SYS_openat2 => return asked_openat2(call),
        libc::SYS_newfstatat => (Question::Stat(args[2]), follows(3)),
        libc::SYS_statx => (Question::Statx(args[4]), follows(2)),
        libc::SYS_faccessat => (Question::Access { mode: low(args[2]), effective: false }, true),
        libc::SYS_faccessat2 => {
            let known = libc::AT_EACCESS | libc::AT_SYMLINK_NOFOLLOW | libc::AT_EMPTY_PATH;
            if low(args[3]) & !known != 0 {
                return Ok(None);
            }
            let effective = low(args[3]) & libc::AT_EACCESS != 0;
            (Question::Access { mode: low(args[2]), effective }, follows(3))
        }
        libc::SYS_readlinkat => (Question::ReadLink { at: args[2], size: low(args[3]) }, false),
        libc::SYS_getxattr | libc::SYS_lgetxattr | libc::SYS_listxattr | libc::SYS_llistxattr => {
            here(0);
            let list = number == libc::SYS_listxattr || number == libc::SYS_llistxattr;
            let follow = number == libc::SYS_listxattr || number == libc::SYS_getxattr;
            (Question::Attributes { list }, follow)
        }
        libc::SYS_inotify_add_watch => {
            here(1);
            let (instance, mask) = (low(args[0]), low(args[2]).cast_unsigned());
            (Question::Watch { instance, mask }, mask & libc::IN_DONT_FOLLOW == 0)
        }
        _ => return Ok(None),
    };
    Ok(Some(Asked { directory, path, question, follow, resolve }))
}

/// Reads the arguments of an openat2; `None` if the kernel will refuse them.
fn asked_openat2(call: &Notification) -> Result<Option<Asked>, Errno> {
    let [directory, path, at, size, ..] = call.args;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut how = vec![0; size.min(PATH_MAX)];
    if !(OPEN_HOW_SIZE..=PATH_MAX).contains(&size)
        || memory::read(call.thread, at, &mut how)? != size
        || how[OPEN_HOW_SIZE..].iter().any(|byte| *byte != 0)
    {
        return Ok(None);
    }
    let word = |at: usize| how[at..].first_chunk().map_or(0, |word| u64::from_ne_bytes(*word));
    let (all, mode, resolve) = (word(0), word(8), word(16));
    let flags = OFlags::from_bits_retain(low(all).cast_unsigned());
    let creates = flags.intersects(OFlags::CREATE | (OFlags::TMPFILE - OFlags::DIRECTORY));
    let of_paths = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if all > u32::MAX.into()
        || !creates && mode != 0
        || resolve & !RESOLVE_KNOWN != 0
        || flags.contains(OFlags::PATH) && !of_paths.contains(flags)
    {
        return Ok(None);
    }
    Ok(Some(Asked {
        directory: low(directory),
        path,
        question: Question::Open(flags),
        follow: !flags.contains(OFlags::NOFOLLOW),
        resolve: ResolveFlags::from_bits_retain(resolve),
    }))
}

/// Returns the low half of an argument, where it is a descriptor or flags.
#[expect(clippy::cast_possible_truncation, reason = "the kernel takes the low half too")]
pub(in crate::door) const fn low(argument: u64) -> i32 {
    argument as i32
}

/// Reads a path of the thread, up to its zero.
fn read_path(thread: i32, at: u64) -> Result<Vec<u8>, Errno> {
    let mut path = vec![0; PATH_USUAL];
    let mut have = 0;
    loop {
        let read = memory::read(thread, at + have as u64, &mut path[have..])?;
        if let Some(end) = path[have..have + read].iter().position(|byte| *byte == 0) {
            path.truncate(have + end);
            return Ok(path);
        }
        have += read;
        if have < path.len() || have >= PATH_MAX {
            return Err(Errno::FAULT);
        }
        path.resize(PATH_MAX, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::stopped::place::Place;
    use aseqd_engine::Node;

    fn call<const N: usize>(number: libc::c_long, arguments: [u64; N]) -> Notification {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        let mut args = [0; 6];
        args[..N].copy_from_slice(&arguments);
        Notification { id: 1, thread, number, args }
    }

    fn ask<const N: usize>(number: libc::c_long, arguments: [u64; N]) -> Option<Asking> {
        asking(&call(number, arguments), &mut StoppedThreads::default(), &|_| None).unwrap()
    }

    const SEQ: End = End::Place(Place::Device(Node::Sequencer));

    #[test]
    fn calls_are_read_from_the_memory_of_the_thread() {
        let path = c"/dev/snd/seq";
        let at_cwd = i64::from(libc::AT_FDCWD).cast_unsigned();
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let wanted = Some(Asking { end: SEQ, question: Question::Open(flags) });
        let at = path.as_ptr().addr() as u64;
        assert_eq!(ask(libc::SYS_openat, [at_cwd, at, flags.bits().into()]), wanted);
        let how = [u64::from(flags.bits()), 0, 0, 0, 1];
        let how = |size: u64| [at_cwd, at, how.as_ptr().addr() as u64, size];
        assert_eq!(ask(libc::SYS_openat2, how(24)), wanted);
        assert_eq!(ask(libc::SYS_openat2, how(32)), wanted);
        for refused in [8, 40, u64::MAX] {
            assert_eq!(ask(libc::SYS_openat2, how(refused)), None, "{refused}");
        }
        // From a directory, by a way that leads up.
        let proc = std::fs::File::open("/proc/self").unwrap();
        let directory = u64::from(std::os::fd::AsRawFd::as_raw_fd(&proc).cast_unsigned());
        let path = c"../../dev/snd/timer";
        let found = ask(libc::SYS_openat, [directory, path.as_ptr().addr() as u64, 0]);
        assert_eq!(found.map(|asking| asking.end), Some(End::Place(Place::Device(Node::Timer))));
        // A bad address is the kernel's to refuse.
        assert_eq!(ask(libc::SYS_openat, [at_cwd, 8, 0]), None);
    }

    #[test]
    fn a_long_path_is_read_to_its_end() {
        let mut path = b"/".repeat(1000);
        path.extend_from_slice(b"dev/snd/seq\0");
        let at_cwd = i64::from(libc::AT_FDCWD).cast_unsigned();
        let found = ask(libc::SYS_openat, [at_cwd, path.as_ptr().addr() as u64, 0]);
        assert_eq!(found.map(|asking| asking.end), Some(SEQ));
    }
}
