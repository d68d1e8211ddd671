//! Events to write.
//!
//! - A program that stands still sends everything except what starts a queue.
//! - A frozen program starts a queue with a skew of 0 only, and sets positions by direct events only. Then it waits for
//!   the period in which Linux delivers what has become due.
//! - A program that runs puts times of one kind into its first queue. They are near (within six ticks of a millisecond or
//!   more, on a grid of milliseconds) or far (later than the program waits).

use super::Generator;
use super::values::{FAR_SECONDS, FAR_TICKS};
use crate::program::{Arguments, Mode, Value, number};

const DIRECT: i64 = 253;
const REAL: i64 = 1;
const RELATIVE: i64 = 2;
const VARIABLE: i64 = 4;
const VARUSR: i64 = 8;
const PRIORITY: i64 = 16;

/// Tempos of a program that runs. With their ppq, a tick takes half a millisecond to ten.
pub(super) const TEMPOS: &[i64] = &[96_000, 192_000, 500_000];
pub(super) const PPQS: &[i64] = &[96, 48, 192];

const CONTROL_TYPES: &[i64] = &[32, 33, 34, 35, 36, 37, 38];

impl Generator {
    pub(super) fn write_events(&mut self) {
        let index = self.any_index();
        if !self.clients[index].writes && self.rng.chance(80) {
            return;
        }
        let handle = self.clients[index].handle;
        let count = if self.rng.chance(60) { 1 } else { 1 + self.rng.below(6) };
        let events: Vec<_> = (0..count).map(|_| self.event(handle)).collect();
        let sets_position = events.iter().any(sets_position);
        self.write(handle, events);
        if self.rng.chance(4) {
            let most = if count > 2 { 56 } else { 27 };
            let cut = self.rng.pick(&[1, 27, 28, 29, -1, -27, -28, 56]).min(most);
            let call = self.calls.last_mut().expect("just pushed");
            call.arguments.push(("cut", Value::Number(cut)));
        }
        if sets_position && self.may_run {
            self.sleep();
        }
    }

    /// Returns any event.
    pub(super) fn event(&mut self, own: usize) -> Arguments {
        if self.rng.chance(14) {
            return self.control(own);
        }
        let mut event = Arguments::new();
        let event_type = self.event_type();
        let variable = (130..140).contains(&event_type);
        let mut flags = if variable { VARIABLE } else { 0 };
        if self.rng.chance(4) {
            flags = self.rng.pick(&[0, VARIABLE, VARUSR, VARIABLE | VARUSR]);
        }
        let queue = match self.rng.below(100) {
            _ if event_type == 5 && self.rng.chance(95) => self.queue_value(),
            0..45 => Value::Number(DIRECT),
            45..50 => Value::Number(254),
            50..99 => self.queue_value(),
            _ => Value::Number(self.byte()),
        };
        if self.rng.chance(15) {
            flags |= PRIORITY;
        }
        if self.rng.chance(4) {
            flags |= self.rng.pick(&[0x20, 0x40, 0x80, 0xe0]);
        }
        let duration = self.time(&mut event, &mut flags);
        let dest = self.destination(own);
        // A control event of unknown effect must not start a queue, or move one without the generator's knowledge.
        let starts = dest.0 == Value::Number(0) && (30..40).contains(&event_type);
        let event_type = if starts { 37 } else { event_type };
        event.insert(0, ("type", Value::Number(event_type)));
        event.insert(1, ("flags", Value::Number(flags)));
        if self.rng.chance(30) {
            let tag = self.byte();
            event.push(("tag", Value::Number(tag)));
        }
        event.push(("queue", queue));
        if self.rng.chance(40) {
            let port = if self.rng.chance(80) { self.own_port(own) } else { self.port_value() };
            event.push(("source_port", port));
        }
        if self.rng.chance(5) {
            let source = self.client_value(own);
            event.push(("source", source));
        }
        event.push(("dest", dest.0));
        event.push(("dest_port", dest.1));
        self.data(&mut event, event_type, flags, duration);
        event
    }

    fn event_type(&mut self) -> i64 {
        match self.rng.below(100) {
            0..25 => 6,
            25..33 => 7,
            33..45 => 5,
            45..58 => self.rng.pick(&[8, 10, 11, 12, 13, 14, 15, 16]),
            58..72 => self.rng.pick(&[130, 130, 130, 131, 132, 135, 139]),
            72..78 => self.rng.pick(&[20, 21, 22, 23, 24, 40, 41, 42, 50, 51]),
            78..84 => self.rng.pick(&[60, 61, 62, 63, 64, 65, 66, 67, 90, 99]),
            84..90 => self.rng.pick(CONTROL_TYPES),
            90..92 => self.rng.pick(&[149, 150, 151, 254, 255, 255]),
            92..94 => self.rng.below(256).cast_signed(),
            _ => self.rng.below(120).cast_signed(),
        }
    }

