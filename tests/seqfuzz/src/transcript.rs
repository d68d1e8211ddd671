//! Runs a program, and writes down what came back.

mod open;
mod timer;
mod told;
mod write;

use crate::device::{Access, Device, Inside};
use crate::field;
use crate::program::{self, Call, FIRST_USER_TIMER, Mode, Numbers, Operation, Program, Value};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::{self, sequencer as s, timers as t};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Errno, Event};
use aseqd_describe::Caller;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;
use zerocopy::FromBytes;

/// The number of a client that was never opened: the last of the user clients.
const MISSING_CLIENT: u8 = 191;
/// The number of a queue that was never created: the last.
const MISSING_QUEUE: u8 = 31;
/// Size of the records of a UMP client, in bytes.
const UMP_SIZE: usize = size_of::<UmpEvent>();
/// The protocol version from which on SET_CLIENT_INFO sets the MIDI version.
const KNOWS_MIDI_VERSION: u32 = 0x01_00_03;
/// First number of user clients.
const FIRST_USER: u8 = 128;
/// Maximum size of the struct of an ioctl that the table does not have: the largest of the control device has 1224 bytes.
const MAX_ARGUMENT: usize = 2048;
/// Maximum number of milliseconds for which a running queue is waited for.
const SETTLE_MS: u32 = 400;
/// Ticks, or ns below, after which a queue has delivered everything near: see the generator.
const SETTLED_TICKS: u32 = 12;
const SETTLED_NS: u64 = 14_000_000;

/// What a device answered, one entry per call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The result of each call.
    pub results: Vec<String>,
}

impl Transcript {
    /// Returns a hash of the text.
    #[must_use]
    pub fn hash(&self) -> u64 {
        hash(&self.results)
    }

    /// Returns the calls, each with its result.
    #[must_use]
    pub fn with_calls(&self, program: &Program) -> String {
        let mut text = String::new();
        for (call, result) in program.calls.iter().zip(&self.results) {
            let _infallible = writeln!(text, "{call}\n    {}", result.replace('\n', "\n    "));
        }
        text
    }
}

/// Returns the 64-bit FNV-1a hash of lines.
#[must_use]
pub fn hash(lines: &[String]) -> u64 {
    let bytes = lines.iter().flat_map(|line| line.bytes().chain([b'\n']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Runs a program on a device that has no clients of ours. At its end all files are closed.
pub fn transcript(device: &mut dyn Device, program: &Program) -> Transcript {
    whole(Run::new(device, program), program)
}

/// Runs a program as [`transcript`] does, but closes files as they are, with events that wait in queues which the client
/// no longer uses. Linux may wait for ever in such a close.
pub fn transcript_rude(device: &mut dyn Device, program: &Program) -> Transcript {
    let mut run = Run::new(device, program);
    run.rude = true;
    whole(run, program)
}

fn whole(mut run: Run<'_>, program: &Program) -> Transcript {
    let mut results = Vec::with_capacity(program.calls.len());
    for (index, call) in program.calls.iter().enumerate() {
        run.device.at(index);
        results.push(run.call(call));
    }
    run.device.at(program.calls.len());
    for handle in 0..run.clients.len() {
        run.close(handle);
    }
    run.disconnect_kernel_ports();
    Transcript { results }
}

/// A handle that was opened.
#[derive(Clone, Default)]
struct Client {
    file: Option<usize>,
    number: Option<u8>,
    /// The form in which a timer file is read; nothing for a client.
    records: Option<Records>,
    /// Queues of which it no longer is a user.
    unused: BTreeSet<i32>,
    /// The protocol version that it has declared.
    version: u32,
    /// 0 for a legacy client, 1 or 2 for one that reads UMP records.
    midi_version: u32,
}

/// The form of a timer file's records.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Records {
    /// Resolution and ticks.
    Plain,
    /// With event and time.
    Tread,
}

struct Run<'a> {
    device: &'a mut dyn Device,
    mode: Mode,
    common: bool,
    clients: Vec<Client>,
    queues: Vec<Option<u8>>,
    /// Handles by number.
    client_handles: [Option<usize>; 256],
    queue_handles: [Option<usize>; 256],
    /// Whether files are closed as they are.
    rude: bool,
    /// Connections between ports of the kernel, which outlive the program.
    lasting: Vec<[u8; 4]>,
}

impl Numbers for Run<'_> {
    fn client(&self, handle: usize) -> u8 {
        self.client_number(handle)
    }
    fn queue(&self, handle: usize) -> u8 {
        self.queue_number(handle)
    }
    fn process(&self) -> i32 {
        self.device.process()
    }
}

