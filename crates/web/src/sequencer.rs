//! The client that connects and sends: everything that the server does to the sequencer.

use crate::raw::Changes;
use aseqd_abi::event::EventFlags;
use aseqd_abi::seq::{PortCaps, PortSubscribe, PortType, SubscriptionFlags};
use aseqd_abi::{Address, Errno, Event, EventType};
use aseqd_client::event::{EventExt as _, controller};
use aseqd_client::{Announcement, Client, Error, Result, SYSTEM_TIMER};
use aseqd_host::error::reason;
use aseqd_midi::Decoder;
use aseqd_rules::{Pair, Stamp};
use aseqd_tools::connect::refused;
use std::path::Path;
use std::time::Duration;

/// The name of the client.
const NAME: &str = "aseqd web";
/// Cells of both pools: the most that there can be. A long SysEx must fit, and so must a burst of announcements.
const POOL: u32 = 2000;
/// How long to wait for room in the own output pool. It is emptied at once, so a longer wait means that the sequencer is
/// stuck.
const ROOM_TIMEOUT: Duration = Duration::from_secs(1);

/// Controllers that silence a channel: pedal up, all sound off, all notes off.
const SILENCE: [(u8, u8); 3] = [(64, 0), (120, 0), (123, 0)];

/// What was announced.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Whether something has changed that the page shows.
    pub(crate) anything: bool,
    pub(crate) changes: Changes,
    /// Whether announcements were lost.
    pub(crate) lost: bool,
}

/// The client.
pub(crate) struct Sequencer {
    pub(crate) client: Client,
    /// The port that events are sent from.
    pub(crate) keyboard: Address,
    /// The ports that hear announcements and control events of queues, while somebody looks.
    ears: Option<[Address; 2]>,
    /// Whether the sequencer announces new names. Linux before 6.12 does not.
    announces_names: bool,
}

/// How two ports are connected.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    pub(crate) exclusive: bool,
    pub(crate) stamp: Option<Stamp>,
}

impl Sequencer {
    pub(crate) fn open(device: &Path) -> Result<Self> {
        let client = Client::open(device, NAME)?;
        client.set_pools(POOL, POOL, 1)?;
        let kind = PortType::MIDI_GENERIC | PortType::APPLICATION;
        let keyboard =
            client.create_port("keyboard", PortCaps::READ | PortCaps::SUBS_READ, kind)?;
        Ok(Self { client, keyboard, ears: None, announces_names: false })
    }

