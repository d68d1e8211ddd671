//! Programs from programs: calls are added, left out, repeated and moved, and fields get other values of their type.

use super::idioms::idiom;
use super::inside;
use super::values::{self, Scene};
use crate::field::{EVENT, REQUESTS};
use crate::generate::{Kind as Programs, Profile};
use crate::program::{
    Arguments, Call, FIRST_TIMER, FIRST_USER_TIMER, Mode, Operation, Program, Value,
};
use crate::rng::Rng;
use aseqd_abi::EventType;
use aseqd_describe::{Device, Field, Request, Resource, data_of};

/// Maximum number of calls of a program.
const MAX_CALLS: usize = 90;
/// Maximum number of events of a write.
const MAX_EVENTS: usize = 40;

/// Returns a new program: a mutation of `from`, with parts of `other`; now and then one from a seed.
pub(super) fn mutate(rng: &mut Rng, from: Option<&Program>, other: Option<&Program>) -> Program {
    let Some(from) = from.filter(|_| !rng.chance(4)) else { return fresh(rng) };
    let mut program = from.clone();
    let most = if rng.chance(20) { 12 } else { 4 };
    let rounds = 1 + rng.below(most);
    for _ in 0..rounds {
        match rng.below(100) {
            0..34 => insert(rng, &mut program),
            34..62 => change(rng, &mut program),
            62..72 => remove(rng, &mut program),
            72..78 => duplicate(rng, &mut program),
            78..82 => exchange(rng, &mut program),
            82..90 => splice(rng, &mut program, other),
            90..93 => program.ump = !program.ump,
            93 => setting(rng, &mut program),
            94 => {
                program.mode = Mode::ALL[rng.index(Mode::ALL.len())];
            }
            _ => idiom(rng, &mut program),
        }
    }
    program.calls.truncate(MAX_CALLS);
    program
}

/// Changes a setting of the server.
fn setting(rng: &mut Rng, program: &mut Program) {
    let settings = &mut program.settings;
    match rng.below(4) {
        0 => settings.notes_off = !settings.notes_off,
        1 => settings.quantise = !settings.quantise,
        2 => settings.hz = rng.pick(&[None, Some(100), Some(1000), Some(10_000), Some(1)]),
        _ => settings.clients = rng.pick(&[None, Some(0), Some(1), Some(2), Some(u8::MAX)]),
    }
}

/// Adds calls that show what is left at a program's end: free cells, counts, unread events, positions.
pub(super) fn look_around(program: &mut Program) {
    let scene = Scene::of(program);
    let mut add = |client, operation, arguments| {
        program.calls.push(Call { client, operation, arguments, events: Vec::new() });
    };
    let read = || vec![("len", Value::Number(0x1_0000))];
    if let Some(client) = scene.clients.first() {
        for queue in 0..scene.queues {
            let which = vec![("queue", Value::Queue(queue))];
            add(*client, Operation::Request("get_queue_status"), which);
        }
    }
    for client in scene.clients {
        let which = || vec![("client", Value::Client(client))];
        add(client, Operation::Poll, Vec::new());
        add(client, Operation::Request("get_client_pool"), which());
        add(client, Operation::Read, read());
        add(client, Operation::Request("get_client_info"), which());
        add(client, Operation::Request("get_client_pool"), which());
        // The first of those that read from its first port, and of those that write to it.
        for kind in [0, 1] {
            let port = vec![("root", Value::Client(client)), ("type", Value::Number(kind))];
            add(client, Operation::Request("query_subs"), port);
        }
    }
    for timer in scene.timers {
        add(timer, Operation::Request("t_status"), Vec::new());
        add(timer, Operation::Read, read());
    }
}

/// Returns a program from a seed, of any profile.
fn fresh(rng: &mut Rng) -> Program {
    let profile = rng.pick(&[Profile::Sequencer, Profile::Timer, Profile::Ump]);
    let size = 6 + rng.index(20);
    Programs { size, common: false, legacy: false, profile }.program(rng.below(1 << 32))
}

/// Returns a place in a program, more often near its end.
pub(super) fn place(rng: &mut Rng, program: &Program) -> usize {
    let len = program.calls.len() + 1;
    rng.index(len).max(rng.index(len))
}

