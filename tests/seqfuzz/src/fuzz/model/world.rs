//! The whole state of the model, and the one way from a request to what it does.

use super::clients::{Client, Port, READ, SUBS_READ, SUBS_WRITE, WRITE};
use super::ports::Subscription;
use super::queue::{Queue, SECOND};
use super::record::{Record, SUBSCRIBERS, get, get_i, name_of};
use super::sounding::Sounding;
use super::timer_files::TimerFile;
use super::timers::Timers;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::{sequencer as s, sequencer32 as narrow};
use std::collections::{BTreeMap, BTreeSet};

/// Settings of a server that Linux does not have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// Whether the notes that a client leaves behind are ended.
    pub(super) notes_off: bool,
    /// Whether all queues step by the period of their timer.
    pub(super) quantise: bool,
    /// The rate of the system timer.
    pub(super) hz: u32,
    /// Maximum number of clients.
    pub(super) clients: u8,
}

impl Settings {
    /// Returns the settings that a program wants. What it leaves open is as on Linux.
    pub(super) fn of(wanted: crate::program::Settings) -> Self {
        Self {
            notes_off: wanted.notes_off,
            quantise: wanted.quantise,
            hz: wanted.hz.unwrap_or(250).clamp(1, 10_000),
            clients: wanted.clients.unwrap_or(64),
        }
    }
}

/// The outcome of a request.
pub(super) type Done = Result<(), Errno>;

/// The state of the model.
#[derive(Debug)]
pub(super) struct World {
    /// The instant, in nanoseconds.
    pub(super) now: u64,
    /// Whether there is UMP.
    pub(super) ump: bool,
    /// The process that opens all files.
    pub(super) process: i32,
    pub(super) clients: BTreeMap<u8, Client>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) queues: BTreeMap<u8, Queue>,
    pub(super) timers: Timers,
    pub(super) timer_files: BTreeMap<usize, TimerFile>,
    pub(super) user_timers: BTreeSet<i32>,
    pub(super) settings: Settings,
    /// What each client has begun and not ended, if that is tracked.
    pub(super) sounding: BTreeMap<u8, Vec<Sounding>>,
    /// The owner and the cells of the queued event that is being delivered.
    pub(super) under_way: Option<(u8, usize)>,
}

impl World {
    pub(super) fn new(now: u64, ump: bool, settings: Settings, process: i32) -> Self {
        let port = |name: &str, capability, kind, direction| Port {
            name: name_of(name.as_bytes()),
            capability,
            kind,
            counts: [0; 3],
            flags: 0,
            time_queue: 0,
            direction,
            group: 0,
            exclusive: [false; 2],
            banks: Default::default(),
        };
        let mut system = Client::new("System", true);
        system.ports.insert(0, port("Timer", READ | WRITE | SUBS_READ, 0, 3));
        system.ports.insert(1, port("Announce", READ | SUBS_READ, 0, 1));
        let mut through = Client::new("Midi Through", true);
        let all = READ | WRITE | SUBS_READ | SUBS_WRITE;
        through.ports.insert(0, port("Midi Through Port-0", all, 0xa_0002, 3));
        if ump {
            through.filter = super::clients::FILTER_NO_CONVERT;
        }
        Self {
            now,
            ump,
            process,
            clients: BTreeMap::from([(0, system), (14, through)]),
            subscriptions: Vec::new(),
            queues: BTreeMap::new(),
            timers: Timers::new(SECOND / u64::from(settings.hz)),
            timer_files: BTreeMap::new(),
            user_timers: BTreeSet::new(),
            settings,
            sounding: BTreeMap::new(),
            under_way: None,
        }
    }

    /// Opens a file of the timer device.
    pub(super) fn open_timer_file(&mut self, file: usize) {
        self.timer_files.insert(file, TimerFile::new(self.process));
    }

    /// Returns a client that is there.
    pub(super) fn me(&mut self, number: u8) -> &mut Client {
        self.clients.get_mut(&number).expect("a client that makes a call")
    }

    /// Tells those who listen at 0:1.
    pub(super) fn announce(&mut self, kind: u8, data: &[u8]) {
        let mut event = Record::told(kind, 1, data);
        event.set_dest((SUBSCRIBERS, 0));
        let _lost = self.deliver(0, &mut event, 0);
    }

