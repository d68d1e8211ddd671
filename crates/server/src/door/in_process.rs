//! The door of an embedded sequencer, whose programs are in its own process: calls and answers are data.

use super::{Answer, Call, CallKind, Door, Readiness, Received, Transport};
use aseqd_abi::Errno;
use aseqd_engine::FileId;
use std::collections::{HashMap, VecDeque};

/// A call whose bytes are passed beside it.
pub type OwnCall = CallKind<'static, Token, ()>;

/// Names a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(u64);

/// Calls that nobody has received yet, and answers that nobody has taken.
#[derive(Debug, Default)]
pub struct InProcess {
    calls: VecDeque<(Token, i32, OwnCall, Vec<u8>)>,
    answers: HashMap<Token, Reply>,
    last: u64,
    /// The call that was received last.
    current: Option<Token>,
    news: bool,
}

/// An [`Answer`] with bytes of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// The file is open.
    Opened(FileId),
    /// A read, or an ioctl, has these bytes.
    Bytes(Vec<u8>),
    /// A write took this many bytes.
    Written(usize),
    /// A poll finds this.
    Polled(Readiness),
    /// The call failed.
    Failed(Errno),
}

impl InProcess {
    /// Puts a call of a thread in line. The bytes of a write or an ioctl are passed beside it; inside there are
    /// none.
    pub fn call(&mut self, thread: i32, kind: OwnCall, bytes: &[u8]) -> Token {
        self.last += 1;
        let token = Token(self.last);
        self.calls.push_back((token, thread, kind, bytes.to_vec()));
        token
    }

    /// Returns whether threads that wait should look again, since an earlier call was answered, or a file may be
    /// ready on which one waits. Each piece of news is told once.
    pub const fn take_news(&mut self) -> bool {
        std::mem::replace(&mut self.news, false)
    }

    /// Takes the answer to a call, once there is one.
    pub fn answer_to(&mut self, token: Token) -> Option<Reply> {
        self.answers.remove(&token)
    }
}

impl Door for InProcess {
    type Token = Token;
    type Wakeup = ();

    fn answer(&mut self, token: Token, answer: Answer<'_>) -> bool {
        let reply = match answer {
            Answer::Opened { file, .. } => Reply::Opened(file),
            Answer::Read(bytes) | Answer::Ioctl(Ok(bytes)) => Reply::Bytes(bytes.to_vec()),
            Answer::Written(count) => Reply::Written(count),
            Answer::Polled(state) => Reply::Polled(state),
            Answer::Ioctl(Err(errno)) | Answer::Failed(errno) => Reply::Failed(errno),
            // There are no descriptors in an embedded sequencer, so this is never asked.
            Answer::Created { .. } => Reply::Failed(Errno::ENOTTY),
        };
        self.answers.insert(token, reply);
        self.news |= self.current != Some(token);
        true
    }

    fn wake(&mut self, (): ()) {
        self.news = true;
    }
}

impl Transport for InProcess {
    type Buffer = Vec<u8>;

    fn receive<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Received<'b, Token, ()> {
        let Some((token, thread, kind, bytes)) = self.calls.pop_front() else {
            return Received::Nothing;
        };
        *buffer = bytes;
        self.current = Some(token);
        Received::Call(Call { token, thread, kind: kind.with_bytes(buffer) })
    }

    fn is_ready(&self) -> bool {
        !self.calls.is_empty()
    }
}
