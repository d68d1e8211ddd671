//! Programs from seeds.
//!
//! A program makes clients, ports, queues and connections, then calls with arguments near their edges, then reads
//! everything and closes its files. It does nothing that may differ from run to run. Linux steps a running queue by
//! periods of its timer, and aseqd does not, so in most programs no queue moves. [`Mode`] has the three kinds, and
//! `events.rs` says what each of them may send.

mod common;
mod events;
mod packets;
mod requests;
mod scenes;
mod timers;
mod ump;
mod values;

pub(crate) use common::NEW_FIELDS;
pub use common::{common, legacy};
pub use timers::generate_timer;
pub use ump::generate_ump;

use crate::field::{self, Kind as FieldKind};
use crate::program::{Arguments, Call, Mode, Operation, Program, Settings, Value, find};
use crate::rng::Rng;

/// Every capability that matters.
pub(crate) const OPEN_PORT: i64 = 0x63;

/// The kind of program that a seed stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// About how many calls it makes between its beginning and end.
    pub size: usize,
    /// Whether it keeps to what Linux 6.1 and 6.12 have in common.
    pub common: bool,
    /// Whether it is without what asks for UMP.
    pub legacy: bool,
    /// What it uses.
    pub profile: Profile,
}

/// What programs use. A seed means another program in each profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The sequencer.
    Sequencer,
    /// The sequencer and the timer device.
    Timer,
    /// The sequencer with UMP clients, and user-driven timers.
    Ump,
}

impl Kind {
    /// Returns the program of a seed.
    #[must_use]
    pub fn program(self, seed: u64) -> Program {
        let make = match self.profile {
            Profile::Sequencer => generate,
            Profile::Timer => generate_timer,
            Profile::Ump => generate_ump,
        };
        let program = make(seed, self.size);
        let program = if self.legacy { legacy(program) } else { program };
        if self.common { common(program) } else { program }
    }

    /// Returns the command line's options for the kind.
    #[must_use]
    pub fn options(self) -> String {
        let common = if self.common { " --common" } else { "" };
        let profile = match self.profile {
            Profile::Sequencer => "",
            Profile::Timer => " --timer",
            Profile::Ump => " --ump",
        };
        let legacy = if self.legacy { " --legacy" } else { "" };
        format!("--size {}{common}{legacy}{profile}", self.size)
    }
}

/// Returns the program of a seed. `size` is about how many calls it makes between its beginning and end.
#[must_use]
pub fn generate(seed: u64, size: usize) -> Program {
    let mut generator = Generator::new(Rng::new(seed ^ 0x5e9f_a55e_9d00_0001), Profile::Sequencer);
    generator.program(size);
    Program {
        mode: generator.mode,
        common: false,
        ump: false,
        settings: Settings::default(),
        calls: generator.calls,
    }
}

/// What the generator knows about a client.
#[derive(Clone, Copy, Debug)]
struct Client {
    handle: usize,
    open: bool,
    writes: bool,
    ports: u8,
    /// The MIDI version that it has asked for.
    midi_version: i64,
}

struct Generator {
    rng: Rng,
    mode: Mode,
    calls: Vec<Call>,
    clients: Vec<Client>,
    /// Handles of queues given out.
    queues: usize,
    /// Whether a queue has been started.
    may_run: bool,
    /// Whether near times in the first queue are real times, not ticks, if the program runs it.
    real_kind: bool,
    /// Handle of the client that made the first queue.
    owner: usize,
    /// Both ends of connections that were asked for.
    connections: Vec<[(Value, Value); 2]>,
    /// Timer files.
    timers: Vec<timers::Timer>,
    /// Number of user-driven timers that it has asked for.
    user_timers: usize,
    profile: Profile,
}

impl Generator {
    fn new(mut rng: Rng, profile: Profile) -> Self {
        let (mode, real_kind) = if profile == Profile::Timer {
            (if rng.chance(60) { Mode::Still } else { Mode::Frozen }, false)
        } else {
            let mode = match rng.below(100) {
                0..50 => Mode::Still,
                50..85 => Mode::Frozen,
                _ => Mode::Run,
            };
            (mode, rng.chance(35))
        };
        Self {
            rng,
            mode,
            real_kind,
            calls: Vec::new(),
            clients: Vec::new(),
            queues: 0,
            may_run: false,
            owner: 0,
            connections: Vec::new(),
            timers: Vec::new(),
            user_timers: 0,
            profile,
        }
    }

