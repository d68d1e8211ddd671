//! The sequencer as workers use it: a blocking file with one port, and queues in real time.

use aseqd_abi::event::{EVENT_SIZE, EventData, EventTime};
use aseqd_abi::seq::{PortCaps, PortType, QueueInfo, RealTime};
use aseqd_abi::{Address, Event, EventFlags, EventType};
use aseqd_client::{Client, DEVICE, Error, OpenOptions, SYSTEM_TIMER};
use aseqd_host::error::{Context as _, Fail};
use rustix::time::{ClockId, clock_gettime};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// Largest size of one read, in bytes: 585 events.
pub(super) const READ_SIZE: usize = 16 * 1024;
/// Events in each pool of a client, which is the maximum (`SNDRV_SEQ_MAX_CLIENT_EVENTS`).
pub(super) const POOL: u32 = 2000;
/// How often a queue's position is read; the fastest try counts.
const POSITION_TRIES: usize = 50;

/// An open sequencer with one port. Reads and writes block.
#[derive(Debug)]
pub(super) struct Sequencer {
    client: Client,
    pub(super) port: Address,
}

impl Sequencer {
    pub(super) fn open(name: &str) -> Result<Self, Fail> {
        let client = OpenOptions::new().blocking(true).open(DEVICE, name)?;
        client.set_pools(POOL, POOL, POOL / 2).context("the pools cannot be enlarged")?;
        let caps = PortCaps::READ | PortCaps::WRITE | PortCaps::SUBS_READ | PortCaps::SUBS_WRITE;
        let port_type = PortType::MIDI_GENERIC | PortType::APPLICATION;
        let port = client.create_port("bench", caps, port_type)?;
        Ok(Self { client, port })
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Writes all bytes, and sleeps while the sequencer has no room.
    pub(super) fn write(&self, mut bytes: &[u8]) -> Result<(), Fail> {
        while !bytes.is_empty() {
            let written = self.client.write(bytes)?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    /// Sleeps until there is something to read, and returns how many bytes were read.
    pub(super) fn read(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.client.read(buffer)
    }

    /// Creates a queue and starts it.
    pub(super) fn start_queue(&self) -> Result<u8, Fail> {
        let queue = self.client.create_queue_from(&QueueInfo::default())?;
        let queue = u8::try_from(queue.queue).context("a queue")?;
        let start = Event {
            dest: SYSTEM_TIMER,
            source: self.port,
            data: EventData::from_queue(queue, 0, 0),
            ..Event::direct(EventType::START)
        };
        self.write(start.as_bytes())?;
        Ok(queue)
    }

    /// Returns when the queue's time was 0, in ns of `CLOCK_MONOTONIC`. It may be off by half the time of a call.
    pub(super) fn queue_origin(&self, queue: u8) -> Result<i64, Fail> {
        let mut best: Option<(u64, i64)> = None;
        for _ in 0..POSITION_TRIES {
            let before = now_ns();
            let status = self.client.queue_status(queue)?;
            let took = now_ns() - before;
            let RealTime { tv_sec, tv_nsec } =
                status.ok_or_else(|| Fail::new("the queue is gone"))?.time;
            let position = i64::from(tv_sec) * 1_000_000_000 + i64::from(tv_nsec);
            let origin = signed(before + took / 2) - position;
            if best.is_none_or(|(least, _)| took < least) {
                best = Some((took, origin));
            }
        }
        Ok(best.map_or(0, |(_, origin)| origin))
    }
}

/// Returns a direct event that carries a number.
pub(super) fn numbered(number: u32, source: Address, dest: Address) -> Event {
    let mut data = EventData::default();
    data.0[..4].copy_from_slice(&number.to_ne_bytes());
    Event { source, dest, data, ..Event::direct(EventType::USR0) }
}

/// Returns the event scheduled on a queue, at a real time in ns.
pub(super) fn scheduled(event: Event, queue: u8, at_ns: u64) -> Event {
    let sec = u32::try_from(at_ns / 1_000_000_000).unwrap_or(u32::MAX);
    let nsec = u32::try_from(at_ns % 1_000_000_000).unwrap_or(0);
    Event { queue, flags: EventFlags::REAL_TIME, time: EventTime::real(sec, nsec), ..event }
}

/// Returns the numbers in the numbered events of a read.
pub(super) fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(EVENT_SIZE).filter_map(|record| {
        let event = Event::read_from_bytes(record).ok()?;
        let [a, b, c, d, ..] = event.data.0;
        (event.event_type == EventType::USR0).then_some(u32::from_ne_bytes([a, b, c, d]))
    })
}

/// Returns the time of `CLOCK_MONOTONIC` in nanoseconds.
pub(super) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let sec = u64::try_from(now.tv_sec).unwrap_or(0);
    sec * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// Returns the CPU time that all threads of this process have used, in nanoseconds.
pub(super) fn own_cpu_ns() -> u64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let sec = u64::try_from(used.tv_sec).unwrap_or(0);
    sec * 1_000_000_000 + u64::try_from(used.tv_nsec).unwrap_or(0)
}

/// Returns a time as a signed number, for differences.
pub(super) fn signed(nanoseconds: u64) -> i64 {
    i64::try_from(nanoseconds).unwrap_or(i64::MAX)
}
