//! Bugs that the Linux sequencer had, by their number in the catalogue of known bugs. The engine
//! has none of them. It has one thread, so tests of races try the orders of calls.

mod bytes;

use crate::rig::{
    OPEN_PORT, Rig, SUBSCRIBERS, THROUGH, TestClient, at_tick, at_time, direct, errno, key,
};
use aseqd_abi::event::{EventData, EventFlags};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{PortFlags, PortInfo, QueueInfo, RemoveEvents, RemoveMode};
use aseqd_abi::{Address, Errno, Event, EventType};
use aseqd_engine::{Access, Call, Input, Reply, WRITE_BATCH};
use zerocopy::IntoBytes;

fn two() -> (Rig, TestClient, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    rig.create_queue(client).unwrap();
    (rig, client, reader)
}

fn sysex(dest: Address, len: u32) -> Event {
    let mut event = direct(EventType::SYSEX, dest);
    event.flags = EventFlags::VARIABLE;
    event.data = EventData::from_ext_len(len);
    event
}

/// Creates a port with a number that the client chooses.
fn port_numbered(
    rig: &mut Rig,
    client: TestClient,
    number: u8,
) -> Result<PortInfo, aseqd_engine::Error> {
    let flags = PortFlags::GIVEN_PORT.bits();
    let capability = OPEN_PORT.bits();
    let addr = client.port(number);
    rig.ioctl(client, s::CREATE_PORT, PortInfo { addr, flags, capability, ..PortInfo::default() })
}

fn remove_input(rig: &mut Rig, client: TestClient) -> Result<RemoveEvents, aseqd_engine::Error> {
    let remove_mode = RemoveMode::INPUT.bits();
    rig.ioctl(client, s::REMOVE_EVENTS, RemoveEvents { remove_mode, ..RemoveEvents::default() })
}

#[test]
fn known_k01_an_event_to_a_missing_card_client_is_dropped_when_due() {
    let (mut rig, client, _) = two();
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    for number in 16..128 {
        rig.send(client, at_tick(key(Address::new(number, 0), 1), 0, 10)).unwrap();
    }
    rig.pass(1_000_000_000);
    assert_eq!(rig.status(client, 0).unwrap().events, 0);
    assert_eq!(rig.pool(client).unwrap().output_free, 500);
}

#[test]
fn known_k10_removing_the_input_of_a_write_only_client_does_nothing() {
    let mut rig = Rig::new();
    let client = rig.client_with(Access::Write);
    assert!(remove_input(&mut rig, client).is_ok());
}

#[test]
fn known_k12_k22_numbers_that_are_only_guessed_have_nothing_to_delete() {
    let mut rig = Rig::new();
    let client = rig.client();
    assert_eq!(errno(rig.delete_port(client, 0)), Errno::ENOENT);
    assert_eq!(errno(rig.ioctl(client, s::DELETE_QUEUE, QueueInfo::default())), Errno::EINVAL);
    let port = rig.create_port(client, OPEN_PORT).unwrap();
    rig.delete_port(client, port.port).unwrap();
    assert_eq!(rig.create_port(client, OPEN_PORT), Ok(port));
}

#[test]
fn known_k15_the_pool_that_a_first_write_allocates_can_be_resized_before_and_after() {
    let (mut rig, client, reader) = two();
    rig.set_pool(client, 10, 0, 0).unwrap();
    rig.send(client, at_tick(key(reader.port(0), 1), 0, 5)).unwrap();
    assert_eq!(errno(rig.set_pool(client, 5, 0, 0)), Errno::EBUSY);
    rig.remove_output(client, RemoveMode::empty(), RemoveEvents::default());
    let pool = rig.set_pool(client, 5, 0, 0).unwrap();
    assert_eq!((pool.output_pool, pool.output_free), (5, 5));
}

#[test]
fn known_k17_the_pool_can_be_asked_for_right_after_it_shrank() {
    let (mut rig, client, reader) = two();
    for _ in 0..200 {
        rig.send(client, key(reader.port(0), 1)).unwrap();
    }
    rig.set_pool(reader, 0, 1, 0).unwrap();
    let pool = rig.pool(reader).unwrap();
    assert_eq!((pool.input_pool, pool.input_free), (1, 1));
}

#[test]
fn known_k18_events_after_a_resize_go_into_the_new_fifo() {
    let (mut rig, client, reader) = two();
    rig.send(client, key(reader.port(0), 1)).unwrap();
    rig.set_pool(reader, 0, 2, 0).unwrap();
    rig.send(client, key(reader.port(0), 2)).unwrap();
    assert_eq!(rig.heard(reader), [(EventType::NOTEON, 2)]);
    assert_eq!(rig.pool(reader).unwrap().input_free, 2);
}

