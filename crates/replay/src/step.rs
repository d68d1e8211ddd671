//! Inputs of an engine with their times, owned: what a recording consists of.

use aseqd_engine::{Access, Call, FileId, Identity, Input, Node, Time};

/// One input, and when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it happened.
    pub at: Time,
    /// What happened.
    pub action: Action,
}

/// An input that owns its bytes: see [`Input`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of Input and Call")]
pub enum Action {
    /// A program opens a file.
    Open { node: Node, access: Access, pid: i32 },
    /// The server opens a client of kernel type.
    OpenKernel { access: Access, number: Option<u8>, card: i32, name: String },
    /// An ioctl.
    Ioctl { file: FileId, request: u32, compat: bool, arg: Vec<u8> },
    /// A read.
    Read { file: FileId, len: usize, nonblock: bool },
    /// A write.
    Write { file: FileId, data: Vec<u8>, nonblock: bool },
    /// A poll.
    Poll { file: FileId },
    /// The thread of the next call.
    Thread { file: FileId, thread: i32 },
    /// A file becomes that of a new user-driven timer.
    BecomeUserTimer { file: FileId, resolution: u64 },
    /// A file is closed.
    Close { file: FileId },
    /// Time passes.
    Timeout,
}

impl Step {
    /// Returns a step that owns a copy of an input.
    #[must_use]
    pub fn of(at: Time, input: Input<'_>) -> Self {
        Self { at, action: Action::of(input) }
    }
}

impl Action {
    /// Returns a copy of an input.
    #[must_use]
    pub fn of(input: Input<'_>) -> Self {
        match input {
            Input::Open { node, access, identity: Identity::User { pid } } => {
                Self::Open { node, access, pid }
            }
            Input::Open { access, identity: Identity::Kernel { number, card, name }, .. } => {
                Self::OpenKernel { access, number, card, name: name.to_owned() }
            }
            Input::Call { file, call } => match call {
                Call::Ioctl { request, compat, arg } => {
                    Self::Ioctl { file, request, compat, arg: arg.to_vec() }
                }
                Call::Read { len, nonblock } => Self::Read { file, len, nonblock },
                Call::Write { data, nonblock } => {
                    Self::Write { file, data: data.to_vec(), nonblock }
                }
                Call::Poll => Self::Poll { file },
            },
            Input::Thread { file, thread } => Self::Thread { file, thread },
            Input::BecomeUserTimer { file, resolution } => {
                Self::BecomeUserTimer { file, resolution }
            }
            Input::Close { file } => Self::Close { file },
            Input::Timeout => Self::Timeout,
        }
    }

    /// Returns the input.
    #[must_use]
    pub fn input(&self) -> Input<'_> {
        let call = |file: &FileId, call| Input::Call { file: *file, call };
        match self {
            Self::Open { node, access, pid } => {
                let identity = Identity::User { pid: *pid };
                Input::Open { node: *node, access: *access, identity }
            }
            Self::OpenKernel { access, number, card, name } => {
                let identity = Identity::Kernel { number: *number, card: *card, name };
                Input::Open { node: Node::Sequencer, access: *access, identity }
            }
            Self::Ioctl { file, request, compat, arg } => {
                call(file, Call::Ioctl { request: *request, compat: *compat, arg })
            }
            Self::Read { file, len, nonblock } => {
                call(file, Call::Read { len: *len, nonblock: *nonblock })
            }
            Self::Write { file, data, nonblock } => {
                call(file, Call::Write { data, nonblock: *nonblock })
            }
            Self::Poll { file } => call(file, Call::Poll),
            Self::Thread { file, thread } => Input::Thread { file: *file, thread: *thread },
            Self::BecomeUserTimer { file, resolution } => {
                Input::BecomeUserTimer { file: *file, resolution: *resolution }
            }
            Self::Close { file } => Input::Close { file: *file },
            Self::Timeout => Input::Timeout,
        }
    }

    /// Returns the file that the input is about, if it is about one that is open.
    #[must_use]
    pub const fn file(&self) -> Option<FileId> {
        match self {
            Self::Open { .. } | Self::OpenKernel { .. } | Self::Timeout => None,
            Self::Ioctl { file, .. }
            | Self::Read { file, .. }
            | Self::Write { file, .. }
            | Self::Poll { file }
            | Self::Thread { file, .. }
            | Self::BecomeUserTimer { file, .. }
            | Self::Close { file } => Some(*file),
        }
    }

    /// Replaces the file that the input is about.
    pub const fn set_file(&mut self, to: FileId) {
        match self {
            Self::Open { .. } | Self::OpenKernel { .. } | Self::Timeout => {}
            Self::Ioctl { file, .. }
            | Self::Read { file, .. }
            | Self::Write { file, .. }
            | Self::Poll { file }
            | Self::Thread { file, .. }
            | Self::BecomeUserTimer { file, .. }
            | Self::Close { file } => *file = to,
        }
    }
}
