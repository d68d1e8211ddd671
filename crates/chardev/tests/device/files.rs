//! The directory: names, attributes, permissions; and the life of an open file.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use chardev::{Inodes, Operation};

use super::echo::*;

#[test]
fn the_directory_lists_its_nodes() {
    let Some(device) = Mounted::start() else { return };
    let mut names: Vec<_> = std::fs::read_dir(&device.directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["echo", "private"]);
    let listed = Command::new("ls").arg("-lai").arg(&device.directory).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    assert!(listed.stderr.is_empty(), "{listed:?}");
    let said = Command::new("stat").arg(device.path()).output().unwrap();
    assert!(said.status.success(), "{said:?}");
    let free = Command::new("df").arg(device.path()).output().unwrap();
    assert!(free.status.success(), "{free:?}");
}

#[test]
fn a_node_has_the_attributes_it_was_given() {
    let Some(device) = Mounted::start() else { return };
    let stat = std::fs::metadata(device.path()).unwrap();
    assert_eq!(stat.mode(), 0o100666);
    assert_eq!((stat.uid(), stat.gid(), stat.nlink(), stat.blocks()), (0, 0, 1, 0));
    assert_eq!(stat.len(), (1 << 31) - 1);
    let private = std::fs::metadata(device.directory.join("private")).unwrap();
    assert_eq!(private.mode(), 0o100600);
    assert_eq!(std::fs::metadata(&device.directory).unwrap().mode(), 0o040755);
}

#[test]
fn mode_and_owner_can_be_changed() {
    for inodes in [Inodes::Shared, Inodes::PerOpen] {
        let Some(device) = Mounted::start_with(inodes) else { return };
        let path = device.path();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::chown(&path, Some(5), Some(29)).unwrap();
        let touched = Command::new("touch").arg(&path).output().unwrap();
        assert!(touched.status.success(), "{touched:?}");
        let stat = std::fs::metadata(&path).unwrap();
        assert_eq!((stat.mode(), stat.uid(), stat.gid()), (0o100640, 5, 29));
    }
}

#[test]
fn nothing_can_be_created_or_removed() {
    let Some(device) = Mounted::start() else { return };
    let new = device.directory.join("new");
    assert_eq!(errno(File::open(&new)), libc::ENOENT);
    assert_eq!(errno(File::create(&new)), libc::EROFS);
    assert_eq!(errno(std::fs::create_dir(&new)), libc::EROFS);
    assert_eq!(errno(std::fs::remove_file(device.path())), libc::EROFS);
    assert_eq!(errno(std::fs::rename(device.path(), &new)), libc::EROFS);
}

#[test]
fn permissions_are_checked_by_the_kernel() {
    let Some(device) = Mounted::start() else { return };
    let try_open = |name: &str| {
        let path = device.directory.join(name);
        let mut command = Command::new("sh");
        command.arg("-c").arg("exec 3<>\"$0\"").arg(path).uid(65534).gid(65534);
        command.output().unwrap()
    };
    assert!(try_open("echo").status.success());
    let uid = device.wait_for("open", |_| true).caller.uid;
    assert_eq!(uid, 65534);
    let refused = try_open("private");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("ermission denied"), "{refused:?}");
}

#[test]
fn the_last_close_is_the_release() {
    let Some(device) = Mounted::start() else { return };
    let file = device.open();
    let copy = file.try_clone().unwrap();
    let stdin = Stdio::from(OwnedFd::from(file.try_clone().unwrap()));
    let mut child = Command::new("cat").stdin(stdin).stdout(Stdio::null()).spawn().unwrap();
    let handle = device.wait_for_read().handle;
    drop(file);
    drop(copy);
    assert_eq!(device.ask(|echo| echo.files.len()), 1, "the child has it");
    device.ask(move |echo| echo.push(handle, Vec::new())); // the end of the file for cat
    assert!(child.wait().unwrap().success());
    assert_eq!(device.wait_for_release().handle, handle);
    assert_eq!(device.ask(|echo| echo.files.len()), 0);
}

#[test]
fn a_thousand_opens_leave_nothing_behind() {
    for inodes in [Inodes::Shared, Inodes::PerOpen] {
        let Some(device) = Mounted::start_with(inodes) else { return };
        // In a process of its own: the children of other tests inherit our files for a moment.
        let script = "i=0; while [ $i -lt 1000 ]; do : <>\"$0\"; i=$((i+1)); done";
        let output = Command::new("sh").arg("-c").arg(script).arg(device.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        for _ in 0..1000 {
            device.wait_for_release();
        }
        assert_eq!(device.ask(|echo| echo.files.len()), 0);
        let most = device.ask(|echo| echo.most_files);
        assert_eq!(most, 1, "a release arrives before the next open");
    }
}

#[test]
fn writing_with_each_way_of_opening() {
    let Some(device) = Mounted::start() else { return };
    for script in [
        "printf x > \"$0\"",
        "printf x >> \"$0\"",
        "printf x 1<> \"$0\"",
        "printf x | dd of=\"$0\"",
    ] {
        let output = Command::new("sh").arg("-c").arg(script).arg(device.path()).output().unwrap();
        assert!(output.status.success(), "{script}: {output:?}");
        let request = device.wait_for_write();
        assert_eq!(request.operation, Operation::Write { data: b"x", nonblock: false });
    }
}

#[test]
fn access_modes_are_checked_by_the_kernel() {
    let Some(device) = Mounted::start() else { return };
    let mut reader = File::open(device.path()).unwrap();
    assert_eq!(errno(reader.write(b"x")), libc::EBADF);
    let mut writer = OpenOptions::new().write(true).open(device.path()).unwrap();
    assert_eq!(errno(writer.read(&mut [0])), libc::EBADF);
}

#[test]
fn a_node_can_be_bound_to_another_place() {
    let Some(device) = Mounted::start() else { return };
    let place = tempfile::NamedTempFile::new().unwrap();
    rustix::mount::mount_bind(device.path(), place.path()).unwrap();
    let mut file = OpenOptions::new().read(true).write(true).open(place.path()).unwrap();
    file.write_all(b"x").unwrap();
    device.wait_for_write();
    chardev::unmount(place.path()).unwrap();
}

#[test]
fn when_the_server_goes_blocked_programs_get_errors() {
    let Some(mut device) = Mounted::start() else { return };
    let (mut a, mut b, mut c) = (device.open(), device.open(), device.open());
    let reading = Calling::start(move || a.read(&mut [0; 4]));
    device.wait_for_read();
    let writing = Calling::start(move || b.write(b"hold"));
    device.wait_for_write();
    device.stop();
    assert_eq!(errno(reading.result()), libc::ECONNABORTED);
    assert_eq!(errno(writing.result()), libc::ECONNABORTED);
    assert_eq!(errno(c.write(b"x")), libc::ENOTCONN);
    assert_eq!(errno(File::open(device.path())), libc::ENOTCONN);
}

#[test]
fn an_unmounted_device_is_disconnected_after_its_last_close() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    chardev::unmount(&device.directory).unwrap();
    file.write_all(b"still there").unwrap();
    device.wait_for_write();
    drop(file);
    // The last release may come or not: the kernel takes it back when the connection ends. The end
    // of the server's loop shows that the device is disconnected.
    let end = std::time::Instant::now() + DEADLINE;
    while !matches!(device.seen.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected)) {
        assert!(std::time::Instant::now() < end, "the server ends");
        std::thread::yield_now();
    }
    // For the guard, which unmounts.
    rustix::mount::mount_bind("/", &device.directory).unwrap();
}
