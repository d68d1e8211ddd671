//! Programs that use the timer too, on the engine in this process: the same every time, and not blind.

use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use seqfuzz::minimise::minimise;
use seqfuzz::oracle::Side;
use seqfuzz::{
    Access, Device, EngineDevice, Program, Readiness, Transcript, generate_timer, parse, transcript,
};
use std::time::Duration;

const SEEDS: u64 = 1000;
const SIZE: usize = 24;

fn run(program: &Program) -> Transcript {
    transcript(&mut EngineDevice::new(), program)
}

#[test]
fn seeds_mean_the_same_for_ever_and_meet_everything() {
    let mut text = String::new();
    for seed in 0..SEEDS {
        let program = generate_timer(seed, SIZE);
        let read = parse(&program.to_string()).expect("what was printed");
        assert_eq!(read, program, "seed {seed}");
        let transcript = run(&program);
        assert_eq!(transcript, run(&read), "seed {seed}");
        text += &transcript.with_calls(&program);
    }
    for error in ["EBADF", "EAGAIN", "EBUSY", "ENODEV", "EINVAL", "ENOTTY", "ENOSYS", "EBADFD"] {
        assert!(text.contains(&format!("= {error}\n")), "{error} is never met");
    }
    let told = [
        "RESOLUTION 1",
        "RESOLUTION 4000000",
        "TICK some",
        "START 1",
        "STOP 0",
        "CONTINUE 1",
        "PAUSE 0",
        "EARLY 0 time=0",
        "MSTART 1",
        "MSTOP 0",
        "MCONTINUE 1",
        "MPAUSE 0",
        "resolution=1 ticks=some",
        "resolution=0 ticks=0",
    ];
    for record in told {
        assert!(text.contains(&format!("    {record}\n")), "{record} is never read");
    }
}

/// Whatever a program did, afterwards nobody is bound to a timer, and a new file finds nothing.
#[test]
fn nothing_is_left_of_a_program() {
    let asks = "mode still
t0.open_timer access=2
t0.t_ginfo class=1 device=3
t0.t_ginfo class=1 device=0
t0.t_gparams class=1 device=0
t0.t_status
t0.t_select class=0 sclass=1 device=self
t0.t_info
t0.read len=32
t0.poll
";
    let asks = parse(asks).expect("a program");
    let fresh = run(&asks);
    let mut device = EngineDevice::new();
    for seed in 0..SEEDS / 4 {
        transcript(&mut device, &generate_timer(seed, SIZE));
        assert_eq!(transcript(&mut device, &asks), fresh, "after seed {seed}");
    }
}

/// What becomes of the answer to a request.
type Mistake = fn(u32, Result<i32, Errno>, &mut [u8]) -> Result<i32, Errno>;

/// A timer device with a mistake, made by changing the answer to a request.
struct Mistaken {
    device: EngineDevice,
    mistake: Mistake,
}

impl Mistaken {
    fn run(mistake: Mistake, program: &Program) -> Transcript {
        transcript(&mut Self { device: EngineDevice::new(), mistake }, program)
    }
}

impl Device for Mistaken {
    fn open(&mut self, access: Access) -> Result<usize, Errno> {
        self.device.open(access)
    }
    fn open_timer(&mut self, access: Access) -> Result<usize, Errno> {
        self.device.open_timer(access)
    }
    fn create_timer(&mut self, file: usize, bytes: &mut [u8]) -> Result<usize, Errno> {
        self.device.create_timer(file, bytes)
    }
    fn close(&mut self, file: usize) {
        self.device.close(file);
    }
    fn ioctl(&mut self, file: usize, code: u32, bytes: &mut [u8]) -> Result<i32, Errno> {
        let result = self.device.ioctl(file, code, bytes);
        (self.mistake)(code, result, bytes)
    }
    fn write(&mut self, file: usize, data: &[u8]) -> Result<usize, Errno> {
        self.device.write(file, data)
    }
    fn read(&mut self, file: usize, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.device.read(file, buffer)
    }
    fn poll(&mut self, file: usize) -> Readiness {
        self.device.poll(file)
    }
    fn wait(&mut self, time: Duration) {
        self.device.wait(time);
    }
    fn process(&self) -> i32 {
        self.device.process()
    }
}

/// Makes a second STOP succeed.
fn generous_stop(code: u32, result: Result<i32, Errno>, _: &mut [u8]) -> Result<i32, Errno> {
    match result {
        Err(Errno::EBUSY) if code == t::STOP => Ok(0),
        result => result,
    }
}

/// Makes GINFO forget how many instances a timer has.
fn forgetful_ginfo(code: u32, result: Result<i32, Errno>, told: &mut [u8]) -> Result<i32, Errno> {
    if code == t::GINFO {
        told[208..212].fill(0);
    }
    result
}

#[test]
fn canary_a_wrong_errno_is_found_and_shrunk() {
    let wrong = |seed: &u64| {
        let program = generate_timer(*seed, SIZE);
        run(&program) != Mistaken::run(generous_stop, &program)
    };
    let found: Vec<u64> = (0..SEEDS).filter(wrong).take(3).collect();
    assert_eq!(found.len(), 3, "the mistake is found");
    let programs: Vec<Program> = found.iter().map(|seed| generate_timer(*seed, SIZE)).collect();
    let mistaken = Side::Custom(|program| Mistaken::run(generous_stop, program));
    let shrunk = minimise(&programs, [&Side::Engine, &mistaken], |_, _| {}).expect("no process");
    for program in shrunk {
        assert_eq!(program.calls.len(), 3, "open, select and stop: {program}");
    }
}

#[test]
fn canary_a_forgotten_client_is_found() {
    let differs = |seed: u64| {
        let program = generate_timer(seed, SIZE);
        run(&program) != Mistaken::run(forgetful_ginfo, &program)
    };
    assert!((0..SEEDS).any(differs), "the mistake is found");
}
