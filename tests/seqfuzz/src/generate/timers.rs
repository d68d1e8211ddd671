//! Programs that use `/dev/snd/timer` beside the sequencer.
//!
//! A program looks at a running timer only if the answer is certain. Most periods are so long that nothing ticks while
//! the program runs. [`Generator::tick_scene`] uses short ones, waits until they have certainly passed, and stops the
//! timers before it looks. Transcripts do not have the number of ticks, or their times.

use super::{Generator, Profile};
use crate::program::{Arguments, FIRST_TIMER, Mode, Operation, Program, Settings, Value};
use crate::rng::Rng;

/// Maximum number of timer files of a program.
const MOST: usize = 6;
/// Numbers of ticks that take longer than any program: at least 2 seconds of HRTIMER, months of the system timer.
const LONG: &[i64] = &[2_000_000_000, 2_147_483_647, 2_147_483_648, 4_294_967_295];
/// Every bit of a filter that is accepted, and only those of START, STOP and the like.
const WHOLE_FILTER: i64 = 0x6_f1bf;
const ORDERS: i64 = 0x6_f1bc;
/// Milliseconds in which every short period passes several times, even on a busy machine.
const PASSED_MS: i64 = 30;

/// What the generator knows of a timer file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    open: bool,
    /// Whether its period is certainly long, so that it may be started anywhere.
    long: bool,
    /// Whether its filter may have ticks, so that it must not follow a queue that runs.
    hears_ticks: bool,
    /// Whether it follows a queue.
    follows: bool,
}

/// Timers that a SELECT may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Hr,
    System,
    Own,
    Queue,
    Strange,
}

/// Returns the program of a seed that uses timers too. The seeds of [`super::generate`] are others.
#[must_use]
pub fn generate_timer(seed: u64, size: usize) -> Program {
    let mut generator = Generator::new(Rng::new(seed ^ 0x7193_0a5e_9d00_0002), Profile::Timer);
    generator.timer_program(size);
    Program {
        mode: generator.mode,
        common: false,
        ump: false,
        settings: Settings::default(),
        calls: generator.calls,
    }
}

impl Generator {
    fn timer_program(&mut self, size: usize) {
        self.open_timer();
        self.set_scene();
        for _ in 0..self.rng.below(3) {
            self.open_timer();
        }
        let extra = self.rng.index(size.max(1));
        for _ in 0..size / 2 + extra {
            if self.rng.chance(72) {
                self.timer_step();
            } else {
                self.step();
            }
        }
        self.end_timers();
        self.end();
    }

    fn timer_request(&mut self, timer: usize, name: &'static str, arguments: Arguments) {
        self.push(FIRST_TIMER + timer, Operation::Request(name), arguments);
    }

    fn open_timer(&mut self) {
        if self.timers.len() == MOST {
            return;
        }
        let timer = self.timers.len();
        let access = self.rng.pick(&[2, 2, 2, 0, 0, 1]);
        let arguments = vec![("access", Value::Number(access))];
        self.push(FIRST_TIMER + timer, Operation::OpenTimer, arguments);
        let mut made = Timer { open: true, long: false, hears_ticks: true, follows: false };
        if self.rng.chance(75) {
            let name = self.rng.pick(&["t_tread", "t_tread64"]);
            self.timer_request(timer, name, vec![("on", Value::Number(1))]);
            // The first filter is empty.
            made.hears_ticks = false;
        }
        self.timers.push(made);
        if self.rng.chance(85) {
            self.select(timer, Wish::Hr);
            self.long_params(timer);
            // HRTIMER may be taken exclusively, and then the ticks are what they were.
            self.timers[timer].long = self.never_exclusive();
        }
    }

    /// Returns whether no file has asked for EXCLUSIVE so far.
    fn never_exclusive(&self) -> bool {
        !self.calls.iter().any(|call| {
            call.operation == Operation::Request("t_params")
                && call.number("flags").is_some_and(|flags| flags & 2 != 0)
        })
    }

    fn any_timer(&mut self) -> usize {
        for _ in 0..4 {
            let timer = self.rng.index(self.timers.len());
            if self.timers[timer].open {
                return timer;
            }
        }
        0
    }

