//! Ports and subscriptions of the model.

use super::clients::{INACTIVE, NO_EXPORT, Port, READ, SUBS_READ, SUBS_WRITE, UMP_ENDPOINT, WRITE};
use super::record::{Place, Record, get, get_i, length, name_of, put, put_name};
use super::world::{Done, World};
use aseqd_abi::Errno;

/// First port number that no program may name.
const FIRST_RESERVED: u8 = 253;
/// Maximum number of ports of a client.
const MOST_PORTS: usize = 254;

/// Flags of a subscription.
const EXCLUSIVE: u32 = 1;
pub(super) const STAMP: u32 = 1 << 1;
pub(super) const STAMP_REAL: u32 = 1 << 2;

/// Flags of a port.
const GIVEN_PORT: u32 = 1;

/// A subscription. All of them are in one list in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) sender: Place,
    pub(super) dest: Place,
    pub(super) voices: u32,
    pub(super) flags: u32,
    pub(super) queue: u8,
}

/// One end of a subscription: its place, and how to find that of another one.
type Side = (Place, fn(&Subscription) -> Place);

impl Subscription {
    fn of(arg: &[u8]) -> Self {
        Self {
            sender: (arg[0], arg[1]),
            dest: (arg[2], arg[3]),
            voices: get(arg, 4),
            flags: get(arg, 8),
            queue: arg[12],
        }
    }

    /// Returns whether a request means this one.
    fn matches(&self, asked: &Self) -> bool {
        let same = asked.flags == 0 || asked.flags == self.flags && asked.queue == self.queue;
        (self.sender, self.dest) == (asked.sender, asked.dest) && same
    }
}

impl World {
    pub(super) fn port(&self, at: Place) -> Option<&Port> {
        self.clients.get(&at.0)?.ports.get(&at.1)
    }

    fn port_mut(&mut self, at: Place) -> Option<&mut Port> {
        self.clients.get_mut(&at.0)?.ports.get_mut(&at.1)
    }

    pub(super) fn create_port(&mut self, caller: u8, arg: &mut [u8]) -> Done {
        if arg[0] != caller {
            return Err(Errno::EPERM);
        }
        if arg[96..104] != [0; 8] {
            return Err(Errno::EINVAL);
        }
        let client = self.me(caller);
        let capability = get(arg, 68);
        let endpoint = capability & UMP_ENDPOINT != 0;
        if endpoint && client.endpoint.is_some() {
            return Err(Errno::EBUSY);
        }
        if client.ports.len() >= MOST_PORTS {
            return Err(Errno::EINVAL);
        }
        let free = || (0..=u8::MAX).find(|number| !client.ports.contains_key(number));
        let number = if get(arg, 104) & GIVEN_PORT != 0 {
            if arg[1] >= FIRST_RESERVED {
                return Err(Errno::EINVAL);
            }
            if client.ports.contains_key(&arg[1]) {
                return Err(Errno::EBUSY);
            }
            arg[1]
        } else {
            free().unwrap_or(u8::MAX)
        };
        let port = Port {
            name: name_of(format!("port-{number}").as_bytes()),
            capability: 0,
            kind: 0,
            counts: [0; 3],
            flags: 0,
            time_queue: 0,
            direction: 0,
            group: 0,
            exclusive: [false; 2],
            banks: Default::default(),
        };
        client.ports.insert(number, port);
        if endpoint {
            client.endpoint = Some(number);
        }
        self.set_port((caller, number), arg);
        arg[1] = number;
        self.announce(63, &[caller, number]);
        Ok(())
    }

    fn set_port(&mut self, at: Place, arg: &[u8]) {
        let Some(port) = self.port_mut(at) else { return };
        if arg[2] != 0 {
            port.name = name_of(&arg[2..66]);
        }
        port.capability = get(arg, 68);
        port.kind = get(arg, 72);
        port.counts = [get(arg, 76), get(arg, 80), get(arg, 84)];
        port.flags = get(arg, 104) & 0xe;
        port.time_queue = arg[108];
        port.direction = match arg[109] {
            0 => {
                let reads = u8::from(port.capability & READ != 0);
                reads | if port.capability & WRITE != 0 { 2 } else { 0 }
            }
            direction => direction,
        };
        port.group = if arg[110] > 16 { 0 } else { arg[110] };
    }

