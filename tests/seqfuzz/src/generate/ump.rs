//! Programs in which some clients use UMP (MIDI 2.0), and which may create user-driven timers.
//!
//! Clients switch between the legacy form and UMP at any time. A record with a packet is 32 bytes if its sender is a UMP
//! client. What follows a record that is longer or shorter than the sequencer takes it for would be read as an event
//! that nobody has planned, so such records only come last in a write.

use super::packets::UMP;
use super::{Generator, OPEN_PORT, Profile};
use crate::program::{
    Arguments, Call, FIRST_TIMER, FIRST_USER_TIMER, Operation, Program, Settings, Value, find,
    number,
};
use crate::rng::Rng;

/// The version of the protocol from which on a client may choose its MIDI version.
const KNOWS_UMP: &[i64] = &[0x01_00_03, 0x01_00_04, 0x01_00_05];
/// Maximum number of user-driven timers of a program.
const MOST_TIMERS: usize = 4;
/// Every bit of a timer's filter that is accepted.
const WHOLE_FILTER: i64 = 0x6_f1bf;
/// The class of global timers, and the device of the user-driven ones.
const GLOBAL: i64 = 1;
const USER_DRIVEN: i64 = 4;

/// Returns the program of a seed with UMP clients. The seeds of [`super::generate`] are others.
#[must_use]
pub fn generate_ump(seed: u64, size: usize) -> Program {
    let rng = Rng::new(seed ^ 0x0c3d_a55e_9d00_0003);
    let mut generator = Generator::new(rng, Profile::Ump);
    generator.ump_program(size);
    generator.finish_records();
    Program {
        mode: generator.mode,
        common: false,
        ump: true,
        settings: Settings::default(),
        calls: generator.calls,
    }
}

impl Generator {
    fn ump_program(&mut self, size: usize) {
        self.set_clients();
        self.set_queues();
        let extra = self.rng.index(size.max(1));
        for _ in 0..size / 2 + extra {
            if self.rng.chance(65) {
                self.ump_step();
            } else {
                self.step();
            }
        }
        if self.mode == crate::program::Mode::Run {
            self.run_scene();
        }
        self.end();
    }

    /// Makes UMP clients of most of the clients that were just opened.
    pub(super) fn become_ump(&mut self, index: usize) {
        if self.rng.chance(85) {
            let version = self.rng.pick(KNOWS_UMP);
            let handle = self.clients[index].handle;
            self.request(handle, "user_pversion", vec![("version", Value::Number(version))]);
        }
        if self.rng.chance(65) {
            self.choose_version(index, true);
        }
    }

    /// Sets what a client's information has about UMP.
    fn choose_version(&mut self, index: usize, first: bool) {
        let handle = self.clients[index].handle;
        let mut arguments = vec![("client", Value::Client(handle)), ("type", Value::Number(1))];
        let version = match self.rng.below(20) {
            0..10 => 2,
            10..16 => 1,
            16 if !first => self.rng.pick(&[3, 4, -1]),
            _ if first => 2,
            _ => 0,
        };
        arguments.push(("midi_version", Value::Number(version)));
        let filter = match self.rng.below(20) {
            0..12 => 0,
            12..15 => 4,
            15..18 => 0x4000_0000,
            18 => 0x4000_0004,
            _ => 0x8000_0000,
        };
        arguments.push(("filter", Value::Number(filter)));
        if filter == 0x8000_0000 {
            let byte = self.rng.pick(&[0xff, 0x55, 0xf0, 0x0f, 0]);
            arguments.push(("event_filter", Value::Bytes(vec![byte; 32])));
        }
        if self.rng.chance(30) {
            let groups = match self.rng.below(4) {
                0 => self.rng.pick(&[1, 2, 4, 0xffff, 0x1_fffe, 0x1_ffff]),
                1 => 1 << self.rng.below(18),
                _ => self.rng.below(16).cast_signed(),
            };
            arguments.push(("group_filter", Value::Number(groups)));
        }
        if self.rng.chance(15) {
            let name = self.name();
            arguments.push(("name", name));
        }
        if (0..=2).contains(&version) {
            self.clients[index].midi_version = version;
        }
        self.request(handle, "set_client_info", arguments);
    }

