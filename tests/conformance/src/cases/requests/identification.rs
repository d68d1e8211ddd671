//! Versions, numbers and limits.

use crate::case::cases;
use crate::client::{Client, Mode, patterned};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{CLIENT_DUMMY, CLIENT_SYSTEM, RunningInfo, SystemInfo};

fn running(client: u8, big_endian: u8, cpu_mode: u8) -> RunningInfo {
    RunningInfo { client, big_endian, cpu_mode, ..RunningInfo::default() }
}

fn system_info(client: &Client) -> SystemInfo {
    client.query(s::SYSTEM_INFO, patterned()).unwrap()
}

cases! {
    /// The number of a client that opens the device is between 128 and 191.
    fn client_id_is_that_of_a_user_client() {
        assert!((128..192).contains(&Client::open().id));
    }

    /// Every open is a client of its own.
    fn every_open_is_another_client() {
        let clients = [Client::open(), Client::open(), Client::open()];
        assert!(clients[0].id != clients[1].id && clients[1].id != clients[2].id);
        assert!(clients[0].id != clients[2].id);
    }

    /// A new client gets the lowest user client number that is free.
    fn client_id_is_the_lowest_free_number() {
        let client = Client::open();
        assert!((128..client.id).all(|below| client.client_info(below.into()).is_ok()));
    }

    /// CLIENT_ID is the same however the device was opened.
    fn client_id_answers_in_every_access_mode() {
        for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
            let client = Client::open_as(mode);
            assert_eq!(client.query(s::CLIENT_ID, 0), Ok(i32::from(client.id)));
        }
    }

    /// The major number of the protocol version is 1.
    fn pversion_has_major_1() {
        assert_eq!(Client::open().pversion() >> 16, 1);
    }

    /// The protocol version of Linux 6.1 is 1.0.3.
    until "6.12" fn pversion_is_1_0_3() {
        assert_eq!(Client::open().pversion(), 0x01_00_03);
    }

    /// The protocol version is at least 1.0.4.
    since "6.12" until "6.14" fn pversion_is_1_0_4() {
        assert_eq!(Client::open().pversion(), 0x01_00_04);
    }

    /// PVERSION is 1.0.5 from 6.14 on.
    since "6.14" fn pversion_is_1_0_5_or_later() {
        assert!(Client::open().pversion() >= 0x01_00_05);
    }

    /// USER_PVERSION takes any number.
    fn user_pversion_takes_any_number() {
        let client = Client::open();
        for version in [0, 1, -1, i32::MAX, i32::MIN, 0x01_00_02, 0x02_00_00] {
            assert_eq!(client.query(s::USER_PVERSION, version), Ok(version));
        }
    }

    /// Declaring a version does not change what PVERSION answers.
    fn user_pversion_does_not_change_pversion() {
        let client = Client::open();
        let before = client.pversion();
        client.declare_version(0x01_00_00);
        assert_eq!(client.pversion(), before);
    }

    /// SYSTEM_INFO reports 32 queues, 192 clients, 254 ports, 256 channels.
    fn system_info_reports_the_limits() {
        let info = Client::open().query(s::SYSTEM_INFO, SystemInfo::default()).unwrap();
        assert_eq!((info.queues, info.clients, info.ports, info.channels), (32, 192, 254, 256));
    }

    /// SYSTEM_INFO does not look at what is passed in, and zeroes what it does not fill.
    fn system_info_overwrites_everything() {
        assert_eq!(system_info(&Client::open()).reserved, [0; 24]);
    }

    /// SYSTEM_INFO counts the clients that there are, kernel clients included.
    fn system_info_counts_clients() {
        let client = Client::open();
        let existing = (0..192).filter(|number| client.client_info(*number).is_ok()).count();
        assert_eq!(usize::try_from(system_info(&client).cur_clients), Ok(existing));
        assert!(existing >= 3);
    }

    /// SYSTEM_INFO counts the queues that there are.
    fn system_info_counts_queues() {
        let client = Client::open();
        let before = system_info(&client).cur_queues;
        let queues = [client.create_queue(), client.create_queue()];
        assert_eq!(system_info(&client).cur_queues, before + 2);
        queues.into_iter().for_each(|queue| client.delete_queue(queue).unwrap());
        assert_eq!(system_info(&client).cur_queues, before);
    }

    /// RUNNING_MODE of the own client succeeds with every pointer size from 0 to 8.
    fn running_mode_takes_cpu_modes_up_to_8() {
        let client = Client::open();
        for mode in (0..=8).rev() {
            assert!(client.query(s::RUNNING_MODE, running(client.id, 0, mode)).is_ok());
        }
    }

    /// RUNNING_MODE with a pointer size above 8 is EINVAL.
    fn running_mode_of_9_is_einval() {
        let client = Client::open();
        for mode in [9, 64, 255] {
            let answer = client.query(s::RUNNING_MODE, running(client.id, 0, mode));
            assert_eq!(answer, Err(Errno::EINVAL));
        }
    }

    /// RUNNING_MODE with the other byte order is EINVAL.
    fn running_mode_of_the_other_byte_order_is_einval() {
        let client = Client::open();
        let other = if cfg!(target_endian = "little") { [1, 2, 255] } else { [0; 3] };
        for big_endian in other {
            let answer = client.query(s::RUNNING_MODE, running(client.id, big_endian, 8));
            assert_eq!(answer, Err(Errno::EINVAL));
        }
    }

    /// RUNNING_MODE of a client that does not exist is ENOENT.
    fn running_mode_of_a_missing_client_is_enoent() {
        assert_eq!(Client::open().query(s::RUNNING_MODE, running(250, 0, 8)), Err(Errno::ENOENT));
    }

    /// RUNNING_MODE looks for the client before it looks at the rest.
    fn running_mode_looks_for_the_client_first() {
        assert_eq!(Client::open().query(s::RUNNING_MODE, running(250, 1, 99)), Err(Errno::ENOENT));
    }

    /// RUNNING_MODE may name a client of somebody else.
    fn running_mode_may_name_another_client() {
        let (client, other) = (Client::open(), Client::open());
        assert!(client.query(s::RUNNING_MODE, running(other.id, 0, 8)).is_ok());
    }

    /// RUNNING_MODE returns what was passed in.
    fn running_mode_changes_nothing_in_the_struct() {
        let client = Client::open();
        let info = RunningInfo { pad: 7, reserved: [9; 12], ..running(client.id, 0, 8) };
        assert_eq!(client.query(s::RUNNING_MODE, info), Ok(info));
    }

    /// The system client and Midi Through exist.
    fn system_and_through_exist() {
        let client = Client::open();
        assert!(client.client_info(CLIENT_SYSTEM.into()).is_ok());
        assert!(client.client_info(CLIENT_DUMMY.into()).is_ok());
    }
}