#[test]
fn known_k19_an_event_put_back_does_not_survive_a_resize() {
    let (mut rig, client, reader) = two();
    rig.send_variable(client, sysex(reader.port(0), 3), b"abc").unwrap();
    assert_eq!(errno(rig.read_bytes(reader, 28)), Errno::EAGAIN);
    rig.set_pool(reader, 0, 5, 0).unwrap();
    assert_eq!(errno(rig.read_bytes(reader, 1000)), Errno::EAGAIN);
    assert_eq!(rig.pool(reader).unwrap().input_free, 5);
    rig.send_variable(client, sysex(reader.port(0), 28 * 4), &[0; 28 * 4]).unwrap();
    assert_eq!(rig.read_bytes(reader, 1000).unwrap().len(), 140);
}

#[test]
fn known_k20_closing_with_queued_events_and_a_sleeping_write_returns() {
    let (mut rig, client, reader) = two();
    rig.set_pool(client, 2, 0, 0).unwrap();
    let event = at_tick(key(reader.port(0), 1), 0, 100);
    let three = event.as_bytes().repeat(3);
    assert_eq!(rig.write_blocking(client, &three), Reply::Wait(56));
    rig.close(client);
    let retry = Input::Call {
        file: client.file,
        call: Call::Write { data: event.as_bytes(), nonblock: false },
    };
    let reply = rig.engine.handle(rig.now, retry, &mut Vec::new());
    assert_eq!(errno(reply.finish()), Errno::EBADF);
    assert!(!rig.ready().contains(&client.file));
}

#[test]
fn known_k23_k24_a_connection_ends_once_whoever_ends_it() {
    let (mut rig, client, reader) = two();
    rig.subscribe(client, client.port(0), reader.port(0)).unwrap();
    rig.delete_port(reader, 0).unwrap();
    assert_eq!(errno(rig.unsubscribe(client, client.port(0), reader.port(0))), Errno::ENXIO);
    rig.create_port(reader, OPEN_PORT).unwrap();
    assert_eq!(errno(rig.unsubscribe(client, client.port(0), reader.port(0))), Errno::ENOENT);
    assert_eq!(rig.port_info(client, client.port(0)).unwrap().read_use, 0);
    rig.subscribe(client, client.port(0), reader.port(0)).unwrap();
    rig.close(client);
    assert_eq!(rig.port_info(reader, reader.port(0)).unwrap().write_use, 0);
}

#[test]
fn known_k25_a_port_is_deleted_once() {
    let (mut rig, client, reader) = two();
    let watcher = rig.client_with_port();
    rig.subscribe(watcher, crate::rig::ANNOUNCE, watcher.port(0)).unwrap();
    rig.delete_port(reader, 0).unwrap();
    rig.receive_all(watcher);
    assert_eq!(errno(rig.delete_port(reader, 0)), Errno::ENOENT);
    rig.close(reader);
    assert_eq!(rig.announced(watcher), [(EventType::CLIENT_EXIT, [reader.number, 0, 0, 0])]);
    assert!(rig.port_info(client, client.port(0)).is_ok());
}

#[test]
fn known_k27_a_deleted_queue_cannot_be_brought_back_by_control() {
    let (mut rig, client, reader) = two();
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    rig.send(client, at_tick(key(reader.port(0), 1), 0, 10)).unwrap();
    rig.ioctl(client, s::DELETE_QUEUE, QueueInfo::default()).unwrap();
    assert_eq!(errno(rig.control(client, EventType::START, 0, [0, 0])), Errno::EINVAL);
    assert_eq!(rig.engine.poll_timeout(), None);
    rig.pass(1_000_000_000);
    assert!(!rig.readable(reader));
    assert!(rig.engine.proc_timer().is_empty());
    assert!(!rig.engine.proc_timers().contains("queue"), "its instance is still there");
}

#[test]
fn known_k33_a_port_is_complete_when_it_is_announced() {
    let (mut rig, client, _) = two();
    let watcher = rig.client_with_port();
    rig.subscribe(watcher, crate::rig::ANNOUNCE, watcher.port(0)).unwrap();
    rig.receive_all(watcher);
    let port = rig.create_port(client, OPEN_PORT).unwrap();
    let announced = rig.receive(watcher).unwrap();
    assert_eq!(announced.data.address(), port);
    assert_eq!(rig.port_info(watcher, port).unwrap().capability, OPEN_PORT.bits());
}

