//! Writes, reads, and waiting for either.

use super::{
    Client, NOBODY, PATIENCE, Received, TIMER, at_tick, batch, control, note_of, note_on, split,
    wait_until,
};
use crate::sys::errno;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::{Errno, Event, EventType};
use rustix::event::{PollFd, PollFlags, poll};
use std::time::{Duration, Instant};
use zerocopy::{FromBytes, IntoBytes};

impl Client {
    /// Calls `write`.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        rustix::io::write(&self.fd, bytes).map_err(errno)
    }

    /// Writes one event.
    pub(crate) fn send(&self, event: &Event) -> Result<usize, Errno> {
        self.write(event.as_bytes())
    }

    /// Writes one event, which must be accepted.
    #[track_caller]
    pub(crate) fn must_send(&self, event: &Event) {
        assert_eq!(self.send(event), Ok(EVENT_SIZE), "the event is taken");
    }

    /// Writes one event with data behind it.
    pub(crate) fn send_variable(&self, event: &Event, data: &[u8]) -> Result<usize, Errno> {
        self.write(&[event.as_bytes(), data].concat())
    }

    /// Writes a number of events that wait in a stopped queue.
    #[track_caller]
    pub(crate) fn write_pending(&self, queue: u8, events: usize) {
        let event = at_tick(note_on(self.port(0), 1), queue, 1_000_000);
        let bytes = batch(std::iter::repeat_n(&event, events));
        assert_eq!(self.write(&bytes), Ok(bytes.len()), "the events are queued");
    }

    /// Writes a control event for a queue to the timer port, at once.
    pub(crate) fn control(
        &self,
        queue: u8,
        event_type: EventType,
        value: u32,
    ) -> Result<usize, Errno> {
        self.send(&control(queue, event_type, value, 0))
    }

    /// Starts a queue.
    #[track_caller]
    pub(crate) fn start(&self, queue: u8) {
        assert_eq!(self.control(queue, EventType::START, 0), Ok(EVENT_SIZE));
    }

    /// Puts an event for nobody into a queue. What is due is delivered before this returns, also if the queue is stopped.
    #[track_caller]
    pub(crate) fn dispatch(&self, queue: u8) {
        self.must_send(&at_tick(note_on(NOBODY, 0), queue, 0));
    }

    /// Moves a queue to a tick and sends out what is due.
    #[track_caller]
    pub(crate) fn move_to_tick(&self, queue: u8, tick: u32) {
        assert_eq!(self.control(queue, EventType::SETPOS_TICK, tick), Ok(EVENT_SIZE));
        self.dispatch(queue);
    }

    /// Moves a queue to a time and sends out what is due.
    #[track_caller]
    pub(crate) fn move_to_time(&self, queue: u8, sec: u32, nsec: u32) {
        let event = control(queue, EventType::SETPOS_TIME, sec, nsec);
        self.must_send(&event);
        self.dispatch(queue);
    }

    /// Calls `read`.
    pub(crate) fn read(&self, len: usize) -> Result<Vec<u8>, Errno> {
        let mut buffer = vec![0; len];
        let read = rustix::io::read(&self.fd, &mut buffer).map_err(errno)?;
        buffer.truncate(read);
        Ok(buffer)
    }

    /// Returns whether there is something to read, or room to write, now.
    pub(crate) fn poll(&self) -> PollFlags {
        self.poll_for(Duration::ZERO)
    }

    /// Waits until something can be read or written.
    pub(crate) fn poll_for(&self, timeout: Duration) -> PollFlags {
        self.poll_events(PollFlags::IN | PollFlags::OUT, timeout)
    }

    fn poll_events(&self, events: PollFlags, timeout: Duration) -> PollFlags {
        let mut fds = [PollFd::new(&self.fd, events)];
        let timeout = timeout.try_into().expect("a timeout");
        rustix::io::retry_on_intr(|| poll(&mut fds, Some(&timeout))).expect("poll");
        fds[0].revents()
    }

    /// Returns whether there is something to read.
    pub(crate) fn readable(&self) -> bool {
        self.poll().contains(PollFlags::IN)
    }

    /// Returns whether there is room to write.
    pub(crate) fn writable(&self) -> bool {
        self.poll().contains(PollFlags::OUT)
    }

    /// Reads what can be read now, without waiting.
    pub(crate) fn received(&self) -> Vec<Received> {
        let mut all = Vec::new();
        loop {
            match self.read(64 * 1024) {
                Ok(bytes) if bytes.is_empty() => return all,
                Ok(bytes) => all.extend(split(&bytes)),
                Err(Errno::EAGAIN) => return all,
                Err(error) => panic!("read: {error}"),
            }
        }
    }

    /// Reads what can be read now, and returns the records.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.received().into_iter().map(|received| received.event).collect()
    }

    /// Reads what can be read now, and returns the types.
    pub(crate) fn types(&self) -> Vec<EventType> {
        self.events().iter().map(|event| event.event_type).collect()
    }

    /// Reads what can be read now, and returns the notes.
    pub(crate) fn notes(&self) -> Vec<u8> {
        self.events().iter().map(note_of).collect()
    }

    /// Subscribes port 0 to the echoes of the timer port.
    pub(crate) fn listen_to_timer(&self) {
        assert_eq!(self.subscribe(TIMER, self.port(0)), Ok(()));
    }

    /// Reads what can be read now, and returns the echoes for a queue.
    pub(crate) fn echoes(&self, queue: u8) -> Vec<Event> {
        let mut events = self.events();
        events.retain(|event| event.source == TIMER && event.data.queue() == queue);
        events
    }

    /// Waits for one event.
    #[track_caller]
    pub(crate) fn wait_event(&self) -> Event {
        let [event] = self.wait_events(1)[..] else { unreachable!("one event") };
        event
    }

    /// Waits for a number of events, and reads no more.
    #[track_caller]
    pub(crate) fn wait_events(&self, count: usize) -> Vec<Event> {
        let end = Instant::now() + PATIENCE;
        let mut events = Vec::new();
        while events.len() < count {
            match self.read(EVENT_SIZE) {
                Ok(bytes) => events.push(Event::read_from_bytes(&bytes).expect("a record")),
                Err(Errno::EAGAIN) => {
                    let left = end.saturating_duration_since(Instant::now());
                    assert!(!left.is_zero(), "{count} events in time, got {events:?}");
                    self.poll_events(PollFlags::IN, left);
                }
                Err(error) => panic!("read: {error}"),
            }
        }
        events
    }

    /// Waits until no event of this client is left in a queue.
    #[track_caller]
    pub(crate) fn wait_queue_empty(&self, queue: u8) {
        wait_until("the queue is empty", || self.status(queue).events == 0);
    }
}
