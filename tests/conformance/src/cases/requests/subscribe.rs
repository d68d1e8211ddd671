//! `SUBSCRIBE_PORT` and `UNSUBSCRIBE_PORT`.

use crate::case::cases;
use crate::client::{ANNOUNCE, Client, Mode, NOBODY, OPEN_PORT, TIMER};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{PortCaps, PortSubscribe, SubscriptionFlags};
use aseqd_abi::{Address, Errno};

fn port(client: &Client, caps: PortCaps) -> Address {
    client.create_port(caps).expect("CREATE_PORT")
}

fn with_flags(
    client: &Client,
    sender: Address,
    dest: Address,
    flags: SubscriptionFlags,
    queue: u8,
) -> Result<(), Errno> {
    client.subscribe_with(sender, dest, |info| {
        info.flags = flags.bits();
        info.queue = queue;
    })
}

fn unsubscribe_with(
    client: &Client,
    sender: Address,
    dest: Address,
    flags: u32,
) -> Result<(), Errno> {
    let info = PortSubscribe { sender, dest, flags, ..PortSubscribe::default() };
    client.query(s::UNSUBSCRIBE_PORT, info).map(drop)
}

const READABLE: PortCaps = PortCaps::READ.union(PortCaps::SUBS_READ);
const WRITABLE: PortCaps = PortCaps::WRITE.union(PortCaps::SUBS_WRITE);
const EXCLUSIVE: SubscriptionFlags = SubscriptionFlags::EXCLUSIVE;
const STAMPED: SubscriptionFlags = SubscriptionFlags::TIMESTAMP;
const PLAIN: SubscriptionFlags = SubscriptionFlags::empty();

