//! Tests the device with a kernel that the test plays: versions that are not installed here, and messages
//! that no kernel sends.

use std::os::fd::OwnedFd;

use chardev::wire::{self, CuseInitIn, CuseInitOut, InHeader, InitIn, InitOut, OpenOut, OutHeader};
use chardev::{
    Buffer, CharacterConfig, Config, Delivery, Device, Inodes, Node, NodeIndex, Operation,
    ReceiveError,
};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use zerocopy::{FromBytes, IntoBytes};

/// The kernel's end of the descriptor.
struct Kernel(OwnedFd);

fn start(inodes: Inodes) -> (Kernel, Device) {
    let kind = SocketType::SEQPACKET;
    let (kernel, device) =
        rustix::net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
    rustix::io::ioctl_fionbio(&kernel, true).unwrap();
    let nodes = vec![Node { name: "echo".into(), mode: 0o600, uid: 1, gid: 2 }];
    (Kernel(kernel), Device::new(device, Config { nodes, inodes, ..Config::default() }).unwrap())
}

impl Kernel {
    fn send(&self, bytes: &[u8]) {
        rustix::io::write(&self.0, bytes).unwrap();
    }

    fn request(&self, opcode: u32, unique: u64, nodeid: u64, body: &[u8]) {
        let len = u32::try_from(size_of::<InHeader>() + body.len()).unwrap();
        let header = InHeader { len, opcode, unique, nodeid, ..Default::default() };
        self.send(&[header.as_bytes(), body].concat());
    }

    fn init(&self, major: u32, minor: u32) {
        let init = InitIn { major, minor, max_readahead: 4096, flags: u32::MAX };
        self.request(wire::FUSE_INIT, 2, 0, init.as_bytes());
    }

    fn answer(&self) -> Option<(OutHeader, Vec<u8>)> {
        let mut buffer = vec![0; 9000];
        let length = rustix::io::read(&self.0, &mut buffer).ok()?;
        let (header, body) = OutHeader::read_from_prefix(&buffer[..length]).unwrap();
        assert_eq!(header.len as usize, length);
        Some((header, body.to_vec()))
    }

    fn error(&self) -> i32 {
        self.answer().expect("an answer").0.error
    }
}

fn nothing(device: &mut Device) {
    assert_eq!(device.receive(&mut Buffer::new()).unwrap(), None);
}

#[test]
fn the_handshake_asks_for_what_a_device_needs() {
    let (kernel, mut device) = start(Inodes::Auto);
    assert!(!device.is_ready());
    kernel.init(7, 45);
    nothing(&mut device);
    assert!(device.is_ready());
    let (header, body) = kernel.answer().unwrap();
    assert_eq!((header.error, header.unique), (0, 2));
    let init = InitOut::read_from_bytes(&body).unwrap();
    assert_eq!((init.major, init.minor, init.max_write), (7, 38, 1 << 20));
    assert!(init.max_pages >= 1);
    // FUSE_ATOMIC_O_TRUNC would set the size of the inode to 0.
    assert_eq!(init.flags & (1 << 3), 0);
}

#[test]
fn a_newer_major_version_is_asked_to_come_down() {
    let (kernel, mut device) = start(Inodes::Auto);
    kernel.init(8, 0);
    nothing(&mut device);
    assert!(!device.is_ready());
    assert_eq!(InitOut::read_from_bytes(&kernel.answer().unwrap().1).unwrap().major, 7);
    kernel.init(7, 31);
    nothing(&mut device);
    assert!(device.is_ready());
}

#[test]
fn a_version_that_is_too_old_is_refused() {
    for (major, minor) in [(7, 22), (6, 99)] {
        let (kernel, mut device) = start(Inodes::Auto);
        kernel.init(major, minor);
        let error = device.receive(&mut Buffer::new()).unwrap_err();
        assert!(matches!(error, ReceiveError::Unsupported { .. }), "{error}");
        assert_eq!(kernel.error(), -libc::EPROTO);
        assert!(!device.is_ready());
    }
}

