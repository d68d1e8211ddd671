//! Recordings run again: the same answers, and the first one that differs.

mod rig;

use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::{Address, Event, EventType};
use aseqd_client::Received;
use aseqd_engine::{Call, Config, Engine, FileId, Input, Reply, Time};
use aseqd_recording::{AnswerHash, Compression, End, Header, Record, Writer};
use aseqd_replay::replayer::{Error, Replayer};
use aseqd_replay::step::{Action, Step};
use aseqd_replay::{look, rewrite};
use rig::{Random, note, open, port, random_steps};
use zerocopy::IntoBytes as _;

/// Records steps as a server does: the outputs of one input may be taken after the next one.
fn recorded(config: Config, steps: &[Step]) -> Vec<u8> {
    let mut random = Random::new(5);
    let mut engine = Engine::with_config(config);
    let mut writer =
        Writer::new(Vec::new(), &Header::new(config), Compression::Quick).expect("memory");
    let (mut hash, mut outputs, mut out) = (AnswerHash::new(), 0, Vec::new());
    for step in steps {
        let input = step.action.input();
        writer.push(step.at, outputs, hash.check(), &Record::Input(input)).expect("memory");
        outputs = 0;
        hash.answer(engine.handle(step.at, input, &mut out), &out);
        while random.below(3) > 0
            && let Some(output) = engine.poll_output()
        {
            hash.output(Some(output));
            outputs += 1;
        }
    }
    let at = steps.last().map_or(Time(0), |step| step.at);
    writer.push(at, outputs, hash.check(), &Record::Checkpoint(hash.value())).expect("memory");
    writer.finish(None).expect("memory")
}

/// Replays a recording to its end.
fn replayed(file: &[u8]) -> Replayer<&[u8]> {
    let mut replayer = Replayer::new(file).expect("a recording");
    while replayer.step().expect("a record").is_some() {}
    replayer
}

#[test]
fn every_answer_comes_again() {
    for seed in 1..=10 {
        let steps = random_steps(seed, 2000);
        let config = Config { ump: seed % 2 == 0, ..Config::default() };
        let file = recorded(config, &steps);
        let replayer = replayed(&file);
        assert_eq!(replayer.difference(), None, "seed {seed}");
        assert_eq!(replayer.records(), 2000);
        assert_eq!(replayer.end(), Some(&End::Whole));
        assert_eq!(replayer.header().config, config);
    }
}

#[test]
fn the_first_answer_that_differs_is_named() {
    let mut seen = 0;
    for changed in (40..1900).step_by(93) {
        let mut steps = random_steps(3, 2000);
        let file = recorded(Config::default(), &steps);
        let before = steps[changed].clone();
        // A request that no engine knows.
        let Some(on) = before.action.file() else { continue };
        steps[changed].action = Action::Ioctl { file: on, request: 1, compat: false, arg: vec![] };
        let other = recorded(Config::default(), &steps);
        // The recorded hashes of the one, and the records of the other.
        let file = grafted(&file, &steps);
        let replayer = replayed(&file);
        let difference = replayer.difference().expect("a difference");
        let number = u64::try_from(changed).unwrap() + 1;
        // One in 256 is found a record later.
        assert!((number..=number + 2).contains(&difference.record), "{number}: {difference:?}");
        if difference.record == number {
            assert_eq!(difference.action, steps[changed].action);
            assert_eq!(difference.at, steps[changed].at);
            seen += 1;
        }
        assert_eq!(replayed(&other).difference(), None);
    }
    assert!(seen > 10, "{seen}");
}

/// Returns a recording of these steps with the hashes and outputs of another one.
fn grafted(file: &[u8], steps: &[Step]) -> Vec<u8> {
    let mut reader = aseqd_recording::Reader::new(file).expect("a recording");
    let header = reader.header().clone();
    let mut writer = Writer::new(Vec::new(), &header, Compression::None).expect("memory");
    let mut steps = steps.iter();
    while let Some(entry) = reader.read().expect("a record") {
        let record = match entry.record {
            Record::Input(_) => Record::Input(steps.next().expect("a step").action.input()),
            other => other,
        };
        writer.push(entry.now, entry.outputs, entry.check, &record).expect("memory");
    }
    writer.finish(None).expect("memory")
}