impl<'a> Run<'a> {
    fn new(device: &'a mut dyn Device, program: &Program) -> Self {
        Self {
            device,
            mode: program.mode,
            common: program.common,
            clients: Vec::new(),
            queues: Vec::new(),
            client_handles: [None; 256],
            queue_handles: [None; 256],
            lasting: Vec::new(),
            rude: false,
        }
    }

    fn client_number(&self, handle: usize) -> u8 {
        self.clients.get(handle).and_then(|client| client.number).unwrap_or(MISSING_CLIENT)
    }

    fn queue_number(&self, handle: usize) -> u8 {
        self.queues.get(handle).copied().flatten().unwrap_or(MISSING_QUEUE)
    }

    /// Makes a call as often as it says. Equal results in a row are printed once.
    fn call(&mut self, call: &Call) -> String {
        let times = call.number("times").unwrap_or(1).clamp(1, 4096);
        let mut results: Vec<(String, u32)> = Vec::new();
        for _ in 0..times {
            let result = self.call_once(call);
            match results.last_mut() {
                Some((last, count)) if *last == result => *count += 1,
                _ => results.push((result, 1)),
            }
        }
        let told = results.into_iter().map(|(result, count)| match count {
            1 => result,
            count => format!("{count} x {result}"),
        });
        told.collect::<Vec<_>>().join("\n")
    }

    fn call_once(&mut self, call: &Call) -> String {
        if let Some(how) = self.way_of_opening(call) {
            return self.open(call, &how);
        }
        if call.operation == Operation::Sleep {
            let number = |name| call.number(name).unwrap_or(0);
            let (ms, ns) = (number("ms").clamp(0, 100), number("ns").clamp(0, 100_000_000));
            let time = Duration::from_millis(ms.unsigned_abs());
            self.device.wait(time + Duration::from_nanos(ns.unsigned_abs()));
            return "done".into();
        }
        if call.operation == Operation::Texts {
            return told(self.device.inside(&Inside::Texts));
        }
        let Some(file) = self.clients.get(call.client).and_then(|client| client.file) else {
            return "not open".into();
        };
        match call.operation {
            Operation::Close => {
                self.close(call.client);
                "done".into()
            }
            Operation::Read => self.read(file, call),
            Operation::Write => match self.device.write(file, &self.written(call)) {
                Ok(written) => format!("= {written}"),
                Err(error) => failed(error),
            },
            Operation::Poll => {
                let ready = self.device.poll(file);
                let other = ready.other;
                let mut text = String::from("=");
                text += if ready.readable { " in" } else { "" };
                text += if ready.writable { " out" } else { "" };
                if other != 0 {
                    let _infallible = write!(text, " other {other:#x}");
                }
                text
            }
            Operation::Settle => self.settle(file, call),
            Operation::Ioctl => {
                let code = call.number("code").and_then(|code| u32::try_from(code).ok());
                let code = code.unwrap_or(0);
                let mut bytes = vec![0; ioctl::size(code).min(MAX_ARGUMENT)];
                if let Some(Value::Bytes(given)) = call.argument("bytes") {
                    let len = given.len().min(bytes.len());
                    bytes[..len].copy_from_slice(&given[..len]);
                }
                let answer = match call.number("compat") {
                    Some(1) => self.device.ioctl_compat(file, code, &mut bytes),
                    _ => self.device.ioctl(file, code, &mut bytes),
                };
                match answer {
                    Ok(value) => format!("= {value}"),
                    Err(error) => failed(error),
                }
            }
            Operation::BecomeUserTimer => {
                let resolution = call.number("resolution").unwrap_or(0).cast_unsigned();
                told(self.device.inside(&Inside::BecomeUserTimer(file, resolution)))
            }
            Operation::Thread => {
                let thread = i32::try_from(call.number("id").unwrap_or(0)).unwrap_or(i32::MAX);
                told(self.device.inside(&Inside::Thread(file, thread)))
            }
            Operation::Blocking => {
                let on = call.number("on").unwrap_or(0) != 0;
                told(self.device.inside(&Inside::Blocking(file, on)))
            }
            Operation::Request(name) => self.request(file, call, name),
            Operation::Open
            | Operation::OpenTimer
            | Operation::OpenKernel
            | Operation::OpenControl
            | Operation::Sleep
            | Operation::Texts => unreachable!("done above"),
        }
    }

