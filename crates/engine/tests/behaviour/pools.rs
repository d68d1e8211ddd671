//! Output pool and input FIFO: sizes, cost of events, room, sleeping writers.

use crate::rig::{Rig, TestClient, at_tick, direct, errno, key};
use aseqd_abi::event::{EventData, EventFlags};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{ClientPool, RemoveEvents, RemoveMode};
use aseqd_abi::{Errno, Event, EventType};
use aseqd_engine::{Access, Reply};
use zerocopy::IntoBytes;

fn two() -> (Rig, TestClient, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    rig.create_queue(client).unwrap();
    (rig, client, reader)
}

fn sysex(reader: TestClient, len: u32) -> Event {
    let mut event = direct(EventType::SYSEX, reader.port(0));
    event.flags = EventFlags::VARIABLE;
    event.data = EventData::from_ext_len(len);
    event
}

/// Sends a variable event of a length.
fn send_sysex(
    rig: &mut Rig,
    client: TestClient,
    event: Event,
    len: u32,
) -> Result<usize, aseqd_engine::Error> {
    let event = Event { data: EventData::from_ext_len(len), ..event };
    rig.send_variable(client, event, &vec![7; len as usize])
}

#[test]
fn a_new_client_has_an_output_pool_that_is_not_allocated() {
    let (mut rig, client, _) = two();
    let expected = ClientPool {
        client: 128,
        output_pool: 500,
        input_pool: 200,
        input_free: 200,
        ..ClientPool::default()
    };
    assert_eq!(rig.pool(client), Ok(expected));
}

#[test]
fn the_first_write_allocates_the_pool_even_if_it_fails() {
    let (mut rig, client, _) = two();
    assert_eq!(errno(rig.write_bytes(client, b"x")), Errno::EINVAL);
    let pool = rig.pool(client).unwrap();
    assert_eq!((pool.output_room, pool.output_free), (250, 500));
}

#[test]
fn pools_follow_the_access_mode() {
    let mut rig = Rig::new();
    let reader = rig.client_with(Access::Read);
    let writer = rig.client_with(Access::Write);
    let of = |pool: ClientPool| (pool.output_pool, pool.input_pool, pool.input_free);
    assert_eq!(of(rig.pool(reader).unwrap()), (500, 200, 200));
    assert_eq!(of(rig.pool(writer).unwrap()), (500, 0, 0));
    assert_eq!(of(rig.set_pool(writer, 100, 50, 10).unwrap()), (100, 0, 0));
}

#[test]
fn the_kernels_clients_have_empty_pools_and_unknown_ones_none() {
    let mut rig = Rig::new();
    let client = rig.client();
    for number in [0, 14] {
        let asked = ClientPool { client: number, reserved: [7; 64], ..ClientPool::default() };
        let expected = ClientPool { client: number, ..ClientPool::default() };
        assert_eq!(rig.ioctl(client, s::GET_CLIENT_POOL, asked), Ok(expected));
    }
    for number in [-1, 1, 129, 192, 384, i32::MAX] {
        let asked = ClientPool { client: number, ..ClientPool::default() };
        assert_eq!(errno(rig.ioctl(client, s::GET_CLIENT_POOL, asked)), Errno::ENOENT);
        assert_eq!(errno(rig.ioctl(client, s::SET_CLIENT_POOL, asked)), Errno::EINVAL);
    }
}

#[test]
fn sizes_out_of_range_are_skipped_one_by_one() {
    let (mut rig, client, _) = two();
    let of = |pool: ClientPool| (pool.output_pool, pool.input_pool, pool.output_room);
    assert_eq!(of(rig.set_pool(client, 2001, 2001, 501).unwrap()), (500, 200, 0));
    assert_eq!(of(rig.set_pool(client, -1, -1, -1).unwrap()), (500, 200, 0));
    assert_eq!(of(rig.set_pool(client, 0, 10, 0).unwrap()), (500, 10, 0));
    assert_eq!(of(rig.set_pool(client, 3, 2000, 0).unwrap()), (3, 2000, 2));
    assert_eq!(of(rig.set_pool(client, 2001, 1, 3).unwrap()), (3, 1, 3));
    assert_eq!(of(rig.set_pool(client, 3, 0, 4).unwrap()), (3, 1, 3));
    // A new size resets the room, before the room of the same request is set.
    assert_eq!(of(rig.set_pool(client, 10, 0, 9).unwrap()), (10, 1, 9));
    assert_eq!(of(rig.set_pool(client, 20, 0, 0).unwrap()), (20, 1, 10));
}

#[test]
fn the_output_pool_cannot_change_while_a_cell_is_taken() {
    let (mut rig, client, reader) = two();
    rig.send(client, at_tick(key(reader.port(0), 1), 0, 9)).unwrap();
    assert_eq!(errno(rig.set_pool(client, 400, 0, 0)), Errno::EBUSY);
    // The same size is no change, and a refused part stops the later ones.
    assert!(rig.set_pool(client, 500, 0, 0).is_ok());
    assert_eq!(errno(rig.set_pool(client, 400, 50, 0)), Errno::EBUSY);
    assert_eq!(rig.pool(client).unwrap().input_pool, 200);
    rig.remove_output(client, RemoveMode::empty(), RemoveEvents::default());
    assert!(rig.set_pool(client, 400, 0, 0).is_ok());
}

#[test]
fn a_new_input_size_drops_unread_events_and_keeps_the_overflow() {
    let (mut rig, client, reader) = two();
    rig.set_pool(reader, 0, 3, 0).unwrap();
    for note in 0..3 {
        rig.send(client, key(reader.port(0), note)).unwrap();
    }
    rig.set_pool(reader, 0, 4, 0).unwrap();
    assert!(!rig.readable(reader));
    assert_eq!(errno(send_sysex(&mut rig, client, sysex(reader, 0), 200)), Errno::ENOMEM);
    rig.set_pool(reader, 0, 5, 0).unwrap();
    assert_eq!(errno(rig.read_bytes(reader, 28)), Errno::ENOSPC);
    assert_eq!(errno(rig.read_bytes(reader, 28)), Errno::EAGAIN);
}

