//! Stack traces: addresses when they are taken, functions with file and line when they are printed.
//!
//! The printed form is the kernel's: `function+0x1b/0x60 file:line`, and `function file:line [inline]` for inlined
//! functions. Frames of the validators are left out, so that the first one is the caller's.

use std::sync::Arc;

use crate::frame::Frame;
use crate::symbols::{self, Modules};

/// Maximum number of frames. Deeper stacks are cut.
pub(crate) const MAX_FRAMES: usize = 64;

/// A stack of this process, or what another process wrote about one.
#[derive(Clone, Debug)]
pub(crate) enum Trace {
    Here(Arc<[usize]>),
    Frames(Arc<[Frame]>),
}

impl Trace {
    /// Takes the current stack.
    pub(crate) fn here() -> Self {
        let mut addresses = [0; MAX_FRAMES];
        let count = addresses_here(&mut addresses);
        Self::Here(addresses[..count].into())
    }

    pub(crate) fn of_addresses(addresses: &[usize]) -> Self {
        Self::Here(addresses.into())
    }

    pub(crate) fn of_frames(frames: Vec<Frame>) -> Self {
        Self::Frames(frames.into())
    }

    /// Returns the frames, innermost first.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        let addresses = match self {
            Self::Here(addresses) => addresses,
            Self::Frames(frames) => return frames.to_vec(),
        };
        let own = addresses.iter().filter(|&&address| address != 0);
        let modules = Modules::now();
        let mut frames: Vec<Frame> =
            own.flat_map(|&address| symbols::resolve(&modules, address)).collect();
        // The validators' own frames come first, and then the library's function that called them.
        let foreign = |frame: &Frame| !frame.is_of_validator() && !frame.is_of_library();
        let start = frames.iter().position(foreign).unwrap_or_else(|| {
            frames.iter().rposition(Frame::is_of_validator).map_or(0, |last| last + 1)
        });
        let glue = frames[start..].iter().position(|frame| !frame.is_drop_glue()).unwrap_or(0);
        let start = start + glue;
        let end = frames.iter().position(Frame::is_runtime).unwrap_or(frames.len()).max(start);
        let end = frames[..end].iter().rposition(foreign).map_or(end, |last| last + 1).max(start);
        frames.truncate(end);
        frames.drain(..start);
        frames.retain(|frame| !frame.is_between());
        frames
    }
}

/// Writes the return addresses of the current stack and returns how many there are. This is async-signal-safe as
/// far as the unwinder is.
pub(crate) fn addresses_here(addresses: &mut [usize; MAX_FRAMES]) -> usize {
    let mut count = 0;
    crate::unwind::walk(|address, _| {
        addresses[count] = address;
        count += 1;
        count < MAX_FRAMES
    });
    count
}