    /// Closes a client. Before that, it becomes a user of its queues again: Linux waits in `close`, perhaps for ever, for
    /// events of a client in a queue that it no longer uses.
    fn close(&mut self, handle: usize) {
        let client = &mut self.clients[handle];
        let Some(file) = client.file.take() else { return };
        let unused = std::mem::take(&mut client.unused);
        for queue in unused.into_iter().filter(|_| !self.rude) {
            let mut info = [0; size_of::<aseqd_abi::seq::QueueClient>()];
            info[..4].copy_from_slice(&queue.to_le_bytes());
            info[8] = 1;
            let _gone_perhaps = self.device.ioctl(file, s::SET_QUEUE_CLIENT, &mut info);
        }
        self.device.close(file);
    }

    fn disconnect_kernel_ports(&mut self) {
        if self.lasting.is_empty() {
            return;
        }
        let Ok(file) = self.device.open(Access::ReadWrite) else { return };
        for ends in std::mem::take(&mut self.lasting) {
            let mut info = [0; size_of::<aseqd_abi::seq::PortSubscribe>()];
            info[..4].copy_from_slice(&ends);
            let _gone_perhaps = self.device.ioctl(file, s::UNSUBSCRIBE_PORT, &mut info);
        }
        self.device.close(file);
    }

    fn read(&mut self, file: usize, call: &Call) -> String {
        let len = call.number("len").unwrap_or(0).clamp(0, 1 << 20);
        let mut buffer = vec![0; usize::try_from(len).unwrap_or(0)];
        let read = match self.device.read(file, &mut buffer) {
            Ok(read) => read,
            Err(error) => return failed(error),
        };
        if let Some(records) = self.clients[call.client].records {
            return timer::records(&buffer[..read], records == Records::Tread);
        }
        let mut text = format!("= {read}");
        let mut rest = &buffer[..read];
        let ump = self.clients[call.client].midi_version > 0;
        let size = if ump { UMP_SIZE } else { EVENT_SIZE };
        while let Some((record, after)) = rest.split_at_checked(size)
            && let Ok((event, more)) = Event::read_from_prefix(record)
        {
            rest = after;
            let _infallible = write!(text, "\n{}", self.record(&event, more));
            if event.is_variable() {
                let len = event.data.ext_len() as usize;
                let padded = len.next_multiple_of(size).min(rest.len());
                let _infallible = write!(text, " {}", self.body(&event, &rest[..padded], len));
                rest = &rest[padded..];
            }
        }
        if !rest.is_empty() {
            let _infallible = write!(text, "\nrest {}", hex(rest));
        }
        text
    }

    fn request(&mut self, file: usize, call: &Call, name: &str) -> String {
        let Some(request) = field::request_named(name) else { return "no such request".into() };
        let mut given = vec![0; ioctl::size(request.code)];
        program::build(request.fields, &call.arguments, self, &mut given);
        let mut told = given.clone();
        let answer = match (request.code, call.number("as").and_then(|to| usize::try_from(to).ok()))
        {
            (t::CREATE, Some(to)) => self.create_timer(file, FIRST_USER_TIMER + to, &mut told),
            _ if request.callers == Caller::Narrow || call.number("compat") == Some(1) => {
                self.device.ioctl_compat(file, request.code, &mut told)
            }
            _ => self.device.ioctl(file, request.code, &mut told),
        };
        match answer {
            Ok(value) => {
                self.note(call, request.code, &told);
                let mut text = format!("= {value}");
                let mut copied = String::new();
                if let Some(get) = question_after(request.code) {
                    // These two requests copy back, though their codes do not say so, and not every door can do that. The answer is asked
                    // for by another request.
                    let mut answer = given.clone();
                    let asked = self.device.ioctl(file, get, &mut answer);
                    if told != given && told != answer {
                        copied = format!(" copied{}", self.fields(request.fields, get, &told));
                    }
                    told = answer;
                    if let Err(error) = asked {
                        copied += &format!(" asked {error}");
                    }
                }
                let returns = ioctl::direction(request.code) & ioctl::READ != 0;
                if returns || told != given {
                    text += &self.fields(request.fields, request.code, &told);
                }
                text + &copied
            }
            Err(error) if told == given => failed(error),
            Err(error) => {
                let fields = self.fields(request.fields, request.code, &told);
                format!("{} but changed{fields}", failed(error))
            }
        }
    }