    /// Makes a request of a client. The struct changes only if it succeeds.
    pub(super) fn request(
        &mut self,
        caller: u8,
        code: u32,
        compat: bool,
        arg: &mut Vec<u8>,
    ) -> Done {
        let wide = match code {
            narrow::CREATE_PORT => s::CREATE_PORT,
            narrow::DELETE_PORT => s::DELETE_PORT,
            narrow::GET_PORT_INFO => s::GET_PORT_INFO,
            narrow::SET_PORT_INFO => s::SET_PORT_INFO,
            narrow::QUERY_NEXT_PORT => s::QUERY_NEXT_PORT,
            _ => 0,
        };
        let port_requests = [
            s::CREATE_PORT,
            s::DELETE_PORT,
            s::GET_PORT_INFO,
            s::SET_PORT_INFO,
            s::QUERY_NEXT_PORT,
        ];
        if compat == port_requests.contains(&code) && compat || (wide != 0 && !compat) {
            return Err(Errno::ENOTTY);
        }
        if wide == 0 {
            let mut copy = arg.clone();
            self.wide_request(caller, code, &mut copy)?;
            *arg = copy;
            return Ok(());
        }
        // 100 to 104 are flags and time queue; direction and group are where 64-bit programs have them.
        let mut copy = vec![0; 168];
        copy[..96].copy_from_slice(&arg[..96]);
        copy[104..109].copy_from_slice(&arg[100..105]);
        copy[109..111].copy_from_slice(&arg[109..111]);
        self.wide_request(caller, wide, &mut copy)?;
        // All of them copy back, whatever their codes say.
        arg[..96].copy_from_slice(&copy[..96]);
        arg[96..100].fill(0);
        arg[100..105].copy_from_slice(&copy[104..109]);
        arg[108..111].copy_from_slice(&copy[108..111]);
        Ok(())
    }

    fn wide_request(&mut self, caller: u8, code: u32, arg: &mut [u8]) -> Done {
        match code {
            s::PVERSION => Self::pversion(arg),
            s::CLIENT_ID => super::record::put(arg, 0, caller.into()),
            s::SYSTEM_INFO => self.system_info(arg),
            s::RUNNING_MODE => return self.running_mode(arg),
            s::USER_PVERSION => self.me(caller).user_version = get(arg, 0),
            s::GET_CLIENT_INFO => {
                let number = self.known_client(get_i(arg, 0))?;
                self.client_info(number, arg);
            }
            s::SET_CLIENT_INFO => return self.set_client_info(caller, arg),
            s::GET_CLIENT_UMP_INFO => return self.ump_info(caller, false, arg),
            s::SET_CLIENT_UMP_INFO => return self.ump_info(caller, true, arg),
            s::QUERY_NEXT_CLIENT => return self.next_client(arg),
            s::CREATE_PORT => return self.create_port(caller, arg),
            s::DELETE_PORT => return self.delete_port(caller, arg),
            s::GET_PORT_INFO => return self.port_info((arg[0], arg[1]), arg),
            s::SET_PORT_INFO => return self.set_port_info(caller, arg),
            s::QUERY_NEXT_PORT => return self.next_port(arg),
            s::SUBSCRIBE_PORT => return self.subscribe(caller, arg),
            s::UNSUBSCRIBE_PORT => return self.unsubscribe(caller, arg),
            s::GET_SUBSCRIPTION => return self.subscription(arg),
            s::QUERY_SUBS => return self.query_subs(arg),
            s::GET_CLIENT_POOL => {
                let number = self.known_client(get_i(arg, 0))?;
                self.client_pool(number, arg);
            }
            s::SET_CLIENT_POOL => return self.set_client_pool(caller, arg),
            s::REMOVE_EVENTS => self.remove_events(caller, arg),
            s::CREATE_QUEUE => return self.create_queue(caller, arg),
            s::DELETE_QUEUE => return self.delete_queue(caller, arg),
            s::GET_QUEUE_INFO => return self.queue_info(arg),
            s::SET_QUEUE_INFO => return self.set_queue_info(caller, arg),
            s::GET_NAMED_QUEUE => return self.named_queue(arg),
            s::GET_QUEUE_STATUS => return self.queue_status(arg),
            s::GET_QUEUE_TEMPO => return self.queue_tempo(caller, arg),
            s::SET_QUEUE_TEMPO => return self.set_queue_tempo(caller, arg),
            s::GET_QUEUE_TIMER => return self.queue_timer(arg),
            s::SET_QUEUE_TIMER => return self.set_queue_timer(caller, arg),
            s::GET_QUEUE_CLIENT => return self.queue_client(caller, arg, false),
            s::SET_QUEUE_CLIENT => return self.queue_client(caller, arg, true),
            _ => return Err(Errno::ENOTTY),
        }
        Ok(())
    }
}
