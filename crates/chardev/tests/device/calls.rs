//! open, read, write, ioctl: what arrives, and what the program gets.

use std::io::{IoSlice, IoSliceMut, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use chardev::{Delivery, MAX_WRITE, Operation, Refused};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FallocateFlags, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::echo::*;
use super::sys::{ioctl, ioctl_value};

#[test]
fn what_is_written_is_read() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    assert_eq!(file.write(b"hello").unwrap(), 5);
    let request = device.wait_for_write();
    assert_eq!(request.node, ECHO);
    assert_eq!(request.operation, Operation::Write { data: b"hello", nonblock: false });
    assert_eq!(request.caller.pid.cast_signed(), super::sys::thread_id());
    assert_eq!(request.caller.uid, 0);
    let mut buffer = [0; 100];
    assert_eq!(file.read(&mut buffer).unwrap(), 5);
    assert_eq!(&buffer[..5], b"hello");
    assert!(device.ask(|echo| echo.device.is_ready()));
}

#[test]
fn two_opens_have_two_handles_and_the_flags_of_their_own() {
    let Some(device) = Mounted::start() else { return };
    let (mut a, mut b) = (device.open(), device.open_with(libc::O_NONBLOCK));
    a.write_all(b"a").unwrap();
    b.write_all(b"b").unwrap();
    let mut byte = [0];
    a.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"a");
    b.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"b");
    let opens: Vec<_> = device.seen.try_iter().collect();
    let flags: Vec<_> = opens
        .iter()
        .filter_map(|request| match request.operation {
            Operation::Open { flags } => Some(flags.cast_signed() & libc::O_NONBLOCK != 0),
            _ => None,
        })
        .collect();
    assert_eq!(flags, [false, true]);
}

#[test]
fn ioctl_moves_bytes_by_the_direction_of_its_code() {
    let Some(device) = Mounted::start() else { return };
    let file = device.open();
    assert_eq!(ioctl_value(&file, IOCTL_VALUE, 77).unwrap(), 77);
    assert_eq!(ioctl(&file, IOCTL_PUT, &mut [3; 8]).unwrap(), 0);
    let mut out = [0; 8];
    assert_eq!(ioctl(&file, IOCTL_GET, &mut out).unwrap(), 0);
    assert_eq!(out, [3; 8]);
    let mut both: [u8; 16] = (0..16).collect::<Vec<u8>>().try_into().unwrap();
    assert_eq!(ioctl(&file, IOCTL_REVERSE, &mut both).unwrap(), 5);
    assert!(both.into_iter().eq((0..16).rev()));
    let mut large = vec![0; 0x3fff];
    large[0] = 9;
    assert_eq!(ioctl(&file, IOCTL_LARGEST, &mut large).unwrap(), 5);
    assert_eq!(large[0x3ffe], 9);
}

#[test]
fn a_short_ioctl_answer_leaves_the_rest_alone() {
    let Some(device) = Mounted::start() else { return };
    let mut buffer = [7; 16];
    assert_eq!(ioctl(&device.open(), IOCTL_SHORT, &mut buffer).unwrap(), 0);
    assert_eq!(buffer, [1, 2, 3, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7]);
}

#[test]
fn an_ioctl_can_fail_and_give_bytes() {
    let Some(device) = Mounted::start() else { return };
    let mut buffer = [7; 16];
    assert_eq!(errno(ioctl(&device.open(), IOCTL_FAIL_WITH_DATA, &mut buffer)), libc::EBUSY);
    assert_eq!(buffer, [0xee; 16]);
}

#[test]
fn errors_pass_through() {
    let Some(device) = Mounted::start() else { return };
    let file = device.open();
    for wanted in [libc::EPERM, libc::EBADFD, libc::EINVAL, libc::ENXIO, libc::EINTR, 511] {
        let value = wanted.cast_unsigned().into();
        assert_eq!(errno(ioctl_value(&file, IOCTL_FAIL, value)), wanted);
    }
    // Never ENOSYS: the kernel would keep it for the whole mount.
    assert_eq!(errno(ioctl_value(&file, IOCTL_FAIL, libc::ENOSYS as u64)), libc::EOPNOTSUPP);
    assert_eq!(errno(ioctl_value(&file, ioc(0, 99, 0), 0)), libc::ENOTTY);
    device.ask(|echo| echo.refuse_open = Some(libc::EBUSY));
    assert_eq!(errno(std::fs::File::open(device.path())), libc::EBUSY);
    device.ask(|echo| echo.refuse_open = Some(libc::ENOSYS));
    assert_eq!(errno(std::fs::File::open(device.path())), libc::EOPNOTSUPP);
    device.ask(|echo| echo.refuse_open = None);
    drop(device.open());
}