    /// Creates a user-driven timer under a handle.
    fn create_timer(&mut self, file: usize, to: usize, told: &mut [u8]) -> Result<i32, Errno> {
        let file = self.device.create_timer(file, told)?;
        if self.clients.len() <= to {
            self.clients.resize(to + 1, Client::default());
        }
        self.close(to);
        self.clients[to].file = Some(file);
        Ok(0)
    }

    /// Remembers what later calls need of a request that succeeded.
    fn note(&mut self, call: &Call, code: u32, told: &[u8]) {
        let word =
            |at: usize| i32::from_le_bytes([told[at], told[at + 1], told[at + 2], told[at + 3]]);
        match code {
            s::CREATE_QUEUE => {
                let number = u8::try_from(word(0)).ok();
                let Some(Value::Queue(handle)) = call.argument("as") else { return };
                if self.queues.len() <= *handle {
                    self.queues.resize(handle + 1, None);
                }
                self.queues[*handle] = number;
                if let Some(number) = number {
                    self.queue_handles[usize::from(number)] = Some(*handle);
                }
            }
            t::TREAD_OLD | t::TREAD64 => {
                let form = if word(0) == 0 { Records::Plain } else { Records::Tread };
                if let Some(records) = &mut self.clients[call.client].records {
                    *records = form;
                }
            }
            s::USER_PVERSION => self.clients[call.client].version = word(0).cast_unsigned(),
            s::SET_CLIENT_INFO if self.clients[call.client].version >= KNOWS_MIDI_VERSION => {
                self.clients[call.client].midi_version = word(132).cast_unsigned();
            }
            s::SUBSCRIBE_PORT if told[0] < FIRST_USER && told[2] < FIRST_USER => {
                self.lasting.push([told[0], told[1], told[2], told[3]]);
            }
            s::SET_QUEUE_CLIENT => {
                let unused = &mut self.clients[call.client].unused;
                match call.number("used") {
                    Some(0) | None => unused.insert(word(0)),
                    Some(used) if used > 0 => unused.remove(&word(0)),
                    Some(_) => false,
                };
            }
            _ => {}
        }
    }

    /// Waits until everything near is out of a queue.
    fn settle(&mut self, file: usize, call: &Call) -> String {
        let queue = match call.argument("queue") {
            Some(Value::Queue(handle)) => self.queue_number(*handle),
            _ => MISSING_QUEUE,
        };
        let mut first = None;
        for _ in 0..SETTLE_MS {
            let mut status = [0; size_of::<aseqd_abi::seq::QueueStatus>()];
            status[0] = queue;
            if self.device.ioctl(file, s::GET_QUEUE_STATUS, &mut status).is_err() {
                break;
            }
            let Ok(status) = aseqd_abi::seq::QueueStatus::read_from_bytes(&status) else { break };
            if status.running == 0 || status.events == 0 {
                break;
            }
            let time =
                u64::from(status.time.tv_sec) * 1_000_000_000 + u64::from(status.time.tv_nsec);
            let (tick0, time0) = *first.get_or_insert((status.tick, time));
            if status.tick.wrapping_sub(tick0) >= SETTLED_TICKS
                && time.saturating_sub(time0) >= SETTLED_NS
            {
                break;
            }
            self.device.wait(Duration::from_millis(1));
        }
        "done".into()
    }
}

/// Returns the request that asks for what a setting request copies back.
const fn question_after(code: u32) -> Option<u32> {
    match code {
        s::SET_QUEUE_CLIENT => Some(s::GET_QUEUE_CLIENT),
        s::SET_CLIENT_POOL => Some(s::GET_CLIENT_POOL),
        _ => None,
    }
}

fn told(answer: Result<usize, Errno>) -> String {
    answer.map_or_else(failed, |value| format!("= {value}"))
}

fn failed(error: Errno) -> String {
    format!("= {error}")
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}
