//! Enumerations: clients, ports, subscriptions.

use crate::rig::{OPEN_PORT, Rig, TestClient, errno};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{
    ClientInfo, PortCaps, PortFlags, PortInfo, PortSubscribe, QUERY_SUBS_READ, QUERY_SUBS_WRITE,
    QuerySubs, SubscriptionFlags,
};
use aseqd_abi::{Address, Errno};

fn next_client(rig: &mut Rig, caller: TestClient, after: i32) -> Result<i32, Errno> {
    let info = ClientInfo { client: after, ..ClientInfo::default() };
    let next = rig.ioctl(caller, s::QUERY_NEXT_CLIENT, info);
    next.map(|info| info.client).map_err(|error| error.errno)
}

#[test]
fn clients_are_found_in_ascending_order_the_caller_included() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.client();
    let mut found = Vec::new();
    let mut last = -1;
    while let Ok(next) = next_client(&mut rig, client, last) {
        found.push(next);
        last = next;
    }
    assert_eq!(found, [0, 14, 128, 129]);
    assert_eq!(next_client(&mut rig, client, last), Err(Errno::ENOENT));
}

#[test]
fn negative_numbers_start_from_the_beginning_and_large_ones_end() {
    let mut rig = Rig::new();
    let client = rig.client();
    for first in [-1, -2, i32::MIN] {
        assert_eq!(next_client(&mut rig, client, first), Ok(0));
    }
    for last in [128, 191, 192, 255, 256, i32::MAX] {
        assert_eq!(next_client(&mut rig, client, last), Err(Errno::ENOENT));
    }
}

#[test]
fn the_next_client_is_described_as_by_get_client_info() {
    let mut rig = Rig::new();
    let client = rig.client();
    let found = rig.ioctl(client, s::QUERY_NEXT_CLIENT, ClientInfo::default()).unwrap();
    assert_eq!(found, rig.info(client, 14).unwrap());
}

fn next_port(rig: &mut Rig, caller: TestClient, after: Address) -> Result<u8, Errno> {
    let info = PortInfo { addr: after, ..PortInfo::default() };
    let next = rig.ioctl(caller, s::QUERY_NEXT_PORT, info);
    next.map(|info| info.addr.port).map_err(|error| error.errno)
}

#[test]
fn ports_are_found_from_255_on_as_from_minus_one() {
    let mut rig = Rig::new();
    let client = rig.client();
    for port in [0, 3, 252] {
        let flags = PortFlags::GIVEN_PORT.bits();
        let info = PortInfo { addr: client.port(port), flags, ..PortInfo::default() };
        rig.ioctl(client, s::CREATE_PORT, info).unwrap();
    }
    let mut next = |after| next_port(&mut rig, client, client.port(after));
    assert_eq!(next(255), Ok(0));
    assert_eq!(next(0), Ok(3));
    assert_eq!(next(3), Ok(252));
    for last in [252, 253, 254] {
        assert_eq!(next(last), Err(Errno::ENOENT));
    }
    assert_eq!(next_port(&mut rig, client, Address::new(200, 255)), Err(Errno::ENXIO));
}

#[test]
fn inactive_ports_are_found_by_those_who_ask_for_them_only() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.create_port(client, OPEN_PORT | PortCaps::INACTIVE).unwrap();
    assert_eq!(next_port(&mut rig, client, client.port(255)), Err(Errno::ENOENT));
    let capability = PortCaps::INACTIVE.bits();
    let info = PortInfo { addr: client.port(255), capability, ..PortInfo::default() };
    let found = rig.ioctl(client, s::QUERY_NEXT_PORT, info).unwrap();
    assert_eq!(found.addr, client.port(0));
    // Its information can be read directly.
    assert!(rig.port_info(client, client.port(0)).is_ok());
}

fn subs(root: Address, query_type: i32, index: i32) -> QuerySubs {
    QuerySubs { root, query_type, index, reserved: [0x5a; 64], ..QuerySubs::default() }
}

#[test]
fn subscriptions_are_found_in_the_order_they_were_made() {
    let mut rig = Rig::new();
    let sender = rig.client_with_port();
    let readers: Vec<_> = (0..3).map(|_| rig.client_with_port()).collect();
    for reader in [readers[2], readers[0], readers[1]] {
        rig.subscribe(sender, sender.port(0), reader.port(0)).unwrap();
    }
    let pair = [sender.port(0), readers[0].port(0)];
    rig.subscribe_with(sender, pair, SubscriptionFlags::TIMESTAMP, 9).unwrap();
    let mut found = Vec::new();
    for index in 0..4 {
        let asked = subs(sender.port(0), QUERY_SUBS_READ, index);
        let info = rig.ioctl(sender, s::QUERY_SUBS, asked).unwrap();
        assert_eq!((info.num_subs, info.reserved), (4, [0x5a; 64]));
        found.push((info.addr.client, info.queue, info.flags));
    }
    assert_eq!(found, [(131, 0, 0), (129, 0, 0), (130, 0, 0), (129, 9, 2)]);
    let asked = subs(readers[0].port(0), QUERY_SUBS_WRITE, 1);
    let info = rig.ioctl(sender, s::QUERY_SUBS, asked).unwrap();
    assert_eq!((info.addr, info.num_subs, info.flags), (sender.port(0), 2, 2));
}

#[test]
fn subscriptions_past_the_end_and_of_missing_ports_are_errors() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let mut ask =
        |root, kind, index| errno(rig.ioctl(client, s::QUERY_SUBS, subs(root, kind, index)));
    let port = client.port(0);
    assert_eq!(ask(port, QUERY_SUBS_READ, 0), Errno::ENOENT);
    assert_eq!(ask(port, QUERY_SUBS_WRITE, -1), Errno::ENOENT);
    assert_eq!(ask(port, 2, 0), Errno::ENXIO);
    assert_eq!(ask(port, -1, 0), Errno::ENXIO);
    assert_eq!(ask(client.port(1), QUERY_SUBS_READ, 0), Errno::ENXIO);
    assert_eq!(ask(Address::new(200, 0), QUERY_SUBS_READ, 0), Errno::ENXIO);
}

#[test]
fn a_subscription_comes_back_whole_reserved_bytes_included() {
    let mut rig = Rig::new();
    let sender = rig.client_with_port();
    let reader = rig.client_with_port();
    let made = PortSubscribe {
        sender: sender.port(0),
        dest: reader.port(0),
        voices: 5,
        flags: 0xffff_fff8,
        queue: 3,
        pad: [1, 2, 3],
        reserved: [0x77; 64],
    };
    rig.ioctl(sender, s::SUBSCRIBE_PORT, made).unwrap();
    let asked = PortSubscribe {
        sender: made.sender,
        dest: made.dest,
        queue: 9,
        ..PortSubscribe::default()
    };
    assert_eq!(rig.ioctl(reader, s::GET_SUBSCRIPTION, asked), Ok(made));
}

#[test]
fn asking_for_a_subscription_that_is_not_there_fails() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let mut ask = |sender, dest| {
        let info = PortSubscribe { sender, dest, ..PortSubscribe::default() };
        errno(rig.ioctl(client, s::GET_SUBSCRIPTION, info))
    };
    let port = client.port(0);
    assert_eq!(ask(port, port), Errno::ENOENT);
    assert_eq!(ask(port, Address::new(200, 0)), Errno::ENOENT);
    assert_eq!(ask(client.port(1), port), Errno::EINVAL);
    assert_eq!(ask(Address::new(200, 0), port), Errno::EINVAL);
}