    fn timer_step(&mut self) {
        let timer = self.any_timer();
        match self.rng.below(100) {
            0..34 => self.order(timer),
            34..46 => self.any_select(timer),
            46..54 => self.any_params(timer),
            54..64 => self.ask(timer),
            64..74 => self.timer_read(timer),
            74..77 => self.push(FIRST_TIMER + timer, Operation::Poll, Vec::new()),
            77..81 => self.open_timer(),
            81..83 => self.close_timer(timer),
            83..86 if !self.timers[timer].follows => {
                let name = self.rng.pick(&["t_tread", "t_tread64"]);
                let on = self.rng.pick(&[0, 1, 1, 2, -1]);
                self.timers[timer].hears_ticks = true;
                self.timer_request(timer, name, vec![("on", Value::Number(on))]);
            }
            86..90 => self.tick_scene(),
            90..94 => self.queue_on_timer(),
            94..96 => self.strange_call(timer),
            _ => self.relation(timer),
        }
    }

    fn order(&mut self, timer: usize) {
        let times = if self.rng.chance(6) { 20 + self.rng.below(60).cast_signed() } else { 1 };
        let names: &[&'static str] = if self.timers[timer].long {
            &[
                "t_start",
                "t_start",
                "t_start",
                "t_stop",
                "t_stop",
                "t_continue",
                "t_pause",
                "t_start_old",
                "t_continue_old",
                "t_pause_old",
            ]
        } else {
            &["t_stop", "t_pause", "t_pause_old"]
        };
        let name = self.rng.pick(names);
        let mut arguments = Vec::new();
        if times > 1 {
            arguments.push(("times", Value::Number(times)));
        }
        self.timer_request(timer, name, arguments);
    }

    fn id(&mut self, wish: Wish) -> Arguments {
        let number = |value: i64| Value::Number(value);
        let (class, sclass, device) = match wish {
            Wish::Hr => (1, 0, number(3)),
            Wish::System => (1, 0, number(0)),
            Wish::Own => (0, 1, Value::Process),
            Wish::Queue if self.queues > 0 && self.rng.chance(70) => {
                (0, 2, Value::Queue(self.rng.index(self.queues)))
            }
            Wish::Queue => (0, 2, number(-1)),
            Wish::Strange => {
                let class = self.rng.pick(&[-1, 0, 0, 1, 1, 2, 3, 4, 77]);
                let sclass = self.rng.pick(&[-1, 0, 3, 3, 4]);
                let device = self.rng.pick(&[-1, 1, 2, 5, 99, i64::from(i32::MAX)]);
                (class, sclass, number(device))
            }
        };
        let mut id = vec![("class", number(class)), ("sclass", number(sclass)), ("device", device)];
        if self.rng.chance(80) {
            id.push(("card", number(-1)));
        }
        if self.rng.chance(6) {
            let subdevice = self.edge();
            id.push(("subdevice", number(subdevice)));
        }
        id
    }

    fn select(&mut self, timer: usize, wish: Wish) {
        let mut id = self.id(wish);
        if matches!(wish, Wish::Hr | Wish::System) {
            id.retain(|(name, _)| *name != "subdevice");
        }
        self.timers[timer].follows = wish == Wish::Queue;
        self.timer_request(timer, "t_select", id);
    }

    fn any_select(&mut self, timer: usize) {
        let Timer { long, hears_ticks, .. } = self.timers[timer];
        let wish = match self.rng.below(10) {
            0..4 => Wish::Hr,
            // Where a start without PARAMS ticks.
            4..6 if long => Wish::System,
            6..8 => Wish::Own,
            // Where ticks come whenever the queue runs.
            8 if self.mode == Mode::Still || !hears_ticks => Wish::Queue,
            _ => Wish::Strange,
        };
        self.select(timer, wish);
    }

    fn params(&mut self, timer: usize, ticks: i64, filter: i64) {
        let flags = self.rng.pick(&[0, 1, 1, 1, 4, 5, 2, 3, 0x58]);
        let queue_size = self.rng.pick(&[0, 0, 0, 0, 32, 33, 40, 128, 1024, 31, 1, 1025]);
        let mut arguments = vec![
            ("flags", Value::Number(flags)),
            ("ticks", Value::Number(ticks)),
            ("filter", Value::Number(filter)),
        ];
        if self.rng.chance(40) {
            arguments.push(("queue_size", Value::Number(queue_size)));
        }
        self.timer_request(timer, "t_params", arguments);
    }

