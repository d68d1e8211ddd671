//! Follows paths of programs to our places: through symbolic links, `..`, directories that only we have, and
//! the names that procfs has for descriptors.

use super::identity::Identity;
use super::place::{Folder, Place};
use super::thread::StoppedThreads;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// Maximum number of symbolic links on the way, as in the kernel.
const MAX_LINKS: usize = 40;

/// The end of a path that leads to a place of ours, or through one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::door) enum End {
    /// A place of ours.
    Place(Place),
    /// The name in procfs of a descriptor of a place of ours, where the call does not follow links.
    Link(Place),
    /// This path of the kernel's, reached through a directory that only we have: `/dev/snd/..` is `/dev`.
    Around(PathBuf),
}

/// Returns the place of ours that a program's open file is, if any.
pub(in crate::door) type Known<'a> = dyn Fn(Identity) -> Option<Place> + 'a;

/// Follows a path of a thread from a directory, given as its descriptor or `AT_FDCWD`. Returns `None` if the
/// path does not lead to a place of ours, so that the kernel handles it.
///
/// # Errors
/// `ENOTDIR` if the path treats a file of ours as a directory.
pub(in crate::door) fn walk(
    threads: &mut StoppedThreads,
    thread: i32,
    directory: i32,
    path: &Path,
    follow: bool,
    known: &Known<'_>,
) -> Result<Option<End>, Errno> {
    let start = if path.is_absolute() {
        Some(PathBuf::from("/"))
    } else {
        start(threads, thread, directory, known)
    };
    // In a root directory of its own a program does not see our places.
    let rooted = || threads.link(thread, "root").is_ok_and(|root| root == Path::new("/"));
    let (Some(at), true) = (start, { rooted }()) else { return Ok(None) };
    let mut pending = VecDeque::new();
    prepend(&mut pending, path);
    Walk { threads, thread, known, at, pending, links: 0, around: false }.run(follow)
}

/// Returns the directory where a path begins.
fn start(
    threads: &mut StoppedThreads,
    thread: i32,
    directory: i32,
    known: &Known<'_>,
) -> Option<PathBuf> {
    if directory == libc::AT_FDCWD {
        return threads.link(thread, "cwd").ok();
    }
    match known(threads.file(thread, directory).ok()?) {
        Some(place) => Some(place.path()),
        None => {
            let name = format!("fd/{directory}");
            threads.link(thread, &name).ok().filter(|path| path.is_absolute())
        }
    }
}

struct Walk<'a> {
    threads: &'a mut StoppedThreads,
    thread: i32,
    known: &'a Known<'a>,
    at: PathBuf,
    pending: VecDeque<OsString>,
    links: usize,
    /// Whether the path has left a directory that only we have, by `..`.
    around: bool,
}