#[test]
fn kernels_without_parallel_writes_get_an_inode_per_open() {
    for (minor, same) in [(45, true), (38, true), (37, false), (23, false)] {
        let (kernel, mut device) = start(Inodes::Auto);
        kernel.init(7, minor);
        nothing(&mut device);
        kernel.answer().unwrap();
        let ids: Vec<u64> = [4, 6]
            .map(|unique| {
                kernel.request(wire::FUSE_LOOKUP, unique, wire::FUSE_ROOT_ID, b"echo\0");
                nothing(&mut device);
                let (_, body) = kernel.answer().unwrap();
                wire::EntryOut::read_from_bytes(&body).unwrap().nodeid
            })
            .into();
        assert_eq!(ids[0] == ids[1], same, "7.{minor}");
        // Both are the node.
        for id in ids {
            kernel.request(wire::FUSE_OPEN, 8, id, wire::OpenIn::default().as_bytes());
            let mut buffer = Buffer::new();
            let request = device.receive(&mut buffer).unwrap().unwrap();
            assert_eq!(request.operation, Operation::Open { flags: 0 });
            assert_eq!(device.reply_open(request.token, 99), Delivery::Delivered);
            let (_, body) = kernel.answer().unwrap();
            let open = OpenOut::read_from_bytes(&body).unwrap();
            assert_eq!(open.fh, 99);
            let wanted = wire::FOPEN_DIRECT_IO
                | wire::FOPEN_STREAM
                | wire::FOPEN_PARALLEL_DIRECT_WRITES
                | wire::FOPEN_NOFLUSH;
            assert_eq!(open.open_flags & wanted, wanted);
        }
    }
}

#[test]
fn what_takes_no_answer_gets_none() {
    let (kernel, mut device) = start(Inodes::Shared);
    kernel.request(wire::FUSE_FORGET, 2, 2, &[0; 8]);
    kernel.request(wire::FUSE_BATCH_FORGET, 4, 0, &[0; 8]);
    nothing(&mut device);
    assert!(kernel.answer().is_none());
    let interrupt = wire::InterruptIn { unique: 6 };
    kernel.request(wire::FUSE_INTERRUPT, 7, 0, interrupt.as_bytes());
    let mut buffer = Buffer::new();
    let request = device.receive(&mut buffer).unwrap().unwrap();
    assert!(matches!(request.operation, Operation::Interrupt { .. }));
    assert!(kernel.answer().is_none());
    // A malformed one neither.
    kernel.request(wire::FUSE_INTERRUPT, 9, 0, &[]);
    assert!(matches!(device.receive(&mut Buffer::new()), Err(ReceiveError::Malformed(_))));
    assert!(kernel.answer().is_none());
}

#[test]
fn a_release_is_answered_and_delivered() {
    let (kernel, mut device) = start(Inodes::Shared);
    let release = wire::ReleaseIn { fh: 5, ..Default::default() };
    kernel.request(wire::FUSE_RELEASE, 2, 2, release.as_bytes());
    let mut buffer = Buffer::new();
    let request = device.receive(&mut buffer).unwrap().unwrap();
    assert_eq!((request.operation, request.handle), (Operation::Release, 5));
    assert_eq!(kernel.error(), 0);
}

#[test]
fn unknown_operations_and_unknown_files() {
    let (kernel, mut device) = start(Inodes::Shared);
    for (opcode, nodeid, errno) in [
        (12345, 2, libc::ENOSYS),
        (wire::FUSE_FLUSH, 2, libc::ENOSYS),
        (wire::FUSE_GETXATTR, 2, libc::ENOSYS),
        (wire::FUSE_ACCESS, 1, libc::ENOSYS),
        (wire::FUSE_GETATTR, 3, libc::ESTALE),
        (wire::FUSE_READ, 0, libc::ESTALE),
        (wire::FUSE_IOCTL, 1, libc::ENOTTY),
        (wire::FUSE_UNLINK, 1, libc::EROFS),
        (wire::FUSE_FSYNC, 2, libc::EINVAL),
    ] {
        kernel.request(opcode, 2, nodeid, &[]);
        nothing(&mut device);
        assert_eq!(kernel.error(), -errno, "opcode {opcode}");
    }
}