    /// Returns a port that a client has, if it has one.
    pub(super) fn own_port(&mut self, own: usize) -> Value {
        let ports = self.clients[own].ports.max(1);
        Value::Number(self.rng.below(ports.into()).cast_signed())
    }

    /// Returns a destination: client and port.
    pub(super) fn destination(&mut self, own: usize) -> (Value, Value) {
        match self.rng.below(100) {
            0..25 => (Value::Number(254), self.port_value()),
            25..31 => (Value::Number(14), Value::Number(0)),
            31..33 => (Value::Number(0), self.port_value()),
            33 => (Value::Number(self.byte()), self.port_value()),
            _ => self.address(own),
        }
    }

    /// Adds a time, and returns a duration of the same kind.
    pub(super) fn time(&mut self, event: &mut Arguments, flags: &mut i64) -> i64 {
        let real = self.rng.chance(30);
        if real {
            *flags |= REAL;
        }
        if self.rng.chance(25) {
            *flags |= RELATIVE;
        }
        if self.mode == Mode::Run {
            return self.time_of_run(event, real);
        }
        let first = match self.rng.below(10) {
            0..3 => 0,
            3..7 => self.rng.below(12).cast_signed(),
            _ => self.edge() & 0xffff_ffff,
        };
        event.push(("tick", Value::Number(first)));
        if real || self.rng.chance(10) {
            let nsec = match self.rng.below(10) {
                0..3 => 0,
                3..6 => self.rng.below(10).cast_signed() * 100_000_000,
                6..9 => self.rng.pick(&[1, 999_999_999, 1_000_000_000, 1_000_000_001]),
                _ => self.edge() & 0xffff_ffff,
            };
            event.push(("nsec", Value::Number(nsec)));
        }
        match self.rng.below(4) {
            0 => 0,
            1 => self.rng.below(12).cast_signed(),
            2 => self.rng.pick(&[999, 1000, 1001]),
            // In real time a duration is in milliseconds: sums of seconds would rarely come near their wrap.
            _ => self.edge() & 0xffff_ffff,
        }
    }

    fn time_of_run(&mut self, event: &mut Arguments, real: bool) -> i64 {
        let near = real == self.real_kind;
        match (real, self.rng.below(10)) {
            (_, 0..2) => event.push(("tick", Value::Number(0))),
            (false, 2..9) if near => {
                let tick = self.rng.below(7).cast_signed();
                event.push(("tick", Value::Number(tick)));
            }
            (true, 2..9) if near => {
                let ms = self.rng.below(7).cast_signed();
                event.push(("nsec", Value::Number(ms * 1_000_000)));
            }
            (false, _) => {
                let tick = self.rng.pick(FAR_TICKS);
                event.push(("tick", Value::Number(tick)));
            }
            (true, _) => {
                let sec = self.rng.pick(FAR_SECONDS);
                event.push(("tick", Value::Number(sec)));
            }
        }
        if near && self.rng.chance(80) {
            self.rng.below(4).cast_signed()
        } else {
            // Too long to end while the program waits, in ticks or in milliseconds.
            self.rng.pick(&[0x10_0000, 0x7fff_ffff])
        }
    }

    /// Adds the data bytes.
    fn data(&mut self, event: &mut Arguments, event_type: i64, flags: i64, duration: i64) {
        let length_bits = flags & (VARIABLE | VARUSR);
        if length_bits == VARIABLE {
            let body = self.body();
            event.push(("body", Value::Number(body)));
            let len = match self.rng.below(20) {
                0 if self.rng.chance(40) => body + 1,
                1 if self.rng.chance(40) => (body - 1).max(0),
                2 => body | 0x4000_0000,
                3 => body | 0xc000_0000,
                4 if self.rng.chance(20) => {
                    self.rng.pick(&[0x3fff_fffe, 0x3fff_ffff, 0xffff_ffff, 0x4000_0000])
                }
                _ => body,
            };
            event.push(("len", Value::Number(len)));
            if self.rng.chance(10) {
                event.push(("pointer", Value::Number(0x1122_3344_5566_7788)));
            }
            return;
        }
        if length_bits == VARUSR {
            let len = self.rng.pick(&[0, 1, 28, 100]);
            event.push(("len", Value::Number(len)));
            event.push(("pointer", Value::Number(0x1122_3344_5566_7788)));
            return;
        }
        match event_type {
            5..=8 => {
                let bytes =
                    [("channel", 4), ("note", 128), ("velocity", 128), ("off_velocity", 128)];
                for (name, end) in bytes {
                    let value = self.rng.below(end).cast_signed();
                    event.push((name, Value::Number(value)));
                }
                if event_type == 5 || self.rng.chance(10) {
                    event.push(("duration", Value::Number(duration)));
                }
            }
            _ => {
                let channel = self.rng.below(4).cast_signed();
                event.push(("channel", Value::Number(channel)));
                let value = self.edge() & 0xffff_ffff;
                event.push(("value2", Value::Number(value)));
                if self.rng.chance(30) {
                    let value = self.edge() & 0xffff_ffff;
                    event.push(("value", Value::Number(value)));
                }
            }
        }
    }

