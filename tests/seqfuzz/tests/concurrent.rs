//! Programs whose calls are made at once, on the server's session.

use seqfuzz::concurrent::serial::{Serial, Verdict, check};
use seqfuzz::concurrent::session::{Ran, World};
use seqfuzz::concurrent::{Outcome, Plan, is_concurrent, spread};
use seqfuzz::syz::{Form, read, write_plan};
use seqfuzz::{EngineDevice, Program, Rng, Step, generate, generate_timer, generate_ump, parse};

/// Returns a program of a seed that is spread over threads and processes.
fn spread_of(seed: u64) -> Program {
    let make = [generate, generate_timer, generate_ump][usize::try_from(seed % 3).unwrap_or(0)];
    let mut program = make(seed, 10);
    let mut rng = Rng::new(seed);
    while !is_concurrent(&program) {
        spread(&mut rng, &mut program);
    }
    for _ in 0..4 {
        spread(&mut rng, &mut program);
    }
    program
}

/// Number of seeds of the test below: a second on an idle machine. `scripts/seqfuzz --seeds` takes 1000.
const SEEDS: u64 = 60;

/// The same seed has the same trace, and every run has an order in which the engine gives the same answers.
#[test]
fn every_seed_has_the_same_trace_twice_and_nothing_is_wrong() {
    let seeds = std::env::var("SEQFUZZ_SEEDS");
    let seeds = seeds.map_or(SEEDS, |seeds| seeds.parse().expect("SEQFUZZ_SEEDS is a number"));
    let mut signals = 0;
    for seed in 0..seeds {
        let program = spread_of(seed);
        assert_eq!(parse(&program.to_string()).as_ref(), Ok(&program), "seed {seed}");
        let plan = Plan::of(&program);
        let first = World::new(&plan).run(&plan);
        let wrong = first.wrong.as_ref().map_or("", |wrong| wrong.text.as_str());
        assert_eq!(wrong, "", "seed {seed}\n{program}");
        let second = World::new(&plan).run(&plan);
        assert_eq!(first, second, "seed {seed}\n{program}");
        signals += format!("{:?}", first.history).matches("Interrupted").count();
    }
    let signals = u64::try_from(signals).expect("few");
    assert!(signals > seeds / 10, "{signals} calls ended with EINTR");
}

fn run(text: &str) -> Ran {
    let program = parse(&format!("mode still\n{text}")).expect("a program");
    let plan = Plan::of(&program);
    World::new(&plan).run(&plan)
}

fn verdict(ran: &Ran) -> Verdict {
    check(&Serial::new(EngineDevice::new(), [4242, 4243, 4244]), &ran.history)
}

/// Two threads that read, and one that writes, on one file. `{}` is the seed of the order.
const READERS: &str = "c0.open block=1\nc0.create_port client=c0 capability=99\n\
    c0.read len=28 async={}\nc0.read len=28 async=1\nc0.write [ type=6 queue=253 dest=c0]\n";

/// Returns the place of the stretch with several calls.
fn at_once(ran: &Ran) -> usize {
    ran.history.iter().position(|stretch| stretch.len() > 1).expect("a stretch")
}

/// Returns what the reads of the stretch ended with, in the order of the calls.
fn reads(ran: &Ran) -> Vec<Outcome> {
    let mut reads: Vec<_> = ran.history[at_once(ran)].iter().collect();
    reads.sort_by_key(|one| one.op.call);
    let reads = reads.into_iter().filter(|one| matches!(one.op.step, Step::Read(..)));
    reads.map(|one| one.outcome.clone()).collect()
}

#[test]
fn one_of_two_readers_gets_the_event_and_the_seed_says_which() {
    let mut firsts = [0; 2];
    for seed in 0..40 {
        let ran = run(&READERS.replace("{}", &seed.to_string()));
        assert_eq!(ran.wrong, None);
        let reads = reads(&ran);
        let got =
            |one: &Outcome| matches!(one, Outcome::Answered(answer) if answer.value == Ok(28));
        let slept = |one: &Outcome| matches!(one, Outcome::Interrupted { idle: true });
        match (got(&reads[0]), got(&reads[1])) {
            (true, false) if slept(&reads[1]) => firsts[0] += 1,
            (false, true) if slept(&reads[0]) => firsts[1] += 1,
            _ => panic!("seed {seed}: {reads:?}"),
        }
    }
    assert!(firsts.iter().all(|count| *count > 5), "{firsts:?}");
}

