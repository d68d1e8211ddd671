//! `write`: records, lengths, types, and what it returns.

use crate::rig::{Rig, SUBSCRIBERS, TestClient, at_tick, direct, errno, key};
use aseqd_abi::event::{EventData, EventFlags};
use aseqd_abi::{Address, Errno, Event, EventType};
use aseqd_engine::{Access, Call, Input, Reply, WRITE_BATCH};
use zerocopy::IntoBytes;

fn two() -> (Rig, TestClient, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    (rig, client, reader)
}

fn with_length(mut event: Event, length: u8, len: u32) -> Event {
    event.flags = EventFlags::from_bits_retain(length << 2);
    event.data = EventData::from_ext_len(len);
    event
}

#[test]
fn less_than_a_record_is_einval() {
    let (mut rig, client, _) = two();
    for len in [0, 1, 27] {
        assert_eq!(errno(rig.write_bytes(client, &vec![0; len])), Errno::EINVAL);
    }
}

#[test]
fn trailing_bytes_short_of_a_record_are_not_counted() {
    let (mut rig, client, reader) = two();
    let mut bytes = Vec::new();
    for note in 0..3 {
        bytes.extend_from_slice(key(reader.port(0), note).as_bytes());
    }
    bytes.extend_from_slice(&[1; 6]);
    assert_eq!(rig.write_bytes(client, &bytes), Ok(84));
    assert_eq!(rig.receive_all(reader).len(), 3);
}

#[test]
fn a_bad_second_record_shows_at_the_next_write() {
    let (mut rig, client, reader) = two();
    let good = key(reader.port(0), 1);
    let bad = key(Address::new(200, 0), 1);
    let bytes = [good.as_bytes(), bad.as_bytes(), good.as_bytes()].concat();
    assert_eq!(rig.write_bytes(client, &bytes), Ok(28));
    assert_eq!(errno(rig.write_bytes(client, &bytes[28..])), Errno::ENOENT);
    assert_eq!(rig.write_bytes(client, &bytes[56..]), Ok(28));
    assert_eq!(rig.receive_all(reader).len(), 2);
}

#[test]
fn the_source_client_is_the_writer_and_the_source_port_is_not_looked_at() {
    let (mut rig, client, reader) = two();
    let mut event = key(reader.port(0), 1);
    event.source = Address::new(0, 77);
    rig.send(client, event).unwrap();
    assert_eq!(rig.receive(reader).unwrap().source, client.port(77));
}