#[test]
fn known_k35_an_event_put_back_into_an_empty_fifo_leaves_it_whole() {
    let (mut rig, client, reader) = two();
    for round in 0..3 {
        rig.send_variable(client, sysex(reader.port(0), 3), b"abc").unwrap();
        for _ in 0..3 {
            assert_eq!(errno(rig.read_bytes(reader, 55)), Errno::EAGAIN);
        }
        rig.send(client, key(reader.port(0), round)).unwrap();
        let read = rig.read_bytes(reader, 1000).unwrap();
        assert_eq!(read.len(), 84);
        assert_eq!(read[56 + 17], round);
    }
    assert_eq!(rig.pool(reader).unwrap().input_free, 200);
    rig.close(reader);
}

#[test]
fn known_k36_a_port_can_be_deleted_after_a_delivery_that_ended_early() {
    let (mut rig, client, reader) = two();
    rig.subscribe(client, THROUGH, THROUGH).unwrap();
    rig.subscribe(client, client.port(0), THROUGH).unwrap();
    rig.subscribe(client, client.port(0), reader.port(0)).unwrap();
    assert_eq!(errno(rig.send(client, key(SUBSCRIBERS, 1))), Errno::EMLINK);
    assert_eq!(rig.heard(reader).last(), Some(&(EventType::NOTEON, 1)));
    rig.delete_port(client, 0).unwrap();
    rig.delete_port(reader, 0).unwrap();
}

#[test]
fn known_k39_closing_does_not_wait_for_events_in_a_queue_no_longer_used() {
    let (mut rig, owner, reader) = two();
    let user = rig.client_with_port();
    rig.use_queue(user, 0, true).unwrap();
    rig.send(user, at_tick(key(reader.port(0), 1), 0, 100)).unwrap();
    rig.send(user, at_time(key(reader.port(0), 1), 0, 100, 0)).unwrap();
    rig.send(owner, at_tick(key(reader.port(0), 2), 0, 100)).unwrap();
    rig.use_queue(user, 0, false).unwrap();
    rig.close(user);
    assert_eq!(rig.status(owner, 0).unwrap().events, 1);
    rig.go_to_tick(owner, 0, 100);
    rig.dispatch(owner, 0);
    assert_eq!(rig.heard(reader), [(EventType::NOTEON, 2)]);
}

#[test]
fn known_k123_a_port_beyond_all_others_is_put_at_the_end() {
    let (mut rig, client, reader) = two();
    for number in [252, 7] {
        port_numbered(&mut rig, client, number).unwrap();
    }
    let mut next = |after: u8| {
        let info = PortInfo { addr: client.port(after), ..PortInfo::default() };
        rig.ioctl(reader, s::QUERY_NEXT_PORT, info).map(|info| info.addr.port)
    };
    assert_eq!([next(0), next(7)], [Ok(7), Ok(252)]);
    assert_eq!(errno(next(252)), Errno::ENOENT);
    assert_eq!(errno(port_numbered(&mut rig, client, 252)), Errno::EBUSY);
}

#[test]
fn known_k130_a_failure_at_a_stamping_port_is_told() {
    let (mut rig, client, reader) = two();
    rig.want_bounces(client);
    rig.set_port(reader, 0, |info| {
        info.flags = PortFlags::TIMESTAMP.bits();
        info.time_queue = 0;
    })
    .unwrap();
    rig.set_pool(reader, 0, 1, 0).unwrap();
    rig.send(client, key(reader.port(0), 1)).unwrap();
    // The writer learns of it by an error, so there is no bounce.
    assert_eq!(errno(rig.send(client, key(reader.port(0), 2))), Errno::EAGAIN);
    assert!(!rig.readable(client));
    let long = sysex(reader.port(0), 100);
    assert_eq!(errno(rig.send_variable(client, long, &[1; 100])), Errno::ENOMEM);
    // The reader learns of it at its next read.
    assert_eq!(errno(rig.read_bytes(reader, 28)), Errno::ENOSPC);
}

#[test]
fn known_k131_closing_many_ports_ends_at_once_and_the_next_open_has_the_number() {
    let (mut rig, client, reader) = two();
    for number in 1..=252 {
        port_numbered(&mut rig, client, number).unwrap();
    }
    rig.subscribe(reader, client.port(200), reader.port(0)).unwrap();
    rig.close(client);
    assert_eq!(rig.client().number, client.number);
}