    pub(super) fn set_port_info(&mut self, caller: u8, arg: &[u8]) -> Done {
        if arg[0] != caller {
            return Err(Errno::EPERM);
        }
        if self.port((caller, arg[1])).is_some() {
            self.set_port((caller, arg[1]), arg);
            self.announce(65, &[caller, arg[1]]);
        }
        Ok(())
    }

    pub(super) fn port_info(&self, at: Place, arg: &mut [u8]) -> Done {
        let client = self.clients.get(&at.0).ok_or(Errno::ENXIO)?;
        let port = client.ports.get(&at.1).ok_or(Errno::ENOENT)?;
        put_name(&mut arg[2..66], &port.name);
        put(arg, 68, port.capability);
        put(arg, 72, port.kind);
        for (index, count) in port.counts.iter().enumerate() {
            put(arg, 76 + 4 * index, *count);
        }
        let count = |matches: fn(&Subscription, Place) -> bool| {
            length(self.subscriptions.iter().filter(|one| matches(one, at)).count())
        };
        put(arg, 88, count(|one, at| one.sender == at));
        put(arg, 92, count(|one, at| one.dest == at));
        let mut flags = port.flags & 8;
        if port.flags & 2 != 0 {
            flags |= port.flags & 6;
            arg[108] = port.time_queue;
        }
        put(arg, 104, flags);
        (arg[109], arg[110]) = (port.direction, port.group);
        Ok(())
    }

    pub(super) fn delete_port(&mut self, caller: u8, arg: &[u8]) -> Done {
        let at = (caller, arg[1]);
        if arg[0] != caller {
            return Err(Errno::EPERM);
        }
        self.port(at).ok_or(Errno::ENOENT)?;
        self.me(caller).ports.remove(&at.1);
        self.forget_sounding(|place| place == at);
        self.cut(at);
        let client = self.me(caller);
        client.endpoint = client.endpoint.filter(|port| *port != at.1);
        self.announce(64, &[at.0, at.1]);
        Ok(())
    }

    pub(super) fn next_port(&self, arg: &mut [u8]) -> Done {
        let client = self.clients.get(&arg[0]).ok_or(Errno::ENXIO)?;
        let from = arg[1].wrapping_add(1);
        let all = get(arg, 68) & INACTIVE != 0;
        let next =
            client.ports.range(from..).find(|(_, port)| all || port.capability & INACTIVE == 0);
        let number = *next.ok_or(Errno::ENOENT)?.0;
        arg[1] = number;
        self.port_info((arg[0], number), arg)
    }

    /// Cuts all subscriptions of a port that is gone: first those that it sends by.
    pub(super) fn cut(&mut self, at: Place) {
        for side in [0, 1] {
            let ends = |one: &Subscription| {
                if side == 0 { (one.sender, one.dest) } else { (one.dest, one.sender) }
            };
            while let Some(index) = self.subscriptions.iter().position(|one| ends(one).0 == at) {
                let one = self.subscriptions.remove(index);
                let peer = ends(&one).1;
                if let Some(port) = self.port_mut(peer) {
                    port.exclusive[1 - side] = false;
                }
                self.notify(67, peer, &one);
            }
        }
    }

    /// Tells a user client's port of a subscription.
    fn notify(&mut self, kind: u8, to: Place, one: &Subscription) {
        if self.clients.get(&to.0).is_none_or(|client| client.kernel) {
            return;
        }
        let mut event = connection(kind, one);
        event.set_dest(to);
        let _lost = self.deliver(0, &mut event, 0);
    }

    fn may_connect(&self, caller: u8, one: &Subscription) -> bool {
        let can =
            |at: Place, bits: u32| self.port(at).is_some_and(|port| port.capability & bits == bits);
        let exports =
            |at: Place| self.port(at).is_some_and(|port| port.capability & NO_EXPORT == 0);
        let reads = can(one.sender, READ | SUBS_READ);
        let writes = can(one.dest, WRITE | SUBS_WRITE);
        match (one.sender.0 == caller, one.dest.0 == caller) {
            (true, true) => true,
            (true, false) => writes,
            (false, true) => reads,
            (false, false) => exports(one.sender) && exports(one.dest) && reads && writes,
        }
    }