#[test]
fn malformed_messages_are_values_and_their_program_gets_an_error() {
    let (kernel, mut device) = start(Inodes::Shared);
    let write = wire::WriteIn { size: 5, ..Default::default() };
    kernel.request(wire::FUSE_WRITE, 2, 2, write.as_bytes());
    let Err(ReceiveError::Malformed(malformed)) = device.receive(&mut Buffer::new()) else {
        panic!()
    };
    assert_eq!((malformed.opcode, malformed.length), (wire::FUSE_WRITE, 80));
    assert_eq!(kernel.error(), -libc::EIO);
    kernel.send(b"x");
    assert!(matches!(device.receive(&mut Buffer::new()), Err(ReceiveError::Malformed(_))));
    assert!(kernel.answer().is_none());
    // And it goes on.
    kernel.request(wire::FUSE_STATFS, 4, 1, &[]);
    nothing(&mut device);
    assert_eq!(kernel.error(), 0);
}

#[test]
fn the_rest_of_a_split_call_ends_it() {
    let (kernel, mut device) = start(Inodes::Shared);
    kernel.init(7, 45);
    nothing(&mut device);
    kernel.answer().unwrap();
    let read_flags = wire::FUSE_READ_LOCKOWNER;
    let read = wire::ReadIn { offset: 4096, size: 9, read_flags, ..Default::default() };
    kernel.request(wire::FUSE_READ, 2, 2, read.as_bytes());
    nothing(&mut device);
    let (header, body) = kernel.answer().unwrap();
    assert_eq!((header.error, body.len()), (0, 0));
    let write = wire::WriteIn { offset: 4096, size: 1, ..Default::default() };
    kernel.request(wire::FUSE_WRITE, 4, 2, &[write.as_bytes(), b"x"].concat());
    nothing(&mut device);
    let (_, body) = kernel.answer().unwrap();
    assert_eq!(wire::WriteOut::read_from_bytes(&body).unwrap().size, 0);
}

#[test]
fn a_flood_of_questions_does_not_keep_the_server() {
    let (kernel, mut device) = start(Inodes::Shared);
    let mut sent = 0;
    while sent < 300 {
        // As many as the socket takes.
        let len = u32::try_from(size_of::<InHeader>()).unwrap();
        let header = InHeader { len, opcode: wire::FUSE_FORGET, ..Default::default() };
        match rustix::io::write(&kernel.0, header.as_bytes()) {
            Ok(_) => sent += 1,
            Err(_) => break,
        }
    }
    nothing(&mut device);
    let left = rustix::io::ioctl_fionread(&device).unwrap();
    assert_eq!(left > 0, sent > 256, "{sent} sent, {left} bytes left");
}

#[test]
fn the_end_of_the_kernel_is_disconnected() {
    let (kernel, mut device) = start(Inodes::Shared);
    drop(kernel);
    assert!(matches!(device.receive(&mut Buffer::new()), Err(ReceiveError::Disconnected)));
}

/// Noise from a fixed seed in messages of all kinds leads to an answer, a request or an error, never to a
/// panic.
#[test]
fn noise_is_survived() {
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let (kernel, mut device) = start(Inodes::PerOpen);
    for _ in 0..200_000 {
        let body = usize::try_from(random() % 120).unwrap();
        let noise = random();
        let body: Vec<u8> =
            (0..body).map(|_| if noise & 1 == 0 { random().to_le_bytes()[0] } else { 0 }).collect();
        let length = size_of::<InHeader>() + body.len();
        let header = InHeader {
            len: u32::try_from(length).unwrap(),
            opcode: u32::try_from(random() % 54).unwrap(),
            unique: random(),
            nodeid: [0, 1, 2, 3, random()][usize::try_from(random() % 5).unwrap()],
            total_extlen: if random() % 8 == 0 { u16::MAX } else { 0 },
            ..Default::default()
        };
        let mut bytes = [header.as_bytes(), &body].concat();
        if noise % 16 == 2 {
            bytes.truncate(usize::try_from(random()).unwrap_or(0) % length + 1);
        }
        kernel.send(&bytes);
        drop(device.receive(&mut Buffer::new()));
        while kernel.answer().is_some() {}
    }
}

