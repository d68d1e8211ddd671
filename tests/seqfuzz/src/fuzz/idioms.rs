//! Groups of calls that belong together, with parts that are left to chance.

use super::mutate::{insert, place};
use super::values::Scene;
use crate::program::{FIRST_TIMER, FIRST_USER_TIMER, Program};
use crate::rng::Rng;
use std::fmt::Write as _;

/// Maximum number of instances of a scene.
const INSTANCES: usize = 4;
/// Length of a tick of a scene in nanoseconds, of each kind of timer: the high-resolution timer counts nanoseconds.
const TICK_NS: u64 = 1_000_000;
const SYSTEM_TICK_NS: u64 = 4_000_000;

/// Adds calls that belong together.
pub(super) fn idiom(rng: &mut Rng, program: &mut Program) {
    let scene = Scene::of(program);
    let Some(&client) = scene.clients.first() else { return insert(rng, program) };
    let client = if rng.chance(60) { rng.pick(&scene.clients) } else { client };
    let peer = rng.pick(&scene.clients);
    let queue = scene.queues.min(20);
    let text = match rng.below(14) {
        0 => format!("c{client}.create_port client=c{client} capability=99\nc{client}.create_port client=c{client} capability=99 flags=2"),
        1 => format!("c{client}.subscribe_port sender=c{client} dest=c{peer}\nc{client}.write [ type=6 queue=253 dest=254]\nc{peer}.read len=8192"),
        2 => format!("c{client}.create_queue as=q{queue}\nc{client}.write [ type=30 queue=253 control=q{queue}]\nc{client}.write [ type=6 queue=q{queue} tick=2 dest=254]\nc{client}.sleep ms=12\nc{client}.read len=8192"),
        3 => format!("c{client}.create_queue as=q{queue}\nc{client}.set_queue_timer queue=q{queue} class=1 device=3 resolution=1000\nc{client}.write [ type=30 queue=253 control=q{queue}]\nc{client}.sleep ms=12"),
        4 => format!("c{client}.user_pversion version=65541\nc{client}.set_client_info client=c{client} type=1 midi_version={}", 1 + rng.below(2)),
        5 => "t0.open_timer access=2\nt0.t_tread64 on=1\nt0.t_select class=1 device=3\nt0.t_params flags=1 ticks=1000000 queue_size=32 filter=0x7fff\nt0.t_start\nt0.t_stop\nt0.read len=8192".into(),
        6 => format!("c{client}.set_client_pool client=c{client} output_pool={} input_pool={}", 1 + rng.below(8), 1 + rng.below(8)),
        7..10 => instances(rng, &scene),
        10..12 => queue_on_timer(rng, &scene, client, peer),
        12 => skewed(rng, &scene, client, peer),
        _ => format!("c{client}.set_client_info client=c{client} type=1 filter=4\nc{client}.write [ type=6 queue={} dest=200]\nc{client}.read len=8192", rng.pick(&["253", "0", "q0"])),
    };
    let text = format!("mode still\n{text}");
    if let Ok(part) = crate::text::parse(&text) {
        // A user-driven timer needs a sequencer that has them.
        program.ump |= text.contains("t_create");
        let at = place(rng, program);
        program.calls.splice(at..at, part.calls);
    }
}

/// A timer that instances and queues of a scene share.
#[derive(Clone, Copy)]
struct Clock {
    /// The fields by which it is found.
    id: &'static str,
    /// How many of its ticks make a tick of the scene.
    ticks: u64,
    /// Length of a tick of the scene.
    ns: u64,
    /// The handle of the user-driven timer, if it is one.
    user: Option<usize>,
}

impl Clock {
    /// Chooses a timer. Returns it, with the calls that create it: with a file `first` of the timer device, if it needs one.
    fn new(rng: &mut Rng, scene: &Scene, first: usize) -> (Self, String) {
        let nothing = String::new;
        match rng.below(10) {
            0..5 => {
                let id = "class=1 device=3";
                (Self { id, ticks: TICK_NS, ns: TICK_NS, user: None }, nothing())
            }
            5..7 => {
                let id = "class=1 device=0";
                (Self { id, ticks: 1, ns: SYSTEM_TICK_NS, user: None }, nothing())
            }
            _ => {
                let last = scene.user_timers.last();
                let user =
                    last.map_or(0, |last| (last + 1).saturating_sub(FIRST_USER_TIMER)).min(20);
                let id = "class=1 device=4 subdevice=0";
                let clock = Self { id, ticks: 1, ns: TICK_NS, user: Some(user) };
                let made = format!(
                    "t{first}.open_timer access=2\nt{first}.t_create as={user} resolution={TICK_NS}\n"
                );
                (clock, made)
            }
        }
    }

