//! Cells of pools: what a packet and the data of a legacy event take, and what happens if there is none.

use crate::case::cases;
use crate::client::{
    Client, MIDI1, MIDI2, Mode, NOTE1, OPEN_PORT, UMP_SIZE, packet, packet_at_tick, variable,
};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::{Errno, EventType};
use rustix::event::PollFlags;

cases! {
    /// A packet in a queue takes one cell of its writer's pool.
    fn a_queued_packet_takes_a_cell() {
        let client = Client::midi(MIDI2);
        let queue = client.create_queue();
        for used in 1..=5 {
            client.must_send_ump(&packet_at_tick(packet(client.port(0), &NOTE1), queue, 10));
            assert_eq!(client.pool().output_free, 500 - used);
        }
    }

    /// A packet of four words takes one cell too.
    fn four_words_take_a_cell() {
        let client = Client::midi(MIDI2);
        let queue = client.create_queue();
        let event = packet(client.port(0), &[0xf000_0101, 1, 2, 3]);
        client.must_send_ump(&packet_at_tick(event, queue, 10));
        assert_eq!(client.pool().output_free, 499);
    }

    /// A packet takes one cell of the reader's FIFO until it is read.
    fn a_packet_takes_a_cell_of_the_fifo() {
        let client = Client::midi(MIDI1);
        client.must_send_packet(client.port(0), &NOTE1);
        client.must_send_packet(client.port(0), &NOTE1);
        assert_eq!(client.pool().input_free, 198);
        assert_eq!(client.read(UMP_SIZE).unwrap().len(), UMP_SIZE);
        assert_eq!(client.pool().input_free, 199);
    }

    /// Data takes a cell for every 28 bytes, as at a legacy client.
    fn data_takes_cells_by_its_length() {
        for (len, cells) in [(0, 1), (1, 2), (27, 2), (28, 2), (29, 3), (32, 3), (56, 3), (57, 4), (100, 5)] {
            let client = Client::midi(MIDI1);
            let event = variable(EventType::BOUNCE, client.port(0), len);
            assert_eq!(client.send_variable(&event, &vec![1; len]), Ok(EVENT_SIZE + len));
            assert_eq!(200 - client.pool().input_free, cells, "length {len}");
        }
    }

    /// SysEx takes a cell for each of its packets.
    fn sysex_takes_a_cell_a_packet() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI1));
        let bytes = [&[0xf0][..], &[1; 60], &[0xf7]].concat();
        let event = variable(EventType::SYSEX, reader.port(0), bytes.len());
        assert_eq!(sender.send_variable(&event, &bytes), Ok(EVENT_SIZE + bytes.len()));
        assert_eq!(reader.pool().input_free, 190);
    }

    /// The pools of a UMP client have the size of others.
    fn pools_have_the_usual_size() {
        let client = Client::midi(MIDI2);
        client.must_send_packet(client.port(0), &NOTE1);
        let pool = client.pool();
        assert_eq!((pool.output_pool, pool.input_pool, pool.output_room), (500, 200, 250));
    }

    /// A full FIFO is EAGAIN for a packet; then the reader gets ENOSPC once.
    fn a_full_fifo_is_eagain() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI1));
        for _ in 0..200 {
            sender.must_send_packet(reader.port(0), &NOTE1);
        }
        assert_eq!(sender.send_ump(&packet(reader.port(0), &NOTE1)), Err(Errno::EAGAIN));
        assert_eq!(reader.read(UMP_SIZE), Err(Errno::ENOSPC));
        assert_eq!(reader.read(UMP_SIZE), Err(Errno::EAGAIN));
        sender.must_send_packet(reader.port(0), &NOTE1);
        assert_eq!(reader.packets(), [NOTE1]);
    }

    /// A full FIFO of a legacy client is EAGAIN for a packet that is converted.
    fn a_full_legacy_fifo_is_eagain() {
        let (sender, reader) = (Client::midi(MIDI1), Client::with_port());
        reader.set_pool(|pool| pool.input_pool = 2).unwrap();
        for _ in 0..2 {
            sender.must_send_packet(reader.port(0), &NOTE1);
        }
        assert_eq!(sender.send_ump(&packet(reader.port(0), &NOTE1)), Err(Errno::EAGAIN));
        assert_eq!(reader.read(EVENT_SIZE), Err(Errno::ENOSPC));
    }

    /// If a packet becomes two events and there is room for one, the write is EAGAIN and the reader loses all.
    fn half_a_conversion_overflows() {
        let (sender, reader) = (Client::midi(MIDI2), Client::with_port());
        reader.set_pool(|pool| pool.input_pool = 1).unwrap();
        let event = packet(reader.port(0), &[0x40c0_0001, 0x2a00_0305]);
        assert_eq!(sender.send_ump(&event), Err(Errno::EAGAIN));
        assert_eq!(reader.read(EVENT_SIZE), Err(Errno::ENOSPC));
        assert_eq!(reader.read(EVENT_SIZE), Err(Errno::EAGAIN));
    }

    /// A packet that vanishes needs no room.
    fn a_packet_that_vanishes_needs_no_room() {
        let (sender, reader) = (Client::midi(MIDI2), Client::with_port());
        reader.set_pool(|pool| pool.input_pool = 1).unwrap();
        sender.must_send_packet(reader.port(0), &NOTE1);
        sender.must_send_packet(reader.port(0), &[0xf000_0101, 0, 0, 0]);
        assert_eq!(reader.types(), [EventType::NOTEON]);
    }

    /// A full output pool is EAGAIN for a packet of a non-blocking writer.
    fn a_full_pool_is_eagain() {
        let client = Client::midi(MIDI1);
        client.set_pool(|pool| pool.output_pool = 3).unwrap();
        let queue = client.create_queue();
        let event = packet_at_tick(packet(client.port(0), &NOTE1), queue, 10);
        for _ in 0..3 {
            client.must_send_ump(&event);
        }
        assert_eq!(client.send_ump(&event), Err(Errno::EAGAIN));
        assert!(!client.writable());
    }

    /// A write of several packets returns those for which there was room.
    fn a_write_returns_what_found_room() {
        let client = Client::midi(MIDI1);
        client.set_pool(|pool| pool.output_pool = 3).unwrap();
        let queue = client.create_queue();
        let event = packet_at_tick(packet(client.port(0), &NOTE1), queue, 10);
        let bytes = zerocopy::IntoBytes::as_bytes(&[event; 5]).to_vec();
        assert_eq!(client.write(&bytes), Ok(3 * UMP_SIZE));
    }

    /// A writer that blocks waits until packets leave the queue.
    fn a_blocking_writer_waits_for_room() {
        let owner = Client::midi(MIDI1);
        let queue = owner.create_queue();
        let client = Client::open_blocking(Mode::ReadWrite);
        client.need_ump();
        assert_eq!(client.set_midi(MIDI1), Ok(()));
        client.create_port(OPEN_PORT).unwrap();
        client.set_pool(|pool| pool.output_pool = 2).unwrap();
        assert_eq!(client.use_queue(queue, true), Ok(()));
        let event = packet_at_tick(packet(owner.port(0), &NOTE1), queue, 10);
        let bytes = zerocopy::IntoBytes::as_bytes(&[event; 4]).to_vec();
        let writer = std::thread::spawn(move || client.write(&bytes).map(|written| (written, client)));
        crate::client::wait_until("two wait", || owner.status(queue).events == 2);
        owner.move_to_tick(queue, 10);
        let (written, _client) = writer.join().expect("no panic").unwrap();
        assert_eq!(written, 4 * UMP_SIZE);
        owner.dispatch(queue);
        assert_eq!(owner.packets().len(), 4);
    }

    /// Room in the pool is told by poll as for legacy events.
    fn poll_tells_of_room() {
        let client = Client::midi(MIDI1);
        client.set_pool(|pool| {
            pool.output_pool = 4;
            pool.output_room = 2;
        }).unwrap();
        let queue = client.create_queue();
        let event = packet_at_tick(packet(client.port(0), &NOTE1), queue, 10);
        let mut told = Vec::new();
        for _ in 0..4 {
            client.must_send_ump(&event);
            told.push(client.poll().contains(PollFlags::OUT));
        }
        assert_eq!(told, [true, true, false, false]);
    }

    /// A change of the MIDI version leaves what waits in the pools.
    fn a_switch_leaves_the_pools() {
        let client = Client::midi(MIDI1);
        let queue = client.create_queue();
        client.must_send_ump(&packet_at_tick(packet(client.port(0), &NOTE1), queue, 10));
        client.must_send_packet(client.port(0), &NOTE1);
        for version in [0, MIDI2] {
            assert_eq!(client.set_midi(version), Ok(()));
            assert_eq!((client.pool().output_free, client.pool().input_free), (499, 199));
        }
    }

    /// The largest data that fits into an empty FIFO of 200 cells is the same as for a legacy client.
    fn the_largest_data() {
        let client = Client::midi(MIDI1);
        let len = 199 * 28;
        let event = variable(EventType::BOUNCE, client.port(0), len);
        assert_eq!(client.send_variable(&event, &vec![1; len]), Ok(EVENT_SIZE + len));
        assert_eq!(client.ump_received()[0].data.len(), len);
        let event = variable(EventType::BOUNCE, client.port(0), len + 1);
        assert_eq!(client.send_variable(&event, &vec![1; len + 1]), Err(Errno::ENOMEM));
    }
}
