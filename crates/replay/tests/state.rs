//! Recordings that begin in the middle, with the state of the engine.

mod rig;

use aseqd_engine::{Config, Engine, Time};
use aseqd_recording::{AnswerHash, Compression, Header, Record, State, Writer, store};
use aseqd_replay::caught::caught;
use aseqd_replay::look;
use aseqd_replay::minimise::minimise;
use aseqd_replay::replayer::{Error, Replayer};
use aseqd_replay::rewrite::Rewriter;
use aseqd_replay::script::{bind, concrete};
use aseqd_replay::step::{Action, Step};
use aseqd_replay::trial;
use rig::{Random, random_steps};

/// Runs an engine through steps.
fn run(engine: &mut Engine, steps: &[Step]) {
    let mut out = Vec::new();
    for step in steps {
        let _answer = engine.handle(step.at, step.action.input(), &mut out);
        while engine.poll_output().is_some() {}
    }
}

/// Records steps from one on: the state before it, and the rest.
fn from_the_middle(config: Config, steps: &[Step], begin: usize) -> Vec<u8> {
    let mut engine = Engine::with_config(config);
    run(&mut engine, &steps[..begin]);
    let state = store(&engine);
    let now = steps[begin - 1].at;
    let state = State { index: begin as u64, now, hash: 7, engine: &state };
    let header = Header::new(config);
    let mut writer = Rewriter::new(Vec::new(), &header, engine, Some(&state)).expect("memory");
    for step in &steps[begin..] {
        writer.push(step).expect("memory");
    }
    writer.finish().expect("memory")
}

#[test]
fn a_replay_goes_on_from_a_state() {
    for seed in 1..=6 {
        let steps = random_steps(seed, 2000);
        let config = Config { ump: seed % 2 == 0, ..Config::default() };
        let file = from_the_middle(config, &steps, 700);
        let mut replayer = Replayer::new(&file[..]).expect("a recording");
        assert_eq!(replayer.now(), steps[699].at);
        let first = replayer.step().expect("a record").expect("a record").record;
        assert_eq!(first, 701);
        while replayer.step().expect("a record").is_some() {}
        assert_eq!((replayer.difference(), replayer.records()), (None, 2000), "seed {seed}");

        // The engine is the same as one that was there from the beginning.
        let mut whole = Engine::with_config(config);
        run(&mut whole, &steps);
        let at = replayer.now();
        let [one, other] = [&whole, replayer.engine()].map(|engine| {
            let client = look::observe(engine, at).expect("a client");
            (client.clients().expect("a list"), client.ports().expect("a list"))
        });
        assert_eq!(one, other);
    }
}

#[test]
fn a_recording_with_a_state_shrinks() {
    let mut steps = random_steps(3, 3000);
    let late = steps.split_off(2500);
    steps.retain(|step| !matches!(step.action, Action::Close { .. }));
    let begin = 1500;
    steps.extend(late);
    let mut start = Engine::new();
    run(&mut start, &steps[..begin]);
    let mut bad = start.clone();
    bad.plant_bug();
    // Files that were open before are named by their numbers.
    let items = bind(&start, steps[begin..].iter().cloned());
    assert!(items.iter().any(|item| item.target.is_none() && item.step.action.file().is_some()));
    assert!(trial::panics(&bad, &items) && !trial::panics(&start, &items));
    let (left, _) = minimise(items, |candidate, _| trial::panics(&bad, candidate));
    let steps = concrete(&start, &left);
    assert!(steps.len() <= 6, "{steps:#?}");
    assert!(trial::panics(&bad, &bind(&start, steps)));
}

#[test]
fn a_state_that_makes_no_sense_is_refused_or_caught() {
    let mut engine = Engine::new();
    run(&mut engine, &random_steps(5, 300));
    let good = store(&engine);
    let header = Header::new(Config::default());
    let mut random = Random::new(9);
    let (mut refused, mut replayed) = (0, 0);
    for round in 0..300 {
        let mut bytes = good.clone();
        for _ in 0..=round % 4 {
            let at = usize::try_from(random.below(bytes.len() as u64)).unwrap_or(0);
            bytes[at] = u8::try_from(random.below(256)).unwrap_or(0);
        }
        if round % 3 == 0 {
            bytes.truncate(usize::try_from(random.below(bytes.len() as u64)).unwrap_or(0));
        }
        let mut writer = Writer::new(Vec::new(), &header, Compression::None).expect("memory");
        let hash = AnswerHash::new();
        let state = State { index: 300, now: Time(1), hash: hash.value(), engine: &bytes };
        writer.state(&state).expect("memory");
        for step in random_steps(6, 100) {
            writer.push(step.at, 1, 0, &Record::Input(step.action.input())).expect("memory");
        }
        let file = writer.finish(None).expect("memory");
        match Replayer::new(&file[..]) {
            Err(Error::State(_)) => refused += 1,
            Err(error) => panic!("{error}"),
            // It may panic, and that is caught.
            Ok(mut replayer) => {
                let _ended = caught(|| while replayer.step().expect("a record").is_some() {});
                replayed += 1;
            }
        }
    }
    assert!(refused > 50 && replayed > 50, "{refused} {replayed}");
}
