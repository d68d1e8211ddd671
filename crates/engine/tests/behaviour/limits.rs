//! How much there can be of each thing.

use crate::rig::{ANNOUNCE, OPEN_PORT, Rig, TestClient, at_tick, errno, key};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{
    ClientInfo, PortFlags, PortInfo, PortSubscribe, SubscriptionFlags, SystemInfo, USER_CLIENT,
};
use aseqd_abi::{Errno, EventType};
use aseqd_engine::{Access, Config, Identity};

#[test]
fn there_are_64_user_clients() {
    let mut rig = Rig::new();
    let clients: Vec<_> = (0..64).map(|_| rig.client()).collect();
    let user = Identity::User { pid: 1 };
    assert_eq!(errno(rig.engine.open(rig.now, Access::Read, user)), Errno::ENOMEM);
    let info = rig.ioctl(clients[0], s::SYSTEM_INFO, SystemInfo::default()).unwrap();
    assert_eq!(info.cur_clients, 66);
    rig.close(clients[10]);
    assert_eq!(rig.client().number, 138);
    assert!(rig.engine.open(rig.now, Access::Read, user).is_err());
}

/// Returns a rig with all the clients that its engine takes, and the clients' numbers.
fn full(clients: u8) -> (Rig, Vec<TestClient>) {
    let mut rig = Rig::with_config(Config { clients, ..Config::default() });
    let clients: Vec<_> = (0..clients).map(|_| rig.client_with_port()).collect();
    let user = Identity::User { pid: 1 };
    assert_eq!(errno(rig.engine.open(rig.now, Access::Read, user)), Errno::ENOMEM);
    (rig, clients)
}

#[test]
fn there_can_be_fewer_clients() {
    let (_, clients) = full(3);
    assert_eq!(clients.iter().map(|client| client.number).collect::<Vec<_>>(), [128, 129, 130]);
}

#[test]
fn clients_beyond_64_have_the_numbers_below_128() {
    let (mut rig, clients) = full(190);
    let numbers: Vec<_> = clients.iter().map(|client| client.number).collect();
    let expected = (128..192).chain((15..128).rev()).chain((1..14).rev());
    assert_eq!(numbers, expected.collect::<Vec<u8>>());
    let info = rig.ioctl(clients[0], s::SYSTEM_INFO, SystemInfo::default()).unwrap();
    assert_eq!((info.clients, info.cur_clients), (192, 192));
    // They are users, an enumeration finds them, and events reach them.
    let mut found = Vec::new();
    let mut client = -1;
    while let Ok(info) =
        rig.ioctl(clients[0], s::QUERY_NEXT_CLIENT, ClientInfo { client, ..ClientInfo::default() })
    {
        client = info.client;
        found.push(info.client_type);
    }
    assert_eq!(found.len(), 192);
    assert_eq!(found.iter().filter(|kind| **kind == USER_CLIENT).count(), 190);
    let (last, first) = (clients[189], clients[0]);
    rig.send(first, key(last.port(0), 60)).unwrap();
    rig.send(last, key(first.port(0), 61)).unwrap();
    assert_eq!(rig.heard(last), [(EventType::NOTEON, 60)]);
    assert_eq!(rig.heard(first), [(EventType::NOTEON, 61)]);
    // What they queue takes cells of their own pools, and goes with them.
    let queue = rig.create_queue(last).unwrap();
    rig.send(last, at_tick(key(first.port(0), 62), queue, 10)).unwrap();
    assert_eq!(rig.pool(last).unwrap().output_free, 499);
    // The first free number in that order is the next.
    rig.close(clients[100]);
    rig.close(clients[10]);
    assert_eq!(rig.client().number, clients[10].number);
    assert_eq!(rig.client().number, clients[100].number);
}

#[test]
fn the_clients_that_are_open_can_be_named() {
    let (rig, clients) = full(66);
    let open: Vec<_> = rig.engine.open_clients().collect();
    assert_eq!(open.len(), 66);
    let last = open.iter().find(|client| client.number == clients[65].number).unwrap();
    assert_eq!((last.pid, &*last.name), (1000, "Client-126"));
}

