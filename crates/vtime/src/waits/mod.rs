//! Calls that wait with a timeout, a family a file.

pub(crate) mod epoll;
pub(crate) mod futex;
pub(crate) mod mq;
pub(crate) mod poll;
pub(crate) mod signals;
pub(crate) mod sleep;
pub(crate) mod sockets;
pub(crate) mod sysv;
