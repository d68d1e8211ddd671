//! Queues, in which events wait for their time.

use crate::SYSTEM_TIMER;
use crate::client::Client;
use crate::device_file::DeviceFile;
use crate::error::{Error, Result};
use crate::name::name_field;
use aseqd_abi::event::EventData;
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{QueueClient, QueueInfo, QueueStatus, QueueTempo, QueueTimer, RemoveEvents};
use aseqd_abi::{Event, EventType};

impl<F: DeviceFile> Client<F> {
    /// Creates a queue that only this client can control, and returns its number. Its tempo is 120 BPM with 96 ticks to
    /// a quarter, and it is stopped.
    ///
    /// # Errors
    /// `ENOMEM` if all queue numbers are taken.
    pub fn create_queue(&self, name: &str) -> Result<u8> {
        let info = QueueInfo { locked: 1, name: name_field(name), ..QueueInfo::default() };
        let created = self.create_queue_from(&info)?;
        let number = u8::try_from(created.queue);
        number.map_err(|_| Error::Call { what: CREATE, errno: aseqd_abi::Errno::EIO })
    }

    /// Creates a queue of this client with everything that a queue can have, and returns its information. The
    /// sequencer chooses the number, and a name if none is given.
    ///
    /// # Errors
    /// `ENOMEM` if all queue numbers are taken.
    pub fn create_queue_from(&self, info: &QueueInfo) -> Result<QueueInfo> {
        let mut info = QueueInfo { owner: self.id().into(), ..*info };
        self.ioctl(request::CREATE_QUEUE, &mut info).map_err(Error::of(CREATE))?;
        Ok(info)
    }

    /// Deletes a queue of this client. Events that wait in it are dropped.
    ///
    /// # Errors
    /// `EINVAL` if the queue belongs to another client or does not exist.
    pub fn delete_queue(&self, queue: u8) -> Result<()> {
        let info = QueueInfo { queue: queue.into(), ..QueueInfo::default() };
        self.set(request::DELETE_QUEUE, &info, "a queue cannot be deleted")
    }

    /// Returns the information of a queue, if it exists.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn queue_info(&self, queue: u8) -> Result<Option<QueueInfo>> {
        let info = QueueInfo { queue: queue.into(), ..QueueInfo::default() };
        self.get(request::GET_QUEUE_INFO, info, ASK)
    }

    /// Changes the name and the lock of a queue. Start from what [`Client::queue_info`] returns.
    ///
    /// # Errors
    /// `EPERM` if another client has locked it or it does not exist, `EINVAL` for another owner than this client.
    pub fn set_queue_info(&self, info: &QueueInfo) -> Result<()> {
        self.set(request::SET_QUEUE_INFO, info, "a queue cannot be changed")
    }

    /// Returns the information of the queue with this name, if there is one.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn named_queue(&self, name: &str) -> Result<Option<QueueInfo>> {
        let info = QueueInfo { name: name_field(name), ..QueueInfo::default() };
        self.get(request::GET_NAMED_QUEUE, info, ASK)
    }

    /// Returns the position of a queue in ticks and in time, whether it runs and how many events wait in it, if it
    /// exists.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn queue_status(&self, queue: u8) -> Result<Option<QueueStatus>> {
        let status = QueueStatus { queue: queue.into(), ..QueueStatus::default() };
        self.get(request::GET_QUEUE_STATUS, status, ASK)
    }

    /// Returns the tempo of a queue, if it exists.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn queue_tempo(&self, queue: u8) -> Result<Option<QueueTempo>> {
        let tempo = QueueTempo { queue: queue.into(), ..QueueTempo::default() };
        self.get(request::GET_QUEUE_TEMPO, tempo, ASK)
    }

    /// Changes the tempo of a queue: the length of a quarter in µs, and how many ticks it has.
    ///
    /// # Errors
    /// `EPERM` if another client has locked the queue or it does not exist, `EINVAL` for a tempo or a resolution that
    /// no queue can have.
    pub fn set_queue_tempo(&self, tempo: &QueueTempo) -> Result<()> {
        self.set(request::SET_QUEUE_TEMPO, tempo, "the tempo cannot be set")
    }

    /// Returns which timer drives a queue, if the queue exists.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn queue_timer(&self, queue: u8) -> Result<Option<QueueTimer>> {
        let timer = QueueTimer { queue: queue.into(), ..QueueTimer::default() };
        self.get(request::GET_QUEUE_TIMER, timer, ASK)
    }

    /// Changes the timer that drives a queue.
    ///
    /// # Errors
    /// `EPERM` if another client has locked the queue, `EINVAL` if the timer is not one of ALSA's.
    pub fn set_queue_timer(&self, timer: &QueueTimer) -> Result<()> {
        self.set(request::SET_QUEUE_TIMER, timer, "the timer of a queue cannot be set")
    }

    /// Begins or ends this client's use of a queue. Only a client that uses a queue can send events through it. The
    /// client that creates a queue uses it from the start. A queue without users has no timer, and its next user finds
    /// it with the default tempo.
    ///
    /// # Errors
    /// `EINVAL` if the queue does not exist.
    pub fn use_queue(&self, queue: u8, used: bool) -> Result<()> {
        let client = QueueClient {
            queue: queue.into(),
            client: self.id().into(),
            used: used.into(),
            ..QueueClient::default()
        };
        self.set(request::SET_QUEUE_CLIENT, &client, "a queue cannot be used")
    }

    /// Starts a queue from the beginning, at once. Events of this client that wait in it are dropped.
    ///
    /// # Errors
    /// As [`Client::control_queue`].
    pub fn start_queue(&self, queue: u8) -> Result<()> {
        self.control_queue(queue, EventType::START, 0)
    }

    /// Stops a queue at once. Its events go on waiting.
    ///
    /// # Errors
    /// As [`Client::control_queue`].
    pub fn stop_queue(&self, queue: u8) -> Result<()> {
        self.control_queue(queue, EventType::STOP, 0)
    }

    /// Starts a queue from where it was stopped, at once.
    ///
    /// # Errors
    /// As [`Client::control_queue`].
    pub fn continue_queue(&self, queue: u8) -> Result<()> {
        self.control_queue(queue, EventType::CONTINUE, 0)
    }

    /// Controls a queue at once, by an event to [`SYSTEM_TIMER`]: `START`, `STOP`, `CONTINUE`, `TEMPO` with a value in
    /// µs per quarter, or `SETPOS_TICK` with a tick.
    ///
    /// The same event, sent through the queue itself, acts at its time: see [`EventExt`](crate::event::EventExt).
    ///
    /// # Errors
    /// `EPERM` if another client has locked the queue, `EINVAL` if it does not exist.
    pub fn control_queue(&self, queue: u8, event_type: EventType, value: u32) -> Result<()> {
        let data = EventData::from_queue(queue, value, 0);
        let event = Event { dest: SYSTEM_TIMER, data, ..Event::direct(event_type) };
        self.send(&event)
    }

    /// Removes events of this client from queues, or its unread events: those that match every condition.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn remove_events(&self, which: &RemoveEvents) -> Result<()> {
        self.set(request::REMOVE_EVENTS, which, "waiting events cannot be taken back")?;
        self.forget_unread(which);
        Ok(())
    }
}

/// What [`Client::create_queue_from`] tries.
const CREATE: &str = "a queue cannot be created";
/// What the questions about queues try.
const ASK: &str = "a queue cannot be asked";
