//! Records of events as bytes, and numbers in bytes.
//!
//! The model has its own offsets, so that a wrong layout in the crate of the interface shows.

use std::fmt;

/// Size of a legacy record, and of the pieces in which pools hold data, in bytes.
pub(super) const CELL: usize = 28;
/// Size of a record of a UMP client, in bytes.
pub(super) const WIDE: usize = 32;
/// The queue number of what is not queued.
pub(super) const DIRECT: u8 = 253;
/// The client number, or queue number, of subscribers.
pub(super) const SUBSCRIBERS: u8 = 254;

/// Bits of the flags.
pub(super) const REAL: u8 = 1;
pub(super) const RELATIVE: u8 = 2;
pub(super) const LENGTH: u8 = 0x0c;
pub(super) const VARIABLE: u8 = 4;
pub(super) const VARUSR: u8 = 8;
pub(super) const PRIORITY: u8 = 0x10;
pub(super) const UMP: u8 = 0x20;

/// Types of events.
pub(super) const NOTE: u8 = 5;
pub(super) const NOTEON: u8 = 6;
pub(super) const NOTEOFF: u8 = 7;
pub(super) const SYSEX: u8 = 130;
pub(super) const BOUNCE: u8 = 131;
pub(super) const KERNEL_ERROR: u8 = 150;
pub(super) const NONE: u8 = 255;

/// Returns the 32 bits at an offset.
pub(super) fn get(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Returns the signed 32 bits at an offset.
pub(super) fn get_i(bytes: &[u8], at: usize) -> i32 {
    get(bytes, at).cast_signed()
}

/// Writes 32 bits.
pub(super) fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// Writes signed 32 bits.
pub(super) fn put_i(bytes: &mut [u8], at: usize, value: i32) {
    put(bytes, at, value.cast_unsigned());
}

/// Returns the lowest 8 bits.
pub(super) const fn low8(value: u32) -> u8 {
    value.to_le_bytes()[0]
}

/// Returns the lowest 32 bits.
pub(super) const fn low32(value: u64) -> u32 {
    let bytes = value.to_le_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// Returns a length as a number of the interface.
pub(super) fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// The two bytes of an address.
pub(super) type Place = (u8, u8);

/// An event with its data.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The record. The last four bytes of a legacy one are zero.
    pub(super) head: [u8; WIDE],
    /// Whether it is a UMP packet.
    pub(super) packet: bool,
    /// The data of a variable event.
    pub(super) body: Vec<u8>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?} + {}", &self.head, self.body.len())
    }
}

impl Record {
    /// Returns an event of the system.
    pub(super) fn told(kind: u8, port: u8, data: &[u8]) -> Self {
        let mut head = [0; WIDE];
        (head[0], head[3], head[13]) = (kind, DIRECT, port);
        head[16..16 + data.len()].copy_from_slice(data);
        Self { head, packet: false, body: Vec::new() }
    }

    pub(super) const fn kind(&self) -> u8 {
        self.head[0]
    }
    pub(super) const fn flags(&self) -> u8 {
        self.head[1]
    }
    pub(super) const fn queue(&self) -> u8 {
        self.head[3]
    }
    pub(super) const fn source(&self) -> Place {
        (self.head[12], self.head[13])
    }
    pub(super) const fn dest(&self) -> Place {
        (self.head[14], self.head[15])
    }
    pub(super) const fn set_dest(&mut self, to: Place) {
        (self.head[14], self.head[15]) = to;
    }
    pub(super) const fn is_real(&self) -> bool {
        self.flags() & REAL != 0
    }
    pub(super) const fn is_variable(&self) -> bool {
        self.flags() & LENGTH == VARIABLE
    }
    /// Returns the ticks, or the seconds.
    pub(super) fn time(&self) -> u32 {
        get(&self.head, 4)
    }
    /// Returns the nanoseconds behind the seconds.
    pub(super) fn nsec(&self) -> u32 {
        get(&self.head, 8)
    }
    /// Returns how many cells of a pool it takes.
    pub(super) fn cells(&self) -> usize {
        1 + self.pieces()
    }
    /// Returns how many cells its data takes.
    pub(super) fn pieces(&self) -> usize {
        if self.is_variable() { self.body.len().div_ceil(CELL) } else { 0 }
    }
    /// Returns what a reader gets whose records have this size.
    pub(super) fn told_as(&self, size: usize) -> Vec<u8> {
        let mut bytes = self.head[..size].to_vec();
        if self.is_variable() {
            bytes.extend(&self.body);
            bytes.resize(bytes.len().next_multiple_of(size), 0);
        }
        bytes
    }
}

/// Returns a name without what is behind its end, cut to 63 bytes.
pub(super) fn name_of(bytes: &[u8]) -> [u8; 64] {
    let mut name = [0; 64];
    let end =
        bytes.iter().take(63).position(|byte| *byte == 0).unwrap_or_else(|| bytes.len().min(63));
    name[..end].copy_from_slice(&bytes[..end]);
    name
}

/// Writes a name and its end; the program's bytes behind that stay.
pub(super) fn put_name(to: &mut [u8], name: &[u8; 64]) {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(63);
    to[..=end].copy_from_slice(&name[..=end]);
}