    /// Returns how many bytes follow a record.
    fn body(&mut self) -> i64 {
        match self.rng.below(20) {
            0..6 => self.rng.pick(&[0, 1, 27, 28, 29, 55, 56, 57]),
            6..17 => self.rng.below(100).cast_signed(),
            17 => self.rng.pick(&[5571, 5572, 5573, 5600, 5601]),
            18 => self.rng.pick(&[13_971, 13_972, 13_973, 14_000]),
            _ => self.rng.below(3000).cast_signed(),
        }
    }

    /// Returns a control event for a queue.
    pub(super) fn control(&mut self, own: usize) -> Arguments {
        let event_type = match self.rng.below(10) {
            0 => self.rng.pick(&[0, 6, 29, 39, 50, 149]),
            _ => self.rng.pick(CONTROL_TYPES),
        };
        let queue = self.queue_value();
        let mut event = self.control_of(event_type, queue);
        let sets_position = matches!(event_type, 33 | 34);
        let queued = self.rng.chance(30) && (self.mode == Mode::Still || !sets_position);
        if queued {
            // In a program that does not stand still, only what is due at once has a certain result.
            let queue = self.queue_value();
            event[1] = ("queue", queue);
            if self.mode == Mode::Still {
                let tick = self.rng.below(8).cast_signed();
                event.push(("tick", Value::Number(tick)));
            }
        }
        if self.rng.chance(5) {
            let source = self.client_value(own);
            event.push(("source", source));
        }
        if self.rng.chance(10) {
            let tag = self.byte();
            event.push(("tag", Value::Number(tag)));
        }
        event
    }

    /// Returns a control event of a type for a queue, direct.
    pub(super) fn control_of(&mut self, event_type: i64, queue: Value) -> Arguments {
        let (value, value2) = self.control_values(event_type);
        control_event(event_type, queue, value, value2)
    }

    fn control_values(&mut self, event_type: i64) -> (i64, i64) {
        match (event_type, self.mode) {
            (33, Mode::Run) => (self.rng.below(4).cast_signed(), 0),
            (34, Mode::Run) => (0, self.rng.below(4).cast_signed() * 1_000_000),
            (35, Mode::Run) => (self.rng.pick(TEMPOS), 0),
            (38, Mode::Run) => (self.edge() & 0xffff_ffff, self.rng.pick(&[0, 1, 0xffff, 0x10001])),
            (38, Mode::Frozen) => {
                if self.rng.chance(70) {
                    (0, 0x10000)
                } else {
                    (self.edge() & 0xffff_ffff, self.rng.pick(&[0, 1, 0xffff, 0x10001]))
                }
            }
            (38, Mode::Still) => {
                let base = if self.rng.chance(80) { 0x10000 } else { self.edge() & 0xffff_ffff };
                (self.edge() & 0xffff_ffff, base)
            }
            (33, _) => {
                let near = self.rng.chance(60);
                let tick = if near { self.rng.below(12).cast_signed() } else { self.edge() };
                (tick & 0xffff_ffff, 0)
            }
            (34, _) => {
                let near = self.rng.chance(60);
                let sec = if near { self.rng.below(12).cast_signed() } else { self.edge() };
                let nsec =
                    self.rng.pick(&[0, 1, 500_000_000, 999_999_999, 1_000_000_000, 0xffff_ffff]);
                (sec & 0xffff_ffff, nsec)
            }
            (35, _) => (self.edge() & 0xffff_ffff, 0),
            _ => {
                let value = self.edge() & 0xffff_ffff;
                (value, self.edge() & 0xffff_ffff)
            }
        }
    }

    /// Writes a control event by itself, to be handled at once.
    pub(super) fn control_now(&mut self) {
        let handle = self.any_handle();
        let event = self.control(handle);
        let sets_position = sets_position(&event);
        self.write(handle, vec![event]);
        if sets_position && self.may_run {
            self.sleep();
        }
    }
}

/// Returns a direct control event.
pub(super) fn control_event(event_type: i64, queue: Value, value: i64, value2: i64) -> Arguments {
    let mut event = vec![
        ("type", Value::Number(event_type)),
        ("queue", Value::Number(DIRECT)),
        ("control", queue),
    ];
    if value != 0 {
        event.push(("value", Value::Number(value)));
    }
    if value2 != 0 {
        event.push(("value2", Value::Number(value2)));
    }
    event
}

/// Returns whether an event sets a queue's position.
pub(super) fn sets_position(event: &Arguments) -> bool {
    matches!(number(event, "type"), Some(33 | 34))
}
