//! `open`: modes and flags; and what the open device is not.

use crate::case::cases;
use crate::client::{Client, Mode, OPEN_PORT, device, note_on};
use crate::sys;
use aseqd_abi::Errno;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{ClientInfo, QueueTimer, RemoveEvents, RemoveMode};
use rustix::fs::{CWD, FlockOperation, Mode as FileMode, OFlags, SeekFrom, flock, openat, seek};
use rustix::io::{Errno as Os, pread, pwrite};
use std::os::fd::{AsFd as _, OwnedFd};
use zerocopy::IntoBytes as _;

fn open(flags: OFlags) -> Result<OwnedFd, Os> {
    openat(CWD, device(), flags | OFlags::CLOEXEC, FileMode::RUSR | FileMode::WUSR)
}

fn user_clients(observer: &Client) -> usize {
    (128..192).filter(|client| observer.client_info(*client).is_ok()).count()
}

cases! {
    /// Flags that mean something for files only do no harm: what fopen passes works.
    fn flags_of_fopen_do_no_harm() {
        for flags in [
            OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC,
            OFlags::RDWR | OFlags::CREATE | OFlags::APPEND,
            OFlags::WRONLY | OFlags::TRUNC,
        ] {
            let fd = open(flags).unwrap();
            let mut id = 0;
            assert_eq!(sys::ioctl(&fd, s::CLIENT_ID, &mut id), Ok(0));
            assert!((128..192).contains(&id));
        }
    }

    /// To create the device exclusively is EEXIST, to open it as a folder ENOTDIR.
    fn flags_that_cannot_be_met_fail() {
        assert_eq!(open(OFlags::RDWR | OFlags::CREATE | OFlags::EXCL).err(), Some(Os::EXIST));
        assert_eq!(open(OFlags::RDONLY | OFlags::DIRECTORY).err(), Some(Os::NOTDIR));
    }

    /// An open with O_PATH makes no client.
    fn a_path_is_no_client() {
        let observer = Client::open();
        let before = user_clients(&observer);
        let path = open(OFlags::PATH).unwrap();
        assert_eq!(user_clients(&observer), before);
        assert_eq!(sys::ioctl(&path, s::CLIENT_ID, &mut 0), Err(Errno::EBADF));
    }

    /// An open with O_APPEND sends as any other.
    fn append_does_not_change_a_write() {
        let reader = Client::with_port();
        let fd = open(OFlags::WRONLY | OFlags::APPEND).unwrap();
        let event = note_on(reader.port(0), 1);
        assert_eq!(rustix::io::write(&fd, event.as_bytes()), Ok(EVENT_SIZE));
        assert_eq!(reader.events().len(), 1);
    }

    /// The open mode does not matter to requests: one that only reads makes queues and changes
    /// them.
    fn requests_do_not_look_at_the_open_mode() {
        for mode in [Mode::Read, Mode::Write] {
            let client = Client::open_as(mode);
            let queue = client.create_queue();
            assert_eq!(client.set_tempo(queue, 400_000, 48), Ok(()));
            let timer = QueueTimer { resolution: 100, ..client.timer(queue) };
            assert!(client.query(s::SET_QUEUE_TIMER, timer).is_ok());
            assert_eq!(client.use_queue(queue, false), Ok(()));
            assert_eq!(client.set_pool(|pool| pool.output_pool = 9), Ok(()));
            let all =
                RemoveEvents { remove_mode: RemoveMode::all().bits(), ..RemoveEvents::default() };
            assert!(client.query(s::REMOVE_EVENTS, all).is_ok());
            assert_eq!(client.delete_queue(queue), Ok(()));
        }
    }

    /// A client that writes only may be a destination: connected, it gets nothing.
    fn a_writer_may_be_connected_but_gets_nothing() {
        let (writer, sender) = (Client::open_as(Mode::Write), Client::with_port());
        let port = writer.create_port(OPEN_PORT).unwrap();
        assert_eq!(sender.subscribe(sender.port(0), port), Ok(()));
        assert_eq!(sender.send(&note_on(port, 1)), Err(Errno::ENOENT));
    }

    /// The device cannot seek: ESPIPE.
    fn seek_is_espipe() {
        let client = Client::open();
        for to in [SeekFrom::Start(0), SeekFrom::Current(0), SeekFrom::Start(100)] {
            assert_eq!(seek(&client, to), Err(Os::SPIPE));
        }
    }

    /// pread and pwrite are ESPIPE.
    fn pread_and_pwrite_are_espipe() {
        let client = Client::with_port();
        client.must_send(&note_on(client.port(0), 1));
        assert_eq!(pread(&client, &mut [0_u8; 28], 0), Err(Os::SPIPE));
        let event = note_on(client.port(0), 1);
        assert_eq!(pwrite(&client, event.as_bytes(), 0), Err(Os::SPIPE));
        assert_eq!(client.events().len(), 1);
    }

    /// The device cannot be mapped: ENODEV.
    fn mmap_is_enodev() {
        assert_eq!(sys::map(Client::open()), Err(Errno::ENODEV));
    }

    /// The device cannot be synchronised: EINVAL.
    fn fsync_is_einval() {
        let client = Client::open();
        assert_eq!(rustix::fs::fsync(&client), Err(Os::INVAL));
        assert_eq!(rustix::fs::fdatasync(&client), Err(Os::INVAL));
    }

    /// A lock on the device belongs to one open, as on any file.
    fn flock_is_per_open() {
        let (client, other) = (Client::open(), Client::open());
        flock(&client, FlockOperation::NonBlockingLockExclusive).unwrap();
        let answer = flock(&other, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(answer, Err(Os::WOULDBLOCK));
        drop(client);
        crate::client::wait_until("the lock is free", || {
            flock(&other, FlockOperation::NonBlockingLockExclusive).is_ok()
        });
    }

    /// The device can be opened through a link in /proc, which is another client.
    fn an_open_through_proc_is_another_client() {
        let client = Client::open();
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&client.as_fd()));
        let again = openat(CWD, path, OFlags::RDWR | OFlags::CLOEXEC, FileMode::empty()).unwrap();
        let mut id = 0;
        sys::ioctl(&again, s::CLIENT_ID, &mut id).unwrap();
        assert_ne!(id, i32::from(client.id));
        assert!(client.client_info(id).is_ok());
    }

    /// A descriptor's requests work the same with and without O_NONBLOCK.
    fn requests_do_not_look_at_nonblock() {
        let client = Client::open_blocking(Mode::ReadWrite);
        let info =
            client.query(s::GET_CLIENT_INFO, ClientInfo { client: 0, ..ClientInfo::default() });
        assert_eq!(info.map(|info| info.client), Ok(0));
    }
}
