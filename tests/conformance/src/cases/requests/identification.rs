//! Versions, numbers and limits.

use crate::case::cases;
use crate::client::Client;
use abi::Errno;
use abi::ioctl::sequencer as s;
use abi::seq::{RunningInfo, SystemInfo};

cases! {
    /// The number of a client that opens the device is between 128 and 191.
    fn client_id_is_that_of_a_user_client() {
        assert!((128..192).contains(&Client::open().id));
    }

    /// SYSTEM_INFO reports 32 queues, 192 clients, 254 ports, 256 channels.
    fn system_info_reports_the_limits() {
        let info = Client::open().query(s::SYSTEM_INFO, SystemInfo::default()).unwrap();
        assert_eq!((info.queues, info.clients, info.ports, info.channels), (32, 192, 254, 256));
    }

    /// RUNNING_MODE of a client that does not exist is ENOENT.
    fn running_mode_of_a_missing_client_is_enoent() {
        let info = RunningInfo { client: 250, cpu_mode: 8, ..RunningInfo::default() };
        assert_eq!(Client::open().query(s::RUNNING_MODE, info), Err(Errno::ENOENT));
    }

    /// The protocol version is at least 1.0.4.
    since "6.12" fn pversion_is_1_0_4_or_later() {
        assert!(Client::open().pversion() >= 0x01_00_04);
    }
}
