//! Spreads the calls of a program over threads and processes, and adds faults.

use super::{MAX_AT_ONCE, compose};
use crate::program::{
    Call, FIRST_TIMER, FIRST_USER_TIMER, Mode, Operation, Program, Settings, Value,
};
use crate::rng::Rng;

/// Seeds of orders and moments of faults are below this, so that programs stay short to read.
const SEEDS: u64 = 1000;

/// Calls that show what goes wrong between threads, one group a line. `A` stands for a client, `B` for another one, `S`
/// and `T` for new files of the timer device.
const IDIOMS: &[&str] = &[
    // Two threads read one file, a third one writes to it.
    "A.create_port client=A capability=99|~A.read len=28|~A.read len=28|A.write [ type=6 queue=253 dest=A]",
    // One write has an event for each of two threads that sleep.
    "A.create_port client=A capability=99|~A.read len=28|~A.read len=28|B.write [ type=6 queue=253 dest=A] [ type=6 queue=253 dest=A]",
    // A poll, and what it waits for.
    "A.create_port client=A capability=99|~A.poll|A.write [ type=6 queue=253 dest=A]|A.poll",
    // Polls, one of which may not ask to be woken.
    "A.create_port client=A capability=99|A.poll|A.poll|~A.write [ type=6 queue=253 dest=A]|A.get_client_info client=A",
    // A poll for room, and the write that makes the first.
    "A.set_client_pool client=A output_room=1|~A.poll|A.write [ type=6 queue=253 dest=A]|A.poll",
    // A close while somebody reads.
    "~A.read len=28|A.close",
    "~A.read len=28|~A.read len=28|~A.read len=28|~A.close|B.client_id",
    // A port goes while events come to it.
    "A.create_port client=A capability=99|~B.write [ type=6 queue=253 dest=A]|~A.delete_port client=A|A.read len=8192",
    // Connections are made while their ports go.
    "A.create_port client=A capability=99|~A.subscribe_port sender=A dest=B|A.delete_port client=A",
    // A queue is deleted while events wait in it.
    "A.create_queue as=q0|A.write [ type=30 queue=253 control=q0]|~A.write [ type=6 queue=q0 tick=9 dest=A]|~A.delete_queue queue=q0|A.get_queue_status queue=q0",
    // Writers wait for room in a small pool.
    "A.set_client_pool client=A output_pool=1 input_pool=1 output_room=1|A.create_queue as=q0|~A.write [ type=6 queue=q0 tick=9 dest=A]|~A.write [ type=6 queue=q0 tick=9 dest=A]|A.remove_events mode=2|A.get_client_pool client=A",
    // A timer that is made by the request of the hand-over, and somebody who waits for it. Other files are open before it.
    "S.open_timer block=1|T.open_timer|T.become_user_timer resolution=1000000|S.t_select class=1 device=4 subdevice=0|S.t_params flags=1 ticks=1 queue_size=32|S.t_start|~S.read len=8|T.t_trigger|S.t_info",
    "S.open_timer|S.become_user_timer resolution=1000000|T.open_timer|T.become_user_timer resolution=2000000|~S.close|T.t_trigger",
    // More files of the timer device, and more calls that wait, than a server with small bounds has room for.
    "S.open_timer|~T.open_timer process=1|~S.open_timer|~T.close|S.open_timer|T.open_timer",
    "~A.read len=28|~A.read len=28|~A.read len=28|~A.read len=28|A.poll",
    // Somebody sleeps until there is something to read, beside others who ask at once.
    "A.create_port client=A capability=99|~A.poll how=1|~A.poll|B.write [ type=6 queue=253 dest=A]|A.read len=28",
    "A.create_port client=A capability=99|~A.poll how=2|~A.poll how=1|~A.poll|B.write [ type=6 queue=253 dest=A]",
    // Edges: more comes to a file that is ready already.
    "A.create_port client=A capability=99|A.poll how=3|A.write [ type=6 queue=253 dest=A]|A.poll how=3|A.write [ type=6 queue=253 dest=A]|A.poll how=3",
    "A.create_port client=A capability=99|A.poll how=3|~A.poll how=3|~A.poll|B.write [ type=6 queue=253 dest=A]|A.read len=28|A.poll how=3",
    // A thread is cancelled in a call, and the next calls are made.
    "A.create_port client=A capability=99|~A.read len=28 cancel=9|A.get_client_info client=A|A.write [ type=6 queue=253 dest=A]|A.read len=56|A.poll",
    // A write of more than a request of FUSE, to nobody.
    "A.create_port client=A capability=99|A.write [ type=6 queue=253 dest=254] copies=40000|A.get_client_pool client=A",
    // A write in two parts, the first of which ends at a bad event.
    "A.create_port client=A capability=99|A.write [ type=6 queue=253 dest=A] [ type=200 queue=253] [ type=7 queue=253 dest=A] vector=1|A.read len=8192",
    // A read in two parts: more than both hold, and less than the first.
    "A.create_port client=A capability=99|A.write [ type=6 queue=253 dest=A] [ type=7 queue=253 dest=A] [ type=6 queue=253 dest=A]|A.read len=56 vector=1|A.read len=112 vector=1|A.read len=56 vector=1",
    // Its first part is filled, or an event with data does not fit there.
    "A.create_port client=A capability=99|A.write [ type=6 queue=253 dest=A] [ type=130 flags=4 queue=253 dest=A len=20 body=20]|A.read len=84 vector=1|A.read len=84 vector=1|A.poll",
    // Events, not all of which are there, and the first of which is good or bad.
    "A.create_port client=A capability=99|A.write [ type=6 queue=253 dest=A] [ type=7 queue=253 dest=A] pointer=31|A.read len=8192",
    // A read whose memory ends in or behind an event, and one of what is left.
    "A.create_port client=A capability=99|A.write [ type=6 queue=253 dest=A] [ type=7 queue=253 dest=A] [ type=8 queue=253 dest=A]|A.read len=84 pointer=43|A.read len=28 pointer=30|A.poll|A.read len=8192",
    "A.create_port client=A capability=99|A.write [ type=6 queue=253 dest=A] [ type=130 flags=4 queue=253 dest=A len=60 body=60] [ type=7 queue=253 dest=A]|A.read len=168 pointer=71|A.read len=8192|A.read len=8192",
    "A.write [ type=200 queue=253] [ type=6 queue=253] pointer=31|A.write [ type=130 flags=4 queue=253 len=28 body=28] pointer=31",
    "A.create_port client=A capability=99 pointer=2|A.get_client_info client=A pointer=2|A.client_id pointer=0|A.create_queue pointer=1|A.system_info",
    // A process dies while it opens files.
    "~A.client_id|~S.open_timer process=1 kill=1|~T.open_timer process=1 kill=3|A.client_id",
    // A descriptor is duplicated, or inherited by a child, and the file stays open and ready.
    "A.create_port client=A capability=99|A.client_id copy=1|A.poll copy=2|A.write [ type=6 queue=253 dest=A] copy=1|A.poll|A.read len=28 copy=2|A.poll",
    "A.create_port client=A capability=99|~A.read len=28 copy=1|A.client_id copy=2|B.write [ type=6 queue=253 dest=A]|A.client_id|A.poll",
    // Readers of the announcements sleep while others make what is announced.
    "A.create_port client=A capability=99|A.subscribe_port sender=0 sender_port=1 dest=A|~A.read len=28|~A.read len=28|B.create_port client=B capability=99|B.set_client_info client=B type=1|A.read len=8192|A.poll",
    "A.create_port client=A capability=99|A.subscribe_port sender=0 sender_port=1 dest=A|~A.poll how=1|~B.create_port client=B capability=99|~B.client_id|A.read len=8192",
    // A pool is full, and has room again: by a removal, or with its queue.
    "A.set_client_pool client=A output_pool=2 output_room=1|A.create_queue as=q0|A.poll|A.write [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A]|A.poll|A.poll|A.remove_events mode=2|A.poll|A.write [ type=6 queue=q0 tick=9 dest=A]|A.poll",
    "A.set_client_pool client=A output_pool=2 output_room=2|A.create_queue as=q0|A.write [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A]|A.poll|~A.write [ type=6 queue=q0 tick=9 dest=A]|A.delete_queue queue=q0|A.poll|A.get_client_pool client=A",
    // A write of more than fits sleeps in its middle.
    "A.set_client_pool client=A output_pool=2 output_room=1|A.create_queue as=q0|A.write [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A]|A.get_client_pool client=A|A.poll",
    // More events than a server takes at once, and the file is closed meanwhile.
    "A.create_port client=A capability=99|~A.write [ type=6 queue=253 dest=254] copies=2500|~A.close|B.get_client_info client=B",
    "A.create_port client=A capability=99|~A.write [ type=6 queue=253 dest=254] copies=2500 signal=2|A.client_id|A.poll",
    // A full reader is told once, and its poll says what a read would.
    "A.set_client_pool client=A input_pool=2|A.create_port client=A capability=99|A.write [ type=6 queue=253 dest=A] [ type=6 queue=253 dest=A] [ type=6 queue=253 dest=A]|A.poll|A.read len=28|A.poll|A.write [ type=6 queue=253 dest=A]|A.poll|A.read len=56|A.poll",
    // Polls of a timer around its interrupts.
    "S.open_timer block=1|T.open_timer|T.become_user_timer resolution=1000000|S.t_select class=1 device=4 subdevice=0|S.t_params flags=1 ticks=1 queue_size=32|S.t_start|S.poll|~S.poll|T.t_trigger|S.poll|S.read len=8|S.poll|T.t_trigger|S.poll",
    // A pool is full and has room again, which is seen by no call but polls: after each event that leaves, and after a write that
    // took less than it was given.
    "A.set_client_pool client=A output_pool=4 output_room=2|A.create_queue as=q0|A.write [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A tag=1] [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A]|A.poll|A.poll|A.remove_events mode=514 tag=1|A.poll|A.remove_events mode=2|A.poll|A.poll",
    "A.set_client_pool client=A output_pool=1 output_room=1|A.create_queue as=q0|A.write [ type=6 queue=q0 tick=9 dest=A]|A.write [ type=6 queue=q0 tick=9 dest=A]|A.poll|B.delete_queue queue=q0|A.delete_queue queue=q0|A.poll|A.write [ type=6 queue=253 dest=254]|A.poll",
    // The same beside somebody who sleeps in a write, or writes a vector.
    "A.set_client_pool client=A output_pool=1 output_room=1|A.create_queue as=q0|A.write [ type=6 queue=q0 tick=9 dest=A]|~A.write [ type=6 queue=q0 tick=8 dest=A]|~A.poll|A.remove_events mode=2|A.poll|A.remove_events mode=2|A.poll",
    "A.set_client_pool client=A output_pool=2 output_room=1|A.create_queue as=q0|A.write [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A] vector=1|A.poll|A.get_client_pool client=A|A.remove_events mode=2|A.poll",
    // Both parts of a vector are short, or only the second is.
    "A.create_port client=A capability=99|A.write [ type=6 queue=253 dest=A] [ type=7 queue=253 dest=A] [ type=200 queue=253] [ type=7 queue=253 dest=A] vector=1|A.read len=8192|A.write [ type=200 queue=253] [ type=7 queue=253 dest=A] vector=1|A.read len=8192 vector=1",
    "A.create_port client=A capability=99|A.write [ type=6 queue=253 dest=A]|A.read len=112 vector=1|A.read len=112 vector=1|A.write [ type=6 queue=253 dest=A] [ type=6 queue=253 dest=A] [ type=6 queue=253 dest=A]|A.read len=112 vector=1|A.poll",
    // A write that sleeps in its middle gets a signal, and is gone: what it has taken stays, and there is room later.
    "A.set_client_pool client=A output_pool=2 output_room=1|A.create_queue as=q0|~A.write [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A] signal=9|B.get_client_pool client=A|A.remove_events mode=2|A.get_client_pool client=A|A.poll",
    // The file of a write that goes on by itself, or sleeps, is closed by another thread, and another client looks.
    "A.create_port client=A capability=99|~A.write [ type=6 queue=253 dest=A] copies=3500|~B.client_id|~A.close|~B.system_info|B.client_id",
    "A.set_client_pool client=A output_pool=1 output_room=1|A.create_queue as=q0|A.write [ type=6 queue=q0 tick=9 dest=A]|~A.write [ type=6 queue=q0 tick=9 dest=A]|~A.close|B.system_info|B.client_id",
    // Whoever makes a request is told by itself, of a port that changes, comes and goes: its own reader sleeps.
    "A.create_port client=A capability=99|A.subscribe_port sender=0 sender_port=1 dest=A|~A.read len=28|A.set_client_info client=A type=1|~A.read len=28|A.create_port client=A capability=99|~A.read len=84|~A.delete_port client=A port=1|A.read len=8192|A.poll",
    // Two files of announcements, one of which reads late.
    "A.create_port client=A capability=99|B.create_port client=B capability=99|A.subscribe_port sender=0 sender_port=1 dest=A|B.subscribe_port sender=0 sender_port=1 dest=B|~A.read len=28|~B.poll how=1|A.create_port client=A capability=99|B.read len=8192|A.read len=8192|B.poll|A.poll",
    // A write that sleeps in its middle goes on when there is room, and may sleep again, which the tags of what it leaves tell; or what
    // follows is an error. Another write, or a read, sleeps on the same file.
    "A.set_client_pool client=A output_pool=2 output_room=1|A.create_queue as=q0|~A.write [ type=6 queue=q0 tick=9 dest=A tag=1] [ type=6 queue=q0 tick=9 dest=A tag=2] [ type=6 queue=q0 tick=9 dest=A tag=3] [ type=6 queue=q0 tick=9 dest=A tag=4] [ type=6 queue=q0 tick=9 dest=A tag=5]|~A.remove_events mode=514 tag=1|A.remove_events mode=514 tag=2|A.remove_events mode=514 tag=3|A.get_queue_status queue=q0",
    "A.set_client_pool client=A output_pool=2 output_room=1|A.create_queue as=q0|~A.write [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A] [ type=200 queue=q0]|~A.remove_events mode=2|A.client_id|A.get_queue_status queue=q0",
    "A.set_client_pool client=A output_pool=2 output_room=2|A.create_port client=A capability=99|A.create_queue as=q0|~A.read len=28|~A.write [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A]|~A.remove_events mode=2|B.client_id|A.get_queue_status queue=q0",
    "A.set_client_pool client=A output_pool=1 output_room=1|A.create_queue as=q0|~A.write [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A]|~A.write [ type=6 queue=q0 tick=9 dest=A] [ type=6 queue=q0 tick=9 dest=A]|~A.remove_events mode=2|A.remove_events mode=2|A.get_queue_status queue=q0",
    // The input of a client overflows while it is read.
    "A.set_client_pool client=A input_pool=1|A.create_port client=A capability=99|~A.write [ type=6 queue=253 dest=A] [ type=6 queue=253 dest=A]|~A.read len=56|A.write [ type=6 queue=253 dest=A]",
];

