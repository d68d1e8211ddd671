//! The fuzzer on the engine in this process: fast, the same every time, and not blind.

use seqfuzz::minimise::minimise;
use seqfuzz::oracle::Side;
use seqfuzz::{
    Access, Device, EngineDevice, Mode, Program, Readiness, Settings, Transcript, generate, parse,
    transcript,
};
use std::time::Duration;

const SEEDS: u64 = 2000;
const SIZE: usize = 24;

fn run(program: &Program) -> Transcript {
    transcript(&mut EngineDevice::new(), program)
}

#[test]
fn seeds_mean_the_same_for_ever_and_meet_everything() {
    let mut modes = [0; 3];
    let mut text = String::new();
    for seed in 0..SEEDS {
        let program = generate(seed, SIZE);
        assert_eq!(program, generate(seed, SIZE), "seed {seed}");
        let read = parse(&program.to_string()).expect("what was printed");
        assert_eq!(read, program, "seed {seed}");
        let transcript = run(&program);
        assert_eq!(transcript, run(&read), "seed {seed}");
        modes[program.mode as usize] += 1;
        text += &transcript.with_calls(&program);
    }
    assert!(modes.iter().all(|count| *count > 200), "{modes:?}");
    let errors = [
        "EPERM", "ENOENT", "ENXIO", "EBADF", "EAGAIN", "ENOMEM", "EBUSY", "EINVAL", "ENOTTY",
        "ENOSPC", "EMLINK",
    ];
    for error in errors {
        assert!(text.contains(&format!("= {error}")), "{error} is never met");
    }
    for event in ["BOUNCE", "NOTEOFF", "SYSEX", "PORT_UNSUBSCRIBED", "CLIENT_CHANGE", "START"] {
        assert!(text.contains(&format!("    {event} flags=")), "{event} is never read");
    }
}

/// Whatever a program did, afterwards the sequencer has nothing of it: all clients, queues and
/// connections are gone, and a new client finds all cells of its pools.
#[test]
fn nothing_is_left_of_a_program() {
    let asks = "mode still
c0.open access=2
c0.write
c0.system_info
c0.get_client_pool client=c0
c0.query_subs root=14 type=0
c0.query_subs root=14 type=1
c0.query_subs root=0 root_port=1
c0.get_queue_status queue=0
c0.read len=28
c0.poll
";
    let asks = parse(asks).expect("a program");
    let fresh = run(&asks);
    let mut device = EngineDevice::new();
    for seed in 0..SEEDS / 4 {
        transcript(&mut device, &generate(seed, SIZE));
        assert_eq!(transcript(&mut device, &asks), fresh, "after seed {seed}");
    }
}

/// A sequencer with a mistake: another client's queue may be deleted, as far as the caller is told.
#[derive(Default)]
struct Mistaken(EngineDevice);

impl Device for Mistaken {
    fn open(&mut self, access: Access) -> Result<usize, aseqd_abi::Errno> {
        self.0.open(access)
    }
    fn open_timer(&mut self, access: Access) -> Result<usize, aseqd_abi::Errno> {
        self.0.open_timer(access)
    }
    fn create_timer(&mut self, file: usize, bytes: &mut [u8]) -> Result<usize, aseqd_abi::Errno> {
        self.0.create_timer(file, bytes)
    }
    fn close(&mut self, file: usize) {
        self.0.close(file);
    }
    fn ioctl(&mut self, file: usize, code: u32, bytes: &mut [u8]) -> Result<i32, aseqd_abi::Errno> {
        let result = self.0.ioctl(file, code, bytes);
        match result {
            Err(aseqd_abi::Errno::EINVAL) if code == aseqd_abi::ioctl::sequencer::DELETE_QUEUE => {
                Err(aseqd_abi::Errno::EPERM)
            }
            result => result,
        }
    }
    fn write(&mut self, file: usize, data: &[u8]) -> Result<usize, aseqd_abi::Errno> {
        self.0.write(file, data)
    }
    fn read(&mut self, file: usize, buffer: &mut [u8]) -> Result<usize, aseqd_abi::Errno> {
        self.0.read(file, buffer)
    }
    fn poll(&mut self, file: usize) -> Readiness {
        self.0.poll(file)
    }
    fn wait(&mut self, time: Duration) {
        self.0.wait(time);
    }
    fn process(&self) -> i32 {
        self.0.process()
    }
}

#[test]
fn canary_a_wrong_errno_is_found_and_shrunk_to_two_calls() {
    let mistaken = Side::Custom(|program| transcript(&mut Mistaken::default(), program));
    let wrong = |seed: &u64| {
        let program = generate(*seed, SIZE);
        run(&program) != transcript(&mut Mistaken::default(), &program)
    };
    let found: Vec<u64> = (0..SEEDS).filter(wrong).take(3).collect();
    assert_eq!(found.len(), 3, "the mistake is found");
    let programs: Vec<Program> = found.iter().map(|seed| generate(*seed, SIZE)).collect();
    let shrunk = minimise(&programs, [&Side::Engine, &mistaken], |_, _| {}).expect("no process");
    for program in shrunk {
        assert_eq!(program.calls.len(), 2, "open and delete_queue: {program}");
        assert_ne!(run(&program), transcript(&mut Mistaken::default(), &program));
    }
}

/// A mistake that only shows in what arrives: high priority is forgotten.
#[test]
fn canary_a_lost_priority_is_found() {
    #[derive(Default)]
    struct NoPriority(EngineDevice);
    impl Device for NoPriority {
        fn open(&mut self, access: Access) -> Result<usize, aseqd_abi::Errno> {
            self.0.open(access)
        }
        fn open_timer(&mut self, access: Access) -> Result<usize, aseqd_abi::Errno> {
            self.0.open_timer(access)
        }
        fn create_timer(
            &mut self,
            file: usize,
            bytes: &mut [u8],
        ) -> Result<usize, aseqd_abi::Errno> {
            self.0.create_timer(file, bytes)
        }
        fn close(&mut self, file: usize) {
            self.0.close(file);
        }
        fn ioctl(
            &mut self,
            file: usize,
            code: u32,
            bytes: &mut [u8],
        ) -> Result<i32, aseqd_abi::Errno> {
            self.0.ioctl(file, code, bytes)
        }
        fn write(&mut self, file: usize, data: &[u8]) -> Result<usize, aseqd_abi::Errno> {
            let mut data = data.to_vec();
            if data.len() == 28 {
                data[1] &= !16;
            }
            self.0.write(file, &data)
        }
        fn read(&mut self, file: usize, buffer: &mut [u8]) -> Result<usize, aseqd_abi::Errno> {
            self.0.read(file, buffer)
        }
        fn poll(&mut self, file: usize) -> Readiness {
            self.0.poll(file)
        }
        fn wait(&mut self, time: Duration) {
            self.0.wait(time);
        }
        fn process(&self) -> i32 {
            self.0.process()
        }
    }
    let differs = |seed: u64| {
        let program = generate(seed, SIZE);
        run(&program) != transcript(&mut NoPriority::default(), &program)
    };
    assert!((0..SEEDS).any(differs), "the mistake is found");
}

#[test]
fn the_modes_have_names() {
    let program = Program {
        mode: Mode::Run,
        common: false,
        ump: false,
        settings: Settings::default(),
        calls: Vec::new(),
    };
    assert_eq!(program.to_string(), "mode run\n");
}
