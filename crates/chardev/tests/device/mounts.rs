//! The other ways to mount: the set-uid helper, a user namespace; and 32-bit programs.

use std::io::{ErrorKind, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use chardev::{Buffer, Config, Device, Inodes, IoctlAbi, MountOptions, Node, Operation};
use skip::skip;

use super::echo::*;
use super::sys;

#[test]
fn the_helper_mounts_and_unmounts() {
    if let Err(error) = sys::unshare_mounts() {
        skip(&format!("no mounts of our own: {error}"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = MountOptions::new("echo-test");
    let fuse = match chardev::mount_with_fusermount(folder.path(), &options) {
        Ok(fuse) => fuse,
        Err(error) => {
            skip(&error.to_string());
            return;
        }
    };
    let nodes = vec![Node { name: "echo".into(), mode: 0o666, uid: 0, gid: 0 }];
    let mut device = Device::new(fuse, Config { nodes, ..Config::default() }).unwrap();
    let listing = Calling::start({
        let path = folder.path().to_path_buf();
        move || std::fs::read_dir(path).unwrap().count()
    });
    let mut buffer = Buffer::new();
    let listed = loop {
        let fd = rustix::event::PollFd::new(&device, rustix::event::PollFlags::IN);
        let tick = rustix::event::Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        rustix::event::poll(&mut [fd], Some(&tick)).unwrap();
        assert_eq!(device.receive(&mut buffer).unwrap(), None);
        if let Some(listed) = listing.poll() {
            break listed;
        }
    };
    assert_eq!(listed, 1);
    let mounts = std::fs::read_to_string("/proc/thread-self/mounts").unwrap();
    let line = mounts.lines().find(|line| line.contains(folder.path().to_str().unwrap())).unwrap();
    assert!(line.starts_with("echo-test "), "{line}");
    assert!(line.contains(" fuse.echo-test "), "{line}");
    for option in ["nosuid", "nodev", "noexec", "default_permissions", "allow_other"] {
        assert!(line.contains(option), "{line}");
    }
    chardev::unmount(folder.path()).unwrap();
}

#[test]
fn a_missing_helper_is_named() {
    let helper = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "mounts::without_helper", "--nocapture"])
        .env("CHARDEV_TEST_WITHOUT_HELPER", "1")
        .env("PATH", "/nonexistent")
        .output()
        .unwrap();
    assert!(helper.status.success(), "{helper:?}");
}

/// Not a test by itself: the process without programs, for the test above.
#[test]
fn without_helper() {
    if std::env::var_os("CHARDEV_TEST_WITHOUT_HELPER").is_none() {
        return;
    }
    let options = MountOptions::new("echo-test");
    let error = chardev::mount_with_fusermount(Path::new("/tmp"), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("fusermount3 is not installed"), "{error}");
}

#[test]
fn root_of_a_user_namespace_can_mount() {
    let helper = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "mounts::in_a_user_namespace", "--nocapture"])
        .env("CHARDEV_TEST_USER_NAMESPACE", "1")
        .output();
    let said = match &helper {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout),
        Ok(output) if output.status.code() == Some(1) => {
            skip(&format!("no user namespace: {output:?}"));
            return;
        }
        other => panic!("{other:?}"),
    };
    assert!(said.contains("MOUNTED"), "{said}");
}

/// Not a test by itself: the process in a user namespace, for the test above.
#[test]
fn in_a_user_namespace() {
    if std::env::var_os("CHARDEV_TEST_USER_NAMESPACE").is_none() {
        return;
    }
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    file.write_all(b"x").unwrap();
    let request = device.wait_for_write();
    assert_eq!(request.caller.uid, 0, "as the namespace sees it");
    drop(file);
    println!("MOUNTED");
}

/// A program that has never heard of large files, without a C library.
const PROGRAM_32: &str = r#"
static long call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}
static char data[16] = "0123456789abcdef";
void _start(void) {
    long file = call(5, (long)NODE, 2, 0);                /* open(NODE, O_RDWR) */
    if (file < 0) call(1, -file, 0, 0);
    if (call(54, file, IOCTL, (long)data) != 5) call(1, 201, 0, 0);
    if (data[0] != 'f' || data[15] != '0') call(1, 202, 0, 0);
    if (call(4, file, (long)data, 16) != 16) call(1, 203, 0, 0);  /* write */
    if (call(3, file, (long)data, 16) != 16) call(1, 204, 0, 0);  /* read */
    call(1, 0, 0, 0);
}
"#;

#[test]
fn a_32_bit_program_without_large_files_works() {
    for inodes in [Inodes::Shared, Inodes::PerOpen] {
        let Some(device) = Mounted::start_with(inodes) else { return };
        let folder = tempfile::tempdir().unwrap();
        let (source, program) = (folder.path().join("p.c"), folder.path().join("p"));
        std::fs::write(&source, PROGRAM_32).unwrap();
        let compiled = Command::new("cc")
            .args(["-m32", "-ffreestanding", "-fno-pie", "-no-pie", "-nostdlib", "-static"])
            .args(["-fno-stack-protector"])
            .arg(format!("-DNODE=\"{}\"", device.path().display()))
            .arg(format!("-DIOCTL={IOCTL_REVERSE:#x}"))
            .arg("-o")
            .args([&program, &source])
            .output();
        match compiled {
            Ok(output) if output.status.success() => {}
            other => {
                skip(&format!("cannot compile for 32 bits: {other:?}"));
                return;
            }
        }
        let status = match Command::new(&program).status() {
            Ok(status) if status.signal().is_none() => status,
            other => {
                skip(&format!("cannot run 32-bit programs: {other:?}"));
                return;
            }
        };
        assert_eq!(status.code(), Some(0), "an errno, or the place in the program");
        let ioctl = device
            .wait_for("ioctl", |request| matches!(request.operation, Operation::Ioctl { .. }));
        let Operation::Ioctl { abi, .. } = ioctl.operation else { panic!() };
        assert_eq!(abi, IoctlAbi::Compat32);
    }
}