/// Returns the clients of a program that are opened, as the places of the calls that open them.
fn opens(program: &Program) -> Vec<usize> {
    let opens = |call: &Call| matches!(call.operation, Operation::Open | Operation::OpenTimer);
    (0..program.calls.len()).filter(|at| opens(&program.calls[*at])).collect()
}

/// Sets an argument of a call, or takes it away if it is there.
fn toggle(call: &mut Call, name: &'static str, value: u64) {
    let before = call.arguments.len();
    call.arguments.retain(|(other, _)| *other != name);
    if call.arguments.len() == before {
        call.arguments.push((name, Value::Number(value.cast_signed())));
    }
}

fn set(call: &mut Call, name: &'static str, value: u64) {
    call.arguments.retain(|(other, _)| *other != name);
    call.arguments.push((name, Value::Number(value.cast_signed())));
}

/// Returns a program of some groups of calls alone. All of its answers can be compared, unlike those of most programs of a
/// corpus, and it is short, so that many run a second.
pub fn scene(rng: &mut Rng) -> Program {
    let mut program = Program {
        mode: Mode::Still,
        common: false,
        ump: false,
        settings: Settings::default(),
        calls: Vec::new(),
    };
    let clients = 1 + rng.index(2);
    for client in 0..clients {
        let mut open =
            Call { client, operation: Operation::Open, arguments: Vec::new(), events: Vec::new() };
        if rng.chance(30) {
            set(&mut open, "block", blocking(rng));
        } else if rng.chance(10) {
            set(&mut open, "block", 3);
        }
        if rng.chance(10) {
            set(&mut open, "process", 1 + rng.below(2));
        }
        program.calls.push(open);
    }
    for _ in 0..1 + rng.below(3) {
        idiom(rng, &mut program, true);
    }
    if rng.chance(35) {
        let at = rng.index(program.calls.len());
        match rng.below(10) {
            0..4 => toggle(&mut program.calls[at], "async", rng.below(SEEDS)),
            4..7 => toggle(&mut program.calls[at], "signal", rng.below(16)),
            7 => toggle(&mut program.calls[at], "kill", rng.below(16)),
            _ => by_files(rng, &mut program, at),
        }
    }
    program
}

