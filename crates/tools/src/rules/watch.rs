//! Watches the files of rules.

use super::RulesArgs;
use crate::rule_files;
use rustix::fs::inotify;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Bytes for what inotify tells. More is read in the next round.
const CHANGES: usize = 4096;

/// What tells of changes. Without inotify, SIGHUP is left.
pub(super) struct Watch(pub(super) Option<OwnedFd>);

impl Watch {
    /// Watches the folders of the files. In the place of a folder that does not exist, the nearest one above it tells that
    /// it has come.
    pub(super) fn new(args: &RulesArgs) -> Self {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        let (Ok(watch), Ok(folders)) = (inotify::init(flags), rule_files::folders(&args.rules))
        else {
            return Self(None);
        };
        let inside = inotify::WatchFlags::CLOSE_WRITE
            | inotify::WatchFlags::MOVED_TO
            | inotify::WatchFlags::MOVED_FROM
            | inotify::WatchFlags::DELETE
            | inotify::WatchFlags::DELETE_SELF
            | inotify::WatchFlags::MASK_ADD;
        let come = inotify::WatchFlags::CREATE
            | inotify::WatchFlags::MOVED_TO
            | inotify::WatchFlags::ONLYDIR
            | inotify::WatchFlags::MASK_ADD;
        for folder in folders {
            if inotify::add_watch(&watch, &folder, inside).is_ok() {
                continue;
            }
            let mut above = folder.ancestors().skip(1).filter(|it| *it != Path::new(""));
            let _none = above.find(|above| inotify::add_watch(&watch, *above, come).is_ok());
        }
        Self(Some(watch))
    }

    /// Reads what inotify tells, and returns whether it may be about a file of rules.
    pub(super) fn has_changed(&self) -> bool {
        let Some(watch) = &self.0 else { return false };
        let mut buffer = [const { MaybeUninit::uninit() }; CHANGES];
        let mut reader = inotify::Reader::new(watch, &mut buffer);
        let mut changed = false;
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|name| name.to_string_lossy().into_owned());
            // Editors write other files beside.
            changed |= name.is_none_or(|name| !name.ends_with('~') && !name.starts_with('.'));
        }
        changed
    }
}