#[test]
fn there_are_254_ports_the_last_of_them_253() {
    let mut rig = Rig::new();
    let client = rig.client();
    for port in 0..254 {
        assert_eq!(rig.create_port(client, OPEN_PORT), Ok(client.port(port)));
    }
    assert_eq!(errno(rig.create_port(client, OPEN_PORT)), Errno::EINVAL);
    // The number is checked before the count.
    let flags = PortFlags::GIVEN_PORT.bits();
    let given = PortInfo { addr: client.port(5), flags, ..PortInfo::default() };
    assert_eq!(errno(rig.ioctl(client, s::CREATE_PORT, given)), Errno::EINVAL);
    rig.delete_port(client, 17).unwrap();
    assert_eq!(errno(rig.ioctl(client, s::CREATE_PORT, given)), Errno::EBUSY);
    assert_eq!(rig.create_port(client, OPEN_PORT), Ok(client.port(17)));
}

#[test]
fn there_are_32_queues_for_everybody_together() {
    let mut rig = Rig::new();
    let first = rig.client();
    let second = rig.client();
    for queue in 0..32 {
        let client = if queue % 2 == 0 { first } else { second };
        assert_eq!(rig.create_queue(client), Ok(queue));
    }
    assert_eq!(errno(rig.create_queue(first)), Errno::ENOMEM);
    rig.close(first);
    assert_eq!(rig.create_queue(second), Ok(0));
}

#[test]
fn a_port_takes_any_number_of_subscribers() {
    let mut rig = Rig::new();
    let sender = rig.client_with_port();
    let reader = rig.client();
    for port in 0..254 {
        rig.create_port(reader, OPEN_PORT).unwrap();
        rig.subscribe(reader, sender.port(0), reader.port(port)).unwrap();
    }
    rig.set_pool(reader, 0, 2000, 0).unwrap();
    rig.send(sender, key(crate::rig::SUBSCRIBERS, 1)).unwrap();
    assert_eq!(rig.receive_all(reader).len(), 254);
}

/// Linux has no such bound: see `docs/limits.md`.
#[test]
fn a_client_has_so_many_subscriptions_and_half_of_them_are_its_own() {
    let mut rig = Rig::new();
    let (victim, attacker) = (rig.client_with_port(), rig.client());
    for port in 0..254 {
        rig.create_port(attacker, OPEN_PORT).unwrap();
        for queue in 0..16 {
            // Between two ports, as many as there are queues.
            let info = PortSubscribe {
                sender: victim.port(0),
                dest: attacker.port(port),
                flags: SubscriptionFlags::TIMESTAMP.bits(),
                queue,
                ..PortSubscribe::default()
            };
            rig.ioctl(attacker, s::SUBSCRIBE_PORT, info).unwrap();
        }
    }
    // 4064 were made: no more than the 32 that are left.
    let mut made = 0;
    let errno = loop {
        let (sender, dest) = (victim.port(0), attacker.port(made));
        let info = PortSubscribe { sender, dest, ..PortSubscribe::default() };
        let info = PortSubscribe { queue: 77, flags: SubscriptionFlags::TIMESTAMP.bits(), ..info };
        match rig.ioctl(attacker, s::SUBSCRIBE_PORT, info) {
            Ok(_) => made += 1,
            Err(error) => break error.errno,
        }
    };
    assert_eq!((made, errno), (32, Errno::ENOMEM));
    let other = rig.client_with_port();
    rig.subscribe(victim, victim.port(0), other.port(0)).expect("the victim's own");
    rig.subscribe(other, other.port(0), victim.port(0)).expect("the other direction");
    rig.subscribe(attacker, ANNOUNCE, attacker.port(1))
        .expect("of the kernel's clients, any number");
    rig.close(attacker);
    rig.subscribe(other, victim.port(0), other.port(0)).expect_err("there already");
    let third = rig.client_with_port();
    rig.subscribe(third, victim.port(0), third.port(0)).expect("there is room again");
}
