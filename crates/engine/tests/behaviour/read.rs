//! `read`: whole events, overflow, sleeping.

use crate::rig::{Rig, TestClient, direct, errno, key};
use aseqd_abi::event::{EventData, EventFlags};
use aseqd_abi::{Errno, Event, EventType};
use aseqd_engine::{Access, Call, Input, Reply};

fn two() -> (Rig, TestClient, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    (rig, client, reader)
}

fn send_sysex(rig: &mut Rig, client: TestClient, reader: TestClient, data: &[u8]) {
    let mut event = direct(EventType::SYSEX, reader.port(0));
    event.flags = EventFlags::VARIABLE;
    event.data = EventData::from_ext_len(u32::try_from(data.len()).unwrap());
    assert_eq!(rig.send_variable(client, event, data), Ok(28 + data.len()));
}

#[test]
fn nothing_to_read_is_eagain_or_sleep() {
    let (mut rig, _, reader) = two();
    assert_eq!(errno(rig.read_bytes(reader, 28)), Errno::EAGAIN);
    let input = Input::Call { file: reader.file, call: Call::Read { len: 28, nonblock: false } };
    assert_eq!(rig.engine.handle(rig.now, input, &mut Vec::new()), Reply::Wait(0));
}

#[test]
fn a_sleeping_reader_is_woken_by_an_event() {
    let (mut rig, client, reader) = two();
    rig.ready();
    rig.send(client, key(reader.port(0), 1)).unwrap();
    assert_eq!(rig.ready(), [reader.file]);
    assert_eq!(rig.ready(), []);
}

#[test]
fn a_buffer_below_a_record_reads_nothing() {
    let (mut rig, client, reader) = two();
    for len in [0, 1, 27] {
        assert_eq!(rig.read_bytes(reader, len), Ok(vec![]), "empty");
    }
    rig.send(client, key(reader.port(0), 1)).unwrap();
    for len in [0, 1, 27] {
        assert_eq!(rig.read_bytes(reader, len), Ok(vec![]));
    }
    assert!(rig.readable(reader));
}

#[test]
fn one_read_takes_as_many_events_as_fit() {
    let (mut rig, client, reader) = two();
    for note in 0..5 {
        rig.send(client, key(reader.port(0), note)).unwrap();
    }
    for (len, read) in [(55, 28), (56, 56), (1000, 56)] {
        assert_eq!(rig.read_bytes(reader, len).unwrap().len(), read);
    }
    assert!(!rig.readable(reader));
}

