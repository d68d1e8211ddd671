//! Calls that sleep, and `O_NONBLOCK`.

use crate::case::cases;
use crate::client::{
    Client, Mode, OPEN_PORT, at_tick, batch, note_of, note_on, split, wait_until, with_pending,
};
use aseqd_abi::Errno;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::seq::RemoveMode;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::thread::gettid;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::{ScopedJoinHandle, scope};

fn blocking() -> Client {
    let client = Client::open_blocking(Mode::ReadWrite);
    client.create_port(OPEN_PORT).expect("CREATE_PORT");
    client
}

/// Runs a call that will sleep in another thread, and goes on when it sleeps.
fn asleep<'scope, T: Send + 'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    thread: &'scope AtomicI32,
    call: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    let handle = scope.spawn(move || {
        thread.store(gettid().as_raw_nonzero().get(), Ordering::SeqCst);
        call()
    });
    wait_until("the call sleeps", || {
        let id = thread.load(Ordering::SeqCst);
        id != 0 && {
            let stat = std::fs::read_to_string(format!("/proc/self/task/{id}/stat"));
            let stat = stat.unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'))
        }
    });
    handle
}

fn set_nonblock(client: &Client, nonblock: bool) {
    let mut flags = fcntl_getfl(client).expect("F_GETFL");
    flags.set(OFlags::NONBLOCK, nonblock);
    fcntl_setfl(client, flags).expect("F_SETFL");
}

