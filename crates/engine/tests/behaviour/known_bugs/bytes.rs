//! What programs write and read, piece by piece, and what belongs to a client that has gone.

use super::*;
use aseqd_abi::event::EventLength;

#[test]
fn known_k38_the_ports_of_the_system_client_are_there_and_stay() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    for port in [crate::rig::TIMER, crate::rig::ANNOUNCE, THROUGH] {
        assert!(rig.port_info(client, port).is_ok());
        let info = PortInfo { addr: port, ..PortInfo::default() };
        assert_eq!(errno(rig.ioctl(client, s::DELETE_PORT, info)), Errno::EPERM);
        rig.subscribe(client, port, client.port(0)).unwrap();
    }
    rig.receive_all(client);
    rig.send(client, key(THROUGH, 1)).unwrap();
    assert_eq!(rig.heard(client), [(EventType::NOTEON, 1)]);
}

#[test]
fn known_k41_a_pointer_to_user_memory_is_never_queued() {
    let (mut rig, client, reader) = two();
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    let mut event = at_tick(sysex(reader.port(0), 3), 0, 1);
    event.flags = EventFlags::VARUSR;
    for event_type in [EventType::SYSEX, EventType::USR_VAR0, EventType::NOTEON] {
        event.event_type = event_type;
        assert_eq!(event.flags.length(), EventLength::VARUSR);
        assert_eq!(errno(rig.send(client, event)), Errno::EINVAL);
    }
    assert_eq!(rig.status(client, 0).unwrap().events, 0);
    assert_eq!(rig.pool(client).unwrap().output_free, 500);
}

#[test]
fn known_k118_an_event_whose_data_is_incomplete_is_not_taken() {
    let (mut rig, client, reader) = two();
    for len in 1..60 {
        let event = sysex(reader.port(0), len);
        let data = vec![7; len as usize - 1];
        assert_eq!(errno(rig.send_variable(client, event, &data)), Errno::EINVAL);
        assert_eq!(errno(rig.send_variable(client, at_tick(event, 0, 9), &data)), Errno::EINVAL);
    }
    assert!(!rig.readable(reader));
    assert_eq!(rig.status(client, 0).unwrap().events, 0);
    assert_eq!(rig.pool(client).unwrap().output_free, 500);
    // The events before it are taken, and the writer is told how many.
    let (first, second) = (key(reader.port(0), 1), sysex(reader.port(0), 5));
    let bytes = [first.as_bytes(), second.as_bytes(), b"abc"].concat();
    assert_eq!(rig.write_bytes(client, &bytes), Ok(28));
    assert_eq!(rig.heard(reader), [(EventType::NOTEON, 1)]);
}

#[test]
fn known_k119_a_read_that_ends_early_returns_what_it_has_read() {
    let (mut rig, client, reader) = two();
    rig.send(client, key(reader.port(0), 1)).unwrap();
    rig.send_variable(client, sysex(reader.port(0), 100), &[7; 100]).unwrap();
    rig.send(client, key(reader.port(0), 2)).unwrap();
    // The second event does not fit, so the read ends with the first.
    assert_eq!(rig.read_bytes(reader, 28 * 4).unwrap().len(), 28);
    assert_eq!(errno(rig.read_bytes(reader, 28 * 4)), Errno::EAGAIN);
    assert_eq!(rig.read_bytes(reader, 28 * 7).unwrap().len(), 28 * 6);
    assert_eq!(rig.pool(reader).unwrap().input_free, 200);
}

#[test]
fn known_k07_the_texts_of_a_queue_whose_timer_comes_and_goes() {
    let (mut rig, client, _) = two();
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    for _ in 0..3 {
        assert!(rig.engine.proc_timer().contains("Timer for queue 0"));
        assert!(rig.engine.proc_queues().contains("queue 0"));
        rig.use_queue(client, 0, false).unwrap();
        assert!(!rig.engine.proc_timer().contains("Timer for queue 0"));
        rig.use_queue(client, 0, true).unwrap();
    }
    rig.ioctl(client, s::DELETE_QUEUE, QueueInfo::default()).unwrap();
    assert_eq!((rig.engine.proc_timer(), rig.engine.proc_queues()), (String::new(), String::new()));
}

#[test]
fn known_k133_a_text_is_read_beside_calls_that_sleep() {
    let (mut rig, client, reader) = two();
    let read = Call::Read { len: 28, nonblock: false };
    let input = Input::Call { file: reader.file, call: read };
    assert_eq!(rig.engine.handle(rig.now, input, &mut Vec::new()), Reply::Wait(0));
    rig.set_pool(reader, 0, 10, 0).unwrap();
    let text = rig.engine.proc_clients();
    assert!(text.contains(&format!("Client {}", reader.number)), "{text}");
    rig.send(client, key(reader.port(0), 1)).unwrap();
    assert_eq!(rig.ready(), [reader.file]);
}
