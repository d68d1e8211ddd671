//! Subscriptions: made, cut, and told to both ends.

use super::Seq;
use super::port::{Port, peer};
use crate::Error;
use aseqd_abi::event::EventData;
use aseqd_abi::seq::{Connect, PortCaps, PortSubscribe};
use aseqd_abi::{Address, Errno, EventType};

impl Seq {
    /// Handles `SUBSCRIBE_PORT`.
    pub(crate) fn subscribe(&mut self, caller: u8, info: &PortSubscribe) -> Result<(), Error> {
        if self.port(info.sender).is_none() || self.port(info.dest).is_none() {
            return Err(Error::new(Errno::EINVAL, "the sender or destination does not exist"));
        }
        self.check_subscription_permission(caller, info)?;
        self.add_side(caller, info, true)?;
        if let Err(error) = self.add_side(caller, info, false) {
            self.remove_side(info, true, info.sender.client != caller);
            return Err(error);
        }
        self.announce(EventType::PORT_SUBSCRIBED, connect_data(info));
        Ok(())
    }

    /// Handles `UNSUBSCRIBE_PORT`.
    pub(crate) fn unsubscribe(&mut self, caller: u8, info: &PortSubscribe) -> Result<(), Error> {
        if self.port(info.sender).is_none() || self.port(info.dest).is_none() {
            return Err(Error::new(Errno::ENXIO, "the sender or destination does not exist"));
        }
        self.check_subscription_permission(caller, info)?;
        let entry = self.port(info.dest).and_then(|port| port.incoming.find(info));
        let entry = entry.ok_or(Error::new(Errno::ENOENT, "the ports have no such connection"))?;
        self.remove_side(&entry, false, info.dest.client != caller);
        self.remove_side(&entry, true, info.sender.client != caller);
        self.announce(EventType::PORT_UNSUBSCRIBED, connect_data(info));
        Ok(())
    }

    fn check_subscription_permission(&self, caller: u8, info: &PortSubscribe) -> Result<(), Error> {
        let (Some(sender), Some(dest)) = (self.port(info.sender), self.port(info.dest)) else {
            return Err(Error::new(Errno::EINVAL, "the sender or destination does not exist"));
        };
        let no_export = |port: &Port| port.capability.contains(PortCaps::NO_EXPORT);
        let (sends, receives) = (info.sender.client == caller, info.dest.client == caller);
        let third_party = !sends && !receives;
        if third_party && (no_export(sender) || no_export(dest)) {
            return Err(Error::new(Errno::EPERM, "a port is closed to third parties"));
        }
        if !sends && !sender.readable() {
            return Err(Error::new(Errno::EPERM, "the sender port cannot be subscribed to"));
        }
        if !receives && !dest.writable() {
            return Err(Error::new(Errno::EPERM, "the destination port cannot be subscribed to"));
        }
        Ok(())
    }

    /// Adds a subscription to the list of one of its ports.
    fn add_side(&mut self, caller: u8, info: &PortSubscribe, sender: bool) -> Result<(), Error> {
        let address = if sender { info.sender } else { info.dest };
        let own = address.client == caller;
        let room = self.client(address.client).map(|it| it.has_subscription_to_spare(sender, own));
        let Some(port) = self.port_mut(address) else {
            return Err(Error::new(Errno::EINVAL, "the port does not exist"));
        };
        let list = if sender { &mut port.outgoing } else { &mut port.incoming };
        if !list.admits(info) {
            return Err(Error::new(Errno::EBUSY, "another connection excludes this one"));
        }
        if room == Some(false) {
            return Err(Error::new(Errno::ENOMEM, "the client cannot have more subscriptions"));
        }
        list.add(info);
        if !own {
            self.notify(address, EventType::PORT_SUBSCRIBED, info);
        }
        Ok(())
    }

    /// Removes a subscription from the list of one of its ports.
    fn remove_side(&mut self, entry: &PortSubscribe, sender: bool, tell: bool) {
        let address = if sender { entry.sender } else { entry.dest };
        let Some(port) = self.port_mut(address) else { return };
        let list = if sender { &mut port.outgoing } else { &mut port.incoming };
        if list.remove(entry) && tell {
            self.notify(address, EventType::PORT_UNSUBSCRIBED, entry);
        }
    }

    /// Cuts all subscriptions of a port that is already gone, those that it sends to first.
    pub(crate) fn cut_subscriptions(&mut self, client: u8, port: Port) {
        let own = Address::new(client, port.number);
        for (list, from_sender) in [(port.outgoing, true), (port.incoming, false)] {
            for entry in list.entries {
                if peer(&entry, from_sender) != own {
                    self.remove_side(&entry, !from_sender, true);
                }
            }
        }
    }

    /// Tells a user client's port about a subscription that somebody else made or cut.
    fn notify(&mut self, port: Address, event_type: EventType, info: &PortSubscribe) {
        if self.client(port.client).is_some_and(super::client::Client::is_user) {
            self.notify_port(port, event_type, connect_data(info));
        }
    }
}

fn connect_data(info: &PortSubscribe) -> EventData {
    EventData::from_connect(Connect { sender: info.sender, dest: info.dest })
}