pub(super) fn insert(rng: &mut Rng, program: &mut Program) {
    let scene = Scene::of(program);
    let at = place(rng, program);
    let call = call(rng, &scene);
    program.calls.insert(at, call);
}

/// Returns a new call.
fn call(rng: &mut Rng, scene: &Scene) -> Call {
    let plain =
        |client, operation, arguments| Call { client, operation, arguments, events: Vec::new() };
    let number = Value::Number;
    if rng.chance(5) {
        return inside::call(rng, scene);
    }
    match rng.below(100) {
        _ if scene.clients.is_empty() => plain(0, Operation::Open, vec![("access", number(2))]),
        0..30 => {
            let mut call = plain(rng.pick(&scene.clients), Operation::Write, Vec::new());
            for _ in 0..1 + rng.below(3) {
                let event = event(rng, scene);
                call.events.push(event);
            }
            call
        }
        30..38 => {
            let device = rng.pick(&[Device::Sequencer, Device::Timer]);
            let client = values::file(rng, scene, device);
            let len = rng.pick(&[28, 56, 8192, 8192, 32, 16, 8, 27, 1]);
            plain(client, Operation::Read, vec![("len", number(len))])
        }
        38..39 => {
            let ns = 1 + rng.below(10_000_000).cast_signed();
            plain(rng.pick(&scene.clients), Operation::Sleep, vec![("ns", number(ns))])
        }
        39..42 => {
            let ms = rng.pick(&[1, 1, 2, 3, 10, 12, 100]);
            plain(rng.pick(&scene.clients), Operation::Sleep, vec![("ms", number(ms))])
        }
        42..44 => plain(rng.pick(&scene.clients), Operation::Poll, Vec::new()),
        44..47 => {
            let handle = scene.clients.last().map_or(0, |last| last + 1).min(FIRST_TIMER - 1);
            plain(handle, Operation::Open, vec![("access", number(rng.pick(&[2, 2, 2, 1, 0])))])
        }
        47..49 => {
            let handle = scene.timers.last().map_or(FIRST_TIMER, |last| last + 1);
            plain(
                handle.min(FIRST_USER_TIMER - 1),
                Operation::OpenTimer,
                vec![("access", number(rng.pick(&[2, 2, 2, 2, 1, 0])))],
            )
        }
        49..52 => plain(values::file(rng, scene, Device::Sequencer), Operation::Close, Vec::new()),
        52..53 => {
            let code = REQUESTS[rng.index(REQUESTS.len())].code ^ (1 << rng.below(32));
            plain(rng.pick(&scene.clients), Operation::Ioctl, vec![("code", number(code.into()))])
        }
        _ => {
            let timer = !scene.timers.is_empty() && rng.chance(40);
            let request = loop {
                let request = &REQUESTS[rng.index(REQUESTS.len())];
                if (request.device != Device::Sequencer) == timer || rng.chance(2) {
                    break request;
                }
            };
            request_call(rng, scene, request)
        }
    }
}

fn request_call(rng: &mut Rng, scene: &Scene, request: &'static Request) -> Call {
    let client = values::file(rng, scene, request.device);
    let mut arguments = Arguments::new();
    for field in request.fields {
        let likely = if request.reads(field.name) { 60 } else { 3 };
        // Without the client that calls, most requests fail at once.
        let own = field.name == "client" && request.reads("client") && rng.chance(85);
        if own && request.device == Device::Sequencer {
            arguments.push((field.name, Value::Client(client)));
        } else if rng.chance(likely) {
            arguments.push((field.name, values::value(rng, scene, field)));
        }
    }
    match request.makes {
        Some(Resource::Queue) => arguments.push(("as", Value::Queue(scene.queues.min(40)))),
        Some(Resource::UserTimer) => {
            let index = scene.user_timers.len().min(20);
            arguments.push(("as", Value::Number(i64::try_from(index).unwrap_or(0))));
        }
        _ => {}
    }
    if rng.chance(2) {
        arguments.push(("compat", Value::Number(1)));
    }
    if rng.chance(1) {
        arguments.push(("times", Value::Number(rng.pick(&[2, 33, 254, 258, 1001]))));
    }
    Call { client, operation: Operation::Request(request.name), arguments, events: Vec::new() }
}

