//! Values for a field, by its type.

use crate::field::{Field, Kind};
use crate::program::{FIRST_TIMER, Operation, Program, Value};
use crate::rng::Rng;
use aseqd_describe::Meaning;

/// What a program has so far, as far as new calls use it.
#[derive(Clone, Debug, Default)]
pub(super) struct Scene {
    /// Handles of clients.
    pub(super) clients: Vec<usize>,
    /// Handles of files of the timer device.
    pub(super) timers: Vec<usize>,
    /// Handles of user-driven timers.
    pub(super) user_timers: Vec<usize>,
    /// Handles of files of the control device.
    pub(super) controls: Vec<usize>,
    /// How many queues have handles.
    pub(super) queues: usize,
}

impl Scene {
    /// Returns what a program has at its end.
    pub(super) fn of(program: &Program) -> Self {
        let mut scene = Self::default();
        for call in &program.calls {
            match call.operation {
                Operation::Open | Operation::OpenKernel => scene.clients.push(call.client),
                Operation::OpenControl => scene.controls.push(call.client),
                Operation::OpenTimer => scene.timers.push(call.client),
                _ => {}
            }
            match call.argument("as") {
                Some(Value::Queue(queue)) => scene.queues = scene.queues.max(queue + 1),
                Some(Value::Number(timer)) => {
                    let handle = usize::try_from(*timer).unwrap_or(0);
                    scene.user_timers.push(crate::program::FIRST_USER_TIMER + handle);
                }
                _ => {}
            }
        }
        for handles in
            [&mut scene.clients, &mut scene.timers, &mut scene.user_timers, &mut scene.controls]
        {
            handles.sort_unstable();
            handles.dedup();
        }
        scene
    }
}

/// Numbers at which programs and sequencers make mistakes.
const EDGES: &[i64] = &[
    0,
    1,
    2,
    3,
    7,
    8,
    15,
    16,
    27,
    28,
    31,
    32,
    63,
    64,
    95,
    96,
    127,
    128,
    199,
    200,
    253,
    254,
    255,
    256,
    499,
    500,
    501,
    999,
    1000,
    1001,
    2000,
    2001,
    0x7fff,
    0xffff,
    0x1_0000,
    500_000,
    999_999_999,
    1_000_000_000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    -1,
    -2,
    i64::MAX,
    i64::MIN,
];

/// Numbers of clients that are no handles.
const CLIENTS: &[i64] = &[0, 14, 127, 128, 191, 192, 253, 254, 255, 256, -1];
/// Numbers of queues that are no handles.
const QUEUES: &[i64] = &[0, 1, 31, 32, 253, 254, 255, -1];

fn edge(rng: &mut Rng) -> i64 {
    let edge = rng.pick(EDGES);
    match rng.below(8) {
        0 => edge.wrapping_add(1),
        1 => edge.wrapping_sub(1),
        2 => rng.next().cast_signed() >> rng.below(60),
        _ => edge,
    }
}

/// Returns a value for a field.
pub(super) fn value(rng: &mut Rng, scene: &Scene, field: &Field) -> Value {
    match field.kind {
        Kind::Client(_) => {
            if !scene.clients.is_empty() && rng.chance(85) {
                return Value::Client(rng.pick(&scene.clients));
            }
            return Value::Number(rng.pick(CLIENTS));
        }
        Kind::Queue(_) => {
            if scene.queues > 0 && rng.chance(if field.name == "queue" { 80 } else { 90 }) {
                return Value::Queue(rng.index(scene.queues));
            }
            return Value::Number(rng.pick(QUEUES));
        }
        Kind::Process if rng.chance(20) => return Value::Process,
        Kind::Name(size) => return Value::Text(name(rng, size)),
        Kind::Bytes(size) | Kind::Stamp(size) => {
            let byte = rng.pick(&[0, 0x5a, 0xff, 1]);
            let mut bytes = vec![byte; size];
            let at = rng.index(size);
            bytes[at] = rng.next().to_le_bytes()[0];
            return Value::Bytes(bytes);
        }
        _ => {}
    }
    Value::Number(match field.meaning {
        Meaning::One(names) if rng.chance(85) => names[rng.index(names.len())].1,
        Meaning::Bits(names) if rng.chance(90) => {
            let count = 1 + rng.below(3);
            (0..count).fold(0, |bits, _| bits | names[rng.index(names.len())].1)
        }
        Meaning::Bits(names) => names.iter().fold(0, |bits, (_, bit)| bits | bit),
        Meaning::Range(first, last) if rng.chance(80) => {
            let span = last.abs_diff(first).saturating_add(1);
            match rng.below(4) {
                0 => first,
                1 => last,
                _ => first.wrapping_add((rng.next() % span).cast_signed()),
            }
        }
        Meaning::Range(_, last) => rng.pick(&[last.wrapping_add(1), -1, 0, last.wrapping_mul(2)]),
        Meaning::Port if rng.chance(85) => rng.below(3).cast_signed(),
        Meaning::Length => {
            rng.pick(&[0, 1, 3, 12, 27, 28, 29, 56, 100, 300, 0x4000_0000, 0xffff_ffff])
        }
        // Times within reach of a program.
        Meaning::Any
            if ["tick", "nsec", "value", "value2"].contains(&field.name) && rng.chance(70) =>
        {
            match field.name {
                "nsec" => rng.pick(&[0, 1, 1_000_000, 2_000_000, 999_999_999, 1_000_000_000]),
                _ => rng.below(12).cast_signed(),
            }
        }
        _ => edge(rng),
    })
}

fn name(rng: &mut Rng, size: usize) -> String {
    match rng.below(6) {
        0 => String::new(),
        1 => "n".repeat(size - 1),
        2 => "n".repeat(size),
        3 => format!("name-{}", rng.below(3)),
        _ => "a".into(),
    }
}

/// Returns the handle of a file that requests of a device are made on, now and then of another device.
pub(super) fn file(rng: &mut Rng, scene: &Scene, device: aseqd_describe::Device) -> usize {
    let of = match device {
        aseqd_describe::Device::Sequencer => &scene.clients,
        aseqd_describe::Device::Timer => &scene.timers,
        aseqd_describe::Device::UserTimer => &scene.user_timers,
    };
    if !of.is_empty() && rng.chance(97) {
        return rng.pick(of);
    }
    let all = [&scene.clients[..], &scene.timers, &scene.user_timers].concat();
    if all.is_empty() { FIRST_TIMER } else { rng.pick(&all) }
}