#[test]
fn a_torn_recording_is_replayed_up_to_there() {
    let file = recorded(Config::default(), &random_steps(2, 20_000));
    let mut lengths = 0;
    for cut in (250..file.len()).step_by(file.len() / 40) {
        let replayer = replayed(&file[..cut]);
        assert_eq!(replayer.difference(), None);
        assert!(matches!(replayer.end(), Some(End::Torn { .. })), "{cut}");
        lengths += usize::from(replayer.records() > 0);
    }
    assert!(lengths > 10, "{lengths}");
}

#[test]
fn a_write_that_goes_on_gets_its_bytes_again() {
    let config = Config::default();
    let mut engine = Engine::with_config(config);
    let mut writer =
        Writer::new(Vec::new(), &Header::new(config), Compression::Quick).expect("memory");
    let (mut hash, mut out) = (AnswerHash::new(), Vec::new());
    let data: Vec<u8> =
        (0..2500).flat_map(|_| note(Address::new(14, 0), 60).as_bytes().to_vec()).collect();
    let file = FileId(0);
    let mut push = |record: Record<'_>, input: Input<'_>| {
        writer.push(Time(1), 0, hash.check(), &record).expect("memory");
        let reply = engine.handle(Time(1), input, &mut out);
        hash.answer(reply, &out);
        reply
    };
    for action in [open(), port(file, 128)] {
        assert_eq!(push(Record::Input(action.input()), action.input()), Reply::Done(0));
    }
    let write = |data| Input::Call { file, call: Call::Write { data, nonblock: true } };
    assert_eq!(push(Record::Input(write(&data)), write(&data)), Reply::More(1000 * EVENT_SIZE));
    let step = 1000 * EVENT_SIZE;
    for (done, wanted) in [(step, Reply::More(step)), (2 * step, Reply::Done(step / 2))] {
        let left = &data[done..];
        assert_eq!(push(Record::Rest { file, done, nonblock: true }, write(left)), wanted);
    }
    writer.push(Time(1), 0, hash.check(), &Record::Checkpoint(hash.value())).expect("memory");
    let whole = writer.finish(None).expect("memory");
    let replayer = replayed(&whole);
    assert_eq!((replayer.difference(), replayer.records()), (None, 5));

    // One that has not begun.
    let mut writer =
        Writer::new(Vec::new(), &Header::new(config), Compression::Quick).expect("memory");
    writer.push(Time(1), 0, 0, &Record::Rest { file, done: 0, nonblock: true }).expect("memory");
    let file = writer.finish(None).expect("memory");
    let error = Replayer::new(&file[..]).expect("a recording").step().expect_err("no write");
    assert!(matches!(error, Error::Rest { record: 1 }), "{error}");
}

#[test]
fn steps_written_anew_replay_the_same() {
    let steps = random_steps(4, 3000);
    let header = Header::new(Config::default());
    let file = rewrite::record(Vec::new(), &header, &steps).expect("memory");
    let replayer = replayed(&file);
    assert_eq!((replayer.difference(), replayer.records()), (None, 3000));
    assert_eq!(replayer.end(), Some(&End::Whole));
}

