//! Groups of calls that are put together by chance: calls that sleep on a file, what may wake them, and who looks afterwards.
//!
//! The groups that are written down are those that somebody has thought of. Here each part is chosen for itself, so that calls of any
//! kind sleep beside each other. The text is that of the other groups.

use super::MAX_AT_ONCE;
use crate::rng::Rng;

/// Events in one write, at most.
const MOST_EVENTS: u64 = 4;

/// What the calls of a group are about.
struct About {
    /// There is a port, and events come to it.
    input: bool,
    /// The pool is small, and events wait in it for a queue that stands.
    output: bool,
    /// The port gets the announcements.
    announced: bool,
}

/// Returns an event that waits in a queue.
fn later(rng: &mut Rng) -> String {
    format!("[ type=6 queue=q0 tick=9 dest=A tag={}]", 1 + rng.below(4))
}

/// Returns an event that is delivered at once.
fn direct(rng: &mut Rng) -> String {
    if rng.chance(15) {
        let len = rng.pick(&[1, 28, 60]);
        return format!("[ type=130 flags=4 queue=253 dest=A len={len} body={len}]");
    }
    format!("[ type={} queue=253 dest=A]", 6 + rng.below(3))
}

/// Returns a write of some events.
fn write(rng: &mut Rng, who: char, most: u64, event: fn(&mut Rng) -> String) -> String {
    let events: Vec<String> = (0..=rng.below(most)).map(|_| event(rng)).collect();
    format!("{who}.write {}", events.join(" "))
}

/// Returns a call that may sleep.
fn waits(rng: &mut Rng, about: &About) -> String {
    let mut call = match rng.below(6) {
        0..3 if about.output => write(rng, 'A', MOST_EVENTS, later),
        0..3 if about.input => format!("A.read len={}", rng.pick(&[28, 28, 56, 8192])),
        3 => "A.poll".into(),
        4 if about.input => format!("A.poll how={}", 1 + rng.below(3)),
        _ if about.input => format!("A.read len={}", rng.pick(&[28, 56])),
        _ => "A.poll".into(),
    };
    if rng.chance(10) {
        call += &format!(" signal={}", rng.below(16));
    }
    call
}

/// Returns a call that may wake others.
fn wakes(rng: &mut Rng, about: &About) -> String {
    let output = about.output && (!about.input || rng.chance(50));
    if output {
        return match rng.below(10) {
            0..3 => "A.remove_events mode=2".into(),
            3..6 => format!("A.remove_events mode=514 tag={}", 1 + rng.below(4)),
            6 => "A.delete_queue queue=q0".into(),
            7 => format!("A.set_client_pool client=A output_pool={}", 1 + rng.below(6)),
            8 => write(rng, 'A', 2, later),
            _ => "A.write [ type=6 queue=253 dest=254]".into(),
        };
    }
    if about.announced && rng.chance(50) {
        let call = rng.pick(&[
            "B.create_port client=B capability=99",
            "A.create_port client=A capability=99",
            "B.set_client_info client=B type=1",
            "B.delete_port client=B",
            "B.subscribe_port sender=B dest=A",
        ]);
        return call.into();
    }
    match rng.below(12) {
        0..5 => write(rng, 'B', 3, direct),
        5..9 => write(rng, 'A', 3, direct),
        9 => "A.delete_port client=A".into(),
        10 => "A.remove_events mode=1".into(),
        _ => format!("A.set_client_pool client=A input_pool={}", 1 + rng.below(4)),
    }
}

