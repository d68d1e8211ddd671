//! Where events go in the model: into queues, out of them when they are due, and to their readers.

use super::clients::{FILTER_BOUNCE, FILTER_NO_CONVERT, FILTER_USE_EVENT, WRITE};
use super::ports::{STAMP, STAMP_REAL};
use super::queue::real_time;
use super::record::{
    BOUNCE, CELL, DIRECT, KERNEL_ERROR, LENGTH, NOTE, NOTEOFF, NOTEON, PRIORITY, REAL, RELATIVE,
    Record, SUBSCRIBERS, VARIABLE, get, get_i, put,
};
use super::world::{Done, World};
use aseqd_abi::Errno;

/// The step at which an event has gone too far.
const MAX_HOPS: u8 = 8;
/// Maximum number of events of a pass.
const MAX_PASS: usize = 1000;

impl World {
    /// Takes an event that a client writes.
    pub(super) fn submit(&mut self, caller: u8, mut event: Record) -> Done {
        if event.queue() == SUBSCRIBERS {
            (event.head[14], event.head[3]) = (SUBSCRIBERS, DIRECT);
        } else if event.dest().0 == SUBSCRIBERS {
            self.port(event.source()).ok_or(Errno::EINVAL)?;
        }
        if event.queue() == DIRECT {
            if !event.packet && event.kind() == NOTE {
                return Err(Errno::EINVAL);
            }
            return self.deliver(caller, &mut event, 0);
        }
        let used =
            self.queues.get(&event.queue()).is_some_and(|queue| queue.users.contains(&caller));
        if !used {
            return Err(Errno::EINVAL);
        }
        let queued = self.queued_cells(caller);
        let client = self.me(caller);
        if event.pieces() >= client.output {
            return Err(Errno::ENOMEM);
        }
        if queued + event.cells() > client.output {
            // A call that sleeps is interrupted.
            return Err(if client.blocks { Errno::EINTR } else { Errno::EAGAIN });
        }
        self.enqueue(event);
        Ok(())
    }

    fn enqueue(&mut self, mut event: Record) {
        let (number, now) = (event.queue(), self.now);
        let Some(queue) = self.queues.get_mut(&number) else { return };
        if event.flags() & RELATIVE != 0 {
            let (tick, nanos) = queue.position(now);
            if event.is_real() {
                let (sec, nsec) = real_time((tick, nanos));
                // A sum of 32 bits, as in Linux: 4294967294 ns later is 2 ns earlier.
                let nsec = nsec.wrapping_add(event.nsec());
                let sec = sec.wrapping_add(event.time()).wrapping_add(nsec / 1_000_000_000);
                put(&mut event.head, 4, sec);
                put(&mut event.head, 8, nsec % 1_000_000_000);
            } else {
                let tick = event.time().wrapping_add(tick);
                put(&mut event.head, 4, tick);
            }
            event.head[1] &= !RELATIVE;
        }
        queue.insert(event);
        self.dispatch(number);
    }

