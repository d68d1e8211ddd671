//! Values near the edges of their range.

use super::Generator;
use crate::program::{Mode, Value};

/// Ticks, or seconds, that are far in the future for a running queue: no program waits so long.
pub(super) const FAR_TICKS: &[i64] =
    &[0x10_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];
pub(super) const FAR_SECONDS: &[i64] = &[1000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

impl Generator {
    /// Returns a 32-bit number near an edge.
    pub(super) fn edge(&mut self) -> i64 {
        match self.rng.below(10) {
            0..3 => self.rng.pick(&[0, 1, 2, 3]),
            3..6 => {
                let power = 1_i64 << self.rng.below(33);
                (power + self.rng.pick(&[-1, 0, 1])) & 0xffff_ffff
            }
            6 => -1,
            7 => self.rng.pick(&[i64::from(i32::MIN), i64::from(i32::MAX), 0xffff_ffff]),
            8 => self.rng.below(300).cast_signed(),
            _ => (self.rng.next() & 0xffff_ffff).cast_signed(),
        }
    }

    /// Returns a byte near an edge.
    pub(super) fn byte(&mut self) -> i64 {
        match self.rng.below(4) {
            0 => self.rng.pick(&[0, 1, 2, 7, 8, 127, 128, 129, 253, 254, 255]),
            1 => self.rng.below(256).cast_signed(),
            _ => self.rng.below(4).cast_signed(),
        }
    }

    /// Returns a name: short, empty, as long as it can be, or without an end.
    pub(super) fn name(&mut self) -> Value {
        let text = match self.rng.below(6) {
            0 => String::new(),
            1 => "n".repeat(62),
            2 => "n".repeat(63),
            3 => "n".repeat(64),
            4 => format!("name-{}", self.rng.below(3)),
            _ => "a".into(),
        };
        Value::Text(text)
    }

    /// Returns a client, most often one of the program's.
    pub(super) fn client_value(&mut self, own: usize) -> Value {
        match self.rng.below(100) {
            0..40 => Value::Client(own),
            40..45 => Value::Client(self.rng.index(self.clients.len())),
            45..85 => Value::Client(self.any_handle()),
            85..89 => Value::Number(0),
            89..95 => Value::Number(14),
            _ => {
                Value::Number(self.rng.pick(&[1, 127, 190, 191, 192, 252, 253, 254, 255, 256, -1]))
            }
        }
    }

    /// Returns a queue, most often one of the program's.
    pub(super) fn queue_value(&mut self) -> Value {
        if self.queues > 0 && self.rng.chance(96) {
            Value::Queue(self.rng.index(self.queues))
        } else {
            Value::Number(self.rng.pick(&[29, 30, 31, 32, 33, 64, 255, 256, -1]))
        }
    }

    /// Returns a queue whose position may be put on events: one that has a position then.
    pub(super) fn stamp_queue(&mut self) -> Value {
        if self.mode != Mode::Run {
            return self.queue_value();
        }
        if self.queues > 1 && self.rng.chance(80) {
            Value::Queue(1 + self.rng.index(self.queues - 1))
        } else {
            Value::Number(self.rng.pick(&[30, 31, 32, 255]))
        }
    }

    /// Flags with the two bits that ask for a stamp, `base` being the lower one.
    pub(super) fn stamp_flags(&mut self) -> i64 {
        let mut flags = match self.rng.below(10) {
            0..3 => 0,
            3..5 => 2,
            5..7 => 6,
            7 => 1,
            8 => 4,
            _ => self.edge() & 0xffff_ffff,
        };
        if self.mode != Mode::Still {
            // Real time is not exact on a queue that runs.
            flags &= !4;
        }
        flags
    }

    /// Returns a client and a port of it, most often one that exists.
    pub(super) fn address(&mut self, own: usize) -> (Value, Value) {
        let client = self.client_value(own);
        let ports = match &client {
            Value::Client(handle) => self.clients[*handle].ports,
            _ => 1,
        };
        let port = if ports > 0 && self.rng.chance(90) {
            Value::Number(self.rng.below(ports.into()).cast_signed())
        } else {
            self.port_value()
        };
        (client, port)
    }

    /// Returns a port number, most often one that a client has.
    pub(super) fn port_value(&mut self) -> Value {
        Value::Number(match self.rng.below(10) {
            0..5 => 0,
            5..7 => 1,
            7 => 2,
            8 => 3,
            _ => self.byte(),
        })
    }
}