#[test]
fn an_errno_that_is_none_does_not_leave_the_program_waiting() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    let reading = Calling::start(move || file.read(&mut [0; 4]));
    let token = device.wait_for_read().token;
    let refused = device.ask(move |echo| {
        echo.forget_parked();
        (echo.device.reply_error(token, 512), echo.device.take_refused())
    });
    let why = Refused { count: 1, errno: libc::EINVAL };
    assert_eq!(refused, (Delivery::Refused, Some(why)));
    assert_eq!(errno(reading.result()), libc::EIO);
}

#[test]
fn an_answer_that_is_too_long_is_an_error_on_both_sides() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    let reading = Calling::start(move || file.read(&mut [0; 4]));
    let token = device.wait_for_read().token;
    let refused = device.ask(move |echo| {
        echo.forget_parked();
        (echo.device.reply_data(token, b"five!"), echo.device.take_refused())
    });
    let why = Refused { count: 1, errno: libc::EINVAL };
    assert_eq!(refused, (Delivery::Refused, Some(why)));
    assert_eq!(errno(reading.result()), libc::EIO);
    // It is answered, so a second answer reaches no program.
    let second = device.ask(move |echo| echo.device.reply_data(token, b"x"));
    assert_eq!(second, Delivery::Gone);
}

#[test]
fn nonblock_is_a_property_of_each_call() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open_with(libc::O_NONBLOCK);
    assert_eq!(errno(file.read(&mut [0; 4])), EAGAIN);
    assert_eq!(errno(file.write(b"hold")), EAGAIN);
    let flags = fcntl_getfl(&file).unwrap();
    fcntl_setfl(&file, flags - OFlags::NONBLOCK).unwrap();
    let mut clone = file.try_clone().unwrap();
    let reading = Calling::start(move || clone.read(&mut [0; 4]));
    device.wait_for("blocking read", |request| {
        matches!(request.operation, Operation::Read { nonblock: false, .. })
    });
    reading.assert_blocked();
    // The call that waits keeps the flags it was made with.
    fcntl_setfl(&file, flags).unwrap();
    reading.assert_blocked();
    file.write_all(b"x").unwrap();
    assert_eq!(reading.result().unwrap(), 1);
    assert_eq!(errno(file.read(&mut [0; 4])), EAGAIN);
}

#[test]
fn parked_reads_are_answered_in_any_order() {
    let Some(device) = Mounted::start() else { return };
    let (mut a, mut b) = (device.open(), device.open());
    let first = Calling::start(move || a.read(&mut [0; 9]));
    let first_handle = device.wait_for_read().handle;
    let second = Calling::start(move || b.read(&mut [0; 9]));
    let second_handle = device.wait_for_read().handle;
    device.ask(move |echo| echo.push(second_handle, b"22".into()));
    assert_eq!(second.result().unwrap(), 2);
    first.assert_blocked();
    device.ask(move |echo| echo.push(first_handle, b"1".into()));
    assert_eq!(first.result().unwrap(), 1);
}

#[test]
fn two_threads_read_one_descriptor_at_the_same_time() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    let mut clones = [file.try_clone().unwrap(), file.try_clone().unwrap()].into_iter();
    let calls: Vec<_> = std::iter::from_fn(|| clones.next())
        .map(|mut file| Calling::start(move || file.read(&mut [0; 9])))
        .collect();
    device.wait_for_read();
    device.wait_for_read();
    file.write_all(b"x").unwrap();
    file.write_all(b"y").unwrap();
    for call in calls {
        assert_eq!(call.result().unwrap(), 1);
    }
}

#[test]
fn a_write_of_one_mebibyte_is_one_request() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    // The kernel takes 256 pages: as many as a page-aligned buffer of this size has.
    let data = vec![5; MAX_WRITE as usize + 4096];
    let start = data.as_ptr().align_offset(4096);
    let data = &data[start..][..MAX_WRITE as usize];
    assert_eq!(file.write(data).unwrap(), data.len());
    let Operation::Write { data: arrived, .. } = device.wait_for_write().operation else {
        panic!()
    };
    assert_eq!(arrived, data);
    let mut back = vec![0; MAX_WRITE as usize + 4096];
    let start = back.as_ptr().align_offset(4096);
    assert_eq!(file.read(&mut back[start..][..MAX_WRITE as usize]).unwrap(), data.len());
    assert_eq!(&back[start..][..data.len()], data);
}

