//! What a request leaves alone when it fails.

use crate::case::cases;
use crate::client::{Client, NOBODY, patterned};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{
    ClientPool, PortInfo, PortSubscribe, QueueClient, QueueInfo, QueueStatus, QueueTempo,
    QueueTimer, RunningInfo,
};
use std::fmt::Debug;
use zerocopy::{FromBytes, IntoBytes};

/// A request fails with this error and leaves the struct as it was.
#[track_caller]
fn untouched<T>(client: &Client, code: u32, before: T, error: Errno)
where
    T: Copy + Debug + PartialEq + FromBytes + IntoBytes,
{
    let mut argument = before;
    assert_eq!(client.ioctl(code, &mut argument), Err(error));
    assert_eq!(argument, before);
}

cases! {
    /// The questions about queues, for a queue that does not exist, leave the struct as it was.
    fn questions_about_a_missing_queue_change_nothing() {
        let (client, queue) = (Client::open(), 32);
        untouched(&client, s::GET_QUEUE_INFO, QueueInfo { queue, ..patterned() }, Errno::EINVAL);
        untouched(
            &client,
            s::GET_QUEUE_STATUS,
            QueueStatus { queue, ..patterned() },
            Errno::EINVAL,
        );
        untouched(&client, s::GET_QUEUE_TEMPO, QueueTempo { queue, ..patterned() }, Errno::EINVAL);
        untouched(&client, s::GET_QUEUE_TIMER, QueueTimer { queue, ..patterned() }, Errno::EINVAL);
        untouched(
            &client,
            s::GET_QUEUE_CLIENT,
            QueueClient { queue, ..patterned() },
            Errno::EINVAL,
        );
    }

    /// GET_NAMED_QUEUE of a name that no queue has leaves the struct as it was.
    fn a_name_of_no_queue_changes_nothing() {
        let asked = QueueInfo { name: [0x7f; 64], ..patterned() };
        untouched(&Client::open(), s::GET_NAMED_QUEUE, asked, Errno::EINVAL);
    }

    /// SET_QUEUE_INFO, which copies back when it succeeds, leaves the struct when it fails.
    fn a_refused_owner_changes_nothing() {
        let client = Client::open();
        let queue = client.create_queue();
        let asked = QueueInfo { queue: queue.into(), owner: 0, ..patterned() };
        untouched(&client, s::SET_QUEUE_INFO, asked, Errno::EINVAL);
    }

    /// A refused SET_CLIENT_POOL and SET_QUEUE_CLIENT leave the struct as it was.
    fn refused_sets_that_copy_back_change_nothing() {
        let client = Client::open();
        untouched(
            &client,
            s::SET_CLIENT_POOL,
            ClientPool { client: 0, ..patterned() },
            Errno::EINVAL,
        );
        let asked = QueueClient { queue: 99, used: 1, ..patterned() };
        untouched(&client, s::SET_QUEUE_CLIENT, asked, Errno::EINVAL);
    }

    /// GET_CLIENT_POOL and RUNNING_MODE of a missing client leave the struct as it was.
    fn questions_about_a_missing_client_change_nothing() {
        let client = Client::open();
        untouched(
            &client,
            s::GET_CLIENT_POOL,
            ClientPool { client: 250, ..patterned() },
            Errno::ENOENT,
        );
        untouched(
            &client,
            s::RUNNING_MODE,
            RunningInfo { client: 250, ..patterned() },
            Errno::ENOENT,
        );
    }

    /// A port for another client leaves the struct as it was.
    fn a_port_for_another_client_changes_nothing() {
        let asked = PortInfo { addr: NOBODY, ..patterned() };
        untouched(&Client::open(), s::CREATE_PORT, asked, Errno::EPERM);
    }

    /// Requests that are write only never change the struct, when they succeed either.
    fn write_only_requests_change_nothing() {
        let client = Client::with_port();
        let here = client.port(0);
        let before = PortSubscribe { sender: here, dest: here, flags: 0, ..patterned() };
        let mut info = before;
        for code in [s::SUBSCRIBE_PORT, s::UNSUBSCRIBE_PORT] {
            assert_eq!((client.ioctl(code, &mut info), info), (Ok(0), before));
        }
        let before = PortInfo { addr: here, kernel: 0, ..patterned() };
        let mut info = before;
        for code in [s::SET_PORT_INFO, s::DELETE_PORT] {
            assert_eq!((client.ioctl(code, &mut info), info), (Ok(0), before));
        }
    }
}