    /// Delivers what is due in a queue: of those in one pass, events in ticks first. Returns whether the pass was full.
    pub(super) fn dispatch(&mut self, number: u8) -> bool {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&number) else { return false };
        if queue.dispatching {
            queue.again = true;
            return false;
        }
        queue.dispatching = true;
        let mut passed = 0;
        'pass: loop {
            for real in [0, 1] {
                // What an event of the pass does to the position is for the next pass.
                let Some(at) = self.queues.get(&number).map(|queue| queue.position(now)) else {
                    return false;
                };
                while passed < MAX_PASS
                    && let Some(queue) = self.queues.get_mut(&number)
                    && queue.is_due(real, at)
                {
                    let event = queue.waiting[real].remove(0);
                    passed += 1;
                    self.due(event);
                }
            }
            let Some(queue) = self.queues.get_mut(&number) else { return false };
            if passed >= MAX_PASS || !std::mem::take(&mut queue.again) {
                break 'pass;
            }
        }
        if let Some(queue) = self.queues.get_mut(&number) {
            (queue.dispatching, queue.again) = (false, false);
        }
        passed >= MAX_PASS
    }

    /// Delivers an event that is due. A note comes back as its own end.
    fn due(&mut self, mut event: Record) {
        let source = event.source().0;
        if !self.clients.contains_key(&source) {
            return;
        }
        self.under_way = Some((source, event.cells()));
        if event.packet || event.kind() != NOTE {
            let _lost = self.deliver(source, &mut event, 0);
            self.under_way = None;
            return;
        }
        let mut on = event.clone();
        on.head[0] = NOTEON;
        let _lost = self.deliver(source, &mut on, 0);
        let duration = get(&event.head, 20);
        (event.head[0], event.head[18]) = (NOTEOFF, event.head[19]);
        event.head[1] |= PRIORITY;
        let (time, nsec) = (event.time(), event.nsec());
        if event.is_real() {
            let nsec = nsec.wrapping_add(duration % 1000 * 1_000_000);
            let sec = time.wrapping_add(duration / 1000).wrapping_add(nsec / 1_000_000_000);
            put(&mut event.head, 4, sec);
            put(&mut event.head, 8, nsec % 1_000_000_000);
        } else {
            put(&mut event.head, 4, time.wrapping_add(duration));
        }
        self.under_way = None;
        self.enqueue(event);
    }

    /// Delivers an event of a client to a port, or to the subscribers of its own port.
    pub(super) fn deliver(&mut self, from: u8, event: &mut Record, hops: u8) -> Done {
        let hops = hops + 1;
        if hops >= MAX_HOPS {
            return Err(Errno::EMLINK);
        }
        if event.queue() != SUBSCRIBERS && event.dest().0 != SUBSCRIBERS {
            return self.deliver_to_one(from, event, hops);
        }
        let port = event.source().1;
        let original = event.clone();
        let first = self.deliver_to_subscribers(from, port, event, hops);
        // A UMP client's endpoint port sends by the port of the group too, and the others by the endpoint port.
        let Some(client) = self.clients.get(&from).filter(|client| client.midi_version > 0) else {
            return first;
        };
        let second = match client.endpoint {
            None => return first,
            Some(endpoint) if endpoint != port => Some(endpoint),
            Some(_) => super::packets::group_of(event).map(|group| group + 1),
        };
        *event = original;
        match second {
            Some(second) => self.deliver_to_subscribers(from, second, event, hops).and(first),
            None => first,
        }
    }

    fn deliver_to_subscribers(&mut self, from: u8, port: u8, event: &mut Record, hops: u8) -> Done {
        let at = (from, port);
        if self.port(at).is_none() {
            return Ok(());
        }
        let list: Vec<_> =
            self.subscriptions.iter().filter(|one| one.sender == at).copied().collect();
        let original = event.clone();
        let mut result = Ok(());
        for one in list {
            event.set_dest(one.dest);
            if one.flags & STAMP != 0 {
                self.stamp(event, one.queue, one.flags & STAMP_REAL != 0);
            }
            match self.deliver_to_one(from, event, hops) {
                Ok(()) => *event = original.clone(),
                Err(error) => result = result.and(Err(error)),
            }
        }
        result
    }

    /// Writes a queue's position into an event.
    fn stamp(&self, event: &mut Record, number: u8, real: bool) {
        let Some(queue) = self.queues.get(&number) else { return };
        event.head[3] = number;
        event.head[1] &= !REAL;
        if real {
            event.head[1] |= REAL;
            let (sec, nsec) = real_time(queue.shown(self.now));
            put(&mut event.head, 4, sec);
            put(&mut event.head, 8, nsec);
        } else {
            put(&mut event.head, 4, queue.position(self.now).0);
        }
    }

    fn deliver_to_one(&mut self, from: u8, event: &mut Record, hops: u8) -> Done {
        let direct = event.queue() == DIRECT;
        let before = event.clone();
        match self.hand_over(from, event, hops) {
            Err(error) if !direct => self.bounce(from, event, error, hops),
            Err(error) => {
                *event = before;
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Checks that a port takes an event, and gives it to its client.
    fn hand_over(&mut self, from: u8, event: &mut Record, hops: u8) -> Done {
        let to = event.dest();
        let client = self.clients.get(&to.0).filter(|client| client.reads).ok_or(Errno::ENOENT)?;
        let kind = usize::from(event.kind());
        let wanted = client.filter & FILTER_USE_EVENT == 0
            || client.event_filter[kind / 8] & (1 << (kind % 8)) != 0;
        if !event.packet && !wanted {
            return Err(Errno::ENOENT);
        }
        let port = client.ports.get(&to.1).ok_or(Errno::ENOENT)?;
        if port.capability & WRITE == 0 {
            return Err(Errno::EPERM);
        }
        if port.flags & 2 != 0 {
            self.stamp(event, port.time_queue, port.flags & 4 != 0);
        }
        let client = &self.clients[&to.0];
        let converts = client.filter & FILTER_NO_CONVERT == 0;
        let given = if converts && event.packet {
            self.deliver_packet(from, event, hops)
        } else if converts && client.midi_version > 0 {
            self.deliver_as_packets(from, event, hops)
        } else {
            self.give(from, event, hops)
        };
        // Midi Through has passed it on to some, whatever became of it at the others.
        if given.is_ok() || to.0 == 14 {
            self.sounds(event);
        }
        given
    }

    /// Gives an event to a client as it is.
    pub(super) fn give(&mut self, _from: u8, event: &Record, hops: u8) -> Done {
        let to = event.dest();
        if to.0 == 0 {
            return self.control(event, hops);
        }
        if to.0 == 14 {
            if event.source().0 == 0 || event.kind() == KERNEL_ERROR {
                return Ok(());
            }
            let mut event = event.clone();
            event.head[3] = DIRECT;
            (event.head[12], event.head[13], event.head[14]) = (14, to.1, SUBSCRIBERS);
            return self.deliver(14, &mut event, hops);
        }
        let client = self.me(to.0);
        if event.packet && client.midi_version == 0 {
            return Ok(());
        }
        let error = if event.pieces() >= client.input {
            Errno::ENOMEM
        } else if client.unread_cells() + event.cells() > client.input {
            Errno::EAGAIN
        } else {
            client.unread.push(event.clone());
            return Ok(());
        };
        client.overflow = true;
        Err(error)
    }

    /// Tells a client of an event of its own that was not delivered.
    fn bounce(&mut self, from: u8, event: &Record, error: Errno, hops: u8) -> Done {
        let Some(client) = self.clients.get(&from) else { return Ok(()) };
        if client.filter & FILTER_BOUNCE == 0 || !client.reads {
            return Ok(());
        }
        // A packet has a type too, although it says nothing.
        if event.kind() == BOUNCE {
            return Err(error);
        }
        let mut told = Record::told(BOUNCE, 1, &[]);
        told.head[1] = VARIABLE;
        told.set_dest((from, event.source().1));
        let mut quoted = event.head[..CELL].to_vec();
        if event.is_variable() {
            quoted[20..28].fill(0);
        }
        put(&mut told.head, 16, super::record::length(quoted.len()));
        told.body = quoted;
        let result = self.deliver_to_one(0, &mut told, hops + 1);
        if result.is_err() {
            let client = self.me(from);
            client.lost = client.lost.wrapping_add(1);
        }
        result
    }

    /// Handles an event to the system's timer port.
    fn control(&mut self, event: &Record, hops: u8) -> Done {
        let (number, by) = (event.head[16], event.source().0);
        if !self.queues.contains_key(&number) {
            return Err(Errno::EINVAL);
        }
        let queue = self.controlled(number.into(), by).ok_or(Errno::EPERM)?;
        let acts = match event.kind() {
            30 => {
                queue.retain(|waiting| {
                    let time = (waiting.time(), if waiting.is_real() { waiting.nsec() } else { 0 });
                    time == (0, 0) && waiting.source().0 != by && waiting.dest().0 != by
                });
                self.start_queue(number)
            }
            31 => self.continue_queue(number),
            32 => {
                self.stop_queue(number);
                true
            }
            33 => {
                self.set_tick(number, get(&event.head, 20));
                true
            }
            34 => {
                self.set_time(number, get(&event.head, 20), get(&event.head, 24));
                true
            }
            35 => {
                self.set_tempo(number, get_i(&event.head, 20));
                true
            }
            38 => self.set_skew(number, get(&event.head, 20), get(&event.head, 24)),
            _ => false,
        };
        if acts {
            let mut echo = event.clone();
            echo.head[1] &= !(LENGTH | 0xff);
            let tick = self.queues[&number].position(self.now).0;
            put(&mut echo.head, 4, tick);
            (echo.head[3], echo.head[12], echo.head[13], echo.head[14], echo.head[16]) =
                (DIRECT, 0, 0, SUBSCRIBERS, number);
            let _lost = self.deliver(0, &mut echo, hops);
        }
        Ok(())
    }
}