fn start_character(number: Option<(u32, u32)>) -> (Kernel, Device) {
    let kind = SocketType::SEQPACKET;
    let (kernel, device) =
        rustix::net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
    rustix::io::ioctl_fionbio(&kernel, true).unwrap();
    let mut config = CharacterConfig::new("snd/echo");
    (config.number, config.node) = (number, NodeIndex(3));
    (Kernel(kernel), Device::character(device, config).unwrap())
}

fn greet(kernel: &Kernel, major: u32, minor: u32) {
    let init = CuseInitIn { major, minor, ..Default::default() };
    kernel.request(wire::CUSE_INIT, 2, 0, init.as_bytes());
}

#[test]
fn a_character_device_says_its_name_and_number() {
    let (kernel, mut device) = start_character(Some((116, 1)));
    greet(&kernel, 7, 40);
    device.start().unwrap();
    assert!(device.is_ready());
    let (header, body) = kernel.answer().unwrap();
    assert_eq!((header.error, header.unique), (0, 2));
    let (init, information) = CuseInitOut::read_from_prefix(&body).unwrap();
    assert_eq!((init.major, init.minor, init.flags), (7, 38, 0));
    assert_eq!((init.dev_major, init.dev_minor), (116, 1));
    assert_eq!(information, b"DEVNAME=snd/echo\0");
    // Its calls name no inode, and the answer to an open asks for nothing that only files have.
    let open = wire::OpenIn { flags: 2, open_flags: 0 };
    kernel.request(wire::FUSE_OPEN, 4, 0, open.as_bytes());
    let mut buffer = Buffer::new();
    let request = device.receive(&mut buffer).unwrap().expect("an open");
    assert_eq!(request.node, NodeIndex(3));
    assert_eq!(request.operation, Operation::Open { flags: 2 });
    let token = request.token;
    assert_eq!(device.reply_open(token, 9), Delivery::Delivered);
    let opened = OpenOut::read_from_bytes(&kernel.answer().unwrap().1).unwrap();
    assert_eq!((opened.fh, opened.open_flags), (9, wire::FOPEN_DIRECT_IO));
    // What a directory would answer, and what no kernel asks of a device.
    kernel.request(wire::FUSE_LOOKUP, 6, 1, b"echo\0");
    nothing(&mut device);
    assert_eq!(kernel.error(), -38);
}

#[test]
fn a_character_device_that_cannot_be_is_told() {
    let (kernel, mut device) = start_character(None);
    greet(&kernel, 8, 0);
    assert!(matches!(device.start(), Err(ReceiveError::Unsupported { major: 8, minor: 0 })));
    assert_eq!(kernel.error(), -71);
    // The number is taken: the kernel ends the connection.
    let (kernel, mut device) = start_character(None);
    greet(&kernel, 7, 38);
    rustix::net::shutdown(&kernel.0, rustix::net::Shutdown::Both).unwrap();
    assert!(device.start().is_err());
    // Another message than the greeting.
    let (kernel, mut device) = start_character(None);
    kernel.request(wire::FUSE_OPEN, 2, 0, wire::OpenIn::default().as_bytes());
    assert!(matches!(device.start(), Err(ReceiveError::Malformed(_))));
    // And a greeting of the other device to a directory.
    let (kernel, mut device) = start(Inodes::Auto);
    greet(&kernel, 7, 38);
    assert!(device.receive(&mut Buffer::new()).is_err());
    assert!(!device.is_ready());
    drop(kernel);
}