/// Returns the fields that make sense for a type of events.
fn fields_of(event_type: u8, packet: bool, variable: bool) -> impl Iterator<Item = &'static Field> {
    let views = data_of(EventType(event_type), packet, variable);
    EVENT.iter().filter(move |field| field.offset < 16 || views.contains(&field.name))
}

fn event(rng: &mut Rng, scene: &Scene) -> Arguments {
    let number = Value::Number;
    let packet = rng.chance(12);
    let mut event = Arguments::new();
    let event_type = match rng.below(10) {
        0..3 => rng.pick(&[6, 7, 6, 5, 10, 13]),
        3..5 => rng.pick(&[30, 31, 32, 30, 33, 34, 35, 38]),
        5 => rng.pick(&[130, 135, 131]),
        _ => EventType::ALL[rng.index(EventType::ALL.len())].1.0,
    };
    let variable = EventType(event_type).is_variable() || rng.chance(2);
    event.push(("type", number(event_type.into())));
    let mut flags = if packet { 0x20 } else { 0 };
    if variable {
        flags |= rng.pick(&[4, 4, 4, 8]);
    }
    flags |= rng.pick(&[0, 0, 0, 1, 2, 3, 0x10, 0x13]);
    if rng.chance(3) {
        flags = rng.next().to_le_bytes()[0].into();
    }
    event.push(("flags", number(flags)));
    let control = (30..=38).contains(&event_type) && rng.chance(90);
    if control {
        event.push(("dest", number(0)));
        event.push(("dest_port", number(0)));
        event.push(("queue", number(253)));
    } else {
        let queued = scene.queues > 0 && rng.chance(50);
        let queue = if queued {
            Value::Queue(rng.index(scene.queues))
        } else {
            number(rng.pick(&[253, 253, 253, 254, 0, 255]))
        };
        event.push(("queue", queue));
        if rng.chance(55) {
            event.push(("dest", number(254)));
        }
    }
    for field in fields_of(event_type, packet, variable) {
        if event.iter().all(|(name, _)| *name != field.name) && rng.chance(45) {
            event.push((field.name, values::value(rng, scene, field)));
        }
    }
    if variable && rng.chance(90) {
        let len = rng.pick(&[0, 1, 3, 12, 28, 29, 100, 300]);
        event.retain(|(name, _)| *name != "len");
        event.push(("len", number(len)));
        event.push(("body", number(len)));
    }
    if packet && event.iter().all(|(name, _)| *name != "w0") {
        event.push((
            "w0",
            number(rng.pick(&[0x2090_3c40, 0x4090_3c00, 0x1000_0000, 0x3016_0102, 0])),
        ));
    }
    event
}