#[test]
fn known_k42_k44_rings_of_ports_deliver_and_end() {
    let mut rig = Rig::new();
    let clients = [(); 9].map(|()| rig.client_with_port());
    for pair in 0..9 {
        let (from, to) = (clients[pair], clients[(pair + 1) % 9]);
        rig.subscribe(from, from.port(0), to.port(0)).unwrap();
        rig.subscribe(to, to.port(0), from.port(0)).unwrap();
    }
    for client in clients {
        rig.receive_all(client);
    }
    assert_eq!(rig.send(clients[0], key(SUBSCRIBERS, 1)), Ok(28));
    let counts = clients.map(|client| rig.heard(client).len());
    // Programs forward events themselves; the sequencer does not.
    assert_eq!(counts, [0, 1, 0, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn known_k60_one_pass_over_a_queue_is_bounded() {
    let (mut rig, client, reader) = two();
    rig.set_pool(client, 2000, 0, 0).unwrap();
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    let flood = at_tick(key(reader.port(0), 1), 0, 1).as_bytes().repeat(2000);
    assert_eq!(rig.write_bytes(client, &flood), Ok(WRITE_BATCH * 28));
    assert_eq!(rig.write_bytes(client, &flood[WRITE_BATCH * 28..]), Ok(WRITE_BATCH * 28));
    rig.now = aseqd_engine::Time::from_millis(10);
    rig.timeout();
    let text = rig.engine.proc_queues();
    assert!(text.contains("queued tick events : 1000"), "half of them is left: {text}");
    assert_eq!(rig.status(client, 0).unwrap().events, 0, "1000 by each of two calls");
}

#[test]
fn known_k61_a_giant_write_is_handled_in_slices() {
    let (mut rig, client, reader) = two();
    let giant = Event { queue: 0, ..direct(EventType::SYSTEM, reader.port(0)) };
    let giant = giant.as_bytes().repeat(100 * WRITE_BATCH);
    let mut calls = 0;
    let mut done = 0;
    while done < giant.len() {
        let input = Input::Call {
            file: client.file,
            call: Call::Write { data: &giant[done..], nonblock: true },
        };
        done += match rig.engine.handle(rig.now, input, &mut Vec::new()) {
            Reply::Done(count) | Reply::More(count) => count,
            other => panic!("{other:?}"),
        };
        calls += 1;
    }
    assert_eq!(calls, 100);
    assert_eq!(rig.pool(client).unwrap().output_free, 500);
}

#[test]
fn known_k80_a_bounce_has_no_pointer_and_is_not_bounced() {
    let (mut rig, client, reader) = two();
    rig.want_bounces(client);
    let mut event = at_tick(sysex(Address::new(200, 0), 3), 0, 0);
    event.data.0[4..].copy_from_slice(&[0xee; 8]);
    rig.send_variable(client, event, b"abc").unwrap();
    let bytes = rig.read_bytes(client, 1000).unwrap();
    assert_eq!(bytes.len(), 56);
    assert_eq!(bytes[20..28], [0; 8]);
    assert_eq!(bytes[28 + 20..], [0; 8]);
    // A bounce that fails is not bounced, and neither is one that a program sends.
    rig.set_port(client, 0, |info| info.capability = 0).unwrap();
    rig.send_variable(client, event, b"abc").unwrap();
    let forged = Event { event_type: EventType::BOUNCE, ..event };
    rig.send_variable(client, forged, b"abc").unwrap();
    assert_eq!(rig.info(reader, client.number.into()).unwrap().event_lost, 1);
    assert!(!rig.readable(client));
}

#[test]
fn known_k81_the_pointer_of_a_variable_event_is_zero_for_the_reader() {
    let (mut rig, client, reader) = two();
    let mut event = sysex(reader.port(0), 3);
    event.data.0[4..].copy_from_slice(&[0xee; 8]);
    for sent in [event, at_tick(event, 0, 0)] {
        rig.send_variable(client, sent, b"abc").unwrap();
        assert_eq!(rig.read_bytes(reader, 56).unwrap()[20..28], [0; 8]);
    }
}

#[test]
fn known_k66_k102_no_tempo_or_skew_divides_by_zero_or_stalls() {
    let (mut rig, client, reader) = two();
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    for (tempo, skew) in [(1, u32::MAX), (1, 1), (0x7fff_ffff, u32::MAX), (0x7fff_ffff, 0)] {
        rig.control(client, EventType::TEMPO, 0, [tempo, 0]).unwrap();
        rig.control(client, EventType::QUEUE_SKEW, 0, [skew, 0x10000]).unwrap();
        rig.send(client, at_tick(key(reader.port(0), 1), 0, u32::MAX)).unwrap();
        rig.pass(3_600_000_000_000);
        rig.status(client, 0).unwrap();
    }
}