impl Walk<'_> {
    fn run(mut self, follow: bool) -> Result<Option<End>, Errno> {
        while let Some(name) = self.pending.pop_front() {
            // A file contains nothing, not even `.`.
            if Place::at(&self.at).is_some_and(Place::is_file) {
                return Err(Errno::NOTDIR);
            }
            match name.as_encoded_bytes() {
                b"." | b"" => continue,
                b".." => {
                    self.around |= Place::at(&self.at).is_some()
                        && self.threads.peek(self.thread, &self.at).is_err();
                    self.at.pop();
                    continue;
                }
                _ => {}
            }
            let next = self.at.join(&name);
            if Place::at(&next).is_some() {
                self.at = next;
            } else if self.at == Path::new("/proc") && name == *"self" {
                self.at = self.own_process();
            } else if self.at == Path::new("/proc") && name == *"thread-self" {
                self.at = self.own_process().join("task").join(self.thread.to_string());
            } else if is_descriptor(&next) {
                let identity = self.threads.descriptor(self.thread, &next);
                let Some(place) = identity.ok().and_then(self.known) else { return Ok(None) };
                if self.pending.is_empty() && !follow {
                    return Ok(Some(End::Link(place)));
                }
                self.at = place.path();
            } else if !self.enter(next, follow) {
                return Ok(None);
            }
        }
        Ok(match Place::at(&self.at) {
            Some(Place::Folder(Folder::Dev)) if self.around => Some(End::Around(self.at)),
            Some(place) => Some(End::Place(place)),
            None => self.around.then_some(End::Around(self.at)),
        })
    }

    /// Goes to a file of the kernel's, or to the target of a link. Returns whether the path can go on.
    fn enter(&mut self, next: PathBuf, follow: bool) -> bool {
        if self.pending.is_empty() && !follow {
            self.at = next;
            return true;
        }
        let peeked = match self.threads.peek(self.thread, &next) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => return false,
            peeked => peeked.ok(),
        };
        // A file that cannot be looked at without waiting counts as no link.
        let Some(target) = peeked.and_then(|peeked| self.threads.link_target(&peeked)) else {
            self.at = next;
            return true;
        };
        self.links += 1;
        if target.is_absolute() {
            self.at = PathBuf::from("/");
        }
        prepend(&mut self.pending, &target);
        self.links <= MAX_LINKS
    }

    fn own_process(&mut self) -> PathBuf {
        Path::new("/proc").join(self.threads.process(self.thread).to_string())
    }
}