#[test]
fn a_look_at_the_state_changes_nothing() {
    let mut engine = Engine::new();
    let at = Time(5);
    let mut out = Vec::new();
    for action in [open(), port(FileId(0), 128), open(), port(FileId(1), 129)] {
        let reply = engine.handle(at, action.input(), &mut out);
        assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
    }
    let event = note(Address::new(129, 0), 61);
    let write = Action::Write { file: FileId(0), data: event.as_bytes().to_vec(), nonblock: true };
    assert_eq!(engine.handle(at, write.input(), &mut out), Reply::Done(EVENT_SIZE));

    let before = format!("{engine:?}");
    let client = look::observe(&engine, at).expect("a client");
    let numbers: Vec<_> =
        client.clients().expect("a list").iter().map(|info| info.client).collect();
    let own = i32::from(look::number_of(&client));
    assert_eq!(numbers, [0, 14, own, 128, 129]);
    assert_eq!(client.ports_of(129).expect("a list").len(), 1);
    assert_eq!(client.pools(129).expect("an answer").expect("pools").input_free, 199);
    let unread = look::unread(&engine, at, FileId(1), false);
    let expected = Event { source: Address::new(128, 0), ..event };
    assert_eq!(unread.events, [Received::Event(expected, Vec::new())]);
    assert!(!unread.overflow);
    assert_eq!(look::unread(&engine, at, FileId(0), false).events, []);
    assert_eq!(format!("{engine:?}"), before);

    // More than anybody reads.
    let many =
        Action::Write { file: FileId(0), data: event.as_bytes().repeat(300), nonblock: true };
    let _full = engine.handle(at, many.input(), &mut out);
    let unread = look::unread(&engine, at, FileId(1), false);
    assert!(unread.overflow, "{}", unread.events.len());
    assert_eq!(event.event_type, EventType::NOTEON);
}

/// Records that no recorder writes: the hash is wrong, outputs are taken that are not there, files are not open.
#[test]
fn any_records_can_be_replayed() {
    let mut random = Random::new(77);
    for seed in 1..=30 {
        let mut steps = random_steps(seed, 300);
        for step in &mut steps {
            let number = u32::try_from(random.below(20)).unwrap_or(0);
            if random.below(4) == 0 {
                step.action.set_file(FileId(number));
            }
            if let Action::Ioctl { request, arg, .. } = &mut step.action {
                if random.below(3) == 0 {
                    *request = u32::try_from(random.below(1 << 32)).unwrap_or(0);
                }
                arg.truncate(usize::try_from(random.below(200)).unwrap_or(0));
            }
            if let Action::Write { data, .. } = &mut step.action
                && let Some(byte) = data.get_mut(usize::try_from(random.below(28)).unwrap_or(0))
            {
                *byte = u8::try_from(random.below(256)).unwrap_or(0);
            }
        }
        let header = Header::new(Config::default());
        let mut writer = Writer::new(Vec::new(), &header, Compression::None).expect("memory");
        for step in &steps {
            let outputs = if random.below(5) == 0 { u32::MAX } else { 0 };
            let check = u8::try_from(random.below(256)).unwrap_or(0);
            let input = step.action.input();
            writer.push(step.at, outputs, check, &Record::Input(input)).expect("memory");
        }
        let file = writer.finish(None).expect("memory");
        let replayer = replayed(&file);
        assert_eq!(replayer.records(), 300);
        assert!(replayer.difference().is_some());
        // Everything that is made of records takes them as well.
        let start = Engine::new();
        let items = aseqd_replay::script::bind(&start, steps.clone());
        assert_eq!(aseqd_replay::script::concrete(&start, &items).len(), items.len());
        let mut smf = aseqd_replay::smf::Smf::new(start.clone());
        let mut test = aseqd_replay::rust_test::RustTest::new(Vec::new(), &header).expect("memory");
        let program = aseqd_replay::c_program::CProgram::new(Vec::new(), &header, start);
        let mut program = program.expect("memory");
        let mut replayer = Replayer::new(&file[..]).expect("a recording");
        while let Some(played) = replayer.step().expect("a record") {
            smf.push(&played);
            test.push(&played).expect("memory");
            program.push(&played).expect("memory");
        }
        smf.finish(&mut Vec::new()).expect("memory");
        test.finish().expect("memory");
        program.finish().expect("memory");
    }
}
