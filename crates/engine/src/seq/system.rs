//! Client 0: announcements, and control of queues by events.

use super::Seq;
use super::client::{Client, ClientKind};
use super::fifo::Message;
use super::port::Port;
use super::prioq::Removed;
use super::undelivered::Undelivered;
use crate::name::name;
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EventData, EventFlags};
use aseqd_abi::seq::{CLIENT_SYSTEM, PORT_SYSTEM_ANNOUNCE, PORT_SYSTEM_TIMER, PortCaps};
use aseqd_abi::{Address, Event, EventType};

/// Returns the system client with its two ports.
pub(crate) fn client() -> Client {
    let mut client = Client::built_in(CLIENT_SYSTEM, ClientKind::System, "System");
    let mut timer = Port::new(PORT_SYSTEM_TIMER);
    timer.name = name("Timer");
    timer.capability = PortCaps::READ | PortCaps::WRITE | PortCaps::SUBS_READ;
    timer.direction = 3;
    let mut announce = Port::new(PORT_SYSTEM_ANNOUNCE);
    announce.name = name("Announce");
    announce.capability = PortCaps::READ | PortCaps::SUBS_READ;
    announce.direction = 1;
    client.ports.extend([timer, announce]);
    client
}

impl Seq {
    /// Sends an announcement to the subscribers of the announce port. A subscriber that has no room
    /// for it loses it.
    pub(crate) fn announce(&mut self, event_type: EventType, data: EventData) {
        self.notify_port(Address::new(ADDRESS_SUBSCRIBERS, 0), event_type, data);
    }

    /// Sends an event from the announce port.
    pub(crate) fn notify_port(&mut self, dest: Address, event_type: EventType, data: EventData) {
        let mut event = Event::direct(event_type);
        event.source = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_ANNOUNCE);
        event.dest = dest;
        event.data = data;
        // A notice without room is lost, as on Linux: the full reader gets `ENOSPC`.
        let _lost = self.dispatch_from_kernel(&mut Message::fixed(event), 0);
    }

    /// Handles an event to the timer port: it controls the queue that its data names.
    pub(crate) fn control_queue(&mut self, event: &Event, hops: u32) -> Result<(), Undelivered> {
        let now = self.instant();
        let number = event.data.queue();
        let queue = self.queue_and_timers(number.into());
        let (queue, timers) = queue.ok_or(Undelivered::NoQueue)?;
        if !queue.controllable_by(event.source.client) {
            return Err(Undelivered::QueueLocked);
        }
        let param = event.data.queue_param();
        let timer = &mut queue.timer;
        let echo = match event.event_type {
            EventType::START => {
                let mut removed = Removed::default();
                queue.remove_for_start(event.source.client, &mut removed);
                let started = queue.timer.start(timers, now).is_ok();
                self.give_back(&removed);
                started
            }
            EventType::CONTINUE => timer.resume(timers, now).is_ok(),
            EventType::STOP => {
                timer.stop(timers, now);
                true
            }
            EventType::TEMPO => {
                // A tempo that is not allowed is ignored, but echoed all the same.
                let _ignored = timer.set_tempo(now, param);
                true
            }
            EventType::SETPOS_TICK => {
                timer.set_position_tick(now, param);
                true
            }
            EventType::SETPOS_TIME => {
                timer.set_position_time(now, param, event.data.queue_param2());
                true
            }
            EventType::QUEUE_SKEW => timer.set_skew(now, param, event.data.queue_param2()).is_ok(),
            _ => false,
        };
        if echo {
            self.echo_control(event, number, hops);
        }
        Ok(())
    }

    /// Sends the subscribers of the timer port what was done to a queue.
    fn echo_control(&mut self, event: &Event, number: u8, hops: u32) {
        let Some(queue) = self.queue(number.into()) else { return };
        let mut echo = *event;
        echo.flags = EventFlags::empty();
        echo.time.tick_or_sec = queue.timer.position(self.instant()).tick;
        echo.source = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_TIMER);
        echo.dest.client = ADDRESS_SUBSCRIBERS;
        let _lost = self.dispatch_from_kernel(&mut Message::fixed(echo), hops);
    }
}