    fn ump_step(&mut self) {
        let index = self.any_index();
        let handle = self.clients[index].handle;
        match self.rng.below(100) {
            0..34 => self.write_packets(),
            34..50 => self.write_convertible(),
            50..64 => self.ump_read(handle),
            64..70 => self.choose_version(index, false),
            70..80 => self.ump_info(index),
            80..84 => self.create_port(index),
            84..88 => {
                let port = self.own_port(handle);
                let mut arguments = vec![("client", Value::Client(handle)), ("port", port)];
                self.port_attributes(&mut arguments);
                self.request(handle, "set_port_info", arguments);
            }
            88..93 => self.subscribe(),
            93..96 => {
                let name = self.rng.pick(&["get_client_info", "get_client_pool"]);
                let client = self.client_value(handle);
                self.request(handle, name, vec![("client", client)]);
            }
            96..98 => {
                let (client, port) = self.address(handle);
                let arguments = vec![("client", client), ("port", port)];
                self.request(handle, "get_port_info", arguments);
            }
            _ => self.user_timer_scene(),
        }
    }

    /// Returns a client that can write, most often one that uses UMP.
    fn writer(&mut self, ump: bool) -> usize {
        let mut index = self.any_index();
        for _ in 0..6 {
            let client = self.clients[index];
            if client.writes && (client.midi_version > 0) == ump {
                break;
            }
            index = self.any_index();
        }
        self.clients[index].handle
    }

    fn write_packets(&mut self) {
        let handle = self.writer(true);
        let events = self.packets(handle);
        self.write(handle, events);
        if self.rng.chance(6) {
            let cut = self.rng.pick(&[1, 4, 5, 31, -1, -4, -27, -28]);
            let call = self.calls.last_mut().expect("just pushed");
            call.arguments.push(("cut", Value::Number(cut)));
        } else if self.rng.chance(3) {
            let times = self.rng.pick(&[60, 199, 200, 201, 250, 499, 500, 501]);
            let call = self.calls.last_mut().expect("just pushed");
            call.events.truncate(1);
            call.arguments.push(("times", Value::Number(times)));
        }
    }

    fn write_convertible(&mut self) {
        let wants_ump = self.rng.chance(30);
        let handle = self.writer(wants_ump);
        let events = self.convertible_events(handle);
        self.write(handle, events);
    }

    fn ump_read(&mut self, handle: usize) {
        let len = match self.rng.below(10) {
            0..2 => self.rng.pick(&[1, 27, 28, 29, 31, 32, 33, 56, 60, 63, 64, 65, 95, 96, 97]),
            2..5 => 32 * (1 + self.rng.below(8).cast_signed()),
            _ => 8192,
        };
        self.read(handle, len);
    }

    /// Adds what concerns UMP to the attributes of a port.
    pub(super) fn ump_port(&mut self, arguments: &mut Arguments) {
        arguments.retain(|(name, _)| !matches!(*name, "direction" | "ump_group"));
        if self.rng.chance(65) {
            let usual = self.rng.chance(85);
            let group = if usual {
                1 + self.rng.below(3).cast_signed()
            } else {
                self.rng.pick(&[0, 4, 15, 16, 17, 255])
            };
            arguments.push(("ump_group", Value::Number(group)));
        }
        if self.rng.chance(25) {
            let direction = self.rng.pick(&[0, 1, 2, 3, 3, 4, 255]);
            arguments.push(("direction", Value::Number(direction)));
        }
        let capability = match self.rng.below(20) {
            0..4 => OPEN_PORT | 0x200,
            4 => OPEN_PORT | 0x100,
            _ => return,
        };
        arguments.retain(|(name, _)| *name != "capability");
        arguments.push(("capability", Value::Number(capability)));
    }

    /// Adds the flag by which a port of a MIDI 2.0 client gets MIDI 1.0.
    pub(super) fn midi_1_port(&mut self, arguments: &mut Arguments) {
        if !self.rng.chance(20) {
            return;
        }
        match arguments.iter_mut().find(|(name, _)| *name == "flags") {
            Some((_, Value::Number(flags))) => *flags |= 8,
            _ => arguments.push(("flags", Value::Number(8))),
        }
    }

    /// Asks for the description of an endpoint or of a block, or sets it.
    fn ump_info(&mut self, index: usize) {
        let handle = self.clients[index].handle;
        let sets = self.rng.chance(60);
        let client = if sets && self.rng.chance(93) {
            Value::Client(handle)
        } else {
            self.client_value(handle)
        };
        let block = self.rng.chance(55);
        let kind = match self.rng.below(20) {
            0 => self.edge(),
            1 => self.rng.pick(&[-1, 31, 32, 33, 34]),
            _ if block => 1 + self.rng.below(3).cast_signed(),
            _ => 0,
        };
        let mut arguments = vec![("client", client), ("type", Value::Number(kind))];
        let name = match (block, sets) {
            (false, false) => "get_ump_endpoint",
            (false, true) => "set_ump_endpoint",
            (true, false) => "get_ump_block",
            (true, true) => "set_ump_block",
        };
        if sets {
            self.describe(block, &mut arguments);
        }
        self.request(handle, name, arguments);
    }

