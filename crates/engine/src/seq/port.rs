//! A port and its subscriptions.

use crate::name::{Name, copy_name, name, write_name};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use aseqd_abi::Address;
use aseqd_abi::seq::{PortCaps, PortFlags, PortInfo, PortSubscribe, SubscriptionFlags};
use aseqd_midi::ump::Memory;

/// The highest UMP group number.
const MAX_UMP_GROUP: u8 = 16;

#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Port {
    pub(crate) number: u8,
    #[cfg_attr(feature = "serde", serde(with = "crate::state::plain"))]
    pub(crate) name: Name,
    #[cfg_attr(feature = "serde", serde(with = "crate::state::flags"))]
    pub(crate) capability: PortCaps,
    pub(crate) port_type: u32,
    pub(crate) midi_channels: i32,
    pub(crate) midi_voices: i32,
    pub(crate) synth_voices: i32,
    /// Only TIMESTAMP, TIME_REAL and IS_MIDI1.
    #[cfg_attr(feature = "serde", serde(with = "crate::state::flags"))]
    pub(crate) flags: PortFlags,
    pub(crate) time_queue: u8,
    pub(crate) direction: u8,
    pub(crate) ump_group: u8,
    /// Whether the notes that sound here are tracked.
    watched: bool,
    /// What conversions remember here, if the client has ever used UMP.
    pub(crate) memory: Option<Box<Memory>>,
    /// The message types of packets that are handed on as they are, one bit for each.
    pub(crate) plain_packets: u16,
    /// Whether a delivery must do more than hand the event on: the port is watched, it stamps events,
    /// or events to it may be converted.
    pub(crate) has_extras: bool,
    /// Subscriptions with this port as sender.
    pub(crate) outgoing: SubscriptionList,
    /// Subscriptions with this port as destination.
    pub(crate) incoming: SubscriptionList,
}

impl Port {
    pub(crate) fn new(number: u8) -> Self {
        Self {
            number,
            name: name(&format!("port-{number}")),
            capability: PortCaps::empty(),
            port_type: 0,
            midi_channels: 0,
            midi_voices: 0,
            synth_voices: 0,
            flags: PortFlags::empty(),
            time_queue: 0,
            direction: 0,
            ump_group: 0,
            watched: false,
            memory: None,
            plain_packets: 0,
            has_extras: false,
            outgoing: SubscriptionList::default(),
            incoming: SubscriptionList::default(),
        }
    }

    /// Copies the fields that a program may set.
    pub(crate) fn set_info(&mut self, info: &PortInfo) {
        if info.name[0] != 0 {
            self.name = copy_name(&info.name);
        }
        self.capability = PortCaps::from_bits_retain(info.capability);
        self.port_type = info.port_type;
        self.midi_channels = info.midi_channels;
        self.midi_voices = info.midi_voices;
        self.synth_voices = info.synth_voices;
        self.flags = PortFlags::from_bits_retain(info.flags)
            & (PortFlags::TIMESTAMP | PortFlags::TIME_REAL | PortFlags::IS_MIDI1);
        self.refresh_extras();
        self.time_queue = info.time_queue;
        self.direction = info.direction;
        if self.direction == 0 {
            self.direction = u8::from(self.capability.contains(PortCaps::READ))
                | u8::from(self.capability.contains(PortCaps::WRITE)) << 1;
        }
        self.ump_group = if info.ump_group > MAX_UMP_GROUP { 0 } else { info.ump_group };
    }

    /// Tracks from now on which notes sound here.
    pub(crate) fn watch(&mut self) {
        self.watched = true;
        self.refresh_extras();
    }

    /// Prepares for packets.
    pub(crate) fn widen(&mut self) {
        self.memory.get_or_insert_default();
        self.refresh_extras();
    }

    /// Returns whether a delivery has effects besides the event's arrival: the port is watched, or it
    /// stamps events.
    pub(crate) const fn acts_on_delivery(&self) -> bool {
        self.watched || self.flags.contains(PortFlags::TIMESTAMP)
    }