    fn long_params(&mut self, timer: usize) {
        let ticks = self.rng.pick(LONG);
        // A file that may come to follow a running queue must not see its ticks.
        let deaf = self.mode == Mode::Frozen && self.rng.chance(50);
        let filter = if deaf { ORDERS } else { WHOLE_FILTER };
        self.timers[timer].hears_ticks |= !deaf;
        let flags = self.rng.pick(&[0, 1, 1, 4]);
        let arguments = vec![
            ("flags", Value::Number(flags)),
            ("ticks", Value::Number(ticks)),
            ("filter", Value::Number(filter)),
        ];
        self.timer_request(timer, "t_params", arguments);
    }

    fn any_params(&mut self, timer: usize) {
        let deaf = !self.timers[timer].hears_ticks;
        let filter = match self.rng.below(10) {
            0..5 => WHOLE_FILTER,
            5 => 0,
            6..9 => (self.rng.next() & 0x6_f1bf).cast_signed(),
            _ => 1 << self.rng.below(32),
        };
        let filter = if deaf { filter & !3 } else { filter };
        let ticks = if self.rng.chance(10) { 0 } else { self.rng.pick(LONG) };
        self.params(timer, ticks, filter);
    }

    fn ask(&mut self, timer: usize) {
        match self.rng.below(10) {
            0..4 => self.timer_request(timer, "t_status", Vec::new()),
            4 => self.timer_request(timer, "t_status32", Vec::new()),
            5 | 6 => self.timer_request(timer, "t_info", Vec::new()),
            _ => {
                let names = ["t_ginfo", "t_ginfo", "t_gstatus", "t_gparams", "t_next_device"];
                let name = self.rng.pick(&names);
                let wishes = [Wish::Hr, Wish::System, Wish::Own, Wish::Strange];
                let wish = self.rng.pick(&wishes);
                let id = self.id(wish);
                self.timer_request(timer, name, id);
            }
        }
    }

    fn timer_read(&mut self, timer: usize) {
        let len = match self.rng.below(10) {
            0..2 => self.rng.pick(&[1, 7, 8, 9, 15, 16, 17, 31, 33]),
            2..5 => 32 * (1 + self.rng.below(3).cast_signed()),
            _ => 65_536,
        };
        self.read(FIRST_TIMER + timer, len);
    }

    fn close_timer(&mut self, timer: usize) {
        if self.timers.iter().filter(|timer| timer.open).count() > 1 {
            self.timers[timer].open = false;
            self.push(FIRST_TIMER + timer, Operation::Close, Vec::new());
        }
    }

    /// Makes a master and its slave, and shows the effect of one on the other.
    fn relation(&mut self, timer: usize) {
        let slave = self.any_timer();
        if slave == timer || !self.timers[timer].long || !self.timers[slave].long {
            return;
        }
        self.select(timer, Wish::Hr);
        self.select(slave, Wish::Own);
        self.long_params(slave);
        self.timer_request(slave, "t_start", Vec::new());
        for _ in 0..1 + self.rng.below(4) {
            self.order(timer);
        }
        if self.rng.chance(30) {
            self.any_select(timer);
        }
        if self.rng.chance(20) {
            self.close_timer(timer);
        }
        self.read(FIRST_TIMER + slave, 65_536);
    }

    /// Puts a queue on a timer of the program's choice.
    fn queue_on_timer(&mut self) {
        let handle = self.any_handle();
        let wish = match self.rng.below(10) {
            0..4 => Wish::Hr,
            4..6 => Wish::System,
            6..9 => Wish::Own,
            _ => Wish::Strange,
        };
        let mut arguments = self.id(wish);
        let queue = self.queue_value();
        arguments.push(("queue", queue));
        if self.rng.chance(40) {
            let resolution = self.rng.pick(&[1, 10, 100, 333, 1000, 6250, 7000, 0xffff_ffff]);
            arguments.push(("resolution", Value::Number(resolution)));
        }
        self.request(handle, "set_queue_timer", arguments);
    }