    /// Begins to hear what happens.
    pub(crate) fn listen(&mut self) -> Result<()> {
        if self.ears.is_some() {
            return Ok(());
        }
        let caps = PortCaps::WRITE | PortCaps::NO_EXPORT;
        let queues = self.client.create_port("queues", caps, PortType::empty())?;
        self.client.connect(SYSTEM_TIMER, queues)?;
        let announcements = self.client.hear_announcements()?;
        self.ears = Some([announcements, queues]);
        // The sequencer announces this before the call returns, if it announces names at all.
        self.client.set_name(NAME)?;
        let own = Announcement::ClientChanged(self.client.id());
        loop {
            match self.client.read_event() {
                Ok(Some((event, _))) => {
                    self.announces_names |= Announcement::of(&event) == Some(own)
                }
                Ok(None) => return Ok(()),
                Err(Error::EventsLost) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Hears nothing any more, so that nothing wakes the server.
    pub(crate) fn rest(&mut self) -> Result<()> {
        for port in self.ears.take().into_iter().flatten() {
            self.client.delete_port(port)?;
        }
        Ok(())
    }

    /// Returns whether names can change without a word.
    pub(crate) const fn must_look_for_names(&self) -> bool {
        !self.announces_names
    }

    /// Reads all announcements. Those about `listener`, which the page does not show, are nothing.
    pub(crate) fn hear(&mut self, listener: Option<u8>) -> Result<Heard> {
        let mut heard = Heard::default();
        let own = self.client.id();
        let ears = self.ears.unwrap_or([self.keyboard; 2]);
        let is_ours = |port: Address| Some(port.client) == listener || ears.contains(&port);
        loop {
            let event = match self.client.read_event() {
                Ok(Some((event, _))) => event,
                Ok(None) => return Ok(heard),
                Err(Error::EventsLost) => {
                    heard = Heard { anything: true, changes: Changes::everything(), lost: true };
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Some(announced) = Announcement::of(&event) else {
                // A queue was started, stopped, or has another tempo.
                heard.anything |= matches!(event.event_type, EventType(30..=35));
                continue;
            };
            let is_nothing = match announced {
                Announcement::Connected(ends) => is_ours(ends.sender) || is_ours(ends.dest),
                Announcement::Disconnected(ends) => {
                    ears.contains(&ends.sender) || ears.contains(&ends.dest)
                }
                Announcement::PortStarted(port)
                | Announcement::PortExited(port)
                | Announcement::PortChanged(port) => is_ours(port),
                Announcement::ClientStarted(client) | Announcement::ClientExited(client) => {
                    Some(client) == listener
                }
                Announcement::ClientChanged(client) => client == own || Some(client) == listener,
                _ => false,
            };
            if !is_nothing {
                heard.anything = true;
                heard.changes.announced(announced);
            }
        }
    }

    /// Connects two ports.
    ///
    /// # Errors
    /// A sentence if the sequencer refuses it.
    pub(crate) fn connect(
        &self,
        (sender, dest): Pair,
        manner: Manner,
    ) -> std::result::Result<(), String> {
        let mut flags = SubscriptionFlags::empty();
        flags.set(SubscriptionFlags::EXCLUSIVE, manner.exclusive);
        flags.set(SubscriptionFlags::TIMESTAMP, manner.stamp.is_some());
        flags.set(SubscriptionFlags::TIME_REAL, manner.stamp.is_some_and(|stamp| stamp.real));
        let queue = manner.stamp.map_or(0, |stamp| stamp.queue);
        let wanted =
            PortSubscribe { sender, dest, flags: flags.bits(), queue, ..PortSubscribe::default() };
        let made = self.client.subscribe(&wanted);
        made.map_err(|error| refused("connected", sender, dest, &error).to_string())
    }

    /// Disconnects two ports.
    ///
    /// # Errors
    /// A sentence if the sequencer refuses it.
    pub(crate) fn disconnect(&self, (sender, dest): Pair) -> std::result::Result<(), String> {
        let say = |error: &Error| refused("disconnected", sender, dest, error).to_string();
        // The attributes must be those that they were connected with.
        let found = self.client.subscription(sender, dest).map_err(|error| say(&error))?;
        let plain = || PortSubscribe { sender, dest, ..PortSubscribe::default() };
        self.client.unsubscribe(&found.unwrap_or_else(plain)).map_err(|error| say(&error))
    }

    /// Connects a port to the listener. Returns why that is refused.
    pub(crate) fn watch(
        &self,
        port: Address,
        listener: Address,
    ) -> Result<std::result::Result<(), String>> {
        match self.client.connect(port, listener) {
            Ok(()) => Ok(Ok(())),
            Err(error) if error.is_ended() => Err(error),
            Err(error) => Ok(Err(match error.errno() {
                Some(Errno::EPERM) => "it does not allow subscriptions".to_owned(),
                Some(Errno::EBUSY) => "another program has it exclusively".to_owned(),
                _ => reason(&error),
            })),
        }
    }

    /// Sends whole messages of MIDI, from the keyboard to a port or to what it is connected to. `sent` is called with
    /// each event.
    ///
    /// # Errors
    /// A sentence if they are no messages, or if the sequencer refuses one.
    pub(crate) fn send(
        &self,
        bytes: &[u8],
        to: Option<Address>,
        mut sent: impl FnMut(&Event),
    ) -> std::result::Result<(), String> {
        if bytes.first().is_none_or(|first| *first < 0x80) {
            return Err("a message of MIDI begins with a byte from 80 to ff".to_owned());
        }
        // In one piece, as the receiver of a short one expects.
        let mut decoder = Decoder::new(bytes.len(), aseqd_midi::Unused::Zero);
        let decoded: Vec<_> = decoder.decode(bytes).collect();
        if decoded.is_empty() {
            return Err("there is no whole message of MIDI in these bytes".to_owned());
        }
        for one in decoded {
            self.send_event(&one.event, one.sysex.as_deref().unwrap_or_default(), to)?;
            sent(&one.event);
        }
        Ok(())
    }

    /// Sends an event from the keyboard.
    ///
    /// # Errors
    /// A sentence if the sequencer refuses it.
    pub(crate) fn send_event(
        &self,
        event: &Event,
        data: &[u8],
        to: Option<Address>,
    ) -> std::result::Result<(), String> {
        let event = event.sent_from(self.keyboard).at_once();
        let event = match to {
            Some(port) => event.sent_to(port),
            None => event.sent_to_subscribers(),
        };
        let send = || match event.flags.contains(EventFlags::VARIABLE) || event.is_variable() {
            true => self.client.send_with_data(&event, data),
            false => self.client.send(&event),
        };
        let sent = match send() {
            Err(error) if error.would_block() => {
                let _room = self.client.wait_for_room(Some(ROOM_TIMEOUT));
                send()
            }
            sent => sent,
        };
        sent.map_err(|error| {
            let place = to.map_or_else(String::new, |to| format!(" to {to}"));
            let why = match error.errno() {
                Some(Errno::ENOENT) => "the port does not exist any more".to_owned(),
                Some(Errno::EPERM) => "it cannot be written to".to_owned(),
                Some(Errno::ENOMEM) => {
                    "its program has no room, because it does not read".to_owned()
                }
                _ => reason(&error),
            };
            format!("nothing can be sent{place}: {why}")
        })
    }

    /// Silences all channels of a port.
    ///
    /// # Errors
    /// As [`Sequencer::send_event`].
    pub(crate) fn silence(&self, port: Address) -> std::result::Result<(), String> {
        let all: Vec<Event> = (0..16)
            .flat_map(|channel| SILENCE.map(|(number, value)| controller(channel, number, value)))
            .map(|event| event.sent_from(self.keyboard).sent_to(port).at_once())
            .collect();
        let mut rest = all.as_slice();
        while let Some(first) = rest.first() {
            // A full receiver refuses some; each of them is tried once more.
            let taken = match self.client.send_all(rest) {
                Ok(taken) if taken > 0 => taken,
                _ => {
                    self.send_event(first, &[], Some(port))?;
                    1
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// Controls a queue.
    ///
    /// # Errors
    /// A sentence if the sequencer refuses it.
    pub(crate) fn control(&self, queue: u8, action: EventType) -> std::result::Result<(), String> {
        let done = self.client.control_queue(queue, action, 0);
        done.map_err(|error| match error.errno() {
            Some(Errno::EPERM) => {
                format!("queue {queue} cannot be controlled: its program keeps it to itself")
            }
            Some(Errno::EINVAL | Errno::ENOENT) => format!("there is no queue {queue}"),
            _ => format!("queue {queue} cannot be controlled: {}", reason(&error)),
        })
    }
}