    fn program(&mut self, size: usize) {
        self.set_scene();
        let extra = self.rng.index(size.max(1));
        for _ in 0..size / 2 + extra {
            self.step();
        }
        if self.mode == Mode::Run {
            self.run_scene();
        }
        self.end();
    }

    fn push(&mut self, client: usize, operation: Operation, arguments: Arguments) {
        self.calls.push(Call { client, operation, arguments, events: Vec::new() });
    }

    fn request(&mut self, client: usize, name: &'static str, mut arguments: Arguments) {
        let asks = ["get_", "query_", "system"].iter().any(|start| name.starts_with(start));
        if asks && self.rng.chance(12) {
            self.add_dirt(name, &mut arguments);
        }
        self.push(client, Operation::Request(name), arguments);
    }

    /// Puts something into a field that the answer fills.
    fn add_dirt(&mut self, name: &str, arguments: &mut Arguments) {
        let Some(request) = field::request_named(name) else { return };
        let field = request.fields[self.rng.index(request.fields.len())];
        if find(arguments, field.name).is_none() {
            let value = match field.kind {
                FieldKind::Name(_) => self.name(),
                FieldKind::Bytes(size) => Value::Bytes(vec![0x5a; size]),
                _ => Value::Number(self.edge()),
            };
            arguments.push((field.name, value));
        }
    }

    fn write(&mut self, client: usize, events: Vec<Arguments>) {
        let arguments = Vec::new();
        self.calls.push(Call { client, operation: Operation::Write, arguments, events });
    }

    fn read(&mut self, client: usize, len: i64) {
        self.push(client, Operation::Read, vec![("len", Value::Number(len))]);
    }

    fn sleep(&mut self) {
        self.push(0, Operation::Sleep, vec![("ms", Value::Number(12))]);
    }

    fn set_scene(&mut self) {
        self.set_clients();
        self.set_queues();
    }

    /// Opens the first clients, and creates their ports.
    fn set_clients(&mut self) {
        for _ in 0..1 + self.rng.below(4) {
            self.open();
        }
        for index in 0..self.clients.len() {
            if self.profile == Profile::Ump {
                self.become_ump(index);
            } else if self.rng.chance(30) {
                let version = self.rng.pick(&[0x01_00_02, 0x01_00_03, 0x01_00_04, 0x01_00_05]);
                let handle = self.clients[index].handle;
                self.request(handle, "user_pversion", vec![("version", Value::Number(version))]);
            }
            let ports = if self.rng.chance(90) { 1 + self.rng.below(3) } else { 0 };
            for _ in 0..ports {
                self.create_port(index);
            }
        }
    }

    /// Creates the first queues and connections.
    fn set_queues(&mut self) {
        let none = self.mode == Mode::Still && self.rng.chance(8);
        let queues = if none { 0 } else { 1 + self.rng.below(3) };
        for _ in 0..queues {
            self.create_queue();
        }
        for queue in 0..self.queues {
            for index in 0..self.clients.len() {
                if self.rng.chance(80) {
                    let handle = self.clients[index].handle;
                    let used = vec![("queue", Value::Queue(queue)), ("used", Value::Number(1))];
                    self.request(handle, "set_queue_client", used);
                }
            }
        }
        for _ in 0..1 + self.rng.below(6) {
            self.subscribe();
        }
        self.connect_through();
        for port in [0, 1] {
            if self.rng.chance(40) {
                let index = self.any_index();
                let Client { handle, ports, .. } = self.clients[index];
                let dest_port = self.rng.below(u64::from(ports.max(1)));
                let dest = (Value::Client(handle), Value::Number(dest_port.cast_signed()));
                let arguments = vec![
                    ("sender_port", Value::Number(port)),
                    ("dest", dest.0.clone()),
                    ("dest_port", dest.1.clone()),
                ];
                self.connections.push([(Value::Number(0), Value::Number(port)), dest]);
                self.request(handle, "subscribe_port", arguments);
            }
        }
    }

    /// Makes connections to and from Midi Through, now and then in a circle.
    fn connect_through(&mut self) {
        let handle = self.any_handle();
        let through = || (Value::Number(14), Value::Number(0));
        let own = (Value::Client(handle), Value::Number(0));
        let all =
            [(15, [own.clone(), through()]), (15, [through(), own]), (4, [through(), through()])];
        for (percent, ends) in all {
            if self.rng.chance(percent) {
                let [sender, dest] = ends.clone();
                self.connections.push(ends);
                let arguments = vec![
                    ("sender", sender.0),
                    ("sender_port", sender.1),
                    ("dest", dest.0),
                    ("dest_port", dest.1),
                ];
                self.request(handle, "subscribe_port", arguments);
            }
        }
    }