    pub(super) fn subscribe(&mut self, caller: u8, arg: &[u8]) -> Done {
        let one = Subscription::of(arg);
        if self.port(one.sender).is_none() || self.port(one.dest).is_none() {
            return Err(Errno::EINVAL);
        }
        if !self.may_connect(caller, &one) {
            return Err(Errno::EPERM);
        }
        let sides: [Side; 2] = [(one.sender, |one| one.sender), (one.dest, |one| one.dest)];
        for (side, (at, end)) in sides.into_iter().enumerate() {
            let mut list = self.subscriptions.iter().filter(|other| end(other) == at);
            let exclusive = self.port(at).is_some_and(|port| port.exclusive[side]);
            let busy = if one.flags & EXCLUSIVE != 0 {
                list.next().is_some()
            } else {
                exclusive || list.any(|other| other.matches(&one))
            };
            if busy && side == 1 && one.sender.0 != caller {
                // The sender's side was made, and is undone.
                self.notify(66, one.sender, &one);
                self.notify(67, one.sender, &one);
            }
            if busy {
                return Err(Errno::EBUSY);
            }
        }
        for (side, (at, _)) in sides.into_iter().enumerate() {
            if let Some(port) = self.port_mut(at) {
                port.exclusive[side] = one.flags & EXCLUSIVE != 0;
            }
        }
        self.subscriptions.push(one);
        self.tell_of(66, caller, &one);
        Ok(())
    }

    /// Tells both ends and those who listen to announcements.
    fn tell_of(&mut self, kind: u8, caller: u8, one: &Subscription) {
        let ends = if kind == 66 { [one.sender, one.dest] } else { [one.dest, one.sender] };
        for end in ends {
            if end.0 != caller {
                self.notify(kind, end, one);
            }
        }
        let mut event = connection(kind, one);
        event.set_dest((super::record::SUBSCRIBERS, 0));
        let _lost = self.deliver(0, &mut event, 0);
    }

    pub(super) fn unsubscribe(&mut self, caller: u8, arg: &[u8]) -> Done {
        let asked = Subscription::of(arg);
        if self.port(asked.sender).is_none() || self.port(asked.dest).is_none() {
            return Err(Errno::ENXIO);
        }
        if !self.may_connect(caller, &asked) {
            return Err(Errno::EPERM);
        }
        let index = self.subscriptions.iter().position(|one| one.matches(&asked));
        let one = self.subscriptions.remove(index.ok_or(Errno::ENOENT)?);
        for (side, at) in [one.sender, one.dest].into_iter().enumerate() {
            if let Some(port) = self.port_mut(at) {
                port.exclusive[side] = false;
            }
        }
        // The notice has what the request says.
        self.tell_of(67, caller, &one);
        Ok(())
    }

    pub(super) fn subscription(&self, arg: &mut [u8]) -> Done {
        let asked = Subscription::of(arg);
        if self.port(asked.sender).is_none() {
            return Err(Errno::EINVAL);
        }
        let found = self
            .subscriptions
            .iter()
            .find(|one| (one.sender, one.dest) == (asked.sender, asked.dest))
            .ok_or(Errno::ENOENT)?;
        arg.fill(0);
        (arg[0], arg[1]) = found.sender;
        (arg[2], arg[3]) = found.dest;
        put(arg, 4, found.voices);
        put(arg, 8, found.flags);
        arg[12] = found.queue;
        Ok(())
    }

    pub(super) fn query_subs(&self, arg: &mut [u8]) -> Done {
        let root = (arg[0], arg[1]);
        self.port(root).ok_or(Errno::ENXIO)?;
        let of_root: fn(&Subscription) -> (Place, Place) = match get_i(arg, 4) {
            0 => |one| (one.sender, one.dest),
            1 => |one| (one.dest, one.sender),
            _ => return Err(Errno::ENXIO),
        };
        let list: Vec<_> = self.subscriptions.iter().filter(|one| of_root(one).0 == root).collect();
        let index = usize::try_from(get_i(arg, 8)).map_err(|_| Errno::ENOENT)?;
        let one = list.get(index).ok_or(Errno::ENOENT)?;
        put(arg, 12, length(list.len()));
        (arg[16], arg[17]) = of_root(one).1;
        arg[18] = one.queue;
        put(arg, 20, one.flags);
        Ok(())
    }
}

fn connection(kind: u8, one: &Subscription) -> Record {
    Record::told(kind, 1, &[one.sender.0, one.sender.1, one.dest.0, one.dest.1])
}