    fn refresh_extras(&mut self) {
        self.has_extras = self.acts_on_delivery() || self.memory.is_some();
    }

    pub(crate) const fn is_watched(&self) -> bool {
        self.watched
    }

    /// Fills the fields that a program may ask for; the rest of `info` stays.
    pub(crate) fn fill_info(&self, info: &mut PortInfo) {
        write_name(&self.name, &mut info.name);
        info.capability = self.capability.bits();
        info.port_type = self.port_type;
        info.midi_channels = self.midi_channels;
        info.midi_voices = self.midi_voices;
        info.synth_voices = self.synth_voices;
        info.read_use = self.outgoing.count();
        info.write_use = self.incoming.count();
        info.flags = (self.flags & PortFlags::IS_MIDI1).bits();
        if self.flags.contains(PortFlags::TIMESTAMP) {
            info.flags |= self.flags.bits();
            info.time_queue = self.time_queue;
        }
        info.direction = self.direction;
        info.ump_group = self.ump_group;
    }

    /// Returns whether others may read from the port.
    pub(crate) fn readable(&self) -> bool {
        self.capability.contains(PortCaps::READ | PortCaps::SUBS_READ)
    }

    /// Returns whether others may write to the port.
    pub(crate) fn writable(&self) -> bool {
        self.capability.contains(PortCaps::WRITE | PortCaps::SUBS_WRITE)
    }
}

/// The subscriptions on one side of a port, in the order they were made.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct SubscriptionList {
    #[cfg_attr(feature = "serde", serde(with = "crate::state::plain_list"))]
    pub(crate) entries: Vec<PortSubscribe>,
    /// Whether the only entry forbids any other.
    pub(crate) exclusive: bool,
}

impl SubscriptionList {
    pub(crate) fn count(&self) -> i32 {
        i32::try_from(self.entries.len()).unwrap_or(i32::MAX)
    }

    /// Returns whether a subscription may be added.
    pub(crate) fn admits(&self, new: &PortSubscribe) -> bool {
        if is_exclusive(new) {
            self.entries.is_empty()
        } else {
            !self.exclusive && !self.entries.iter().any(|entry| matches(new, entry))
        }
    }

    pub(crate) fn add(&mut self, new: &PortSubscribe) {
        self.entries.push(*new);
        self.exclusive = is_exclusive(new);
    }

    /// Returns the first entry that a request means.
    pub(crate) fn find(&self, request: &PortSubscribe) -> Option<PortSubscribe> {
        self.entries.iter().find(|entry| matches(request, entry)).copied()
    }

    /// Removes an entry. The list is not exclusive then.
    pub(crate) fn remove(&mut self, entry: &PortSubscribe) -> bool {
        let Some(index) = self.entries.iter().position(|other| other == entry) else {
            return false;
        };
        self.entries.remove(index);
        self.exclusive = false;
        true
    }
}

pub(crate) fn is_exclusive(subscription: &PortSubscribe) -> bool {
    subscription_flags(subscription).contains(SubscriptionFlags::EXCLUSIVE)
}

pub(crate) const fn subscription_flags(subscription: &PortSubscribe) -> SubscriptionFlags {
    SubscriptionFlags::from_bits_retain(subscription.flags)
}

/// Returns whether a request means this entry. A request without flags means any entry between its
/// two ports.
fn matches(request: &PortSubscribe, entry: &PortSubscribe) -> bool {
    request.sender == entry.sender
        && request.dest == entry.dest
        && (request.flags == 0 || (request.flags == entry.flags && request.queue == entry.queue))
}

/// Returns the other end of a subscription, seen from its sender or its destination.
pub(crate) const fn peer(entry: &PortSubscribe, from_sender: bool) -> Address {
    if from_sender { entry.dest } else { entry.sender }
}