#[test]
fn variable_data_is_padded_with_zeros_to_whole_records() {
    let (mut rig, client, reader) = two();
    for (len, total) in [(0, 28), (1, 56), (28, 56), (29, 84)] {
        send_sysex(&mut rig, client, reader, &vec![7; len]);
        let read = rig.read_bytes(reader, 1000).unwrap();
        assert_eq!(read.len(), total);
        assert_eq!(read[16..20], u32::try_from(len).unwrap().to_ne_bytes());
        assert_eq!(read[20..28], [0; 8]);
        assert!(read[28..28 + len].iter().all(|byte| *byte == 7));
        assert!(read[28 + len..].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn a_variable_event_that_does_not_fit_stays() {
    let (mut rig, client, reader) = two();
    send_sysex(&mut rig, client, reader, b"abc");
    for len in [28, 55] {
        assert_eq!(errno(rig.read_bytes(reader, len)), Errno::EAGAIN);
        let input = Input::Call { file: reader.file, call: Call::Read { len, nonblock: false } };
        let reply = rig.engine.handle(rig.now, input, &mut Vec::new());
        assert!(matches!(reply, Reply::Failed(error) if error.errno == Errno::EAGAIN));
    }
    assert_eq!(rig.read_bytes(reader, 56).unwrap().len(), 56);
}

#[test]
fn events_before_one_that_does_not_fit_are_read() {
    let (mut rig, client, reader) = two();
    rig.send(client, key(reader.port(0), 1)).unwrap();
    send_sysex(&mut rig, client, reader, b"abc");
    assert_eq!(rig.read_bytes(reader, 83).unwrap().len(), 28);
    assert_eq!(errno(rig.read_bytes(reader, 55)), Errno::EAGAIN);
    assert_eq!(rig.read_bytes(reader, 83).unwrap().len(), 56);
}

#[test]
fn after_an_overflow_everything_unread_is_gone() {
    let (mut rig, client, reader) = two();
    rig.set_pool(reader, 0, 3, 0).unwrap();
    for note in 0..3 {
        assert_eq!(rig.send(client, key(reader.port(0), note)), Ok(28));
    }
    assert_eq!(errno(rig.send(client, key(reader.port(0), 3))), Errno::EAGAIN);
    assert!(rig.readable(reader));
    assert_eq!(errno(rig.read_bytes(reader, 0)), Errno::ENOSPC);
    assert_eq!(errno(rig.read_bytes(reader, 28)), Errno::EAGAIN);
    assert_eq!(rig.send(client, key(reader.port(0), 4)), Ok(28));
    assert_eq!(rig.heard(reader), [(EventType::NOTEON, 4)]);
    assert_eq!(rig.info(reader, 129).unwrap().event_lost, 0);
}

#[test]
fn an_overflow_is_told_even_after_the_reader_made_room_elsewhere() {
    let (mut rig, client, reader) = two();
    rig.set_pool(reader, 0, 1, 0).unwrap();
    rig.send(client, key(reader.port(0), 1)).unwrap();
    assert!(rig.send(client, key(reader.port(0), 2)).is_err());
    assert_eq!(errno(rig.read_bytes(reader, 28)), Errno::ENOSPC);
    assert_eq!(errno(rig.read_bytes(reader, 28)), Errno::EAGAIN);
}

#[test]
fn removing_the_input_clears_events_and_overflow() {
    let (mut rig, client, reader) = two();
    rig.set_pool(reader, 0, 1, 0).unwrap();
    rig.send(client, key(reader.port(0), 1)).unwrap();
    assert!(rig.send(client, key(reader.port(0), 2)).is_err());
    let info = aseqd_abi::seq::RemoveEvents {
        remove_mode: (aseqd_abi::seq::RemoveMode::INPUT | aseqd_abi::seq::RemoveMode::EVENT_TYPE)
            .bits(),
        event_type: 99,
        ..aseqd_abi::seq::RemoveEvents::default()
    };
    rig.ioctl(reader, aseqd_abi::ioctl::sequencer::REMOVE_EVENTS, info).unwrap();
    assert_eq!(errno(rig.read_bytes(reader, 28)), Errno::EAGAIN);
    assert_eq!(rig.pool(reader).unwrap().input_free, 1);
}

#[test]
fn reading_gives_cells_back() {
    let (mut rig, client, reader) = two();
    send_sysex(&mut rig, client, reader, &[0; 100]);
    rig.send(client, key(reader.port(0), 1)).unwrap();
    assert_eq!(rig.pool(reader).unwrap().input_free, 200 - 5 - 1);
    assert_eq!(rig.read_bytes(reader, 140).unwrap().len(), 140);
    assert_eq!(rig.pool(reader).unwrap().input_free, 199);
}

#[test]
fn a_write_only_file_cannot_read() {
    let mut rig = Rig::new();
    let client = rig.client_with(Access::Write);
    assert_eq!(errno(rig.read_bytes(client, 28)), Errno::ENXIO);
}

#[test]
fn received_records_name_the_port_that_got_them() {
    let (mut rig, client, reader) = two();
    let second = rig.create_port(reader, crate::rig::OPEN_PORT).unwrap();
    rig.subscribe(client, client.port(0), second).unwrap();
    rig.receive_all(reader);
    rig.send(client, key(crate::rig::SUBSCRIBERS, 1)).unwrap();
    let event: Event = rig.receive(reader).unwrap();
    assert_eq!((event.dest, event.queue), (second, 253));
}
