//! Requests with arguments near their edges.

use super::events::{PPQS, TEMPOS};
use super::{Client, Generator, OPEN_PORT, Profile};
use crate::program::{Arguments, Mode, Operation, Value};

const NORMAL_SKEW: i64 = 0x10000;

impl Generator {
    fn number(&mut self, arguments: &mut Arguments, name: &'static str, percent: u64) {
        if self.rng.chance(percent) {
            let value = self.edge();
            arguments.push((name, Value::Number(value)));
        }
    }

    pub(super) fn port_attributes(&mut self, arguments: &mut Arguments) {
        let capability = match self.rng.below(10) {
            0..7 => OPEN_PORT,
            7 => self.rng.pick(&[0, 1, 2, 0x21, 0x42, 0x61, 0x62, 0x43]),
            8 if self.rng.chance(50) => OPEN_PORT | self.rng.pick(&[0x80, 0x100, 0x200, 0x300]),
            8 => self.rng.below(0x400).cast_signed(),
            _ => self.edge(),
        };
        arguments.push(("capability", Value::Number(capability)));
        if self.rng.chance(40) {
            let name = self.name();
            arguments.push(("name", name));
        }
        for name in ["type", "midi_channels", "midi_voices", "synth_voices"] {
            self.number(arguments, name, 15);
        }
        if self.rng.chance(35) {
            let flags = self.stamp_flags();
            arguments.push(("flags", Value::Number(flags)));
            let queue = self.stamp_queue();
            arguments.push(("time_queue", queue));
        }
        if self.rng.chance(10) {
            let byte = self.byte();
            arguments.push(("direction", Value::Number(byte)));
        }
        if self.rng.chance(10) {
            let group = self.rng.pick(&[0, 1, 15, 16, 17, 255]);
            arguments.push(("ump_group", Value::Number(group)));
        }
        if self.profile == Profile::Ump {
            self.ump_port(arguments);
        }
    }

    pub(super) fn create_port(&mut self, index: usize) {
        let Client { handle, .. } = self.clients[index];
        let client =
            if self.rng.chance(95) { Value::Client(handle) } else { self.client_value(handle) };
        let mut arguments = vec![("client", client)];
        self.port_attributes(&mut arguments);
        if self.rng.chance(12) {
            arguments.retain(|(name, _)| *name != "flags");
            // A stamp without a queue is taken from queue 0, which may be running.
            let flags = match self.rng.pick(&[1, 1, 1, 3, 9]) {
                3 if self.mode == Mode::Run => 1,
                flags => flags,
            };
            arguments.push(("flags", Value::Number(flags)));
            let port = self.rng.pick(&[0, 1, 2, 5, 7, 252, 253, 254, 255]);
            arguments.push(("port", Value::Number(port)));
        }
        if self.profile == Profile::Ump {
            self.midi_1_port(&mut arguments);
        }
        if self.rng.chance(2) {
            arguments.push(("kernel", Value::Number(1)));
        }
        self.clients[index].ports = self.clients[index].ports.saturating_add(1);
        self.request(handle, "create_port", arguments);
    }

    pub(super) fn subscribe(&mut self) {
        let handle = self.any_handle();
        let name = match self.rng.below(10) {
            0..6 => "subscribe_port",
            6..9 => "unsubscribe_port",
            _ => "get_subscription",
        };
        let repeated = if name == "subscribe_port" { 15 } else { 80 };
        let ends = if !self.connections.is_empty() && self.rng.chance(repeated) {
            let index = self.rng.index(self.connections.len());
            self.connections[index].clone()
        } else {
            [self.address(handle), self.address(handle)]
        };
        let [sender, dest] = ends.clone();
        let mut arguments = vec![
            ("sender", sender.0),
            ("sender_port", sender.1),
            ("dest", dest.0),
            ("dest_port", dest.1),
        ];
        if name == "subscribe_port" {
            self.connections.push(ends);
        }
        if self.rng.chance(40) {
            let flags = self.stamp_flags();
            arguments.push(("flags", Value::Number(flags)));
            let queue = self.stamp_queue();
            arguments.push(("queue", queue));
        }
        self.number(&mut arguments, "voices", 10);
        self.request(handle, name, arguments);
    }