    fn describe(&mut self, block: bool, arguments: &mut Arguments) {
        let fields: &[&'static str] = if block {
            &["card", "block_id", "direction", "active", "first_group", "num_groups", "ui_hint"]
        } else {
            &["device", "flags", "protocol_caps", "protocol", "num_blocks", "version", "family_id"]
        };
        for field in fields {
            if self.rng.chance(40) {
                let usual = self.rng.chance(80);
                let value = if usual { self.rng.below(4).cast_signed() } else { self.edge() };
                arguments.push((field, Value::Number(value)));
            }
        }
        for field in ["name", "product_id"] {
            if block && field == "product_id" || !self.rng.chance(50) {
                continue;
            }
            let len = self.rng.pick(&[1, 3, 5, 127, 128]);
            arguments.push((field, Value::Text("u".repeat(len))));
        }
    }

    /// Creates a user-driven timer, and looks at an instance while it is triggered.
    fn user_timer_scene(&mut self) {
        let number = self.user_timers;
        if number == MOST_TIMERS {
            return;
        }
        self.user_timers += 1;
        let (file, timer) = (FIRST_TIMER + number, FIRST_USER_TIMER + number);
        self.push(file, Operation::OpenTimer, vec![("access", Value::Number(2))]);
        let ask = |name| Operation::Request(name);
        if self.rng.chance(60) {
            self.push(file, ask("t_tread64"), vec![("on", Value::Number(1))]);
        }
        let resolution = self.rng.pick(&[0, 1, 999, 1_000_000, 4_000_000, 1 << 32, i64::MAX]);
        let arguments = vec![("as", number_of(number)), ("resolution", Value::Number(resolution))];
        self.push(file, ask("t_create"), arguments);
        let id = vec![
            ("class", Value::Number(GLOBAL)),
            ("device", Value::Number(USER_DRIVEN)),
            ("subdevice", Value::Number(self.rng.below(2).cast_signed())),
        ];
        self.push(file, ask("t_ginfo"), id.clone());
        self.push(file, ask("t_select"), id);
        let ticks = self.rng.pick(&[1, 1, 1, 2, 3, 0]);
        let flags = self.rng.pick(&[0, 1, 1, 1, 4, 5, 2]);
        let arguments = vec![
            ("flags", Value::Number(flags)),
            ("ticks", Value::Number(ticks)),
            ("filter", Value::Number(WHOLE_FILTER)),
        ];
        self.push(file, ask("t_params"), arguments);
        self.push(file, ask("t_start"), Vec::new());
        for _ in 0..1 + self.rng.below(6) {
            match self.rng.below(10) {
                0..6 => self.push(timer, ask("t_trigger"), Vec::new()),
                6 => self.push(file, ask("t_stop"), Vec::new()),
                7 => self.push(file, ask("t_continue"), Vec::new()),
                8 => self.push(file, ask("t_status"), Vec::new()),
                _ => {
                    let name = self.rng.pick(&["t_pversion", "client_id", "t_status"]);
                    self.push(timer, ask(name), Vec::new());
                }
            }
        }
        if self.rng.chance(25) {
            self.push(timer, Operation::Close, Vec::new());
            self.push(file, ask("t_status"), Vec::new());
            self.push(file, ask("t_start"), Vec::new());
        }
        self.read(file, 65_536);
        self.push(file, ask("t_info"), Vec::new());
        if self.rng.chance(50) {
            self.push(file, Operation::Close, Vec::new());
        }
    }

    /// Sees to it that what a sequencer takes for the next record is one that was written.
    fn finish_records(&mut self) {
        for Call { events, .. } in &mut self.calls {
            let last = events.len().saturating_sub(1);
            for event in &mut events[..last] {
                let flags = number(event, "flags").unwrap_or(0);
                if flags & UMP == 0 || find(event, "w0").is_some() {
                    continue;
                }
                for (name, value) in event.iter_mut() {
                    if *name == "flags" {
                        *value = Value::Number(flags & !UMP);
                    }
                }
            }
        }
    }
}

fn number_of(handle: usize) -> Value {
    Value::Number(i64::try_from(handle).unwrap_or(0))
}
