//! Turns requests of programs into calls.

use super::connection::{self, Buffer, Connection, Pending, Work};
use super::slab::Key;
use super::{PreloadDoor, Ready, Token};
use crate::door::{Call, CallKind};
use aseqd_abi::Errno;
use aseqd_engine::{self as engine, Access, Node};
use aseqd_host::peer::Peer;
use aseqd_wire::preload::{
    FileKey, KEY_WANTED, MORE, NONBLOCK, Reply, Request, access, is_same_secret, kind, node,
};
use std::os::fd::AsFd as _;
use zerocopy::{FromBytes as _, IntoBytes as _};

impl PreloadDoor {
    /// Handles a request. Returns the call that it is; `None` if it is none, or has been answered.
    ///
    /// # Errors
    /// If it is not a valid request at this point.
    pub(super) fn request(
        &mut self,
        key: Key,
        request: &Request,
        buffer: &mut Buffer,
    ) -> Result<Option<Ready>, &'static str> {
        let Some(connection) = self.connections.get_mut(key) else { return Ok(None) };
        if !connection.greeted {
            return self.greet(key, request, buffer.data());
        }
        let token = Token { connection: key, serial: request.serial };
        if request.kind == kind::INTERRUPT {
            // If the call has been answered, the answer is on its way.
            let waits = connection.pending.is_some_and(|call| call.serial == request.serial);
            let kind = CallKind::Interrupt { target: token };
            return Ok(waits.then_some(Call { token, thread: 0, kind }));
        }
        if connection.pending.is_some() {
            return Err("a call before the last one was answered");
        }
        if let Some(order) = connection.order.take()
            && let Some(file) = self.files.get_mut(order.file)
        {
            file.obeyed(order.take, order.stuff, self.byte_cost);
        }
        if request.kind == kind::SYNC {
            // All files that were closed before have been handled before.
            let _gone = connection.answer(request.serial, 0, &[], None, None);
            return Ok(None);
        }
        if request.kind == kind::KEY {
            self.learn(key, request, buffer.data());
            return Ok(None);
        }
        let thread = if request.thread == 0 { connection.peer.pid } else { request.thread };
        if request.kind == kind::OPEN {
            return begin_open(connection, request, token, thread).map(Some);
        }
        if request.flags & MORE != 0 {
            if request.kind != kind::WRITE {
                return Err("only a write goes on in another message");
            }
            connection.keep(buffer)?;
            return Ok(None);
        }
        if connection.was_overdrawn() {
            let value = -i64::from(Errno::ENOMEM.0);
            let _gone = connection.answer(request.serial, value, &[], None, None);
            return Ok(None);
        }
        let file_key = Key::from_number(request.file);
        let found = self.files.get(file_key).filter(|_| request.server == self.server);
        let Some(file) = found.map(|file| file.id) else {
            connection.forget();
            let value = -i64::from(no_file(request, self.server).0);
            let _gone = connection.answer(request.serial, value, &[], None, None);
            return Ok(None);
        };
        if !connection.knows(file_key) {
            connection.forget();
            let reply = Reply { serial: request.serial, kind: KEY_WANTED, ..Reply::default() };
            if connection::send(connection.socket.as_fd(), &reply, &[], None).is_err() {
                connection.shut();
            }
            return Ok(None);
        }
        let serial = request.serial;
        connection.pending = Some(Pending { serial, file: Some(file_key), work: Work::Call });
        let nonblock = request.flags & NONBLOCK != 0;
        let len = usize::try_from(request.len).unwrap_or(usize::MAX);
        let call = match request.kind {
            kind::READ => {
                engine::Call::Read { len: len.min(aseqd_wire::preload::MAX_READ), nonblock }
            }
            kind::WRITE => {
                connection.complete(buffer);
                engine::Call::Write { data: &[], nonblock }
            }
            kind::IOCTL => engine::Call::Ioctl { request: request.code, compat: false, arg: &[] },
            _ => return Err("there is no such request"),
        };
        let out_size = aseqd_abi::ioctl::size(request.code);
        let kind = CallKind::File { file, call, out_size, wakeup: None };
        Ok(Some(Call { token, thread, kind }))
    }

    /// Handles a request that shows the key of a file, so that the connection may use the file.
    fn learn(&mut self, key: Key, request: &Request, shown: &[u8]) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let file = Key::from_number(request.file);
        let found = self.files.get(file).filter(|_| request.server == self.server);
        let right = found.is_some_and(|found| {
            FileKey::read_from_bytes(shown)
                .is_ok_and(|shown| is_same_secret(shown.as_bytes(), found.key.as_bytes()))
        });
        if right {
            connection.learn(file, |known| self.files.get(known).is_some());
        }
        let refused = if found.is_some() { Errno::EBADFD } else { no_file(request, self.server) };
        let value = if right { 0 } else { -i64::from(refused.0) };
        let _gone = connection.answer(request.serial, value, &[], None, None);
    }
}

/// Returns the error of a request about a file that the server `here` does not have. It has a file as long as any process
/// has a descriptor of it, so another thread has closed this one since the program made its call. A file of another server
/// cannot be used.
const fn no_file(request: &Request, here: u64) -> Errno {
    if request.server == here { Errno::EBADF } else { Errno::EBADFD }
}

/// Begins an open. Returns the call that it is.
///
/// # Errors
/// If there is no such device.
fn begin_open(
    connection: &mut Connection,
    request: &Request,
    token: Token,
    thread: i32,
) -> Result<Ready, &'static str> {
    let node = match request.code {
        node::SEQUENCER => Node::Sequencer,
        node::TIMER => Node::Timer,
        node::CONTROL => Node::Control,
        _ => return Err("there is no such device"),
    };
    let (wire_access, access) = match request.access {
        access::READ => (access::READ, Access::Read),
        access::WRITE => (access::WRITE, Access::Write),
        _ => (access::BOTH, Access::ReadWrite),
    };
    let nonblock = request.flags & NONBLOCK != 0;
    let work = Work::Open { access: wire_access, nonblock, node: request.code };
    connection.pending = Some(Pending { serial: request.serial, file: None, work });
    let Peer { pid, uid } = connection.peer;
    Ok(Call { token, thread, kind: CallKind::Open { node, access, pid, user: uid } })
}
