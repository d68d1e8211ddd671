//! Programs without what some kernels do otherwise: what Linux 6.1 and 6.12 have in common, and what has nothing to do
//! with UMP.

use super::packets::UMP;
use crate::program::{Arguments, Operation, Program, Value, number};

/// Fields that Linux 6.1 does not have.
pub(crate) const NEW_FIELDS: &[&str] = &["direction", "ump_group", "group_filter", "tempo_base"];

/// Port capabilities that 6.1 does not act on: inactive, UMP endpoint.
const NEW_CAPABILITIES: i64 = 0x300;
/// Port flags that 6.1 does not act on (MIDI 1), or acts on differently (given number).
const OTHER_PORT_FLAGS: i64 = 0x9;

/// Returns a program without what the two kernels are known to do differently: the version, what it
/// announces of changes, numbers given to ports, the fields and bits that came later, and events
/// with queue 254, which 6.1 refuses from a port that does not exist.
#[must_use]
pub fn common(mut program: Program) -> Program {
    program.common = true;
    program.calls.retain(|call| {
        let watches = call.operation == Operation::Request("subscribe_port")
            && call.number("sender").unwrap_or(0) == 0
            && !matches!(call.argument("sender"), Some(Value::Client(_) | Value::Queue(_)))
            && call.number("sender_port") == Some(1);
        // Past the limit of ports the errors differ.
        let many_ports = call.operation == Operation::Request("create_port")
            && call.number("times").unwrap_or(1) > 1;
        !watches && !many_ports && call.operation != Operation::Request("pversion")
    });
    for call in &mut program.calls {
        call.arguments.retain(|(name, _)| !NEW_FIELDS.contains(name));
        let about_port =
            matches!(call.operation, Operation::Request(name) if name.contains("port"));
        let subscribes =
            matches!(call.operation, Operation::Request(name) if name.contains("subs"));
        if about_port && !subscribes {
            clear(&mut call.arguments, "capability", NEW_CAPABILITIES);
            clear(&mut call.arguments, "flags", OTHER_PORT_FLAGS);
        }
        for event in &mut call.events {
            if number(event, "queue") == Some(254) {
                set(event, "queue", 253);
            }
        }
    }
    program
}

/// Returns a program without what asks for UMP: the requests about it, MIDI versions, and the flag of a UMP record.
#[must_use]
pub fn legacy(mut program: Program) -> Program {
    program.calls.retain(
        |call| !matches!(call.operation, Operation::Request(name) if name.contains("_ump_")),
    );
    for call in &mut program.calls {
        call.arguments.retain(|(name, _)| *name != "midi_version");
        for event in &mut call.events {
            clear(event, "flags", UMP);
            // What is left of a longer body would be read as a record, whose flags nobody has chosen.
            if let Some(len) = number(event, "len")
                && number(event, "body").is_some_and(|body| body > len & 0x0fff_ffff)
            {
                set(event, "body", len & 0x0fff_ffff);
            }
        }
    }
    program
}

fn clear(arguments: &mut Arguments, name: &str, bits: i64) {
    if let Some(old) = number(arguments, name) {
        set(arguments, name, old & !bits);
    }
}

fn set(arguments: &mut Arguments, name: &str, to: i64) {
    for (other, value) in arguments {
        if *other == name {
            *value = Value::Number(to);
        }
    }
}