/// Changes who makes the calls of a program, and when.
pub fn spread(rng: &mut Rng, program: &mut Program) {
    for _ in 0..1 + rng.below(4) {
        if program.calls.is_empty() {
            return;
        }
        let len = program.calls.len();
        let at = rng.index(len);
        match rng.below(100) {
            // Some calls in a row are made at once.
            0..25 => {
                let count = 1 + rng.index(MAX_AT_ONCE - 1);
                for call in program.calls.iter_mut().skip(at).take(count) {
                    set(call, "async", rng.below(SEEDS));
                }
            }
            // Another order.
            25..36 => {
                let begun = |call: &&mut Call| call.argument("async").is_some();
                if let Some(call) = program.calls.iter_mut().skip(at).find(begun) {
                    set(call, "async", rng.below(SEEDS));
                }
            }
            36..46 => {
                let opens = opens(program);
                if !opens.is_empty() {
                    let block = 1 + rng.below(3);
                    toggle(&mut program.calls[opens[rng.index(opens.len())]], "block", block);
                }
            }
            46..51 => {
                let opens = opens(program);
                if !opens.is_empty() {
                    let process = 1 + rng.below(2);
                    toggle(&mut program.calls[opens[rng.index(opens.len())]], "process", process);
                }
            }
            51..58 => toggle(&mut program.calls[at], "signal", rng.below(16)),
            58..62 => toggle(&mut program.calls[at], "kill", rng.below(16)),
            62..65 => toggle(&mut program.calls[at], "fail", 1 + rng.below(16)),
            65..67 => toggle(&mut program.calls[at], "async", rng.below(SEEDS)),
            67..72 => by_files(rng, program, at),
            _ => idiom(rng, program, false),
        }
    }
}

