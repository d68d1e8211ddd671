//! Opens what is at one of our paths: a device, a text or a folder.

use crate::paths::{Place, StandIn};
use crate::sys::{self, Outcome};
use crate::{file, hints, proc_text};
use aseqd_wire::preload::node;
use libc::c_int;

/// Opens what is at one of our paths.
pub(crate) fn open(place: Place, flags: c_int) -> Outcome<c_int> {
    if let Place::Folder(_) = place {
        return folder(place, flags);
    }
    if flags & libc::O_DIRECTORY != 0 {
        return Err(libc::ENOTDIR);
    }
    if flags & libc::O_CREAT != 0 && flags & libc::O_EXCL != 0 {
        return Err(libc::EEXIST);
    }
    let number = match place {
        Place::Sequencer => node::SEQUENCER,
        Place::Timer => node::TIMER,
        Place::Control => node::CONTROL,
        Place::Text(number) => return proc_text::open(number, flags),
        Place::Folder(_) => return Err(libc::EISDIR),
    };
    let fd = file::device(number, flags)?;
    file::seen();
    hints::changed(fd);
    Ok(fd)
}

/// Opens the stand-in of a folder or, with `O_PATH`, of a text.
pub(crate) fn folder(place: Place, flags: c_int) -> Outcome<c_int> {
    let writes = flags & libc::O_ACCMODE != libc::O_RDONLY || flags & libc::O_CREAT != 0;
    if writes && flags & libc::O_PATH == 0 {
        return Err(libc::EISDIR);
    }
    let stands_in = StandIn::of(place).ok_or(libc::ENOENT)?;
    sys::open(stands_in.path(), flags)
}
