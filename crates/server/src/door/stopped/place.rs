//! Our places: device files, texts of `/proc/asound`, and the directories that they are in.

use crate::door::nodes;
use aseqd_engine::Node;
use aseqd_wire::proc_text::ProcText;
use std::path::{Path, PathBuf};

/// A file or directory of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::door) enum Place {
    /// A device file.
    Device(Node),
    /// A text below `/proc/asound`.
    Text(ProcText),
    /// A directory that contains one of these.
    Folder(Folder),
}

/// A directory that contains something of ours. The kernel may have a directory at the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::door) enum Folder {
    /// `/dev`, which the kernel always has too.
    Dev,
    /// `/dev/snd`
    Sound,
    /// `/proc/asound`
    Asound,
    /// `/proc/asound/seq`
    Sequencer,
}

impl Folder {
    pub(in crate::door) const ALL: [Self; 4] =
        [Self::Dev, Self::Sound, Self::Asound, Self::Sequencer];

    pub(in crate::door) const fn path(self) -> &'static str {
        match self {
            Self::Dev => "/dev",
            Self::Sound => "/dev/snd",
            Self::Asound => "/proc/asound",
            Self::Sequencer => "/proc/asound/seq",
        }
    }

    /// Returns whether this is the last component of its path.
    pub(in crate::door) fn is_called(self, name: &[u8]) -> bool {
        self.path().rsplit('/').next().is_some_and(|last| last.as_bytes() == name)
    }

    /// Returns the names of our files and directories in it.
    pub(in crate::door) fn entries(self) -> Vec<(&'static str, Place)> {
        let devices = nodes().iter().map(|(name, node)| (*name, Place::Device(*node)));
        let texts = ProcText::ALL.map(|text| (text.name(), Place::Text(text)));
        match self {
            Self::Dev => vec![("snd", Place::Folder(Self::Sound))],
            Self::Sound => devices.collect(),
            Self::Asound => {
                let above = texts.into_iter().filter(|(name, _)| !name.contains('/'));
                std::iter::once(("seq", Place::Folder(Self::Sequencer))).chain(above).collect()
            }
            Self::Sequencer => {
                let below = texts
                    .into_iter()
                    .filter_map(|(name, place)| Some((name.split_once('/')?.1, place)));
                below.collect()
            }
        }
    }
}

impl Place {
    /// Returns the place at an absolute path without links, `.` and `..`.
    pub(in crate::door) fn at(path: &Path) -> Option<Self> {
        // Most paths lead elsewhere.
        if !path.starts_with("/dev") && !path.starts_with("/proc/asound") {
            return None;
        }
        if let Some(folder) = Folder::ALL.iter().find(|folder| path == Path::new(folder.path())) {
            return Some(Self::Folder(*folder));
        }
        if let Ok(name) = path.strip_prefix("/dev/snd") {
            let node = nodes().iter().find(|(node, _)| name == Path::new(node));
            return node.map(|(_, node)| Self::Device(*node));
        }
        let name = path.strip_prefix("/proc/asound").ok()?;
        ProcText::ALL.into_iter().find(|text| name == Path::new(text.name())).map(Self::Text)
    }

    /// Returns its path.
    pub(in crate::door) fn path(self) -> PathBuf {
        match self {
            Self::Device(node) => {
                let name =
                    nodes().iter().find(|(_, own)| *own == node).map_or("", |(name, _)| name);
                Path::new("/dev/snd").join(name)
            }
            Self::Text(text) => Path::new("/proc/asound").join(text.name()),
            Self::Folder(folder) => folder.path().into(),
        }
    }

    pub(in crate::door) const fn is_file(self) -> bool {
        !matches!(self, Self::Folder(_))
    }

    /// Returns whether this is the last component of the path of a file of ours.
    pub(in crate::door) fn is_name(name: &[u8]) -> bool {
        let texts = ProcText::ALL.map(|text| text.name().rsplit('/').next().unwrap_or_default());
        nodes().iter().any(|(node, _)| name == node.as_bytes())
            || texts.iter().any(|text| name == text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_where_its_path_says() {
        for folder in Folder::ALL {
            assert!(!folder.entries().is_empty());
            for (name, place) in folder.entries() {
                let path = Path::new(folder.path()).join(name);
                assert_eq!(Place::at(&path), Some(place));
                assert_eq!(place.path(), path);
            }
        }
    }
}