cases! {
    /// A read sleeps until an event arrives.
    fn a_read_sleeps_until_an_event_arrives() {
        let (client, sender, thread) = (blocking(), Client::open(), AtomicI32::new(0));
        scope(|scope| {
            let read = asleep(scope, &thread, || client.read(1000));
            assert!(!read.is_finished());
            sender.must_send(&note_on(client.port(0), 5));
            let bytes = read.join().unwrap().unwrap();
            assert_eq!(note_of(&split(&bytes)[0].event), 5);
        });
    }

    /// A read that sleeps ends with the event of a queue.
    fn a_read_sleeps_until_an_event_is_due() {
        let (client, thread) = (blocking(), AtomicI32::new(0));
        let queue = client.create_queue();
        client.start(queue);
        scope(|scope| {
            let read = asleep(scope, &thread, || client.read(1000));
            client.must_send(&at_tick(note_on(client.port(0), 5), queue, 4));
            assert_eq!(read.join().unwrap().unwrap().len(), EVENT_SIZE);
        });
        assert!(client.status(queue).tick >= 4);
    }

    /// A read does not sleep when an event is there.
    fn a_read_does_not_sleep_for_a_second_event() {
        let client = blocking();
        client.must_send(&note_on(client.port(0), 1));
        assert_eq!(client.read(1000).unwrap().len(), EVENT_SIZE);
    }

    /// A read into less than a record does not sleep.
    fn a_short_read_does_not_sleep() {
        assert_eq!(blocking().read(27), Ok(vec![]));
    }

    /// One event wakes one of two reads on one descriptor, a second event the other.
    fn two_reads_share_the_events() {
        let (client, sender) = (blocking(), Client::open());
        let threads = [AtomicI32::new(0), AtomicI32::new(0)];
        scope(|scope| {
            let reads = threads.each_ref().map(|thread| asleep(scope, thread, || client.read(28)));
            sender.must_send(&note_on(client.port(0), 1));
            wait_until("one read ends", || reads.iter().any(ScopedJoinHandle::is_finished));
            sender.must_send(&note_on(client.port(0), 2));
            let mut notes =
                reads.map(|read| note_of(&split(&read.join().unwrap().unwrap())[0].event));
            notes.sort_unstable();
            assert_eq!(notes, [1, 2]);
        });
    }

    /// Requests on a descriptor go on while a read sleeps there.
    fn requests_go_on_while_a_read_sleeps() {
        let (client, thread) = (blocking(), AtomicI32::new(0));
        scope(|scope| {
            let read = asleep(scope, &thread, || client.read(28));
            let port = client.create_port(OPEN_PORT).unwrap();
            client.must_send(&note_on(port, 1));
            assert_eq!(read.join().unwrap().unwrap().len(), EVENT_SIZE);
        });
    }

    /// A write sleeps when the pool is full, and goes on when the events have left it.
    fn a_write_sleeps_until_the_pool_is_free() {
        let (client, queue) = with_pending(blocking(), 500);
        let thread = AtomicI32::new(0);
        let event = at_tick(note_on(client.port(0), 1), queue, 9);
        scope(|scope| {
            let write = asleep(scope, &thread, || client.send(&event));
            client.remove(RemoveMode::OUTPUT, |_| {});
            assert_eq!(write.join().unwrap(), Ok(EVENT_SIZE));
        });
        assert_eq!(client.pool().output_free, 499);
    }

    /// A write that sleeps goes on only when as many cells are free as the room says.
    fn a_write_sleeps_until_there_is_room() {
        let client = blocking();
        let (near, far) = (client.create_queue(), client.create_queue());
        client.write_pending(near, 200);
        client.write_pending(far, 300);
        let thread = AtomicI32::new(0);
        let event = at_tick(note_on(client.port(0), 1), far, 9);
        scope(|scope| {
            let write = asleep(scope, &thread, || client.send(&event));
            client.delete_queue(near).unwrap();
            // 200 of 500 cells are free, 250 are the room.
            assert!(!client.writable() && !write.is_finished());
            assert_eq!(client.status(far).events, 300);
            client.remove(RemoveMode::OUTPUT, |_| {});
            assert_eq!(write.join().unwrap(), Ok(EVENT_SIZE));
        });
    }

    /// A long write that sleeps in the middle takes everything in the end.
    fn a_long_write_sleeps_in_the_middle() {
        let client = blocking();
        let queue = client.create_queue();
        client.start(queue);
        let event = at_tick(note_on(crate::client::THROUGH, 1), queue, 5);
        let bytes = batch(&vec![event; 1200]);
        assert_eq!(client.write(&bytes), Ok(bytes.len()));
        client.wait_queue_empty(queue);
        assert_eq!(client.pool().output_free, 500);
    }

    /// Requests on a descriptor go on while a write sleeps there.
    fn requests_go_on_while_a_write_sleeps() {
        let (client, queue) = with_pending(blocking(), 500);
        let thread = AtomicI32::new(0);
        let event = at_tick(note_on(client.port(0), 1), queue, 9);
        scope(|scope| {
            let write = asleep(scope, &thread, || client.send(&event));
            assert_eq!(client.info().num_ports, 1);
            client.remove(RemoveMode::OUTPUT, |_| {});
            assert_eq!(write.join().unwrap(), Ok(EVENT_SIZE));
        });
    }

    /// Other clients write while one sleeps in a write.
    fn other_clients_write_while_a_write_sleeps() {
        let (client, queue) = with_pending(blocking(), 500);
        let (other, thread) = (Client::with_port(), AtomicI32::new(0));
        let event = at_tick(note_on(client.port(0), 1), queue, 9);
        scope(|scope| {
            let write = asleep(scope, &thread, || client.send(&event));
            other.must_send(&note_on(other.port(0), 1));
            assert_eq!(other.events().len(), 1);
            client.remove(RemoveMode::OUTPUT, |_| {});
            assert_eq!(write.join().unwrap(), Ok(EVENT_SIZE));
        });
    }

    /// O_NONBLOCK that is set later holds from the next call.
    fn nonblock_that_is_set_later() {
        let (client, queue) = with_pending(blocking(), 500);
        set_nonblock(&client, true);
        assert_eq!(client.read(28), Err(Errno::EAGAIN));
        let event = at_tick(note_on(client.port(0), 1), queue, 9);
        assert_eq!(client.send(&event), Err(Errno::EAGAIN));
    }

    /// O_NONBLOCK that is cleared later lets the next read sleep.
    fn nonblock_that_is_cleared_later() {
        let (client, sender, thread) = (Client::with_port(), Client::open(), AtomicI32::new(0));
        assert_eq!(client.read(28), Err(Errno::EAGAIN));
        set_nonblock(&client, false);
        scope(|scope| {
            let read = asleep(scope, &thread, || client.read(28));
            sender.must_send(&note_on(client.port(0), 1));
            assert_eq!(read.join().unwrap().unwrap().len(), EVENT_SIZE);
        });
    }

    /// O_NONBLOCK belongs to the open file: a duplicate shares it, another open does not.
    fn nonblock_is_shared_by_duplicates() {
        let client = blocking();
        let duplicate = rustix::io::dup(&client).unwrap();
        set_nonblock(&client, true);
        assert!(fcntl_getfl(&duplicate).unwrap().contains(OFlags::NONBLOCK));
        let mut buffer = [0; 28];
        assert_eq!(rustix::io::read(&duplicate, &mut buffer), Err(rustix::io::Errno::AGAIN));
    }

    /// A process that sleeps in a read can be killed.
    fn a_process_that_sleeps_in_a_read_can_be_killed() {
        let client = blocking();
        let stdin = rustix::io::dup(&client).unwrap();
        let mut child = std::process::Command::new("cat").stdin(stdin).spawn().unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        wait_until("it sleeps", || {
            let stat = std::fs::read_to_string(&stat).unwrap_or_default();
            stat.contains("(cat) S")
        });
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        assert_eq!(client.info().num_ports, 1);
    }
}