    pub(super) fn any_request(&mut self) {
        let handle = self.any_handle();
        match self.rng.below(28) {
            0 => {
                let name = self.rng.pick(&["pversion", "client_id", "system_info"]);
                self.request(handle, name, Vec::new());
            }
            1 => {
                let client = self.client_value(handle);
                let mut arguments = vec![("client", client)];
                if self.rng.chance(20) {
                    arguments.push(("big_endian", Value::Number(1)));
                }
                let mode = self.rng.pick(&[0, 4, 7, 8, 8, 8, 9, 255]);
                arguments.push(("cpu_mode", Value::Number(mode)));
                self.request(handle, "running_mode", arguments);
            }
            2 => {
                let version = self.rng.pick(&[0, 1, 0x1_0002, 0x1_0003, 0x1_0004, 0xffff_ffff]);
                self.request(handle, "user_pversion", vec![("version", Value::Number(version))]);
            }
            3 => {
                let name = self.rng.pick(&["get_client_info", "query_next_client"]);
                let mut arguments = self.client_argument(handle);
                if self.rng.chance(20) {
                    arguments
                        .push(("multicast_filter", Value::Bytes(vec![1, 2, 3, 4, 5, 6, 7, 8])));
                }
                self.request(handle, name, arguments);
            }
            4 | 5 => self.set_client_info(handle),
            6 => {
                let name = self.rng.pick(&["get_client_ump_info", "set_client_ump_info"]);
                let mut arguments = self.client_argument(handle);
                self.number(&mut arguments, "type", 50);
                self.request(handle, name, arguments);
            }
            7 => self.port_request(handle, "delete_port"),
            8 => self.port_request(handle, "get_port_info"),
            9 => self.port_request(handle, "query_next_port"),
            10 => self.port_request(handle, "set_port_info"),
            11 => {
                let mut arguments = self.queue_argument();
                if self.rng.chance(60) {
                    // Most programs rarely lose their queues.
                    arguments = vec![("queue", Value::Number(30))];
                }
                self.request(handle, "delete_queue", arguments);
            }
            12 => {
                let arguments = self.queue_argument();
                self.request(handle, "get_queue_info", arguments);
            }
            13 => self.set_queue_info(handle),
            14 => {
                let name = self.name();
                self.request(handle, "get_named_queue", vec![("name", name)]);
            }
            15 => {
                let name =
                    self.rng.pick(&["get_queue_status", "get_queue_tempo", "get_queue_timer"]);
                let arguments = self.queue_argument();
                self.request(handle, name, arguments);
            }
            16 | 17 => self.set_queue_tempo(handle),
            18 => self.set_queue_timer(handle),
            19 | 20 => self.queue_client(handle),
            21 => {
                let arguments = self.client_argument(handle);
                self.request(handle, "get_client_pool", arguments);
            }
            22 => self.set_client_pool(handle),
            23..26 => self.remove_events(handle),
            26 => self.query_subs(handle),
            _ => {
                // Right letter, wrong number, size or direction; wrong letter.
                let code = self.rng.pick(&[
                    0x8004_5302_i64,
                    0x8004_53ff,
                    0xc004_5301,
                    0x4004_5300,
                    0xc030_5303,
                    0x5300,
                    0x8004_5400,
                    0xc0a4_5320,
                ]);
                self.push(handle, Operation::Ioctl, vec![("code", Value::Number(code))]);
            }
        }
    }

    fn client_argument(&mut self, handle: usize) -> Arguments {
        let client = self.client_value(handle);
        let client = if self.rng.chance(10) { Value::Number(self.edge()) } else { client };
        vec![("client", client)]
    }

    fn queue_argument(&mut self) -> Arguments {
        let queue = self.queue_value();
        let queue = if self.rng.chance(6) { Value::Number(self.edge()) } else { queue };
        vec![("queue", queue)]
    }

    fn set_client_info(&mut self, handle: usize) {
        let client =
            if self.rng.chance(92) { Value::Client(handle) } else { self.client_value(handle) };
        let mut arguments = vec![("client", client)];
        let kind = if self.rng.chance(95) { 1 } else { self.edge() };
        arguments.push(("type", Value::Number(kind)));
        if self.rng.chance(40) {
            let name = self.name();
            arguments.push(("name", name));
        }
        let filter = match self.rng.below(10) {
            0..4 => 4,
            4 => 0x8000_0000,
            5 => 0x8000_0004,
            6 => 0,
            _ => self.edge(),
        };
        arguments.push(("filter", Value::Number(filter)));
        if self.rng.chance(50) {
            let byte = self.rng.pick(&[0xff, 0x55, 0xf0, 0x0f]);
            let mut bits = vec![byte; 32];
            bits[16] = self.rng.pick(&[0xff, 0, 4, 8]);
            arguments.push(("event_filter", Value::Bytes(bits)));
        }
        self.number(&mut arguments, "event_lost", 20);
        self.number(&mut arguments, "group_filter", 20);
        for name in ["num_ports", "card"] {
            self.number(&mut arguments, name, 5);
        }
        if self.rng.chance(10) {
            let version = self.rng.pick(&[0, 1, 2, 3, -1]);
            arguments.push(("midi_version", Value::Number(version)));
        }
        self.request(handle, "set_client_info", arguments);
    }

