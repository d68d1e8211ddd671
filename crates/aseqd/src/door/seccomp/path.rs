//! What a call that opens a file is about to open.

use super::target::Targets;
use crate::asound::Text;
use crate::door::NODES;
use crate::sys::memory;
use crate::sys::seccomp::Notification;
use engine::Node;
use rustix::fs::{OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// The longest path that the kernel takes, with its end.
const PATH_MAX: usize = 4096;

/// How much of a path is read at first: nearly all are shorter.
const PATH_USUAL: usize = 256;

/// A file of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// A device file.
    Device(Node),
    /// A text below `/proc/asound`.
    Text(Text),
}

/// An open of a file of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) goal: Goal,
    pub(super) flags: OFlags,
}

/// A call that opens something, as the program made it.
struct Asked {
    directory: i32,
    path: u64,
    flags: OFlags,
    resolve: ResolveFlags,
}

/// Is this call about to open a file of ours? What cannot be read is not: the kernel will say why.
pub(super) fn opening(call: &Notification, targets: &mut Targets) -> Option<Opening> {
    let asked = asked(call).ok()??;
    let path = read_path(call.thread, asked.path).ok()?;
    let path = Path::new(OsStr::from_bytes(&path));
    // Nearly all paths are sorted out by their last name, without a look at where the thread is.
    if !is_name(path.file_name()?) {
        return None;
    }
    let goal = goal(&whole(call.thread, &asked, path, targets).ok()?)?;
    Some(Opening { goal, flags: asked.flags })
}

/// Is this call one that opens files?
fn asked(call: &Notification) -> Result<Option<Asked>, Errno> {
    let Notification { args, number, thread, .. } = *call;
    let resolve = ResolveFlags::empty();
    let flags = |at: usize| OFlags::from_bits_retain(low(args[at]).cast_unsigned());
    #[cfg(target_arch = "x86_64")]
    {
        let directory = libc::AT_FDCWD;
        let path = args[0];
        if number == libc::SYS_open {
            return Ok(Some(Asked { directory, path, flags: flags(1), resolve }));
        }
        if number == libc::SYS_creat {
            let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::TRUNC;
            return Ok(Some(Asked { directory, path, flags, resolve }));
        }
    }
    let (directory, path) = (low(args[0]), args[1]);
    if number == libc::SYS_openat {
        return Ok(Some(Asked { directory, path, flags: flags(2), resolve }));
    }
    if number == libc::SYS_openat2 {
        // struct open_how: flags, mode, resolve.
        let mut how = [0; 24];
        if memory::read(thread, args[2], &mut how)? != how.len() {
            return Err(Errno::FAULT);
        }
        let word = |at: usize| how[at..].first_chunk().map_or(0, |word| u64::from_ne_bytes(*word));
        let flags = OFlags::from_bits_retain(low(word(0)).cast_unsigned());
        let resolve = ResolveFlags::from_bits_retain(word(16));
        return Ok(Some(Asked { directory, path, flags, resolve }));
    }
    Ok(None)
}

/// A descriptor, or flags: the low half of an argument.
#[expect(clippy::cast_possible_truncation, reason = "the kernel, too, takes the low half")]
pub(super) const fn low(argument: u64) -> i32 {
    argument as i32
}

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

/// The path from the root of this process.
fn whole(thread: i32, asked: &Asked, path: &Path, targets: &mut Targets) -> Result<PathBuf, Errno> {
    let mut directory = |number: i32| {
        if number == libc::AT_FDCWD {
            targets.link(thread, "cwd")
        } else {
            targets.link(thread, &format!("fd/{number}"))
        }
    };
    if asked.resolve.contains(ResolveFlags::IN_ROOT) {
        let inside = path.strip_prefix("/").unwrap_or(path);
        return Ok(directory(asked.directory)?.join(inside));
    }
    if path.is_absolute() {
        let root = targets.link(thread, "root")?;
        return Ok(root.join(path.strip_prefix("/").unwrap_or(path)));
    }
    Ok(directory(asked.directory)?.join(path))
}

