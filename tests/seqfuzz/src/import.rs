//! Programs from calls: bytes become fields again, and numbers become handles.

use crate::device::Inside;
use crate::field::{self, EVENT, Field, Kind, REQUESTS};
use crate::program::{
    Arguments, Call, FIRST_CONTROL, FIRST_TIMER, FIRST_USER_TIMER, Mode, Operation, Program,
    Settings, Value,
};
use crate::tape::Step;
use aseqd_abi::event::{EVENT_SIZE, EventFlags};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::{Event, EventType};
use aseqd_describe::{Caller, Request, data_of, find, text};
use zerocopy::FromBytes;

/// Maximum number of bytes of a write that are kept.
const MAX_WRITE: usize = 1 << 16;
/// The first number of a client of a program.
const FIRST_CLIENT: i64 = 128;

/// Returns a program that makes these calls. Client and queue numbers that a fresh sequencer gives become handles. Bytes
/// that are part of no field are lost, and so are those of a write beyond the first 65536.
#[must_use]
pub fn program_of(steps: &[Step]) -> Program {
    let ump = steps.iter().any(|step| {
        let codes = [s::GET_CLIENT_UMP_INFO, s::SET_CLIENT_UMP_INFO];
        matches!(step, Step::CreateTimer(..))
            || matches!(step, Step::Ioctl { code, .. } if codes.contains(code))
    });
    Program { ump, ..Import::program(steps) }
}

/// Makes calls of steps.
#[derive(Default)]
pub(crate) struct Import {
    calls: Vec<Call>,
    /// The handle of each file.
    handles: Vec<usize>,
    /// The number that each client has got, and whether its file is still open.
    clients: Vec<(i64, bool)>,
    timers: usize,
    user_timers: usize,
    controls: usize,
    /// The process that makes the calls.
    process: Option<i32>,
    queues: usize,
}

/// Returns whether a call is another one that may already be repeated.
fn is_repeated(repeated: &Call, call: &Call) -> bool {
    let arguments = repeated.arguments.iter().filter(|(name, _)| *name != "times");
    repeated.client == call.client
        && repeated.operation == call.operation
        && repeated.events == call.events
        && arguments.eq(&call.arguments)
}

