//! The output pool, and readiness by its room.

use crate::case::cases;
use crate::client::{Client, Mode, NOBODY, OPEN_PORT, at_tick, batch, note_on, with_pending};
use aseqd_abi::event::{EVENT_SIZE, EventData, Note};
use aseqd_abi::{Errno, Event, EventType};
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};

const ALL: PollFlags = PollFlags::all();

/// Returns which of all bits `poll` reports now.
fn polled(client: &Client) -> PollFlags {
    let mut fds = [PollFd::new(client, ALL)];
    poll(&mut fds, Some(&Timespec::default())).expect("poll");
    fds[0].revents()
}

const IN: PollFlags = PollFlags::IN.union(PollFlags::RDNORM);
const OUT: PollFlags = PollFlags::OUT.union(PollFlags::WRNORM);

cases! {
    /// The first write makes the output pool be there.
    fn the_first_write_allocates_the_pool() {
        let client = Client::with_port();
        assert_eq!((client.pool().output_room, client.pool().output_free), (0, 0));
        client.must_send(&note_on(client.port(0), 1));
        assert_eq!((client.pool().output_room, client.pool().output_free), (250, 500));
    }

    /// Even a first write that fails makes the output pool be there.
    fn a_first_write_that_fails_allocates_the_pool() {
        for bytes in [vec![0; 5], batch(&[Event::direct(EventType::KERNEL_ERROR)])] {
            let client = Client::open();
            assert_eq!(client.write(&bytes), Err(Errno::EINVAL));
            assert_eq!((client.pool().output_room, client.pool().output_free), (250, 500));
        }
    }

    /// Every event in a queue takes a cell until it is due.
    fn queued_events_take_cells() {
        let (client, queue) = with_pending(Client::with_port(), 7);
        assert_eq!(client.pool().output_free, 493);
        client.delete_queue(queue).unwrap();
        assert_eq!(client.pool().output_free, 500);
    }

    /// Direct events take no cell of the sender's.
    fn direct_events_take_no_cells() {
        let client = Client::with_port();
        client.must_send(&note_on(client.port(0), 1));
        assert_eq!((client.pool().output_free, client.pool().input_free), (500, 199));
    }

    /// 500 events fit into the output pool; one more is EAGAIN.
    fn five_hundred_events_fit() {
        let (client, queue) = with_pending(Client::with_port(), 500);
        let event = at_tick(note_on(client.port(0), 1), queue, 9);
        assert_eq!(client.send(&event), Err(Errno::EAGAIN));
        assert_eq!(client.status(queue).events, 500);
    }

    /// A write of more events than fit counts those that did.
    fn a_write_of_too_many_events_is_partial() {
        let (client, queue) = with_pending(Client::with_port(), 495);
        let event = at_tick(note_on(client.port(0), 1), queue, 9);
        assert_eq!(client.write(&batch(&[event; 10])), Ok(5 * EVENT_SIZE));
        assert_eq!(client.write(&batch(&[event; 5])), Err(Errno::EAGAIN));
    }

    /// Direct events go through when the output pool is full.
    fn direct_events_pass_a_full_pool() {
        let (client, _queue) = with_pending(Client::with_port(), 500);
        client.must_send(&note_on(client.port(0), 4));
        assert!(client.readable());
    }

    /// An event that is due at once needs a cell too.
    fn an_event_due_at_once_needs_a_cell() {
        let (client, queue) = with_pending(Client::with_port(), 500);
        assert_eq!(client.send(&at_tick(note_on(client.port(0), 1), queue, 0)), Err(Errno::EAGAIN));
    }

    /// An event that is due at once gives its cell back before the write returns.
    fn an_event_due_at_once_gives_its_cell_back() {
        let (client, queue) = with_pending(Client::with_port(), 499);
        for _ in 0..3 {
            client.must_send(&at_tick(note_on(client.port(0), 1), queue, 0));
        }
        assert_eq!((client.pool().output_free, client.events().len()), (1, 3));
    }

    /// An event that cannot be delivered gives its cell back.
    fn an_undeliverable_event_gives_its_cell_back() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(NOBODY, 1), queue, 0));
        assert_eq!(client.pool().output_free, 500);
    }

    /// A NOTE keeps one cell until its note-off is due.
    fn a_note_keeps_its_cell_for_the_note_off() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let mut event = at_tick(note_on(client.port(0), 1), queue, 0);
        event.event_type = EventType::NOTE;
        event.data = EventData::from_note(Note { duration: 50, ..Note::default() });
        client.must_send(&event);
        assert_eq!((client.pool().output_free, client.status(queue).events), (499, 1));
    }

    /// A queue's end gives the cells of other clients back.
    fn the_end_of_a_queue_frees_other_clients_cells() {
        let (owner, client) = (Client::open(), Client::with_port());
        let queue = owner.create_queue();
        client.use_queue(queue, true).unwrap();
        client.write_pending(queue, 100);
        owner.delete_queue(queue).unwrap();
        assert_eq!(client.pool().output_free, 500);
    }

    /// A full input is EAGAIN for the sender of a direct event, on a descriptor that sleeps too.
    fn a_full_input_is_eagain_without_nonblock() {
        let (reader, sender) = (Client::with_port(), Client::open_blocking(Mode::ReadWrite));
        reader.set_pool(|pool| pool.input_pool = 3).unwrap();
        for _ in 0..3 {
            sender.must_send(&note_on(reader.port(0), 1));
        }
        assert_eq!(sender.send(&note_on(reader.port(0), 1)), Err(Errno::EAGAIN));
    }

    /// Before its pool is there a client can write; nothing to read is no POLLIN.
    fn poll_of_a_new_client() {
        assert_eq!(polled(&Client::open()), OUT);
    }

    /// A client that reads only never has POLLOUT.
    fn poll_of_a_reader() {
        let (client, sender) = (Client::open_as(Mode::Read), Client::open());
        assert_eq!(polled(&client), PollFlags::empty());
        let port = client.create_port(OPEN_PORT).unwrap();
        sender.must_send(&note_on(port, 1));
        assert_eq!(polled(&client), IN);
    }

    /// A client that writes only never has POLLIN.
    fn poll_of_a_writer() {
        let client = Client::open_as(Mode::Write);
        assert_eq!(polled(&client), OUT);
        let port = client.create_port(OPEN_PORT).unwrap();
        assert_eq!(client.send(&note_on(port, 1)), Err(Errno::ENOENT));
        assert_eq!(polled(&client), OUT);
    }

    /// An unread event is POLLIN, until it is read.
    fn poll_of_an_unread_event() {
        let client = Client::with_port();
        client.must_send(&note_on(client.port(0), 1));
        assert_eq!(polled(&client), IN | OUT);
        client.events();
        assert_eq!(polled(&client), OUT);
    }

    /// POLLOUT is there while at most 250 of 500 cells are used.
    fn poll_by_the_default_room() {
        let (client, queue) = with_pending(Client::with_port(), 250);
        assert_eq!(polled(&client), OUT);
        client.write_pending(queue, 1);
        assert_eq!(polled(&client), PollFlags::empty());
    }

    /// Writes go on without POLLOUT until the pool is full.
    fn writes_go_on_without_pollout() {
        let (client, queue) = with_pending(Client::with_port(), 251);
        assert!(!client.writable());
        client.write_pending(queue, 249);
    }

    /// POLLOUT follows the room that is set.
    fn poll_by_a_room_that_is_set() {
        let (client, queue) = with_pending(Client::with_port(), 1);
        client.set_pool(|pool| pool.output_room = 500).unwrap();
        assert!(!client.writable());
        client.set_pool(|pool| pool.output_room = 499).unwrap();
        assert!(client.writable());
        client.set_pool(|pool| pool.output_room = 1).unwrap();
        client.write_pending(queue, 498);
        assert!(client.writable());
        client.write_pending(queue, 1);
        assert!(!client.writable());
    }

    /// With the room of the whole pool POLLOUT means that no event waits, note-offs included.
    fn poll_by_the_whole_pool_waits_for_note_offs() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.set_pool(|pool| (pool.output_pool, pool.output_room) = (10, 10)).unwrap();
        let mut event = at_tick(note_on(client.port(0), 1), queue, 0);
        event.event_type = EventType::NOTE;
        event.data = EventData::from_note(Note { duration: 40, ..Note::default() });
        client.start(queue);
        client.must_send(&event);
        assert!(!client.writable());
        crate::client::wait_until("the note-off is gone", || client.writable());
        assert_eq!(client.types().last(), Some(&EventType::NOTEOFF));
    }

    /// An overflow without unread events is no POLLIN.
    fn poll_of_an_overflow_without_events() {
        let client = Client::with_port();
        let event = crate::client::variable(EventType::SYSEX, client.port(0), 5573);
        assert_eq!(client.send_variable(&event, &[0; 5573]), Err(Errno::ENOMEM));
        assert_eq!(polled(&client), OUT);
    }

    /// A poll that waits ends when an event arrives.
    fn poll_wakes_on_an_event() {
        let (client, sender) = (Client::with_port(), Client::open());
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let mut fds = [PollFd::new(&client, PollFlags::IN)];
                let patience = Timespec::try_from(crate::client::PATIENCE).unwrap();
                poll(&mut fds, Some(&patience)).map(|_| fds[0].revents())
            });
            std::thread::yield_now();
            sender.must_send(&note_on(client.port(0), 1));
            assert_eq!(waiter.join().unwrap(), Ok(PollFlags::IN));
        });
    }

    /// A poll for room ends when enough events of a queue are due.
    fn poll_wakes_on_room() {
        let (client, queue) = with_pending(Client::with_port(), 300);
        assert!(!client.writable());
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| client.poll_for(crate::client::PATIENCE));
            std::thread::yield_now();
            client.delete_queue(queue).unwrap();
            assert_eq!(waiter.join().unwrap(), PollFlags::OUT);
        });
    }

    /// An epoll that waits tells of an event, once per event when edge-triggered.
    fn epoll_tells_of_every_event_at_its_edge() {
        let client = Client::with_port();
        let watch = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&watch, &client, epoll::EventData::new_u64(7), flags).unwrap();
        let ready = |patient: bool| {
            let timeout = Timespec { tv_sec: if patient { 5 } else { 0 }, tv_nsec: 0 };
            let mut events = Vec::with_capacity(4);
            epoll::wait(&watch, rustix::buffer::spare_capacity(&mut events), Some(&timeout))
                .unwrap()
        };
        assert_eq!(ready(false), 0);
        for note in 0..3 {
            client.must_send(&note_on(client.port(0), note));
            assert_eq!(ready(true), 1);
            assert_eq!(ready(false), 0);
        }
    }

    /// A level-triggered epoll tells of unread events as long as there are.
    fn epoll_tells_of_unread_events() {
        let client = Client::with_port();
        let watch = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let data = epoll::EventData::new_u64(7);
        epoll::add(&watch, &client, data, epoll::EventFlags::IN).unwrap();
        let ready = |seconds: i64| {
            let mut events = Vec::with_capacity(4);
            let timeout = Timespec { tv_sec: seconds, tv_nsec: 0 };
            epoll::wait(&watch, rustix::buffer::spare_capacity(&mut events), Some(&timeout))
                .unwrap()
        };
        client.must_send(&note_on(client.port(0), 1));
        assert_eq!((ready(5), ready(0)), (1, 1));
        client.events();
        assert_eq!(ready(0), 0);
    }
}