    fn open(&mut self) {
        let handle = self.clients.len();
        let access = match self.rng.below(100) {
            0..80 => 2,
            80..90 => 1,
            _ => 0,
        };
        self.push(handle, Operation::Open, vec![("access", Value::Number(access))]);
        self.clients.push(Client {
            handle,
            open: true,
            writes: access != 0,
            ports: 0,
            midi_version: 0,
        });
    }

    fn create_queue(&mut self) {
        let index = self.any_index();
        let handle = self.clients[index].handle;
        if self.queues == 0 {
            self.owner = handle;
        }
        let mut arguments = vec![("as", Value::Queue(self.queues))];
        self.queues += 1;
        if self.rng.chance(50) {
            arguments.push(("locked", Value::Number(self.rng.pick(&[1, 1, 3, 0xff]))));
        }
        if self.rng.chance(30) {
            let name = self.name();
            arguments.push(("name", name));
        }
        if self.rng.chance(10) {
            let flags = self.edge();
            arguments.push(("flags", Value::Number(flags)));
        }
        self.request(handle, "create_queue", arguments);
    }

    /// Returns one client or another.
    fn any_index(&mut self) -> usize {
        let open = |clients: &[Client], index: usize| clients[index].open;
        for _ in 0..4 {
            let index = self.rng.index(self.clients.len());
            if open(&self.clients, index) {
                return index;
            }
        }
        0
    }

    fn step(&mut self) {
        match self.rng.below(100) {
            0..34 => self.write_events(),
            34..48 => self.any_read(),
            48..52 => {
                let handle = self.any_handle();
                self.push(handle, Operation::Poll, Vec::new());
            }
            52..55 if self.clients.len() < 7 => {
                self.open();
                for _ in 0..1 + self.rng.below(2) {
                    self.create_port(self.clients.len() - 1);
                }
            }
            55..58 => self.close(),
            58..62 => {
                let index = self.any_index();
                self.create_port(index);
            }
            62..64 if self.queues < 6 => self.create_queue(),
            64..70 => self.subscribe(),
            70..75 if self.mode == Mode::Frozen => self.frozen_scene(),
            70..73 => self.control_now(),
            73..75 if self.mode == Mode::Still => self.storm(),
            75..78 => self.fan_out(),
            _ => self.any_request(),
        }
    }

    fn any_handle(&mut self) -> usize {
        let index = self.any_index();
        self.clients[index].handle
    }

    fn any_read(&mut self) {
        let handle = self.any_handle();
        let len = match self.rng.below(10) {
            // A read or write of no bytes never reaches a file system in user space.
            0..3 => self.rng.pick(&[1, 1, 27, 28, 29, 55, 56, 57, 84]),
            3..6 => 28 * (1 + self.rng.below(8).cast_signed()),
            _ => 8192,
        };
        self.read(handle, len);
    }

    fn close(&mut self) {
        let index = self.any_index();
        if self.clients.iter().filter(|client| client.open).count() > 1 {
            self.clients[index].open = false;
            let handle = self.clients[index].handle;
            self.push(handle, Operation::Close, Vec::new());
        }
    }

    /// Asks for everything that is left, and closes.
    fn end(&mut self) {
        let asker = self.any_handle();
        for queue in 0..self.queues.min(6) {
            let queue = vec![("queue", Value::Queue(queue))];
            self.request(asker, "get_queue_status", queue.clone());
            self.request(asker, "get_queue_tempo", queue);
        }
        for index in 0..self.clients.len().min(8) {
            let Client { handle, open, .. } = self.clients[index];
            if !open {
                continue;
            }
            let client = vec![("client", Value::Client(handle))];
            self.request(handle, "get_client_pool", client.clone());
            self.request(handle, "get_client_info", client);
            self.read(handle, 65_536);
            self.read(handle, 65_536);
            if self.rng.chance(70) {
                self.push(handle, Operation::Close, Vec::new());
            }
        }
        // Reads what the closes have announced.
        for index in 0..self.clients.len().min(8) {
            if self.clients[index].open {
                let handle = self.clients[index].handle;
                self.read(handle, 65_536);
            }
        }
    }
}