#[test]
fn canary_an_event_that_is_read_twice_or_by_nobody_has_no_order() {
    let good = run(&READERS.replace("{}", "3"));
    assert_eq!(verdict(&good), Verdict::Explained);
    let got =
        |outcome: &Outcome| matches!(outcome, Outcome::Answered(answer) if answer.told.len() == 28);
    let place = at_once(&good);
    let stretch = &good.history[place];
    let first = stretch.iter().find(|one| got(&one.outcome)).expect("a read").outcome.clone();
    let altered = |change: &dyn Fn(&mut Outcome)| {
        let mut ran = good.clone();
        for one in &mut ran.history[place] {
            if matches!(one.op.step, Step::Read(..)) {
                change(&mut one.outcome);
            }
        }
        match verdict(&ran) {
            Verdict::Wrong(wrong) => wrong.kind,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(altered(&|outcome| *outcome = first.clone()), "no_serial_order");
    assert_eq!(
        altered(&|outcome| *outcome = Outcome::Interrupted { idle: true }),
        "no_serial_order"
    );
}

#[test]
fn canary_a_signal_must_not_hide_what_a_write_has_taken() {
    let good =
        run("c0.open access=2 block=1\nc0.set_client_pool client=c0 output_pool=1 output_room=1\n\
         c0.create_queue as=q0\n\
         c0.write [ type=6 queue=q0 tick=9 dest=c0] [ type=6 queue=q0 tick=9 dest=c0]\n");
    let mut hidden = good.clone();
    let mut writes = hidden.history.iter_mut().flatten();
    let write = writes.find(|one| matches!(one.op.step, Step::Write(..))).expect("a write");
    assert!(
        matches!(&write.outcome, Outcome::Answered(answer) if answer.value == Ok(28)),
        "{:?}",
        write.outcome
    );
    write.outcome = Outcome::Interrupted { idle: true };
    assert!(
        matches!(verdict(&hidden), Verdict::Wrong(wrong) if wrong.kind == "other_answer_of_write")
    );
}

#[test]
fn a_process_that_is_killed_leaves_nothing_and_its_call_is_no_difference() {
    let mut lost = 0;
    for seed in 0..60 {
        let ran = run(&format!(
            "c0.open block=1 process=1\nc0.create_port client=c0 capability=99\nc1.open\n\
             c0.read len=28 async={seed} kill={}\nc1.poll\nc1.write [ type=6 queue=253 dest=c0]\n\
             c0.read len=28\nc1.open process=1\nc1.query_next_client client=-1\n",
            seed % 12
        ));
        assert_eq!(ran.wrong, None, "seed {seed}");
        lost += usize::from(format!("{:?}", ran.history).contains("Lost"));
    }
    assert!(lost > 10, "{lost}");
}

/// A write ends at an event that fails. Trying that event once more is no part of its judgement: a reader of packets with a full input
/// may remember half of a parameter, so that the same event fails and then has nothing to deliver.
#[test]
fn a_write_that_ends_at_a_failing_event_is_not_judged_by_trying_it_again() {
    let text = "mode still ump\nc0.open block=1\nc1.open\nc1.user_pversion version=0x10003\n\
        c1.set_client_info client=c1 type=1 midi_version=2\nc1.create_port client=c1 capability=99\n\
        c0.write [ type=10 queue=253 dest=c1 value=6] [ type=14 queue=253 dest=c1 value=101] times=210\n";
    let plan = Plan::of(&parse(text).expect("a program"));
    let ran = World::new(&plan).run(&plan);
    assert_eq!(ran.wrong, None);
    assert!(format!("{:?}", ran.history).contains("value: Ok(28)"), "a write was short");
}

#[test]
fn a_signal_ends_a_call_that_sleeps() {
    let ran = run("c0.open block=1\nc0.read len=28 signal=1\nc0.poll\n");
    let interrupted = Outcome::Interrupted { idle: false };
    assert_eq!(ran.history[1][0].outcome, interrupted);
    assert_eq!(ran.wrong, None);
}

/// A read of 28 bytes sleeps in a client without UMP. In one with UMP it would return at once, with nothing.
#[test]
fn a_read_that_sleeps_does_not_learn_of_longer_records() {
    let mut slept = 0;
    for seed in 0..20 {
        let text = format!(
            "mode still ump\nc2.open block=1\nc2.user_pversion version=0x10004\nc2.read len=28 async={seed}\n\
             c2.set_client_info client=c2 type=1 midi_version=1\n"
        );
        let plan = Plan::of(&parse(&text).expect("a program"));
        let ran = World::new(&plan).run(&plan);
        assert_eq!(ran.wrong, None, "seed {seed}");
        slept += usize::from(format!("{:?}", ran.history).contains("Interrupted { idle: true }"));
    }
    assert!((1..20).contains(&slept), "{slept}");
}

/// What is begun without waiting, and what sleeps, is so for syzkaller too.
#[test]
fn a_plan_is_written_with_syzkallers_properties() {
    let text = "mode still\nc0.open block=1\nc0.read len=28 async=1\nc0.read len=28 async=2 fail=3\nc0.poll\n";
    let plan = Plan::of(&parse(text).expect("a program"));
    let written = write_plan(&plan, Form::Ours);
    let lines: Vec<&str> = written.lines().collect();
    assert!(lines[1].ends_with(", 0x0, 0x2)"), "{written}");
    assert!(lines[2].ends_with(") (async)"), "{written}");
    assert!(lines[3].ends_with(") (async) (fail_nth: 3)"), "{written}");
    assert!(!lines[4].contains("async"), "{written}");
    assert_eq!(read(&written).expect("syzkaller's syntax").steps.len(), 5, "{written}");
}

/// As on Linux: an early event of a timer file wakes nobody who sleeps in a read already.
#[test]
fn a_read_that_sleeps_is_not_woken_by_parameters() {
    for seed in 0..20 {
        let ran = run(&format!(
            "t0.open_timer block=1\nt0.t_select class=1\nt0.t_params flags=4 ticks=100 async={seed}\n\
             t0.read len=64 async=1\nc0.open\n"
        ));
        assert_eq!(ran.wrong, None, "seed {seed}");
    }
}

/// As on Linux: the event has no room, so the next read fails, and nobody is woken who sleeps in one already.
#[test]
fn a_read_that_sleeps_does_not_learn_that_an_event_was_lost() {
    let mut slept = 0;
    for seed in 0..20 {
        let ran = run(&format!(
            "c1.open block=1\nc1.set_client_pool client=c1 input_pool=1\nc1.create_port client=c1 capability=99\n\
             c1.read len=56 async={seed}\nc1.write [ type=130 flags=4 queue=253 dest=c1 len=1 body=1]\nc1.client_id\n"
        ));
        assert_eq!(ran.wrong, None, "seed {seed}");
        slept += usize::from(format!("{:?}", ran.history).contains("Interrupted { idle: true }"));
    }
    assert!((1..20).contains(&slept), "{slept}");
}

/// A client that has become one without UMP has a packet that is no event of its own: a read takes it out, and sleeps.
#[test]
fn a_read_that_sleeps_may_have_taken_out_what_nobody_can_read() {
    let text = "mode frozen ump\nc0.open block=1\nc0.user_pversion version=0x10004\nc0.create_port client=c0 capability=99\n\
        c0.set_client_info client=c0 type=1 midi_version=2\nc0.create_queue\nc0.write [REGPARAM type=16 dest=c0]\n\
        c0.set_client_info client=c0 type=1\nc0.write async=236\nc0.read len=8192\nc0.get_client_pool client=c0 async=526\n";
    let plan = Plan::of(&parse(text).expect("a program"));
    let ran = World::new(&plan).run(&plan);
    assert_eq!(ran.wrong, None);
    assert!(format!("{:?}", ran.history).contains("Interrupted { idle: true }"), "it slept");
}

/// The same read leaves nothing to read behind, which a door shows to those that poll.
#[test]
fn a_read_that_sleeps_may_have_taken_out_all_that_was_shown() {
    for seed in 0..20 {
        let text = format!(
            "mode run ump\nc0.open block=1\nc0.user_pversion version=0x10003\n\
             c0.set_client_info client=c0 type=1 midi_version=2\nc0.create_port client=c0 capability=99\n\
             c0.poll async={seed}\nc0.write [NOTEON type=6 queue=253 dest=c0]\n\
             c0.set_client_info client=c0 type=1\nc0.read len=8192\n"
        );
        let plan = Plan::of(&parse(&text).expect("a program"));
        assert_eq!(World::new(&plan).run(&plan).wrong, None, "seed {seed}");
    }
}
