//! What comes to a player: the echo of the last event, the ends of its connections, and what is asked at its control port.

use super::{Output, Player};
use aseqd_abi::EventType;
use aseqd_client::{Error, Received};
use aseqd_host::error::Fail;
use aseqd_midi::ump::{Packet, events_of};
use rustix::event::Timespec;
use std::convert::Infallible;
use std::time::Duration;

/// The most events that are read before the next ones of the song are prepared: whoever floods the control port must not
/// stop what plays.
const MOST: usize = 1000;
/// How often the queue is asked whether it is empty, once the echo may be lost.
const LOOK: Duration = Duration::from_millis(100);

/// What is known of the events that come.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Events were lost since the song began, and the echo may be among them.
    pub(super) lost: bool,
    /// There are more that were not read yet.
    more: bool,
}

impl Heard {
    /// Returns how long to wait for events, where nothing else would end the wait before this time.
    pub(super) fn at_most(&self, timeout: Option<Timespec>) -> Option<Timespec> {
        let limit = match self {
            Self { more: true, .. } => Duration::ZERO,
            Self { lost: true, .. } => LOOK,
            _ => return timeout,
        };
        let limit = Timespec::try_from(limit).ok()?;
        Some(timeout.map_or(limit, |timeout| timeout.min(limit)))
    }
}

impl Player {
    /// Reads what has come while nothing is played.
    pub(in crate::play) fn hear(&mut self) -> Result<(), Fail> {
        for _ in 0..MOST {
            self.is_over()?;
            if !self.heard.more {
                break;
            }
        }
        Ok(())
    }

    /// Returns whether the echo has come back, and with it the end of the song.
    ///
    /// # Errors
    /// A message if no port is left to play to, or the sequencer cannot be read.
    pub(super) fn is_over(&mut self) -> Result<bool, Fail> {
        let mut over = false;
        self.heard.more = true;
        for _ in 0..MOST {
            let (event, data) = match self.client.receive() {
                Ok(Some(Received::Event(event, data))) => (event, data),
                Ok(None) => {
                    self.heard.more = false;
                    break;
                }
                // Somebody floods the control port. What plays goes on.
                Err(Error::EventsLost) => {
                    self.look_again()?;
                    continue;
                }
                Err(error) => return Err(error.into()),
                // A player of clips speaks UMP. What others send to its control port comes as packets.
                Ok(Some(Received::Packet(packet))) => {
                    if let Some(remote) = self.remote.as_mut().filter(|one| packet.dest == one.port)
                    {
                        let taken = events_of(&Packet(packet.ump), |event, data| {
                            remote.take(&event, data);
                            Ok::<(), Infallible>(())
                        });
                        let Ok(()) = taken;
                    }
                    continue;
                }
            };
            if let Some(remote) = self.remote.as_mut().filter(|one| event.dest == one.port) {
                remote.take(&event, &data);
                continue;
            }
            match event.event_type {
                EventType::ECHO if event.source == self.port => over = true,
                EventType::PORT_UNSUBSCRIBED if event.data.connect().sender == self.port => {
                    let dest = event.data.connect().dest;
                    let targets = self.targets.iter_mut();
                    targets.filter(|target| target.address == dest).for_each(|it| it.gone = true);
                }
                _ => {}
            }
        }
        match self.targets.last() {
            Some(last) if !over && self.targets.iter().all(|target| target.gone) => {
                let port = last.address;
                Err(Fail::new(format!("port {port} was disconnected, or does not exist any more")))
            }
            _ => Ok(over),
        }
    }

    /// Asks for what lost events may have told.
    fn look_again(&mut self) -> Result<(), Fail> {
        self.heard.lost = true;
        for target in &mut self.targets {
            target.gone |= self.client.subscription(self.port, target.address)?.is_none();
        }
        if let Some(remote) = &mut self.remote {
            remote.set_listeners(self.client.outgoing(remote.port)?.len());
        }
        Ok(())
    }

    /// Returns whether everything was played, and the echo is lost.
    pub(super) fn has_ended_unheard(&self, output: &Output) -> Result<bool, Fail> {
        if !(self.heard.lost && output.complete && output.bytes.is_empty()) {
            return Ok(false);
        }
        let status = self.client.queue_status(self.queue)?.unwrap_or_default();
        Ok(status.events == 0)
    }
}