fn change(rng: &mut Rng, program: &mut Program) {
    if program.calls.is_empty() {
        return;
    }
    let scene = Scene::of(program);
    let at = rng.index(program.calls.len());
    let call = &mut program.calls[at];
    match call.operation {
        Operation::Request(name) => {
            let Some(request) = crate::field::request_named(name) else { return };
            if request.fields.is_empty() || rng.chance(8) {
                call.client = values::file(rng, &scene, request.device);
                return;
            }
            let field = match (request.reads.is_empty(), rng.chance(90)) {
                (false, true) => request.field(request.reads[rng.index(request.reads.len())]),
                _ => Some(&request.fields[rng.index(request.fields.len())]),
            };
            if let Some(field) = field {
                set(rng, &scene, &mut call.arguments, field);
            }
        }
        Operation::Write => {
            if call.events.is_empty() || (call.events.len() < MAX_EVENTS && rng.chance(20)) {
                let event = event(rng, &scene);
                let at = rng.index(call.events.len() + 1);
                call.events.insert(at, event);
            } else if call.events.len() > 1 && rng.chance(12) {
                call.events.remove(rng.index(call.events.len()));
            } else if rng.chance(3) {
                call.arguments.retain(|(name, _)| *name != "cut");
                call.arguments.push(("cut", Value::Number(rng.pick(&[1, 4, 27, 28, -1, -28]))));
            } else if rng.chance(1) {
                call.arguments.retain(|(name, _)| *name != "copies");
                call.arguments.push(("copies", Value::Number(rng.pick(&[2, 33, 201, 501, 1001]))));
            } else if rng.chance(2) {
                call.arguments.retain(|(name, _)| *name != "times");
                call.arguments
                    .push(("times", Value::Number(rng.pick(&[2, 60, 199, 201, 501, 1001]))));
            } else {
                let at = rng.index(call.events.len());
                let event = &mut call.events[at];
                let event_type = crate::program::number(event, "type").unwrap_or(0);
                let flags = crate::program::number(event, "flags").unwrap_or(0);
                let event_type = u8::try_from(event_type & 0xff).unwrap_or(0);
                let fields: Vec<_> =
                    fields_of(event_type, flags & 0x20 != 0, flags & 12 != 0).collect();
                let field = fields[rng.index(fields.len())];
                set(rng, &scene, event, field);
            }
        }
        Operation::Ioctl => {
            let bytes = call.arguments.iter_mut().find(|(name, _)| *name == "bytes");
            if let Some((_, Value::Bytes(bytes))) = bytes
                && !bytes.is_empty()
            {
                let at = rng.index(bytes.len());
                bytes[at] = rng.next().to_le_bytes()[0];
            }
        }
        Operation::Read => {
            let len = rng.pick(&[28, 29, 56, 57, 8192, 27, 1, 32, 64, 8]);
            call.arguments = vec![("len", Value::Number(len))];
        }
        Operation::Sleep => {
            let ms = rng.pick(&[1, 2, 5, 12, 50, 100]);
            call.arguments = vec![("ms", Value::Number(ms))];
        }
        Operation::Open => {
            call.arguments = vec![("access", Value::Number(rng.pick(&[0, 1, 2, 2])))]
        }
        _ => call.client = values::file(rng, &scene, Device::Sequencer),
    }
}

/// Gives a field another value, or leaves it out.
fn set(rng: &mut Rng, scene: &Scene, arguments: &mut Arguments, field: &Field) {
    let found = arguments.iter().position(|(name, _)| *name == field.name);
    match found {
        Some(at) if rng.chance(8) => {
            arguments.remove(at);
        }
        Some(at) => {
            let old = &arguments[at].1;
            arguments[at].1 = match old {
                Value::Number(old) if rng.chance(30) => match rng.below(3) {
                    0 => Value::Number(old.wrapping_add(1)),
                    1 => Value::Number(old.wrapping_sub(1)),
                    _ => Value::Number(old ^ (1_i64 << rng.below(32))),
                },
                _ => values::value(rng, scene, field),
            };
        }
        None => {
            let value = values::value(rng, scene, field);
            arguments.push((field.name, value));
        }
    }
}

fn remove(rng: &mut Rng, program: &mut Program) {
    if program.calls.len() > 1 {
        let at = rng.index(program.calls.len());
        let count = (1 + rng.index(3)).min(program.calls.len() - at);
        program.calls.drain(at..at + count);
    }
}

fn duplicate(rng: &mut Rng, program: &mut Program) {
    if program.calls.is_empty() {
        return;
    }
    let from = rng.index(program.calls.len());
    let count = (1 + rng.index(4)).min(program.calls.len() - from);
    let calls = program.calls[from..from + count].to_vec();
    let at = from + rng.index(program.calls.len() - from + 1);
    program.calls.splice(at..at, calls);
}

fn exchange(rng: &mut Rng, program: &mut Program) {
    if program.calls.len() > 1 {
        let (left, right) = (rng.index(program.calls.len()), rng.index(program.calls.len()));
        program.calls.swap(left, right);
    }
}

fn splice(rng: &mut Rng, program: &mut Program, other: Option<&Program>) {
    let Some(other) = other.filter(|other| !other.calls.is_empty()) else { return };
    let from = rng.index(other.calls.len());
    let count = (1 + rng.index(other.calls.len())).min(other.calls.len() - from);
    let at = place(rng, program);
    program.calls.splice(at..at, other.calls[from..from + count].iter().cloned());
    program.ump |= other.ump;
}