    /// Lets some time pass, often not a whole number of ticks.
    fn passes(self, rng: &mut Rng) -> String {
        let count = 1 + rng.below(4);
        match self.user {
            Some(user) => format!("u{user}.t_trigger times={count}\n"),
            None => {
                let part = rng.pick(&[0, 0, 1, self.ns / 2, self.ns - 1]);
                format!("c0.sleep ns={}\n", count * self.ns + part)
            }
        }
    }
}

/// Returns the number of the next file of the timer device.
fn next_timer(scene: &Scene) -> usize {
    scene.timers.last().map_or(0, |last| (last + 1).saturating_sub(FIRST_TIMER)).min(80)
}

/// Several instances of one timer, masters and slaves, periodic and one-shot, each started, paused, continued and stopped
/// while others run.
fn instances(rng: &mut Rng, scene: &Scene) -> String {
    let mut first = next_timer(scene);
    let (clock, mut text) = Clock::new(rng, scene, first);
    first += usize::from(clock.user.is_some());
    let count = 2 + rng.index(INSTANCES - 1);
    for timer in first..first + count {
        let _infallible = writeln!(text, "t{timer}.open_timer access=2");
        if rng.chance(75) {
            let name = rng.pick(&["t_tread64", "t_tread64", "t_tread"]);
            let _infallible = writeln!(text, "t{timer}.{name} on=1");
        }
        let slave = timer > first && rng.chance(20);
        let id = if slave { "class=0 sclass=1 device=self" } else { clock.id };
        let flags = rng.pick(&[0, 0, 1, 1, 1, 5]);
        let ticks = clock.ticks * (1 + rng.below(5));
        let filter = rng.pick(&["0x6f1bf", "0x6f1bf", "3", "0"]);
        let _infallible = writeln!(
            text,
            "t{timer}.t_select {id}\nt{timer}.t_params flags={flags} ticks={ticks} queue_size=64 filter={filter}"
        );
    }
    // Most begin to run together.
    for timer in first..first + count {
        if rng.chance(75) {
            let _infallible = writeln!(text, "t{timer}.t_start");
        }
    }
    for _ in 0..3 + rng.below(10) {
        let timer = first + rng.index(count);
        if rng.chance(40) {
            text += &clock.passes(rng);
            continue;
        }
        let call = rng.pick(&[
            "t_start",
            "t_start",
            "t_start",
            "t_stop",
            "t_stop",
            "t_pause",
            "t_pause",
            "t_continue",
            "t_continue",
            "t_status",
            "read len=8192",
            "close",
        ]);
        let _infallible = writeln!(text, "t{timer}.{call}");
    }
    text += &clock.passes(rng);
    for timer in first..first + count {
        let _infallible = writeln!(text, "t{timer}.t_status\nt{timer}.read len=8192");
    }
    text
}

/// A queue on a timer that a program has chosen: started, stopped and continued, its position set and asked for in
/// between, while events wait in it.
fn queue_on_timer(rng: &mut Rng, scene: &Scene, client: usize, peer: usize) -> String {
    let first = next_timer(scene);
    let (clock, mut text) = Clock::new(rng, scene, first);
    let queue = scene.queues.min(20);
    let event = |kind: u32, rest: &str| {
        format!("c{client}.write [ type={kind} queue=253 control=q{queue}{rest}]\n")
    };
    let status = format!("c{client}.get_queue_status queue=q{queue}\n");
    let choose = |rng: &mut Rng, who: usize| {
        let resolution = rng.pick(&[0, 0, 1, 250, 1000, 1_000_000]);
        format!("c{who}.set_queue_timer queue=q{queue} {} resolution={resolution}\n", clock.id)
    };
    let _infallible = writeln!(text, "c{client}.create_queue as=q{queue}");
    text += &choose(rng, client);
    if rng.chance(40) {
        let tempo = rng.pick(&[1000, 10_000, 480_000, 500_000]);
        let _infallible =
            writeln!(text, "c{client}.set_queue_tempo queue=q{queue} tempo={tempo} ppq=96");
    }
    if rng.chance(20) {
        // Something that follows the queue.
        let follower = first + 1;
        let _infallible = writeln!(
            text,
            "t{follower}.open_timer access=2\nt{follower}.t_tread64 on=1\nt{follower}.t_select class=0 sclass=2 device=q{queue}\nt{follower}.t_params flags=1 ticks=1 queue_size=128 filter=0x6f1bf\nt{follower}.t_start"
        );
    }
    text += &event(30, "");
    for _ in 0..4 + rng.below(10) {
        text += &match rng.below(20) {
            0..6 => clock.passes(rng),
            6..8 => event(30, ""),
            8..10 => event(31, ""),
            10..12 => event(32, ""),
            12 => event(33, &format!(" value={}", rng.below(8))),
            13 => event(34, &format!(" value2={}", rng.below(4) * TICK_NS)),
            14 => event(35, &format!(" value={}", rng.pick(&[1000, 250_000, 1_000_000]))),
            15 => {
                let who = if rng.chance(70) { client } else { peer };
                choose(rng, who)
            }
            16..18 => {
                let tick = rng.below(6);
                format!("c{client}.write [ type=6 queue=q{queue} tick={tick} dest=c{peer}]\n")
            }
            _ => status.clone(),
        };
    }
    text += &clock.passes(rng);
    text + &status + &format!("c{peer}.read len=8192\n")
}