/// Puts the components of a path in front of the pending ones. A path that ends with a slash asks for a
/// directory, like one that ends with a dot.
fn prepend(pending: &mut VecDeque<OsString>, path: &Path) {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.ends_with(b"/") || bytes.ends_with(b"/.") {
        pending.push_front(".".into());
    }
    for component in path.components().rev() {
        match component {
            Component::Normal(name) => pending.push_front(name.into()),
            Component::ParentDir => pending.push_front("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
}

/// Returns whether this is the name of a descriptor in procfs: `/proc/1/fd/2` or `/proc/1/task/3/fd/2`.
fn is_descriptor(path: &Path) -> bool {
    let is_number =
        |name: &OsStr| !name.is_empty() && name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
    let mut parts = path.iter().skip(1);
    if parts.next() != Some(OsStr::new("proc")) || !parts.next().is_some_and(is_number) {
        return false;
    }
    let mut next = parts.next();
    if next == Some(OsStr::new("task")) && parts.next().is_some_and(is_number) {
        next = parts.next();
    }
    next == Some(OsStr::new("fd")) && parts.next().is_some_and(is_number) && parts.next().is_none()
}

/// Returns whether a path may lead to a place of ours, by its last component alone. This excludes nearly all
/// paths of programs cheaply, and with them symbolic links of other names that lead to us.
pub(in crate::door) fn may_lead(path: &[u8]) -> bool {
    let trimmed = path.iter().rposition(|byte| *byte != b'/').map_or(&[][..], |end| &path[..=end]);
    let last = trimmed.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    match last {
        b"" => false,
        b"." | b".." => true,
        last if last.iter().all(u8::is_ascii_digit) => {
            trimmed.strip_suffix(last).is_some_and(|folder| folder.ends_with(b"fd/"))
        }
        last => Place::is_name(last) || Folder::ALL.iter().any(|folder| folder.is_called(last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_engine::Node;
    use aseqd_wire::proc_text::ProcText;

    fn find(directory: i32, path: &str, follow: bool) -> Result<Option<End>, Errno> {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        walk(&mut StoppedThreads::default(), thread, directory, Path::new(path), follow, &|_| None)
    }

    fn device(node: Node) -> Result<Option<End>, Errno> {
        Ok(Some(End::Place(Place::Device(node))))
    }

    #[test]
    fn paths_lead_to_places_of_ours() {
        let text = |text| Ok(Some(End::Place(Place::Text(text))));
        let folder = |folder| Ok(Some(End::Place(Place::Folder(folder))));
        for (path, wanted) in [
            ("/dev/snd/seq", device(Node::Sequencer)),
            ("/dev/snd/timer", device(Node::Timer)),
            ("/dev/snd/../snd/./seq", device(Node::Sequencer)),
            ("/dev//snd/seq", device(Node::Sequencer)),
            ("/proc/../dev/snd/seq", device(Node::Sequencer)),
            ("/dev/snd", folder(Folder::Sound)),
            ("/dev/snd/", folder(Folder::Sound)),
            ("/proc/asound/seq", folder(Folder::Sequencer)),
            ("/proc/asound/seq/clients", text(ProcText::Clients)),
            ("/proc/asound/seq/timer", text(ProcText::QueueTimers)),
            ("/proc/asound/timers", text(ProcText::Timers)),
            ("/dev/snd/seq/", Err(Errno::NOTDIR)),
            ("/dev/snd/seq/.", Err(Errno::NOTDIR)),
            ("/dev/snd/seq/..", Err(Errno::NOTDIR)),
            ("/dev/snd/seq/timer", Err(Errno::NOTDIR)),
            ("/nonexistent/../dev/snd/seq", Ok(None)),
            ("/dev/snd/controlC0", Ok(None)),
            ("/dev/seq", Ok(None)),
            ("/home/dev/snd/seq", Ok(None)),
            ("seq", Ok(None)),
        ] {
            assert_eq!(find(libc::AT_FDCWD, path, true), wanted, "{path}");
        }
        // Where the kernel has the directory, it is the kernel's way.
        let around = if Path::new("/dev/snd").exists() {
            folder(Folder::Dev)
        } else {
            Ok(Some(End::Around("/dev".into())))
        };
        assert_eq!(find(libc::AT_FDCWD, "/dev/snd/..", true), around);
        let dev = std::fs::File::open("/dev").unwrap();
        let dev = std::os::fd::AsRawFd::as_raw_fd(&dev);
        assert_eq!(find(dev, "snd/seq", true), device(Node::Sequencer));
    }

    #[test]
    fn links_are_followed_if_they_are_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let link = |name: &str, target: &str| {
            let path = folder.path().join(name);
            std::os::unix::fs::symlink(target, &path).unwrap();
            path.into_os_string().into_string().unwrap()
        };
        let file = link("file", "/dev/snd/seq");
        let again = link("again", "./file");
        let directory = link("directory", "/dev/snd");
        let ring = link("ring", "ring");
        assert_eq!(find(libc::AT_FDCWD, &file, true), device(Node::Sequencer));
        assert_eq!(find(libc::AT_FDCWD, &again, true), device(Node::Sequencer));
        assert_eq!(find(libc::AT_FDCWD, &again, false), Ok(None));
        assert_eq!(find(libc::AT_FDCWD, &ring, true), Ok(None));
        let below = format!("{directory}/timer");
        assert_eq!(find(libc::AT_FDCWD, &below, false), device(Node::Timer));
    }

    #[test]
    fn descriptors_have_names_in_procfs() {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        let known = |_| Some(Place::Device(Node::Timer));
        let mut threads = StoppedThreads::default();
        let mut find = |path: &str, follow| {
            walk(&mut threads, thread, libc::AT_FDCWD, Path::new(path), follow, &known)
        };
        for path in ["/proc/self/fd/0", "/proc/thread-self/fd/0", "/dev/fd/0"] {
            assert_eq!(find(path, true), device(Node::Timer), "{path}");
            assert_eq!(find(path, false), Ok(Some(End::Link(Place::Device(Node::Timer)))));
        }
        assert_eq!(find("/proc/self/fd/12345", true), Ok(None));
    }

    #[test]
    fn most_paths_do_not_look_like_ours() {
        for (path, wanted) in [
            ("/dev/snd/seq", true),
            ("timers", true),
            ("..", true),
            ("/dev/snd///", true),
            ("/proc/self/fd/9", true),
            ("/dev", true),
            ("/proc/1234", false),
            ("/etc/passwd", false),
            ("/", false),
            ("", false),
        ] {
            assert_eq!(may_lead(path.as_bytes()), wanted, "{path}");
        }
    }
}