/// The last names of our files.
fn is_name(name: &OsStr) -> bool {
    let texts = Text::ALL.map(|text| text.name().rsplit('/').next().unwrap_or_default());
    NODES.iter().any(|(node, _)| name == *node) || texts.iter().any(|text| name == *text)
}

fn goal(path: &Path) -> Option<Goal> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            component => plain.push(component),
        }
    }
    if let Ok(name) = plain.strip_prefix("/dev/snd") {
        let node = NODES.iter().find(|(node, _)| name == Path::new(node));
        return node.map(|(_, node)| Goal::Device(*node));
    }
    let name = plain.strip_prefix("/proc/asound").ok()?;
    let text = Text::ALL.into_iter().find(|text| name == Path::new(text.name()));
    text.map(Goal::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_files_of_ours() {
        let device = |node| Some(Goal::Device(node));
        for (path, wanted) in [
            ("/dev/snd/seq", device(Node::Sequencer)),
            ("/dev/snd/timer", device(Node::Timer)),
            ("/dev/snd/../snd/./seq", device(Node::Sequencer)),
            ("/dev//snd/seq", device(Node::Sequencer)),
            ("/proc/asound/seq/clients", Some(Goal::Text(Text::Clients))),
            ("/proc/asound/seq/timer", Some(Goal::Text(Text::QueueTimers))),
            ("/proc/asound/timers", Some(Goal::Text(Text::Timers))),
            ("/dev/snd/controlC0", None),
            ("/dev/seq", None),
            ("/home/dev/snd/seq", None),
            ("/proc/asound/seq", None),
            ("/dev/snd/seq/timer", None),
            ("seq", None),
        ] {
            assert_eq!(goal(Path::new(path)), wanted, "{path}");
        }
    }

    fn call(number: libc::c_long, args: [u64; 3]) -> Notification {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        let [first, second, third] = args;
        Notification { id: 1, thread, number, args: [first, second, third, 0, 0, 0] }
    }

    #[test]
    fn calls_are_read_from_the_memory_of_the_thread() {
        let mut targets = Targets::default();
        let path = c"/dev/snd/seq";
        let at_cwd = i64::from(libc::AT_FDCWD).cast_unsigned();
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let args = [at_cwd, path.as_ptr().addr() as u64, flags.bits().into()];
        let found = opening(&call(libc::SYS_openat, args), &mut targets);
        assert_eq!(found, Some(Opening { goal: Goal::Device(Node::Sequencer), flags }));
        let how = [u64::from(flags.bits()), 0, 0];
        let args = [at_cwd, path.as_ptr().addr() as u64, how.as_ptr().addr() as u64];
        let found = opening(&call(libc::SYS_openat2, args), &mut targets);
        assert_eq!(found, Some(Opening { goal: Goal::Device(Node::Sequencer), flags }));
        // From a directory, by a way that leads up.
        let proc = std::fs::File::open("/proc/self").unwrap();
        let directory = u64::from(std::os::fd::AsRawFd::as_raw_fd(&proc).cast_unsigned());
        let path = c"../../dev/snd/timer";
        let args = [directory, path.as_ptr().addr() as u64, 0];
        let found = opening(&call(libc::SYS_openat, args), &mut targets).map(|open| open.goal);
        assert_eq!(found, Some(Goal::Device(Node::Timer)));
        // A bad address is the kernel's to refuse.
        assert_eq!(opening(&call(libc::SYS_openat, [at_cwd, 8, 0]), &mut targets), None);
    }

    #[test]
    fn a_long_path_is_read_to_its_end() {
        let mut path = b"/".repeat(1000);
        path.extend_from_slice(b"dev/snd/seq\0");
        let at_cwd = i64::from(libc::AT_FDCWD).cast_unsigned();
        let args = [at_cwd, path.as_ptr().addr() as u64, 0];
        let found = opening(&call(libc::SYS_openat, args), &mut Targets::default());
        assert_eq!(found.map(|open| open.goal), Some(Goal::Device(Node::Sequencer)));
    }
}
