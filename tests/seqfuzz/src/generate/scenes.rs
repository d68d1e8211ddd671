//! Groups of calls that belong together: queues that run, and storms.

use super::Generator;
use super::events::{TEMPOS, control_event, sets_position};
use crate::program::{Arguments, Call, Operation, Value, number};

const START: i64 = 30;
const CONTINUE: i64 = 31;
const STOP: i64 = 32;
const SETPOS_TICK: i64 = 33;
const SETPOS_TIME: i64 = 34;
const TEMPO: i64 = 35;
const SKEW: i64 = 38;

const NORMAL_SKEW: i64 = 0x10000;

impl Generator {
    /// Starts or stops a queue whose clock is frozen.
    pub(super) fn frozen_scene(&mut self) {
        let handle = self.any_handle();
        let queue = self.queue_value();
        let event =
            |event_type, value, value2| control_event(event_type, queue.clone(), value, value2);
        if self.rng.chance(35) {
            self.write(handle, vec![event(STOP, 0, 0)]);
            return;
        }
        let start = self.rng.pick(&[START, START, CONTINUE]);
        let events = vec![event(SKEW, 0, NORMAL_SKEW), event(start, 0, 0)];
        self.write(handle, events);
        self.may_run = true;
        if start == CONTINUE {
            self.sleep();
        }
    }

    /// Runs the first queue until everything near is delivered.
    pub(super) fn run_scene(&mut self) {
        let controller = if self.rng.chance(85) { self.owner } else { self.any_handle() };
        let queue = || Value::Queue(0);
        let use_it = vec![("queue", queue()), ("used", Value::Number(1))];
        // With a second user, marking does not reset the queue; either way it is not running.
        let users: Vec<_> = self.clients.iter().map(|client| client.handle).collect();
        for handle in users {
            if self.rng.chance(70) {
                self.request(handle, "set_queue_client", use_it.clone());
            }
        }
        let tempo = self.rng.pick(TEMPOS);
        self.write(controller, vec![control_event(TEMPO, queue(), tempo, 0)]);
        if self.rng.chance(50) {
            self.queued_writes(false);
            let tick = self.rng.below(3).cast_signed();
            let ms = self.rng.below(3).cast_signed();
            self.write(
                controller,
                vec![
                    control_event(SETPOS_TICK, queue(), tick, 0),
                    control_event(SETPOS_TIME, queue(), 0, ms * 1_000_000),
                    control_event(CONTINUE, queue(), 0, 0),
                ],
            );
        } else {
            let frozen = control_event(SKEW, queue(), 0, NORMAL_SKEW);
            self.write(controller, vec![frozen, control_event(START, queue(), 0, 0)]);
            self.queued_writes(true);
            self.write(controller, vec![control_event(SKEW, queue(), NORMAL_SKEW, NORMAL_SKEW)]);
        }
        for _ in 0..self.rng.below(3) {
            self.ask_while_running(controller);
        }
        self.push(controller, Operation::Settle, vec![("queue", queue())]);
        self.write(
            controller,
            vec![
                control_event(STOP, queue(), 0, 0),
                control_event(SETPOS_TICK, queue(), 2, 0),
                control_event(SETPOS_TIME, queue(), 0, 2_000_000),
            ],
        );
        for _ in 0..self.rng.below(4) {
            self.any_read();
        }
    }

    /// Writes events for the queue that is going to run.
    fn queued_writes(&mut self, started: bool) {
        for _ in 0..2 + self.rng.below(6) {
            let index = self.any_index();
            let handle = self.clients[index].handle;
            let mut events: Vec<Arguments> = Vec::new();
            for _ in 0..1 + self.rng.below(4) {
                let mut event = self.event(handle);
                if number(&event, "type").is_some_and(|kind| !(30..40).contains(&kind)) {
                    for argument in &mut event {
                        if argument.0 == "queue" {
                            argument.1 = Value::Queue(0);
                        }
                    }
                }
                events.push(event);
            }
            let sets = events.iter().any(sets_position);
            self.write(handle, events);
            if sets && started {
                self.sleep();
            }
        }
    }