#[test]
fn what_is_received_is_what_was_sent_time_tag_and_unknown_flags_included() {
    let (mut rig, client, reader) = two();
    let event = Event {
        flags: EventFlags::from_bits_retain(0xf3),
        tag: 0xab,
        time: aseqd_abi::event::EventTime::real(5, u32::MAX),
        data: EventData([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ..direct(EventType::CONTROLLER, reader.port(0))
    };
    rig.send(client, event).unwrap();
    assert_eq!(rig.receive(reader), Some(Event { source: client.port(0), ..event }));
}

#[test]
fn every_type_below_150_passes_but_the_variable_ones_and_note() {
    let (mut rig, client, reader) = two();
    for number in 0..=255 {
        let result = rig.send(client, direct(EventType(number), reader.port(0)));
        let passed = match number {
            5 | 130..=139 | 150..=254 => {
                assert_eq!(errno(result), Errno::EINVAL, "{number}");
                0
            }
            255 => {
                assert_eq!(result, Ok(28));
                0
            }
            _ => {
                assert_eq!(result, Ok(28), "{number}");
                1
            }
        };
        assert_eq!(rig.receive_all(reader).len(), passed, "{number}");
    }
}

#[test]
fn none_is_swallowed_wherever_it_goes() {
    let (mut rig, client, _) = two();
    for dest in [Address::new(200, 0), Address::new(255, 255)] {
        for queue in [0, 31, 253, 254, 255] {
            let event = Event { queue, ..direct(EventType::NONE, dest) };
            assert_eq!(rig.send(client, event), Ok(28));
        }
    }
    // Its length bits are checked all the same.
    let event = with_length(direct(EventType::NONE, client.port(0)), 1, 0);
    assert_eq!(errno(rig.send(client, event)), Errno::EINVAL);
}

#[test]
fn variable_length_and_variable_types_go_together() {
    let (mut rig, client, reader) = two();
    for number in [129, 130, 139, 140] {
        let event = with_length(direct(EventType(number), reader.port(0)), 1, 3);
        let result = rig.send_variable(client, event, b"abc");
        if (130..140).contains(&number) {
            assert_eq!(result, Ok(31));
        } else {
            assert_eq!(errno(result), Errno::EINVAL);
        }
    }
}

#[test]
fn the_data_must_be_there_as_a_whole() {
    let (mut rig, client, reader) = two();
    let event = with_length(direct(EventType::SYSEX, reader.port(0)), 1, 3);
    assert_eq!(errno(rig.send_variable(client, event, b"ab")), Errno::EINVAL);
    for len in [0x3fff_fffe, 0x3fff_ffff, u32::MAX] {
        let event = with_length(event, 1, len);
        assert_eq!(errno(rig.send_variable(client, event, b"abc")), Errno::EINVAL);
    }
}

#[test]
fn records_follow_variable_data_without_padding() {
    let (mut rig, client, reader) = two();
    let sysex = with_length(direct(EventType::SYSEX, reader.port(0)), 1, 3);
    let note = key(reader.port(0), 1);
    let bytes = [note.as_bytes(), sysex.as_bytes(), b"abc", note.as_bytes()].concat();
    assert_eq!(rig.write_bytes(client, &bytes), Ok(87));
    assert_eq!(rig.read_bytes(reader, 1000).unwrap().len(), 28 * 4);
}

#[test]
fn the_two_top_bits_of_a_length_are_ignored() {
    let (mut rig, client, reader) = two();
    let event = with_length(direct(EventType::SYSEX, reader.port(0)), 1, 0xc000_0003);
    assert_eq!(rig.send_variable(client, event, b"abc"), Ok(31));
    let read = rig.read_bytes(reader, 56).unwrap();
    assert_eq!(read[16..28], [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn length_bits_11_pass_as_fixed() {
    let (mut rig, client, reader) = two();
    for number in [6, 130, 131] {
        let event = with_length(direct(EventType(number), reader.port(0)), 3, 1000);
        assert_eq!(rig.send(client, event), Ok(28));
        assert_eq!(rig.receive(reader).unwrap().data, event.data);
    }
}

#[test]
fn varusr_passes_its_pointer_on_and_cannot_be_queued() {
    let (mut rig, client, reader) = two();
    rig.create_queue(client).unwrap();
    rig.subscribe(client, client.port(0), reader.port(0)).unwrap();
    rig.receive_all(reader);
    let mut event = with_length(direct(EventType::SYSEX, reader.port(0)), 2, 5);
    event.data.0[4..].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
    for sent in [event, Event { dest: SUBSCRIBERS, ..event }] {
        assert_eq!(rig.send(client, sent), Ok(28));
        assert_eq!(rig.receive(reader).unwrap().data, event.data);
    }
    for queue in [0, 254, 255] {
        assert_eq!(errno(rig.send(client, Event { queue, ..event })), Errno::EINVAL);
    }
}

#[test]
fn queues_that_do_not_exist_or_are_not_used_are_einval() {
    let (mut rig, client, reader) = two();
    rig.create_queue(reader).unwrap();
    for queue in [0, 1, 31, 32, 100, 252, 255] {
        let event = Event { queue, ..key(reader.port(0), 1) };
        assert_eq!(errno(rig.send(client, event)), Errno::EINVAL, "{queue}");
    }
}

#[test]
fn events_to_subscribers_need_their_source_port_unless_the_queue_byte_says_so() {
    let (mut rig, client, _) = two();
    rig.create_queue(client).unwrap();
    let from = |port, queue| Event { source: Address::new(0, port), queue, ..key(SUBSCRIBERS, 1) };
    for queue in [0, 253] {
        assert_eq!(rig.send(client, from(0, queue)), Ok(28));
        assert_eq!(errno(rig.send(client, from(9, queue))), Errno::EINVAL);
    }
    // Queue 254 means the subscribers, whatever the destination. Without the port there are none.
    for dest in [SUBSCRIBERS, client.port(0)] {
        assert_eq!(rig.send(client, Event { dest, ..from(9, 254) }), Ok(28));
        assert_eq!(rig.send(client, Event { dest, ..from(0, 254) }), Ok(28));
    }
    assert!(!rig.readable(client));
}

#[test]
fn the_destination_is_not_looked_at_when_queueing() {
    let (mut rig, client, _) = two();
    rig.create_queue(client).unwrap();
    for dest in [Address::new(200, 0), Address::new(255, 0), Address::new(0, 1)] {
        assert_eq!(rig.send(client, at_tick(key(dest, 1), 0, 9)), Ok(28));
        assert_eq!(rig.send(client, at_tick(key(dest, 1), 0, 0)), Ok(28));
    }
}

#[test]
fn a_read_only_file_cannot_write() {
    let mut rig = Rig::new();
    let client = rig.client_with(Access::Read);
    assert_eq!(errno(rig.write_bytes(client, &[0; 28])), Errno::ENXIO);
    assert_eq!(rig.pool(client).unwrap().output_free, 0);
}

#[test]
fn a_long_write_is_handled_in_turns() {
    let (mut rig, client, reader) = two();
    let bytes = direct(EventType::NONE, reader.port(0)).as_bytes().repeat(WRITE_BATCH + 5);
    let mut write = |data: &[u8]| {
        let input = Input::Call { file: client.file, call: Call::Write { data, nonblock: true } };
        rig.engine.handle(rig.now, input, &mut Vec::new())
    };
    assert_eq!(write(&bytes), Reply::More(WRITE_BATCH * 28));
    assert_eq!(write(&bytes[WRITE_BATCH * 28..]), Reply::Done(5 * 28));
    assert_eq!(write(&bytes[5 * 28..]), Reply::Done(WRITE_BATCH * 28));
}
