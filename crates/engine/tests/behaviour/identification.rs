//! Version, numbers, limits, running mode, and requests that do not exist.

use crate::rig::{Rig, errno};
use aseqd_abi::ioctl::{sequencer as s, sequencer32 as s32};
use aseqd_abi::seq::{RunningInfo, SystemInfo};
use aseqd_abi::ump::ClientUmpInfo;
use aseqd_abi::{Errno, ioctl};
use aseqd_engine::{Access, Call, Input};

#[test]
fn the_version_is_that_of_linux_7_3() {
    let mut rig = Rig::new();
    let client = rig.client();
    assert_eq!(rig.ioctl(client, s::PVERSION, 0_i32).unwrap(), 0x01_00_05);
}

#[test]
fn any_version_can_be_declared() {
    let mut rig = Rig::new();
    let client = rig.client();
    for version in [0, 0x01_00_03, i32::MAX, -1] {
        assert_eq!(rig.ioctl(client, s::USER_PVERSION, version).unwrap(), version);
    }
}

#[test]
fn numbers_are_given_from_128_up_and_reused_at_once() {
    let mut rig = Rig::new();
    let first = rig.client();
    let second = rig.client();
    assert_eq!((first.number, second.number), (128, 129));
    rig.close(first);
    assert_eq!(rig.client().number, 128);
    assert_eq!(rig.client().number, 130);
}

#[test]
fn system_info_counts_clients_of_the_kernel_and_ignores_its_input() {
    let mut rig = Rig::new();
    let client = rig.client();
    let queue = rig.create_queue(client).unwrap();
    assert_eq!(queue, 0);
    let garbage = SystemInfo { queues: 7, reserved: [7; 24], ..SystemInfo::default() };
    let expected = SystemInfo {
        queues: 32,
        clients: 192,
        ports: 254,
        channels: 256,
        cur_clients: 3,
        cur_queues: 1,
        reserved: [0; 24],
    };
    assert_eq!(rig.ioctl(client, s::SYSTEM_INFO, garbage).unwrap(), expected);
}

fn running(client: u8, big_endian: u8, cpu_mode: u8) -> RunningInfo {
    RunningInfo { client, big_endian, cpu_mode, ..RunningInfo::default() }
}

#[test]
fn running_mode_refuses_unknown_clients_big_endian_and_wide_pointers() {
    let mut rig = Rig::new();
    let client = rig.client();
    let mut ask = |info| rig.ioctl(client, s::RUNNING_MODE, info);
    assert_eq!(errno(ask(running(129, 0, 8))), Errno::ENOENT);
    assert_eq!(errno(ask(running(128, 1, 8))), Errno::EINVAL);
    assert_eq!(errno(ask(running(128, 0, 9))), Errno::EINVAL);
    assert_eq!(ask(running(128, 0, 8)), Ok(running(128, 0, 8)));
    assert_eq!(ask(running(128, 0, 4)), Ok(running(128, 0, 4)));
}

#[test]
fn running_mode_may_be_set_for_another_client_and_for_the_kernels() {
    let mut rig = Rig::new();
    let client = rig.client();
    let other = rig.client();
    assert!(rig.ioctl(client, s::RUNNING_MODE, running(other.number, 0, 4)).is_ok());
    assert!(rig.ioctl(client, s::RUNNING_MODE, running(0, 0, 4)).is_ok());
}

#[test]
fn a_request_is_its_whole_code() {
    let mut rig = Rig::new();
    let client = rig.client();
    for code in [
        s::PVERSION | ioctl::WRITE << 30, // direction
        s::PVERSION & !(ioctl::READ << 30),
        s::PVERSION + (1 << 16), // size
        s::PVERSION - (1 << 8),  // letter
        s::PVERSION + 0x0a,      // number
        0,
        u32::MAX,
    ] {
        let input = Input::Call {
            file: client.file,
            call: Call::Ioctl { request: code, compat: false, arg: &[0; 1 << 14] },
        };
        let reply = rig.engine.handle(rig.now, input, &mut Vec::new());
        assert_eq!(errno(reply.finish()), Errno::ENOTTY, "{code:#x}");
    }
}

#[test]
fn ump_information_is_no_request_without_ump() {
    let mut rig = Rig::new();
    let client = rig.client();
    for code in [s::GET_CLIENT_UMP_INFO, s::SET_CLIENT_UMP_INFO] {
        assert_eq!(errno(rig.ioctl(client, code, ClientUmpInfo::default())), Errno::ENOTTY);
    }
}

#[test]
fn a_short_argument_is_a_bad_address() {
    let mut rig = Rig::new();
    let client = rig.client();
    for (name, code) in s::ALL {
        if ioctl::direction(*code) & ioctl::WRITE == 0 {
            continue;
        }
        let arg = vec![0; ioctl::size(*code) - 1];
        let input = Input::Call {
            file: client.file,
            call: Call::Ioctl { request: *code, compat: false, arg: &arg },
        };
        let reply = rig.engine.handle(rig.now, input, &mut Vec::new());
        assert_eq!(errno(reply.finish()), Errno::EFAULT, "{name}");
    }
}

#[test]
fn a_failed_request_gives_nothing_back() {
    let mut rig = Rig::new();
    let client = rig.client();
    let mut out = vec![1, 2, 3];
    let arg = running(200, 0, 8);
    let arg = zerocopy::IntoBytes::as_bytes(&arg);
    let input = Input::Call {
        file: client.file,
        call: Call::Ioctl { request: s::RUNNING_MODE, compat: false, arg },
    };
    assert!(rig.engine.handle(rig.now, input, &mut out).finish().is_err());
    assert!(out.is_empty());
}

#[test]
fn a_few_requests_that_are_declared_write_only_give_back() {
    let mut back: Vec<_> = s::ALL
        .iter()
        .chain(s32::ALL)
        .filter(|(_, code)| aseqd_engine::copies_back(*code))
        .filter(|(_, code)| ioctl::direction(*code) == ioctl::WRITE)
        .map(|(name, _)| name.trim_start_matches("SNDRV_SEQ_IOCTL_"))
        .collect();
    back.sort_unstable();
    assert_eq!(back, ["DELETE_PORT32", "SET_CLIENT_POOL", "SET_PORT_INFO32", "SET_QUEUE_CLIENT"]);
}

#[test]
fn requests_do_not_look_at_the_access_mode() {
    let mut rig = Rig::new();
    for access in [Access::Read, Access::Write] {
        let client = rig.client_with(access);
        let port = rig.create_port(client, crate::rig::OPEN_PORT).unwrap();
        assert!(rig.create_queue(client).is_ok());
        assert!(rig.subscribe(client, port, crate::rig::THROUGH).is_ok());
        assert!(rig.subscribe(client, crate::rig::THROUGH, port).is_ok());
    }
}

#[test]
fn a_closed_file_is_a_bad_descriptor() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.close(client);
    assert_eq!(errno(rig.ioctl(client, s::PVERSION, 0)), Errno::EBADF);
    assert_eq!(errno(rig.write_bytes(client, &[0; 28])), Errno::EBADF);
    assert_eq!(errno(rig.read_bytes(client, 28)), Errno::EBADF);
}