    /// Makes requests of the other device, or of none.
    fn strange_call(&mut self, timer: usize) {
        match self.rng.below(4) {
            0 => {
                let names = ["client_id", "system_info", "get_client_info", "create_queue"];
                let name = self.rng.pick(&names);
                self.timer_request(timer, name, Vec::new());
            }
            1 => {
                let names = ["t_start", "t_info", "t_select", "t_status", "t_next_device"];
                let (handle, name) = (self.any_handle(), self.rng.pick(&names));
                self.push(handle, Operation::Request(name), Vec::new());
            }
            2 => {
                let event = vec![("type", Value::Number(6))];
                self.write(FIRST_TIMER + timer, vec![event]);
            }
            _ => {
                let codes = [0x5401_i64, 0x54a7, 0x5424, 0x8008_5400, 0xc0e0_5403, 0x4060_5414];
                let code = self.rng.pick(&codes);
                self.push(
                    FIRST_TIMER + timer,
                    Operation::Ioctl,
                    vec![("code", Value::Number(code))],
                );
            }
        }
    }

    /// Starts timers with short periods, waits until these have passed, stops the timers, and then looks.
    fn tick_scene(&mut self) {
        let mut cast = Vec::new();
        for _ in 0..1 + self.rng.below(3) {
            let timer = self.any_timer();
            if self.timers[timer].long && !cast.contains(&timer) {
                cast.push(timer);
            }
        }
        let system = self.rng.chance(35);
        if self.mode == Mode::Frozen {
            // An instance that starts while another one runs waits for the timer's next interrupt. On Linux an interrupt for a queue
            // is enough; aseqd's queues have none.
            for timer in 0..self.timers.len() {
                self.timer_request(timer, "t_stop", Vec::new());
            }
        }
        for &timer in &cast {
            let (wish, ticks) = if system {
                (Wish::System, 1 + self.rng.below(2).cast_signed())
            } else {
                (Wish::Hr, 1_000_000 * (1 + self.rng.below(4).cast_signed()))
            };
            self.select(timer, wish);
            let filter = self.rng.pick(&[WHOLE_FILTER, WHOLE_FILTER, 3, 1, 2, ORDERS]);
            let filter = if self.timers[timer].hears_ticks { filter } else { filter & !3 };
            let flags = self.rng.pick(&[0, 1, 1, 4, 5]);
            let arguments = vec![
                ("flags", Value::Number(flags)),
                ("ticks", Value::Number(ticks)),
                ("filter", Value::Number(filter)),
            ];
            self.timer_request(timer, "t_params", arguments);
        }
        for &timer in &cast {
            self.timer_request(timer, "t_start", Vec::new());
        }
        self.push(0, Operation::Sleep, vec![("ms", Value::Number(PASSED_MS))]);
        // Stops them in the order of starting: while an earlier one runs, a later one need not wait.
        for &timer in &cast {
            let name = self.rng.pick(&["t_stop", "t_stop", "t_pause"]);
            self.timer_request(timer, name, Vec::new());
        }
        for &timer in &cast {
            self.timer_request(timer, "t_status", Vec::new());
            self.read(FIRST_TIMER + timer, 65_536);
            // A paused instance keeps its short rest; a STOP that takes effect drops it.
            self.timer_request(timer, "t_stop", Vec::new());
            let again = self.timers[timer].hears_ticks;
            self.long_params(timer);
            self.timers[timer].hears_ticks = again;
            self.timer_request(timer, "t_start", Vec::new());
            self.timer_request(timer, "t_stop", Vec::new());
        }
    }

    /// Reads everything that is left, and closes the files.
    fn end_timers(&mut self) {
        for timer in 0..self.timers.len() {
            if !self.timers[timer].open {
                continue;
            }
            self.timer_request(timer, "t_status", Vec::new());
            self.timer_request(timer, "t_info", Vec::new());
            self.read(FIRST_TIMER + timer, 65_536);
            if self.rng.chance(50) {
                self.push(FIRST_TIMER + timer, Operation::Close, Vec::new());
            }
        }
        let open = self.any_timer();
        for wish in [Wish::Hr, Wish::System] {
            let id = self.id(wish);
            self.timer_request(open, "t_ginfo", id);
        }
    }
}