/// Changes the next call from a place on that device files know another form of.
fn by_files(rng: &mut Rng, program: &mut Program, at: usize) {
    for call in program.calls.iter_mut().skip(at) {
        match call.operation {
            // A server lives as long as the campaign: what an open takes and a close does not give back is used up.
            Operation::Open | Operation::OpenTimer if rng.chance(10) => {
                return toggle(call, "times", rng.pick(&[2, 33]));
            }
            Operation::Open => return toggle(call, "append", 1),
            Operation::Poll if rng.chance(75) => return toggle(call, "how", 1 + rng.below(3)),
            Operation::Poll | Operation::Read | Operation::Write | Operation::Request(_)
                if rng.chance(15) =>
            {
                return toggle(call, "copy", 1 + rng.below(2));
            }
            Operation::Read | Operation::Write if rng.chance(40) => {
                return toggle(call, "cancel", rng.below(16));
            }
            Operation::Read | Operation::Write if rng.chance(20) => {
                return toggle(call, "vector", 1);
            }
            Operation::Read | Operation::Write | Operation::Request(_) => {
                // 0 to 2 have nothing there, or nothing that can be written; the others say how much is there.
                return toggle(
                    call,
                    "pointer",
                    rng.pick(&[0, 1, 2, 4, 3 + 27, 3 + 28, 3 + 40, 3 + 56]),
                );
            }
            _ => {}
        }
    }
}