cases! {
    /// Missing clients and ports are EINVAL for SUBSCRIBE_PORT.
    fn subscribe_with_a_missing_end_is_einval() {
        let client = Client::with_port();
        let here = client.port(0);
        for missing in [client.port(1), NOBODY, Address::new(254, 0), Address::new(255, 255)] {
            assert_eq!(client.subscribe(here, missing), Err(Errno::EINVAL));
            assert_eq!(client.subscribe(missing, here), Err(Errno::EINVAL));
        }
    }

    /// Missing clients and ports are ENXIO for UNSUBSCRIBE_PORT.
    fn unsubscribe_with_a_missing_end_is_enxio() {
        let client = Client::with_port();
        let here = client.port(0);
        for missing in [client.port(1), NOBODY, Address::new(254, 0), Address::new(255, 255)] {
            assert_eq!(client.unsubscribe(here, missing), Err(Errno::ENXIO));
            assert_eq!(client.unsubscribe(missing, here), Err(Errno::ENXIO));
        }
    }

    /// The sender's client needs WRITE and SUBS_WRITE at the destination, and nothing at its own
    /// port.
    fn sender_needs_write_and_subs_write() {
        let (client, other) = (Client::open(), Client::open());
        let sender = port(&client, PortCaps::empty());
        for (caps, result) in [
            (PortCaps::empty(), Err(Errno::EPERM)),
            (PortCaps::WRITE, Err(Errno::EPERM)),
            (PortCaps::SUBS_WRITE, Err(Errno::EPERM)),
            (READABLE, Err(Errno::EPERM)),
            (WRITABLE, Ok(())),
            (WRITABLE | PortCaps::NO_EXPORT, Ok(())),
        ] {
            assert_eq!(client.subscribe(sender, port(&other, caps)), result);
        }
    }

    /// The destination's client needs READ and SUBS_READ at the sender, and nothing at its own
    /// port.
    fn dest_needs_read_and_subs_read() {
        let (client, other) = (Client::open(), Client::open());
        let dest = port(&client, PortCaps::empty());
        for (caps, result) in [
            (PortCaps::empty(), Err(Errno::EPERM)),
            (PortCaps::READ, Err(Errno::EPERM)),
            (PortCaps::SUBS_READ, Err(Errno::EPERM)),
            (WRITABLE, Err(Errno::EPERM)),
            (READABLE, Ok(())),
            (READABLE | PortCaps::NO_EXPORT, Ok(())),
        ] {
            assert_eq!(client.subscribe(port(&other, caps), dest), result);
        }
    }

    /// A third party needs all four capabilities.
    fn third_party_needs_both() {
        let (third, client, other) = (Client::open(), Client::open(), Client::open());
        for (sends, receives, result) in [
            (READABLE, WRITABLE, Ok(())),
            (READABLE, PortCaps::WRITE, Err(Errno::EPERM)),
            (READABLE, PortCaps::SUBS_WRITE, Err(Errno::EPERM)),
            (PortCaps::READ, WRITABLE, Err(Errno::EPERM)),
            (PortCaps::SUBS_READ, WRITABLE, Err(Errno::EPERM)),
            (WRITABLE, READABLE, Err(Errno::EPERM)),
        ] {
            let (sender, dest) = (port(&client, sends), port(&other, receives));
            assert_eq!(third.subscribe(sender, dest), result);
        }
    }

    /// A third party may not connect a port with NO_EXPORT, at either end.
    fn third_party_is_stopped_by_no_export() {
        let (third, client, other) = (Client::open(), Client::with_port(), Client::with_port());
        let hidden = port(&client, OPEN_PORT | PortCaps::NO_EXPORT);
        assert_eq!(third.subscribe(hidden, other.port(0)), Err(Errno::EPERM));
        assert_eq!(third.subscribe(other.port(0), hidden), Err(Errno::EPERM));
        assert_eq!(third.subscribe(client.port(0), other.port(0)), Ok(()));
    }

    /// A client may connect its own ports whatever their capabilities.
    fn own_ports_need_nothing() {
        let client = Client::open();
        let (sender, dest) = (port(&client, PortCaps::empty()), port(&client, PortCaps::empty()));
        assert_eq!(client.subscribe(sender, dest), Ok(()));
    }

    /// A port may be connected to itself.
    fn a_port_may_subscribe_to_itself() {
        let client = Client::with_port();
        assert_eq!(client.subscribe(client.port(0), client.port(0)), Ok(()));
    }

    /// The announce port cannot be a destination; the timer port can be written to but not
    /// subscribed.
    fn system_ports_cannot_be_destinations() {
        let client = Client::with_port();
        assert_eq!(client.subscribe(client.port(0), ANNOUNCE), Err(Errno::EPERM));
        assert_eq!(client.subscribe(client.port(0), TIMER), Err(Errno::EPERM));
    }

    /// The system ports can be subscribed to.
    fn system_ports_can_be_senders() {
        let client = Client::with_port();
        assert_eq!(client.subscribe(ANNOUNCE, client.port(0)), Ok(()));
        assert_eq!(client.subscribe(TIMER, client.port(0)), Ok(()));
    }

    /// The same connection a second time is EBUSY.
    fn the_same_again_is_ebusy() {
        let (client, other) = (Client::with_port(), Client::with_port());
        assert_eq!(client.subscribe(client.port(0), other.port(0)), Ok(()));
        assert_eq!(client.subscribe(client.port(0), other.port(0)), Err(Errno::EBUSY));
        assert_eq!(other.subscribe(client.port(0), other.port(0)), Err(Errno::EBUSY));
    }

    /// After a plain connection one with a stamp is another connection; the same again is EBUSY.
    fn a_stamped_one_after_a_plain_one_is_another() {
        let client = Client::with_port();
        let here = client.port(0);
        assert_eq!(client.subscribe(here, here), Ok(()));
        assert_eq!(with_flags(&client, here, here, STAMPED, 0), Ok(()));
        assert_eq!(with_flags(&client, here, here, STAMPED, 1), Ok(()));
        assert_eq!(with_flags(&client, here, here, STAMPED, 1), Err(Errno::EBUSY));
        assert_eq!(client.port_info(here).unwrap().read_use, 3);
    }

    /// After any connection a plain one is EBUSY.
    fn a_plain_one_after_a_stamped_one_is_ebusy() {
        let client = Client::with_port();
        let here = client.port(0);
        assert_eq!(with_flags(&client, here, here, STAMPED, 0), Ok(()));
        assert_eq!(client.subscribe(here, here), Err(Errno::EBUSY));
    }

    /// Plain connections match whatever queue they name.
    fn a_plain_one_with_another_queue_is_the_same() {
        let client = Client::with_port();
        let here = client.port(0);
        assert_eq!(with_flags(&client, here, here, PLAIN, 3), Ok(()));
        assert_eq!(with_flags(&client, here, here, PLAIN, 4), Err(Errno::EBUSY));
    }

    /// An exclusive connection needs a sender port without connections.
    fn exclusive_needs_an_empty_sender() {
        let (client, a, b) = (Client::with_port(), Client::with_port(), Client::with_port());
        client.subscribe(client.port(0), a.port(0)).unwrap();
        let answer = with_flags(&client, client.port(0), b.port(0), EXCLUSIVE, 0);
        assert_eq!(answer, Err(Errno::EBUSY));
    }

    /// An exclusive connection needs a destination port without connections, and leaves no half.
    fn exclusive_needs_an_empty_dest() {
        let (client, a, b) = (Client::with_port(), Client::with_port(), Client::with_port());
        client.subscribe(client.port(0), b.port(0)).unwrap();
        assert_eq!(with_flags(&a, a.port(0), b.port(0), EXCLUSIVE, 0), Err(Errno::EBUSY));
        assert_eq!(client.port_info(a.port(0)).unwrap().read_use, 0);
        assert_eq!(a.subscribe(a.port(0), b.port(0)), Ok(()));
    }

    /// An exclusive connection blocks every other one from its sender and to its destination.
    fn exclusive_blocks_both_ports() {
        let (client, a, b) = (Client::with_port(), Client::with_port(), Client::with_port());
        with_flags(&client, client.port(0), a.port(0), EXCLUSIVE, 0).unwrap();
        assert_eq!(client.subscribe(client.port(0), b.port(0)), Err(Errno::EBUSY));
        assert_eq!(b.subscribe(b.port(0), a.port(0)), Err(Errno::EBUSY));
        // The other directions are free.
        assert_eq!(b.subscribe(b.port(0), client.port(0)), Ok(()));
        assert_eq!(b.subscribe(a.port(0), b.port(0)), Ok(()));
    }

    /// When an exclusive connection ends both ports are free again.
    fn exclusive_ends_with_the_connection() {
        let (client, a, b) = (Client::with_port(), Client::with_port(), Client::with_port());
        with_flags(&client, client.port(0), a.port(0), EXCLUSIVE, 0).unwrap();
        client.unsubscribe(client.port(0), a.port(0)).unwrap();
        assert_eq!(client.subscribe(client.port(0), b.port(0)), Ok(()));
        assert_eq!(b.subscribe(b.port(0), a.port(0)), Ok(()));
    }

    /// Capabilities are checked before the lists.
    fn permission_comes_before_busy() {
        let (third, client, other) = (Client::open(), Client::with_port(), Client::open());
        let dest = port(&other, PortCaps::WRITE);
        other.subscribe(client.port(0), dest).unwrap();
        assert_eq!(third.subscribe(client.port(0), dest), Err(Errno::EPERM));
    }

    /// Connections can be made and cut in every access mode.
    fn subscribe_works_in_every_access_mode() {
        let other = Client::with_port();
        for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
            let client = Client::open_as(mode);
            let here = port(&client, OPEN_PORT);
            assert_eq!(client.subscribe(other.port(0), here), Ok(()));
            assert_eq!(client.unsubscribe(other.port(0), here), Ok(()));
        }
    }

    /// Existing connections stay when capabilities go.
    fn capabilities_are_checked_once() {
        let (client, other) = (Client::with_port(), Client::with_port());
        client.subscribe(client.port(0), other.port(0)).unwrap();
        let mut info = other.port_info(other.port(0)).unwrap();
        info.capability = 0;
        other.query(s::SET_PORT_INFO, info).unwrap();
        assert_eq!(client.port_info(client.port(0)).unwrap().read_use, 1);
    }

    /// Cutting what is not connected is ENOENT.
    fn unsubscribe_without_connection_is_enoent() {
        let (client, other) = (Client::with_port(), Client::with_port());
        assert_eq!(client.unsubscribe(client.port(0), other.port(0)), Err(Errno::ENOENT));
        client.subscribe(client.port(0), other.port(0)).unwrap();
        assert_eq!(client.unsubscribe(other.port(0), client.port(0)), Err(Errno::ENOENT));
    }

    /// A third party may cut what it may connect.
    fn unsubscribe_by_a_third_party() {
        let (third, client, other) = (Client::open(), Client::with_port(), Client::with_port());
        client.subscribe(client.port(0), other.port(0)).unwrap();
        assert_eq!(third.unsubscribe(client.port(0), other.port(0)), Ok(()));
        assert_eq!(client.port_info(client.port(0)).unwrap().read_use, 0);
    }

    /// A third party may not cut what it may not connect.
    fn unsubscribe_by_a_third_party_needs_permission() {
        let (third, client, other) = (Client::open(), Client::with_port(), Client::open());
        let hidden = port(&other, OPEN_PORT | PortCaps::NO_EXPORT);
        client.subscribe(client.port(0), hidden).unwrap();
        assert_eq!(third.unsubscribe(client.port(0), hidden), Err(Errno::EPERM));
        assert_eq!(client.port_info(hidden).unwrap().write_use, 1);
    }

    /// The permission to cut is that to connect, for the participants too.
    fn unsubscribe_needs_the_permission_to_connect() {
        let (client, other) = (Client::with_port(), Client::open());
        let dest = port(&other, PortCaps::WRITE);
        other.subscribe(client.port(0), dest).unwrap();
        assert_eq!(client.unsubscribe(client.port(0), dest), Err(Errno::EPERM));
        assert_eq!(other.unsubscribe(client.port(0), dest), Ok(()));
    }

    /// UNSUBSCRIBE_PORT without flags cuts the first connection, whatever its flags.
    fn unsubscribe_without_flags_cuts_the_first() {
        let client = Client::with_port();
        let here = client.port(0);
        with_flags(&client, here, here, STAMPED, 5).unwrap();
        with_flags(&client, here, here, STAMPED, 6).unwrap();
        client.unsubscribe(here, here).unwrap();
        let left = PortSubscribe { sender: here, dest: here, ..PortSubscribe::default() };
        assert_eq!(client.query(s::GET_SUBSCRIPTION, left).unwrap().queue, 6);
    }

    /// UNSUBSCRIBE_PORT with flags cuts only a connection with these flags and this queue.
    fn unsubscribe_with_flags_cuts_that_one() {
        let client = Client::with_port();
        let here = client.port(0);
        client.subscribe(here, here).unwrap();
        assert_eq!(unsubscribe_with(&client, here, here, STAMPED.bits()), Err(Errno::ENOENT));
        with_flags(&client, here, here, STAMPED, 0).unwrap();
        assert_eq!(unsubscribe_with(&client, here, here, STAMPED.bits()), Ok(()));
        assert_eq!(client.port_info(here).unwrap().read_use, 1);
    }
}
