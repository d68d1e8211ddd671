//! What an exclusive connection keeps others from, while it lasts.

use crate::case::cases;
use crate::client::{Client, note_on, wait_until};
use aseqd_abi::event::ADDRESS_SUBSCRIBERS;
use aseqd_abi::seq::SubscriptionFlags;
use aseqd_abi::{Address, Errno};

const EXCLUSIVE: u32 = SubscriptionFlags::EXCLUSIVE.bits();

/// Two connected clients with two ports each: port 0 to port 0, exclusively.
fn exclusive() -> (Client, Client) {
    let (sender, reader) = (Client::with_ports(2), Client::with_ports(2));
    assert_eq!(connect(&sender, sender.port(0), reader.port(0)), Ok(()));
    reader.discard();
    (sender, reader)
}

/// Connects exclusively.
fn connect(client: &Client, sender: Address, dest: Address) -> Result<(), Errno> {
    client.subscribe_with(sender, dest, |info| info.flags = EXCLUSIVE)
}

cases! {
    /// An exclusive connection delivers.
    fn exclusive_connection_delivers() {
        let (sender, reader) = exclusive();
        sender.must_send(&note_on(Address::new(ADDRESS_SUBSCRIBERS, 0), 1));
        assert_eq!(reader.notes(), [1]);
    }

    /// The sender port takes no second connection.
    fn sender_port_takes_no_other() {
        let (sender, reader) = exclusive();
        assert_eq!(sender.subscribe(sender.port(0), reader.port(1)), Err(Errno::EBUSY));
        assert_eq!(connect(&sender, sender.port(0), reader.port(1)), Err(Errno::EBUSY));
    }

    /// The destination port takes no second connection.
    fn destination_port_takes_no_other() {
        let (sender, reader) = exclusive();
        assert_eq!(sender.subscribe(sender.port(1), reader.port(0)), Err(Errno::EBUSY));
        assert_eq!(connect(&sender, sender.port(1), reader.port(0)), Err(Errno::EBUSY));
    }

    /// The other ports of both clients are free.
    fn other_ports_are_free() {
        let (sender, reader) = exclusive();
        assert_eq!(connect(&sender, sender.port(1), reader.port(1)), Ok(()));
    }

    /// The two ports may be connected the other way round.
    fn other_direction_is_free() {
        let (sender, reader) = exclusive();
        assert_eq!(sender.subscribe(reader.port(0), sender.port(0)), Ok(()));
    }

    /// A sender port with a plain connection cannot be taken exclusively.
    fn used_sender_port_cannot_be_taken() {
        let (sender, reader) = (Client::with_port(), Client::with_ports(2));
        assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
        assert_eq!(connect(&sender, sender.port(0), reader.port(1)), Err(Errno::EBUSY));
    }

    /// A destination port with a plain connection cannot be taken exclusively.
    fn used_destination_port_cannot_be_taken() {
        let (sender, reader) = (Client::with_ports(2), Client::with_port());
        assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
        assert_eq!(connect(&sender, sender.port(1), reader.port(0)), Err(Errno::EBUSY));
    }

    /// A refused connection leaves nothing behind at either port.
    fn refused_connection_leaves_nothing() {
        let (sender, reader) = exclusive();
        assert_eq!(sender.subscribe(sender.port(1), reader.port(0)), Err(Errno::EBUSY));
        let uses = |client: &Client, port| {
            let info = client.port_info(client.port(port)).unwrap();
            (info.read_use, info.write_use)
        };
        assert_eq!((uses(&sender, 1), uses(&reader, 0)), ((0, 0), (0, 1)));
        sender.must_send(&aseqd_abi::Event {
            source: sender.port(1),
            ..note_on(Address::new(ADDRESS_SUBSCRIBERS, 0), 1)
        });
        assert_eq!(reader.types(), []);
    }

    /// After the disconnection both ports are free again.
    fn disconnection_frees_both_ports() {
        let (sender, reader) = exclusive();
        assert_eq!(sender.unsubscribe(sender.port(0), reader.port(0)), Ok(()));
        assert_eq!(sender.subscribe(sender.port(0), reader.port(1)), Ok(()));
        assert_eq!(sender.subscribe(sender.port(1), reader.port(0)), Ok(()));
    }

    /// When the destination port is deleted, the sender port is free again.
    fn deleted_destination_frees_the_sender() {
        let (sender, reader) = exclusive();
        assert_eq!(reader.delete_port(0), Ok(()));
        assert_eq!(connect(&sender, sender.port(0), reader.port(1)), Ok(()));
    }

    /// When the sender is closed, the destination port is free again.
    fn closed_sender_frees_the_destination() {
        let (sender, reader) = exclusive();
        drop(sender);
        wait_until("the port is free", || reader.port_info(reader.port(0)).unwrap().write_use == 0);
        let other = Client::with_port();
        assert_eq!(other.subscribe(other.port(0), reader.port(0)), Ok(()));
    }
}