#[test]
fn the_head_of_a_longer_write_arrives_and_its_count_is_short() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    for offset in [0, 8, 100] {
        let data = vec![5; 3 * MAX_WRITE as usize + offset];
        let count = file.write(&data[offset..]).unwrap();
        assert!(count > MAX_WRITE as usize - 4096 && count <= MAX_WRITE as usize, "{count}");
        let Operation::Write { data, .. } = device.wait_for_write().operation else { panic!() };
        assert_eq!(data.len(), count);
        device.ask(|_| ());
        assert!(device.seen.try_iter().next().is_none(), "no second request");
    }
    // As a driver that stops before a record that is not whole.
    device.ask(|echo| echo.write_limit = 28 * 10);
    assert_eq!(file.write(&vec![5; 3 * MAX_WRITE as usize]).unwrap(), 280);
}

#[test]
fn a_read_of_more_than_a_request_never_waits_for_the_rest() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    let _open = device.wait_for("open", |_| true);
    let chunk = MAX_WRITE as usize;
    file.write_all(b"handle").unwrap();
    let handle = device.wait_for_write().handle;
    file.read_exact(&mut [0; 6]).unwrap();
    device.ask(move |echo| echo.push(handle, vec![1; 2 * chunk]));
    let reading = Calling::start(move || {
        let mut buffer = vec![0; 4 << 20];
        let count = file.read(&mut buffer);
        (count, file)
    });
    let count = reading.result().0.unwrap();
    assert!(count > chunk - 4096 && count <= chunk, "{count}");
}

#[test]
fn vectors_are_one_request() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    let parts = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"two")];
    assert_eq!(file.write_vectored(&parts).unwrap(), 6);
    let Operation::Write { data, .. } = device.wait_for_write().operation else { panic!() };
    assert_eq!(data, b"onetwo");
    let (mut a, mut b) = ([0; 2], [0; 9]);
    let count = file.read_vectored(&mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)]);
    assert_eq!(count.unwrap(), 6);
    assert_eq!((&a, &b[..4]), (b"on", &b"etwo"[..]));
    // Each part takes a page of a request: more than 256 parts are cut, not split.
    let parts = [IoSlice::new(b"x"); 300];
    assert_eq!(file.write_vectored(&parts).unwrap(), 256);
}

#[test]
fn nothing_to_move_does_not_arrive() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    assert_eq!(file.write(b"").unwrap(), 0);
    assert_eq!(file.read(&mut []).unwrap(), 0);
    device.ask(|_| ());
    let calls = device.seen.try_iter();
    assert_eq!(
        calls.filter(|request| !matches!(request.operation, Operation::Open { .. })).count(),
        0
    );
}

#[test]
fn there_is_no_position() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    assert_eq!(errno(file.seek(std::io::SeekFrom::Start(0))), libc::ESPIPE);
    assert_eq!(errno(file.stream_position()), libc::ESPIPE);
    assert_eq!(errno(file.read_at(&mut [0; 4], 0)), libc::ESPIPE);
    assert_eq!(errno(file.write_at(b"x", 4)), libc::ESPIPE);
}

#[test]
fn calls_that_a_character_device_refuses() {
    let Some(device) = Mounted::start() else { return };
    let file = device.open();
    assert_eq!(errno(file.sync_all()), libc::EINVAL);
    assert_eq!(errno(file.set_len(0)), libc::EINVAL);
    assert_eq!(errno(super::sys::map(&file, libc::MAP_SHARED)), libc::ENODEV);
}

#[test]
fn the_page_cache_takes_no_data_from_programs() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    file.write_all(b"mine").unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::WillNeed).unwrap();
    let helper = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "calls::map_privately", "--nocapture"])
        .env("CHARDEV_TEST_MAP", device.path())
        .output()
        .unwrap();
    assert_eq!(helper.status.signal(), Some(libc::SIGBUS), "{helper:?}");
    assert_eq!(file.read(&mut [0; 9]).unwrap(), 4);
}

/// Not a test by itself: a program that maps a node, for the test above.
#[test]
fn map_privately() {
    let Some(path) = std::env::var_os("CHARDEV_TEST_MAP") else { return };
    let file = std::fs::File::open(path).unwrap();
    super::sys::map(&file, libc::MAP_PRIVATE).unwrap();
}

