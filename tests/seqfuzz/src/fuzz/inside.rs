//! Calls that only the engine in this process understands, and those of the control device.

use super::values::Scene;
use crate::program::{Arguments, Call, FIRST_CONTROL, FIRST_TIMER, Operation, Value};
use crate::rng::Rng;
use aseqd_abi::ioctl::{controls, controls32};

/// The end of the handles of clients.
const LAST_CLIENT: usize = FIRST_TIMER - 1;

/// Returns a new call.
pub(super) fn call(rng: &mut Rng, scene: &Scene) -> Call {
    let (client, operation, arguments) = match rng.below(10) {
        0..3 => (0, Operation::Texts, Vec::new()),
        3 => open_kernel(rng, scene),
        4..6 if scene.controls.is_empty() => {
            let access = Value::Number(rng.pick(&[0, 1, 2, 2]));
            (FIRST_CONTROL, Operation::OpenControl, vec![("access", access)])
        }
        4..8 if !scene.controls.is_empty() => control(rng, scene),
        8 if !scene.timers.is_empty() => {
            let timer = rng.pick(&scene.timers);
            if rng.chance(50) {
                let id = Value::Number(rng.pick(&[1, 2, 4242, -1]));
                (timer, Operation::Thread, vec![("id", id)])
            } else {
                let resolution = rng.pick(&[0, 999, 1000, 1_000_000, 1_000_000_000, 1_000_000_001]);
                let arguments = vec![("resolution", Value::Number(resolution))];
                (timer, Operation::BecomeUserTimer, arguments)
            }
        }
        _ => {
            let all = [&scene.clients[..], &scene.timers, &scene.controls].concat();
            let file = if all.is_empty() { 0 } else { rng.pick(&all) };
            (file, Operation::Blocking, vec![("on", Value::Number(rng.pick(&[1, 1, 0])))])
        }
    };
    Call { client, operation, arguments, events: Vec::new() }
}

fn open_kernel(rng: &mut Rng, scene: &Scene) -> (usize, Operation, Arguments) {
    let handle = scene.clients.last().map_or(0, |last| last + 1).min(LAST_CLIENT);
    let name = rng.pick(&[
        "",
        "a",
        "a bridge with a name that is longer than the 63 bytes of a name, far",
    ]);
    let arguments = vec![
        ("access", Value::Number(rng.pick(&[2, 2, 1, 0]))),
        ("number", Value::Number(rng.pick(&[-1, 20, 14, 0, 16, 127, 128]))),
        ("card", Value::Number(rng.pick(&[-1, 0, 1]))),
        ("name", Value::Text(name.to_owned())),
    ];
    (handle, Operation::OpenKernel, arguments)
}

fn control(rng: &mut Rng, scene: &Scene) -> (usize, Operation, Arguments) {
    let file = rng.pick(&scene.controls);
    if rng.chance(25) {
        let len = rng.pick(&[1, 71, 72, 8192]);
        return (file, Operation::Read, vec![("len", Value::Number(len))]);
    }
    let compat = rng.chance(15);
    let all = if compat { controls32::ALL } else { controls::ALL };
    let (_, code) = all[rng.index(all.len())];
    let size = aseqd_abi::ioctl::size(code);
    let mut arguments = vec![("code", Value::Number(code.into()))];
    if size > 0 && rng.chance(70) {
        let mut bytes = vec![0; size.min(80)];
        for _ in 0..rng.below(4) {
            let at = rng.index(bytes.len());
            bytes[at] = rng.pick(&[1, 2, 3, 6, 7, 0x41, 0x80, 0xff]);
        }
        arguments.push(("bytes", Value::Bytes(bytes)));
    }
    if compat || rng.chance(5) {
        arguments.push(("compat", Value::Number(1)));
    }
    (file, Operation::Ioctl, arguments)
}