/// Number of nanoseconds that a queue of a scene waits at most, and of those near which it wraps.
const JUMP_NS: u64 = 200_000_000;
/// Skews: standing, slower and faster than the clock by little and by much.
const SKEWS: &[u32] =
    &[0, 1, 3, 0x8000, 0xffff, 0x1_0000, 0x1_0001, 0x1_2345, 0x7fff_ffff, u32::MAX];

/// A queue with a skew: its position near the end of its ticks or seconds, and events there, while its skew, its tempo and its timer
/// change, and it is stopped and continued.
fn skewed(rng: &mut Rng, scene: &Scene, client: usize, peer: usize) -> String {
    let queue = scene.queues.min(20);
    let event = |kind: u32, rest: &str| {
        format!("c{client}.write [ type={kind} queue=253 control=q{queue}{rest}]\n")
    };
    let skew = |rng: &mut Rng| {
        let skew = rng.pick(SKEWS);
        event(38, &format!(" value={skew} value2=65536"))
    };
    let tempo = |rng: &mut Rng| {
        let (tempo, ppq) = (rng.pick(&[1, 10, 1000, 500_000, 1_000_001]), rng.pick(&[1, 96, 960]));
        let skew = rng.pick(SKEWS);
        format!(
            "c{client}.set_queue_tempo queue=q{queue} tempo={tempo} ppq={ppq} skew_value={skew} skew_base=65536\n"
        )
    };
    let place = |rng: &mut Rng| u32::MAX - u32::try_from(rng.below(3)).unwrap_or(0);
    let mut text = format!("c{client}.create_queue as=q{queue}\n");
    text += &tempo(rng);
    text += &event(30, "");
    for _ in 0..6 + rng.below(14) {
        text += &match rng.below(20) {
            0..6 => format!("c{client}.sleep ns={}\n", rng.below(JUMP_NS) >> rng.below(28)),
            6..8 => skew(rng),
            8 => tempo(rng),
            9 => event(rng.pick(&[30, 31, 32]), ""),
            10 => event(33, &format!(" value={}", place(rng).cast_signed())),
            11 => event(34, &format!(" value={} value2=999999{:03}", place(rng), rng.below(1000))),
            12 => event(35, &format!(" value={}", rng.pick(&[1, 999, 250_000, 3_000_000]))),
            13 => format!(
                "c{client}.set_queue_timer queue=q{queue} class=1 device={} resolution=0\n",
                rng.pick(&[0, 3])
            ),
            14..16 => {
                let tick = if rng.chance(50) { place(rng) } else { 0 };
                format!("c{client}.write [ type=6 queue=q{queue} tick={tick} dest=c{peer}]\n")
            }
            16..18 => {
                let sec = if rng.chance(50) { place(rng) } else { 0 };
                let nsec = rng.below(1_000_000_000);
                format!(
                    "c{client}.write [ type=6 flags=1 queue=q{queue} tick={sec} nsec={nsec} dest=c{peer}]\n"
                )
            }
            _ => format!("c{client}.get_queue_status queue=q{queue}\n"),
        };
    }
    text + &format!("c{client}.get_queue_status queue=q{queue}\nc{peer}.read len=8192\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::execute::{Checks, engine};

    /// What cannot be read would be left out without a word.
    #[test]
    fn scenes_of_timers_are_programs_which_the_model_follows_to_the_end() {
        let start = crate::text::parse("mode still\nc0.open\nc0.create_port client=c0\n");
        let start = start.expect("a program");
        let scene = Scene::of(&start);
        let (mut users, mut callbacks) = (0, 0);
        for seed in 0..120 {
            let rng = &mut Rng::new(seed);
            let text = match seed % 3 {
                0 => instances(rng, &scene),
                1 => skewed(rng, &scene, 0, 0),
                _ => queue_on_timer(rng, &scene, 0, 0),
            };
            let part = crate::text::parse(&format!("mode still\n{text}"))
                .unwrap_or_else(|error| panic!("{error}\n{text}"));
            let mut program = start.clone();
            program.ump = text.contains("t_create");
            program.calls.extend(part.calls);
            users += usize::from(program.ump);
            let ran = engine(&program, Checks { model: true, ..Checks::default() });
            assert_eq!(ran.wrong, None, "{program}");
            assert_eq!(ran.followed.calls, ran.followed.compared, "{program}");
            callbacks += ran.followed.events;
        }
        assert!(users > 10 && callbacks > 200, "{users} user-driven timers, {callbacks} records");
    }
}
