//! What becomes of waiting events when clients and queues end.

use crate::case::{cases, skip};
use crate::client::{Client, OPEN_PORT, at_tick, note_on, wait_until};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::{Errno, EventType as T};

/// Closes a client and waits until it is gone.
fn close(client: Client, witness: &Client) {
    let id = client.id;
    drop(client);
    wait_until("the client is gone", || witness.client_info(id.into()) == Err(Errno::ENOENT));
}

/// Returns an owner of a queue, and a user of it with a port.
fn shared() -> (Client, Client, u8) {
    let (owner, user) = (Client::with_port(), Client::with_port());
    let queue = owner.create_queue();
    assert_eq!(user.use_queue(queue, true), Ok(()));
    (owner, user, queue)
}

cases! {
    /// A closed client's waiting events are gone, and never arrive.
    fn events_of_a_closed_client_are_gone() {
        let (owner, user, queue) = shared();
        user.must_send(&at_tick(note_on(owner.port(0), 1), queue, 10));
        close(user, &owner);
        owner.wait_queue_empty(queue);
        owner.move_to_tick(queue, 10);
        assert_eq!(owner.types(), []);
    }

    /// Events that wait for a closed client in a queue that it used are gone, with cells back.
    fn events_to_a_closed_user_are_gone() {
        let (owner, user, queue) = shared();
        owner.must_send(&at_tick(note_on(user.port(0), 1), queue, 10));
        owner.must_send(&at_tick(note_on(owner.port(0), 2), queue, 10));
        close(user, &owner);
        wait_until("one event is left", || owner.status(queue).events == 1);
        assert_eq!(owner.pool().output_free, 499);
    }

    /// Events to a closed user of the queue do not bounce.
    fn events_to_a_closed_user_do_not_bounce() {
        let (owner, user, queue) = shared();
        owner.want_bounces();
        owner.must_send(&at_tick(note_on(user.port(0), 1), queue, 10));
        close(user, &owner);
        owner.wait_queue_empty(queue);
        assert_eq!((owner.types(), owner.info().event_lost), (vec![], 0));
    }

    /// Events that wait for a closed client in a queue that it did not use stay, and bounce when
    /// due.
    fn events_to_a_closed_stranger_stay_and_bounce() {
        let (owner, stranger) = (Client::with_port(), Client::with_port());
        let queue = owner.create_queue();
        owner.want_bounces();
        let dest = stranger.port(0);
        owner.must_send(&at_tick(note_on(dest, 1), queue, 10));
        close(stranger, &owner);
        assert_eq!(owner.status(queue).events, 1);
        owner.must_send(&crate::client::control(queue, T::SETPOS_TICK, 10, 0));
        owner.must_send(&at_tick(note_on(owner.port(0), 2), queue, 10));
        let received = owner.received();
        assert_eq!(received[0].event.event_type, T::BOUNCE);
        assert_eq!(received[0].data[14..16], [dest.client, dest.port]);
        assert_eq!(received[1].event.event_type, T::NOTEON);
    }

    /// Events to another closed client vanish when due, unless the sender asks for bounces.
    fn events_to_a_closed_stranger_vanish() {
        let (owner, stranger) = (Client::with_port(), Client::with_port());
        let queue = owner.create_queue();
        owner.must_send(&at_tick(note_on(stranger.port(0), 1), queue, 10));
        close(stranger, &owner);
        owner.move_to_tick(queue, 10);
        assert_eq!((owner.types(), owner.status(queue).events), (vec![], 0));
    }

    /// A client that is opened under the number of a closed one gets what waits for that number.
    fn next_client_inherits_what_waits() {
        let (owner, stranger) = (Client::with_port(), Client::with_port());
        let queue = owner.create_queue();
        let dest = stranger.port(0);
        owner.must_send(&at_tick(note_on(dest, 1), queue, 10));
        close(stranger, &owner);
        let heir = Client::with_port();
        if heir.id != dest.client {
            skip("somebody else got the number");
        }
        owner.move_to_tick(queue, 10);
        assert_eq!(heir.notes(), [1]);
    }

    /// A queue's death frees other clients' cells in it.
    fn queues_death_frees_others_cells() {
        let (owner, user, queue) = shared();
        for _ in 0..100 {
            user.must_send(&at_tick(note_on(owner.port(0), 1), queue, 10));
        }
        assert_eq!(user.pool().output_free, 400);
        assert_eq!(owner.delete_queue(queue), Ok(()));
        assert_eq!((user.pool().output_free, owner.types()), (500, vec![]));
    }

    /// An owner's close frees other clients' cells in its queues.
    fn owners_end_frees_others_cells() {
        let (owner, user, queue) = shared();
        for _ in 0..100 {
            user.must_send(&at_tick(note_on(user.port(0), 1), queue, 10));
        }
        close(owner, &user);
        wait_until("the cells are back", || user.pool().output_free == 500);
        assert_eq!((user.types(), user.queue_info(queue.into()).is_err()), (vec![], true));
    }

    /// A running queue's end is the end of its events too.
    fn running_queues_end_is_the_end_of_its_events() {
        let (owner, user, queue) = shared();
        owner.start(queue);
        user.must_send(&at_tick(note_on(user.port(0), 1), queue, 1_000_000));
        assert_eq!(owner.delete_queue(queue), Ok(()));
        assert_eq!((user.types(), user.pool().output_free), (vec![], 500));
    }

    /// Another client's end leaves the rest of the queue as it is.
    fn others_events_outlive_a_client() {
        let (owner, user, queue) = shared();
        for note in [30, 10, 20] {
            owner.must_send(&at_tick(note_on(owner.port(0), note), queue, note.into()));
            user.must_send(&at_tick(note_on(owner.port(0), 99), queue, note.into()));
        }
        close(user, &owner);
        wait_until("three are left", || owner.status(queue).events == 3);
        owner.move_to_tick(queue, 30);
        assert_eq!(owner.notes(), [10, 20, 30]);
    }

    /// A running queue goes on when one of its users ends.
    fn queue_runs_on_without_a_user() {
        let (owner, user, queue) = shared();
        owner.start(queue);
        close(user, &owner);
        owner.must_send(&at_tick(note_on(owner.port(0), 1), queue, owner.status(queue).tick + 2));
        owner.wait_event();
    }

    /// Events to a port that was deleted meanwhile vanish, and the queue goes on.
    fn events_to_a_deleted_port_vanish() {
        let client = Client::with_ports(2);
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(client.port(1), 1), queue, 10));
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 10));
        assert_eq!(client.delete_port(1), Ok(()));
        client.move_to_tick(queue, 10);
        assert_eq!(client.notes(), [2]);
    }

    /// Events from a port that was deleted meanwhile arrive: the source port is only a number.
    fn events_from_a_deleted_port_arrive() {
        let (client, reader) = (Client::with_port(), Client::with_port());
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(reader.port(0), 1), queue, 10));
        assert_eq!(client.delete_port(0), Ok(()));
        client.move_to_tick(queue, 10);
        assert_eq!(reader.notes(), [1]);
    }

    /// A port made again under its number gets what waits for it.
    fn port_made_again_gets_what_waits() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 10));
        assert_eq!(client.delete_port(0), Ok(()));
        assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(0)));
        client.move_to_tick(queue, 10);
        assert_eq!(client.notes(), [1]);
    }

    /// A deleted queue's number is the next to be given, with a queue that is empty and at 0.
    fn number_of_a_deleted_queue_is_given_again() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.move_to_tick(queue, 50);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 100));
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert_eq!(client.create_queue(), queue);
        let status = client.status(queue);
        assert_eq!((status.tick, status.events, client.tempo(queue).tempo), (0, 0, 500_000));
    }

    /// A deleted queue cannot be controlled.
    fn deleted_queue_cannot_be_controlled() {
        let client = Client::open();
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert_eq!(client.control(queue, T::STOP, 0), Err(Errno::EINVAL));
    }

    /// Control of a queue that is gone when it is due fails, and bounces.
    fn control_of_a_queue_that_is_gone_fails_when_due() {
        let client = Client::with_port();
        let (queue, gone) = (client.create_queue(), client.create_queue());
        client.want_bounces();
        let stop = crate::client::control(gone, T::STOP, 0, 0);
        assert_eq!(client.send(&at_tick(stop, queue, 10)), Ok(EVENT_SIZE));
        assert_eq!(client.delete_queue(gone), Ok(()));
        client.move_to_tick(queue, 10);
        assert!(client.received().iter().any(|r| r.data[0] == T::STOP.0));
    }
}
