//! The parts of a campaign: the model, reports and findings, the processes.

use seqfuzz::fuzz::{finding, model};
use seqfuzz::{
    Access, Device, EngineDevice, Inside, Kind, Profile, Program, Readiness, Rng, Step, Tape,
    generate, parse, program_of, transcript,
};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A folder that is removed at the end of a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("seqfuzz-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

/// A sequencer with one mistake in what it takes or gives.
struct Mistaken {
    device: EngineDevice,
    written: fn(&mut Vec<u8>),
    read: fn(&mut [u8], usize) -> usize,
}

impl Device for Mistaken {
    fn open(&mut self, access: Access) -> Result<usize, aseqd_abi::Errno> {
        self.device.open(access)
    }
    fn open_timer(&mut self, access: Access) -> Result<usize, aseqd_abi::Errno> {
        self.device.open_timer(access)
    }
    fn create_timer(&mut self, file: usize, bytes: &mut [u8]) -> Result<usize, aseqd_abi::Errno> {
        self.device.create_timer(file, bytes)
    }
    fn close(&mut self, file: usize) {
        self.device.close(file);
    }
    fn ioctl(&mut self, file: usize, code: u32, bytes: &mut [u8]) -> Result<i32, aseqd_abi::Errno> {
        self.device.ioctl(file, code, bytes)
    }
    fn ioctl_compat(
        &mut self,
        file: usize,
        code: u32,
        argument: &mut [u8],
    ) -> Result<i32, aseqd_abi::Errno> {
        self.device.ioctl_compat(file, code, argument)
    }
    fn write(&mut self, file: usize, data: &[u8]) -> Result<usize, aseqd_abi::Errno> {
        let mut data = data.to_vec();
        (self.written)(&mut data);
        self.device.write(file, &data)
    }
    fn read(&mut self, file: usize, buffer: &mut [u8]) -> Result<usize, aseqd_abi::Errno> {
        let read = self.device.read(file, buffer)?;
        Ok((self.read)(buffer, read))
    }
    fn poll(&mut self, file: usize) -> Readiness {
        self.device.poll(file)
    }
    fn wait(&mut self, time: Duration) {
        self.device.wait(time);
    }
    fn inside(&mut self, inside: &Inside) -> Result<usize, aseqd_abi::Errno> {
        self.device.inside(inside)
    }
    fn process(&self) -> i32 {
        self.device.process()
    }
}

const fn as_written(_: &mut Vec<u8>) {}
const fn as_read(_: &mut [u8], len: usize) -> usize {
    len
}

fn compared(
    program: &Program,
    written: fn(&mut Vec<u8>),
    read: fn(&mut [u8], usize) -> usize,
) -> Result<model::Followed, model::Difference> {
    let device = Mistaken { device: EngineDevice::of(program), written, read };
    let mut tape = Tape::new(device);
    transcript(&mut tape, program);
    model::compare(&tape.steps, program)
}

/// Leaves out calls that a difference does not need.
fn shrunk(
    mut program: Program,
    kind: &str,
    written: fn(&mut Vec<u8>),
    read: fn(&mut [u8], usize) -> usize,
) -> Program {
    for index in (0..program.calls.len()).rev() {
        let mut less = program.clone();
        less.calls.remove(index);
        if compared(&less, written, read).is_err_and(|found| found.kind == kind) {
            program = less;
        }
    }
    program
}

/// Returns which differences to the model a sequencer shows in programs from seeds and their mutations.
fn differences(
    seeds: std::ops::Range<u64>,
    written: fn(&mut Vec<u8>),
    read: fn(&mut [u8], usize) -> usize,
) -> (Vec<String>, model::Followed) {
    let mut kinds = Vec::new();
    let mut all = model::Followed::default();
    let mut rng = Rng::new(seeds.start + 7);
    let mut program = generate(0, 24);
    for seed in seeds {
        let profile = [Profile::Sequencer, Profile::Timer, Profile::Ump][(seed / 3 % 3) as usize];
        let kind = Kind { size: 24, common: false, legacy: false, profile };
        let other = kind.program(seed);
        program = match seed % 3 {
            0 => other,
            _ => seqfuzz::fuzz::mutate(&mut rng, Some(&program), Some(&other)),
        };
        match compared(&program, written, read) {
            Ok(followed) => all.add(followed),
            Err(difference) => {
                if !kinds.contains(&difference.kind) {
                    let program = shrunk(program.clone(), &difference.kind, written, read);
                    println!("{}: {}\n{program}", difference.kind, difference.text);
                }
                kinds.push(difference.kind);
            }
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    (kinds, all)
}

#[test]
fn the_model_agrees_with_the_engine_and_follows_it_all_the_way() {
    let end = std::env::var("SEQFUZZ_SEEDS").map_or(1500, |text| text.parse().expect("a number"));
    let (kinds, all) = differences(0..end, as_written, as_read);
    assert_eq!(kinds, [""; 0]);
    let share = |part: usize, whole: usize| part * 100 >= whole * 95;
    assert!(share(all.compared, all.calls) && share(all.events_compared, all.events), "{all:?}");
    assert!(all.events > 2000, "{all:?}");
}

#[test]
fn the_model_follows_the_corpus_to_its_end() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/seeds.txt");
    let programs = std::fs::read_to_string(corpus).expect("the corpus");
    let mut all = model::Followed::default();
    let mut wrong = String::new();
    for program in seqfuzz::parse_all(&programs).expect("programs") {
        match compared(&program, as_written, as_read) {
            Ok(followed) => all.add(followed),
            Err(found) => wrong += &format!("{}: {}\n{program}\n", found.kind, found.text),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(all.calls > 7000 && all.compared * 100 >= all.calls * 95, "{all:?}");
    assert!(all.events_compared * 100 >= all.events * 95, "{all:?}");
}

/// On Linux 7.3 the callback of the queue that was started first is the first at each interrupt, so that `q1` has tick 4 when it
/// is stopped: 21 ms are four ticks, 20 ms are three.
#[test]
fn a_timer_is_before_a_queue_that_is_due_at_the_same_instant() {
    let program = parse(
        "mode still ump\nc0.open access=2\nc0.create_queue as=q1\n\
         c0.set_queue_timer queue=q1 class=1 device=3\nc0.create_queue as=q2\n\
         c0.write [START type=30 control=q1]\nc0.write [START type=30 control=q2]\n\
         c0.write [STOP type=32 flags=1 queue=q2 nsec=21000000 control=q1]\nc0.sleep ms=100\n\
         c0.get_queue_status queue=q1\n",
    )
    .expect("a program");
    let told = transcript(&mut EngineDevice::of(&program), &program);
    assert_eq!(told.results.last().map(String::as_str), Some("= 0 tick=0x4 nsec=0x1406f40"));
    let followed = compared(&program, as_written, as_read).map_err(|found| found.text);
    assert!(followed.expect("the model agrees").compared > 9);
}

/// A tick has 1 ns and the queue is fast, so that its 32 bits of ticks are soon gone. The engine moves its reference point when
/// an event is queued, and nothing may be rounded then.
#[test]
fn a_position_does_not_depend_on_when_events_are_queued() {
    for skew in [0x1_0001, 0x9_1234, 123_456_789, 4_000_000_001_u32, u32::MAX] {
        let calls = |queued: &str| {
            format!(
                "mode run\nc0.open access=2\nc0.create_port client=c0 capability=99\nc0.create_queue as=q0\n\
                 c0.set_queue_tempo queue=q0 tempo=1 ppq=1000 skew_value={skew} skew_base=65536\n\
                 c0.write [START type=30 queue=253 control=q0]\nc0.sleep ms=100 times=25\nc0.sleep ns=2345677\n\
                 {queued}c0.sleep ns=1234567\nc0.get_queue_status queue=q0\nc0.poll\n"
            )
        };
        let [with, without] = [calls("c0.write [ type=6 queue=q0 tick=1 dest=254]\n"), calls("")];
        let [with, without] = [with, without].map(|calls| parse(&calls).expect("a program"));
        let status = |program: &Program| {
            let steps = seqfuzz::tape_of(program);
            let is_status = |step: &&(Step, _)| matches!(&step.0, Step::Ioctl { argument, .. } if argument.len() == 92);
            steps.iter().rev().find(is_status).expect("the status").1.told.clone()
        };
        assert_eq!(status(&with)[8..20], status(&without)[8..20], "skew {skew}");
        let followed = compared(&with, as_written, as_read).map_err(|found| found.text);
        assert!(followed.expect("the model agrees").compared > 9);
    }
}

#[test]
fn canary_a_lost_priority_is_a_difference() {
    let without = |data: &mut Vec<u8>| {
        if data.len() == 28 {
            data[1] &= !0x10;
        }
    };
    // The model sees the priority: what it is given is what the program wrote.
    assert!(!differences(0..600, without, as_read).0.is_empty());
}

#[test]
fn canary_lost_and_repeated_events_are_differences() {
    let lost = |_: &mut [u8], len: usize| len.saturating_sub(if len > 28 { 28 } else { 0 });
    let (kinds, _) = differences(0..600, as_written, lost);
    assert!(kinds.iter().any(|kind| kind == "other_answer_of_read"), "{kinds:?}");
    let changed = |buffer: &mut [u8], len: usize| {
        if len >= 56 {
            buffer.copy_within(0..28, 28);
        }
        len
    };
    assert!(!differences(0..600, as_written, changed).0.is_empty());
}

#[test]
fn mutations_are_programs_and_the_same_for_a_seed() {
    let mut program = generate(3, 24);
    let mut again = program.clone();
    let (mut left, mut right) = (Rng::new(5), Rng::new(5));
    for seed in 0..400 {
        let other = generate(seed, 12);
        program = seqfuzz::fuzz::mutate(&mut left, Some(&program), Some(&other));
        again = seqfuzz::fuzz::mutate(&mut right, Some(&again), Some(&other));
        assert_eq!(program, again);
        assert_eq!(parse(&program.to_string()).expect("what was printed"), program);
    }
    // Twice the same program is twice the same answer.
    for seed in 0..200 {
        let program = seqfuzz::fuzz::mutate(&mut left, Some(&generate(seed, 24)), None);
        let [first, second] =
            [(); 2].map(|()| transcript(&mut EngineDevice::of(&program), &program));
        assert_eq!(first, second);
    }
}

#[test]
fn findings_are_stored_once_for_a_title() {
    let folder = Folder::new("findings");
    let report = |line: u32| {
        format!(
            "rust_kernel: panicked at crates/engine/src/seq/prioq.rs:{line}:5:\nindex out of bounds: the len is {line}\n\
             Call Trace:\n <TASK>\n PrioQueue::insert+0x0/0x0 crates/engine/src/seq/prioq.rs:{line}\n </TASK>\n"
        )
    };
    let title = finding::title(&report(3));
    assert_eq!(title, "index out of bounds: the len is NUM in PrioQueue::insert");
    let program = "mode still\nc0.open access=2\nc0.poll\n";
    let (first, new) = finding::store(folder.as_ref(), &report(3), "log", program).expect("stored");
    assert!(new);
    let (second, new) =
        finding::store(folder.as_ref(), &report(4), "log", program).expect("stored");
    assert!(!new && first == second);
    let all = finding::all(folder.as_ref());
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].title.as_str(), all[0].count, all[0].calls), (title.as_str(), 2, (2, 2)));
    let kept = std::fs::read_to_string(first.join("report")).expect("the report");
    assert!(kept.contains("prioq.rs:3:"));
}

fn seqfuzz(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_seqfuzz")).args(arguments).output();
    let output = output.expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_campaign_makes_a_corpus_and_a_page_and_goes_on() {
    let folder = Folder::new("campaign");
    let dir = folder.as_ref().to_str().expect("a path");
    for _ in 0..2 {
        let (code, out, err) = seqfuzz(&["fuzz", "--time", "4s", "--jobs", "2", dir]);
        assert_eq!(code, Some(0), "{out}{err}");
        assert!(out.contains(", 0 findings"), "{out}");
    }
    assert!(std::fs::read_dir(folder.as_ref().join("corpus")).expect("a corpus").count() > 5);
    let (code, out, _) = seqfuzz(&["status", dir]);
    assert_eq!(code, Some(0));
    assert!(out.contains(" programs, "), "{out}");
    let page = std::fs::read_to_string(folder.as_ref().join("index.html")).expect("a page");
    assert!(page.contains("<h2>Findings</h2>\n<p>None.</p>"), "{page}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let (code, _, err) = seqfuzz(&["status", "/nowhere"]);
    assert_eq!((code, err.starts_with("seqfuzz: /nowhere: no campaign")), (Some(2), true), "{err}");
    let (code, _, err) = seqfuzz(&["fuzz", "--time", "1x", "/tmp/never"]);
    assert_eq!((code, err.contains("1x is no time")), (Some(2), true), "{err}");
    let (code, _, err) = seqfuzz(&["repro", "/nowhere"]);
    assert_eq!((code, err.contains("/nowhere/title")), (Some(2), true), "{err}");
    let folder = Folder::new("under");
    let dir = folder.as_ref().to_str().expect("a path");
    let (code, _, err) = seqfuzz(&["fuzz", "--under", "/nowhere/run --", "--time", "1s", dir]);
    assert_eq!((code, err.contains("/nowhere/run")), (Some(2), true), "{err}");
    let (code, _, err) = seqfuzz(&["fuzz", "--under", "false", "--time", "20s", dir]);
    assert_eq!((code, err.contains("cannot work here")), (Some(2), true), "{err}");
}

/// Programs that were converted by calls are mutated like others.
#[test]
fn imported_programs_are_mutated() {
    let program: Program = program_of(&[Step::Open(Access::ReadWrite), Step::Poll(0)]);
    let mut rng = Rng::new(1);
    let text = seqfuzz::fuzz::mutate(&mut rng, Some(&program), None).to_string();
    assert!(text.starts_with("mode "), "{text}");
}

/// The type of a packet says nothing else, but one that looks like a bounce and fails is not bounced.
#[test]
fn a_packet_with_the_type_of_a_bounce_is_not_bounced() {
    let program = parse(
        "mode still ump\nc0.open\nc0.user_pversion version=0x10003\n\
         c0.set_client_info client=c0 type=1 midi_version=1 filter=4\nc0.create_queue\n\
         c0.create_port client=c0\nc0.subscribe_port sender=c0 dest=c0 flags=2\n\
         c0.write [BOUNCE type=131 flags=41 queue=253 dest=254 body=300]\n\
         c0.get_client_info client=c0\n",
    )
    .expect("a program");
    let followed = compared(&program, as_written, as_read).map_err(|found| found.text);
    assert!(followed.expect("the model agrees").compared > 8);
}

/// The bytes that begin and end a message may stand anywhere in an event of one. Where they come first or last in what is looked at
/// for a packet, they begin and end one there.
#[test]
fn marks_inside_of_a_sysex_begin_and_end_packets() {
    let length = 38;
    for (begin, end) in (0..length).flat_map(|at| [(at, length - 1), (0, at), (at, at + 3)]) {
        let mut bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at).expect("a byte")).collect();
        for (at, mark) in [(begin, 0xf0), (end.min(length - 1), 0xf7)] {
            bytes[at] = mark;
        }
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let program = parse(&format!(
            "mode frozen ump\nc0.open\nc1.open\nc0.user_pversion version=0x10005\n\
             c0.set_client_info client=c0 type=1 midi_version=2\nc0.create_port client=c0 capability=611\n\
             c1.write [SYSEX type=130 flags=4 queue=253 dest=c0 len={length} bytes=hex:{hex}]\n\
             c0.read len=448\n"
        ))
        .expect("a program");
        let followed = compared(&program, as_written, as_read).map_err(|found| found.text);
        assert!(followed.expect("the model agrees").events_compared > 0, "{hex}");
    }
}