/// Adds calls that are worth making at once: somewhere, or at the end.
fn idiom(rng: &mut Rng, program: &mut Program, at_end: bool) {
    let opens = opens(program);
    let mut clients: Vec<usize> = opens.iter().map(|at| program.calls[*at].client).collect();
    clients.retain(|client| *client < FIRST_TIMER);
    if clients.is_empty() {
        return;
    }
    let (a, b) = (rng.pick(&clients), rng.pick(&clients));
    let timers = opens.iter().map(|at| program.calls[*at].client);
    let last = timers.filter(|file| (FIRST_TIMER..FIRST_USER_TIMER).contains(file)).max();
    let s = last.map_or(0, |last| last + 1 - FIRST_TIMER).min(80);
    let mut text = String::from("mode still\n");
    let group = if rng.chance(40) { compose::group(rng) } else { rng.pick(IDIOMS).into() };
    for line in group.split('|') {
        let (line, begun) = line.strip_prefix('~').map_or((line, false), |line| (line, true));
        let line = line
            .replace("A.", &format!("c{a}."))
            .replace("B.", &format!("c{b}."))
            .replace("S.", &format!("t{s}."))
            .replace("T.", &format!("t{}.", s + 1))
            .replace("=A", &format!("=c{a}"))
            .replace("=B", &format!("=c{b}"));
        text += &line;
        if begun {
            text += &format!(" async={}", rng.below(SEEDS));
        }
        text.push('\n');
    }
    if let Ok(mut part) = crate::text::parse(&text) {
        // More events than somebody waits for, which others find.
        for call in &mut part.calls {
            if call.operation == Operation::Write && rng.chance(15) {
                call.events.extend(call.events.first().cloned());
            }
        }
        program.ump |= text.contains("become_user_timer");
        let last = opens.iter().find(|at| program.calls[**at].client == a.max(b));
        let first = last.map_or(0, |at| at + 1);
        let most = program.calls.len() - first;
        let at = first + if at_end { most } else { rng.index(most + 1) };
        program.calls.splice(at..at, part.calls);
    }
    if rng.chance(50) {
        let open = opens.into_iter().find(|at| program.calls[*at].client == a);
        if let Some(open) = open {
            set(&mut program.calls[open], "block", blocking(rng));
        }
    }
}

/// Returns a value of `block` that lets calls sleep: mostly from the open on, else by `fcntl`.
fn blocking(rng: &mut Rng) -> u64 {
    if rng.chance(15) { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_idiom_is_a_program() {
        let mut rng = Rng::new(7);
        let composed: Vec<String> = (0..1000).map(|_| compose::group(&mut rng)).collect();
        for idiom in IDIOMS.iter().copied().chain(composed.iter().map(String::as_str)) {
            let text: String = idiom.split('|').fold("mode still\n".into(), |text, line| {
                let line = line.trim_start_matches('~').replace("A.", "c0.").replace("B.", "c1.");
                let line = line.replace("S.", "t0.").replace("T.", "t1.");
                text + &line.replace("=A", "=c0").replace("=B", "=c1") + "\n"
            });
            crate::text::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