#[test]
fn truncation_at_open_does_nothing() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open_with(libc::O_TRUNC | libc::O_CREAT);
    file.write_all(b"x").unwrap();
    let Operation::Open { flags } = device.wait_for("open", |_| true).operation else { panic!() };
    let hidden = libc::O_TRUNC | libc::O_CREAT | libc::O_EXCL | libc::O_NOCTTY;
    assert_eq!(flags.cast_signed() & hidden, 0, "{flags:#o}");
    assert!(file.metadata().unwrap().len() > 1 << 30);
}

#[test]
fn a_limit_on_file_sizes_applies_to_nodes() {
    let Some(device) = Mounted::start() else { return };
    // Not as a driver's node: this is a fact of regular files.
    let script = "ulimit -f 0; trap '' XFSZ; printf x > \"$0\"";
    let output = Command::new("sh").arg("-c").arg(script).arg(device.path()).output().unwrap();
    assert!(!output.status.success());
    let script = "ulimit -f 1; trap '' XFSZ; exec dd if=/dev/zero bs=5000 count=1 of=\"$0\"";
    Command::new("bash").arg("-c").arg(script).arg(device.path()).output().unwrap();
    let Operation::Write { data, .. } = device.wait_for_write().operation else { panic!() };
    assert_eq!(data.len(), 1024, "cut at the limit");
}

#[test]
fn ioctls_that_the_kernel_answers_for_any_regular_file() {
    const FIONREAD: u32 = 0x541b;
    let Some(device) = Mounted::start() else { return };
    let file = device.open();
    let mut count = [0; 4];
    assert_eq!(ioctl(&file, FIONREAD, &mut count).unwrap(), 0);
    assert_eq!(i32::from_ne_bytes(count), i32::MAX, "the size of the file");
    device.ask(|_| ());
    let mut calls = device.seen.try_iter();
    assert!(!calls.any(|request| matches!(request.operation, Operation::Ioctl { .. })));
}

#[test]
fn answers_of_any_wrong_length_end_one_call_each() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    let mut failed = 0;
    for size in [0, 1, 7, 8, 9, 15, 16, 17, 40, 4096, MAX_WRITE as usize + 1] {
        device.ask(move |echo| echo.nonsense = Some(size));
        // Whatever the answers are taken for, every call returns, and the server goes on.
        failed += u32::from(std::fs::File::open(device.path()).is_err());
        failed += u32::from(file.read(&mut [0; 4]).is_err());
        failed += u32::from(file.write(b"word").is_err());
        failed += u32::from(ioctl(&file, IOCTL_REVERSE, &mut [0; 16]).is_err());
        let mut polled = [PollFd::new(&file, PollFlags::IN)];
        poll(&mut polled, Some(&rustix::time::Timespec::default())).unwrap();
        failed += u32::from(polled[0].revents().contains(PollFlags::ERR));
        device.ask(|echo| echo.nonsense = None);
        file.write_all(b"word").unwrap();
        assert_eq!(file.read(&mut [0; 4]).unwrap(), 4, "after answers of {size} bytes");
    }
    let refused = device.ask(|echo| echo.device.take_refused()).expect("most were refused");
    assert!(refused.count > 40 && failed > 40, "{refused:?}, {failed} failed");
    assert_eq!(refused.errno, libc::EINVAL);
}

/// The kernel answers these by an open, an ioctl and a release of its own (Linux 5.13), whose answer
/// must have an exact length.
#[test]
fn questions_that_the_kernel_asks_for_itself_are_answered_as_by_a_driver() {
    let Some(device) = Mounted::start() else { return };
    let file = device.open();
    device.ask(|echo| assert_eq!(echo.files.len(), 1));
    // FS_IOC_GETFLAGS, FS_IOC_FSGETXATTR, FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FITRIM
    for code in [0x8008_6601, 0x801c_581f, 0x4008_6602, 0x401c_5820, 0xc018_5879] {
        assert_eq!(errno(ioctl(&file, code, &mut [0; 32])), libc::ENOTTY, "{code:#x}");
    }
    let directory = std::fs::File::open(&device.directory).unwrap();
    assert_eq!(errno(ioctl(&directory, 0x8008_6601, &mut [0; 32])), libc::ENOTTY);
    device.ask(|echo| {
        assert_eq!(echo.most_files, 1, "the server sees no open of the kernel's");
        assert_eq!(echo.device.take_refused(), None);
    });
    // As a device that has no such operation.
    assert_eq!(rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, 9), Err(Errno::NODEV));
    let other = device.open();
    assert_eq!(rustix::fs::copy_file_range(&file, None, &other, None, 9), Err(Errno::INVAL));
}