/// Returns a group of calls on a timer that ticks when it is told to.
fn timers(rng: &mut Rng) -> Vec<String> {
    let room = rng.pick(&[32, 32, 33, 64]);
    let filter = if rng.chance(30) { " filter=7166" } else { "" };
    let mut calls: Vec<String> = vec![
        format!("S.open_timer{}", if rng.chance(70) { " block=1" } else { "" }),
        "T.open_timer".into(),
        "T.become_user_timer resolution=1000000".into(),
    ];
    if rng.chance(50) {
        calls.push("S.t_tread on=1".into());
    }
    calls.push("S.t_select class=1 device=4 subdevice=0".into());
    let flags = rng.pick(&[1, 1, 3, 5, 0]);
    let ticks = 1 + rng.below(2);
    calls.push(format!("S.t_params flags={flags} ticks={ticks} queue_size={room}{filter}"));
    if rng.chance(80) {
        calls.push("S.t_start".into());
    }
    let wakes = |rng: &mut Rng| {
        rng.pick(&[
            "T.t_trigger",
            "T.t_trigger",
            "T.t_trigger",
            "S.t_stop",
            "S.t_start",
            "S.t_continue",
            "S.t_pause",
            "T.close",
        ])
    };
    if rng.chance(30) {
        calls.push(wakes(rng).into());
    }
    let sleepers = 1 + rng.index(3);
    for _ in 0..sleepers {
        let call = match rng.below(5) {
            0..3 => format!("S.read len={}", rng.pick(&[8, 16, 32, 96])),
            3 => "S.poll".into(),
            _ => format!("S.poll how={}", 1 + rng.below(3)),
        };
        let signal =
            if rng.chance(10) { format!(" signal={}", rng.below(16)) } else { String::new() };
        calls.push(format!("~{call}{signal}"));
    }
    for more in (0..=rng.index(MAX_AT_ONCE - sleepers)).rev() {
        let call = if rng.chance(4) { "S.close" } else { wakes(rng) };
        calls.push(format!("{}{call}", if more > 0 { "~" } else { "" }));
    }
    for _ in 0..1 + rng.below(3) {
        calls.push(rng.pick(&["S.poll", "S.read len=96", "S.t_info", "T.t_trigger"]).into());
    }
    calls
}

/// Returns a group.
pub(super) fn group(rng: &mut Rng) -> String {
    if rng.chance(20) {
        return timers(rng).join("|");
    }
    let (input, output) = rng.pick(&[(true, false), (false, true), (true, true)]);
    let about = About { input, output, announced: input && rng.chance(30) };
    let mut calls: Vec<String> = Vec::new();
    if output {
        let pool = 1 + rng.below(4);
        let room = 1 + rng.below(pool);
        calls.push(format!("A.set_client_pool client=A output_pool={pool} output_room={room}"));
    }
    if input && rng.chance(30) {
        calls.push(format!("A.set_client_pool client=A input_pool={}", 1 + rng.below(3)));
    }
    if input {
        calls.push("A.create_port client=A capability=99".into());
    }
    if about.announced {
        calls.push("A.subscribe_port sender=0 sender_port=1 dest=A".into());
    }
    if output {
        calls.push("A.create_queue as=q0".into());
        if rng.chance(50) {
            // On a file whose calls may sleep, this one is ended by a signal.
            calls.push(write(rng, 'A', 3, later));
        }
    }
    if input && rng.chance(25) {
        calls.push(write(rng, 'A', 2, direct));
    }
    if rng.chance(30) {
        calls.push("A.poll".into());
    }
    let sleepers = 1 + rng.index(3);
    for _ in 0..sleepers {
        calls.push(format!("~{}", waits(rng, &about)));
    }
    for more in (0..=rng.index(MAX_AT_ONCE - sleepers)).rev() {
        let begun = if more > 0 { "~" } else { "" };
        calls.push(match rng.chance(4) {
            true => format!("{begun}A.close"),
            false => format!("{begun}{}", wakes(rng, &about)),
        });
    }
    for _ in 0..1 + rng.below(3) {
        let call = match rng.below(8) {
            0..2 => "A.poll",
            2 if output => "A.get_queue_status queue=q0",
            3 => "A.get_client_pool client=A",
            4 => "B.client_id",
            5 if output => "A.remove_events mode=2",
            6 if input => "A.write [ type=7 queue=253 dest=A]",
            _ if input => "A.read len=8192",
            _ => "A.poll",
        };
        calls.push(call.into());
    }
    calls.join("|")
}