    /// Makes calls that have a certain answer while a queue runs, and no effect that others see.
    fn ask_while_running(&mut self, controller: usize) {
        let queue = ("queue", Value::Queue(0));
        match self.rng.below(4) {
            0 => self.request(controller, "get_queue_status", vec![queue]),
            1 => self.request(controller, "get_queue_tempo", vec![queue]),
            2 => {
                let ppq = ("ppq", Value::Number(97));
                let tempo = ("tempo", Value::Number(500_000));
                self.request(controller, "set_queue_tempo", vec![queue, tempo, ppq]);
            }
            _ => self.request(controller, "get_queue_info", vec![queue]),
        }
    }

    /// Connects one port to several subscribers, some of which have little room.
    pub(super) fn fan_out(&mut self) {
        let index = self.any_index();
        let sender = self.clients[index].handle;
        let port = self.own_port(sender);
        for _ in 0..2 + self.rng.below(2) {
            let dest = self.any_handle();
            let dest_port = self.own_port(dest);
            if self.rng.chance(50) {
                let cells = 1 + self.rng.below(4).cast_signed();
                let client = ("client", Value::Client(dest));
                let pool = vec![client, ("input_pool", Value::Number(cells))];
                self.request(dest, "set_client_pool", pool);
            }
            let flags = self.stamp_flags() & !1;
            let queue = self.stamp_queue();
            let ends =
                [(Value::Client(sender), port.clone()), (Value::Client(dest), dest_port.clone())];
            self.connections.push(ends);
            let arguments = vec![
                ("sender", Value::Client(sender)),
                ("sender_port", port.clone()),
                ("dest", Value::Client(dest)),
                ("dest_port", dest_port),
                ("flags", Value::Number(flags)),
                ("queue", queue),
            ];
            self.request(sender, "subscribe_port", arguments);
        }
        for _ in 0..1 + self.rng.below(3) {
            let mut events = Vec::new();
            for _ in 0..1 + self.rng.below(4) {
                let mut event = self.event(sender);
                let controls = number(&event, "type").is_some_and(|kind| (30..40).contains(&kind));
                if !controls {
                    event
                        .retain(|(name, _)| !matches!(*name, "dest" | "dest_port" | "source_port"));
                    event.push(("source_port", port.clone()));
                    event.push(("dest", Value::Number(254)));
                }
                events.push(event);
            }
            let sets = events.iter().any(sets_position);
            self.write(sender, events);
            if sets && self.may_run {
                self.sleep();
            }
        }
    }

    /// Makes the same call many times, so that what is limited runs out.
    pub(super) fn storm(&mut self) {
        if !self.rng.chance(40) {
            return;
        }
        let index = self.any_index();
        let handle = self.clients[index].handle;
        let times = |count: i64| ("times", Value::Number(count));
        match self.rng.below(10) {
            0 => {
                let base = self.clients.len();
                for handle in base..base + 68 {
                    self.push(handle, Operation::Open, vec![("access", Value::Number(2))]);
                }
                for handle in base..base + 68 {
                    self.push(handle, Operation::Close, Vec::new());
                }
            }
            1 => {
                let client = ("client", Value::Client(handle));
                self.request(handle, "create_port", vec![client, times(258)]);
            }
            2 => self.request(handle, "create_queue", vec![times(33)]),
            _ => {
                let count = self.rng.pick(&[60, 199, 200, 201, 250, 251, 260, 499, 500, 501]);
                let event = self.event(handle);
                let call = Call {
                    client: handle,
                    operation: Operation::Write,
                    arguments: vec![times(count)],
                    events: vec![event],
                };
                self.calls.push(call);
            }
        }
    }
}