#[test]
fn the_same_input_size_keeps_unread_events() {
    let (mut rig, client, reader) = two();
    rig.send(client, key(reader.port(0), 1)).unwrap();
    rig.set_pool(reader, 0, 200, 0).unwrap();
    assert!(rig.readable(reader));
}

#[test]
fn a_variable_event_costs_a_cell_more_than_its_data() {
    let (mut rig, client, reader) = two();
    for (len, cells) in [(0, 1), (1, 2), (28, 2), (29, 3), (56, 3), (1000, 37)] {
        let event = at_tick(sysex(reader, len), 0, 9);
        send_sysex(&mut rig, client, event, len).unwrap();
        assert_eq!(500 - rig.pool(client).unwrap().output_free, cells, "{len}");
        rig.remove_output(client, RemoveMode::empty(), RemoveEvents::default());
    }
}

#[test]
fn the_largest_queued_event_has_13972_bytes() {
    let (mut rig, client, reader) = two();
    let event = at_tick(sysex(reader, 0), 0, 9);
    assert_eq!(errno(send_sysex(&mut rig, client, event, 13_973)), Errno::ENOMEM);
    assert_eq!(send_sysex(&mut rig, client, event, 13_972), Ok(28 + 13_972));
    assert_eq!(rig.pool(client).unwrap().output_free, 0);
    assert_eq!(errno(send_sysex(&mut rig, client, event, 1)), Errno::EAGAIN);
}

#[test]
fn the_largest_direct_event_has_5572_bytes() {
    let (mut rig, client, reader) = two();
    let event = sysex(reader, 0);
    assert_eq!(send_sysex(&mut rig, client, event, 5572), Ok(28 + 5572));
    assert_eq!(rig.pool(reader).unwrap().input_free, 0);
    assert_eq!(rig.read_bytes(reader, 10_000).unwrap().len(), 28 + 199 * 28);
    assert_eq!(errno(send_sysex(&mut rig, client, event, 5573)), Errno::ENOMEM);
    assert!(!rig.readable(reader));
    assert_eq!(errno(rig.read_bytes(reader, 28)), Errno::ENOSPC);
}

#[test]
fn direct_events_do_not_touch_the_senders_pool() {
    let (mut rig, client, reader) = two();
    rig.set_pool(client, 1, 0, 0).unwrap();
    rig.send(client, at_tick(key(reader.port(0), 1), 0, 9)).unwrap();
    assert_eq!(errno(rig.send(client, at_tick(key(reader.port(0), 1), 0, 9))), Errno::EAGAIN);
    assert_eq!(rig.send(client, key(reader.port(0), 1)), Ok(28));
    // An event that is due at once needs no more than a free cell either.
    assert_eq!(errno(rig.send(client, at_tick(key(reader.port(0), 1), 0, 0))), Errno::EAGAIN);
}

#[test]
fn a_blocking_writer_sleeps_until_there_is_room_not_until_there_is_a_cell() {
    let (mut rig, client, reader) = two();
    rig.set_pool(client, 10, 0, 4).unwrap();
    let event = at_tick(key(reader.port(0), 1), 0, 100);
    for tag in 0..10 {
        rig.send(client, Event { tag, ..event }).unwrap();
    }
    let two_events = [event.as_bytes(), event.as_bytes()].concat();
    assert_eq!(rig.write_blocking(client, &two_events), Reply::Wait(0));
    rig.ready();
    let remove = |rig: &mut Rig, tag| {
        let info = RemoveEvents { tag, ..RemoveEvents::default() };
        rig.remove_output(client, RemoveMode::TAG_MATCH, info);
        rig.ready()
    };
    for tag in 0..3 {
        assert_eq!(remove(&mut rig, tag), [], "free: {tag}");
    }
    assert_eq!(remove(&mut rig, 3), [client.file]);
    assert_eq!(rig.write_blocking(client, &two_events), Reply::Done(56));
}

#[test]
fn a_blocking_writer_keeps_what_it_has_written() {
    let (mut rig, client, reader) = two();
    rig.set_pool(client, 3, 0, 1).unwrap();
    let event = at_tick(key(reader.port(0), 1), 0, 100);
    let five: Vec<u8> = std::iter::repeat_n(event.as_bytes(), 5).flatten().copied().collect();
    assert_eq!(rig.write_blocking(client, &five), Reply::Wait(84));
    assert_eq!(rig.status(client, 0).unwrap().events, 3);
}

#[test]
fn a_direct_event_to_a_full_reader_fails_even_for_a_blocking_writer() {
    let (mut rig, client, reader) = two();
    rig.set_pool(reader, 0, 1, 0).unwrap();
    let event = key(reader.port(0), 1);
    rig.send(client, event).unwrap();
    let reply = rig.write_blocking(client, event.as_bytes());
    assert_eq!(errno(reply.finish()), Errno::EAGAIN);
    assert!(matches!(reply, Reply::Failed(_)));
}

#[test]
fn cells_of_a_delivered_event_are_free_afterwards() {
    let (mut rig, client, reader) = two();
    for _ in 0..600 {
        rig.send(client, at_tick(key(reader.port(0), 1), 0, 0)).unwrap();
        rig.receive(reader);
    }
    assert_eq!(rig.pool(client).unwrap().output_free, 500);
    assert_eq!(rig.pool(reader).unwrap().input_free, 200);
}
