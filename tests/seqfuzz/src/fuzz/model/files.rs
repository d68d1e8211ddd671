//! Writing, reading and polling of the model's clients.

use super::record::{CELL, DIRECT, LENGTH, NONE, Record, UMP, VARIABLE, VARUSR, WIDE, get, put};
use super::world::World;
use aseqd_abi::Errno;

/// The bits of a length that are no part of it.
const LENGTH_BITS: u32 = 0x3fff_ffff;
/// The first types of events with data, and the first behind them.
const WITH_DATA: std::ops::Range<u8> = 130..140;
/// The first reserved type.
const RESERVED: u8 = 150;

impl World {
    /// Writes records. Returns how many bytes were taken.
    pub(super) fn write(&mut self, caller: u8, data: &[u8]) -> Result<usize, Errno> {
        let client = self.me(caller);
        if !client.writes {
            return Err(Errno::EBADF);
        }
        if !client.allocated {
            (client.allocated, client.room) = (true, client.output.div_ceil(2));
        }
        let mut taken = 0;
        let mut error = Errno::EINVAL;
        while data.len() - taken >= CELL {
            match self.write_one(caller, &data[taken..]) {
                Ok(Some(len)) => taken += len,
                Ok(None) => break,
                Err(failed) => {
                    error = failed;
                    break;
                }
            }
        }
        if taken > 0 { Ok(taken) } else { Err(error) }
    }

    /// Takes the first record. Returns its length, or nothing if it is not all there.
    fn write_one(&mut self, caller: u8, data: &[u8]) -> Result<Option<usize>, Errno> {
        let packet = self.ump && data[1] & UMP != 0;
        let is_ump = self.me(caller).midi_version > 0;
        let size = if packet { WIDE } else { CELL };
        if packet && !is_ump {
            return Err(Errno::EINVAL);
        }
        if data.len() < size {
            return Ok(None);
        }
        let mut head = [0; WIDE];
        head[..size].copy_from_slice(&data[..size]);
        head[12] = caller;
        let len = get(&head, 16) & LENGTH_BITS;
        let fits = match head[1] & LENGTH {
            0 => !WITH_DATA.contains(&head[0]),
            VARIABLE => WITH_DATA.contains(&head[0]) && len < LENGTH_BITS && !packet,
            VARUSR => head[3] == DIRECT,
            _ => true,
        };
        if !fits {
            return Err(Errno::EINVAL);
        }
        if !packet && head[0] == NONE {
            return Ok(Some(size));
        }
        if !packet && head[0] >= RESERVED {
            return Err(Errno::EINVAL);
        }
        let mut event = Record { head, packet, body: Vec::new() };
        let mut end = size;
        if event.is_variable() {
            let body = usize::try_from(len).ok().and_then(|len| data[size..].get(..len));
            event.body = body.ok_or(Errno::EINVAL)?.to_vec();
            end += event.body.len();
            put(&mut event.head, 16, len);
            event.head[20..28].fill(0);
        }
        if event.flags() & LENGTH == VARUSR && !packet && self.me(caller).narrow {
            event.head[24..28].fill(0);
        }
        self.submit(caller, event)?;
        Ok(Some(end))
    }

    /// Reads whole events that fit into a buffer.
    pub(super) fn read(&mut self, caller: u8, len: usize) -> Result<Vec<u8>, Errno> {
        let client = self.me(caller);
        if !client.reads {
            return Err(Errno::EBADF);
        }
        if std::mem::take(&mut client.overflow) {
            client.unread.clear();
            return Err(Errno::ENOSPC);
        }
        let size = client.record_size();
        let mut told = Vec::new();
        while len - told.len() >= size {
            let Some(event) = client.unread.first() else {
                let nothing = if client.blocks { Errno::EINTR } else { Errno::EAGAIN };
                return if told.is_empty() { Err(nothing) } else { Ok(told) };
            };
            if event.packet && client.midi_version == 0 {
                client.unread.remove(0);
                continue;
            }
            let bytes = event.told_as(size);
            if told.len() + bytes.len() > len {
                return if told.is_empty() { Err(Errno::EAGAIN) } else { Ok(told) };
            }
            told.extend(bytes);
            client.unread.remove(0);
        }
        Ok(told)
    }

    /// Returns the bits of a poll: 1 to read, 2 to write.
    pub(super) fn poll(&mut self, caller: u8) -> i64 {
        let queued = self.queued_cells(caller);
        let client = self.me(caller);
        let readable = client.reads && !client.unread.is_empty();
        let free = if client.allocated { client.output - queued } else { 0 };
        let writable = client.writes && free >= client.room;
        i64::from(readable) | i64::from(writable) << 1
    }
}