    fn port_request(&mut self, handle: usize, name: &'static str) {
        let own = matches!(name, "delete_port" | "set_port_info");
        let client = if own && self.rng.chance(85) {
            Value::Client(handle)
        } else {
            self.client_value(handle)
        };
        let port = if own && self.rng.chance(70) {
            Value::Number(self.rng.below(self.clients[handle].ports.max(1).into()).cast_signed())
        } else {
            self.port_value()
        };
        let mut arguments = vec![("client", client), ("port", port)];
        if name == "query_next_port" && self.rng.chance(40) {
            arguments.retain(|(name, _)| *name != "port");
            arguments.push(("port", Value::Number(255)));
        }
        if name != "delete_port" && self.rng.chance(70) {
            self.port_attributes(&mut arguments);
        }
        self.request(handle, name, arguments);
    }

    fn set_queue_info(&mut self, handle: usize) {
        let owner =
            if self.rng.chance(92) { Value::Client(handle) } else { self.client_value(handle) };
        let mut arguments = self.queue_argument();
        arguments.push(("owner", owner));
        if self.rng.chance(50) {
            let locked = self.rng.pick(&[1, 2, 255]);
            arguments.push(("locked", Value::Number(locked)));
        }
        if self.rng.chance(60) {
            let name = self.name();
            arguments.push(("name", name));
        }
        self.request(handle, "set_queue_info", arguments);
    }

    fn set_queue_tempo(&mut self, handle: usize) {
        let mut arguments = self.queue_argument();
        if self.mode == Mode::Run {
            let tempo = self.rng.pick(TEMPOS);
            let ppq = self.rng.pick(PPQS);
            arguments.push(("tempo", Value::Number(tempo)));
            arguments.push(("ppq", Value::Number(ppq)));
            if self.rng.chance(10) {
                arguments[1].1 = Value::Number(self.rng.pick(&[0, -1]));
            }
        } else {
            let tempo = if self.rng.chance(60) { self.rng.pick(TEMPOS) } else { self.edge() };
            let ppq = if self.rng.chance(60) { self.rng.pick(PPQS) } else { self.edge() };
            arguments.push(("tempo", Value::Number(tempo)));
            arguments.push(("ppq", Value::Number(ppq)));
            if self.rng.chance(30) {
                let base = self.rng.pick(&[0, 10, 10, 1000, 1, 11, 999, 0xffff]);
                arguments.push(("tempo_base", Value::Number(base)));
            }
        }
        if self.rng.chance(40) {
            let still = self.mode == Mode::Still;
            let good = self.rng.chance(80);
            let base = if good { NORMAL_SKEW } else { self.rng.pick(&[1, 0xffff, 0x10001, -1]) };
            // In other programs a skew of zero keeps queues from moving, or must not be set.
            let value = match self.mode {
                _ if !good || still => self.edge(),
                Mode::Run => NORMAL_SKEW,
                _ => 0,
            };
            arguments.push(("skew_base", Value::Number(base)));
            arguments.push(("skew_value", Value::Number(value)));
        }
        self.request(handle, "set_queue_tempo", arguments);
    }

