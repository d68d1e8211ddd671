//! `GET_CLIENT_INFO` and `SET_CLIENT_INFO`.

use crate::case::{cases, skip};
use crate::client::{Client, Mode, OPEN_PORT, name, patterned, text};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{CLIENT_DUMMY, ClientInfo, KERNEL_CLIENT, USER_CLIENT, VERSION_1_0_3};
use aseqd_abi::ump::ClientUmpInfo;

/// Ends the case on a sequencer that knows UMP.
fn without_ump(client: &Client) {
    let answer = client.query(s::GET_CLIENT_UMP_INFO, ClientUmpInfo::default());
    if answer != Err(Errno::ENOTTY) {
        skip("this sequencer knows UMP");
    }
}

cases! {
    /// Everything that a new client has not set itself is zero.
    fn a_new_client_has_nothing_set() {
        let info = Client::open().info();
        assert_eq!((info.filter, info.event_filter, info.num_ports), (0, [0; 32], 0));
        assert_eq!((info.event_lost, info.midi_version, info.group_filter), (0, 0, 0));
    }

    /// A new client is called Client-N.
    fn a_new_client_is_named_after_its_number() {
        let client = Client::open();
        assert_eq!(text(&client.info().name), format!("Client-{}", client.id));
    }

    /// A client of a program has type user, no card, and the process that opened it.
    fn a_user_client_has_its_process() {
        let info = Client::open().info();
        assert_eq!((info.client_type, info.card), (USER_CLIENT, -1));
        assert_eq!(u32::try_from(info.pid), Ok(std::process::id()));
    }

    /// System and Midi Through have type kernel, no card and no process.
    fn a_kernel_client_has_no_process() {
        for (number, called) in [(0, "System"), (14, "Midi Through")] {
            let info = Client::open().client_info(number).unwrap();
            assert_eq!((info.client_type, info.card, info.pid), (KERNEL_CLIENT, -1, -1));
            assert_eq!(text(&info.name), called);
        }
    }

    /// GET_CLIENT_INFO of a number without client is ENOENT, however wrong the number is.
    fn get_of_a_missing_client_is_enoent() {
        let client = Client::open();
        for number in [-1, i32::MIN, 192, 250, 253, 254, 255, 256, 128 + 256, i32::MAX] {
            assert_eq!(client.client_info(number), Err(Errno::ENOENT));
        }
    }

    /// GET_CLIENT_INFO answers about somebody else's client.
    fn get_of_another_client() {
        let (client, other) = (Client::open(), Client::open());
        other.set_info(|info| info.name = name("another")).unwrap();
        let info = client.client_info(other.id.into()).unwrap();
        assert_eq!((info.client, text(&info.name)), (other.id.into(), "another".to_owned()));
    }

    /// GET_CLIENT_INFO leaves multicast_filter as it was passed in, and zeroes the reserved bytes.
    fn get_leaves_the_multicast_filter() {
        let client = Client::open();
        let info = ClientInfo { client: client.id.into(), ..patterned() };
        let info = client.query(s::GET_CLIENT_INFO, info).unwrap();
        assert_eq!((info.multicast_filter, info.reserved), ([0xa5; 8], [0; 48]));
    }

    /// The bytes behind the end of the name are left as they were passed in.
    fn get_leaves_the_bytes_behind_the_name() {
        let client = Client::open();
        client.set_info(|info| info.name = name("described")).unwrap();
        let info = ClientInfo { client: client.id.into(), ..patterned() };
        let info = client.query(s::GET_CLIENT_INFO, info).unwrap();
        assert_eq!((info.name[9], info.name[10..].to_vec()), (0, vec![0xa5; 54]));
    }

    /// A GET_CLIENT_INFO that fails leaves the struct as it was.
    fn get_that_fails_changes_nothing() {
        let before = ClientInfo { client: 250, ..patterned() };
        let mut info = before;
        assert_eq!(Client::open().ioctl(s::GET_CLIENT_INFO, &mut info), Err(Errno::ENOENT));
        assert_eq!(info, before);
    }

    /// num_ports is the number of ports that exist.
    fn num_ports_counts() {
        let client = Client::open();
        for _ in 0..3 {
            client.create_port(OPEN_PORT).unwrap();
        }
        client.delete_port(1).unwrap();
        assert_eq!(client.info().num_ports, 2);
    }

    /// Name, filter, event filter and event_lost come back as they were set.
    fn set_fields_come_back() {
        let client = Client::open();
        let mut event_filter = [0; 32];
        (0..32).for_each(|at| event_filter[usize::from(at)] = at);
        client
            .set_info(|info| {
                info.name = name("a name");
                info.filter = 0x8000_0004;
                info.event_filter = event_filter;
                info.event_lost = -5;
            })
            .unwrap();
        let info = client.info();
        assert_eq!((text(&info.name), info.filter), ("a name".to_owned(), 0x8000_0004));
        assert_eq!((info.event_filter, info.event_lost), (event_filter, -5));
    }

    /// Filter bits without meaning are kept.
    fn set_keeps_unknown_filter_bits() {
        let client = Client::open();
        client.set_info(|info| info.filter = u32::MAX).unwrap();
        assert_eq!(client.info().filter, u32::MAX);
    }

    /// event_lost can be reset by the client.
    fn set_can_reset_event_lost() {
        let client = Client::open();
        client.set_info(|info| info.event_lost = 7).unwrap();
        client.set_info(|info| info.event_lost = 0).unwrap();
        assert_eq!(client.info().event_lost, 0);
    }

    /// A name of 64 bytes is cut to 63.
    fn set_cuts_a_name_to_63_bytes() {
        let client = Client::open();
        client.set_info(|info| info.name = [b'x'; 64]).unwrap();
        assert_eq!(text(&client.info().name), "x".repeat(63));
    }

    /// An empty name leaves the name as it is.
    fn set_with_an_empty_name_keeps_the_name() {
        let client = Client::open();
        client.set_info(|info| info.name = name("kept")).unwrap();
        client.set_info(|info| info.name = [0; 64]).unwrap();
        assert_eq!(text(&client.info().name), "kept");
    }

    /// Bytes of a name that are no ASCII come back.
    fn set_takes_any_bytes_as_name() {
        let client = Client::open();
        client.set_info(|info| info.name = name("Klavier \u{266a}\n\"")).unwrap();
        assert_eq!(text(&client.info().name), "Klavier \u{266a}\n\"");
    }

    /// Number of ports, card and process cannot be set.
    fn set_ignores_ports_card_and_pid() {
        let client = Client::with_port();
        let before = client.info();
        client
            .set_info(|info| {
                (info.num_ports, info.card, info.pid) = (99, 3, 1);
                info.multicast_filter = [1; 8];
                info.reserved = [1; 48];
            })
            .unwrap();
        assert_eq!(client.info(), before);
    }

    /// SET_CLIENT_INFO of another client is EPERM, whether it exists or not.
    fn set_of_another_client_is_eperm() {
        let (client, other) = (Client::open(), Client::open());
        for number in [i32::from(other.id), CLIENT_DUMMY.into(), 0, 250, -1] {
            let answer = client.set_info(|info| info.client = number);
            assert_eq!(answer, Err(Errno::EPERM));
        }
    }

    /// SET_CLIENT_INFO with another type than the client has is EINVAL.
    fn set_of_another_type_is_einval() {
        let client = Client::open();
        for wrong in [0, KERNEL_CLIENT, 3, -1] {
            assert_eq!(client.set_info(|info| info.client_type = wrong), Err(Errno::EINVAL));
        }
    }

    /// SET_CLIENT_INFO looks at the number before the type.
    fn set_looks_at_the_number_first() {
        let client = Client::open();
        let answer = client.set_info(|info| (info.client, info.client_type) = (0, KERNEL_CLIENT));
        assert_eq!(answer, Err(Errno::EPERM));
    }

    /// A SET_CLIENT_INFO that fails changes nothing.
    fn set_that_fails_changes_nothing() {
        let client = Client::open();
        let before = client.info();
        let answer = client.set_info(|info| {
            info.client_type = KERNEL_CLIENT;
            info.name = name("not taken");
            info.filter = 7;
        });
        assert_eq!(answer, Err(Errno::EINVAL));
        assert_eq!(client.info(), before);
    }

    /// A program that declares no version may pass any midi_version: it is ignored.
    fn midi_version_is_ignored_without_a_declared_version() {
        let client = Client::open();
        for midi_version in [1, 2, 3, u32::MAX] {
            client.set_info(|info| info.midi_version = midi_version).unwrap();
            assert_eq!(client.info().midi_version, 0);
        }
    }

    /// A program that declares 1.0.2 may pass any midi_version: it is ignored.
    fn midi_version_is_ignored_below_1_0_3() {
        let client = Client::open();
        client.declare_version(VERSION_1_0_3 - 1);
        client.set_info(|info| info.midi_version = 9).unwrap();
        assert_eq!(client.info().midi_version, 0);
    }

    /// A program that declares 1.0.3 may not pass a midi_version above 2.
    fn midi_version_3_is_einval_from_1_0_3() {
        let client = Client::open();
        client.declare_version(VERSION_1_0_3);
        for wrong in [3, u32::MAX] {
            assert_eq!(client.set_info(|info| info.midi_version = wrong), Err(Errno::EINVAL));
        }
        assert_eq!(client.set_info(|info| info.midi_version = 0), Ok(()));
    }

    /// Without UMP in the sequencer, midi_version 1 and 2 are EINVAL from declared version
    /// 1.0.3.
    fn midi_version_1_is_einval_without_ump() {
        let client = Client::open();
        without_ump(&client);
        client.declare_version(VERSION_1_0_3);
        for wrong in [1, 2] {
            assert_eq!(client.set_info(|info| info.midi_version = wrong), Err(Errno::EINVAL));
        }
    }

    /// The group filter keeps its 17 lowest bits.
    since "6.12" fn group_filter_keeps_17_bits() {
        let client = Client::open();
        client.set_info(|info| info.group_filter = u32::MAX).unwrap();
        assert_eq!(client.info().group_filter, 0x1_ffff);
    }

    /// The group filter's place is reserved: it is not kept.
    until "6.12" fn group_filter_is_reserved() {
        let client = Client::open();
        client.set_info(|info| info.group_filter = u32::MAX).unwrap();
        assert_eq!(client.info().group_filter, 0);
    }

    /// Client information can be changed in every access mode.
    fn set_works_in_every_access_mode() {
        for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
            let client = Client::open_as(mode);
            client.set_info(|info| info.name = name("mode")).unwrap();
            assert_eq!(text(&client.info().name), "mode");
        }
    }

    /// The information of a client that has gone is ENOENT.
    fn get_of_a_closed_client_is_enoent() {
        let (client, other) = (Client::open(), Client::open());
        let number = other.id.into();
        drop(other);
        crate::client::wait_until("the client is gone", || {
            client.client_info(number) == Err(Errno::ENOENT)
        });
    }
}