fn number(number: usize) -> Value {
    Value::Number(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Returns whether a byte of a struct is part of one of these fields.
fn is_in<'a>(at: usize, mut fields: impl Iterator<Item = &'a Field>) -> bool {
    fields.any(|field| (field.offset..field.offset + field.kind.size()).contains(&at))
}

/// Returns the form of a request's struct. Requests about UMP have three: the fewest bytes without a name decide.
pub(crate) fn form_of(request: &'static Request, argument: &[u8]) -> &'static Request {
    let unnamed = |fields: &[Field]| {
        let given = (0..argument.len()).filter(|at| argument[*at] != 0);
        given.filter(|at| !is_in(*at, fields.iter())).count()
    };
    let kind = if argument.get(4) == Some(&0) { "_endpoint" } else { "_block" };
    let forms = REQUESTS.iter().filter(|other| other.code == request.code);
    let forms = forms.filter(|other| other.callers == request.callers);
    forms.min_by_key(|form| (unnamed(form.fields), !form.name.ends_with(kind))).unwrap_or(request)
}

impl Import {
    /// Returns a program that makes these calls, without UMP. Equal calls in a row become one that is repeated.
    pub(crate) fn program(steps: &[Step]) -> Program {
        Self::program_of_process(steps, None)
    }

    /// Does the same for the calls of a process whose number is known.
    pub(crate) fn program_of_process(steps: &[Step], process: Option<i32>) -> Program {
        let mut import = Self { process, ..Self::default() };
        steps.iter().for_each(|step| import.step(step));
        let mut calls: Vec<Call> = Vec::new();
        let mut times = 1;
        for call in import.calls {
            let same = call.number("times").is_none() && call.argument("as").is_none();
            if same && calls.last().is_some_and(|last| is_repeated(last, &call)) && times < 4096 {
                times += 1;
                let Some(last) = calls.last_mut() else { continue };
                last.arguments.retain(|(name, _)| *name != "times");
                last.arguments.push(("times", number(times)));
            } else {
                times = 1;
                calls.push(call);
            }
        }
        let settings = Settings::default();
        Program { mode: Mode::Still, common: false, ump: false, settings, calls }
    }

    fn push(&mut self, client: usize, operation: Operation, arguments: Arguments) {
        self.calls.push(Call { client, operation, arguments, events: Vec::new() });
    }

    fn handle(&self, file: usize) -> usize {
        self.handles.get(file).copied().unwrap_or(FIRST_TIMER - 1)
    }

    fn open(&mut self, operation: Operation, handle: usize, access: crate::Access) {
        let access = Value::Number(match access {
            crate::Access::Read => 0,
            crate::Access::Write => 1,
            crate::Access::ReadWrite => 2,
        });
        self.handles.push(handle);
        self.push(handle, operation, vec![("access", access)]);
    }

    /// Opens a client, which gets the lowest free number if none is given.
    fn open_client(&mut self, operation: Operation, number: Option<u8>, access: crate::Access) {
        let taken = |number: &i64| self.clients.contains(&(*number, true));
        let lowest = (FIRST_CLIENT..).find(|number| !taken(number)).unwrap_or(FIRST_CLIENT);
        self.clients.push((number.map_or(lowest, i64::from), true));
        self.open(operation, self.clients.len() - 1, access);
    }

    /// Returns the handle of the client that has a number, or was the last to have it.
    fn client(&self, number: i64) -> Option<usize> {
        let open = self.clients.iter().rposition(|client| *client == (number, true));
        open.or_else(|| self.clients.iter().rposition(|client| client.0 == number))
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Open(access) => {
                self.open_client(Operation::Open, None, *access);
            }
            Step::OpenTimer(access) => {
                self.timers += 1;
                self.open(Operation::OpenTimer, FIRST_TIMER + self.timers - 1, *access);
            }
            Step::CreateTimer(file, argument) => {
                let Some(request) = field::request_named("t_create") else { return };
                let mut arguments = self.arguments(request.fields, argument);
                arguments.retain(|(name, _)| request.reads(name));
                arguments.push(("as", number(self.user_timers)));
                let handle = self.handle(*file);
                self.handles.push(FIRST_USER_TIMER + self.user_timers);
                self.user_timers += 1;
                self.push(handle, Operation::Request(request.name), arguments);
            }
            Step::Close(file) => {
                let handle = self.handle(*file);
                if let Some((_, open)) = self.clients.get_mut(handle) {
                    *open = false;
                }
                self.push(handle, Operation::Close, Vec::new());
            }
            Step::Ioctl { file, code, compat, argument } => {
                self.request(self.handle(*file), *code, *compat, argument);
            }
            Step::Write(file, data) => self.write(self.handle(*file), data),
            Step::Read(file, len) => {
                self.push(self.handle(*file), Operation::Read, vec![("len", number(*len))]);
            }
            Step::Poll(file) => self.push(self.handle(*file), Operation::Poll, Vec::new()),
            Step::Wait(time) => {
                let (whole, rest) = (time.as_millis() / 100, time.as_nanos() % 100_000_000);
                let (whole, rest) = (usize::try_from(whole), usize::try_from(rest).unwrap_or(0));
                match whole.unwrap_or(usize::MAX).min(4096) {
                    0 => {}
                    1 => self.push(0, Operation::Sleep, vec![("ms", number(100))]),
                    times => {
                        let arguments = vec![("ms", number(100)), ("times", number(times))];
                        self.push(0, Operation::Sleep, arguments);
                    }
                }
                if rest > 0 && rest % 1_000_000 == 0 {
                    self.push(0, Operation::Sleep, vec![("ms", number(rest / 1_000_000))]);
                } else if rest > 0 {
                    self.push(0, Operation::Sleep, vec![("ns", number(rest))]);
                }
            }
            Step::Inside(inside) => self.inside(inside),
        }
    }

    fn inside(&mut self, inside: &Inside) {
        let handle = self.handle(inside.file().unwrap_or(usize::MAX));
        let signed = |value: i32| Value::Number(value.into());
        match inside {
            Inside::OpenKernel { access, number, card, name } => {
                self.open_client(Operation::OpenKernel, *number, *access);
                let Some(call) = self.calls.last_mut() else { return };
                let number = number.map_or(-1, i32::from);
                call.arguments.extend([("number", signed(number)), ("card", signed(*card))]);
                call.arguments.push(("name", self::name(name.as_bytes())));
            }
            Inside::OpenControl(access) => {
                self.controls += 1;
                self.open(Operation::OpenControl, FIRST_CONTROL + self.controls - 1, *access);
            }
            Inside::BecomeUserTimer(_, resolution) => {
                let resolution = Value::Number(resolution.cast_signed());
                self.push(handle, Operation::BecomeUserTimer, vec![("resolution", resolution)]);
            }
            Inside::Thread(_, thread) => {
                self.push(handle, Operation::Thread, vec![("id", signed(*thread))]);
            }
            Inside::Blocking(_, on) => {
                self.push(handle, Operation::Blocking, vec![("on", signed((*on).into()))]);
            }
            Inside::Texts => self.push(0, Operation::Texts, Vec::new()),
        }
    }

    fn request(&mut self, handle: usize, code: u32, compat: bool, argument: &[u8]) {
        let caller = if compat { Caller::Narrow } else { Caller::Wide };
        let Some(request) = find(code, caller) else {
            let mut arguments = vec![("code", Value::Number(code.into()))];
            if argument.iter().any(|byte| *byte != 0) {
                arguments.push(("bytes", Value::Bytes(argument.to_vec())));
            }
            if compat {
                arguments.push(("compat", Value::Number(1)));
            }
            return self.push(handle, Operation::Ioctl, arguments);
        };
        let request = form_of(request, argument);
        let mut arguments = self.arguments(request.fields, argument);
        if compat && request.callers == Caller::All {
            arguments.push(("compat", Value::Number(1)));
        }
        if code == s::CREATE_QUEUE {
            arguments.retain(|(name, _)| *name != "queue");
            arguments.push(("as", Value::Queue(self.queues)));
            self.queues += 1;
        }
        self.push(handle, Operation::Request(request.name), arguments);
    }

    /// Returns the fields of a struct that are not zero.
    fn arguments(&self, fields: &[Field], bytes: &[u8]) -> Arguments {
        fields.iter().filter_map(|field| Some((field.name, self.value(field, bytes)?))).collect()
    }

    fn value(&self, field: &Field, bytes: &[u8]) -> Option<Value> {
        let bytes = bytes.get(field.offset..field.offset + field.kind.size())?;
        if bytes.iter().all(|byte| *byte == 0) && !matches!(field.kind, Kind::Queue(_)) {
            return None;
        }
        let given = text::number(field.kind, bytes);
        let index =
            |number: i64, count: usize| usize::try_from(number).ok().filter(|index| *index < count);
        Some(match field.kind {
            Kind::Client(_) => match self.client(given) {
                Some(handle) => Value::Client(handle),
                None => Value::Number(given),
            },
            Kind::Queue(_) => match index(given, self.queues) {
                Some(handle) => Value::Queue(handle),
                None if given == 0 => return None,
                None => Value::Number(given),
            },
            Kind::Process if self.process.is_some_and(|process| given == i64::from(process)) => {
                Value::Process
            }
            Kind::Name(_) => name(bytes),
            Kind::Bytes(_) | Kind::Stamp(_) => Value::Bytes(bytes.to_vec()),
            _ => Value::Number(given),
        })
    }

    fn write(&mut self, handle: usize, data: &[u8]) {
        let mut rest = &data[..data.len().min(MAX_WRITE)];
        let mut events = Vec::new();
        let mut cut = 0;
        while !rest.is_empty() {
            let mut record = [0; EVENT_SIZE + 4];
            let packet =
                rest.len() > 1 && EventFlags::from_bits_retain(rest[1]).contains(EventFlags::UMP);
            let size = if packet { EVENT_SIZE + 4 } else { EVENT_SIZE };
            let given = rest.len().min(size);
            record[..given].copy_from_slice(&rest[..given]);
            rest = &rest[given..];
            cut = i64::try_from(size - given).unwrap_or(0);
            let mut event = self.event(&record, packet);
            if let Ok((head, _)) = Event::read_from_prefix(&record)
                && head.is_variable()
                && !rest.is_empty()
            {
                let len = (head.data.ext_len() & 0x0fff_ffff) as usize;
                let (body, after) = rest.split_at(len.min(rest.len()));
                event.push(("bytes", Value::Bytes(body.to_vec())));
                rest = after;
            }
            events.push(event);
        }
        let mut arguments = if cut == 0 { Vec::new() } else { vec![("cut", Value::Number(cut))] };
        // Long writes of one event are short to say.
        if events.len() > 2
            && events.len() <= 1100
            && events.iter().all(|event| *event == events[0])
        {
            arguments.push(("copies", number(events.len())));
            events.truncate(1);
        }
        self.calls.push(Call { client: handle, operation: Operation::Write, arguments, events });
    }

    fn event(&self, record: &[u8], packet: bool) -> Arguments {
        let flags = EventFlags::from_bits_retain(record[1]);
        let variable = flags.intersects(EventFlags::VARIABLE | EventFlags::VARUSR);
        let mut views = data_of(EventType(record[0]), packet, variable);
        let named = |at: usize, views: &[&str]| {
            is_in(at, EVENT.iter().filter(|field| views.contains(&field.name)))
        };
        if (16..EVENT_SIZE).any(|at| record[at] != 0 && !named(at, views)) {
            views = &["data"];
        }
        let fields = EVENT.iter().filter(|field| field.offset < 16 || views.contains(&field.name));
        let mut event: Arguments =
            fields.filter_map(|field| Some((field.name, self.value(field, record)?))).collect();
        if event.first().is_none_or(|(name, _)| *name != "type") {
            event.insert(0, ("type", Value::Number(record[0].into())));
        }
        if packet && !event.iter().any(|(name, _)| *name == "w0") {
            // A record with this name has 32 bytes.
            event.push(("w0", Value::Number(0)));
        }
        event
    }
}

/// Returns a name as a text, or as bytes if a program's text could not have it.
fn name(bytes: &[u8]) -> Value {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let plain = |byte: &u8| (b' '..0x7f).contains(byte) && !b"\"[]".contains(byte);
    match std::str::from_utf8(&bytes[..end]) {
        Ok(name)
            if bytes[..end].iter().all(plain) && bytes[end..].iter().all(|byte| *byte == 0) =>
        {
            Value::Text(name.to_owned())
        }
        _ => Value::Bytes(bytes.to_vec()),
    }
}