    fn set_queue_timer(&mut self, handle: usize) {
        let mut arguments = self.queue_argument();
        if self.rng.chance(8) {
            let kind = self.rng.pick(&[1, 2, 3, -1]);
            arguments.push(("type", Value::Number(kind)));
        }
        // Global timers: system, RTC, HPET, high resolution; then timers that do not exist. PCM timers and slaves are for
        // programs in which no queue runs.
        let class = match self.mode {
            Mode::Still => self.rng.pick(&[1, 1, 1, 1, 0, 2, 3, -1, 4]),
            _ => self.rng.pick(&[1, 1, 1, 2, 3]),
        };
        arguments.push(("class", Value::Number(class)));
        if self.rng.chance(40) {
            let sclass = self.rng.pick(&[-1, 0, 1, 2, 3, 4]);
            arguments.push(("sclass", Value::Number(sclass)));
        }
        if self.rng.chance(60) {
            arguments.push(("card", Value::Number(-1)));
        }
        let device = self.rng.pick(&[3, 3, 3, 0, 0, 1, 2, 7]);
        arguments.push(("device", Value::Number(device)));
        if self.rng.chance(10) {
            arguments.push(("subdevice", Value::Number(1)));
        }
        if self.rng.chance(40) {
            let resolution = match self.mode {
                Mode::Still => self.edge(),
                _ => self.rng.pick(&[1000, 1001, 6250, 0xffff_ffff]),
            };
            arguments.push(("resolution", Value::Number(resolution)));
        }
        self.request(handle, "set_queue_timer", arguments);
    }

    fn queue_client(&mut self, handle: usize) {
        let mut arguments = self.queue_argument();
        if self.rng.chance(20) {
            let client = self.client_value(handle);
            arguments.push(("client", client));
        }
        let used = match self.rng.below(10) {
            0..4 => 1,
            4..6 => 0,
            6 => -1,
            _ => self.edge(),
        };
        arguments.push(("used", Value::Number(used)));
        let name = if self.rng.chance(75) { "set_queue_client" } else { "get_queue_client" };
        self.request(handle, name, arguments);
    }

    fn set_client_pool(&mut self, handle: usize) {
        let client =
            if self.rng.chance(94) { Value::Client(handle) } else { self.client_value(handle) };
        let mut arguments = vec![("client", client)];
        for name in ["output_pool", "input_pool", "output_room"] {
            if self.rng.chance(50) {
                let cells = match self.rng.below(10) {
                    0..4 => self.rng.below(12).cast_signed(),
                    4..6 => self.rng.pick(&[1, 2, 3, 199, 200, 201, 499, 500, 501]),
                    6 => self.rng.pick(&[1999, 2000, 2001]),
                    7 => 50,
                    _ => self.edge(),
                };
                arguments.push((name, Value::Number(cells)));
            }
        }
        self.request(handle, "set_client_pool", arguments);
    }

    fn remove_events(&mut self, handle: usize) {
        let mut mode = if self.rng.chance(90) { 2 } else { self.rng.pick(&[0, 1, 3]) };
        let mut arguments = Arguments::new();
        for bit in 2..10 {
            if self.rng.chance(25) {
                mode |= 1 << bit;
            }
        }
        if self.rng.chance(3) {
            mode = self.edge();
        }
        arguments.push(("mode", Value::Number(mode)));
        let time = match self.rng.below(3) {
            0 => self.rng.below(12).cast_signed(),
            1 => 0,
            _ => self.edge(),
        };
        arguments.push(("tick", Value::Number(time)));
        if self.rng.chance(30) {
            let nsec = self.rng.pick(&[1, 500_000_000, 999_999_999, 1_000_000_000, 0xffff_ffff]);
            arguments.push(("nsec", Value::Number(nsec)));
        }
        let queue = self.queue_value();
        arguments.push(("queue", queue));
        let dest = if self.rng.chance(50) { Value::Number(254) } else { self.client_value(handle) };
        arguments.push(("dest", dest));
        let port = self.port_value();
        arguments.push(("dest_port", port));
        let channel = self.rng.below(4).cast_signed();
        arguments.push(("channel", Value::Number(channel)));
        let kind = self.rng.pick(&[5, 6, 7, 10, 130, 35, 256 + 6, -1]);
        arguments.push(("type", Value::Number(kind)));
        let tag = self.byte();
        arguments.push(("tag", Value::Number(tag)));
        self.request(handle, "remove_events", arguments);
    }

    fn query_subs(&mut self, handle: usize) {
        let root = if !self.connections.is_empty() && self.rng.chance(75) {
            let index = self.rng.index(self.connections.len());
            let end = self.rng.index(2);
            self.connections[index][end].clone()
        } else {
            self.address(handle)
        };
        let mut arguments = vec![("root", root.0), ("root_port", root.1)];
        let kind = self.rng.pick(&[0, 0, 0, 1, 1, 1, 2, -1]);
        arguments.push(("type", Value::Number(kind)));
        let index = self.rng.pick(&[0, 0, 0, 1, 1, 2, -1, 100]);
        arguments.push(("index", Value::Number(index)));
        self.request(handle, "query_subs", arguments);
    }
}
